//! The rank-1 update A ← A + α·x·yᵀ.

use crate::axpy::Axpy;
use crate::call::{Call, Op};
use crate::element::{Element, Lane};
use crate::elementwise::map_slice;
use crate::executor::{Executor, Runner};
use crate::layout::ShapeError;
use crate::matrix::{MatrixMut, MatrixRef};
use crate::parallel::{Split, for_each_part, parts_of_elements};
use crate::simd::{Kernel, Simd};

/// A ← A + α·x·yᵀ, A of N × M: N mul (α·xᵢ) and N·M fma.
///
/// # Errors
/// [`ShapeError`] if the lengths of `x` and `y` are not A's rows and columns.
pub fn ger<T: Element>(
    executor: &dyn Executor,
    alpha: T,
    x: &[T],
    y: &[T],
    a: MatrixMut<'_, T>,
) -> Result<(), ShapeError> {
    T::run(executor, Call::ger(alpha, MatrixRef::from_row(x), MatrixRef::from_row(y), a)?, None);
    Ok(())
}

impl<'a, T: Element> Call<'a, T> {
    /// A ← A + α·x·yᵀ, x and y matrices of one row: see [`ger()`].
    ///
    /// # Errors
    /// [`ShapeError`] if the lengths of `x` and `y` are not A's rows and columns.
    pub fn ger(alpha: T, x: MatrixRef<'a, T>, y: MatrixRef<'a, T>, a: MatrixMut<'a, T>) -> Result<Self, ShapeError> {
        Call::checked(Op::Ger { alpha, x, y, a })
    }
}

/// Cut between rows of A.
pub(crate) fn run<T: Lane>(
    runner: &impl Runner,
    alpha: T,
    x: MatrixRef<'_, T>,
    y: MatrixRef<'_, T>,
    a: MatrixMut<'_, T>,
) {
    let (x, y) = (x.row(0), y.row(0));
    let parts = parts_of_elements(runner.threads(), x.len().saturating_mul(y.len()), x.len());
    for_each_part((x, a), parts, 1, &|(x, a)| runner.run(Ger { alpha, x, y, a }));
}

impl<T: Send> Split for MatrixMut<'_, T> {
    fn len(&self) -> usize {
        self.rows()
    }
    fn split(self, at: usize) -> (Self, Self) {
        self.split_at_row(at)
    }
}

struct Ger<'a, T> {
    alpha: T,
    x: &'a [T],
    y: &'a [T],
    a: MatrixMut<'a, T>,
}

impl<T: Lane> Kernel<T> for Ger<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(mut self, simd: S) {
        for (i, x) in self.x.iter().enumerate() {
            let scaled = simd.one().mul(self.alpha, simd.one().broadcast(x));
            map_slice(simd, Axpy { alpha: scaled }, [self.y], self.a.row(i));
        }
    }
}
