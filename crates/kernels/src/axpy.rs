//! y ← α·x + y.

use crate::element::Element;
use crate::elementwise::{Elementwise, elementwise};
use crate::executor::Executor;
use crate::matrix::{ShapeError, check};
use crate::simd::Simd;

/// y ← α·x + y: n fma.
///
/// # Errors
/// [`ShapeError`] if `x` and `y` differ in length.
pub fn axpy<T: Element>(executor: &impl Executor, alpha: T, x: &[T], y: &mut [T]) -> Result<(), ShapeError> {
    check("axpy: length of y against x", x.len(), y.len())?;
    elementwise(executor, Axpy { alpha }, [x], y);
    Ok(())
}

/// y ← α·x + y as an elementwise kernel.
#[derive(Clone, Copy)]
pub(crate) struct Axpy<T> {
    pub(crate) alpha: T,
}

impl<T: Element> Elementwise<T, 1> for Axpy<T> {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, y: S::Vector, [x]: [S::Vector; 1]) -> S::Vector {
        simd.mul_add(simd.splat(self.alpha), x, y)
    }
}
