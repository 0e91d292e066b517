//! What is learned: a column of classes, columns of numbers, or columns that each say no or yes.

mod find;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::cells::Cells;
use crate::encode::{as_numbers, category};
use crate::error::TableError;
use crate::foreign::Foreign;
use crate::memory::reserve;
use crate::standard::Standard;
use crate::table::Table;

/// What is learned, if it should not be found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Classes, even if they are written as numbers.
    Classes,
    /// Numbers, even if they are few.
    Numbers,
    /// One of two values, by one output for each column.
    Labels,
}

/// What is learned: the meaning of a network's outputs. It travels with the network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// One class of several: an output for each, the logit of its probability.
    Classes {
        /// The column.
        column: String,
        /// As they are written; in the order of their numbers, if all are numbers.
        classes: Vec<String>,
    },
    /// Numbers: an output for each column, scaled.
    Numbers {
        /// The columns.
        columns: Vec<String>,
        /// How each is scaled.
        standards: Vec<Standard>,
    },
    /// An output for each column: the logit of the probability that it says yes.
    Labels {
        /// The columns.
        columns: Vec<String>,
        /// What says no and what says yes, in each.
        values: Vec<[String; 2]>,
    },
}

/// The targets of rows.
#[derive(Clone, Debug, PartialEq)]
pub enum TargetValues {
    /// The number of a class, of each row; [`NO_CLASS`] where it is missing.
    Classes(Vec<u32>),
    /// Numbers, as many in each row as there are columns; NaN where one is missing. Labels are 0 and 1.
    Numbers(Vec<f64>),
}

/// Stands for a class that is missing.
pub const NO_CLASS: u32 = u32::MAX;

impl Target {
    /// What these columns ask for, and what is worth saying about it.
    pub(crate) fn find(
        table: &Table,
        columns: &[String],
        task: Option<Task>,
    ) -> Result<(Target, Vec<String>), TableError> {
        find::find(table, columns, task)
    }

    /// The columns.
    pub fn columns(&self) -> &[String] {
        match self {
            Target::Classes { column, .. } => std::slice::from_ref(column),
            Target::Numbers { columns, .. } | Target::Labels { columns, .. } => columns,
        }
    }

    /// Outputs of the network.
    pub fn outputs(&self) -> usize {
        match self {
            Target::Classes { classes, .. } => classes.len(),
            Target::Numbers { columns, .. } | Target::Labels { columns, .. } => columns.len(),
        }
    }

    /// "3 classes".
    pub fn describe(&self) -> String {
        match self {
            Target::Classes { classes, .. } => format!("{} classes", classes.len()),
            Target::Numbers { columns, .. } if columns.len() == 1 => "a number".to_owned(),
            Target::Numbers { columns, .. } => format!("{} numbers", columns.len()),
            Target::Labels { columns, .. } => format!("{} labels", columns.len()),
        }
    }

    /// Whether it makes sense: a checkpoint may say anything.
    pub fn is_sane(&self) -> bool {
        match self {
            Target::Classes { classes, .. } => classes.len() >= 2,
            Target::Numbers { columns, standards } => {
                !columns.is_empty() && columns.len() == standards.len() && standards.iter().all(Standard::is_sane)
            }
            Target::Labels { columns, values } => !columns.is_empty() && columns.len() == values.len(),
        }
    }

