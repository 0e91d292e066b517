//! Columns that a sparse table does not have: all of their cells are zero.

use std::collections::HashMap;

use super::EncodedColumn;
use crate::cells::CellsBuilder;
use crate::error::TableError;
use crate::foreign::Foreign;
use crate::table::{Column, Table};

/// Where each column stands in a table; none for one that a sparse table does not have.
pub(super) fn places(table: &Table, columns: &[EncodedColumn]) -> Result<Vec<Option<usize>>, TableError> {
    if !table.sparse {
        let places = table.columns_called(columns.iter().map(|column| column.name.as_str()))?;
        return Ok(places.into_iter().map(Some).collect());
    }
    let there: HashMap<&str, usize> =
        table.columns.iter().enumerate().map(|(at, column)| (column.name.as_str(), at)).collect();
    let place = |column: &EncodedColumn| match there.get(column.name.as_str()) {
        Some(at) => Ok(Some(*at)),
        // Of a model that was trained on another kind of file.
        None if column.name.bytes().any(|byte| !byte.is_ascii_digit()) => table.column(&column.name).map(Some),
        None => Ok(None),
    };
    columns.iter().map(place).collect()
}

/// The features of a zero.
pub(super) fn zero(table: &Table, column: &EncodedColumn) -> Result<Vec<f32>, TableError> {
    let mut cells = CellsBuilder::new(table.missing.clone(), false);
    cells.push("0")?;
    let alone = vec![Column { name: column.name.clone(), cells: cells.build() }];
    let alone = Table { missing: table.missing.clone(), ..Table::new(table.name.clone(), alone)? };
    let mut features = vec![0.0; column.encoding.width()];
    let write = column.encoding.writer(&alone, 0)?;
    if write(0, &mut features) && features.iter().all(|x| x.is_finite()) {
        return Ok(features);
    }
    let (name, index) = (&table.name, Foreign::bare(&column.name));
    Err(TableError::Content(format!(
        "{name} has no number at the index {index}, where its rows are 0 then: the model's training rows had no 0 there"
    )))
}
