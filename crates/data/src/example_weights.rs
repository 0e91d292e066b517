//! How much rows weigh: the numbers of a column that is not learned from.

use serde::{Deserialize, Serialize};

use crate::encode::as_numbers;
use crate::error::TableError;
use crate::foreign::Foreign;
use crate::memory::reserve;
use crate::table::Table;

/// What the rows of a table weigh.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExampleWeights {
    /// The column that says it.
    pub column: String,
    /// Of each row of the table; NaN where nobody asks, because the row has no target.
    pub values: Vec<f64>,
}

impl ExampleWeights {
    /// The numbers of a column, which must be at least 0 in these rows, and not missing.
    pub(crate) fn of(table: &Table, name: &str, rows: &[usize]) -> Result<ExampleWeights, TableError> {
        let column = table.column(name)?;
        let numbers = as_numbers(table, column);
        let mut values = Vec::new();
        reserve(&mut values, table.rows)?;
        values.resize(table.rows, f64::NAN);
        for row in rows {
            let wrong = |found: String| {
                let place = table.cell_place(*row, column);
                TableError::Content(format!("{place}: a weight must be a number of at least 0, and this one {found}"))
            };
            values[*row] = match numbers.at(*row) {
                None => return Err(wrong("is no number".to_owned())),
                Some(weight) if weight.is_nan() => return Err(wrong("is missing".to_owned())),
                // Networks are trained in f32.
                Some(weight) if weight < 0.0 || !(weight as f32).is_finite() => {
                    return Err(wrong(format!("is {weight}")));
                }
                Some(weight) => weight,
            };
        }
        Ok(ExampleWeights { column: name.to_owned(), values })
    }

    /// The weights of these rows, which must not all be 0.
    pub(crate) fn of_rows(&self, table: &Table, rows: &[usize]) -> Result<Vec<f32>, TableError> {
        let mut weights = Vec::new();
        reserve(&mut weights, rows.len())?;
        weights.extend(rows.iter().map(|row| self.values[*row] as f32));
        if weights.iter().all(|weight| *weight == 0.0) {
            return Err(TableError::Content(format!(
                "{}: the column {} has weight 0 in all {} rows that are used: one that weighs more is needed",
                table.name,
                Foreign::quoted(&self.column),
                rows.len()
            )));
        }
        Ok(weights)
    }
}
