//! Examples from files: CSV with a header, IDX (the format of MNIST), or the embedded digits.

mod idx;
mod open;
mod scheme;
mod table;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3Default;

use crate::digits;
use crate::failure::Failure;
use open::{FileFormat, open};

pub use scheme::{Meaning, Scaling, Scheme};

/// Where examples are.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// In the program.
    Digits,
    /// In a file; the labels of IDX images perhaps in a file that was named.
    File {
        /// CSV, or IDX images.
        data: &'a Path,
        /// IDX labels.
        labels: Option<&'a Path>,
    },
}

/// What examples consist of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Columns {
    /// Columns by their names.
    Table {
        /// Those with numbers.
        features: Vec<String>,
        /// The one that is learned.
        label: String,
    },
    /// Pixels.
    Images {
        /// Height and width, or whatever the file says.
        shape: Vec<usize>,
    },
}

/// What is read of a source.
#[derive(Clone, Copy, Debug)]
pub enum Want<'a> {
    /// All of it, to learn this column (none for images, which have labels of their own).
    Learn(Option<&'a str>),
    /// What a model was trained on, and the labels.
    Judge(&'a Columns),
    /// The same without labels.
    Predict(&'a Columns),
}

/// Examples as they stand in a file.
#[derive(Debug)]
pub struct Examples {
    /// What they consist of.
    pub columns: Columns,
    /// Their numbers, a row for each.
    pub inputs: Vec<f32>,
    /// Their labels as they are written; none if they were not wanted.
    pub labels: Vec<String>,
    /// What errors call the file of the inputs, and that of the labels.
    files: [String; 2],
}

/// What errors call the source that is no file.
const DIGITS: &str = "the embedded digits";

impl Source<'_> {
    /// What errors call it.
    pub fn name(&self) -> String {
        match self {
            Source::Digits => DIGITS.to_owned(),
            Source::File { data, .. } => data.display().to_string(),
        }
    }

    /// Reads it.
    pub fn read(&self, want: Want<'_>) -> Result<Examples, Failure> {
        let name = self.name();
        let Source::File { data, labels } = *self else {
            let want = match want {
                Want::Learn(None) => Want::Learn(Some(digits::LABEL)),
                want => want,
            };
            return table::read(digits::CSV.as_bytes(), &name, want);
        };
        let (kind, reader) = open(data)?;
        match (kind, want) {
            (FileFormat::Csv, _) if labels.is_some() => Err(Failure::Usage(format!(
                "{name} is a CSV file: its labels are in a column, and --labels is for IDX images"
            ))),
            (FileFormat::Csv, Want::Judge(Columns::Images { shape }) | Want::Predict(Columns::Images { shape })) => {
                Err(Failure::Usage(format!(
                    "{name} is a CSV file: the model was trained on IDX images of {} pixels",
                    times(shape)
                )))
            }
            (FileFormat::Csv, want) => table::read(reader, &name, want),
            (FileFormat::Idx, Want::Learn(Some(_))) => {
                Err(Failure::Usage(format!("{name} has no columns: --label is for CSV files, --labels for these")))
            }
            (
                FileFormat::Idx,
                Want::Judge(Columns::Table { label, .. }) | Want::Predict(Columns::Table { label, .. }),
            ) => Err(Failure::Usage(format!(
                "{name} holds IDX images: the model was trained on a table with the column {label:?}"
            ))),
            (FileFormat::Idx, want) => images(data, &name, reader, labels, want),
        }
    }
}

/// Images, and the labels that belong to them.
fn images(
    path: &Path,
    name: &str,
    reader: impl std::io::Read,
    labels: Option<&Path>,
    want: Want<'_>,
) -> Result<Examples, Failure> {
    let images = idx::read(reader, name)?;
    let [count, shape @ ..] = &images.shape[..] else { unreachable!("IDX has at least one dimension") };
    if shape.is_empty() || shape.contains(&0) {
        return Err(Failure::Usage(format!(
            "{name} has the shape {}: images have at least two dimensions, each at least 1",
            times(&images.shape)
        )));
    }
    if *count == 0 {
        return Err(Failure::Usage(format!("{name} holds 0 images")));
    }
    if let Want::Judge(Columns::Images { shape: expected }) | Want::Predict(Columns::Images { shape: expected }) = want
        && shape != expected
    {
        let [expected, found] = [expected.as_slice(), shape].map(times);
        return Err(Failure::Usage(format!(
            "{name} holds images of {found} pixels: the model was trained on {expected}"
        )));
    }
    let columns = Columns::Images { shape: shape.to_vec() };
    let inputs = images.bytes.iter().map(|byte| f32::from(*byte)).collect();
    let (labels, file) = match want {
        Want::Predict(_) => (Vec::new(), String::new()),
        Want::Learn(_) | Want::Judge(_) => labels_of(path, name, *count, labels)?,
    };
    Ok(Examples { columns, inputs, labels, files: [name.to_owned(), file] })
}

/// The labels of so many images, and their file.
fn labels_of(images: &Path, name: &str, count: usize, given: Option<&Path>) -> Result<(Vec<String>, String), Failure> {
    let guess = || {
        let file = images.file_name()?.to_str()?;
        let beside = images.with_file_name(file.replace("images", "labels").replace("idx3", "idx1"));
        // A pipe that happens to have this name would be waited for.
        (beside != *images && beside.is_file()).then_some(beside)
    };
    let Some(path) = given.map(Path::to_owned).or_else(guess) else {
        return Err(Failure::Usage(format!("{name} has no file of labels beside it: name it by --labels")));
    };
    let (kind, reader) = open(&path)?;
    let file = path.display().to_string();
    if kind == FileFormat::Csv {
        return Err(Failure::Usage(format!("{file} is no IDX file: the labels of {name} are needed")));
    }
    let labels = idx::read(reader, &file)?;
    if labels.shape != [count] {
        let shape = times(&labels.shape);
        return Err(Failure::Usage(format!(
            "{file} has the shape {shape}: {count} labels are needed, one for each image of {name}"
        )));
    }
    Ok((labels.bytes.iter().map(u8::to_string).collect(), file))
}

/// "28 × 28".
fn times(shape: &[usize]) -> String {
    let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
    sizes.join(" × ")
}

impl Columns {
    /// Numbers of an example.
    pub fn features(&self) -> usize {
        match self {
            Columns::Table { features, .. } => features.len(),
            // A model may say any sizes; no network has so many inputs.
            Columns::Images { shape } => shape.iter().fold(1, |all: usize, size| all.saturating_mul(*size)),
        }
    }
}

impl Examples {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.inputs.len() / self.columns.features()
    }

    /// Where errors say that a number of an example stands.
    fn input_place(&self, row: usize, column: usize) -> String {
        match &self.columns {
            Columns::Table { features, .. } => table::place(&self.files[0], row, &features[column]),
            Columns::Images { .. } => format!("{}, image {}, pixel {}", self.files[0], row + 1, column + 1),
        }
    }

    /// Where errors say that a label stands.
    fn label_place(&self, row: usize) -> String {
        match &self.columns {
            Columns::Table { label, .. } => table::place(&self.files[1], row, label),
            Columns::Images { .. } => format!("{}, label {}", self.files[1], row + 1),
        }
    }

    /// What tells them from others: a resumed training must see the same.
    pub fn fingerprint(&self) -> String {
        let mut hash = Xxh3Default::new();
        self.inputs.iter().for_each(|x| hash.update(&x.to_bits().to_le_bytes()));
        for label in &self.labels {
            hash.update(&(label.len() as u64).to_le_bytes());
            hash.update(label.as_bytes());
        }
        format!("{:016x}", hash.digest())
    }
}

/// A source from the command line.
pub fn source<'a>(data: Option<&'a PathBuf>, labels: Option<&'a PathBuf>) -> Result<Source<'a>, Failure> {
    match (data, labels) {
        (Some(data), labels) => Ok(Source::File { data, labels: labels.map(PathBuf::as_path) }),
        (None, None) => Ok(Source::Digits),
        (None, Some(_)) => Err(Failure::Usage("--labels is given, and no file of images".to_owned())),
    }
}
