//! Cross-entropy with label smoothing ε and class weights w, and its gradient.
//!
//! A row with label t has own = (1 − ε)·wₜ, and every row spreadⱼ = ε/M·wⱼ; these are computed beforehand. Per row of M logits: the
//! maximum (M − 1 cmp), z − max (M additions), Σ spreadⱼ·(zⱼ − max) (M multiplications, M − 1 additions), e^{z − max} (M exp), their
//! sum (M − 1 additions), its logarithm (1 log); the row's loss own·(ln sum − (zₜ − max)) + Σ spread·ln sum − Σ spreadⱼ·(zⱼ − max) (1
//! addition, 2 fma); the factor (own + Σ spread)/Σ wₜ/sum (1 add, 1 mul, 1 div), times the exponentials (M mul), less spread/Σ wₜ (M
//! fma), less own/Σ wₜ at the label (1 fma). For the batch: Σ wₜ (B − 1 additions), its inverse (1 div), the sum of the rows'
//! losses (B − 1 additions), times that (1 mul).

use crate::dot::call_dot;
use crate::element::Lane;
use crate::elementwise::{Elementwise, map_slice};
use crate::matrix::{MatrixMut, MatrixRef};
use crate::simd::{Kernel, Simd};
use crate::softmax::{Exp, Shift};
use crate::{math, reduce};

/// The loss of B rows; writes the rows' losses and the gradient.
pub(crate) struct WeightedCrossEntropy<'a, T> {
    /// B × M.
    pub(crate) logits: MatrixRef<'a, T>,
    /// B labels below M.
    pub(crate) labels: &'a [u32],
    /// w, (1 − ε)·w and ε/M·w: three rows of M.
    pub(crate) classes: MatrixRef<'a, T>,
    /// Σ ε/M·w.
    pub(crate) spread: T,
    /// wₜ of each row: B of any value before.
    pub(crate) weights: MatrixMut<'a, T>,
    /// B.
    pub(crate) losses: MatrixMut<'a, T>,
    /// B × M.
    pub(crate) delta: MatrixMut<'a, T>,
    /// Becomes the loss.
    pub(crate) loss: MatrixMut<'a, T>,
}

impl<T: Lane> Kernel<T> for WeightedCrossEntropy<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(mut self, simd: S) {
        let (of_classes, own, spread) = (self.classes.row(0), self.classes.row(1), self.classes.row(2));
        let (one, spread_sum) = (simd.one(), self.spread);
        let (of_rows, losses) = (self.weights.row(0), self.losses.row(0));
        for (to, label) in of_rows.chunks_mut(1).zip(self.labels) {
            one.store(one.broadcast(&of_classes[*label as usize]), to);
        }
        let inverse = one.div(T::ONE, reduce::call_sum(simd, of_rows));
        for (i, label) in self.labels.iter().enumerate() {
            let (row, label) = (self.delta.row(i), *label as usize);
            simd.copy(self.logits.row(i), row);
            let own = one.broadcast(&own[label]);
            simd.call(OfRow { row, label, own, spread, spread_sum, inverse, loss: &mut losses[i..] });
        }
        one.store(one.mul(reduce::call_sum(simd, losses), inverse), self.loss.row(0));
    }
}

/// The loss and the gradient of one row: a function of its own, as in `cross_entropy.rs`.
struct OfRow<'a, T> {
    /// The logits, which become the gradient.
    row: &'a mut [T],
    label: usize,
    /// (1 − ε)·wₜ.
    own: T,
    /// ε/M·w.
    spread: &'a [T],
    /// Σ ε/M·w.
    spread_sum: T,
    /// 1 / Σ wₜ.
    inverse: T,
    /// Its first element becomes the loss.
    loss: &'a mut [T],
}

impl<T: Lane> Kernel<T> for OfRow<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let OfRow { row, label, own, spread, spread_sum, inverse, loss } = self;
        let one = simd.one();
        map_slice(simd, Shift { by: reduce::max(simd, row) }, [], row);
        let at_label = one.broadcast(&row[label]);
        let spread_logits = call_dot(simd, spread, row);
        map_slice(simd, Exp, [], row);
        let sum = reduce::call_sum(simd, row);
        let log = math::log(one, sum);
        let spread_loss = one.mul_add(spread_sum, log, one.neg(spread_logits));
        one.store(one.mul_add(own, one.sub(log, at_label), spread_loss), loss);
        let factor = one.div(one.mul(one.add(own, spread_sum), inverse), sum);
        map_slice(simd, SmoothedGradient { factor, inverse }, [spread], row);
        one.store(one.neg_mul_add(own, inverse, one.broadcast(&row[label])), &mut row[label..]);
    }
}

/// e·factor − spread·inverse.
#[derive(Clone, Copy)]
pub(super) struct SmoothedGradient<T> {
    pub(super) factor: T,
    pub(super) inverse: T,
}

impl<T: Lane> Elementwise<T, 1> for SmoothedGradient<T> {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, e: S::Vector, [spread]: [S::Vector; 1]) -> S::Vector {
        simd.neg_mul_add(spread, simd.splat(self.inverse), simd.mul(e, simd.splat(self.factor)))
    }
}
