//! Cross-entropy of logits z with a probability of each class: L = −Σ over rows of Σⱼ vⱼ·ln pⱼ / B, where p = softmax(z), and
//! ∂L/∂z = (p·Σ v − v) / B.
//!
//! v are the targets, or with label smoothing ε and class weights w vⱼ = wⱼ·((1 − ε)·yⱼ + ε/M) of targets y. The two factors of yⱼ and 1 are
//! computed beforehand. As ln p = z − max − ln Σ e, the loss of a row is Σ v·ln Σ e − Σⱼ vⱼ·(zⱼ − max).
//!
//! Per row of M logits: the maximum (M − 1 cmp), z − max (M additions), v (none, or M fma), Σ v (M − 1 additions), Σ v·(z − max) (M
//! multiplications, M − 1 additions), e^{z − max} (M exp), their sum (M − 1 additions), its logarithm (1 log), the row's loss (1 fma); the
//! factor Σ v/B/sum (1 mul, 1 div), times the exponentials (M mul), less v/B (M fma). For the batch: the sum of the rows' losses (B − 1
//! additions), times 1/B (1 mul).

use super::lay_out;
use super::weighted_cross_entropy::SmoothedGradient;
use crate::dot::call_dot;
use crate::element::Lane;
use crate::elementwise::{Elementwise, map_slice};
use crate::matrix::{MatrixMut, MatrixRef};
use crate::simd::{Kernel, Simd};
use crate::softmax::{Exp, Shift};
use crate::{math, reduce};

/// The loss of B rows; writes the rows' losses and the gradient.
pub(crate) struct SoftCrossEntropy<'a, T> {
    /// B × M.
    pub(crate) logits: MatrixRef<'a, T>,
    /// y: B × M.
    pub(crate) targets: MatrixRef<'a, T>,
    /// (1 − ε)·w and ε/M·w: two rows of M.
    pub(crate) classes: Option<MatrixRef<'a, T>>,
    /// 1 / B.
    pub(crate) mean: T,
    /// v of one row: M of any value before.
    pub(crate) shares: MatrixMut<'a, T>,
    /// B.
    pub(crate) losses: MatrixMut<'a, T>,
    /// B × M.
    pub(crate) delta: MatrixMut<'a, T>,
    /// Becomes the loss.
    pub(crate) loss: MatrixMut<'a, T>,
}

impl<T: Lane> Kernel<T> for SoftCrossEntropy<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let SoftCrossEntropy { logits, targets, classes, mean, mut shares, mut losses, mut delta, mut loss } = self;
        let (one, shares, losses) = (simd.one(), shares.row(0), losses.row(0));
        for (i, to) in losses.chunks_mut(1).enumerate() {
            let row = delta.row(i);
            lay_out(simd, targets, i, shares);
            simd.copy(logits.row(i), row);
            simd.call(OfRow { row, shares: &mut *shares, classes, mean, loss: to });
        }
        one.store(one.mul(reduce::call_sum(simd, losses), mean), loss.row(0));
    }
}

/// The loss and the gradient of one row: a function of its own, as in `cross_entropy.rs`.
struct OfRow<'a, 'c, T> {
    /// The logits, which become the gradient.
    row: &'a mut [T],
    /// y, which becomes v.
    shares: &'a mut [T],
    classes: Option<MatrixRef<'c, T>>,
    mean: T,
    /// Its only element becomes the loss.
    loss: &'a mut [T],
}

impl<T: Lane> Kernel<T> for OfRow<'_, '_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let OfRow { row, shares, classes, mean, loss } = self;
        let one = simd.one();
        map_slice(simd, Shift { by: reduce::max(simd, row) }, [], row);
        if let Some(classes) = classes {
            map_slice(simd, Smoothed, [classes.row(0), classes.row(1)], shares);
        }
        let total = reduce::call_sum(simd, shares);
        let along = call_dot(simd, shares, row);
        map_slice(simd, Exp, [], row);
        let sum = reduce::call_sum(simd, row);
        one.store(one.mul_add(total, math::log(one, sum), one.neg(along)), loss);
        let factor = one.div(one.mul(total, mean), sum);
        map_slice(simd, SmoothedGradient { factor, inverse: mean }, [&*shares], row);
    }
}

/// own·y + spread.
#[derive(Clone, Copy)]
struct Smoothed;

impl<T: Lane> Elementwise<T, 2> for Smoothed {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, y: S::Vector, [own, spread]: [S::Vector; 2]) -> S::Vector {
        simd.mul_add(own, y, spread)
    }
}
