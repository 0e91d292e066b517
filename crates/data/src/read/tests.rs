//! Whole files, of each kind, and hostile ones.

mod binary;
mod hostile;
mod linear;
#[cfg(feature = "parquet")]
mod parquet;
mod round;
mod texts;

use super::*;
use crate::cells::Cells;

/// Reads bytes without options.
fn read(bytes: &[u8]) -> Result<(Table, Dialect), String> {
    read_with(bytes, &ReadOptions::default())
}

fn read_with(bytes: &[u8], options: &ReadOptions) -> Result<(Table, Dialect), String> {
    let reader = TableReader::from_reader(bytes, "f", options).and_then(TableReader::into_table);
    reader.map_err(|error| error.to_string())
}

/// What must be refused.
fn refused(bytes: &[u8]) -> String {
    let found = read(bytes).map(|(table, dialect)| format!("{dialect}: {:?}", rows(&table)));
    found.unwrap_err()
}

/// The names of its columns, then its rows, as texts.
fn rows(table: &Table) -> Vec<Vec<String>> {
    let header = table.columns().iter().map(|column| column.name.clone()).collect();
    let row = |row| table.columns().iter().map(|column| cell(&column.cells, row)).collect();
    std::iter::once(header).chain((0..table.rows()).map(row)).collect()
}

fn cell(cells: &Cells, row: usize) -> String {
    match cells {
        Cells::Coded { codes, texts } => texts.at(codes[row] as usize).to_owned(),
        Cells::Numbers(numbers) => numbers[row].to_string(),
        Cells::Many { .. } => "many".to_owned(),
        Cells::Array { shape, numbers } => {
            let size = crate::cells::size(shape);
            let numbers: Vec<String> = (row * size..(row + 1) * size).map(|i| numbers.at(i).to_string()).collect();
            numbers.join(" ")
        }
    }
}
