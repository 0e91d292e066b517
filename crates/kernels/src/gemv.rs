//! y ← A·x and y ← Aᵀ·x.

mod transposed;

use crate::call::{Call, Op};
use crate::column_sum::ColumnsOf;
use crate::dot::dots_body;
use crate::element::{Element, Lane};
use crate::executor::{Executor, Runner};
use crate::gemm::follow::Epilogue;
use crate::gemm::operand::RightFactor;
use crate::gemm::{Init, multiply};
use crate::layout::ShapeError;
use crate::matrix::{MatrixMut, MatrixRef};
use crate::parallel::{Split, for_each_part, parts_of_elements};
use crate::simd::{Kernel, MAX_LANES, Simd, store_some};
use transposed::GemvTransposed;

/// y ← A·x, A of N × M with contiguous rows: each yᵢ is the [`dot()`](crate::dot()) product of row i with x.
///
/// N·M multiplications, N·(M − 1) additions.
///
/// # Errors
/// [`ShapeError`] if the lengths don't fit or elements of a row don't stand side by side.
pub fn gemv<'a, T: Element>(
    executor: &dyn Executor,
    a: MatrixRef<'a, T>,
    x: &'a [T],
    y: &'a mut [T],
) -> Result<(), ShapeError> {
    T::run(executor, Call::gemv(a, MatrixRef::from_row(x), MatrixMut::from_row(y))?, None);
    Ok(())
}

/// y ← Aᵀ·x, A of N × M: each yⱼ is one chain of fma over the rows, Σᵢ xᵢ·`A[i][j]`, as in a layer's forward pass.
///
/// N·M fma. The bits are those of [`gemm()`](crate::gemm()) with one row of a row-major A. Where several columns of A are contiguous and its
/// rows are not, each yⱼ is the [`dot()`](crate::dot()) product of column j with x instead: N·M multiplications, (N − 1)·M additions.
///
/// # Errors
/// [`ShapeError`] if the lengths don't fit.
pub fn gemv_transposed<'a, T: Element>(
    executor: &dyn Executor,
    a: MatrixRef<'a, T>,
    x: &'a [T],
    y: &'a mut [T],
) -> Result<(), ShapeError> {
    T::run(executor, Call::gemv_transposed(a, MatrixRef::from_row(x), MatrixMut::from_row(y))?, None);
    Ok(())
}

impl<'a, T: Element> Call<'a, T> {
    /// y ← A·x, x and y matrices of one row: see [`gemv()`].
    ///
    /// # Errors
    /// [`ShapeError`] if the shapes do not fit together.
    pub fn gemv(a: MatrixRef<'a, T>, x: MatrixRef<'a, T>, y: MatrixMut<'a, T>) -> Result<Self, ShapeError> {
        Call::checked(Op::Gemv { a, x, y })
    }

    /// y ← Aᵀ·x, x and y matrices of one row: see [`gemv_transposed()`].
    ///
    /// # Errors
    /// [`ShapeError`] if the shapes do not fit together.
    pub fn gemv_transposed(a: MatrixRef<'a, T>, x: MatrixRef<'a, T>, y: MatrixMut<'a, T>) -> Result<Self, ShapeError> {
        Call::checked(Op::GemvTransposed { a, x, y })
    }
}

/// Cut between rows of A, at cache lines of y.
pub(crate) fn run<T: Lane>(runner: &impl Runner, a: MatrixRef<'_, T>, x: MatrixRef<'_, T>, mut y: MatrixMut<'_, T>) {
    let parts = parts_of_elements(runner.threads(), a.rows().saturating_mul(a.cols()), a.rows() / T::BLOCK);
    for_each_part((RowsOf(a), y.row(0)), parts, T::BLOCK, &|(a, y)| {
        runner.run(Gemv { a: a.0, x, y: MatrixMut::from_row(y) });
    });
}

