//! What each column of a table holds, found from its cells, and what becomes of it.
//!
//! Kinds are found from all rows, as a type is. What a network learns from, medians and the like, comes from training rows only:
//! see [`Encoder`](crate::Encoder).

mod find;

pub(crate) use find::booleans;

use std::collections::HashMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::TableError;
use crate::foreign::Foreign;
use crate::table::Table;

/// What the cells of a column are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Numbers.
    Numbers,
    /// Two values that say no and yes: 0 and 1, false and true, no and yes, n and y, f and t.
    Booleans,
    /// Few different values, whose order means nothing.
    Categories,
    /// Dates, perhaps with a time of day.
    Dates {
        /// How they are written: the index of the format among those that are known.
        format: u8,
    },
    /// Arrays of numbers, as images.
    Arrays,
    /// Nothing that a network could learn from.
    LeftOut(Reason),
}

/// Why a column is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It counts the rows, as the index of a data frame does: a network would learn it by heart.
    Index,
    /// Each row has another value: a key or a name.
    Id,
    /// All rows have the same value.
    Constant,
    /// Text with so many different values that they are no categories.
    Text,
    /// It says how much each row counts.
    Weights,
    /// The user said so.
    Asked,
}

/// What stands in a column.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Description {
    /// The name of the column.
    pub name: String,
    /// What its cells are.
    pub kind: Kind,
    /// Rows in which it is missing.
    pub missing: usize,
    /// Different values, the missing one not counted; none if there are more than are kept.
    pub distinct: Option<usize>,
    /// The least and the largest of numbers; of dates in days since 1970.
    pub range: Option<[f64; 2]>,
    /// Some of its values, as they are written.
    pub examples: Vec<String>,
}

/// What the user says of columns, which is stronger than what their cells say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Columns that are left out.
    pub ignore: Vec<String>,
    /// Columns that are categories, whatever their cells look like.
    pub categories: Vec<String>,
    /// Columns that are numbers.
    pub numbers: Vec<String>,
}

impl Table {
    /// What each column holds. An override that names no column, or a column that may be two things, is an error.
    pub fn describe(&self, overrides: &Overrides) -> Result<Vec<Description>, TableError> {
        self.describe_all_but(&[], overrides)
    }

    /// The same without these columns.
    pub(crate) fn describe_all_but(
        &self,
        but: &[String],
        overrides: &Overrides,
    ) -> Result<Vec<Description>, TableError> {
        for name in overrides.ignore.iter().chain(&overrides.categories).chain(&overrides.numbers) {
            self.column(name)?;
        }
        let others = (0..self.columns.len()).filter(|i| !but.contains(&self.columns[*i].name));
        others.map(|column| find::describe(self, column, overrides)).collect()
    }

    /// The index of the column of this name.
    pub fn column(&self, name: &str) -> Result<usize, TableError> {
        // Names differ: every constructor has checked that.
        let column = self.columns.iter().position(|column| column.name == name);
        column.ok_or_else(|| {
            TableError::Request(format!(
                "{} has no column {}; its columns are {}{}",
                self.name,
                Foreign::quoted(name),
                Foreign::list(self.columns.iter().map(|column| column.name.as_str())),
                if self.named { "" } else { ", by number, as the first line is an example" }
            ))
        })
    }

    /// The index of each of these columns, in a time that grows with the table and not with its square.
    pub(crate) fn columns_called<'n>(&self, names: impl Iterator<Item = &'n str>) -> Result<Vec<usize>, TableError> {
        let places: HashMap<&str, usize> =
            self.columns.iter().enumerate().map(|(i, column)| (column.name.as_str(), i)).collect();
        names.map(|name| places.get(name).copied().map_or_else(|| self.column(name), Ok)).collect()
    }
}

impl Description {
    /// Whether a network gets it.
    pub fn is_used(&self) -> bool {
        !matches!(self.kind, Kind::LeftOut(_))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Numbers => "numbers",
            Kind::Booleans => "yes or no",
            Kind::Categories => "categories",
            Kind::Dates { .. } => "dates",
            Kind::Arrays => "arrays",
            Kind::LeftOut(Reason::Index) => "left out: counts the rows",
            Kind::LeftOut(Reason::Id) => "left out: differs in each row",
            Kind::LeftOut(Reason::Constant) => "left out: the same in each row",
            Kind::LeftOut(Reason::Text) => "left out: text",
            Kind::LeftOut(Reason::Weights) => "left out: weighs the rows",
            Kind::LeftOut(Reason::Asked) => "left out, as you asked",
        })
    }
}
