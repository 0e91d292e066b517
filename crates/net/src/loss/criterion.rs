//! A loss with what it computes beforehand, and its buffers.

use nxm_kernels::{Element, Executor};

use super::Loss;
use super::binary_cross_entropy::BinaryCrossEntropy;
use super::cross_entropy::CrossEntropy;
use super::mean_squared_error::MeanSquaredError;
use super::weighted_cross_entropy::{ClassWeights, WeightedCrossEntropy};
use crate::buffer::zeros;
use crate::data::Targets;
use crate::error::NetError;

/// A loss for batches of one width.
#[derive(Clone, Debug)]
pub(crate) struct Criterion<T> {
    loss: Loss,
    outputs: usize,
    /// Rows of the batch the constants are for.
    rows: usize,
    /// 1 / (B·M); 1 / B for the cross-entropy.
    mean: T,
    /// 2 / (B·M).
    slope: T,
    /// Losses that are summed at last: of rows or of elements; the mean squared error needs none.
    losses: Vec<T>,
    weights: Option<ClassWeights<T>>,
}

impl<T: Element> Criterion<T> {
    /// For at most `batch` rows of `outputs` each.
    pub(crate) fn new(loss: &Loss, outputs: usize, batch: usize) -> Result<Self, NetError> {
        loss.check(outputs)?;
        let cols = match loss {
            Loss::MeanSquaredError => 0,
            Loss::CrossEntropy { .. } => 1,
            Loss::BinaryCrossEntropy => outputs,
        };
        let losses = zeros("the losses of a batch", batch, cols)?;
        let weights = match loss {
            Loss::CrossEntropy { label_smoothing, class_weights } if loss.is_weighted() => {
                Some(ClassWeights::new(*label_smoothing, class_weights, outputs, batch)?)
            }
            _ => None,
        };
        Ok(Criterion { loss: loss.clone(), outputs, rows: 0, mean: T::ZERO, slope: T::ZERO, losses, weights })
    }

    /// Which loss it is.
    pub(crate) fn loss(&self) -> &Loss {
        &self.loss
    }

    /// The mean loss of `outputs` (row-major, at least one row); its gradient is written to `delta`, which is as long.
    ///
    /// `targets` were checked to be of the loss's kind and to have these rows and columns.
    #[inline]
    pub(crate) fn run(
        &mut self,
        executor: &impl Executor,
        outputs: &[T],
        targets: Targets<'_, T>,
        delta: &mut [T],
    ) -> T {
        match targets {
            Targets::Values(values) => {
                self.prepare(values.rows());
                let Criterion { mean, slope, .. } = *self;
                match self.loss {
                    Loss::BinaryCrossEntropy => {
                        let losses = &mut self.losses[..delta.len()];
                        executor.run(BinaryCrossEntropy { logits: outputs, mean, losses, targets: values, delta })
                    }
                    _ => executor.run(MeanSquaredError { outputs, mean, slope, targets: values, delta }),
                }
            }
            Targets::Classes(labels) => {
                self.prepare(labels.len());
                let (logits, mean, row_losses) = (outputs, self.mean, &mut self.losses[..labels.len()]);
                match &mut self.weights {
                    None => executor.run(CrossEntropy { logits, labels, mean, row_losses, delta }),
                    Some(classes) => executor.run(WeightedCrossEntropy { logits, labels, classes, row_losses, delta }),
                }
            }
        }
    }

    /// The constants for batches of `rows` rows: computed only when the number of rows changes, outside of what counts.
    #[inline]
    fn prepare(&mut self, rows: usize) {
        if rows == self.rows {
            return;
        }
        let terms = match self.loss {
            Loss::MeanSquaredError | Loss::BinaryCrossEntropy => rows as f64 * self.outputs as f64,
            Loss::CrossEntropy { .. } => rows as f64,
        };
        (self.rows, self.mean, self.slope) = (rows, T::from_f64(1.0 / terms), T::from_f64(2.0 / terms));
    }
}
