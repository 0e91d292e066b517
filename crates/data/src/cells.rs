//! The cells of a column.
//!
//! What a column holds is known only when all of it has been read: `7` may be a number, a class or the beginning of a street. Until then
//! its different texts are kept, each once, and a code for each row. A column with very many different texts is either numbers, which
//! are then kept as such, or a column of names, ids or prose, of which a network can learn nothing: their texts are dropped.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use crate::error::TableError;
use crate::memory::{reserve, reserve_text};
use crate::missing::Missing;
use crate::number::number;

/// Different texts of a column that are kept at most. More are numbers or ids: a category of so many values has no use, and a table of
/// them takes at most some megabytes.
pub const MOST_TEXTS: usize = 1 << 16;

/// Different texts that are all numbers are numbers, if they are more than this: no classes, and no categories. Who reads at most so many rows at once
/// finds each cell as it is written.
pub const MANY_NUMBERS: usize = 1 << 14;

/// The cells of a column, one for each row.
#[derive(Clone, Debug)]
pub enum Cells {
    /// At most [`MOST_TEXTS`] different texts: of each row the index of its text.
    Coded {
        /// An index into `texts`, of each row.
        codes: Vec<u32>,
        /// Each text once, in the order of their first rows.
        texts: Texts,
    },
    /// Numbers with more than [`MOST_TEXTS`] different texts; NaN where one is missing.
    Numbers(Vec<f64>),
    /// More than [`MOST_TEXTS`] different texts, which are not all numbers, and are not kept.
    Many {
        /// How many rows there are.
        rows: usize,
        /// How many of them are numbers or missing.
        numbers: usize,
        /// The first text that is no number, and its row.
        first: (usize, String),
    },
    /// An array of numbers in each row, an image for example.
    Array {
        /// Its dimensions, at least one, each at least 1.
        shape: Vec<usize>,
        /// Those of the first row, those of the second, ….
        numbers: Numbers,
    },
}

/// Numbers as a file holds them.
#[derive(Clone, Debug, PartialEq)]
pub enum Numbers {
    /// Unsigned bytes.
    Bytes(Vec<u8>),
    /// 32-bit numbers.
    Singles(Vec<f32>),
    /// All others.
    Doubles(Vec<f64>),
}

impl Numbers {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Numbers::Bytes(numbers) => numbers.len(),
            Numbers::Singles(numbers) => numbers.len(),
            Numbers::Doubles(numbers) => numbers.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One of them. Panics if there are not so many.
    pub fn at(&self, i: usize) -> f64 {
        match self {
            Numbers::Bytes(numbers) => numbers[i].into(),
            Numbers::Singles(numbers) => numbers[i].into(),
            Numbers::Doubles(numbers) => numbers[i],
        }
    }
}

/// Texts, one after another in one piece of memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    text: String,
    ends: Vec<usize>,
}

impl Texts {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Adds one.
    pub fn push(&mut self, text: &str) -> Result<(), TableError> {
        reserve(&mut self.ends, 1)?;
        reserve_text(&mut self.text, text.len())?;
        self.text.push_str(text);
        self.ends.push(self.text.len());
        Ok(())
    }

    /// One of them. Panics if there are not so many.
    pub fn at(&self, i: usize) -> &str {
        let start = i.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..self.ends[i]]
    }

    /// All of them.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.ends.len()).map(|i| self.at(i))
    }
}

impl Cells {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Cells::Coded { codes, .. } => codes.len(),
            Cells::Numbers(numbers) => numbers.len(),
            Cells::Many { rows, .. } => *rows,
            Cells::Array { shape, numbers } => numbers.len().checked_div(size(shape)).unwrap_or(0),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// There are too many different texts, whose numbers are `values` (NaN if one is missing, none if it is something else): they are numbers,
    /// or none of them is kept.
    pub(crate) fn drop_texts(&mut self, values: &[Option<f64>]) -> Result<(), TableError> {
        let Cells::Coded { codes, texts } = self else { return Ok(()) };
        *self = match values.iter().position(Option::is_none) {
            Some(stray) => {
                let row = codes.iter().position(|code| *code as usize == stray).unwrap_or(0);
                let numbers = codes.iter().filter(|code| values[**code as usize].is_some()).count();
                Cells::Many { rows: codes.len(), numbers, first: (row, texts.at(stray).to_owned()) }
            }
            None => {
                let mut numbers = Vec::new();
                reserve(&mut numbers, codes.len())?;
                numbers.extend(codes.iter().map(|code| values[*code as usize].unwrap_or(f64::NAN)));
                Cells::Numbers(numbers)
            }
        };
        Ok(())
    }

