//! Binary cross-entropy of logits: L = Σ ((1 − t)·z + softplus(−z)) / (B·M) and ∂L/∂z = (σ(z) − t) / (B·M).
//!
//! For n = B·M logits: 1 − t (n additions), softplus (n evaluations), their sum (n fma), Σ (n − 1 additions), its mean (1 mul);
//! σ (n evaluations), σ − t (n additions), times 1/(B·M) (n mul).

use super::lay_out;
use crate::element::Lane;
use crate::elementwise::{Elementwise, map_row};
use crate::matrix::{MatrixMut, MatrixRef};
use crate::simd::{Kernel, Simd};
use crate::{math, reduce};

/// The loss of B·M logits.
pub(crate) struct BinaryCrossEntropy<'a, T> {
    /// z.
    pub(crate) logits: MatrixRef<'a, T>,
    /// t.
    pub(crate) targets: MatrixRef<'a, T>,
    /// 1 / (B·M).
    pub(crate) mean: T,
    /// The elements' losses: B × M of any value before.
    pub(crate) losses: MatrixMut<'a, T>,
    /// Becomes the gradient.
    pub(crate) delta: MatrixMut<'a, T>,
    /// Becomes the loss.
    pub(crate) loss: MatrixMut<'a, T>,
}

impl<T: Lane> Kernel<T> for BinaryCrossEntropy<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let BinaryCrossEntropy { logits, targets, mean, losses, mut delta, mut loss } = self;
        for i in 0..delta.rows() {
            lay_out(simd, targets, i, delta.row(i));
        }
        // Rows without gaps are one row, of which fewer vectors are ragged.
        let (logits, mut losses, mut delta) =
            match logits.is_without_gaps() && losses.is_without_gaps() && delta.is_without_gaps() {
                true => (logits.into_one_row(), losses.into_one_row(), delta.into_one_row()),
                false => (logits, losses, delta),
            };
        let (one, n) = (simd.one(), delta.cols());
        let [of_logits, of_delta, of_losses] =
            [logits.touched(S::LANES), delta.touched(S::LANES), losses.touched(S::LANES)];
        let mut sum = None;
        for i in 0..delta.rows() {
            let (z, row) = (logits.padded_row(i, of_logits), delta.padded_row(i, of_delta));
            let of_row = simd.call(OfRow { n, z, row, mean, losses: losses.padded_row(i, of_losses) });
            sum = Some(sum.map_or(of_row, |sum| one.add(sum, of_row)));
        }
        one.store(one.mul(sum.unwrap_or(T::ZERO), mean), loss.row(0));
    }
}

/// The losses of n logits, and their gradient: returns the sum of the losses. A function of its own, as in `cross_entropy.rs`.
struct OfRow<'a, T> {
    n: usize,
    /// z.
    z: &'a [T],
    /// t, which becomes the gradient.
    row: &'a mut [T],
    mean: T,
    losses: &'a mut [T],
}

impl<T: Lane> Kernel<T> for OfRow<'_, T> {
    type Output = T;
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) -> T {
        let OfRow { n, z, row, mean, losses } = self;
        map_row(simd, ElementLoss, n, [z, row], losses);
        map_row(simd, LogitGradient { mean }, n, [z], row);
        reduce::call_sum(simd, &losses[..n])
    }
}

/// (1 − t)·z + softplus(−z), from z and t.
#[derive(Clone, Copy)]
struct ElementLoss;

impl<T: Lane> Elementwise<T, 2> for ElementLoss {
    const READS_OUT: bool = false;
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, _: S::Vector, [z, t]: [S::Vector; 2]) -> S::Vector {
        let softplus = math::log_1p_exp(simd, simd.neg(z));
        simd.mul_add(simd.sub(simd.splat(T::ONE), t), z, softplus)
    }
}

/// t ← (σ(z) − t)·mean.
#[derive(Clone, Copy)]
struct LogitGradient<T> {
    mean: T,
}

impl<T: Lane> Elementwise<T, 1> for LogitGradient<T> {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, t: S::Vector, [z]: [S::Vector; 1]) -> S::Vector {
        simd.mul(simd.sub(math::sigmoid(simd, z), t), simd.splat(self.mean))
    }
}
