//! The bias gradient: column sums.

use crate::element::Element;
use crate::executor::Executor;
use crate::matrix::{MatrixRef, ShapeError, check};
use crate::parallel::{Split, for_each_part, parts_of_elements};
use crate::simd::{Kernel, Simd, load_some, store_some};

/// sumⱼ ← Σ over rows i of `A[i][j]`, one chain of additions in the order of the rows, starting from zero.
///
/// rows·cols additions.
///
/// # Errors
/// [`ShapeError`] if `sum` has not as many elements as `a` has columns, or if A's rows are not contiguous.
pub fn column_sum<T: Element>(executor: &impl Executor, a: MatrixRef<'_, T>, sum: &mut [T]) -> Result<(), ShapeError> {
    check("column_sum: length of the sum against columns of a", a.cols(), sum.len())?;
    if a.cols() > 1 {
        check("column_sum: column stride of a", 1, a.col_stride())?;
    }
    let parts = parts_of_elements(executor.threads(), a.rows().saturating_mul(a.cols()), a.cols() / T::BLOCK);
    for_each_part((ColumnsOf(a), sum), parts, T::BLOCK, &|(a, sum)| executor.run(ColumnSum { a: a.0, sum }));
    Ok(())
}

/// A matrix cut between columns.
pub(crate) struct ColumnsOf<'a, T>(pub(crate) MatrixRef<'a, T>);

impl<T: Element> Split for ColumnsOf<'_, T> {
    fn len(&self) -> usize {
        self.0.cols()
    }
    fn split(self, at: usize) -> (Self, Self) {
        let (rows, cols) = (self.0.rows(), self.0.cols());
        (ColumnsOf(self.0.block(0, 0, rows, at)), ColumnsOf(self.0.block(0, at, rows, cols - at)))
    }
}

struct ColumnSum<'a, T> {
    a: MatrixRef<'a, T>,
    sum: &'a mut [T],
}

impl<T: Element> Kernel<T> for ColumnSum<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        // A cache line of columns at a time: its sums stay in registers while the rows go by.
        for (b, to) in self.sum.chunks_mut(T::BLOCK).enumerate() {
            let mut block = simd.splat_block(T::ZERO);
            for i in 0..self.a.rows() {
                let row = &self.a.row(i)[b * T::BLOCK..][..to.len()];
                for (from, sum) in row.chunks(S::LANES).zip(block.as_mut()) {
                    let simd = simd.narrow(from.len());
                    *sum = simd.add(*sum, load_some(simd, from));
                }
            }
            for (to, sum) in to.chunks_mut(S::LANES).zip(block.as_ref()) {
                store_some(simd, *sum, to);
            }
        }
    }
}
