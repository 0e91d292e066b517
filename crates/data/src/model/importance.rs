//! How much a model takes from each column.

use nxm_net::{Dataset, Targets};

use super::Model;
use crate::error::TableError;
use crate::importance::{Importance, permutation_importance};

impl Model {
    /// The permutation importance of each column, the most important one first: how much the mean loss of these encoded rows grows when the
    /// column is shuffled, `repeats` times. The orders depend on `seed` and the number of rows alone.
    pub fn importance(
        &self,
        data: &Dataset<f32>,
        repeats: usize,
        seed: u64,
    ) -> Result<Vec<(String, Importance)>, TableError> {
        let columns = self.schema.encoder.columns();
        let mut ends = Vec::new();
        for column in columns {
            ends.push(ends.last().copied().unwrap_or(0usize).saturating_add(column.encoding.width()));
        }
        let loss = |shuffled: Option<(usize, &[usize])>| -> Result<f64, TableError> {
            let loss = &self.checkpoint.options.loss;
            let Some((column, order)) = shuffled else {
                return Ok(self.checkpoint.evaluated().evaluate(&self.cpu, data, loss)?.loss);
            };
            let start = column.checked_sub(1).map_or(0, |before| ends[before]);
            let data = with_columns_of(data, start..ends[column], order)?;
            Ok(self.checkpoint.evaluated().evaluate(&self.cpu, &data, loss)?.loss)
        };
        let found = permutation_importance(columns.len(), data.len(), repeats, seed, loss)?;
        Ok(found.into_iter().map(|one| (columns[one.column].name.clone(), one)).collect())
    }
}

/// The same rows, but for some inputs, which are those of other rows.
fn with_columns_of(
    data: &Dataset<f32>,
    columns: std::ops::Range<usize>,
    order: &[usize],
) -> Result<Dataset<f32>, TableError> {
    let mut inputs = Vec::new();
    crate::memory::reserve(&mut inputs, data.len().saturating_mul(data.features()))?;
    for (row, other) in order.iter().enumerate() {
        let start = inputs.len();
        inputs.extend_from_slice(data.inputs().row(row));
        inputs[start..][columns.clone()].copy_from_slice(&data.inputs().row(*other)[columns.clone()]);
    }
    let made = match data.targets() {
        Targets::Classes(labels) => Dataset::classification(inputs, data.features(), labels.to_vec(), data.outputs()),
        Targets::Values(values) => {
            let targets = (0..data.len()).flat_map(|row| values.row(row).to_vec()).collect();
            Dataset::regression(inputs, data.features(), targets, data.outputs())
        }
    };
    let weighted = match (made, data.weights()) {
        (Ok(made), Some(weights)) => made.with_weights(weights.to_vec()),
        (made, _) => made,
    };
    weighted.map_err(|error| TableError::Content(error.to_string()))
}
