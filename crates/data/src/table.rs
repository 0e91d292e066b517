//! A table: what a file holds.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::cells::Cells;
use crate::error::TableError;
use crate::foreign::Foreign;
use crate::lines::Lines;
use crate::missing::Missing;
use crate::read::check_names;

/// Named columns of equal length.
#[derive(Clone, Debug)]
pub struct Table {
    /// What errors call it: the name of its file.
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: usize,
    pub(crate) places: Places,
    /// Which texts are missing values.
    pub(crate) missing: Arc<Missing>,
    /// Whether numbers have a comma before their fractions.
    pub(crate) decimal_comma: bool,
    /// Whether its columns had names, or are called 1, 2, 3, ….
    pub(crate) named: bool,
    /// Whether columns that it does not have are zeros: its file leaves zeros out.
    pub(crate) sparse: bool,
}

/// What the texts of a table mean: a model takes those of other tables for the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Texts that say that a value is missing, besides those that everybody uses.
    pub missing: Vec<String>,
    /// Whether numbers have a comma before their fractions.
    pub decimal_comma: bool,
}

/// A column.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its name, perhaps empty.
    pub name: String,
    /// Its cells.
    pub cells: Cells,
}

/// Where rows stand.
#[derive(Clone, Debug)]
pub(crate) enum Places {
    /// In lines of a text.
    Lines(Lines),
    /// One after another; the rows before them were read before. What one is called: "row", "image".
    Numbered {
        /// What one is called.
        what: &'static str,
        /// Rows of the file that stand before these.
        before: usize,
    },
}

/// Where a row stands, as errors say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place(pub(crate) String);

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Table {
    /// A table of these columns, which must have equally many rows and different names.
    pub fn new(name: impl Into<String>, columns: Vec<Column>) -> Result<Table, TableError> {
        let name = name.into();
        let rows = columns.first().map_or(0, |column| column.cells.len());
        if let Some(column) = columns.iter().find(|column| column.cells.len() != rows) {
            return Err(TableError::Content(format!(
                "{name}: the column {} has {} rows, and {} has {rows}",
                Foreign::quoted(&column.name),
                column.cells.len(),
                Foreign::quoted(&columns[0].name)
            )));
        }
        check_names(&columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>(), &name)?;
        Ok(Table::of_rows(&name, columns, rows, Places::Numbered { what: "row", before: 0 }, &Arc::default()))
    }

    /// A table of these rows of a file, whose columns have names and decimal points.
    pub(crate) fn of_rows(
        name: &str,
        columns: Vec<Column>,
        rows: usize,
        places: Places,
        missing: &Arc<Missing>,
    ) -> Table {
        let (name, missing) = (name.to_owned(), missing.clone());
        Table { name, columns, rows, places, missing, decimal_comma: false, named: true, sparse: false }
    }

    /// What its texts mean.
    pub fn reading(&self) -> Reading {
        Reading { missing: self.missing.named().to_vec(), decimal_comma: self.decimal_comma }
    }

    /// What errors call it: the name of its file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Its columns, in the order of the file.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Whether each row is an image: an array, perhaps with a label.
    pub fn is_images(&self) -> bool {
        self.columns.iter().any(|column| matches!(column.cells, Cells::Array { .. }))
    }

    /// Where a row stands.
    pub fn place(&self, row: usize) -> Place {
        let file = &self.name;
        Place(match &self.places {
            Places::Lines(lines) => format!("{file}, line {}", lines.at(row).unwrap_or(0)),
            Places::Numbered { what, before } => {
                format!("{file}, {what} {}", before.saturating_add(row).saturating_add(1))
            }
        })
    }

    /// Where a cell stands.
    pub fn cell_place(&self, row: usize, column: usize) -> Place {
        Place(format!("{}, column {}", self.place(row).0, Foreign::quoted(&self.columns[column].name)))
    }
}
