//! Arrays of numbers, of which each row is an example: NPY, NPZ and IDX. Small rows become columns, one for each number; others, images for
//! example, become one column of arrays.

use std::io::Read;
use std::sync::Arc;

use super::Rows;
use super::dialect::Dialect;
use super::numbers::{NumberCells, Value};
use super::open::unreadable;
use crate::cells::{Cells, Numbers, size};
use crate::error::TableError;
use crate::memory::reserve;
use crate::missing::Missing;
use crate::table::{Column, Places, Table};

/// Numbers of a row that become a column each, at most.
pub const MOST_COLUMNS: usize = 1 << 10;

/// A type of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element {
    /// What its bytes mean.
    pub kind: Kind,
    /// Its bytes: 1, 2, 4 or 8.
    pub size: usize,
    /// Whether the high byte stands first.
    pub big_endian: bool,
}

/// What the bytes of a number mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// True unless it is zero.
    Bool,
    /// A whole number that may be negative.
    Signed,
    /// A whole number.
    Unsigned,
    /// A number of IEEE 754.
    Float,
}

impl Element {
    /// A number of these bytes, which must be as many as it has.
    pub fn value(self, bytes: &[u8]) -> Value {
        let mut word = [0; 8];
        let bits = if self.big_endian {
            word[8usize.saturating_sub(self.size)..].copy_from_slice(bytes);
            u64::from_be_bytes(word)
        } else {
            word[..self.size].copy_from_slice(bytes);
            u64::from_le_bytes(word)
        };
        match (self.kind, self.size) {
            (Kind::Bool, _) => Value::Bool(bits != 0),
            (Kind::Unsigned, _) => Value::Unsigned(bits),
            (Kind::Signed, 1) => Value::Signed((bits as u8).cast_signed().into()),
            (Kind::Signed, 2) => Value::Signed((bits as u16).cast_signed().into()),
            (Kind::Signed, 4) => Value::Signed((bits as u32).cast_signed().into()),
            (Kind::Signed, _) => Value::Signed(bits.cast_signed()),
            (Kind::Float, 4) => Value::Float(f32::from_bits(bits as u32).into()),
            (Kind::Float, _) => Value::Float(f64::from_bits(bits)),
        }
    }
}

/// What an array is, as its header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Its dimensions. The first counts rows.
    pub sizes: Vec<usize>,
    /// The type of its numbers.
    pub element: Element,
    /// Whether the first index changes first, as in Fortran.
    pub fortran: bool,
}

impl Shape {
    /// Its bytes. Fails if an array of this shape has no rows or no numbers, or more than any machine has.
    pub fn bytes(&self, name: &str, what: &str) -> Result<u64, TableError> {
        let shape = times(&self.sizes);
        if self.sizes.is_empty() {
            return Err(TableError::Content(format!(
                "{name} holds a single number: an array with at least one dimension is needed"
            )));
        }
        if self.sizes[0] == 0 {
            return Err(TableError::Content(format!("{name} holds 0 {what}s")));
        }
        if self.sizes.contains(&0) {
            return Err(TableError::Content(format!(
                "{name} has the shape {shape}: all its dimensions must be at least 1"
            )));
        }
        let element = self.element.size as u64;
        let bytes = self.sizes.iter().try_fold(element, |product, size| product.checked_mul(*size as u64));
        bytes
            .filter(|bytes| *bytes < u64::MAX)
            .ok_or_else(|| TableError::Content(format!("{name} has the shape {shape}: no machine has so many bytes")))
    }
}

/// "28 × 28".
pub fn times(shape: &[usize]) -> String {
    let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
    sizes.join(" × ")
}

/// Where the bytes of an array come from.
pub enum Body<'a> {
    /// One after another.
    Stream(Box<dyn Read + 'a>),
    /// They are all here.
    Memory(Vec<u8>),
}

/// An array that is read row by row.
pub struct Array<'a> {
    name: String,
    shape: Shape,
    /// Numbers of a row.
    width: usize,
    /// One for each number of a row, or one for all of them.
    columns: Vec<String>,
    /// Whether rows stay arrays.
    arrays: bool,
    body: Body<'a>,
    read: usize,
    bytes: u64,
}

