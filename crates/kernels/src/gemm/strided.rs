//! The product for everyone: C ← α·A·B + β·C, and C of any strides.
//!
//! Both come down to C + A·B on contiguous rows: β multiplies C and α multiplies A beforehand, so that an element of C is still one
//! chain, β·c + Σ (α·a)·b; and a C of other strides is computed transposed, or beside and copied.

use std::hint::black_box;

use super::follow::{Epilogue, ScaledBy};
use super::operand::RightFactor;
use super::{Init, multiply};
use crate::call::{Call, Op};
use crate::check::scaled_factor;
use crate::element::{Element, Lane};
use crate::elementwise::rows::map_rows;
use crate::executor::{Executor, Runner};
use crate::layout::ShapeError;
use crate::matrix::{MatrixMut, MatrixRef};
use crate::scratch::Scratch;
use crate::simd::{Kernel, Simd};

/// C ← α·A·B + β·C, A of m × k, B of k × n, C of m × n, all with any strides.
///
/// An element of C is β·c, and then one chain of fma in the order of k: (α·a)·b + sum. With β = 0 a single row is made of dot products
/// where that of [`gemm()`](crate::gemm()) is. As in BLAS, C is not read if β = 0, A and B are not read if α = 0. If columns of C are
/// contiguous and rows are not, α multiplies B instead of A: a·(α·b). NaN and infinity propagate as IEEE 754 says.
///
/// m·k·n fma; m·n multiplications if β is neither 0 nor 1, m·k (k·n, where α multiplies B) if α is not 1; with α = 0, those of β
/// alone. Source: the Level 3 BLAS's GEMM (Dongarra et al. 1990).
///
/// # Errors
/// [`ShapeError`] if the shapes of `a`, `b` and `c` do not fit together. [`ShapeError::TooLarge`] if α is neither 0 nor 1 and there is no
/// memory for α·A: a view whose strides are 0 may have more elements than memory has. Nothing has changed then.
pub fn gemm_scaled<'a, T: Element>(
    executor: &dyn Executor,
    alpha: T,
    a: MatrixRef<'a, T>,
    b: MatrixRef<'a, T>,
    beta: T,
    c: MatrixMut<'a, T>,
) -> Result<(), ShapeError> {
    T::run(executor, Call::gemm_scaled(alpha, a, b, beta, c)?, None);
    Ok(())
}

impl<'a, T: Element> Call<'a, T> {
    /// C ← α·A·B + β·C: see [`gemm_scaled()`].
    ///
    /// # Errors
    /// [`ShapeError`] if the shapes do not fit together; [`ShapeError::TooLarge`] if there is no memory for α·A, which is a copy.
    pub fn gemm_scaled(
        alpha: T,
        a: MatrixRef<'a, T>,
        b: MatrixRef<'a, T>,
        beta: T,
        c: MatrixMut<'a, T>,
    ) -> Result<Self, ShapeError> {
        let (what, factor) = scaled_factor(a.layout(), b.layout(), c.layout());
        let call = Call::checked(Op::GemmScaled { alpha, a, b, beta, c })?;
        if !is_zero(alpha) && !is_one(alpha) {
            Scratch::check::<T>(what, factor.rows, factor.cols)?;
        }
        Ok(call)
    }
}

/// C ← α·A·B + β·C of shapes that fit together.
pub(crate) fn scaled<T: Lane>(
    runner: &impl Runner,
    alpha: T,
    a: MatrixRef<'_, T>,
    b: MatrixRef<'_, T>,
    beta: T,
    mut c: MatrixMut<'_, T>,
) {
    if c.rows() == 0 || c.cols() == 0 {
        return;
    }
    if c.row_stride() == 1 && c.col_stride() != 1 {
        // Cᵀ ← α·Bᵀ·Aᵀ + β·Cᵀ has contiguous rows.
        return scaled(runner, alpha, b.transpose(), a.transpose(), beta, c.transpose());
    }
    if c.cols() > 1 && c.col_stride() != 1 {
        return beside(runner, !is_zero(beta), c, |runner, beside| scaled(runner, alpha, a, b, beta, beside));
    }
    let init = if is_zero(beta) {
        Init::Zero
    } else {
        if !is_one(beta) {
            runner.run(Scaled { factor: beta, c: c.reborrow() });
        }
        Init::Accumulate
    };
    if is_zero(alpha) {
        let (nothing, of_nothing) =
            (MatrixRef::without_columns(c.rows()), MatrixRef::without_columns(c.cols()).transpose());
        return any(runner, nothing, RightFactor::Matrix(of_nothing), init, c);
    }
    if is_one(alpha) {
        return any(runner, a, RightFactor::Matrix(b), init, c);
    }
    let mut scratch = Scratch::take();
    let memory = scratch.slice(a.rows() * a.cols());
    let mut to = MatrixMut::new(memory, a.rows(), a.cols()).expect(FITS);
    runner.run(Copied { from: a, to: to.reborrow() });
    runner.run(Scaled { factor: alpha, c: to });
    any(runner, MatrixRef::new(memory, a.rows(), a.cols()).expect(FITS), RightFactor::Matrix(b), init, c);
}

