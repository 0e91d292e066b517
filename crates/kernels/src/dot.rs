//! Σ xᵢ·yᵢ, in the elements' own precision or of f32 in f64.

use crate::call::{Call, Op};
use crate::element::{Element, Lane};
use crate::executor::Executor;
use crate::layout::ShapeError;
use crate::matrix::{MatrixMut, MatrixRef};
use crate::reduce::{Reduction, reduce, vectors_of_each};
use crate::simd::{Kernel, Simd, load_some, load_some_or, load_widened_some_or};

/// Σ xᵢ·yᵢ: n multiplications (a lane's first is a `mul`, the others are fma) and n − 1 additions. 0 if n is 0.
///
/// The order of the sum depends on n alone (see docs/numerics.md).
///
/// # Errors
/// [`ShapeError`] if `x` and `y` differ in length.
pub fn dot<T: Element>(executor: &dyn Executor, x: &[T], y: &[T]) -> Result<T, ShapeError> {
    let mut sum = [T::ZERO];
    T::run(executor, Call::dot(MatrixRef::from_row(x), MatrixRef::from_row(y), MatrixMut::from_row(&mut sum))?, None);
    Ok(sum[0])
}

impl<'a, T: Element> Call<'a, T> {
    /// `to` ← Σ xᵢ·yᵢ of two matrices of one row: see [`dot()`].
    ///
    /// # Errors
    /// [`ShapeError`] if `x` and `y` differ in length, or if `to` is not one element.
    pub fn dot(x: MatrixRef<'a, T>, y: MatrixRef<'a, T>, to: MatrixMut<'a, T>) -> Result<Self, ShapeError> {
        Call::checked(Op::Dot { x, y, to })
    }
}

impl<'a> Call<'a, f64> {
    /// `to` ← Σ xᵢ·yᵢ of f32, in f64: see [`dot_in_f64()`].
    ///
    /// # Errors
    /// [`ShapeError`] if `x` and `y` differ in length, or if `to` is not one element.
    pub fn dot_in_f64(x: &'a [f32], y: &'a [f32], to: MatrixMut<'a, f64>) -> Result<Self, ShapeError> {
        Call::checked(Op::DotInF64 { x, y, to })
    }
}

/// `to` ← Σ xᵢ·yᵢ.
pub(crate) struct Dot<'a, T> {
    pub(crate) x: MatrixRef<'a, T>,
    pub(crate) y: MatrixRef<'a, T>,
    pub(crate) to: MatrixMut<'a, T>,
}

impl<T: Lane> Kernel<T> for Dot<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(mut self, simd: S) {
        simd.one().store(dot_body(simd, self.x.row(0), self.y.row(0)), self.to.row(0));
    }
}

/// The body, for kernels that are made of dot products. Of slices that differ in length the longer one's rest is not used.
#[inline(always)]
pub(crate) fn dot_body<T: Lane, S: Simd<T>>(simd: S, x: &[T], y: &[T]) -> T {
    let n = x.len().min(y.len());
    reduce(simd, n, Products { x: &x[..n], y: &y[..n] })
}

/// [`dot_body`] as a function of its own, for kernels that ask for one product after the other.
#[inline(always)]
pub(crate) fn call_dot<T: Lane, S: Simd<T>>(simd: S, x: &[T], y: &[T]) -> T {
    simd.call(DotOf { x, y })
}

struct DotOf<'a, T> {
    x: &'a [T],
    y: &'a [T],
}

impl<T: Lane> Kernel<T> for DotOf<'_, T> {
    type Output = T;
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) -> T {
        dot_body(simd, self.x, self.y)
    }
}

/// The products of several slices with y, all of y's length, which is not 0: vectors that fold to the bits of [`dot_body`].
#[inline(always)]
pub(crate) fn dots_body<T: Lane, S: Simd<T>, const K: usize>(simd: S, x: [&[T]; K], y: &[T]) -> [S::Vector; K] {
    let n = y.len();
    let mut products = [Products { x: y, y }; K];
    for (product, x) in products.iter_mut().zip(x) {
        product.x = &x[..n];
    }
    vectors_of_each(simd, n, products)
}

/// Σ x·y as a reduction.
#[derive(Clone, Copy)]
struct Products<'a, T> {
    x: &'a [T],
    y: &'a [T],
}

