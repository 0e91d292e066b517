//! y ← α·x + y.

use crate::call::{Call, Op};
use crate::element::{Element, Lane};
use crate::elementwise::{Elementwise, map_slice};
use crate::executor::{Executor, Runner};
use crate::layout::ShapeError;
use crate::matrix::{MatrixMut, MatrixRef};
use crate::parallel::{for_each_part, parts_of_evaluations};
use crate::simd::{Kernel, Simd};

/// y ← α·x + y: n fma.
///
/// # Errors
/// [`ShapeError`] if `x` and `y` differ in length.
pub fn axpy<T: Element>(executor: &dyn Executor, alpha: T, x: &[T], y: &mut [T]) -> Result<(), ShapeError> {
    T::run(executor, Call::axpy(alpha, MatrixRef::from_row(x), MatrixMut::from_row(y))?, None);
    Ok(())
}

impl<'a, T: Element> Call<'a, T> {
    /// y ← α·x + y of two matrices of one row: see [`axpy()`].
    ///
    /// # Errors
    /// [`ShapeError`] if `x` and `y` differ in length.
    pub fn axpy(alpha: T, x: MatrixRef<'a, T>, y: MatrixMut<'a, T>) -> Result<Self, ShapeError> {
        Call::checked(Op::Axpy { alpha, x, y })
    }
}

/// Cut into parts of whole cache lines.
pub(crate) fn run<T: Lane>(runner: &impl Runner, alpha: T, x: MatrixRef<'_, T>, mut y: MatrixMut<'_, T>) {
    let (x, y) = (x.row(0), y.row(0));
    let parts = parts_of_evaluations(runner.threads(), y.len(), y.len() / T::BLOCK);
    for_each_part((x, y), parts, T::BLOCK, &|(x, y)| runner.run(Slices { alpha, x, y }));
}

struct Slices<'a, T> {
    alpha: T,
    x: &'a [T],
    y: &'a mut [T],
}

impl<T: Lane> Kernel<T> for Slices<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        map_slice(simd, Axpy { alpha: self.alpha }, [self.x], self.y);
    }
}

/// y ← α·x + y as an elementwise kernel.
#[derive(Clone, Copy)]
pub(crate) struct Axpy<T> {
    pub(crate) alpha: T,
}

impl<T: Lane> Elementwise<T, 1> for Axpy<T> {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, y: S::Vector, [x]: [S::Vector; 1]) -> S::Vector {
        simd.mul_add(simd.splat(self.alpha), x, y)
    }
}
