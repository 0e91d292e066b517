//! How a file is written, as it was detected or said by the options.

use std::fmt;

/// How a file is written. It is shown before training starts: a wrong guess is to be seen.
///
/// ```
/// use nxm_data::{ReadOptions, TableReader};
///
/// let text = "name;length\nx;1,5\ny;2,25\n";
/// let reader = TableReader::from_reader(text.as_bytes(), "leaves", &ReadOptions::default())?;
/// assert_eq!(reader.dialect().to_string(), "CSV, separator ';', decimal commas, named columns");
/// # Ok::<(), nxm_data::TableError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dialect {
    /// What the file is.
    pub format: Format,
    /// What stands between cells: `b' '` for runs of spaces and tabs. None for what is no text, or has one column only.
    pub separator: Option<u8>,
    /// Whether numbers have a comma before their fractions.
    pub decimal_comma: bool,
    /// What stands around cells that contain separators.
    pub quote: u8,
    /// How characters are written. Of a text that is not UTF-8, this is known once the first such character is read.
    pub encoding: Encoding,
    /// How the file is packed.
    pub compression: Compression,
    /// Whether columns have names. If not, they are called 1, 2, 3, ….
    pub named: bool,
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// A text with separators.
    Csv,
    /// A text of lines `label index:value index:value …`.
    Libsvm,
    /// Arrays of MNIST's format.
    Idx,
    /// An array of NumPy.
    Npy,
    /// Arrays of NumPy.
    Npz,
    /// Apache Parquet.
    Parquet,
}

/// How the characters of a text are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encoding {
    /// UTF-8; ASCII is a part of it.
    #[default]
    Utf8,
    /// UTF-16, the low byte first.
    Utf16Le,
    /// UTF-16, the high byte first.
    Utf16Be,
    /// One byte for each character: Windows-1252, which is Latin-1 and some characters more.
    Latin1,
}

/// How a file is packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// It is not.
    #[default]
    None,
    /// gzip.
    Gzip,
    /// Zstandard.
    Zstd,
}

impl Dialect {
    /// Of a file that is no text.
    pub(super) fn of(format: Format, compression: Compression, named: bool) -> Dialect {
        let (separator, decimal_comma, quote, encoding) = (None, false, b'"', Encoding::Utf8);
        Dialect { format, separator, decimal_comma, quote, encoding, compression, named }
    }
}

/// A separator, as it is said in a message: `','`, `tab`, `white space`.
pub(super) fn separator_name(separator: u8) -> String {
    match separator {
        b'\t' => "tab".to_owned(),
        b' ' => "white space".to_owned(),
        other => format!("'{}'", other.escape_ascii()),
    }
}

/// Only what is not usual: "CSV, separator ';', decimal commas, Latin-1, gzip, named columns".
impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format = match self.format {
            Format::Csv => "CSV",
            Format::Libsvm => "libsvm",
            Format::Idx => "IDX",
            Format::Npy => "NPY",
            Format::Npz => "NPZ",
            Format::Parquet => "Parquet",
        };
        f.write_str(format)?;
        if self.format == Format::Csv {
            match self.separator {
                Some(separator) => write!(f, ", separator {}", separator_name(separator))?,
                None => f.write_str(", one column")?,
            }
            if self.decimal_comma {
                f.write_str(", decimal commas")?;
            }
            if self.quote != b'"' {
                write!(f, ", quote {}", char::from(self.quote))?;
            }
        }
        match self.encoding {
            Encoding::Utf8 => {}
            Encoding::Utf16Le | Encoding::Utf16Be => f.write_str(", UTF-16")?,
            Encoding::Latin1 => f.write_str(", Latin-1")?,
        }
        match self.compression {
            Compression::None => {}
            Compression::Gzip => f.write_str(", gzip")?,
            Compression::Zstd => f.write_str(", zstd")?,
        }
        match (self.format, self.named) {
            (Format::Csv, true) => f.write_str(", named columns"),
            (Format::Csv, false) => f.write_str(", no names of columns"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dialect_is_plain_english() {
        let mut dialect = Dialect::of(Format::Csv, Compression::Gzip, false);
        assert_eq!(dialect.to_string(), "CSV, one column, gzip, no names of columns");
        (dialect.separator, dialect.encoding, dialect.named) = (Some(b'\t'), Encoding::Latin1, true);
        (dialect.decimal_comma, dialect.quote) = (true, b'\'');
        assert_eq!(dialect.to_string(), "CSV, separator tab, decimal commas, quote ', Latin-1, gzip, named columns");
        assert_eq!(Dialect::of(Format::Npy, Compression::Zstd, false).to_string(), "NPY, zstd");
    }
}