impl<T: Lane, S: Simd<T>> Reduction<T, S> for Products<'_, T> {
    const IDENTITY: T = T::ZERO;
    #[inline(always)]
    fn window(self, i: usize, len: usize) -> Self {
        Products { x: &self.x[i..i + len], y: &self.y[i..i + len] }
    }
    #[inline(always)]
    fn first(self, simd: S, i: usize, lanes: usize) -> S::Vector {
        simd.mul(load_some(simd, &self.x[i..i + lanes]), load_some(simd, &self.y[i..i + lanes]))
    }
    #[inline(always)]
    fn next(self, simd: S, i: usize, lanes: usize, sum: S::Vector) -> S::Vector {
        // The lanes beyond the end add −0 · 0 = −0, which leaves any sum as it is.
        let x = load_some_or(simd, &self.x[i..i + lanes], T::NEG_ZERO);
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

/// Σ xᵢ·yᵢ of f32, multiplied and added in f64 (BLAS's `dsdot`): 2n conversions, n multiplications (a lane's first is a
/// `mul`, the others are fma) and n − 1 additions, all in f64. 0 if n is 0.
///
/// Every product is exact: 24 + 24 bits of significand fit into 53, and the exponents' sum fits too. So only the additions
/// round, |error| ≤ γₙ₋₁·Σ|xᵢ·yᵢ| with u = 2⁻⁵³, nothing overflows, and a fused multiply-add is the same as a separate
/// one: the bits are equal at every level, fused or not. The order of the sum depends on n alone (see docs/numerics.md).
///
/// ```
/// use nxm_kernels::{Cpu, dot, dot_in_f64};
///
/// let cpu = Cpu::detect()?;
/// let (x, y) = ([1e8f32, -1e8, 1.0], [1.0; 3]);
/// assert_eq!(dot(&cpu, &x, &y)?, 0.0);
/// assert_eq!(dot_in_f64(&cpu, &x, &y)?, 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`ShapeError`] if `x` and `y` differ in length.
#[doc(alias = "dsdot")]
pub fn dot_in_f64(executor: &dyn Executor, x: &[f32], y: &[f32]) -> Result<f64, ShapeError> {
    let mut sum = [0.0];
    f64::run(executor, Call::dot_in_f64(x, y, MatrixMut::from_row(&mut sum))?, None);
    Ok(sum[0])
}

/// `to` ← Σ xᵢ·yᵢ of f32, in `T`.
pub(crate) struct DotInF64<'a, T> {
    pub(crate) x: &'a [f32],
    pub(crate) y: &'a [f32],
    pub(crate) to: MatrixMut<'a, T>,
}

impl<T: Lane> Kernel<T> for DotInF64<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(mut self, simd: S) {
        let sum = reduce(simd, self.x.len(), WidenedProducts { x: self.x, y: self.y });
        simd.one().store(sum, self.to.row(0));
    }
}

/// Σ x·y of f32 in f64 as a reduction: [`Product`] with loads that convert.
#[derive(Clone, Copy)]
struct WidenedProducts<'a> {
    x: &'a [f32],
    y: &'a [f32],
}

impl<T: Lane, S: Simd<T>> Reduction<T, S> for WidenedProducts<'_> {
    const IDENTITY: T = T::ZERO;
    #[inline(always)]
    fn window(self, i: usize, len: usize) -> Self {
        WidenedProducts { x: &self.x[i..i + len], y: &self.y[i..i + len] }
    }
    #[inline(always)]
    fn first(self, simd: S, i: usize, lanes: usize) -> S::Vector {
        let x = load_widened_some_or(simd, &self.x[i..i + lanes], 0.0);
        simd.mul(x, load_widened_some_or(simd, &self.y[i..i + lanes], 0.0))
    }
    #[inline(always)]
    fn next(self, simd: S, i: usize, lanes: usize, sum: S::Vector) -> S::Vector {
        // The lanes beyond the end add −0 · 0 = −0, which leaves any sum as it is.
        let x = load_widened_some_or(simd, &self.x[i..i + lanes], -0.0);
        simd.mul_add(x, load_widened_some_or(simd, &self.y[i..i + lanes], 0.0), sum)
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