    /// The targets of all rows. A class that is not known is an error.
    pub fn values(&self, table: &Table) -> Result<TargetValues, TableError> {
        match self {
            Target::Classes { column, classes } => {
                let column = table.column(column)?;
                let numbers: HashMap<String, u32> =
                    classes.iter().enumerate().map(|(i, class)| (category(table, class), i as u32)).collect();
                let of = |text: &str| match table.missing.is(text) {
                    true => Some(NO_CLASS),
                    false => numbers.get(&category(table, text)).copied(),
                };
                let unknown = |row: usize, text: &str| {
                    let (place, text) = (table.cell_place(row, column), Foreign::quoted(text));
                    let classes = Foreign::list(classes.iter().map(String::as_str));
                    TableError::Content(format!("{place}: {text} is none of the classes {classes}"))
                };
                // The first one by its place, and the others by their names.
                let unknown_of = |row: usize, found: &str, texts: &mut dyn Iterator<Item = &str>| {
                    let others: Vec<&str> = texts.filter(|text| *text != found && of(text).is_none()).collect();
                    match unknown(row, found) {
                        TableError::Content(message) if !others.is_empty() => TableError::Content(format!(
                            "{message}; nor is any of {}",
                            Foreign::list(others.into_iter())
                        )),
                        error => error,
                    }
                };
                let mut values = Vec::new();
                reserve(&mut values, table.rows)?;
                match &table.columns[column].cells {
                    Cells::Coded { codes, texts } => {
                        let known: Vec<Option<u32>> = texts.iter().map(of).collect();
                        for (row, code) in codes.iter().enumerate() {
                            values.push(
                                known[*code as usize]
                                    .ok_or_else(|| unknown_of(row, texts.at(*code as usize), &mut texts.iter()))?,
                            );
                        }
                    }
                    Cells::Numbers(numbers) => {
                        for (row, x) in numbers.iter().enumerate() {
                            let text = if x.is_nan() { String::new() } else { x.to_string() };
                            values.push(of(&text).ok_or_else(|| unknown(row, &text))?);
                        }
                    }
                    Cells::Many { first, .. } => return Err(unknown(first.0, &first.1)),
                    Cells::Array { .. } => return Err(not_arrays(table, column)),
                }
                Ok(TargetValues::Classes(values))
            }
            Target::Numbers { columns, .. } => numbers_of(table, columns, "a number", |_, _, number| number),
            Target::Labels { columns, values } => {
                numbers_of(table, columns, "one of the two values of its column", |i, text, number| {
                    if number.is_some_and(f64::is_nan) {
                        return number;
                    }
                    let is = |value: &str| {
                        text.eq_ignore_ascii_case(value) || category(table, text) == category(table, value)
                    };
                    values[i].iter().position(|value| is(value)).map(|number| number as f64)
                })
            }
        }
    }

    /// Scales numbers by those of these rows.
    pub fn fit(&mut self, table: &Table, values: &TargetValues, rows: &[usize]) -> Result<(), TableError> {
        let (Target::Numbers { columns, standards }, TargetValues::Numbers(values)) = (self, values) else {
            return Ok(());
        };
        let width = columns.len();
        for (i, (standard, column)) in standards.iter_mut().zip(columns).enumerate() {
            let of_row = |row: &usize| values[row.saturating_mul(width).saturating_add(i)];
            *standard = Standard::of(|| rows.iter().map(of_row)).ok_or_else(|| {
                TableError::Content(format!(
                    "{}: the column {} holds numbers that are too large, or too far apart, to be standardised",
                    table.name,
                    Foreign::quoted(column)
                ))
            })?;
        }
        Ok(())
    }

    /// Whether a row has all of its targets.
    pub(crate) fn is_whole(&self, values: &TargetValues, row: usize) -> bool {
        match values {
            TargetValues::Classes(classes) => classes[row] != NO_CLASS,
            TargetValues::Numbers(numbers) => {
                let width = self.columns().len();
                numbers[row.saturating_mul(width)..].iter().take(width).all(|x| !x.is_nan())
            }
        }
    }
}

/// Numbers of columns: what `value` makes of the index of the column, a text and the number that it is.
fn numbers_of(
    table: &Table,
    columns: &[String],
    what: &str,
    value: impl Fn(usize, &str, Option<f64>) -> Option<f64>,
) -> Result<TargetValues, TableError> {
    let width = columns.len();
    let mut values = Vec::new();
    reserve(&mut values, table.rows.saturating_mul(width))?;
    values.resize(table.rows.saturating_mul(width), f64::NAN);
    for (i, name) in columns.iter().enumerate() {
        let column = table.column(name)?;
        let numbers = as_numbers(table, column);
        let text_of = |row: usize| match &table.columns[column].cells {
            Cells::Coded { codes, texts } => texts.at(codes[row] as usize),
            Cells::Many { first, .. } => &first.1,
            Cells::Numbers(_) | Cells::Array { .. } => "",
        };
        for row in 0..table.rows {
            let value = match &table.columns[column].cells {
                Cells::Array { .. } => return Err(not_arrays(table, column)),
                Cells::Coded { .. } | Cells::Many { .. } => value(i, text_of(row), numbers.at(row)),
                Cells::Numbers(_) => value(i, "", numbers.at(row)),
            };
            let value = value.ok_or_else(|| {
                let row = if let Cells::Many { first, .. } = &table.columns[column].cells { first.0 } else { row };
                let (place, text) = (table.cell_place(row, column), Foreign::quoted(text_of(row)));
                TableError::Content(format!("{place}: {text} is not {what}"))
            })?;
            values[row.saturating_mul(width).saturating_add(i)] = value;
        }
    }
    Ok(TargetValues::Numbers(values))
}

fn not_arrays(table: &Table, column: usize) -> TableError {
    let column = Foreign::quoted(&table.columns[column].name);
    TableError::Request(format!("{}: the column {column} holds arrays, which can't be learned", table.name))
}

#[cfg(test)]
mod tests;
