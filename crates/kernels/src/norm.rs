//! The norm of all gradients, and their scaling to it: clipping, as PyTorch does it. And what makes the norm of one matrix 1.

use crate::call::{Call, Op};
use crate::dot::call_dot;
use crate::element::{Element, Lane};
use crate::layout::ShapeError;
use crate::matrix::{MatrixMut, MatrixRef};
use crate::simd::{Kernel, Simd};

/// The constructors of clipping.
impl<'a, T: Element> Call<'a, T> {
    /// `sum` ← `before` + Σ x², each one element: a dot product for each row of x (rows without gaps are one row), added one after the other.
    ///
    /// n multiplications and n additions for n elements of x.
    ///
    /// # Errors
    /// [`ShapeError`] if rows of x are not contiguous, or if a sum is not one element.
    pub fn add_squares(
        before: MatrixRef<'a, T>,
        x: MatrixRef<'a, T>,
        sum: MatrixMut<'a, T>,
    ) -> Result<Self, ShapeError> {
        Call::checked(Op::AddSquares { before, x, sum })
    }

    /// `norm` ← √squares, `scale` ← max_norm / (norm + 1e-6); each of them is one element.
    ///
    /// 1 sqrt, 1 addition, 1 division.
    ///
    /// # Errors
    /// [`ShapeError`] if an operand is not one element.
    pub fn clip_scale(
        max_norm: T,
        squares: MatrixRef<'a, T>,
        norm: MatrixMut<'a, T>,
        scale: MatrixMut<'a, T>,
    ) -> Result<Self, ShapeError> {
        Call::checked(Op::ClipScale { max_norm, squares, norm, scale })
    }

    /// `to` ← 1 / max(√squares, least), each one element: what a matrix is multiplied by, so that its norm is 1, or less if it is very small.
    ///
    /// 1 sqrt, 1 cmp, 1 division.
    ///
    /// # Errors
    /// [`ShapeError`] if an operand is not one element.
    pub fn inverse_norm(least: T, squares: MatrixRef<'a, T>, to: MatrixMut<'a, T>) -> Result<Self, ShapeError> {
        Call::checked(Op::InverseNorm { least, squares, to })
    }

    /// x ← by·x, `by` one element: n mul.
    ///
    /// # Errors
    /// [`ShapeError`] if rows of x are not contiguous, or if `by` is not one element.
    pub fn scale(by: MatrixRef<'a, T>, x: MatrixMut<'a, T>) -> Result<Self, ShapeError> {
        Call::checked(Op::Scale { factor: by, x })
    }

    /// x ← min(max(x, −limit), limit), as PyTorch clips gradients by their value: n times 2 cmp. NaN stays NaN.
    ///
    /// # Errors
    /// [`ShapeError`] if rows of x are not contiguous.
    pub fn clamp(limit: T, x: MatrixMut<'a, T>) -> Result<Self, ShapeError> {
        Call::checked(Op::Clamp { limit, x })
    }
}

/// `sum` ← `before` + Σ x².
pub(crate) struct AddSquares<'a, T> {
    pub(crate) before: MatrixRef<'a, T>,
    pub(crate) x: MatrixRef<'a, T>,
    pub(crate) sum: MatrixMut<'a, T>,
}

impl<T: Lane> Kernel<T> for AddSquares<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(mut self, simd: S) {
        let one = simd.one();
        let x = if self.x.is_without_gaps() { self.x.into_one_row() } else { self.x };
        let mut sum = one.broadcast(&self.before.row(0)[0]);
        for i in 0..x.rows() {
            let row = x.row(i);
            sum = one.add(sum, call_dot(simd, row, row));
        }
        one.store(sum, self.sum.row(0));
    }
}

/// `norm` ← √squares, `scale` ← max / (norm + ε).
pub(crate) struct ClipScale<'a, T> {
    pub(crate) max_norm: T,
    pub(crate) squares: MatrixRef<'a, T>,
    pub(crate) norm: MatrixMut<'a, T>,
    pub(crate) scale: MatrixMut<'a, T>,
}

impl<T: Lane> Kernel<T> for ClipScale<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(mut self, simd: S) {
        let one = simd.one();
        let norm = one.sqrt(one.broadcast(&self.squares.row(0)[0]));
        one.store(norm, self.norm.row(0));
        one.store(one.div(self.max_norm, one.add(norm, T::CONSTANTS.clip_epsilon)), self.scale.row(0));
    }
}

/// `to` ← 1 / max(√squares, least).
pub(crate) struct InverseNorm<'a, T> {
    pub(crate) least: T,
    pub(crate) squares: MatrixRef<'a, T>,
    pub(crate) to: MatrixMut<'a, T>,
}

impl<T: Lane> Kernel<T> for InverseNorm<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(mut self, simd: S) {
        let one = simd.one();
        let norm = one.sqrt(one.broadcast(&self.squares.row(0)[0]));
        // A norm that is NaN stays NaN.
        one.store(one.div(T::ONE, one.max(self.least, norm)), self.to.row(0));
    }
}