/// Cut between columns of A. Where elements of a row don't stand side by side, a product of one row.
pub(crate) fn run_transposed<T: Lane>(
    runner: &impl Runner,
    a: MatrixRef<'_, T>,
    x: MatrixRef<'_, T>,
    mut y: MatrixMut<'_, T>,
) {
    let (n, m) = (a.rows(), a.cols());
    if m > 1 && a.col_stride() != 1 {
        return multiply(runner, x, RightFactor::Matrix(a), Init::Zero, y, Epilogue::nothing());
    }
    let x = x.row(0);
    let parts = parts_of_elements(runner.threads(), n.saturating_mul(m), m / (4 * T::BLOCK));
    for_each_part((ColumnsOf(a), y.row(0)), parts, T::BLOCK, &|(a, y)| runner.run(GemvTransposed { a: a.0, x, y }));
}

/// A matrix cut between rows.
pub(crate) struct RowsOf<'a, T>(pub(crate) MatrixRef<'a, T>);

impl<T: Lane> Split for RowsOf<'_, T> {
    fn len(&self) -> usize {
        self.0.rows()
    }
    fn split(self, at: usize) -> (Self, Self) {
        let (rows, cols) = (self.0.rows(), self.0.cols());
        (RowsOf(self.0.block(0, 0, at, cols)), RowsOf(self.0.block(at, 0, rows - at, cols)))
    }
}

/// y ← A·x, rows of A contiguous; x and y are one row.
pub(crate) struct Gemv<'a, T> {
    pub(crate) a: MatrixRef<'a, T>,
    pub(crate) x: MatrixRef<'a, T>,
    pub(crate) y: MatrixMut<'a, T>,
}

/// Bytes of a matrix that stays in L2: 512 KiB, as on Intel's client processors with AVX-512; others have more.
const L2_BYTES: usize = 512 << 10;
/// Bytes of a matrix that stays in L1.
const L1_BYTES: usize = 32 << 10;
/// Bytes of a matrix that no cache of a core holds.
const CACHE_BYTES: usize = 16 << 20;

/// Whether rows are taken four at a time.
///
/// With 32 registers, which hold the sums of four long rows: from L1 and L2, where x is loaded once for four rows and their folding overlaps
/// (the peers bench's input gradient of 1×784×128, Intel Xeon: 3.7 µs; one at a time 6.5 µs). With 16 registers only rows from L1 that are short. And from memory, which four
/// streams read half as fast again as one. L3 is read fastest in one stream.
#[inline(always)]
fn four_at_once<T: Lane, S: Simd<T>>(a: MatrixRef<'_, T>) -> bool {
    let bytes = a.rows() * a.cols() * size_of::<T>();
    let near = match S::REGISTERS >= 32 {
        true => bytes <= L2_BYTES,
        false => bytes <= L1_BYTES && a.cols() < 4 * T::BLOCK,
    };
    S::LANES > 1 && (near || bytes > CACHE_BYTES)
}

impl<T: Lane> Kernel<T> for Gemv<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(mut self, simd: S) {
        let (x, n) = (self.x.row(0), self.a.rows());
        if n == 0 {
            return;
        }
        let len = self.y.touched(S::LANES);
        let y = self.y.padded_row(0, len);
        if x.is_empty() {
            return simd.fill(T::ZERO, &mut y[..n]);
        }
        let four = four_at_once::<T, S>(self.a);
        for (i, y) in y.chunks_mut(S::LANES).enumerate() {
            let (first, rows) = (i * S::LANES, S::LANES.min(n - i * S::LANES));
            // A vector of partial sums for each row; then all of them are folded together, a lane for each row.
            let mut square = [simd.splat(T::ZERO); MAX_LANES];
            let mut r = 0;
            if four {
                while r + 4 <= rows {
                    let i = first + r;
                    let rows = [self.a.row(i), self.a.row(i + 1), self.a.row(i + 2), self.a.row(i + 3)];
                    square[r..r + 4].copy_from_slice(&dots_body(simd, rows, x));
                    r += 4;
                }
            }
            while r < rows {
                [square[r]] = dots_body(simd, [self.a.row(first + r)], x);
                r += 1;
            }
            let folded = simd.narrow(rows).reduce_add_each(&mut square[..S::LANES], x.len().min(S::LANES));
            store_some(simd, folded, y);
        }
    }
}
