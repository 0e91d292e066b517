//! Apache Parquet, whose columns are numbers, booleans, texts, dates and times.
//!
//! The crate `parquet` of the Arrow project reads it, without Arrow: some thirty crates, of which Zstandard needs a compiler of C. Its readers of
//! columns are used, not its rows: rows know no nanoseconds, and panic on some types. It also panics on some damaged files, where it trusts
//! what they say: such a panic is caught, and is an error like others. The reader is not used after it.

mod field;

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};

use self::field::{Builder, Meaning};
use super::Rows;
use super::dialect::{Dialect, Format};
use super::npy::check;
use super::open::{Opened, Whole};
use super::options::ReadOptions;
use super::text::check_names;
use crate::error::TableError;
use crate::foreign::Foreign;
use crate::missing::Missing;
use crate::table::{Column, Places, Table};

/// Values that are decoded at once.
const BATCH: usize = 1 << 12;
/// What pandas calls the index of a data frame that has no name.
const INDEX: &str = "__index_level_0__";

/// A column of the file.
struct Field {
    meaning: Meaning,
    /// Whether values may be missing.
    optional: bool,
}

/// A file that is read row by row, from one group of rows after the other.
pub struct ParquetRows {
    name: String,
    reader: Box<dyn FileReader>,
    fields: Vec<Field>,
    header: Vec<String>,
    dialect: Dialect,
    missing: Arc<Missing>,
    /// The group that comes next, the columns of the one that is read, and its rows that are left.
    group: usize,
    columns: Vec<ColumnReader>,
    left: usize,
    read: usize,
}

/// Opens a file.
pub fn read(opened: Opened<'_>, options: &ReadOptions) -> Result<ParquetRows, TableError> {
    let (name, compression) = (opened.name.clone(), opened.compression);
    check(&name, "a Parquet file", options)?;
    let whole = opened.whole()?;
    let reader = guarded(|| -> Result<Box<dyn FileReader>, ParquetError> {
        Ok(match whole {
            Whole::File(file) => Box::new(SerializedFileReader::<File>::new(file)?),
            Whole::Memory(bytes) => Box::new(SerializedFileReader::new(bytes::Bytes::from(bytes))?),
        })
    });
    let reader = reader.map_err(|error| damaged(&name, error))?;
    let schema = reader.metadata().file_metadata().schema_descr_ptr();
    let (mut fields, mut header) = (Vec::new(), Vec::new());
    for column in schema.columns() {
        let place = format!("{name}, column {}", Foreign::quoted(&column.path().string()));
        if column.max_rep_level() > 0 || column.path().parts().len() > 1 {
            return Err(TableError::Content(format!(
                "{place} is nested: a table is needed whose cells are numbers, booleans, texts, dates or times"
            )));
        }
        fields.push(Field { meaning: Meaning::of(column, &place)?, optional: column.max_def_level() > 0 });
        let name = column.name();
        header.push(if name == INDEX { String::new() } else { name.to_owned() });
    }
    if header.is_empty() {
        return Err(TableError::Content(format!("{name} has no columns")));
    }
    check_names(&header, &name)?;
    let dialect = Dialect::of(Format::Parquet, compression, true);
    let missing = Arc::new(options.missing.clone());
    let columns = Vec::new();
    Ok(ParquetRows { name, reader, fields, header, dialect, missing, group: 0, columns, left: 0, read: 0 })
}

impl ParquetRows {
    /// Enters the next group of rows that has any; false if there is none.
    fn enter(&mut self) -> Result<bool, TableError> {
        let wrong = |error| damaged(&self.name, error);
        while self.left == 0 {
            if self.group >= self.reader.num_row_groups() {
                return Ok(false);
            }
            let (reader, columns, group) = (&self.reader, 0..self.fields.len(), self.group);
            let (rows, columns) = guarded(|| {
                let group = reader.get_row_group(group)?;
                let columns = columns.map(|column| group.get_column_reader(column)).collect::<Result<_, _>>()?;
                Ok((group.metadata().num_rows(), columns))
            })
            .map_err(wrong)?;
            self.left = usize::try_from(rows).unwrap_or(0);
            self.columns = columns;
            self.group = self.group.saturating_add(1);
        }
        Ok(true)
    }
}

