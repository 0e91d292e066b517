//! The gradients of what a softmax and a log-softmax are of.
//!
//! From the outputs a of a row and their gradient δ: of a softmax a·(δ − Σ δ·a); of a log-softmax δ − eᵃ·Σ δ. Neither needs the inputs.
//!
//! They run on one thread: they do a few operations for each element, the products beside them hundreds.

use crate::call::{Call, Op};
use crate::dot::call_dot;
use crate::element::{Element, Lane};
use crate::elementwise::{Elementwise, map_row};
use crate::layout::ShapeError;
use crate::math;
use crate::matrix::{MatrixMut, MatrixRef};
use crate::reduce;
use crate::simd::{Kernel, Simd};

/// The constructors of their gradients.
impl<'a, T: Element> Call<'a, T> {
    /// D ← a·(δ − Σ δ·a) by rows: the gradient of what [`softmax`](crate::softmax()) is of, from its outputs a and their gradient δ.
    ///
    /// Per row of M: 2M multiplications, 2M − 1 additions.
    ///
    /// # Errors
    /// [`ShapeError`] if the shapes do not fit together, if rows are not contiguous, or if there are no outputs.
    pub fn softmax_gradient(
        outputs: MatrixRef<'a, T>,
        delta: MatrixRef<'a, T>,
        d: MatrixMut<'a, T>,
    ) -> Result<Self, ShapeError> {
        Call::checked(Op::SoftmaxGradient { outputs, delta, d })
    }

    /// D ← δ − eᵃ·Σ δ by rows: the gradient of what [`log_softmax`](crate::log_softmax()) is of, from its outputs a and their gradient δ.
    ///
    /// Per row of M: M exp, M fma, M − 1 additions.
    ///
    /// # Errors
    /// [`ShapeError`] if the shapes do not fit together, if rows are not contiguous, or if there are no outputs.
    pub fn log_softmax_gradient(
        outputs: MatrixRef<'a, T>,
        delta: MatrixRef<'a, T>,
        d: MatrixMut<'a, T>,
    ) -> Result<Self, ShapeError> {
        Call::checked(Op::LogSoftmaxGradient { outputs, delta, d })
    }
}

/// D ← a·(δ − Σ δ·a).
pub(crate) struct SoftmaxGradient<'a, T> {
    /// a.
    pub(crate) outputs: MatrixRef<'a, T>,
    /// δ.
    pub(crate) delta: MatrixRef<'a, T>,
    pub(crate) d: MatrixMut<'a, T>,
}

impl<T: Lane> Kernel<T> for SoftmaxGradient<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let SoftmaxGradient { outputs, delta, mut d } = self;
        let (cols, of_d) = (d.cols(), d.touched(S::LANES));
        let [of_outputs, of_delta] = [outputs, delta].map(|matrix| matrix.touched(S::LANES));
        for i in 0..d.rows() {
            let along = call_dot(simd, delta.row(i), outputs.row(i));
            let inputs = [outputs.padded_row(i, of_outputs), delta.padded_row(i, of_delta)];
            map_row(simd, Slope { along }, cols, inputs, d.padded_row(i, of_d));
        }
    }
}

/// a·(δ − along).
#[derive(Clone, Copy)]
struct Slope<T> {
    along: T,
}

impl<T: Lane> Elementwise<T, 2> for Slope<T> {
    const READS_OUT: bool = false;
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, _: S::Vector, [a, delta]: [S::Vector; 2]) -> S::Vector {
        simd.mul(a, simd.sub(delta, simd.splat(self.along)))
    }
}

/// D ← δ − eᵃ·Σ δ.
pub(crate) struct LogSoftmaxGradient<'a, T> {
    /// a.
    pub(crate) outputs: MatrixRef<'a, T>,
    /// δ.
    pub(crate) delta: MatrixRef<'a, T>,
    pub(crate) d: MatrixMut<'a, T>,
}

impl<T: Lane> Kernel<T> for LogSoftmaxGradient<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let LogSoftmaxGradient { outputs, delta, mut d } = self;
        let (cols, of_d) = (d.cols(), d.touched(S::LANES));
        let [of_outputs, of_delta] = [outputs, delta].map(|matrix| matrix.touched(S::LANES));
        for i in 0..d.rows() {
            let sum = reduce::call_sum(simd, delta.row(i));
            let inputs = [outputs.padded_row(i, of_outputs), delta.padded_row(i, of_delta)];
            map_row(simd, LogSlope { sum }, cols, inputs, d.padded_row(i, of_d));
        }
    }
}

/// δ − eᵃ·sum.
#[derive(Clone, Copy)]
struct LogSlope<T> {
    sum: T,
}

impl<T: Lane> Elementwise<T, 2> for LogSlope<T> {
    const READS_OUT: bool = false;
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, _: S::Vector, [a, delta]: [S::Vector; 2]) -> S::Vector {
        simd.neg_mul_add(math::exp(simd, a), simd.splat(self.sum), delta)
    }
}
