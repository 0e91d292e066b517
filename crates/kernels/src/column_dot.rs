//! Dot products of the columns of two matrices: the gradient of a norm's weights.

use crate::call::{Call, Op};
use crate::element::{Element, Lane};
use crate::layout::ShapeError;
use crate::matrix::{MatrixMut, MatrixRef};
use crate::simd::{Kernel, Simd, load_some, store_some};

impl<'a, T: Element> Call<'a, T> {
    /// sumⱼ ← Σ over rows i of `A[i][j]·B[i][j]`, a row: one chain of fma in the order of the rows, starting from zero. rows·cols fma.
    ///
    /// # Errors
    /// [`ShapeError`] if the shapes do not fit together, or if rows are not contiguous.
    pub fn column_dot(a: MatrixRef<'a, T>, b: MatrixRef<'a, T>, sum: MatrixMut<'a, T>) -> Result<Self, ShapeError> {
        Call::checked(Op::ColumnDot { a, b, sum })
    }
}

/// sumⱼ ← Σ over rows of A ⊙ B.
pub(crate) struct ColumnDot<'a, T> {
    pub(crate) a: MatrixRef<'a, T>,
    pub(crate) b: MatrixRef<'a, T>,
    pub(crate) sum: MatrixMut<'a, T>,
}

impl<T: Lane> Kernel<T> for ColumnDot<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(mut self, simd: S) {
        let [a, b] = [self.a, self.b].map(|matrix| matrix.touched(S::LANES));
        // Columns that are whole vectors in both and in the sum, padding included.
        let whole = self.sum.touched(S::LANES).min(a).min(b) / S::LANES * S::LANES;
        let mut j = 0;
        while whole - j >= 4 * S::LANES {
            self.columns::<S, 4>(simd, j);
            j += 4 * S::LANES;
        }
        while whole - j >= S::LANES {
            self.columns::<S, 1>(simd, j);
            j += S::LANES;
        }
        // Of vectors of one lane all are whole.
        if S::LANES > 1 && j < self.sum.cols() {
            self.last_columns(simd, j);
        }
    }
}

impl<T: Lane> ColumnDot<'_, T> {
    /// V whole vectors of columns, from column j on. Their sums stay in registers while the rows go by: four chains hide an fma's latency.
    #[inline(always)]
    fn columns<S: Simd<T>, const V: usize>(&mut self, simd: S, j: usize) {
        let n = self.sum.cols();
        let end = j + V * S::LANES;
        let mut sums = [simd.splat(T::ZERO); V];
        for i in 0..self.a.rows() {
            let (a, b) = (&self.a.padded_row(i, end)[j..], &self.b.padded_row(i, end)[j..]);
            for (v, sum) in sums.iter_mut().enumerate() {
                let simd = simd.narrow(S::LANES.min(n - j - v * S::LANES));
                let [a, b] = [simd.load(&a[v * S::LANES..][..S::LANES]), simd.load(&b[v * S::LANES..][..S::LANES])];
                *sum = simd.mul_add(a, b, *sum);
            }
        }
        let to = &mut self.sum.padded_row(0, end)[j..];
        for (v, sum) in sums.into_iter().enumerate() {
            simd.store(sum, &mut to[v * S::LANES..][..S::LANES]);
        }
    }

    /// The columns from j on, fewer than a vector, or without padding in a matrix.
    #[inline(always)]
    fn last_columns<S: Simd<T>>(&mut self, simd: S, j: usize) {
        let simd = simd.narrow(self.sum.cols() - j);
        let [of_a, of_b] = [self.a, self.b].map(|matrix| matrix.touched(S::LANES));
        let len = self.sum.touched(S::LANES);
        let mut sum = simd.splat(T::ZERO);
        for i in 0..self.a.rows() {
            let a = load_some(simd, &self.a.padded_row(i, of_a)[j..]);
            let b = load_some(simd, &self.b.padded_row(i, of_b)[j..]);
            sum = simd.mul_add(a, b, sum);
        }
        store_some(simd, sum, &mut self.sum.padded_row(0, len)[j..]);
    }
}
