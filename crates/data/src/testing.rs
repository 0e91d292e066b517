//! Tables for tests.

use std::sync::Arc;

use crate::cells::CellsBuilder;
use crate::table::{Column, Table};

/// A table called `t.csv`, from the text of a CSV file without quotes.
pub(crate) fn table(text: &str) -> Table {
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let mut builders = vec![CellsBuilder::new(Arc::default(), false); names.len()];
    for line in lines {
        let cells: Vec<&str> = line.split(',').collect();
        assert_eq!(cells.len(), names.len(), "{line}");
        builders.iter_mut().zip(cells).for_each(|(builder, cell)| builder.push(cell).unwrap());
    }
    let columns = names.into_iter().zip(builders);
    Table::new("t.csv", columns.map(|(name, cells)| Column { name: name.to_owned(), cells: cells.build() }).collect())
        .unwrap()
}
