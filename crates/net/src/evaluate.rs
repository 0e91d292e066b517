//! Using a network: predictions, and how good they are.

use nxm_kernels::{Element, Executor, MatrixRef};

use crate::buffer::zeros;
use crate::check::{check_data, check_inputs};
use crate::data::{Dataset, Targets};
use crate::error::NetError;
use crate::loss::Loss;
use crate::network::Network;
use crate::plans::{Given, Plans};
use crate::predictor::PredictionBuffers;
use crate::program::{Purpose, Sections};

/// Rows that are worked on at a time: enough to pay for packing the weights, few enough for the caches.
pub const EVALUATION_ROWS: usize = 256;

/// How good a network is on some examples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evaluation {
    /// The mean loss over all examples.
    pub loss: f64,
    /// The share of examples, 0 to 1, whose largest output (the first of equal ones) is at their label; none for
    /// regression. A row with NaN among its outputs counts as wrong.
    pub accuracy: Option<f64>,
}

impl<T: Element> Network<T> {
    /// The outputs for each row of `x`: rows × outputs, row-major.
    ///
    /// # Errors
    /// [`NetError`] if `x` is not as wide as the network's inputs, or the outputs do not fit into memory.
    pub fn predict(&self, executor: &dyn Executor, x: MatrixRef<'_, T>) -> Result<Vec<T>, NetError> {
        check_inputs(self, x)?;
        let mut outputs = zeros("the outputs", x.rows(), self.outputs())?;
        let mut buffers = PredictionBuffers::new(self, x.rows().min(EVALUATION_ROWS))?;
        for (i, to) in outputs.chunks_mut(EVALUATION_ROWS * self.outputs()).enumerate() {
            let rows = to.len() / self.outputs();
            let given = buffers.run(self, executor, x.block(i * EVALUATION_ROWS, 0, rows, x.cols()))?;
            for (i, to) in to.chunks_exact_mut(self.outputs()).enumerate() {
                to.copy_from_slice(given.row(i));
            }
        }
        Ok(outputs)
    }

    /// The mean loss over `data` (with class weights the weighted mean), and the accuracy where targets are classes.
    ///
    /// # Errors
    /// [`NetError`] if there are no examples, or if they do not fit the network or the loss.
    #[allow(clippy::float_arithmetic, reason = "the mean over batches, outside of every count")]
    pub fn evaluate(&self, executor: &dyn Executor, data: &Dataset<T>, loss: &Loss) -> Result<Evaluation, NetError> {
        check_data(self, loss, data)?;
        let len = data.len();
        let mut plans = Plans::new(&self.layout, loss, len.min(EVALUATION_ROWS), Purpose::Evaluation)?;
        let (mut total, mut weight, mut right) = (0.0, 0.0, 0);
        for start in (0..len).step_by(EVALUATION_ROWS) {
            let rows = EVALUATION_ROWS.min(len - start);
            let (x, targets) = data.batch(start..start + rows);
            let of_rows = loss.weight_of(rows, targets);
            let plan = plans.find(rows, Purpose::Evaluation)?;
            plans.run(plan, Sections::forward, executor, Given::forward(self, x, targets))?;
            weight += of_rows;
            total += match plans.plan(plan).results.losses {
                // If the labels of all rows weigh nothing, the rows have no mean. Label smoothing gives them a share of the sum.
                Some(losses) if of_rows == 0.0 => plans.matrix(losses).row(0).iter().map(|loss| loss.to_f64()).sum(),
                _ => plans.loss(plan).to_f64() * of_rows,
            };
            if let Targets::Classes(labels) = targets {
                let outputs = plans.outputs(plan);
                let is_right = |(i, label): (usize, &u32)| argmax(outputs.row(i)) == Some(*label as usize);
                right += labels.iter().enumerate().filter(|row| is_right(*row)).count();
            }
        }
        let accuracy = match data.targets() {
            Targets::Values(_) => None,
            Targets::Classes(_) => Some(right as f64 / len as f64),
        };
        Ok(Evaluation { loss: total / weight, accuracy })
    }
}

/// Where the largest element stands, the first of equal ones; nowhere if one is NaN.
fn argmax<T: Element>(row: &[T]) -> Option<usize> {
    let mut best = 0;
    for (i, x) in row.iter().enumerate() {
        match x.partial_cmp(&row[best])? {
            std::cmp::Ordering::Greater => best = i,
            std::cmp::Ordering::Less | std::cmp::Ordering::Equal => {}
        }
    }
    Some(best)
}

#[cfg(test)]
mod tests {
    use super::argmax;

    #[test]
    fn the_first_of_equal_outputs_wins_and_nan_wins_nothing() {
        assert_eq!(argmax(&[1.0, 3.0, 3.0]), Some(1));
        assert_eq!(argmax(&[0.0, -0.0]), Some(0));
        assert_eq!(argmax(&[f64::NEG_INFINITY; 2]), Some(0));
        assert_eq!(argmax(&[f32::NAN, 1.0]), None);
        assert_eq!(argmax(&[1.0, f32::NAN, 2.0]), None);
    }
}
