//! NPY, an array of NumPy: a header that is a dictionary as Python writes it, then the numbers.
//!
//! The header is read here: the crate npyz would do it with twenty crates, a grammar of Python's literals among them.

use std::io::Read;
use std::sync::Arc;

use super::arrays::{Array, ArrayRows, Element, Kind, Shape};
use super::dialect::{Dialect, Format};
use super::idx::exactly;
use super::open::Opened;
use super::options::ReadOptions;
use crate::error::TableError;
use crate::foreign::Foreign;

/// The column of an array whose rows are no columns.
pub const ARRAY: &str = "array";
/// Bytes of a header, at most: NumPy's own limit is 10 000.
const LONGEST_HEADER: u32 = 1 << 16;

/// Opens an array.
pub fn read<'a>(opened: Opened<'a>, options: &ReadOptions) -> Result<ArrayRows<'a>, TableError> {
    let Opened { name, compression, mut reader, .. } = opened;
    check(&name, "a NumPy array", options)?;
    let shape = header(&mut reader, &name)?;
    let single = if shape.sizes.len() == 1 { "1" } else { ARRAY };
    let array = Array::new(&name, shape, Box::new(reader), ["", single], "row", false)?;
    let dialect = Dialect::of(Format::Npy, compression, false);
    Ok(ArrayRows::new(name, vec![array], dialect, Arc::new(options.missing.clone()), "row"))
}

/// Fails if an option is set that has no meaning for arrays of NumPy.
pub fn check(name: &str, kind: &str, options: &ReadOptions) -> Result<(), TableError> {
    options.check_for_numbers(name, kind)?;
    match &options.labels {
        Some(_) => Err(TableError::Request(format!("{name} is {kind}: the option `labels` is for IDX images"))),
        None => Ok(()),
    }
}

/// Reads a header, whose magic number comes first.
pub fn header(reader: &mut impl Read, name: &str) -> Result<Shape, TableError> {
    let mut start = [0; 8];
    exactly(reader, &mut start, name)?;
    let [magic @ .., major, _] = start;
    if magic != *b"\x93NUMPY" {
        return Err(TableError::Content(format!("{name} is no array of NumPy")));
    }
    let length = if major == 1 {
        let mut length = [0; 2];
        exactly(reader, &mut length, name)?;
        u16::from_le_bytes(length).into()
    } else if major <= 3 {
        let mut length = [0; 4];
        exactly(reader, &mut length, name)?;
        u32::from_le_bytes(length)
    } else {
        return Err(TableError::Content(format!(
            "{name} is an array of NumPy's format {major}: 1, 2 and 3 are known here"
        )));
    };
    if length > LONGEST_HEADER {
        return Err(TableError::Content(format!(
            "{name} has a header of {length} bytes: at most {LONGEST_HEADER} are read"
        )));
    }
    let mut text = vec![0; length as usize];
    exactly(reader, &mut text, name)?;
    let text = String::from_utf8_lossy(&text);
    let damaged = || {
        TableError::Content(format!(
            "{name} has the header {}: 'descr', 'fortran_order' and 'shape' are needed",
            Foreign::quoted(text.trim_end())
        ))
    };
    let entries = Literal(&text).dictionary().ok_or_else(damaged)?;
    let find = |key: &str| entries.iter().find(|entry| entry.0 == key).map(|entry| entry.1).ok_or_else(damaged);
    let fortran = match find("fortran_order")? {
        "True" => true,
        "False" => false,
        _ => return Err(damaged()),
    };
    let sizes = find("shape")?.strip_prefix('(').and_then(|shape| shape.strip_suffix(')')).ok_or_else(damaged)?;
    let sizes = sizes.strip_suffix(',').unwrap_or(sizes);
    let size = |size: &str| size.trim().trim_end_matches('L').parse().map_err(|_| damaged());
    let sizes =
        if sizes.trim().is_empty() { Vec::new() } else { sizes.split(',').map(size).collect::<Result<_, _>>()? };
    Ok(Shape { sizes, element: element(find("descr")?, name)?, fortran })
}

/// A type of numbers as NumPy writes it: `'<f8'`.
fn element(described: &str, name: &str) -> Result<Element, TableError> {
    let quoted = |quote: char| described.strip_prefix(quote)?.strip_suffix(quote);
    let dtype = quoted('\'').or_else(|| quoted('"'));
    let known = dtype.and_then(|dtype| {
        let order = dtype.chars().next().filter(|order| "<>|=".contains(*order))?;
        let (kind, size) = match &dtype[1..] {
            "b1" => (Kind::Bool, 1),
            "i1" => (Kind::Signed, 1),
            "i2" => (Kind::Signed, 2),
            "i4" => (Kind::Signed, 4),
            "i8" => (Kind::Signed, 8),
            "u1" => (Kind::Unsigned, 1),
            "u2" => (Kind::Unsigned, 2),
            "u4" => (Kind::Unsigned, 4),
            "u8" => (Kind::Unsigned, 8),
            "f4" => (Kind::Float, 4),
            "f8" => (Kind::Float, 8),
            _ => return None,
        };
        Some(Element { kind, size, big_endian: order == '>' })
    });
    known.ok_or_else(|| {
        let what = match dtype.and_then(|dtype| dtype.chars().nth(1)) {
            _ if dtype.is_none() => "several fields",
            Some('O') => "objects",
            Some('U' | 'S' | 'a') => "texts",
            Some('M' | 'm') => "times",
            Some('c') => "complex numbers",
            Some('f') => "floating-point numbers of another size",
            _ => "something else",
        };
        TableError::Content(format!(
            "{name} has the dtype {} ({what}): bool, i1 to i8, u1 to u8, f4 and f8 are read; convert it, as by .astype('f8')",
            Foreign::bare(described)
        ))
    })
}

/// A literal of Python.
struct Literal<'a>(&'a str);

impl<'a> Literal<'a> {
    /// The keys of a dictionary, and their values as they are written.
    fn dictionary(mut self) -> Option<Vec<(&'a str, &'a str)>> {
        let mut entries = Vec::new();
        self.mark('{')?;
        while self.mark('}').is_none() {
            let key = self.value()?;
            self.mark(':')?;
            let quote = key.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
            entries.push((key.strip_prefix(quote)?.strip_suffix(quote)?, self.value()?));
            if self.mark(',').is_none() {
                self.mark('}')?;
                break;
            }
        }
        self.0.trim().is_empty().then_some(entries)
    }

    fn mark(&mut self, mark: char) -> Option<()> {
        self.0 = self.0.trim_start().strip_prefix(mark)?;
        Some(())
    }

    /// What stands before the next comma, colon or closing bracket, outside of brackets and quotes.
    fn value(&mut self) -> Option<&'a str> {
        let text = self.0.trim_start();
        let (mut depth, mut quote) = (0usize, None);
        for (at, c) in text.char_indices() {
            match (quote, c) {
                (Some(open), _) => quote = Some(open).filter(|open| *open != c),
                (None, '\'' | '"') => quote = Some(c),
                (None, '(' | '[' | '{') => depth = depth.saturating_add(1),
                (None, ',' | ':' | '}') if depth == 0 => {
                    self.0 = &text[at..];
                    return Some(text[..at].trim_end());
                }
                (None, ')' | ']' | '}') => depth = depth.checked_sub(1)?,
                _ => {}
            }
        }
        None
    }
}
