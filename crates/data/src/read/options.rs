//! How a file is read, where its reader does not want that to be detected.

use std::path::PathBuf;

use crate::error::TableError;
use crate::missing::Missing;

/// How a file is read. By default everything is detected.
///
/// ```
/// use nxm_data::{ReadOptions, Table};
///
/// let options = ReadOptions::default().with_separator(b';').with_header(true);
/// let table = Table::read_from("length;width\n1,5;2\n".as_bytes(), "leaves", &options)?;
/// assert_eq!((table.rows(), table.columns()[1].name.as_str()), (1, "width"));
/// # Ok::<(), nxm_data::TableError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadOptions {
    /// Whether the first line of a text names the columns. Without names, columns are called 1, 2, 3, ….
    pub header: Option<bool>,
    /// What stands between the cells of a text. A space means any run of spaces and tabs.
    pub separator: Option<u8>,
    /// Whether numbers of a text have a comma before their fractions.
    pub decimal_comma: Option<bool>,
    /// The texts that say that a value is missing.
    pub missing: Missing,
    /// Bytes of a line of a text, at most.
    pub max_line: usize,
    /// Bytes of a cell of a text, at most.
    pub max_cell: usize,
    /// The file of labels that belongs to a file of IDX images. Without, a file of labels is looked for beside the images:
    /// `train-labels-idx1-ubyte` beside `train-images-idx3-ubyte`.
    pub labels: Option<PathBuf>,
}

/// A million columns of numbers.
const MAX_LINE: usize = 32 << 20;
/// More than a class or a number can mean; what is longer is rather a quote that nobody closed.
const MAX_CELL: usize = 1 << 20;

impl Default for ReadOptions {
    fn default() -> ReadOptions {
        ReadOptions {
            header: None,
            separator: None,
            decimal_comma: None,
            missing: Missing::default(),
            max_line: MAX_LINE,
            max_cell: MAX_CELL,
            labels: None,
        }
    }
}

impl ReadOptions {
    /// Sets [`header`](Self::header).
    pub fn with_header(self, header: bool) -> Self {
        ReadOptions { header: Some(header), ..self }
    }

    /// Sets [`separator`](Self::separator).
    pub fn with_separator(self, separator: u8) -> Self {
        ReadOptions { separator: Some(separator), ..self }
    }

    /// Sets [`decimal_comma`](Self::decimal_comma).
    pub fn with_decimal_comma(self, decimal_comma: bool) -> Self {
        ReadOptions { decimal_comma: Some(decimal_comma), ..self }
    }

    /// Sets [`missing`](Self::missing).
    pub fn with_missing(self, missing: Missing) -> Self {
        ReadOptions { missing, ..self }
    }

    /// Sets [`max_line`](Self::max_line).
    pub fn with_max_line(self, max_line: usize) -> Self {
        ReadOptions { max_line, ..self }
    }

    /// Sets [`max_cell`](Self::max_cell).
    pub fn with_max_cell(self, max_cell: usize) -> Self {
        ReadOptions { max_cell, ..self }
    }

    /// Sets [`labels`](Self::labels).
    pub fn with_labels(self, labels: impl Into<PathBuf>) -> Self {
        ReadOptions { labels: Some(labels.into()), ..self }
    }

    /// Fails if an option is set that has no meaning for a text.
    pub(super) fn check_for_text(&self, name: &str) -> Result<(), TableError> {
        match &self.labels {
            Some(_) => Err(TableError::Request(format!(
                "{name} is a text: its labels are one of its columns; the option `labels` is for IDX images"
            ))),
            None => Ok(()),
        }
    }

    /// Fails if an option is set that has a meaning for texts only. `kind` is what the file is: "a NumPy array".
    pub(super) fn check_for_numbers(&self, name: &str, kind: &str) -> Result<(), TableError> {
        let set = [
            ("header", self.header.is_some()),
            ("separator", self.separator.is_some()),
            ("decimal_comma", self.decimal_comma.is_some()),
        ];
        match set.iter().find(|(_, set)| *set) {
            Some((option, _)) => Err(TableError::Request(format!(
                "{name} is {kind}: the option `{option}` (--{}) is for CSV and other text",
                option.replace('_', "-")
            ))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_for_texts_are_refused_for_arrays() {
        let options = ReadOptions::default();
        assert!(options.check_for_numbers("f", "an array").is_ok() && options.check_for_text("f").is_ok());
        let refused = options.clone().with_decimal_comma(false).check_for_numbers("f", "an array").unwrap_err();
        assert!(refused.to_string().contains("--decimal-comma"), "{refused}");
        assert!(options.with_labels("l").check_for_text("f").is_err());
    }
}
