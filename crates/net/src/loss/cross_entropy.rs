//! Softmax cross-entropy: L = Σ over rows of (ln Σ eᶻ − zₜ) / B and ∂L/∂z = (softmax(z) − 1ₜ) / B.
//!
//! Softmax and loss share the row's maximum, exponentials and sum. Per row of M logits: the maximum (M − 1 cmp), z − max (M
//! additions), e^{z − max} (M exp), their sum (M − 1 additions), its logarithm (1 log), the row's loss ln sum − (zₜ − max) (1
//! addition), (1/B) / sum (1 div), times that (M mul), less 1/B at the label (1 addition). For the batch: the sum of the
//! rows' losses (B − 1 additions), times 1/B (1 mul).
//!
//! It runs on one thread: rows are cheap beside the products that made them (M evaluations against N·M multiply-adds), and
//! one sum over the rows' losses has the same bits at any number of threads.

use nxm_kernels::elementwise::map_slice;
use nxm_kernels::softmax::{Exp, Scale, Shift};
use nxm_kernels::{Element, Kernel, Simd, math, reduce};

/// The loss of B rows; writes the rows' losses and the gradient.
pub(super) struct CrossEntropy<'a, T> {
    /// B × M.
    pub(super) logits: &'a [T],
    /// B labels below M.
    pub(super) labels: &'a [u32],
    /// 1 / B.
    pub(super) mean: T,
    /// B.
    pub(super) row_losses: &'a mut [T],
    /// B × M.
    pub(super) delta: &'a mut [T],
}

impl<T: Element> Kernel<T> for CrossEntropy<'_, T> {
    type Output = T;
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) -> T {
        let rows = self.labels.len();
        let classes = self.logits.len() / rows;
        let one = simd.one();
        for i in 0..rows {
            let row = &mut self.delta[i * classes..][..classes];
            simd.copy(&self.logits[i * classes..][..classes], row);
            let label = self.labels[i] as usize;
            map_slice(simd, Shift { by: reduce::max(simd, row) }, [], row);
            let at_label = one.broadcast(&row[label]);
            map_slice(simd, Exp, [], row);
            let sum = reduce::sum(simd, row);
            one.store(one.sub(math::log(one, sum), at_label), &mut self.row_losses[i..]);
            map_slice(simd, Scale { by: one.div(self.mean, sum) }, [], row);
            one.store(one.sub(one.broadcast(&row[label]), self.mean), &mut row[label..]);
        }
        one.mul(reduce::sum(simd, self.row_losses), self.mean)
    }
}
