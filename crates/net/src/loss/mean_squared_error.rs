//! Mean squared error: L = Σ d² / (B·M) and ∂L/∂o = 2d / (B·M), where d = o − t.
//!
//! For n = B·M outputs: d takes n additions, Σ d² as a dot product n multiplications and n − 1 additions, its mean 1 mul, the
//! gradient n mul. 2n + 1 multiplications and 2n − 1 additions in all.

use nxm_kernels::elementwise::{Elementwise, elementwise};
use nxm_kernels::{Element, Executor, Kernel, MatrixRef, ShapeError, Simd, dot};

/// The loss; `delta` becomes the gradient. `mean` is 1 / (B·M), `slope` 2 / (B·M).
#[inline]
pub(super) fn run<T: Element>(
    executor: &impl Executor,
    outputs: &[T],
    targets: MatrixRef<'_, T>,
    mean: T,
    slope: T,
    delta: &mut [T],
) -> Result<T, ShapeError> {
    copy(targets, delta);
    elementwise(executor, Difference, [outputs], delta);
    let sum = dot(executor, delta, delta)?;
    elementwise(executor, Times(slope), [], delta);
    Ok(executor.run(Product(sum, mean)))
}

/// Lays the targets out as the outputs are, whatever their strides.
#[inline]
fn copy<T: Element>(targets: MatrixRef<'_, T>, to: &mut [T]) {
    for (i, to) in to.chunks_exact_mut(targets.cols()).enumerate() {
        if targets.col_stride() == 1 {
            to.copy_from_slice(targets.row(i));
        } else {
            for (j, to) in to.iter_mut().enumerate() {
                *to = targets.at(i, j);
            }
        }
    }
}

/// t ← o − t.
#[derive(Clone, Copy)]
struct Difference;

impl<T: Element> Elementwise<T, 1> for Difference {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, t: S::Vector, [o]: [S::Vector; 1]) -> S::Vector {
        simd.sub(o, t)
    }
}

/// d ← d · slope.
#[derive(Clone, Copy)]
struct Times<T>(T);

impl<T: Element> Elementwise<T, 0> for Times<T> {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, d: S::Vector, _: [S::Vector; 0]) -> S::Vector {
        simd.mul(d, simd.splat(self.0))
    }
}

/// The product of two numbers.
struct Product<T>(T, T);

impl<T: Element> Kernel<T> for Product<T> {
    type Output = T;
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) -> T {
        simd.one().mul(self.0, self.1)
    }
}
