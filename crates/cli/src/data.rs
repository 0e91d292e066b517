//! Tables: from files, from standard input, or the embedded digits.

use std::path::{Path, PathBuf};

use nxm_data::{Foreign, Missing, ReadOptions, Reading, Table, TableReader};

use crate::args::TableArgs;
use crate::digits;
use crate::failure::Failure;

/// Where a table is.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// In the program.
    Digits,
    /// In a file; `-` is standard input.
    File {
        /// The file.
        data: &'a Path,
        /// The labels of IDX images, if their file was named.
        labels: Option<&'a Path>,
    },
}

/// What errors call the source that is no file.
const DIGITS: &str = "the embedded digits";

impl<'a> Source<'a> {
    /// A source from the command line.
    pub fn new(data: Option<&'a PathBuf>, labels: Option<&'a PathBuf>) -> Result<Source<'a>, Failure> {
        match (data, labels) {
            (Some(data), labels) => Ok(Source::File { data, labels: labels.map(PathBuf::as_path) }),
            (None, None) => Ok(Source::Digits),
            (None, Some(_)) => Err(Failure::Usage("--labels is given, and no file of images".to_owned())),
        }
    }

    /// What errors call it.
    pub fn name(&self) -> String {
        match self {
            Source::Digits => DIGITS.to_owned(),
            Source::File { data, .. } if data.as_os_str() == "-" => "standard input".to_owned(),
            Source::File { data, .. } => Foreign::path(data).to_string(),
        }
    }

    /// Begins to read it. Texts mean what they meant in the table that a model was trained on, unless told.
    pub fn open(&self, args: &TableArgs, as_before: Option<&Reading>) -> Result<TableReader<'a>, Failure> {
        match *self {
            Source::Digits if *args != TableArgs::default() => {
                Err(Failure::Usage(format!("how a file is read can't be said of {DIGITS}")))
            }
            Source::Digits => {
                let options = ReadOptions::default().with_header(true);
                Ok(TableReader::from_reader(digits::CSV.as_bytes(), DIGITS, &options)?)
            }
            Source::File { data, labels } => {
                let mut options = args.options();
                if let Some(Reading { missing, decimal_comma }) = as_before {
                    if args.missing.is_empty() {
                        options.missing = Missing::with(missing);
                    }
                    if args.decimal_comma.is_none() && *decimal_comma {
                        options.decimal_comma = Some(true);
                    }
                }
                options.labels = labels.map(Path::to_owned);
                Ok(TableReader::open(data, &options)?)
            }
        }
    }

    /// Reads all of it. Returns how it is written, too.
    pub fn read(&self, args: &TableArgs, as_before: Option<&Reading>) -> Result<(Table, String), Failure> {
        let (table, dialect) = self.open(args, as_before)?.into_table()?;
        Ok((table, dialect.to_string()))
    }
}
