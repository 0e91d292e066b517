//! The bias gradient: column sums.

use crate::call::{Call, Op};
use crate::element::{Element, Lane};
use crate::executor::{Executor, Runner};
use crate::layout::ShapeError;
use crate::matrix::{MatrixMut, MatrixRef};
use crate::parallel::{Split, for_each_part, parts_of_elements};
use crate::simd::{Kernel, Simd, load_some, store_some};

/// sumⱼ ← Σ over rows i of `A[i][j]`, one chain of additions in the order of the rows, starting from zero.
///
/// rows·cols additions.
///
/// # Errors
/// [`ShapeError`] if `sum` has not as many elements as `a` has columns, or if A's rows are not contiguous.
pub fn column_sum<'a, T: Element>(
    executor: &dyn Executor,
    a: MatrixRef<'a, T>,
    sum: &'a mut [T],
) -> Result<(), ShapeError> {
    T::run(executor, Call::column_sum(a, MatrixMut::from_row(sum))?, None);
    Ok(())
}

impl<'a, T: Element> Call<'a, T> {
    /// sumⱼ ← Σ over rows i of `A[i][j]`, a matrix of one row: see [`column_sum()`].
    ///
    /// # Errors
    /// [`ShapeError`] if the shapes do not fit together.
    pub fn column_sum(a: MatrixRef<'a, T>, sum: MatrixMut<'a, T>) -> Result<Self, ShapeError> {
        Call::checked(Op::ColumnSum { a, sum })
    }
}

/// Cut between columns of A.
#[inline(always)]
pub(crate) fn run<T: Lane>(runner: &impl Runner, a: MatrixRef<'_, T>, sum: MatrixMut<'_, T>) {
    let parts = parts_of_elements(runner.threads(), a.rows().saturating_mul(a.cols()), a.cols() / T::BLOCK);
    for_each_part(ColumnSum { a, sum }, parts, T::BLOCK, &|part| runner.run(part));
}

/// A matrix cut between columns.
pub(crate) struct ColumnsOf<'a, T>(pub(crate) MatrixRef<'a, T>);

impl<T: Lane> Split for ColumnsOf<'_, T> {
    fn len(&self) -> usize {
        self.0.cols()
    }
    fn split(self, at: usize) -> (Self, Self) {
        let (rows, cols) = (self.0.rows(), self.0.cols());
        (ColumnsOf(self.0.block(0, 0, rows, at)), ColumnsOf(self.0.block(0, at, rows, cols - at)))
    }
}

pub(crate) struct ColumnSum<'a, T> {
    pub(crate) a: MatrixRef<'a, T>,
    pub(crate) sum: MatrixMut<'a, T>,
}

impl<T: Lane> Split for ColumnSum<'_, T> {
    fn len(&self) -> usize {
        self.a.cols()
    }
    fn split(self, at: usize) -> (Self, Self) {
        let (rows, cols) = (self.a.rows(), self.a.cols());
        let (first, second) = self.sum.split_at_col(at);
        (
            ColumnSum { a: self.a.block(0, 0, rows, at), sum: first },
            ColumnSum { a: self.a.block(0, at, rows, cols - at), sum: second },
        )
    }
}

impl<T: Lane> Kernel<T> for ColumnSum<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(mut self, simd: S) {
        // Columns that are whole vectors in A and in the sum, padding included.
        let whole = self.sum.touched(S::LANES).min(self.a.touched(S::LANES)) / S::LANES * S::LANES;
        let mut j = 0;
        while whole - j >= 4 * S::LANES {
            self.columns::<S, 4>(simd, j);
            j += 4 * S::LANES;
        }
        if whole - j >= 2 * S::LANES {
            self.columns::<S, 2>(simd, j);
            j += 2 * S::LANES;
        }
        if whole - j >= S::LANES {
            self.columns::<S, 1>(simd, j);
            j += S::LANES;
        }
        // Of vectors of one lane all are whole.
        if S::LANES > 1 && j < self.sum.cols() {
            self.last_columns(simd, j);
        }
    }
}

impl<T: Lane> ColumnSum<'_, T> {
    /// V whole vectors of columns, from column j on. Their sums stay in registers while the rows go by: four chains hide an addition's latency.
    #[inline(always)]
    fn columns<S: Simd<T>, const V: usize>(&mut self, simd: S, j: usize) {
        let n = self.sum.cols();
        let end = j + V * S::LANES;
        let mut sums = [simd.splat(T::ZERO); V];
        for i in 0..self.a.rows() {
            let row = &self.a.padded_row(i, end)[j..];
            for (v, sum) in sums.iter_mut().enumerate() {
                let simd = simd.narrow(S::LANES.min(n - j - v * S::LANES));
                *sum = simd.add(*sum, simd.load(&row[v * S::LANES..][..S::LANES]));
            }
        }
        let to = &mut self.sum.padded_row(0, end)[j..];
        for (v, sum) in sums.into_iter().enumerate() {
            simd.store(sum, &mut to[v * S::LANES..][..S::LANES]);
        }
    }

    /// The columns from j on, fewer than a vector, or without padding in A or in the sum.
    #[inline(always)]
    fn last_columns<S: Simd<T>>(&mut self, simd: S, j: usize) {
        let simd = simd.narrow(self.sum.cols() - j);
        let (len, of_row) = (self.sum.touched(S::LANES), self.a.touched(S::LANES));
        let mut sum = simd.splat(T::ZERO);
        for i in 0..self.a.rows() {
            sum = simd.add(sum, load_some(simd, &self.a.padded_row(i, of_row)[j..]));
        }
        store_some(simd, sum, &mut self.sum.padded_row(0, len)[j..]);
    }
}
