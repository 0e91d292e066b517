//! Batch norm and the gradient of its inputs (Ioffe and Szegedy 2015, "Batch Normalization"), as PyTorch defines it.
//!
//! Of each column of B inputs: x̂ = (x − mean) / √(variance + ε), a = γ·x̂ + β, with the variance Σ (x − mean)² / B. The gradient of the inputs is
//! (δ − Σ δ / B − x̂·Σ δ·x̂ / B)·γ / √(variance + ε). Its two sums are the gradients of β and γ, which are computed before it.
//!
//! Sums run along the rows, vectors along the columns. A norm runs on one thread: it does a dozen operations for each element, the products
//! beside it hundreds.

use crate::call::{Call, Op};
use crate::column_sum::ColumnSum;
use crate::element::{Element, Lane};
use crate::elementwise::{Elementwise, map_row};
use crate::layer_norm::Affine;
use crate::layout::ShapeError;
use crate::matrix::{MatrixMut, MatrixRef};
use crate::multiply::Product;
use crate::simd::{Kernel, Simd};
use crate::softmax::Scale;

/// The constructors of batch norms.
impl<'a, T: Element> Call<'a, T> {
    /// A ← γ·X̂ + β by columns, X̂ = (x − mean) / √(variance + ε). `share` is 1 / B. `normalized`, B × M, becomes X̂; the rows of M in `statistics`
    /// become the means, the variances and the inverses of the divisors.
    ///
    /// 2·B·M fma, B·M + 2M mul, 2·B·M + M additions, M sqrt, M div.
    ///
    /// # Errors
    /// [`ShapeError`] if the shapes do not fit together, if rows are not contiguous, or if there are no inputs.
    pub fn batch_norm(
        x: MatrixRef<'a, T>,
        weights: MatrixRef<'a, T>,
        bias: MatrixRef<'a, T>,
        (share, epsilon): (T, T),
        statistics: [MatrixMut<'a, T>; 3],
        normalized: MatrixMut<'a, T>,
        a: MatrixMut<'a, T>,
    ) -> Result<Self, ShapeError> {
        let [mean, variance, scales] = statistics;
        Call::checked(Op::BatchNorm { x, weights, bias, share, epsilon, mean, variance, scales, normalized, a })
    }

    /// D ← the gradient of a batch norm's inputs, from δ, that of its outputs, `sums`, the gradients of β and γ, and what
    /// [`Call::batch_norm`] made. `factors`, 3 × M, is memory.
    ///
    /// B·M fma, B·M + 3M mul, B·M additions.
    ///
    /// # Errors
    /// [`ShapeError`] if the shapes do not fit together, if rows are not contiguous, or if there are no inputs.
    #[expect(clippy::too_many_arguments, reason = "it has that many operands")]
    pub fn batch_norm_gradient(
        delta: MatrixRef<'a, T>,
        weights: MatrixRef<'a, T>,
        normalized: MatrixRef<'a, T>,
        scales: MatrixRef<'a, T>,
        sums: [MatrixRef<'a, T>; 2],
        share: T,
        factors: MatrixMut<'a, T>,
        d: MatrixMut<'a, T>,
    ) -> Result<Self, ShapeError> {
        Call::checked(Op::BatchNormGradient { delta, weights, normalized, scales, sums, share, factors, d })
    }

    /// A ← γ·(x − mean) / √(variance + ε) + β by means and variances of columns that are given, rows of M. `factors`, 2 × M, is memory.
    ///
    /// B·M + M fma, M additions, M sqrt, M div.
    ///
    /// # Errors
    /// [`ShapeError`] if the shapes do not fit together, if rows are not contiguous, or if there are no inputs.
    #[expect(clippy::too_many_arguments, reason = "it has that many operands")]
    pub fn batch_norm_evaluate(
        x: MatrixRef<'a, T>,
        weights: MatrixRef<'a, T>,
        bias: MatrixRef<'a, T>,
        mean: MatrixRef<'a, T>,
        variance: MatrixRef<'a, T>,
        epsilon: T,
        factors: MatrixMut<'a, T>,
        a: MatrixMut<'a, T>,
    ) -> Result<Self, ShapeError> {
        Call::checked(Op::BatchNormEvaluate { x, weights, bias, mean, variance, epsilon, factors, a })
    }
}

/// What stands in row i, with as much padding as a vector touches.
#[inline(always)]
fn row<T: Lane, S: Simd<T>>(_: S, matrix: MatrixRef<'_, T>, i: usize) -> &[T] {
    matrix.padded_row(i, matrix.touched(S::LANES))
}

/// The same, to write.
#[inline(always)]
fn row_mut<'a, T: Lane, S: Simd<T>>(_: S, matrix: &'a mut MatrixMut<'_, T>, i: usize) -> &'a mut [T] {
    let len = matrix.touched(S::LANES);
    matrix.padded_row(i, len)
}

/// A ← γ·X̂ + β by columns.
pub(crate) struct BatchNorm<'a, T> {
    pub(crate) x: MatrixRef<'a, T>,
    pub(crate) weights: MatrixRef<'a, T>,
    pub(crate) bias: MatrixRef<'a, T>,
    pub(crate) share: T,
    pub(crate) epsilon: T,
    pub(crate) mean: MatrixMut<'a, T>,
    pub(crate) variance: MatrixMut<'a, T>,
    pub(crate) scales: MatrixMut<'a, T>,
    pub(crate) normalized: MatrixMut<'a, T>,
    pub(crate) a: MatrixMut<'a, T>,
}

impl<T: Lane> Kernel<T> for BatchNorm<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let BatchNorm { x, weights, bias, share, epsilon, .. } = self;
        let BatchNorm { mut mean, mut variance, mut scales, mut normalized, mut a, .. } = self;
        let (rows, cols) = (x.rows(), x.cols());
        simd.call(ColumnSum { a: x, sum: mean.reborrow() });
        let mean = row_mut(simd, &mut mean, 0);
        map_row(simd, Scale { by: share }, cols, [], mean);
        let variance = row_mut(simd, &mut variance, 0);
        simd.fill(T::ZERO, variance);
        for i in 0..rows {
            let differences = row_mut(simd, &mut normalized, i);
            map_row(simd, Difference, cols, [row(simd, x, i), mean], differences);
            map_row(simd, PlusSquare, cols, [differences], variance);
        }
        map_row(simd, Scale { by: share }, cols, [], variance);
        let scales = row_mut(simd, &mut scales, 0);
        map_row(simd, InverseRoot { epsilon }, cols, [variance], scales);
        let (weights, bias) = (row(simd, weights, 0), row(simd, bias, 0));
        for i in 0..rows {
            let normalized = row_mut(simd, &mut normalized, i);
            map_row(simd, Times, cols, [scales], normalized);
            map_row(simd, Affine, cols, [normalized, weights, bias], row_mut(simd, &mut a, i));
        }
    }
}

