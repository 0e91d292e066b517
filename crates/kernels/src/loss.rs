//! Losses of a batch, each with its gradient.
//!
//! B rows of M outputs; `mean` is 1 / (B·M) or 1 / B, computed beforehand. A loss runs on one thread: rows are cheap beside the products
//! that made them (M evaluations against N·M multiply-adds), and one sum over the rows' losses has the same bits at any number of threads.

mod binary_cross_entropy;
mod cross_entropy;
mod element_loss;
mod mean_squared_error;
mod weigh_rows;
mod weighted_binary_cross_entropy;
mod weighted_cross_entropy;

pub(crate) use binary_cross_entropy::BinaryCrossEntropy;
pub(crate) use cross_entropy::CrossEntropy;
pub(crate) use element_loss::ElementLoss;
pub use element_loss::Measure;
pub(crate) use mean_squared_error::MeanSquaredError;
pub(crate) use weigh_rows::WeighRows;
pub(crate) use weighted_binary_cross_entropy::WeightedBinaryCrossEntropy;
pub(crate) use weighted_cross_entropy::WeightedCrossEntropy;

use crate::call::{Call, Op};
use crate::element::{Element, Lane};
use crate::layout::ShapeError;
use crate::matrix::{MatrixMut, MatrixRef};
use crate::simd::Simd;

/// The constructors of losses. `loss` is one element; `delta` becomes the gradient.
impl<'a, T: Element> Call<'a, T> {
    /// `loss` ← mean·Σ (o − t)², δ ← slope·(o − t), with mean = 1 / (B·M) and slope = 2 / (B·M).
    ///
    /// 2BM + 1 multiplications, 2BM − 1 additions.
    ///
    /// # Errors
    /// [`ShapeError`] if the shapes do not fit together or there are no outputs.
    pub fn mean_squared_error(
        outputs: MatrixRef<'a, T>,
        targets: MatrixRef<'a, T>,
        (mean, slope): (T, T),
        delta: MatrixMut<'a, T>,
        loss: MatrixMut<'a, T>,
    ) -> Result<Self, ShapeError> {
        Call::checked(Op::MeanSquaredError { outputs, targets, mean, slope, delta, loss })
    }

    /// `loss` ← mean·Σ ((1 − t)·z + softplus(−z)), δ ← mean·(σ(z) − t), with mean = 1 / (B·M). `losses` has the shape of the logits.
    ///
    /// BM evaluations of ln(1 + eˣ) and of the sigmoid, 2BM + 1 multiplications, 4BM − 1 additions.
    ///
    /// # Errors
    /// [`ShapeError`] if the shapes do not fit together or there are no logits.
    pub fn binary_cross_entropy(
        logits: MatrixRef<'a, T>,
        targets: MatrixRef<'a, T>,
        mean: T,
        losses: MatrixMut<'a, T>,
        delta: MatrixMut<'a, T>,
        loss: MatrixMut<'a, T>,
    ) -> Result<Self, ShapeError> {
        Call::checked(Op::BinaryCrossEntropy { logits, targets, mean, losses, delta, loss })
    }

    /// `loss` ← mean·Σ over rows of −ln softmax(z)ₜ, δ ← mean·(softmax(z) − 1ₜ), with mean = 1 / B. `losses` is a row of B.
    ///
    /// Per row M − 1 cmp, 2M + 1 additions, M + 1 evaluations (exp, log), 1 div, M mul; for the batch B − 1 additions and 1 mul.
    ///
    /// # Errors
    /// [`ShapeError`] if the shapes do not fit together, if there are no logits, or if a label is not below M.
    pub fn cross_entropy(
        logits: MatrixRef<'a, T>,
        labels: &'a [u32],
        mean: T,
        losses: MatrixMut<'a, T>,
        delta: MatrixMut<'a, T>,
        loss: MatrixMut<'a, T>,
    ) -> Result<Self, ShapeError> {
        check_labels(labels, logits.cols())?;
        Call::checked(Op::CrossEntropy { logits, labels, mean, losses, delta, loss })
    }

    /// Cross-entropy with class weights w and label smoothing ε: `loss` ← Σ over rows of (1 − ε)·wₜ·(−ln pₜ) + ε/M·Σⱼ wⱼ·(−ln pⱼ), over
    /// Σ wₜ, where p = softmax(z); δ ← (((1 − ε)·wₜ + ε/M·Σ w)·p − (1 − ε)·wₜ·1ₜ − ε/M·w) / Σ wₜ.
    ///
    /// `classes` are three rows of M, w, (1 − ε)·w and ε/M·w; `spread` is the sum of the third; `weights` (which becomes wₜ) and `losses`
    /// are rows of B.
    ///
    /// Per row M − 1 cmp, 4M + 3 additions, M + 1 evaluations, 1 div, 3M + 4 multiplications; for the batch 2B − 2 additions, 1 div and
    /// 1 mul.
    ///
    /// # Errors
    /// [`ShapeError`] if the shapes do not fit together, if there are no logits, or if a label is not below M.
    #[expect(clippy::too_many_arguments, reason = "it has that many operands")]
    pub fn weighted_cross_entropy(
        logits: MatrixRef<'a, T>,
        labels: &'a [u32],
        classes: MatrixRef<'a, T>,
        spread: T,
        weights: MatrixMut<'a, T>,
        losses: MatrixMut<'a, T>,
        delta: MatrixMut<'a, T>,
        loss: MatrixMut<'a, T>,
    ) -> Result<Self, ShapeError> {
        check_labels(labels, logits.cols())?;
        Call::checked(Op::WeightedCrossEntropy { logits, labels, classes, spread, weights, losses, delta, loss })
    }

