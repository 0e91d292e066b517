//! The product for everyone: C ← α·A·B + β·C, and C of any strides.
//!
//! Both come down to C + A·B on contiguous rows: β multiplies C and α multiplies A beforehand, so that an element of C is still one
//! chain, β·c + Σ (α·a)·b; and a C of other strides is computed transposed, or beside and copied.

use std::hint::black_box;

use super::operand::{Operand, Source};
use super::{Init, multiply};
use crate::element::Element;
use crate::elementwise::{Elementwise, map_slice};
use crate::executor::Executor;
use crate::gemm::epilogue::Epilogue;
use crate::matrix::{MatrixMut, MatrixRef, ShapeError, check};
use crate::scratch::Scratch;
use crate::simd::{Kernel, Simd};

/// C ← α·A·B + β·C, A of m × k, B of k × n, C of m × n, all with any strides.
///
/// An element of C is β·c, and then one chain of fma in the order of k: (α·a)·b + sum. As in BLAS, C is not read if β = 0, A and B
/// are not read if α = 0. If columns of C are contiguous and rows are not, α multiplies B instead of A: a·(α·b). NaN and infinity propagate as IEEE 754 says.
///
/// m·k·n fma; m·n multiplications if β is neither 0 nor 1, m·k (k·n, where α multiplies B) if α is not 1; with α = 0, those of β
/// alone. Source: the Level 3
/// BLAS's GEMM (Dongarra et al. 1990).
///
/// # Errors
/// [`ShapeError`] if the shapes of `a`, `b` and `c` do not fit together; before anything changes.
pub fn gemm_scaled<T: Element>(
    executor: &impl Executor,
    alpha: T,
    a: MatrixRef<'_, T>,
    b: MatrixRef<'_, T>,
    beta: T,
    mut c: MatrixMut<'_, T>,
) -> Result<(), ShapeError> {
    check("gemm: rows of b against columns of a", a.cols(), b.rows())?;
    check("gemm: rows of c against rows of a", a.rows(), c.rows())?;
    check("gemm: columns of c against columns of b", b.cols(), c.cols())?;
    if c.row_stride() == 1 && c.col_stride() != 1 {
        // Cᵀ ← α·Bᵀ·Aᵀ + β·Cᵀ has contiguous rows.
        return gemm_scaled(executor, alpha, b.transpose(), a.transpose(), beta, c.transpose());
    }
    if c.rows() == 0 || c.cols() == 0 {
        return Ok(());
    }
    if c.cols() > 1 && c.col_stride() != 1 {
        let mut scratch = Scratch::take();
        let mut beside = MatrixMut::new(scratch.slice(c.rows() * c.cols()), c.rows(), c.cols())?;
        if !is_zero(beta) {
            executor.run(Moved { from: c.reborrow(), to: beside.reborrow() });
        }
        gemm_scaled(executor, alpha, a, b, beta, beside.reborrow())?;
        executor.run(Moved { from: beside, to: c });
        return Ok(());
    }
    let init = if is_zero(beta) {
        Init::Zero
    } else {
        if !is_one(beta) {
            scale(executor, beta, &mut c);
        }
        Init::Accumulate
    };
    if is_zero(alpha) {
        let nothing = (MatrixRef::new(&[], c.rows(), 0)?, MatrixRef::new(&[], 0, c.cols())?);
        return gemm_any(executor, nothing.0, nothing.1.into(), init, c);
    }
    if is_one(alpha) {
        return gemm_any(executor, a, b.into(), init, c);
    }
    let mut scratch = Scratch::take();
    let scaled = scratch.slice(a.rows() * a.cols());
    let mut to = MatrixMut::new(scaled, a.rows(), a.cols())?;
    executor.run(Copied { from: a, to: to.reborrow() });
    scale(executor, alpha, &mut to);
    gemm_any(executor, MatrixRef::new(scaled, a.rows(), a.cols())?, b.into(), init, c)
}

// By their bits, and hidden from a compiler that would make comparisons of numbers of them: a product executes no floating-point instruction
// but its formula's.

/// Whether `x` is +0 or −0.
#[inline(always)]
fn is_zero<T: Element>(x: T) -> bool {
    black_box(x.to_bits_u64()) & !T::from_f64(-0.0).to_bits_u64() == 0
}

/// Whether `x` is 1.
#[inline(always)]
fn is_one<T: Element>(x: T) -> bool {
    black_box(x.to_bits_u64()) == T::ONE.to_bits_u64()
}

/// C ← A·B + init, C of any strides. The shapes fit together.
pub(super) fn gemm_any<T: Element>(
    executor: &impl Executor,
    a: MatrixRef<'_, T>,
    b: Operand<'_, T>,
    init: Init<'_, T>,
    mut c: MatrixMut<'_, T>,
) -> Result<(), ShapeError> {
    if c.col_stride() == 1 || c.cols() <= 1 {
        return multiply(executor, a, b, init, c, Epilogue::None);
    }
    match (b.0, init) {
        (Source::Matrix(b), Init::Zero | Init::Accumulate) if c.row_stride() == 1 => {
            multiply(executor, b.transpose(), a.transpose().into(), init, c.transpose(), Epilogue::None)
        }
        _ => {
            let mut scratch = Scratch::take();
            let mut beside = MatrixMut::new(scratch.slice(c.rows() * c.cols()), c.rows(), c.cols())?;
            if matches!(init, Init::Accumulate) {
                executor.run(Moved { from: c.reborrow(), to: beside.reborrow() });
            }
            multiply(executor, a, b, init, beside.reborrow(), Epilogue::None)?;
            executor.run(Moved { from: beside, to: c });
            Ok(())
        }
    }
}

/// A matrix copied to another of its shape, element by element.
struct Copied<'a, T> {
    from: MatrixRef<'a, T>,
    to: MatrixMut<'a, T>,
}

impl<T: Element> Kernel<T> for Copied<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(mut self, simd: S) {
        let one = simd.one();
        for i in 0..self.to.rows() {
            for j in 0..self.to.cols() {
                one.store(one.broadcast(&self.from.at(i, j)), std::slice::from_mut(self.to.at(i, j)));
            }
        }
    }
}

/// The same from a matrix that may be written to.
struct Moved<'a, T> {
    from: MatrixMut<'a, T>,
    to: MatrixMut<'a, T>,
}

impl<T: Element> Kernel<T> for Moved<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(mut self, simd: S) {
        let one = simd.one();
        for i in 0..self.to.rows() {
            for j in 0..self.to.cols() {
                one.store(one.broadcast(self.from.at(i, j)), std::slice::from_mut(self.to.at(i, j)));
            }
        }
    }
}

/// C ← factor·C, rows of C contiguous, one multiplication per element.
fn scale<T: Element>(executor: &impl Executor, factor: T, c: &mut MatrixMut<'_, T>) {
    executor.run(Scale { factor, c: c.reborrow() });
}

struct Scale<'a, T> {
    factor: T,
    c: MatrixMut<'a, T>,
}

impl<T: Element> Kernel<T> for Scale<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(mut self, simd: S) {
        for i in 0..self.c.rows() {
            map_slice(simd, Times(self.factor), [], self.c.row(i));
        }
    }
}

#[derive(Clone, Copy)]
struct Times<T>(T);

impl<T: Element> Elementwise<T, 0> for Times<T> {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, x: S::Vector, _: [S::Vector; 0]) -> S::Vector {
        simd.mul(simd.splat(self.0), x)
    }
}