impl<'a> Array<'a> {
    /// An array of this shape. `single` names the column, if there is one only; of an array of two dimensions with few columns, they are
    /// called by their numbers, behind `prefix`.
    pub fn new(
        name: &str,
        shape: Shape,
        mut source: Box<dyn Read + 'a>,
        [prefix, single]: [&str; 2],
        what: &str,
        always_array: bool,
    ) -> Result<Array<'a>, TableError> {
        let bytes = shape.bytes(name, what)?;
        let inner = &shape.sizes[1..];
        let arrays = match inner {
            [] => false,
            [columns] => always_array || *columns > MOST_COLUMNS,
            _ => true,
        };
        let columns = match inner {
            [columns] if !arrays && (*columns > 1 || prefix.is_empty()) => {
                (1..=*columns).map(|number| format!("{prefix}{number}")).collect()
            }
            _ => vec![single.to_owned()],
        };
        let width = size(inner);
        let mut array = Array {
            name: name.to_owned(),
            shape,
            width,
            columns,
            arrays,
            body: Body::Memory(Vec::new()),
            read: 0,
            bytes,
        };
        // The numbers of a row are apart from one another.
        array.body = if array.shape.fortran && array.shape.sizes.len() > 1 {
            let mut all = Vec::new();
            source.by_ref().take(bytes).read_to_end(&mut all).map_err(|error| unreadable(name, error))?;
            if (all.len() as u64) < bytes {
                return Err(array.cut(all.len() as u64));
            }
            array.nothing_follows(&mut source)?;
            Body::Memory(all)
        } else {
            Body::Stream(source)
        };
        Ok(array)
    }

    /// How many rows it has.
    pub fn rows(&self) -> usize {
        self.shape.sizes[0]
    }

    /// Reads all of it.
    pub fn into_memory(mut self) -> Result<Array<'static>, TableError> {
        let mut all = Vec::new();
        let body = match &mut self.body {
            Body::Memory(bytes) => std::mem::take(bytes),
            Body::Stream(source) => {
                source.take(self.bytes).read_to_end(&mut all).map_err(|error| unreadable(&self.name, error))?;
                if (all.len() as u64) < self.bytes {
                    return Err(self.cut(all.len() as u64));
                }
                if let Body::Stream(mut source) = std::mem::replace(&mut self.body, Body::Memory(Vec::new())) {
                    self.nothing_follows(&mut source)?;
                }
                all
            }
        };
        let Array { name, shape, width, columns, arrays, read, bytes, .. } = self;
        Ok(Array { name, shape, width, columns, arrays, body: Body::Memory(body), read, bytes })
    }

    fn cut(&self, found: u64) -> TableError {
        let (name, shape, expected) = (&self.name, times(&self.shape.sizes), self.bytes);
        TableError::Content(format!(
            "{name} has the shape {shape}, which is {expected} bytes, and there are only {found}"
        ))
    }

    fn nothing_follows(&self, source: &mut dyn Read) -> Result<(), TableError> {
        let mut more = Vec::new();
        source.take(1).read_to_end(&mut more).map_err(|error| unreadable(&self.name, error))?;
        if more.is_empty() {
            return Ok(());
        }
        let (name, shape, expected) = (&self.name, times(&self.shape.sizes), self.bytes);
        Err(TableError::Content(format!("{name} has the shape {shape}, which is {expected} bytes, and there are more")))
    }

    /// So many rows, of which there must be enough.
    fn take(&mut self, rows: usize, missing: &Arc<Missing>) -> Result<Vec<Column>, TableError> {
        /// Bytes that are read at once, if they are a row at least.
        const BLOCK: usize = 1 << 16;
        let (element, width) = (self.shape.element, self.width);
        let mut to = Collected::new(self.arrays, element, self.columns.len(), missing);
        let size = element.size;
        let row_bytes = width.saturating_mul(size);
        if let Body::Memory(bytes) = &self.body {
            let last = self.read.saturating_add(rows);
            if self.shape.fortran {
                let offsets = fortran_offsets(&self.shape.sizes);
                for row in self.read..last {
                    for (number, offset) in offsets.iter().enumerate() {
                        let start = offset.saturating_add(row).saturating_mul(size);
                        to.push(number, &bytes[start..start.saturating_add(size)])?;
                    }
                }
            } else {
                to.push_rows(&bytes[self.read.saturating_mul(row_bytes)..last.saturating_mul(row_bytes)], width)?;
            }
        } else {
            let mut left = rows;
            let mut block = Vec::new();
            while left > 0 {
                let Body::Stream(source) = &mut self.body else { unreachable!("it is a stream") };
                let now = left.min(BLOCK.checked_div(row_bytes).unwrap_or(1).max(1));
                let wanted = now.saturating_mul(row_bytes);
                block.clear();
                source.take(wanted as u64).read_to_end(&mut block).map_err(|error| unreadable(&self.name, error))?;
                if block.len() < wanted {
                    let before = self.read.saturating_add(rows.saturating_sub(left)).saturating_mul(row_bytes);
                    return Err(self.cut(before.saturating_add(block.len()) as u64));
                }
                to.push_rows(&block, width)?;
                left = left.saturating_sub(now);
            }
        }
        self.read = self.read.saturating_add(rows);
        if self.read == self.rows()
            && let Body::Stream(_) = self.body
            && let Body::Stream(mut source) = std::mem::replace(&mut self.body, Body::Memory(Vec::new()))
        {
            self.nothing_follows(&mut source)?;
        }
        Ok(to.columns(&self.columns, &self.shape.sizes[1..]))
    }
}