    /// The next cell of a column whose texts are not kept: a number, NaN if it is missing, none if it is this text.
    pub(crate) fn push_number(&mut self, number: Option<f64>, text: impl FnOnce() -> String) -> Result<(), TableError> {
        match (self, number) {
            (Cells::Numbers(numbers), Some(number)) => {
                reserve(numbers, 1)?;
                numbers.push(number);
            }
            (this @ Cells::Numbers(_), None) => {
                let numbers = this.len();
                *this = Cells::Many { rows: numbers.saturating_add(1), numbers, first: (numbers, text()) };
            }
            (Cells::Many { rows, numbers, .. }, number) => {
                *rows = rows.saturating_add(1);
                *numbers = numbers.saturating_add(usize::from(number.is_some()));
            }
            (Cells::Coded { .. } | Cells::Array { .. }, _) => unreachable!("its cells are kept otherwise"),
        }
        Ok(())
    }
}

/// Numbers of an array; `usize::MAX` if no machine has so many.
pub(crate) fn size(shape: &[usize]) -> usize {
    shape.iter().fold(1, |product, size| product.saturating_mul(*size))
}

/// Collects the cells of a column, row by row.
#[derive(Clone, Debug)]
pub struct CellsBuilder {
    cells: Cells,
    /// The codes of the texts so far.
    known: HashMap<Box<str>, u32>,
    missing: Arc<Missing>,
    decimal_comma: bool,
}

impl CellsBuilder {
    /// An empty column, whose cells are missing where `missing` says so.
    pub fn new(missing: Arc<Missing>, decimal_comma: bool) -> CellsBuilder {
        let cells = Cells::Coded { codes: Vec::new(), texts: Texts::default() };
        CellsBuilder { cells, known: HashMap::new(), missing, decimal_comma }
    }

    /// The next cell.
    pub fn push(&mut self, cell: &str) -> Result<(), TableError> {
        let cell = cell.trim();
        let value = |text: &str| value(text, &self.missing, self.decimal_comma);
        if let Cells::Coded { codes, texts } = &mut self.cells {
            reserve(codes, 1)?;
            if let Some(code) = self.known.get(cell) {
                codes.push(*code);
                return Ok(());
            }
            let numbers = texts.len() == MANY_NUMBERS && texts.iter().all(|text| value(text).is_some());
            if texts.len() < MOST_TEXTS && !numbers {
                let code = texts.len() as u32;
                texts.push(cell)?;
                let Entry::Vacant(entry) = self.known.entry(cell.into()) else { unreachable!("it is not known") };
                entry.insert(code);
                codes.push(code);
                return Ok(());
            }
            let values: Vec<Option<f64>> = texts.iter().map(value).collect();
            self.cells.drop_texts(&values)?;
            self.known = HashMap::new();
        }
        self.cells.push_number(value(cell), || cell.to_owned())
    }

    /// The column.
    pub fn build(self) -> Cells {
        self.cells
    }
}

/// A number, NaN if it is missing; none if it is something else.
fn value(cell: &str, missing: &Missing, decimal_comma: bool) -> Option<f64> {
    // Most cells are numbers; `NaN`, which is missing, is none that is finite.
    number(cell, decimal_comma)
        .filter(|_| !missing.named().iter().any(|text| text == cell))
        .or_else(|| missing.is(cell).then_some(f64::NAN))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(cells: impl Iterator<Item = String>) -> Cells {
        let mut builder = CellsBuilder::new(Arc::new(Missing::with(["-1"])), false);
        cells.for_each(|cell| builder.push(&cell).unwrap());
        builder.build()
    }

    #[test]
    fn few_texts_are_kept_as_they_are_written() {
        let Cells::Coded { codes, texts } = column(["1", " 1.0", "NA", "x", "1"].iter().map(|text| (*text).to_owned()))
        else {
            panic!()
        };
        assert_eq!(codes, [0, 1, 2, 3, 0]);
        assert_eq!(texts.iter().collect::<Vec<_>>(), ["1", "1.0", "NA", "x"]);
    }

    #[test]
    fn many_texts_are_numbers_or_none() {
        let many = MOST_TEXTS + 2;
        let Cells::Numbers(numbers) = column((0..many).map(|i| (i + 7).to_string())) else { panic!() };
        assert!(numbers.iter().enumerate().all(|(i, number)| *number == (i + 7) as f64));
        let missing = |i: usize| if i == many - 1 { "-1".to_owned() } else { i.to_string() };
        let Cells::Numbers(numbers) = column((0..many).map(missing)) else { panic!() };
        assert!(numbers[many - 1].is_nan() && numbers.len() == many);
        // The text may come before the column is taken for numbers, or after.
        for row in [3, many - 1] {
            let text = |i: usize| if i == row { "x".to_owned() } else { i.to_string() };
            let Cells::Many { rows, numbers, first } = column((0..many).map(text)) else { panic!() };
            assert_eq!((rows, numbers, first), (many, many - 1, (row, "x".to_owned())));
        }
    }
}