impl Rows for ParquetRows {
    fn next_rows(&mut self, at_most: usize) -> Result<Option<Table>, TableError> {
        let mut builders: Vec<Builder> =
            self.fields.iter().map(|field| Builder::new(field.meaning, &self.missing)).collect();
        let mut rows = 0usize;
        while rows < at_most && self.enter()? {
            let now = self.left.min(at_most.saturating_sub(rows));
            for (at, column) in self.columns.iter_mut().enumerate() {
                let (optional, builder) = (self.fields[at].optional, &mut builders[at]);
                read_column(column, now, optional, builder).map_err(|trouble| {
                    let place = || format!("{}, column {}", self.name, Foreign::quoted(&self.header[at]));
                    match trouble {
                        Trouble::File(error) => damaged(&place(), error),
                        Trouble::Text => TableError::Content(format!("{}: a text is not UTF-8", place())),
                        Trouble::Rows => TableError::Content(format!(
                            "{}: there are fewer values than rows: the file is damaged",
                            place()
                        )),
                        Trouble::Other(error) => error,
                    }
                })?;
            }
            self.left = self.left.saturating_sub(now);
            rows = rows.saturating_add(now);
        }
        if rows == 0 {
            return Ok(None);
        }
        let columns = self.header.iter().zip(builders);
        let columns = columns.map(|(name, builder)| Column { name: name.clone(), cells: builder.build() }).collect();
        let places = Places::Numbered { what: "row", before: self.read };
        self.read = self.read.saturating_add(rows);
        Ok(Some(Table::of_rows(&self.name, columns, rows, places, &self.missing)))
    }

    fn dialect(&self) -> &Dialect {
        &self.dialect
    }

    fn header(&self) -> &[String] {
        &self.header
    }
}

/// What is wrong with a column.
pub enum Trouble {
    /// What the library says.
    File(ParquetError),
    /// A text that is none.
    Text,
    /// Values are missing, and not said to be.
    Rows,
    /// Memory, for example.
    Other(TableError),
}

impl From<TableError> for Trouble {
    fn from(error: TableError) -> Self {
        Trouble::Other(error)
    }
}

fn read_column(column: &mut ColumnReader, rows: usize, optional: bool, builder: &mut Builder) -> Result<(), Trouble> {
    match column {
        ColumnReader::BoolColumnReader(column) => values(column, rows, optional, |value| builder.bool(value.copied())),
        ColumnReader::Int32ColumnReader(column) => {
            values(column, rows, optional, |value| builder.int32(value.copied()))
        }
        ColumnReader::Int64ColumnReader(column) => {
            values(column, rows, optional, |value| builder.int64(value.copied()))
        }
        ColumnReader::Int96ColumnReader(column) => {
            values(column, rows, optional, |value| builder.int96(value.map(|value| value.data())))
        }
        ColumnReader::FloatColumnReader(column) => {
            values(column, rows, optional, |value| builder.float(value.map(|value| f64::from(*value))))
        }
        ColumnReader::DoubleColumnReader(column) => {
            values(column, rows, optional, |value| builder.float(value.copied()))
        }
        ColumnReader::ByteArrayColumnReader(column) => {
            values(column, rows, optional, |value| builder.bytes(value.map(|value| value.data())))
        }
        ColumnReader::FixedLenByteArrayColumnReader(column) => {
            values(column, rows, optional, |value| builder.bytes(value.map(|value| value.data())))
        }
    }
}

/// Hands so many values to a function, none for one that is missing.
fn values<T: DataType>(
    column: &mut ColumnReaderImpl<T>,
    rows: usize,
    optional: bool,
    mut push: impl FnMut(Option<&T::T>) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let (mut found, mut levels, mut left) = (Vec::new(), Vec::new(), rows);
    while left > 0 {
        found.clear();
        levels.clear();
        let said = if optional { Some(&mut levels) } else { None };
        let (read, ..) =
            guarded(|| column.read_records(left.min(BATCH), said, None, &mut found)).map_err(Trouble::File)?;
        if read == 0 || if optional { levels.len() != read } else { found.len() != read } {
            return Err(Trouble::Rows);
        }
        if !optional {
            found.iter().try_for_each(|value| push(Some(value)))?;
        }
        let mut values = found.iter();
        for level in &levels {
            push(if *level > 0 { Some(values.next().ok_or(Trouble::Rows)?) } else { None })?;
        }
        left = left.saturating_sub(read);
    }
    Ok(())
}

/// What the library finds, or that it panics.
fn guarded<A>(call: impl FnOnce() -> Result<A, ParquetError>) -> Result<A, ParquetError> {
    let panicked = |_| Err(ParquetError::General("the file is damaged".to_owned()));
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(panicked)
}

fn damaged(name: &str, error: ParquetError) -> TableError {
    let what = error.to_string();
    TableError::Content(format!("can't read {name}: {}", Foreign::bare(&what)))
}
