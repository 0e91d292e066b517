//! Σ xᵢ·yᵢ.

use crate::element::Element;
use crate::executor::Executor;
use crate::matrix::{ShapeError, check};
use crate::reduce::{Reduction, reduce};
use crate::simd::{Kernel, Simd, load_some, load_some_or};

/// Σ xᵢ·yᵢ: n multiplications (a lane's first is a `mul`, the others are fma) and n − 1 additions. 0 if n is 0.
///
/// The order of the sum depends on n alone ([`crate::reduce`]).
///
/// # Errors
/// [`ShapeError`] if `x` and `y` differ in length.
pub fn dot<T: Element>(executor: &impl Executor, x: &[T], y: &[T]) -> Result<T, ShapeError> {
    check("dot: length of y against x", x.len(), y.len())?;
    Ok(executor.run(Dot { x, y }))
}

struct Dot<'a, T> {
    x: &'a [T],
    y: &'a [T],
}

impl<T: Element> Kernel<T> for Dot<'_, T> {
    type Output = T;
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) -> T {
        dot_body(simd, self.x, self.y)
    }
}

/// The body, for kernels that are made of dot products. Of slices that differ in length the longer one's rest is not used.
#[inline(always)]
pub fn dot_body<T: Element, S: Simd<T>>(simd: S, x: &[T], y: &[T]) -> T {
    let n = x.len().min(y.len());
    reduce(simd, n, Product { x: &x[..n], y: &y[..n] })
}

/// Σ x·y as a reduction.
#[derive(Clone, Copy)]
struct Product<'a, T> {
    x: &'a [T],
    y: &'a [T],
}

impl<T: Element, S: Simd<T>> Reduction<T, S> for Product<'_, T> {
    const IDENTITY: T = T::ZERO;
    #[inline(always)]
    fn first(self, simd: S, i: usize, lanes: usize) -> S::Vector {
        simd.mul(load_some(simd, &self.x[i..i + lanes]), load_some(simd, &self.y[i..i + lanes]))
    }
    #[inline(always)]
    fn next(self, simd: S, i: usize, lanes: usize, sum: S::Vector) -> S::Vector {
        // The lanes beyond the end add −0 · 0 = −0, which leaves any sum as it is.
        let x = load_some_or(simd, &self.x[i..i + lanes], T::from_f64(-0.0));
        simd.mul_add(x, load_some(simd, &self.y[i..i + lanes]), sum)
    }
    #[inline(always)]
    fn combine(self, simd: S, a: S::Vector, b: S::Vector) -> S::Vector {
        simd.add(a, b)
    }
    #[inline(always)]
    fn fold(self, simd: S, v: S::Vector) -> T {
        simd.reduce_add(v)
    }
}