/// x − y.
#[derive(Clone, Copy)]
struct Difference;

impl<T: Lane> Elementwise<T, 2> for Difference {
    const READS_OUT: bool = false;
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, _: S::Vector, [x, y]: [S::Vector; 2]) -> S::Vector {
        simd.sub(x, y)
    }
}

/// v + d².
#[derive(Clone, Copy)]
struct PlusSquare;

impl<T: Lane> Elementwise<T, 1> for PlusSquare {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, v: S::Vector, [d]: [S::Vector; 1]) -> S::Vector {
        simd.mul_add(d, d, v)
    }
}

/// x·y, in the place of x.
#[derive(Clone, Copy)]
struct Times;

impl<T: Lane> Elementwise<T, 1> for Times {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, x: S::Vector, [y]: [S::Vector; 1]) -> S::Vector {
        simd.mul(x, y)
    }
}

/// 1 / √(v + ε).
#[derive(Clone, Copy)]
struct InverseRoot<T> {
    epsilon: T,
}

impl<T: Lane> Elementwise<T, 1> for InverseRoot<T> {
    const READS_OUT: bool = false;
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, _: S::Vector, [v]: [S::Vector; 1]) -> S::Vector {
        simd.div(simd.splat(T::ONE), simd.sqrt(simd.add(v, simd.splat(self.epsilon))))
    }
}

/// D ← the gradient of a batch norm's inputs.
pub(crate) struct BatchNormGradient<'a, T> {
    pub(crate) delta: MatrixRef<'a, T>,
    pub(crate) weights: MatrixRef<'a, T>,
    pub(crate) normalized: MatrixRef<'a, T>,
    pub(crate) scales: MatrixRef<'a, T>,
    pub(crate) sums: [MatrixRef<'a, T>; 2],
    pub(crate) share: T,
    pub(crate) factors: MatrixMut<'a, T>,
    pub(crate) d: MatrixMut<'a, T>,
}

