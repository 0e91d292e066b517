//! y ← A·x and y ← Aᵀ·x.

mod transposed;

use crate::column_sum::ColumnsOf;
use crate::dot::{dot_body, dots_body};
use crate::element::Element;
use crate::executor::Executor;
use crate::gemm::{Init, gemm};
use crate::matrix::{MatrixMut, MatrixRef, ShapeError, check};
use crate::parallel::{Split, for_each_part, parts_of_elements};
use crate::simd::{Kernel, Simd};
use transposed::GemvTransposed;

/// y ← A·x, A of N × M with contiguous rows: each yᵢ is the [`dot()`](crate::dot()) product of row i with x.
///
/// N·M multiplications, N·(M − 1) additions.
///
/// # Errors
/// [`ShapeError`] if the lengths don't fit or elements of a row don't stand side by side.
pub fn gemv<T: Element>(executor: &impl Executor, a: MatrixRef<'_, T>, x: &[T], y: &mut [T]) -> Result<(), ShapeError> {
    check("gemv: length of x against columns of a", a.cols(), x.len())?;
    check("gemv: length of y against rows of a", a.rows(), y.len())?;
    if a.cols() > 1 {
        check("gemv: column stride of a", 1, a.col_stride())?;
    }
    let parts = parts_of_elements(executor.threads(), a.rows().saturating_mul(a.cols()), a.rows());
    for_each_part((RowsOf(a), y), parts, 1, &|(a, y)| executor.run(Gemv { a: a.0, x, y }));
    Ok(())
}

/// A matrix cut between rows.
pub(crate) struct RowsOf<'a, T>(pub(crate) MatrixRef<'a, T>);

impl<T: Element> Split for RowsOf<'_, T> {
    fn len(&self) -> usize {
        self.0.rows()
    }
    fn split(self, at: usize) -> (Self, Self) {
        let (rows, cols) = (self.0.rows(), self.0.cols());
        (RowsOf(self.0.block(0, 0, at, cols)), RowsOf(self.0.block(at, 0, rows - at, cols)))
    }
}

struct Gemv<'a, T> {
    a: MatrixRef<'a, T>,
    x: &'a [T],
    y: &'a mut [T],
}

/// Bytes of a matrix that stays in L1.
const L1_BYTES: usize = 32 << 10;
/// Bytes of a matrix that no cache of a core holds.
const CACHE_BYTES: usize = 16 << 20;

/// Whether rows are taken four at a time: from L1, where one row's folding hides behind another's, if the sums fit the registers;
/// and from memory, which four streams read half as fast again as one. L2 and L3 are read fastest in one stream.
#[inline(always)]
fn four_at_once<T: Element, S: Simd<T>>(a: MatrixRef<'_, T>) -> bool {
    let bytes = a.rows() * a.cols() * size_of::<T>();
    S::LANES > 1 && if bytes <= L1_BYTES { S::REGISTERS >= 32 || a.cols() < 4 * T::BLOCK } else { bytes > CACHE_BYTES }
}

impl<T: Element> Kernel<T> for Gemv<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let mut i = 0;
        if four_at_once::<T, S>(self.a) {
            while i + 4 <= self.y.len() {
                let rows = [0, 1, 2, 3].map(|r| self.a.row(i + r));
                for (dot, y) in dots_body(simd, rows, self.x).into_iter().zip(self.y[i..].chunks_mut(1)) {
                    simd.one().store(dot, y);
                }
                i += 4;
            }
        }
        for (i, y) in self.y.chunks_mut(1).enumerate().skip(i) {
            simd.one().store(dot_body(simd, self.a.row(i), self.x), y);
        }
    }
}

/// y ← Aᵀ·x, A of N × M: each yⱼ is one chain of fma over the rows, Σᵢ xᵢ·`A[i][j]`, as in a layer's forward pass.
///
/// N·M fma. The bits are those of [`gemm()`] with one row; which it is, where elements of a row don't stand side by side.
///
/// # Errors
/// [`ShapeError`] if the lengths don't fit.
pub fn gemv_transposed<T: Element>(
    executor: &impl Executor,
    a: MatrixRef<'_, T>,
    x: &[T],
    y: &mut [T],
) -> Result<(), ShapeError> {
    check("gemv_transposed: length of x against rows of a", a.rows(), x.len())?;
    check("gemv_transposed: length of y against columns of a", a.cols(), y.len())?;
    let (n, m) = (a.rows(), a.cols());
    if m > 1 && a.col_stride() != 1 {
        return gemm(executor, MatrixRef::new(x, 1, n)?, a, Init::Zero, MatrixMut::new(y, 1, m)?);
    }
    let parts = parts_of_elements(executor.threads(), n.saturating_mul(m), m / (4 * T::BLOCK));
    for_each_part((ColumnsOf(a), y), parts, T::BLOCK, &|(a, y)| executor.run(GemvTransposed { a: a.0, x, y }));
    Ok(())
}