const FITS: &str = "scratch memory of this size";

// By their bits, and hidden from a compiler that would make comparisons of numbers of them: a product executes no floating-point instruction
// but its formula's.

/// Whether `x` is +0 or −0.
#[inline(always)]
fn is_zero<T: Lane>(x: T) -> bool {
    black_box(x.to_bits_u64()) & !T::NEG_ZERO.to_bits_u64() == 0
}

/// Whether `x` is 1.
#[inline(always)]
fn is_one<T: Lane>(x: T) -> bool {
    black_box(x.to_bits_u64()) == T::ONE.to_bits_u64()
}

/// C ← A·B + init of shapes that fit together, C of any strides.
pub(crate) fn any<T: Lane>(
    runner: &impl Runner,
    a: MatrixRef<'_, T>,
    b: RightFactor<'_, T>,
    init: Init<MatrixRef<'_, T>>,
    c: MatrixMut<'_, T>,
) {
    if c.col_stride() == 1 || c.cols() <= 1 {
        return multiply(runner, a, b, init, c, Epilogue::nothing());
    }
    match (b, init) {
        (RightFactor::Matrix(b), Init::Zero | Init::Accumulate) if c.row_stride() == 1 => {
            multiply(
                runner,
                b.transpose(),
                RightFactor::Matrix(a.transpose()),
                init,
                c.transpose(),
                Epilogue::nothing(),
            );
        }
        _ => beside(runner, matches!(init, Init::Accumulate), c, |runner, beside| {
            multiply(runner, a, b, init, beside, Epilogue::nothing());
        }),
    }
}

/// Has `task` write to memory without gaps, and copies that to C; if `reads` C, it is copied there before.
fn beside<T: Lane, R: Runner>(
    runner: &R,
    reads: bool,
    mut c: MatrixMut<'_, T>,
    task: impl FnOnce(&R, MatrixMut<'_, T>),
) {
    let (rows, cols) = (c.rows(), c.cols());
    let mut scratch = Scratch::take();
    let memory = scratch.slice(rows * cols);
    if reads {
        runner.run(Copied { from: c.reborrow(), to: MatrixMut::new(memory, rows, cols).expect(FITS) });
    }
    task(runner, MatrixMut::new(memory, rows, cols).expect(FITS));
    runner.run(Copied { from: MatrixRef::new(memory, rows, cols).expect(FITS), to: c });
}

/// A matrix that is read element by element.
trait Elements<T>: Send {
    fn element(&mut self, i: usize, j: usize) -> T;
}

impl<T: Lane> Elements<T> for MatrixRef<'_, T> {
    #[inline(always)]
    fn element(&mut self, i: usize, j: usize) -> T {
        self.at(i, j)
    }
}

/// No [`MatrixRef`] of it can be made: a slice would reach over elements that other threads may write.
impl<T: Lane> Elements<T> for MatrixMut<'_, T> {
    #[inline(always)]
    fn element(&mut self, i: usize, j: usize) -> T {
        *self.at(i, j)
    }
}

/// A matrix copied to another of its shape, element by element.
struct Copied<'a, T, From> {
    from: From,
    to: MatrixMut<'a, T>,
}

impl<T: Lane, From: Elements<T>> Kernel<T> for Copied<'_, T, From> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(mut self, simd: S) {
        let one = simd.one();
        for i in 0..self.to.rows() {
            for j in 0..self.to.cols() {
                one.store(one.broadcast(&self.from.element(i, j)), std::slice::from_mut(self.to.at(i, j)));
            }
        }
    }
}

/// C ← factor·C, rows of C contiguous, one multiplication per element.
struct Scaled<'a, T> {
    factor: T,
    c: MatrixMut<'a, T>,
}

impl<T: Lane> Kernel<T> for Scaled<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(mut self, simd: S) {
        map_rows(simd, ScaledBy(self.factor), [], &mut self.c);
    }
}
