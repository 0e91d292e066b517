//! Cells as numbers and as categories.

use crate::cells::Cells;
use crate::number::{DateFormat, number};
use crate::table::Table;

/// The cells of a column as numbers: NaN where missing, none where it is something else.
pub(crate) enum AsNumbers<'a> {
    /// By the number of each text.
    Coded { codes: &'a [u32], values: Vec<Option<f64>> },
    /// As they are.
    Numbers(&'a [f64]),
    /// They are no numbers.
    None,
}

impl AsNumbers<'_> {
    pub(crate) fn at(&self, row: usize) -> Option<f64> {
        match self {
            AsNumbers::Coded { codes, values } => values[codes[row] as usize],
            AsNumbers::Numbers(numbers) => Some(numbers[row]),
            AsNumbers::None => None,
        }
    }
}

/// The cells of a column as numbers.
pub(crate) fn as_numbers(table: &Table, column: usize) -> AsNumbers<'_> {
    by_text(table, column, |text| number(text, table.decimal_comma))
}

pub(super) fn as_dates(table: &Table, column: usize, format: u8) -> AsNumbers<'_> {
    let format = DateFormat::of(format);
    match &table.columns[column].cells {
        // They were read as numbers: days they are not.
        Cells::Numbers(_) => AsNumbers::None,
        _ => by_text(table, column, |text| format.and_then(|format| format.days(text))),
    }
}

fn by_text(table: &Table, column: usize, value: impl Fn(&str) -> Option<f64>) -> AsNumbers<'_> {
    match &table.columns[column].cells {
        Cells::Coded { codes, texts } => {
            let of = |text: &str| if table.missing.is(text) { Some(f64::NAN) } else { value(text) };
            AsNumbers::Coded { codes, values: texts.iter().map(of).collect() }
        }
        Cells::Numbers(numbers) => AsNumbers::Numbers(numbers),
        Cells::Many { .. } | Cells::Array { .. } => AsNumbers::None,
    }
}

/// What a category is called: numbers that are equal are one, and a missing value is "".
pub(crate) fn category(table: &Table, text: &str) -> String {
    if table.missing.is(text) {
        return String::new();
    }
    match number(text, table.decimal_comma) {
        Some(x) => (x + 0.0).to_string(),
        None => text.to_owned(),
    }
}
