//! What is learned: a column of classes, columns of numbers, or columns that each say no or yes.

mod find;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::cells::Cells;
use crate::encode::{as_numbers, category};
use crate::error::DataError;
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
    ) -> Result<(Target, Vec<String>), DataError> {
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
    pub fn values(&self, table: &Table) -> Result<TargetValues, DataError> {
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
                    DataError::Content(format!("{place}: {text} is none of the classes {classes}"))
                };
                let mut values = Vec::new();
                reserve(&mut values, table.rows)?;
                match &table.columns[column].cells {
                    Cells::Coded { codes, texts } => {
                        let known: Vec<Option<u32>> = texts.iter().map(of).collect();
                        for (row, code) in codes.iter().enumerate() {
                            values.push(known[*code as usize].ok_or_else(|| unknown(row, texts.at(*code as usize)))?);
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
            Target::Numbers { columns, .. } => numbers_of(table, columns, |_, _| None),
            Target::Labels { columns, values } => numbers_of(table, columns, |i, text| {
                let is =
                    |value: &str| text.eq_ignore_ascii_case(value) || category(table, text) == category(table, value);
                values[i].iter().position(|value| is(value)).map(|number| number as f64)
            }),
        }
    }

    /// Scales numbers by those of these rows.
    pub fn fit(&mut self, table: &Table, values: &TargetValues, rows: &[usize]) -> Result<(), DataError> {
        let (Target::Numbers { columns, standards }, TargetValues::Numbers(values)) = (self, values) else {
            return Ok(());
        };
        let width = columns.len();
        for (i, (standard, column)) in standards.iter_mut().zip(columns).enumerate() {
            let of_row = |row: &usize| values[row.saturating_mul(width).saturating_add(i)];
            *standard = Standard::of(|| rows.iter().map(of_row)).ok_or_else(|| {
                DataError::Content(format!(
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

/// Numbers of columns, or what `other` makes of a text.
fn numbers_of(
    table: &Table,
    columns: &[String],
    other: impl Fn(usize, &str) -> Option<f64>,
) -> Result<TargetValues, DataError> {
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
                Cells::Coded { .. } => other(i, text_of(row)).or_else(|| numbers.at(row)),
                Cells::Numbers(_) | Cells::Many { .. } => numbers.at(row),
            };
            let value = value.ok_or_else(|| {
                let row = if let Cells::Many { first, .. } = &table.columns[column].cells { first.0 } else { row };
                let (place, text) = (table.cell_place(row, column), Foreign::quoted(text_of(row)));
                DataError::Content(format!("{place}: {text} is not a number"))
            })?;
            values[row.saturating_mul(width).saturating_add(i)] = value;
        }
    }
    Ok(TargetValues::Numbers(values))
}

fn not_arrays(table: &Table, column: usize) -> DataError {
    let column = Foreign::quoted(&table.columns[column].name);
    DataError::Request(format!("{}: the column {column} holds arrays, which can't be learned", table.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::table;

    fn find(cells: &[&str], task: Option<Task>) -> Result<(Target, Vec<String>), String> {
        let table = table(&format!("y\n{}", cells.join("\n")));
        Target::find(&table, &["y".to_owned()], task).map_err(|error| error.to_string())
    }

    fn classes(cells: &[&str]) -> Option<Vec<String>> {
        match find(cells, None).unwrap().0 {
            Target::Classes { classes, .. } => Some(classes),
            _ => None,
        }
    }

    #[test]
    fn what_is_learned_is_found() {
        assert_eq!(classes(&["b", "a", "", "b"]).unwrap(), ["a", "b"]);
        assert_eq!(classes(&["10", "9", "ten"]).unwrap(), ["10", "9", "ten"]);
        // Numbered classes, by number; 0.0 and 0 are one.
        assert_eq!(classes(&["1", "0", "2", "0.0"]).unwrap(), ["0", "1", "2"]);
        assert_eq!(classes(&["-1", "1"]).unwrap(), ["-1", "1"]);
        // Fractions, gaps, and whole numbers that begin elsewhere are numbers.
        for cells in
            [&["0.0", "0.1", "0.2"][..], &["0", "1", "2", "3", "7", "7"], &["12", "13", "14", "14"], &["0", "1", "2"]]
        {
            assert_eq!(classes(cells), None, "{cells:?}");
        }
        let many: Vec<String> = (0..21).map(|i| i.to_string()).collect();
        assert_eq!(classes(&many.iter().map(String::as_str).collect::<Vec<_>>()), None);
        assert!(matches!(find(&["0", "1"], Some(Task::Numbers)).unwrap().0, Target::Numbers { .. }));
        let Target::Classes { classes, .. } = find(&["12", "13", "12.0"], Some(Task::Classes)).unwrap().0 else {
            panic!()
        };
        assert_eq!(classes, ["12", "13"]);
    }

    #[test]
    fn classes_that_look_alike_are_named() {
        let (_, notes) = find(&["Yes", "yes", "no"], None).unwrap();
        assert!(notes[0].contains("\"Yes\", \"yes\"") && notes.len() == 1, "{notes:?}");
        assert!(find(&["-1", "1", "a"], None).unwrap().1.is_empty());
    }

    #[test]
    fn what_can_not_be_learned_is_refused() {
        assert!(find(&["a", "a"], None).unwrap_err().contains("two classes are needed"));
        assert!(find(&["", "NA"], None).is_err());
        let words: Vec<String> = (0..30).map(|i| format!("w{i}")).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        assert!(find(&words, None).unwrap_err().contains("30 different values in 30 rows"));
        let mut mistake: Vec<String> = (0..30).map(|i| (i * 3).to_string()).collect();
        mistake[4] = "l2".to_owned();
        let mistake: Vec<&str> = mistake.iter().map(String::as_str).collect();
        assert!(find(&mistake, None).unwrap_err().contains("\"l2\""));
    }

    #[test]
    fn several_columns_are_numbers_or_labels() {
        let table = table("a,b,c,d\n1,yes,0,x\n2.5,no,1,y\n,yes,0,x");
        let columns = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let (labels, _) = Target::find(&table, &columns(&["b", "c"]), None).unwrap();
        assert_eq!(labels.values(&table).unwrap(), TargetValues::Numbers(vec![1.0, 0.0, 0.0, 1.0, 1.0, 0.0]));
        let (mut numbers, _) = Target::find(&table, &columns(&["a", "c"]), None).unwrap();
        let values = numbers.values(&table).unwrap();
        assert!(!numbers.is_whole(&values, 2) && numbers.is_whole(&values, 1));
        numbers.fit(&table, &values, &[0, 1]).unwrap();
        let Target::Numbers { standards, .. } = &numbers else { panic!() };
        assert_eq!(standards[0], Standard { mean: 1.75, deviation: 0.75 });
        for strange in [&["a", "d"][..], &["a", "a"], &["a", "e"], &[]] {
            assert!(Target::find(&table, &columns(strange), None).is_err(), "{strange:?}");
        }
    }

    #[test]
    fn a_class_that_is_not_known_is_named() {
        let (target, _) = Target::find(&table("y\n0\n1\n2\n2"), &["y".to_owned()], None).unwrap();
        assert_eq!(target.values(&table("y\n2.0\n\n1")).unwrap(), TargetValues::Classes(vec![2, NO_CLASS, 1]));
        let error = target.values(&table("y\n2\n3")).unwrap_err().to_string();
        assert!(error.contains("row 2, column \"y\": \"3\" is none of the classes \"0\", \"1\", \"2\""), "{error}");
    }
}
