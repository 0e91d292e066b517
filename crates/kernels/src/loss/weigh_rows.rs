//! Weights of examples: makes the mean of a loss over rows, and its gradient, a weighted one. It runs after the loss.
//!
//! A loss gives each row its losses ℓᵢⱼ, and a gradient that is a mean over B rows or, with class weights, over Σ cᵢ. With the rows' weights
//! sᵢ (cᵢ is 1 without class weights): L ← mean·Σ sᵢ·Σⱼ ℓᵢⱼ / Σ sᵢcᵢ and δᵢ ← δᵢ·sᵢ·(B / Σ sᵢ), or δᵢ·sᵢ·(Σ cᵢ / Σ sᵢcᵢ).
//!
//! Rows that weigh nothing in sum have the loss 0 and the gradient 0. A loss that was not finite before is not finite afterwards either:
//! a gradient that is not finite is never hidden.
//!
//! For B rows of m losses and M outputs: Σ sᵢ (B − 1 additions), or Σ sᵢcᵢ and Σ cᵢ (B mul, 2B − 2 additions); its inverse (1 div), which is
//! 0 of 0 (1 cmp), and what weights are multiplied by (1 mul); Σⱼ ℓᵢⱼ (B·(m − 1) additions), Σ sᵢ·that (B mul, B − 1 additions), times the
//! inverse and the mean (2 mul), and 0 times the loss before (1 fma); the factors (B mul), times the gradient (B·M mul).

use crate::dot::call_dot;
use crate::element::Lane;
use crate::elementwise::{map_row, map_slice};
use crate::matrix::{MatrixMut, MatrixRef};
use crate::reduce;
use crate::simd::{Kernel, Simd};
use crate::softmax::Scale;

/// The weighted mean of B rows.
pub(crate) struct WeighRows<'a, T> {
    /// ℓ: B × m.
    pub(crate) losses: MatrixRef<'a, T>,
    /// s: a row of B.
    pub(crate) weights: MatrixRef<'a, T>,
    /// c: a row of B, if rows have other weights too.
    pub(crate) shares: Option<MatrixRef<'a, T>>,
    /// B.
    pub(crate) rows: T,
    /// What the loss of a row is multiplied by: 1 / m, if it is a mean.
    pub(crate) mean: T,
    /// What each row of the gradient is multiplied by: B of any value before.
    pub(crate) factors: MatrixMut<'a, T>,
    /// B × M.
    pub(crate) delta: MatrixMut<'a, T>,
    /// The loss without weights, which becomes that with them.
    pub(crate) loss: MatrixMut<'a, T>,
}

impl<T: Lane> Kernel<T> for WeighRows<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let WeighRows { losses, weights, shares, rows, mean, mut factors, mut delta, mut loss } = self;
        let (one, weights, factors) = (simd.one(), weights.row(0), factors.row(0));
        let (total, before) = match shares {
            None => (reduce::call_sum(simd, weights), rows),
            Some(shares) => (call_dot(simd, weights, shares.row(0)), reduce::call_sum(simd, shares.row(0))),
        };
        let inverse = one.keep(one.lt(T::ZERO, total), one.div(T::ONE, total));
        let ratio = one.mul(before, inverse);

        for (i, to) in factors.chunks_mut(1).enumerate() {
            let of_row = losses.row(i);
            let sum = if of_row.len() == 1 { one.broadcast(&of_row[0]) } else { reduce::call_sum(simd, of_row) };
            one.store(sum, to);
        }
        let weighted = one.mul(call_dot(simd, weights, factors), one.mul(inverse, mean));
        let loss = loss.row(0);
        one.store(one.mul_add(one.broadcast(&loss[0]), T::ZERO, weighted), loss);

        simd.copy(weights, factors);
        map_slice(simd, Scale { by: ratio }, [], factors);
        let (cols, touched) = (delta.cols(), delta.touched(S::LANES));
        for (i, factor) in factors.iter().enumerate() {
            map_row(simd, Scale { by: one.broadcast(factor) }, cols, [], delta.padded_row(i, touched));
        }
    }
}
