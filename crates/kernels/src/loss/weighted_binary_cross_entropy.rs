//! Binary cross-entropy of logits with a weight p of the positive targets of each output:
//! L = Σ ((1 − t)·z + (1 + (p − 1)·t)·softplus(−z)) / (B·M) and ∂L/∂z = ((1 + (p − 1)·t)·σ(z) − p·t) / (B·M).
//!
//! For n = B·M logits: 1 − t (n additions), 1 + (p − 1)·t (n fma), softplus (n evaluations), times that (n mul), their sum (n fma), Σ (n − 1
//! additions), its mean (1 mul); 1 + (p − 1)·t (n fma), σ (n evaluations), p·t (n mul), their difference (n fma), times 1/(B·M) (n mul).

use super::lay_out;
use crate::element::Lane;
use crate::elementwise::{Elementwise, map_row};
use crate::matrix::{MatrixMut, MatrixRef};
use crate::simd::{Kernel, Simd};
use crate::{math, reduce};

/// The loss of B·M logits.
pub(crate) struct WeightedBinaryCrossEntropy<'a, T> {
    /// z.
    pub(crate) logits: MatrixRef<'a, T>,
    /// t.
    pub(crate) targets: MatrixRef<'a, T>,
    /// p − 1 and p: two rows of M.
    pub(crate) positive: MatrixRef<'a, T>,
    /// 1 / (B·M).
    pub(crate) mean: T,
    /// The elements' losses: B × M of any value before.
    pub(crate) losses: MatrixMut<'a, T>,
    /// Becomes the gradient.
    pub(crate) delta: MatrixMut<'a, T>,
    /// Becomes the loss.
    pub(crate) loss: MatrixMut<'a, T>,
}

impl<T: Lane> Kernel<T> for WeightedBinaryCrossEntropy<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let WeightedBinaryCrossEntropy { logits, targets, positive, mean, mut losses, mut delta, mut loss } = self;
        let (one, n) = (simd.one(), delta.cols());
        let [of_logits, of_delta, of_losses] =
            [logits.touched(S::LANES), delta.touched(S::LANES), losses.touched(S::LANES)];
        let positive = [0, 1].map(|row| positive.padded_row(row, positive.touched(S::LANES)));
        let mut sum = None;
        for i in 0..delta.rows() {
            lay_out(simd, targets, i, delta.row(i));
            let (z, row) = (logits.padded_row(i, of_logits), delta.padded_row(i, of_delta));
            let losses = losses.padded_row(i, of_losses);
            let of_row = simd.call(OfRow { n, z, positive, row, mean, losses });
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
    /// p − 1 and p.
    positive: [&'a [T]; 2],
    /// t, which becomes the gradient.
    row: &'a mut [T],
    mean: T,
    losses: &'a mut [T],
}

impl<T: Lane> Kernel<T> for OfRow<'_, T> {
    type Output = T;
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) -> T {
        let OfRow { n, z, positive: [less_one, positive], row, mean, losses } = self;
        map_row(simd, ElementLoss, n, [z, row, less_one], losses);
        map_row(simd, LogitGradient { mean }, n, [z, less_one, positive], row);
        reduce::call_sum(simd, &losses[..n])
    }
}

/// 1 + (p − 1)·t: the weight of softplus(−z).
#[inline(always)]
fn weight<T: Lane, S: Simd<T>>(simd: S, less_one: S::Vector, t: S::Vector) -> S::Vector {
    simd.mul_add(less_one, t, simd.splat(T::ONE))
}

/// (1 − t)·z + (1 + (p − 1)·t)·softplus(−z), from z, t and p − 1.
#[derive(Clone, Copy)]
struct ElementLoss;

impl<T: Lane> Elementwise<T, 3> for ElementLoss {
    const READS_OUT: bool = false;
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, _: S::Vector, [z, t, less_one]: [S::Vector; 3]) -> S::Vector {
        let softplus = math::log_1p_exp(simd, simd.neg(z));
        let tail = simd.mul(weight(simd, less_one, t), softplus);
        simd.mul_add(simd.sub(simd.splat(T::ONE), t), z, tail)
    }
}

/// t ← ((1 + (p − 1)·t)·σ(z) − p·t)·mean.
#[derive(Clone, Copy)]
struct LogitGradient<T> {
    mean: T,
}

impl<T: Lane> Elementwise<T, 3> for LogitGradient<T> {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, t: S::Vector, [z, less_one, positive]: [S::Vector; 3]) -> S::Vector {
        let of_targets = simd.neg(simd.mul(positive, t));
        let gradient = simd.mul_add(weight(simd, less_one, t), math::sigmoid(simd, z), of_targets);
        simd.mul(gradient, simd.splat(self.mean))
    }
}