/// Where the numbers of the first row stand, in the order of their indices.
fn fortran_offsets(shape: &[usize]) -> Vec<usize> {
    let mut offsets = vec![0usize];
    let mut stride = shape[0];
    for size in &shape[1..] {
        // Of the indices so far, each is followed by all of this one.
        let with = |offset: &usize| {
            let offset = *offset;
            (0..*size).map(move |index| offset.saturating_add(index.saturating_mul(stride)))
        };
        offsets = offsets.iter().flat_map(with).collect();
        stride = stride.saturating_mul(*size);
    }
    offsets
}

/// Numbers that are collected.
enum Collected {
    Columns(Element, Vec<NumberCells>),
    Array(Element, Numbers),
}

impl Collected {
    fn new(array: bool, element: Element, columns: usize, missing: &Arc<Missing>) -> Collected {
        if !array {
            return Collected::Columns(element, vec![NumberCells::new(missing.clone()); columns]);
        }
        Collected::Array(
            element,
            match (element.kind, element.size) {
                (Kind::Unsigned | Kind::Bool, 1) => Numbers::Bytes(Vec::new()),
                (Kind::Float, 4) => Numbers::Singles(Vec::new()),
                _ => Numbers::Doubles(Vec::new()),
            },
        )
    }

    fn push(&mut self, number: usize, bytes: &[u8]) -> Result<(), TableError> {
        match self {
            Collected::Columns(element, columns) => columns[number].push(element.value(bytes)),
            Collected::Array(element, numbers) => {
                let value = element.value(bytes).number();
                match numbers {
                    Numbers::Bytes(numbers) => {
                        reserve(numbers, 1)?;
                        numbers.push(value as u8);
                    }
                    Numbers::Singles(numbers) => {
                        reserve(numbers, 1)?;
                        numbers.push(value as f32);
                    }
                    Numbers::Doubles(numbers) => {
                        reserve(numbers, 1)?;
                        numbers.push(value);
                    }
                }
                Ok(())
            }
        }
    }

    fn push_rows(&mut self, rows: &[u8], width: usize) -> Result<(), TableError> {
        if let Collected::Array(Element { kind: Kind::Unsigned, size: 1, .. }, Numbers::Bytes(numbers)) = self {
            reserve(numbers, rows.len())?;
            numbers.extend_from_slice(rows);
            return Ok(());
        }
        let (Collected::Columns(element, _) | Collected::Array(element, _)) = self;
        let size = element.size;
        for row in rows.chunks_exact(width.saturating_mul(size)) {
            for (number, bytes) in row.chunks_exact(size).enumerate() {
                self.push(number, bytes)?;
            }
        }
        Ok(())
    }

    fn columns(self, names: &[String], shape: &[usize]) -> Vec<Column> {
        let cells = match self {
            Collected::Columns(_, columns) => columns.into_iter().map(NumberCells::build).collect(),
            Collected::Array(_, numbers) => vec![Cells::Array { shape: shape.to_vec(), numbers }],
        };
        names.iter().zip(cells).map(|(name, cells)| Column { name: name.clone(), cells }).collect()
    }
}

/// Arrays with equally many rows, side by side.
pub struct ArrayRows<'a> {
    name: String,
    arrays: Vec<Array<'a>>,
    header: Vec<String>,
    dialect: Dialect,
    missing: Arc<Missing>,
    what: &'static str,
    read: usize,
}

impl<'a> ArrayRows<'a> {
    /// These arrays, which have equally many rows. `what` is one of them: "row", "image".
    pub fn new(
        name: String,
        arrays: Vec<Array<'a>>,
        dialect: Dialect,
        missing: Arc<Missing>,
        what: &'static str,
    ) -> ArrayRows<'a> {
        let header = arrays.iter().flat_map(|array| array.columns.iter().cloned()).collect();
        ArrayRows { name, arrays, header, dialect, missing, what, read: 0 }
    }
}

impl Rows for ArrayRows<'_> {
    fn next_rows(&mut self, at_most: usize) -> Result<Option<Table>, TableError> {
        let all = self.arrays.first().map_or(0, Array::rows);
        let rows = all.saturating_sub(self.read).min(at_most);
        if rows == 0 {
            return Ok(None);
        }
        let mut columns = Vec::new();
        for array in &mut self.arrays {
            columns.extend(array.take(rows, &self.missing)?);
        }
        let places = Places::Numbered { what: self.what, before: self.read };
        self.read = self.read.saturating_add(rows);
        let table = Table::of_rows(&self.name, columns, rows, places, &self.missing);
        Ok(Some(Table { named: self.dialect.named, ..table }))
    }

    fn dialect(&self) -> &Dialect {
        &self.dialect
    }

    fn header(&self) -> &[String] {
        &self.header
    }
}
