//! Using a network: predictions, and how good they are.

use nxm_kernels::beside::{add, div, is_zero, mul, sum, whole, widened};
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
    /// The mean loss over all examples; of a loss that is a sum their sum.
    pub loss: f64,
    /// The share of examples, 0 to 1, whose largest output (the first of equal ones) is at their label; none for
    /// regression. A row with NaN among its outputs counts as wrong.
    pub accuracy: Option<f64>,
}

impl<T: Element> Network<T> {
    /// The outputs for each row of `x`: rows × outputs, row-major. They are not checked: finite inputs can be so large that outputs are infinite
    /// or NaN, for which [`argmax`] returns `None`.
    ///
    /// # Errors
    /// [`NetError`] if `x` is not as wide as the network's inputs, or the outputs do not fit into memory.
    pub fn predict(&self, executor: &dyn Executor, x: MatrixRef<'_, T>) -> Result<Vec<T>, NetError> {
        check_inputs(self, x)?;
        let mut outputs = zeros("the outputs", x.rows(), self.outputs())?;
        let mut buffers = PredictionBuffers::new(self, x.rows().min(EVALUATION_ROWS))?;
        for (i, to) in outputs.chunks_mut(EVALUATION_ROWS.saturating_mul(self.outputs())).enumerate() {
            let rows = to.len() / self.outputs();
            let given = buffers.run(self, executor, x.block(i * EVALUATION_ROWS, 0, rows, x.cols()))?;
            for (i, to) in to.chunks_exact_mut(self.outputs()).enumerate() {
                to.copy_from_slice(given.row(i));
            }
        }
        Ok(outputs)
    }

    /// The mean loss over `data` (with weights of classes or examples the weighted mean), and the accuracy where targets are classes. In the
    /// accuracy each example counts once, whatever it weighs.
    ///
    /// # Errors
    /// [`NetError`] if there are no examples, if they do not fit the network or the loss, or if they all have weight 0.
    pub fn evaluate(&self, executor: &dyn Executor, data: &Dataset<T>, loss: &Loss) -> Result<Evaluation, NetError> {
        self.evaluate_blocks(executor, data, loss, |_| ())
    }

    /// The same, and the outputs for each row, which are computed once: what [`evaluate`](Network::evaluate) and
    /// [`predict`](Network::predict) return.
    ///
    /// # Errors
    /// As [`Network::evaluate`]; and if the outputs do not fit into memory.
    pub fn evaluate_and_predict(
        &self,
        executor: &dyn Executor,
        data: &Dataset<T>,
        loss: &Loss,
    ) -> Result<(Evaluation, Vec<T>), NetError> {
        let mut outputs = zeros("the outputs", data.len(), self.outputs())?;
        let mut rows = outputs.chunks_exact_mut(self.outputs());
        let evaluation = self.evaluate_blocks(executor, data, loss, |block| {
            for (i, to) in (0..block.rows()).zip(&mut rows) {
                to.copy_from_slice(block.row(i));
            }
        })?;
        Ok((evaluation, outputs))
    }

