//! Encoded rows, as a network trains on them.

use nxm_net::Dataset;

use crate::encode::Encoder;
use crate::error::TableError;
use crate::memory::reserve;
use crate::split::Examples;
use crate::target::{Target, TargetValues};

/// Encoded rows with their targets.
pub fn dataset(
    encoder: &Encoder,
    target: &Target,
    examples: &Examples<'_>,
    rows: &[usize],
) -> Result<Dataset<f32>, TableError> {
    let inputs = encoder.encode(examples.table, rows)?;
    let width = encoder.width();
    let made = match (target, &examples.values) {
        (Target::Classes { classes: names, .. }, TargetValues::Classes(classes)) => {
            let mut labels = Vec::new();
            reserve(&mut labels, rows.len())?;
            labels.extend(rows.iter().map(|row| classes[*row]));
            Dataset::classification(inputs, width, labels, names.len())
        }
        (_, TargetValues::Numbers(numbers)) => {
            let outputs = target.outputs();
            let mut targets = Vec::new();
            reserve(&mut targets, rows.len().saturating_mul(outputs))?;
            for row in rows {
                for column in 0..outputs {
                    let x = numbers[row.saturating_mul(outputs).saturating_add(column)];
                    let scaled = match target {
                        Target::Numbers { standards, .. } => standards[column].scaled(x),
                        _ => x as f32,
                    };
                    if !scaled.is_finite() {
                        let place = examples.table.place(*row);
                        return Err(TableError::Content(format!(
                            "{place}: the target {x} is too far from those that the model was trained on"
                        )));
                    }
                    targets.push(scaled);
                }
            }
            Dataset::regression(inputs, width, targets, outputs)
        }
        (_, TargetValues::Classes(_)) => unreachable!("classes are of a target of classes"),
    };
    made.map_err(|error| TableError::Content(error.to_string()))
}
