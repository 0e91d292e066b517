//! What is wrong with a cell or a column, and where.

use super::Encoding;
use crate::cells::Cells;
use crate::error::TableError;
use crate::foreign::Foreign;
use crate::number::{DateFormat, number};
use crate::table::Table;

/// A cell that its column's encoding has no place for.
pub(super) fn bad_cell(table: &Table, row: usize, column: usize, encoding: Option<&Encoding>) -> TableError {
    let place = table.cell_place(row, column);
    let text = match &table.columns[column].cells {
        Cells::Coded { codes, texts } => Foreign::quoted(texts.at(codes[row] as usize)).to_string(),
        Cells::Numbers(numbers) => numbers[row].to_string(),
        Cells::Many { first, .. } if first.0 == row => Foreign::quoted(&first.1).to_string(),
        Cells::Many { .. } => "the cell".to_owned(),
        Cells::Array { .. } => "an element of the array".to_owned(),
    };
    let is_number = match &table.columns[column].cells {
        Cells::Coded { codes, texts } => number(texts.at(codes[row] as usize), table.decimal_comma).is_some(),
        Cells::Numbers(_) => true,
        Cells::Many { .. } | Cells::Array { .. } => false,
    };
    TableError::Content(match encoding {
        Some(Encoding::Boolean { values, .. }) => {
            let [no, yes] = values.each_ref().map(|value| Foreign::quoted(value));
            format!("{place}: {text} is neither {no} nor {yes}")
        }
        Some(Encoding::Date { format, .. }) => {
            let format =
                DateFormat::of(*format).map_or_else(String::new, |format| format!(", as {}", format.example()));
            format!("{place}: {text} is not a date{format}")
        }
        Some(Encoding::Number(_)) if is_number => {
            format!("{place}: {text} is too far from what the model was trained on")
        }
        Some(Encoding::Array { .. }) => format!("{place}: {text} is too far from what the model was trained on"),
        _ => format!("{place}: {text} is not a number; if it says that the value is missing, name it by --missing"),
    })
}

pub(super) fn too_large(table: &Table, column: usize) -> TableError {
    TableError::Content(format!(
        "{}: the column {} holds numbers that are too large, or too far apart, to be standardised",
        table.name,
        Foreign::quoted(&table.columns[column].name)
    ))
}

pub(super) fn not_two(table: &Table, column: usize) -> TableError {
    TableError::Content(format!(
        "{}: the column {} holds more values than yes and no",
        table.name,
        Foreign::quoted(&table.columns[column].name)
    ))
}

pub(super) fn other_shape(table: &Table, column: usize, expected: &[usize], found: &Cells) -> TableError {
    let times = |shape: &[usize]| shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" × ");
    let found = match found {
        Cells::Array { shape, .. } => format!("arrays of {}", times(shape)),
        _ => "no arrays".to_owned(),
    };
    TableError::Content(format!(
        "{}: the column {} holds {found}, and the model was trained on arrays of {}",
        table.name,
        Foreign::quoted(&table.columns[column].name),
        times(expected)
    ))
}
