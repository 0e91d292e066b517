//! Layer norm and the gradient of its inputs (Ba, Kiros and Hinton 2016, "Layer Normalization"), as PyTorch defines it.
//!
//! Of each row of M inputs: x̂ = (x − mean) / √(variance + ε), a = γ·x̂ + β, with the variance Σ (x − mean)² / M. With g = δ·γ, the gradient of
//! the inputs is (g − Σ g / M − x̂·Σ g·x̂ / M) / √(variance + ε). The gradients of γ and β are column sums of δ·x̂ and of δ.
//!
//! A norm runs on one thread: it does a dozen operations for each element, the products beside it hundreds.

use crate::call::{Call, Op};
use crate::dot::call_dot;
use crate::element::{Element, Lane};
use crate::elementwise::{Elementwise, map_row};
use crate::layout::ShapeError;
use crate::matrix::{MatrixMut, MatrixRef};
use crate::multiply::Product;
use crate::reduce;
use crate::simd::{Kernel, Simd};
use crate::softmax::Scale;

/// The constructors of layer norms.
impl<'a, T: Element> Call<'a, T> {
    /// A ← γ·X̂ + β by rows, X̂ = (x − mean) / √(variance + ε). `share` is 1 / M. `normalized`, B × M, becomes X̂; `scales`, a row of B, the
    /// inverses of the divisors.
    ///
    /// Per row of M: M fma, 2M + 2 mul, 3M − 1 additions, 1 sqrt, 1 div.
    ///
    /// # Errors
    /// [`ShapeError`] if the shapes do not fit together, if rows are not contiguous, or if there are no inputs.
    pub fn layer_norm(
        x: MatrixRef<'a, T>,
        weights: MatrixRef<'a, T>,
        bias: MatrixRef<'a, T>,
        (share, epsilon): (T, T),
        normalized: MatrixMut<'a, T>,
        scales: MatrixMut<'a, T>,
        a: MatrixMut<'a, T>,
    ) -> Result<Self, ShapeError> {
        Call::checked(Op::LayerNorm { x, weights, bias, share, epsilon, normalized, scales, a })
    }

    /// D ← the gradient of a layer norm's inputs, from δ, that of its outputs, and what [`Call::layer_norm`] made.
    ///
    /// Per row of M: M fma, 3M + 2 mul, 3M − 2 additions.
    ///
    /// # Errors
    /// [`ShapeError`] if the shapes do not fit together, if rows are not contiguous, or if there are no inputs.
    pub fn layer_norm_gradient(
        delta: MatrixRef<'a, T>,
        weights: MatrixRef<'a, T>,
        normalized: MatrixRef<'a, T>,
        scales: MatrixRef<'a, T>,
        share: T,
        d: MatrixMut<'a, T>,
    ) -> Result<Self, ShapeError> {
        Call::checked(Op::LayerNormGradient { delta, weights, normalized, scales, share, d })
    }
}

/// A ← γ·X̂ + β by rows.
pub(crate) struct LayerNorm<'a, T> {
    pub(crate) x: MatrixRef<'a, T>,
    pub(crate) weights: MatrixRef<'a, T>,
    pub(crate) bias: MatrixRef<'a, T>,
    pub(crate) share: T,
    pub(crate) epsilon: T,
    pub(crate) normalized: MatrixMut<'a, T>,
    pub(crate) scales: MatrixMut<'a, T>,
    pub(crate) a: MatrixMut<'a, T>,
}

impl<T: Lane> Kernel<T> for LayerNorm<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let LayerNorm { x, weights, bias, share, epsilon, mut normalized, mut scales, mut a } = self;
        let (one, cols) = (simd.one(), x.cols());
        let [of_x, of_weights, of_bias] = [x, weights, bias].map(|matrix| matrix.touched(S::LANES));
        let (weights, bias) = (weights.padded_row(0, of_weights), bias.padded_row(0, of_bias));
        let (of_normalized, of_a) = (normalized.touched(S::LANES), a.touched(S::LANES));
        for (i, to) in scales.row(0).chunks_mut(1).enumerate() {
            let mean = one.mul(reduce::call_sum(simd, x.row(i)), share);
            let row = normalized.padded_row(i, of_normalized);
            map_row(simd, Less { by: mean }, cols, [x.padded_row(i, of_x)], row);
            let variance = one.mul(call_dot(simd, &row[..cols], &row[..cols]), share);
            let scale = one.div(T::ONE, one.sqrt(one.add(variance, epsilon)));
            one.store(scale, to);
            map_row(simd, Scale { by: scale }, cols, [], row);
            map_row(simd, Affine, cols, [row, weights, bias], a.padded_row(i, of_a));
        }
    }
}

/// x − by.
#[derive(Clone, Copy)]
struct Less<T> {
    by: T,
}

impl<T: Lane> Elementwise<T, 1> for Less<T> {
    const READS_OUT: bool = false;
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, _: S::Vector, [x]: [S::Vector; 1]) -> S::Vector {
        simd.sub(x, simd.splat(self.by))
    }
}

/// x·γ + β.
#[derive(Clone, Copy)]
pub(crate) struct Affine;

impl<T: Lane> Elementwise<T, 3> for Affine {
    const READS_OUT: bool = false;
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, _: S::Vector, [x, gamma, beta]: [S::Vector; 3]) -> S::Vector {
        simd.mul_add(x, gamma, beta)
    }
}

/// D ← the gradient of a layer norm's inputs.
pub(crate) struct LayerNormGradient<'a, T> {
    pub(crate) delta: MatrixRef<'a, T>,
    pub(crate) weights: MatrixRef<'a, T>,
    pub(crate) normalized: MatrixRef<'a, T>,
    pub(crate) scales: MatrixRef<'a, T>,
    pub(crate) share: T,
    pub(crate) d: MatrixMut<'a, T>,
}

impl<T: Lane> Kernel<T> for LayerNormGradient<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let LayerNormGradient { delta, weights, normalized, scales, share, mut d } = self;
        let (one, cols) = (simd.one(), delta.cols());
        let [of_delta, of_weights, of_normalized] = [delta, weights, normalized].map(|matrix| matrix.touched(S::LANES));
        let (weights, of_d) = (weights.padded_row(0, of_weights), d.touched(S::LANES));
        for (i, scale) in scales.row(0).iter().enumerate() {
            let row = d.padded_row(i, of_d);
            map_row(simd, Product, cols, [delta.padded_row(i, of_delta), weights], row);
            let mean = one.mul(reduce::call_sum(simd, &row[..cols]), share);
            let along = one.mul(call_dot(simd, &row[..cols], normalized.row(i)), share);
            let centre = Centre { mean, along, scale: one.broadcast(scale) };
            map_row(simd, centre, cols, [normalized.padded_row(i, of_normalized)], row);
        }
    }
}

/// (g − mean − x̂·along)·scale.
#[derive(Clone, Copy)]
struct Centre<T> {
    mean: T,
    along: T,
    scale: T,
}

impl<T: Lane> Elementwise<T, 1> for Centre<T> {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, g: S::Vector, [x]: [S::Vector; 1]) -> S::Vector {
        let g = simd.sub(g, simd.splat(self.mean));
        simd.mul(simd.neg_mul_add(x, simd.splat(self.along), g), simd.splat(self.scale))
    }
}
