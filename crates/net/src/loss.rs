//! What training makes small: losses, each with its gradient.

mod cross_entropy;
mod mean_squared_error;

use std::fmt;
use std::str::FromStr;

use nxm_kernels::{Element, Executor, ShapeError};

use crate::buffer::zeros;
use crate::data::Targets;
use crate::error::NetError;

/// A measure of how far B rows of M outputs are from their targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Loss {
    /// Σ (o − t)² / (B·M), the mean over all elements, as PyTorch's; its gradient is 2(o − t) / (B·M).
    ///
    /// 2BM + 1 multiplications, 2BM − 1 additions.
    MeanSquaredError,
    /// Σ over rows of −ln softmax(z)ₜ, over B, where z are the outputs (logits) and t the row's label; its gradient is
    /// (softmax(z) − 1ₜ) / B. The last layer should be the identity.
    ///
    /// Per row M − 1 cmp, 2M + 1 additions, M + 1 evaluations (exp, log), 1 div, M mul; for the batch B − 1 additions and 1
    /// mul.
    CrossEntropy,
}

/// The name of a loss that does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownLoss(
    /// The name.
    pub String,
);

impl fmt::Display for UnknownLoss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no loss is called {:?}; there are ", self.0)?;
        for (i, loss) in Loss::ALL.iter().enumerate() {
            write!(f, "{}{loss}", if i == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownLoss {}

impl Loss {
    /// All of them.
    pub const ALL: [Loss; 2] = [Loss::MeanSquaredError, Loss::CrossEntropy];

    /// Its name: "mse" or "cross_entropy".
    pub fn name(self) -> &'static str {
        match self {
            Loss::MeanSquaredError => "mse",
            Loss::CrossEntropy => "cross_entropy",
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Loss {
    type Err = UnknownLoss;
    fn from_str(name: &str) -> Result<Self, UnknownLoss> {
        let found = Loss::ALL.into_iter().find(|loss| loss.name() == name);
        found.ok_or_else(|| UnknownLoss(name.to_owned()))
    }
}

/// A loss for batches of one width, with what it computes beforehand.
#[derive(Clone, Debug)]
pub(crate) struct Criterion<T> {
    loss: Loss,
    outputs: usize,
    /// Rows of the batch the constants are for.
    rows: usize,
    /// 1 / (B·M) for the mean squared error, 1 / B for the cross-entropy.
    mean: T,
    /// 2 / (B·M).
    slope: T,
    /// One for each row; unused by the mean squared error, whose sum needs none.
    row_losses: Vec<T>,
}

impl<T: Element> Criterion<T> {
    /// For at most `batch` rows of `outputs` each.
    pub(crate) fn new(loss: Loss, outputs: usize, batch: usize) -> Result<Self, NetError> {
        let rows = match loss {
            Loss::MeanSquaredError => 0,
            Loss::CrossEntropy => batch,
        };
        let row_losses = zeros("the losses of a batch", rows, 1)?;
        Ok(Criterion { loss, outputs, rows: 0, mean: T::ZERO, slope: T::ZERO, row_losses })
    }

    /// Which loss it is.
    pub(crate) fn loss(&self) -> Loss {
        self.loss
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
    ) -> Result<T, ShapeError> {
        match targets {
            Targets::Values(values) => {
                self.prepare(values.rows());
                mean_squared_error::run(executor, outputs, values, self.mean, self.slope, delta)
            }
            Targets::Classes(labels) => {
                self.prepare(labels.len());
                let row_losses = &mut self.row_losses[..labels.len()];
                let kernel =
                    cross_entropy::CrossEntropy { logits: outputs, labels, mean: self.mean, row_losses, delta };
                Ok(executor.run(kernel))
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
            Loss::MeanSquaredError => rows as f64 * self.outputs as f64,
            Loss::CrossEntropy => rows as f64,
        };
        (self.rows, self.mean, self.slope) = (rows, T::from_f64(1.0 / terms), T::from_f64(2.0 / terms));
    }
}
