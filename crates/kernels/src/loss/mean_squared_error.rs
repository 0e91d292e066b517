//! Mean squared error: L = Σ d² / (B·M) and ∂L/∂o = 2d / (B·M), where d = o − t.
//!
//! For n = B·M outputs: d takes n additions, Σ d² as a dot product for each row, which are added, n multiplications and n − 1
//! additions, its mean 1 mul, the gradient n mul. 2n + 1 multiplications and 2n − 1 additions in all.

use super::lay_out;
use crate::dot::call_dot;
use crate::element::Lane;
use crate::elementwise::rows::map_rows;
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

impl<T: Lane> Kernel<T> for MeanSquaredError<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let MeanSquaredError { outputs, mut targets, mean, slope, mut delta, mut loss } = self;
        let one = simd.one();
        if !targets.layout().has_rows() {
            // Side by side first, where the gradient will be.
            for i in 0..delta.rows() {
                lay_out(simd, targets, i, delta.row(i));
            }
            targets = MatrixRef::empty();
        }
        // Rows without gaps are one row, of which fewer vectors are ragged.
        let in_place = targets.rows() == 0;
        let joins = outputs.is_without_gaps() && delta.is_without_gaps() && (in_place || targets.is_without_gaps());
        let (outputs, mut delta) = match joins {
            true => (outputs.into_one_row(), delta.into_one_row()),
            false => (outputs, delta),
        };
        let targets = if joins && !in_place { targets.into_one_row() } else { targets };
        let cols = delta.cols();
        let [of_outputs, of_targets] = [outputs.touched(S::LANES), targets.touched(S::LANES)];
        let len = delta.touched(S::LANES);
        for i in 0..delta.rows() {
            let (o, d) = (outputs.padded_row(i, of_outputs), delta.padded_row(i, len));
            match in_place {
                true => map_row(simd, SubtractInPlace, cols, [o], d),
                false => map_row(simd, Subtract, cols, [o, targets.padded_row(i, of_targets)], d),
            }
        }
        let mut delta = if delta.is_without_gaps() { delta.into_one_row() } else { delta };
        let mut sum = None;
        for i in 0..delta.rows() {
            let row = delta.row(i);
            let squares = call_dot(simd, row, row);
            sum = Some(sum.map_or(squares, |sum| one.add(sum, squares)));
        }
        map_rows(simd, Scale { by: slope }, [], &mut delta);
        one.store(one.mul(sum.unwrap_or(T::ZERO), mean), loss.row(0));
    }
}

/// o − t.
#[derive(Clone, Copy)]
struct Subtract;

impl<T: Lane> Elementwise<T, 2> for Subtract {
    const READS_OUT: bool = false;
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, _: S::Vector, [o, t]: [S::Vector; 2]) -> S::Vector {
        simd.sub(o, t)
    }
}

/// t ← o − t.
#[derive(Clone, Copy)]
struct SubtractInPlace;

impl<T: Lane> Elementwise<T, 1> for SubtractInPlace {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, t: S::Vector, [o]: [S::Vector; 1]) -> S::Vector {
        simd.sub(o, t)
    }
}
