//! The rank-1 update A ← A + α·x·yᵀ.

use crate::axpy::Axpy;
use crate::element::Element;
use crate::elementwise::map_slice;
use crate::executor::Executor;
use crate::matrix::{MatrixMut, ShapeError, check};
use crate::parallel::{Split, for_each_part, parts_of_elements};
use crate::simd::{Kernel, Simd};

/// A ← A + α·x·yᵀ, A of N × M: N mul (α·xᵢ) and N·M fma.
///
/// # Errors
/// [`ShapeError`] if the lengths of `x` and `y` are not A's rows and columns.
pub fn ger<T: Element>(
    executor: &impl Executor,
    alpha: T,
    x: &[T],
    y: &[T],
    a: MatrixMut<'_, T>,
) -> Result<(), ShapeError> {
    check("ger: length of x against rows of a", a.rows(), x.len())?;
    check("ger: length of y against columns of a", a.cols(), y.len())?;
    if a.cols() > 1 {
        check("ger: column stride of a", 1, a.col_stride())?;
    }
    let parts = parts_of_elements(executor.threads(), x.len().saturating_mul(y.len()), x.len());
    for_each_part((x, a), parts, 1, &|(x, a)| executor.run(Ger { alpha, x, y, a }));
    Ok(())
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

impl<T: Element> Kernel<T> for Ger<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(mut self, simd: S) {
        for (i, x) in self.x.iter().enumerate() {
            let scaled = simd.one().mul(self.alpha, simd.one().broadcast(x));
            map_slice(simd, Axpy { alpha: scaled }, [self.y], self.a.row(i));
        }
    }
}
