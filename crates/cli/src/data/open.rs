//! Files, unpacked if they are packed, and what they are: said by their first bytes, not by their names.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use super::elsewhere::recognise;
use crate::failure::Failure;
use crate::foreign::Foreign;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFormat {
    /// Begins with two zero bytes.
    Idx,
    /// Anything else that is not known to be something else.
    Csv,
}

/// Opens a file.
pub fn open(path: &Path) -> Result<(FileFormat, Box<dyn BufRead>), Failure> {
    let name = Foreign::path(path).to_string();
    let failed = |error: io::Error| unreadable(&name, &error);
    let mut file = BufReader::new(File::open(path).map_err(failed)?);
    let packed = file.fill_buf().map_err(failed)?.starts_with(&[0x1f, 0x8b]);
    let mut reader: Box<dyn BufRead> =
        if packed { Box::new(BufReader::new(MultiGzDecoder::new(file))) } else { Box::new(file) };
    let start = reader.fill_buf().map_err(failed)?;
    if start.is_empty() {
        return Err(Failure::Usage(format!("{name} is empty")));
    }
    if let Some(what) = recognise(start) {
        return Err(Failure::Usage(format!("{name} is {what}")));
    }
    Ok((if start.starts_with(&[0, 0]) { FileFormat::Idx } else { FileFormat::Csv }, reader))
}

/// The operating system refused, or a packed file is damaged.
pub fn unreadable(name: &str, error: &io::Error) -> Failure {
    Failure::Usage(format!("can't read {name}: {error}"))
}
