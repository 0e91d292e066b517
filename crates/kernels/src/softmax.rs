//! Softmax, log-softmax and log-sum-exp by rows.
//!
//! Per row of M logits: the maximum (M − 1 cmp), z − max (M additions), e^{z − max} (M exp), their sum (M − 1 additions);
//! then softmax multiplies by the sum's reciprocal (1 div, M mul), and log-softmax subtracts the sum's logarithm (1 log,
//! M additions); log-sum-exp adds the sum's logarithm to the maximum (1 log, 1 addition) and keeps z.

use crate::call::{Call, Op};
use crate::element::{Element, Lane};
use crate::elementwise::{Elementwise, map_slice};
use crate::executor::{Executor, Runner};
use crate::gemv::RowsOf;
use crate::layout::ShapeError;
use crate::math;
use crate::matrix::{MatrixMut, MatrixRef};
use crate::parallel::{for_each_part, parts_of_evaluations};
use crate::reduce;
use crate::simd::{Kernel, Simd, load_some_or};

/// z ← e^{z − max z} / Σ e^{z − max z} in each row. A row that holds NaN or +∞ becomes NaN.
///
/// Per row of M: M − 1 cmp, 2M − 1 additions, M exp, 1 div, M mul.
///
/// # Errors
/// [`ShapeError`] if z's rows are not contiguous.
pub fn softmax<T: Element>(executor: &dyn Executor, z: MatrixMut<'_, T>) -> Result<(), ShapeError> {
    T::run(executor, Call::softmax(z)?, None);
    Ok(())
}

/// z ← z − max z − ln Σ e^{z − max z} in each row. A row that holds NaN or +∞ becomes NaN.
///
/// Per row of M: M − 1 cmp, 3M − 1 additions, M exp, 1 log.
///
/// # Errors
/// [`ShapeError`] if z's rows are not contiguous.
pub fn log_softmax<T: Element>(executor: &dyn Executor, z: MatrixMut<'_, T>) -> Result<(), ShapeError> {
    T::run(executor, Call::log_softmax(z)?, None);
    Ok(())
}

/// `to[i]` ← ln Σⱼ e^{zᵢⱼ}, as max z + ln Σ e^{z − max z}, for each row i. A row that holds NaN or +∞, or nothing but −∞, becomes
/// NaN; an empty one becomes −∞.
///
/// Per row of M: M − 1 cmp, 2M additions, M exp, 1 log.
///
/// # Errors
/// [`ShapeError`] if `to` has not as many elements as `z` has rows, or if z's rows are not contiguous.
pub fn log_sum_exp<'a, T: Element>(
    executor: &dyn Executor,
    z: MatrixRef<'a, T>,
    to: &'a mut [T],
) -> Result<(), ShapeError> {
    T::run(executor, Call::log_sum_exp(z, MatrixMut::from_row(to))?, None);
    Ok(())
}

impl<'a, T: Element> Call<'a, T> {
    /// z ← softmax(z) in each row: see [`softmax()`].
    ///
    /// # Errors
    /// [`ShapeError`] if z's rows are not contiguous.
    pub fn softmax(z: MatrixMut<'a, T>) -> Result<Self, ShapeError> {
        Call::checked(Op::Softmax { x: None, z })
    }

    /// z ← softmax(x) in each row, and x stays: as [`softmax()`] of a copy, which takes no more operations.
    ///
    /// # Errors
    /// [`ShapeError`] if x and z have different shapes, or if their rows are not contiguous.
    pub fn softmax_of(x: MatrixRef<'a, T>, z: MatrixMut<'a, T>) -> Result<Self, ShapeError> {
        Call::checked(Op::Softmax { x: Some(x), z })
    }

    /// z ← ln softmax(z) in each row: see [`log_softmax()`].
    ///
    /// # Errors
    /// [`ShapeError`] if z's rows are not contiguous.
    pub fn log_softmax(z: MatrixMut<'a, T>) -> Result<Self, ShapeError> {
        Call::checked(Op::LogSoftmax { x: None, z })
    }

