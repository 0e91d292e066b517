//! Softmax cross-entropy: L = Σ over rows of (ln Σ eᶻ − zₜ) / B and ∂L/∂z = (softmax(z) − 1ₜ) / B.
//!
//! Softmax and loss share the row's maximum, exponentials and sum. Per row of M logits: the maximum (M − 1 cmp), z − max (M
//! additions), e^{z − max} (M exp), their sum (M − 1 additions), its logarithm (1 log), the row's loss ln sum − (zₜ − max) (1
//! addition), (1/B) / sum (1 div), times that (M mul), less 1/B at the label (1 addition). For the batch: the sum of the
//! rows' losses (B − 1 additions), times 1/B (1 mul).

use crate::element::Lane;
use crate::elementwise::map_slice;
use crate::matrix::{MatrixMut, MatrixRef};
use crate::simd::{Kernel, Simd};
use crate::softmax::{Exp, Scale, Shift};
use crate::{math, reduce};

/// The loss of B rows; writes the rows' losses and the gradient.
pub(crate) struct CrossEntropy<'a, T> {
    /// B × M.
    pub(crate) logits: MatrixRef<'a, T>,
    /// B labels below M.
    pub(crate) labels: &'a [u32],
    /// 1 / B.
    pub(crate) mean: T,
    /// B.
    pub(crate) losses: MatrixMut<'a, T>,
    /// B × M.
    pub(crate) delta: MatrixMut<'a, T>,
    /// Becomes the loss.
    pub(crate) loss: MatrixMut<'a, T>,
}

impl<T: Lane> Kernel<T> for CrossEntropy<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let CrossEntropy { logits, labels, mean, mut losses, mut delta, mut loss } = self;
        let (one, losses) = (simd.one(), losses.row(0));
        for (i, label) in labels.iter().enumerate() {
            let (row, label) = (delta.row(i), *label as usize);
            simd.copy(logits.row(i), row);
            simd.call(OfRow { row, label, mean, loss: &mut losses[i..] });
        }
        one.store(one.mul(reduce::call_sum(simd, losses), mean), loss.row(0));
    }
}

/// The loss and the gradient of one row. A function of its own, so that a compiler does not copy the loop over rows for every kind of row's
/// length: whatever decides that is asked once a row.
struct OfRow<'a, T> {
    /// The logits, which become the gradient.
    row: &'a mut [T],
    label: usize,
    mean: T,
    /// Its first element becomes the loss.
    loss: &'a mut [T],
}

impl<T: Lane> Kernel<T> for OfRow<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let OfRow { row, label, mean, loss } = self;
        let one = simd.one();
        map_slice(simd, Shift { by: reduce::max(simd, row) }, [], row);
        let at_label = one.broadcast(&row[label]);
        map_slice(simd, Exp, [], row);
        let sum = reduce::call_sum(simd, row);
        one.store(one.sub(math::log(one, sum), at_label), loss);
        map_slice(simd, Scale { by: one.div(mean, sum) }, [], row);
        one.store(one.sub(one.broadcast(&row[label]), mean), &mut row[label..]);
    }
}
