//! What a network must know of its data.

use nxm_net::{Dataset, Network};
use serde::{Deserialize, Serialize};

use super::Baseline;
use crate::encode::Encoder;
use crate::error::TableError;
use crate::memory::reserve;
use crate::split::{Rows, Split};
use crate::table::Reading;
use crate::target::{Target, TargetValues};

/// The note in a checkpoint that holds the [`Schema`].
pub const NOTE: &str = "nxm.data";

/// What a network must know of its data, learned from training rows. It travels with the network, as a note in its checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    /// How columns become inputs.
    pub encoder: Encoder,
    /// What the outputs mean.
    pub target: Target,
    /// What the model must beat: predictions from the training targets alone.
    pub baseline: Baseline,
    /// How the table that it was trained on is read.
    pub reading: Reading,
    /// The column that says what rows weigh, if there was one. Models from before there were weights have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<String>,
}

impl Schema {
    /// Of the training rows of a split.
    pub fn fit(split: &Split<'_>) -> Result<Schema, TableError> {
        let Rows { examples, rows } = &split.train;
        let encoder = Encoder::fit(examples.table, &examples.columns, rows)?;
        let mut target = examples.target.clone();
        target.fit(examples.table, &examples.values, rows)?;
        let baseline = Baseline::new(&target, &split.train.values()?)?;
        let weights = examples.weights.as_ref().map(|weights| weights.column.clone());
        Ok(Schema { encoder, target, baseline, reading: examples.table.reading(), weights })
    }

    /// Whether it is of this network and makes sense: a checkpoint may say anything.
    pub(super) fn fits(&self, network: &Network<f32>) -> bool {
        let Schema { encoder, target, baseline, .. } = self;
        [network.inputs(), network.outputs()] == [encoder.width(), target.outputs()]
            && encoder.is_sane()
            && target.is_sane()
            && baseline.fits(target)
    }

    /// The text of the note.
    pub fn note(&self) -> Result<String, TableError> {
        serde_json::to_string(self).map_err(|error| TableError::Content(error.to_string()))
    }

    /// Rows with their targets and their weights, as a network trains on them.
    pub fn dataset(&self, rows: &Rows<'_>) -> Result<Dataset<f32>, TableError> {
        let inputs = self.encoder.encode(rows.examples.table, &rows.rows)?;
        let width = self.encoder.width();
        let made = match rows.values()? {
            TargetValues::Classes(labels) => Dataset::classification(inputs, width, labels, self.target.outputs()),
            TargetValues::Numbers(numbers) => {
                let outputs = self.target.outputs();
                let mut targets = Vec::new();
                reserve(&mut targets, numbers.len())?;
                for (row, numbers) in rows.rows.iter().zip(numbers.chunks_exact(outputs)) {
                    for (column, x) in numbers.iter().enumerate() {
                        let scaled = match &self.target {
                            Target::Numbers { standards, .. } => standards[column].scaled(*x),
                            _ => *x as f32,
                        };
                        if !scaled.is_finite() {
                            let place = rows.examples.table.place(*row);
                            return Err(TableError::Content(format!(
                                "{place}: the target {x} is too far from those that the model was trained on"
                            )));
                        }
                        targets.push(scaled);
                    }
                }
                Dataset::regression(inputs, width, targets, outputs)
            }
        };
        let weighted = match (made, rows.weights()?) {
            (Ok(data), Some(weights)) => data.with_weights(weights),
            (made, _) => made,
        };
        weighted.map_err(|error| TableError::Content(error.to_string()))
    }
}
