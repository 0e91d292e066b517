//! From bytes to a table: what a file is and how it is written is detected, and said.

mod arrays;
mod blanks;
mod dialect;
mod elsewhere;
mod encoding;
mod header;
mod idx;
mod libsvm;
mod npy;
mod npz;
mod numbers;
mod open;
mod options;
#[cfg(feature = "parquet")]
mod parquet;
mod records;
mod sample;
mod separator;
mod text;
mod zstd;

use std::fmt;
use std::io::{BufReader, Read};
use std::path::Path;

pub use dialect::{Compression, Dialect, Encoding, Format};
pub use options::ReadOptions;
pub(crate) use text::check_names;

use crate::error::TableError;
use crate::table::Table;
use open::{FileKind, Opened, Watched, open, recognise};

/// What is read row by row.
trait Rows {
    /// At most so many of the next rows, at least one; none at the end.
    fn next_rows(&mut self, at_most: usize) -> Result<Option<Table>, TableError>;

    /// How the file is written, as far as it is known by now.
    fn dialect(&self) -> &Dialect;

    /// The names of the columns.
    fn header(&self) -> &[String];
}

/// Reads a file row by row, so that files larger than memory can be used.
///
/// Texts, NumPy arrays in C order, IDX and Parquet files are read as their rows are asked for; the others are read when they are opened.
///
/// ```
/// use nxm_data::{ReadOptions, TableReader};
///
/// let text = "length,width\n1,2\n3,4\n5,6\n";
/// let mut reader = TableReader::from_reader(text.as_bytes(), "leaves", &ReadOptions::default())?;
/// assert_eq!(reader.header(), ["length", "width"]);
/// let mut rows = Vec::new();
/// while let Some(table) = reader.next_rows(2)? {
///     rows.push(table.rows());
/// }
/// assert_eq!(rows, [2, 1]);
/// # Ok::<(), nxm_data::TableError>(())
/// ```
pub struct TableReader<'a> {
    rows: Box<dyn Rows + 'a>,
    name: String,
    watched: Option<Watched>,
    ended: bool,
}

impl TableReader<'static> {
    /// Opens a file; `-` is standard input. What the file is and how it is written is known then.
    pub fn open(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Self, TableError> {
        let path = path.as_ref();
        TableReader::new(open(path)?, Some(path), options)
    }
}

impl<'a> TableReader<'a> {
    /// The same of a file's bytes, which errors call `name`.
    pub fn from_reader(
        reader: impl Read + 'a,
        name: impl Into<String>,
        options: &ReadOptions,
    ) -> Result<Self, TableError> {
        TableReader::new(recognise(Box::new(BufReader::new(reader)), name.into())?, None, options)
    }

    fn new(mut opened: Opened<'a>, path: Option<&Path>, options: &ReadOptions) -> Result<Self, TableError> {
        let name = opened.name.clone();
        let watched = match opened.kind {
            // They read the file itself.
            FileKind::Npz | FileKind::Parquet => opened.watched.as_ref().map(Watched::again).transpose()?,
            _ => opened.watched.take(),
        };
        let rows: Box<dyn Rows + 'a> = match opened.kind {
            FileKind::Text(encoding) => text::open(opened.reader, opened.name, encoding, opened.compression, options)?,
            FileKind::Idx => Box::new(idx::read(opened, path, options)?),
            FileKind::Npy => Box::new(npy::read(opened, options)?),
            FileKind::Npz => Box::new(npz::read(opened, options)?),
            #[cfg(feature = "parquet")]
            FileKind::Parquet => Box::new(parquet::read(opened, options)?),
            #[cfg(not(feature = "parquet"))]
            FileKind::Parquet => unreachable!("it is refused when it is opened"),
        };
        Ok(TableReader { rows, name, watched, ended: false })
    }

    /// At most so many of the next rows, at least one; none at the end of the file. Fails if the file has changed since it was opened.
    /// After an error, or none, there are no more rows.
    pub fn next_rows(&mut self, at_most: usize) -> Result<Option<Table>, TableError> {
        if self.ended {
            return Ok(None);
        }
        let rows = self.rows.next_rows(at_most.max(1));
        self.ended = !matches!(rows, Ok(Some(_)));
        // What looks like damage may be a file that is being written.
        if self.ended
            && let Some(watched) = &self.watched
        {
            watched.check()?;
        }
        rows
    }

    /// How the file is written. Whether a text is Latin-1 is known once a character of it was read that is not ASCII.
    pub fn dialect(&self) -> &Dialect {
        self.rows.dialect()
    }

    /// The names of its columns, in their order.
    pub fn header(&self) -> &[String] {
        self.rows.header()
    }

    /// What errors call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All rows that are left, at least one, and how they are written.
    pub fn into_table(mut self) -> Result<(Table, Dialect), TableError> {
        let table = self.next_rows(usize::MAX)?.ok_or_else(|| {
            let header = if self.dialect().named { " below its header" } else { "" };
            TableError::Content(format!("{} has no rows{header}", self.name))
        })?;
        // Nothing comes behind them, and the file is as it was.
        match self.next_rows(usize::MAX)? {
            None => Ok((table, self.dialect().clone())),
            Some(_) => unreachable!("all rows were read at once"),
        }
    }
}

impl fmt::Debug for TableReader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableReader").field("name", &self.name).field("dialect", self.dialect()).finish_non_exhaustive()
    }
}

impl Table {
    /// Reads a file; `-` is standard input. What the file is and how it is written is detected: see [`Dialect`].
    ///
    /// # Errors
    /// A file that is no table, is damaged, may mean several things, or changes while it is read. The error says where and what to do.
    pub fn read(path: impl AsRef<Path>) -> Result<Table, TableError> {
        Table::read_with(path, &ReadOptions::default())
    }

    /// The same where something is known of how the file is written.
    pub fn read_with(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Table, TableError> {
        Ok(TableReader::open(path, options)?.into_table()?.0)
    }

    /// The same of a file's bytes, which errors call `name`.
    pub fn read_from(reader: impl Read, name: impl Into<String>, options: &ReadOptions) -> Result<Table, TableError> {
        Ok(TableReader::from_reader(reader, name, options)?.into_table()?.0)
    }
}

#[cfg(test)]
mod tests;