    /// Evaluates, and shows the outputs of some rows after the other to `see`.
    fn evaluate_blocks(
        &self,
        executor: &dyn Executor,
        data: &Dataset<T>,
        loss: &Loss,
        mut see: impl FnMut(MatrixRef<'_, T>),
    ) -> Result<Evaluation, NetError> {
        check_data(self, loss, data)?;
        let len = data.len();
        let purpose = Purpose::Evaluation { weighted: data.weights().is_some() };
        let mut plans = Plans::new(&self.layout, loss, len.min(EVALUATION_ROWS), purpose)?;
        let (mut total, mut weight, mut right) = (0.0, 0.0, 0);
        for start in (0..len).step_by(EVALUATION_ROWS) {
            let rows = EVALUATION_ROWS.min(len - start);
            let batch = data.batch(start..start + rows);
            let of_rows = loss.weight_of(rows, batch.targets, batch.weights);
            let plan = plans.find(rows, purpose)?;
            plans.weigh(plan, batch.weights);
            plans.run(plan, Sections::forward, executor, Given::forward(self, batch))?;
            let of_batch = match plans.plan(plan).results.losses {
                // If the labels of all rows weigh nothing, the rows have no mean. Label smoothing gives them a share of the sum.
                Some(losses) if is_zero(of_rows) => {
                    let losses = plans.matrix(losses).row(0).iter().map(|loss| widened(*loss));
                    match batch.weights {
                        None => sum(losses),
                        Some(weights) => sum(losses.zip(weights).map(|(loss, s)| mul(loss, widened(*s)))),
                    }
                }
                _ => mul(widened(plans.loss(plan)), of_rows),
            };
            total = add(total, of_batch);
            // A sum is divided by 1.
            weight = if loss.is_sum() { of_rows } else { add(weight, of_rows) };
            see(plans.outputs(plan));
            if let Targets::Classes(labels) = batch.targets {
                let outputs = plans.outputs(plan);
                let is_right = |(i, label): (usize, &u32)| argmax(outputs.row(i)) == Some(*label as usize);
                right += labels.iter().enumerate().filter(|row| is_right(*row)).count();
            }
        }
        let accuracy = match data.targets() {
            Targets::Values(_) => None,
            Targets::Classes(_) => Some(div(whole(right as u64), whole(len as u64))),
        };
        Ok(Evaluation { loss: div(total, weight), accuracy })
    }
}

/// The index of the largest element, the first of equal ones: the class that the outputs of a classifier name. `None` if an element is NaN,
/// or if there are none. It compares bits, so it executes no floating-point operation.
///
/// ```
/// assert_eq!(nxm_net::argmax(&[1.0f32, 3.0, 3.0]), Some(1));
/// assert_eq!(nxm_net::argmax(&[1.0, f32::NAN]), None);
/// assert_eq!(nxm_net::argmax::<f32>(&[]), None);
/// ```
pub fn argmax<T: Element>(row: &[T]) -> Option<usize> {
    let mut best = (0, place(*row.first()?)?);
    for (i, x) in row.iter().enumerate().skip(1) {
        let here = place(*x)?;
        if here > best.1 {
            best = (i, here);
        }
    }
    Some(best.0)
}

/// An integer in whose order `x` stands among numbers, the same for 0 and −0; none if `x` is NaN.
fn place<T: Element>(x: T) -> Option<i64> {
    let sign = 1 << (8 * size_of::<T>() - 1);
    let infinity = T::NEG_INFINITY.to_bits_u64() ^ sign;
    let magnitude = x.to_bits_u64() & !sign;
    let is_negative = x.to_bits_u64() != magnitude;
    let place = magnitude as i64;
    (magnitude <= infinity).then_some(if is_negative { -place } else { place })
}

#[cfg(test)]
mod tests {
    use super::{argmax, place};

    #[test]
    fn places_are_in_the_order_of_numbers() {
        let numbers = [f32::NEG_INFINITY, f32::MIN, -1.5, -1e-45, 0.0, 1e-45, 1.5, f32::MAX, f32::INFINITY];
        for (x, y) in numbers.into_iter().flat_map(|x| numbers.map(|y| (x, y))) {
            assert_eq!(place(x).unwrap().cmp(&place(y).unwrap()), x.total_cmp(&y), "{x} {y}");
            let (x, y) = (f64::from(x), f64::from(y));
            assert_eq!(place(x).unwrap().cmp(&place(y).unwrap()), x.total_cmp(&y), "{x} {y}");
        }
        assert_eq!([place(-0.0f64), place(f64::NAN), place(-f64::NAN)], [Some(0), None, None]);
    }

    #[test]
    fn the_first_of_equal_outputs_wins_and_nan_wins_nothing() {
        assert_eq!(argmax(&[1.0, 3.0, 3.0]), Some(1));
        assert_eq!(argmax(&[0.0, -0.0]), Some(0));
        assert_eq!(argmax(&[f64::NEG_INFINITY; 2]), Some(0));
        assert_eq!(argmax(&[f32::NAN, 1.0]), None);
        assert_eq!(argmax::<f64>(&[]), None);
        assert_eq!(argmax(&[1.0, f32::NAN, 2.0]), None);
    }
}