    /// Binary cross-entropy with a weight p of the positive targets of each output: `loss` ← mean·Σ ((1 − t)·z + (1 + (p − 1)·t)·softplus(−z)),
    /// δ ← mean·((1 + (p − 1)·t)·σ(z) − p·t), with mean = 1 / (B·M). `positive` are two rows of M: p − 1 and p.
    ///
    /// BM evaluations of ln(1 + eˣ) and of the sigmoid, 7BM + 1 multiplications, 6BM − 1 additions.
    ///
    /// # Errors
    /// [`ShapeError`] if the shapes do not fit together or there are no logits.
    pub fn weighted_binary_cross_entropy(
        logits: MatrixRef<'a, T>,
        targets: MatrixRef<'a, T>,
        positive: MatrixRef<'a, T>,
        mean: T,
        losses: MatrixMut<'a, T>,
        delta: MatrixMut<'a, T>,
        loss: MatrixMut<'a, T>,
    ) -> Result<Self, ShapeError> {
        Call::checked(Op::WeightedBinaryCrossEntropy { logits, targets, positive, mean, losses, delta, loss })
    }

    /// `loss` ← mean·Σ ℓ(o, t), δ ← slope·g(o, t), of a [`Measure`]. `losses` has the shape of the outputs.
    ///
    /// BM times what the measure says, and BM + 1 mul, BM − 1 additions.
    ///
    /// # Errors
    /// [`ShapeError`] if the shapes do not fit together or there are no outputs.
    pub fn element_loss(
        measure: Measure<T>,
        outputs: MatrixRef<'a, T>,
        targets: MatrixRef<'a, T>,
        (mean, slope): (T, T),
        losses: MatrixMut<'a, T>,
        delta: MatrixMut<'a, T>,
        loss: MatrixMut<'a, T>,
    ) -> Result<Self, ShapeError> {
        Call::checked(Op::ElementLoss { measure, outputs, targets, mean, slope, losses, delta, loss })
    }

    /// Makes the mean of a loss over B rows a weighted one: `loss` ← mean·Σ sᵢ·Σⱼ ℓᵢⱼ / Σ sᵢcᵢ, δᵢ ← δᵢ·sᵢ·Σ cᵢ / Σ sᵢcᵢ, or 0 and 0 if the sum
    /// below is 0. `losses` are ℓ, B × m; `weights` are s, `shares` c and `factors` memory: rows of B. Without shares c is 1, and Σ c is
    /// `rows`. A loss that was not finite stays so.
    ///
    /// BM + 2B + 4 multiplications and B(m − 1) + 2B − 1 additions, with shares B multiplications and B − 1 additions more; 1 div, 1 cmp.
    ///
    /// # Errors
    /// [`ShapeError`] if the shapes do not fit together or there are no rows, losses or outputs.
    #[expect(clippy::too_many_arguments, reason = "it has that many operands")]
    pub fn weigh_rows(
        losses: MatrixRef<'a, T>,
        weights: MatrixRef<'a, T>,
        shares: Option<MatrixRef<'a, T>>,
        rows: T,
        mean: T,
        factors: MatrixMut<'a, T>,
        delta: MatrixMut<'a, T>,
        loss: MatrixMut<'a, T>,
    ) -> Result<Self, ShapeError> {
        Call::checked(Op::WeighRows { losses, weights, shares, rows, mean, factors, delta, loss })
    }
}

fn check_labels(labels: &[u32], classes: usize) -> Result<(), ShapeError> {
    match labels.iter().position(|label| *label as usize >= classes) {
        None => Ok(()),
        Some(row) => Err(ShapeError::Label { row, label: labels[row], classes }),
    }
}

/// Row i of the targets, laid out as the outputs are, whatever their strides.
#[inline(always)]
fn lay_out<T: Lane, S: Simd<T>>(simd: S, targets: MatrixRef<'_, T>, i: usize, to: &mut [T]) {
    if targets.layout().has_rows() {
        return simd.copy(targets.row(i), to);
    }
    let one = simd.one();
    for (j, to) in to.chunks_mut(1).enumerate() {
        one.store(one.broadcast(&targets.at(i, j)), to);
    }
}