    /// z ← ln softmax(x) in each row, and x stays: as [`log_softmax()`] of a copy, which takes no more operations.
    ///
    /// # Errors
    /// [`ShapeError`] if x and z have different shapes, or if their rows are not contiguous.
    pub fn log_softmax_of(x: MatrixRef<'a, T>, z: MatrixMut<'a, T>) -> Result<Self, ShapeError> {
        Call::checked(Op::LogSoftmax { x: Some(x), z })
    }

    /// `to`, a matrix of one row, ← ln Σ eᶻ of each row of z: see [`log_sum_exp()`].
    ///
    /// # Errors
    /// [`ShapeError`] if `to` has not as many elements as `z` has rows, or if z's rows are not contiguous.
    pub fn log_sum_exp(z: MatrixRef<'a, T>, to: MatrixMut<'a, T>) -> Result<Self, ShapeError> {
        Call::checked(Op::LogSumExp { z, to })
    }
}

/// Cut between rows.
pub(crate) fn run_softmax<T: Lane>(runner: &impl Runner, x: Option<MatrixRef<'_, T>>, z: MatrixMut<'_, T>) {
    if z.cols() == 0 {
        return;
    }
    let parts = parts_of_evaluations(runner.threads(), z.rows().saturating_mul(z.cols()), z.rows());
    match x {
        None => for_each_part(z, parts, 1, &|z| runner.run(Softmax { x: None, z })),
        Some(x) => for_each_part((RowsOf(x), z), parts, 1, &|(x, z)| runner.run(Softmax { x: Some(x.0), z })),
    }
}

/// Cut between rows.
pub(crate) fn run_log_softmax<T: Lane>(runner: &impl Runner, x: Option<MatrixRef<'_, T>>, z: MatrixMut<'_, T>) {
    if z.cols() == 0 {
        return;
    }
    let parts = parts_of_evaluations(runner.threads(), z.rows().saturating_mul(z.cols()), z.rows());
    match x {
        None => for_each_part(z, parts, 1, &|z| runner.run(LogSoftmax { x: None, z })),
        Some(x) => for_each_part((RowsOf(x), z), parts, 1, &|(x, z)| runner.run(LogSoftmax { x: Some(x.0), z })),
    }
}

/// Cut between rows.
pub(crate) fn run_log_sum_exp<T: Lane>(runner: &impl Runner, z: MatrixRef<'_, T>, mut to: MatrixMut<'_, T>) {
    let parts = parts_of_evaluations(runner.threads(), z.rows().saturating_mul(z.cols()), z.rows());
    for_each_part((RowsOf(z), to.row(0)), parts, 1, &|(z, to)| runner.run(LogSumExp { z: z.0, to }));
}

struct LogSumExp<'a, T> {
    z: MatrixRef<'a, T>,
    to: &'a mut [T],
}

impl<T: Lane> Kernel<T> for LogSumExp<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        for (i, to) in self.to.chunks_mut(1).enumerate() {
            let z = self.z.row(i);
            if z.is_empty() {
                simd.one().store(T::NEG_INFINITY, to);
                continue;
            }
            let max = reduce::max(simd, z);
            let sum = reduce::reduce(simd, z.len(), SumExp { z, shift: Shift { by: max } });
            simd.one().store(simd.one().add(max, math::log(simd.one(), sum)), to);
        }
    }
}

/// On rows that are not empty.
struct Softmax<'x, 'a, T> {
    /// What is copied to z first, if it stands elsewhere.
    x: Option<MatrixRef<'x, T>>,
    z: MatrixMut<'a, T>,
}

impl<T: Lane> Kernel<T> for Softmax<'_, '_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(mut self, simd: S) {
        for i in 0..self.z.rows() {
            let z = self.z.row(i);
            if let Some(x) = self.x {
                simd.copy(x.row(i), z);
            }
            softmax_row(simd, z);
        }
    }
}

