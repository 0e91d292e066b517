//! Mean squared error: L = Σ d² / (B·M) and ∂L/∂o = 2d / (B·M), where d = o − t.
//!
//! For n = B·M outputs: d takes n additions, Σ d² as a dot product for each row, which are added, n multiplications and n − 1
//! additions, its mean 1 mul, the gradient n mul. 2n + 1 multiplications and 2n − 1 additions in all.

use super::lay_out;
use crate::dot::dot_body;
use crate::element::Element;
use crate::elementwise::{Elementwise, map_row};
use crate::matrix::{MatrixMut, MatrixRef};
use crate::simd::{Kernel, Simd};
use crate::softmax::Scale;

/// The loss of B·M outputs.
pub(crate) struct MeanSquaredError<'a, T> {
    /// o.
    pub(crate) outputs: MatrixRef<'a, T>,
    /// t.
    pub(crate) targets: MatrixRef<'a, T>,
    /// 1 / (B·M).
    pub(crate) mean: T,
    /// 2 / (B·M).
    pub(crate) slope: T,
    /// Becomes the gradient.
    pub(crate) delta: MatrixMut<'a, T>,
    /// Becomes the loss.
    pub(crate) loss: MatrixMut<'a, T>,
}

impl<T: Element> Kernel<T> for MeanSquaredError<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let MeanSquaredError { outputs, targets, mean, slope, mut delta, mut loss } = self;
        for i in 0..delta.rows() {
            lay_out(simd, targets, i, delta.row(i));
        }
        // Rows without gaps are one row, of which fewer vectors are ragged.
        let (outputs, mut delta) = match outputs.is_without_gaps() && delta.is_without_gaps() {
            true => (outputs.into_one_row(), delta.into_one_row()),
            false => (outputs, delta),
        };
        let (one, n) = (simd.one(), delta.cols());
        let [of_outputs, of_delta] = [outputs.touched(S::LANES), delta.touched(S::LANES)];
        let mut sum = None;
        for i in 0..delta.rows() {
            let row = delta.padded_row(i, of_delta);
            map_row(simd, Difference, n, [outputs.padded_row(i, of_outputs)], row);
            let squares = dot_body(simd, &row[..n], &row[..n]);
            sum = Some(sum.map_or(squares, |sum| one.add(sum, squares)));
            map_row(simd, Scale { by: slope }, n, [], row);
        }
        one.store(one.mul(sum.unwrap_or(T::ZERO), mean), loss.row(0));
    }
}

/// t ← o − t.
#[derive(Clone, Copy)]
struct Difference;

impl<T: Element> Elementwise<T, 1> for Difference {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, t: S::Vector, [o]: [S::Vector; 1]) -> S::Vector {
        simd.sub(o, t)
    }
}
