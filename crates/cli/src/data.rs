//! Examples from files: CSV with a header, IDX (the format of MNIST), or the embedded digits.

mod elsewhere;
mod examples;
mod idx;
mod open;
mod records;
mod room;
mod scheme;
mod table;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::args::TableArgs;
use crate::digits;
use crate::failure::Failure;
use crate::foreign::Foreign;
use examples::{Labels, Lines, Numbers};
use open::{FileFormat, open};
use room::Room;

pub use examples::{Examples, all_rows};
pub use scheme::{Meaning, Scheme};

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
    /// All of it but the columns that are ignored, to learn a column.
    Learn {
        /// The column; none for images, which have labels of their own.
        label: Option<&'a str>,
        /// Columns that are left out.
        ignore: &'a [String],
    },
    /// What a model was trained on, and the labels.
    Judge(&'a Columns),
    /// The same without labels.
    Predict(&'a Columns),
}

/// What errors call the source that is no file.
const DIGITS: &str = "the embedded digits";

impl Source<'_> {
    /// What errors call it.
    pub fn name(&self) -> String {
        match self {
            Source::Digits => DIGITS.to_owned(),
            Source::File { data, .. } => Foreign::path(data).to_string(),
        }
    }

    /// Reads it.
    pub fn read(&self, want: Want<'_>, args: &TableArgs) -> Result<Examples, Failure> {
        let name = self.name();
        let Source::File { data, labels } = *self else {
            if args.header.is_some() {
                return Err(Failure::Usage(format!("{name} name their columns: --header is for CSV files")));
            }
            let want = match want {
                Want::Learn { label: None, ignore } => Want::Learn { label: Some(digits::LABEL), ignore },
                want => want,
            };
            return table::read(digits::CSV.as_bytes(), &name, want, &TableArgs::default());
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
            (FileFormat::Csv, want) => table::read(reader, &name, want, args),
            (FileFormat::Idx, Want::Learn { label: Some(_), .. }) => {
                Err(Failure::Usage(format!("{name} has no columns: --label is for CSV files, --labels for these")))
            }
            (FileFormat::Idx, Want::Learn { ignore: [_, ..], .. }) => {
                Err(Failure::Usage(format!("{name} has no columns: --ignore is for CSV files")))
            }
            (FileFormat::Idx, _) if args.header.is_some() => {
                Err(Failure::Usage(format!("{name} has no columns: --header is for CSV files")))
            }
            (
                FileFormat::Idx,
                Want::Judge(Columns::Table { label, .. }) | Want::Predict(Columns::Table { label, .. }),
            ) => Err(Failure::Usage(format!(
                "{name} holds IDX images: the model was trained on a table with the column {}",
                Foreign::quoted(label)
            ))),
            (FileFormat::Idx, want) => images((data, &name), reader, labels, want, Room::new(args.max_data)),
        }
    }
}

/// Images, and the labels that belong to them.
fn images(
    (path, name): (&Path, &str),
    reader: impl std::io::Read,
    labels: Option<&Path>,
    want: Want<'_>,
    room: Room,
) -> Result<Examples, Failure> {
    let images = idx::read(reader, name, room)?;
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
    let (labels, file) = match want {
        Want::Predict(_) => (Labels::default(), String::new()),
        Want::Learn { .. } | Want::Judge(_) => labels_of((path, name), *count, labels, room)?,
    };
    let (inputs, lines) = (Numbers::Bytes(images.bytes), Lines::default());
    Ok(Examples { columns, inputs, labels, lines, files: [name.to_owned(), file] })
}

/// The labels of so many images, and their file.
fn labels_of(
    (images, name): (&Path, &str),
    count: usize,
    given: Option<&Path>,
    room: Room,
) -> Result<(Labels, String), Failure> {
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
    let file = Foreign::path(&path).to_string();
    if kind == FileFormat::Csv {
        return Err(Failure::Usage(format!("{file} is no IDX file: the labels of {name} are needed")));
    }
    let labels = idx::read(reader, &file, room)?;
    if labels.shape != [count] {
        let shape = times(&labels.shape);
        return Err(Failure::Usage(format!(
            "{file} has the shape {shape}: {count} labels are needed, one for each image of {name}"
        )));
    }
    let mut texts = Labels::default();
    for label in labels.bytes {
        texts.push(&label.to_string())?;
        room.check(texts.bytes(), || file.clone())?;
    }
    Ok((texts, file))
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
            // A file may say any shape: one beyond all counting fits no network.
            Columns::Images { shape } => shape.iter().fold(1, |product, size| product.saturating_mul(*size)),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_beyond_all_counting_is_no_small_one() {
        // Wrapped, these products are small.
        let beyond = [vec![usize::MAX, 2, usize::MAX], vec![1 << (usize::BITS / 2); 2]];
        for shape in beyond {
            assert_eq!(Columns::Images { shape }.features(), usize::MAX);
        }
        assert_eq!(Columns::Images { shape: vec![2, 3] }.features(), 6);
    }
}