/// z ← softmax(z) of one row that is not empty.
#[inline(always)]
fn softmax_row<T: Lane, S: Simd<T>>(simd: S, z: &mut [T]) {
    let max = reduce::max(simd, z);
    map_slice(simd, Shift { by: max }, [], z);
    map_slice(simd, Exp, [], z);
    let sum = reduce::sum(simd, z);
    let scale = simd.one().div(T::ONE, sum);
    map_slice(simd, Scale { by: scale }, [], z);
}

/// On rows that are not empty.
struct LogSoftmax<'x, 'a, T> {
    /// What is copied to z first, if it stands elsewhere.
    x: Option<MatrixRef<'x, T>>,
    z: MatrixMut<'a, T>,
}

impl<T: Lane> Kernel<T> for LogSoftmax<'_, '_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(mut self, simd: S) {
        for i in 0..self.z.rows() {
            let z = self.z.row(i);
            if let Some(x) = self.x {
                simd.copy(x.row(i), z);
            }
            map_slice(simd, Shift { by: reduce::max(simd, z) }, [], z);
            let log = math::log(simd.one(), sum_exp(simd, z));
            map_slice(simd, Shift { by: log }, [], z);
        }
    }
}

/// Σ eᶻ, without keeping eᶻ: n exp, n − 1 additions. 0 if z is empty.
#[inline(always)]
fn sum_exp<T: Lane, S: Simd<T>>(simd: S, z: &[T]) -> T {
    reduce::reduce(simd, z.len(), SumExp { z, shift: Unshifted })
}

/// Σ e^{shift(z)}.
#[derive(Clone, Copy)]
struct SumExp<'a, T, F> {
    z: &'a [T],
    shift: F,
}

impl<T: Lane, S: Simd<T>, F: Elementwise<T, 0>> reduce::Reduction<T, S> for SumExp<'_, T, F> {
    const IDENTITY: T = T::ZERO;
    #[inline(always)]
    fn window(self, i: usize, len: usize) -> Self {
        SumExp { z: &self.z[i..i + len], ..self }
    }
    #[inline(always)]
    fn first(self, simd: S, i: usize, lanes: usize) -> S::Vector {
        // The lanes beyond the end add e^−∞ = 0.
        let z = load_some_or(simd, &self.z[i..i + lanes], T::NEG_INFINITY);
        math::exp(simd, self.shift.map(simd, z, []))
    }
    #[inline(always)]
    fn next(self, simd: S, i: usize, lanes: usize, sum: S::Vector) -> S::Vector {
        simd.add(sum, self.first(simd, i, lanes))
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

/// z − by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shift<T> {
    /// What is subtracted.
    pub(crate) by: T,
}

impl<T: Lane> Elementwise<T, 0> for Shift<T> {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, z: S::Vector, _: [S::Vector; 0]) -> S::Vector {
        simd.sub(z, simd.splat(self.by))
    }
}

/// z.
#[derive(Clone, Copy)]
struct Unshifted;

impl<T: Lane> Elementwise<T, 0> for Unshifted {
    #[inline(always)]
    fn map<S: Simd<T>>(self, _: S, z: S::Vector, _: [S::Vector; 0]) -> S::Vector {
        z
    }
}

/// eᶻ.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exp;

impl<T: Lane> Elementwise<T, 0> for Exp {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, z: S::Vector, _: [S::Vector; 0]) -> S::Vector {
        math::exp(simd, z)
    }
}

/// z · by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale<T> {
    /// The factor.
    pub(crate) by: T,
}

impl<T: Lane> Elementwise<T, 0> for Scale<T> {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, z: S::Vector, _: [S::Vector; 0]) -> S::Vector {
        simd.mul(z, simd.splat(self.by))
    }
}