impl<T: Lane> Kernel<T> for BatchNormGradient<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let BatchNormGradient { delta, weights, normalized, scales, sums: [of_bias, of_weights], .. } = self;
        let BatchNormGradient { share, factors, mut d, .. } = self;
        let cols = delta.cols();
        let (mut scale, rest) = factors.split_at_row(1);
        let (mut mean, mut along) = rest.split_at_row(1);
        let scale = row_mut(simd, &mut scale, 0);
        map_row(simd, Product, cols, [row(simd, weights, 0), row(simd, scales, 0)], scale);
        let mean = row_mut(simd, &mut mean, 0);
        map_row(simd, ScaleOf { by: share }, cols, [row(simd, of_bias, 0)], mean);
        let along = row_mut(simd, &mut along, 0);
        map_row(simd, ScaleOf { by: share }, cols, [row(simd, of_weights, 0)], along);
        for i in 0..delta.rows() {
            let inputs = [row(simd, delta, i), row(simd, normalized, i), &*scale, &*mean, &*along];
            map_row(simd, CentreColumns, cols, inputs, row_mut(simd, &mut d, i));
        }
    }
}

/// x·by.
#[derive(Clone, Copy)]
struct ScaleOf<T> {
    by: T,
}

impl<T: Lane> Elementwise<T, 1> for ScaleOf<T> {
    const READS_OUT: bool = false;
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, _: S::Vector, [x]: [S::Vector; 1]) -> S::Vector {
        simd.mul(x, simd.splat(self.by))
    }
}

/// (δ − mean − x̂·along)·scale.
#[derive(Clone, Copy)]
struct CentreColumns;

impl<T: Lane> Elementwise<T, 5> for CentreColumns {
    const READS_OUT: bool = false;
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, _: S::Vector, inputs: [S::Vector; 5]) -> S::Vector {
        let [delta, x, scale, mean, along] = inputs;
        simd.mul(simd.neg_mul_add(x, along, simd.sub(delta, mean)), scale)
    }
}

/// A ← γ·(x − mean) / √(variance + ε) + β.
pub(crate) struct BatchNormEvaluate<'a, T> {
    pub(crate) x: MatrixRef<'a, T>,
    pub(crate) weights: MatrixRef<'a, T>,
    pub(crate) bias: MatrixRef<'a, T>,
    pub(crate) mean: MatrixRef<'a, T>,
    pub(crate) variance: MatrixRef<'a, T>,
    pub(crate) epsilon: T,
    pub(crate) factors: MatrixMut<'a, T>,
    pub(crate) a: MatrixMut<'a, T>,
}

impl<T: Lane> Kernel<T> for BatchNormEvaluate<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let BatchNormEvaluate { x, weights, bias, mean, variance, epsilon, factors, mut a } = self;
        let cols = x.cols();
        let (mut slope, mut shift) = factors.split_at_row(1);
        let slope = row_mut(simd, &mut slope, 0);
        map_row(simd, OverRoot { epsilon }, cols, [row(simd, weights, 0), row(simd, variance, 0)], slope);
        let shift = row_mut(simd, &mut shift, 0);
        map_row(simd, Offset, cols, [row(simd, bias, 0), row(simd, mean, 0), &*slope], shift);
        for i in 0..x.rows() {
            map_row(simd, Affine, cols, [row(simd, x, i), &*slope, &*shift], row_mut(simd, &mut a, i));
        }
    }
}

/// γ / √(v + ε).
#[derive(Clone, Copy)]
struct OverRoot<T> {
    epsilon: T,
}

impl<T: Lane> Elementwise<T, 2> for OverRoot<T> {
    const READS_OUT: bool = false;
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, _: S::Vector, [gamma, v]: [S::Vector; 2]) -> S::Vector {
        simd.div(gamma, simd.sqrt(simd.add(v, simd.splat(self.epsilon))))
    }
}

/// β − m·s.
#[derive(Clone, Copy)]
struct Offset;

impl<T: Lane> Elementwise<T, 3> for Offset {
    const READS_OUT: bool = false;
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, _: S::Vector, [beta, m, s]: [S::Vector; 3]) -> S::Vector {
        simd.neg_mul_add(m, s, beta)
    }
}
