//! Softmax and log-softmax by rows.
//!
//! Per row of M logits: the maximum (M − 1 cmp), z − max (M additions), e^{z − max} (M exp), their sum (M − 1 additions);
//! then softmax multiplies by the sum's reciprocal (1 div, M mul), and log-softmax subtracts the sum's logarithm (1 log,
//! M additions).

use crate::element::Element;
use crate::elementwise::{Elementwise, map_slice};
use crate::executor::Executor;
use crate::math;
use crate::matrix::MatrixMut;
use crate::parallel::{for_each_part, parts};
use crate::reduce;
use crate::simd::{Kernel, Simd, load_some_or};

/// z ← e^{z − max z} / Σ e^{z − max z} in each row. A row that holds NaN or +∞ becomes NaN.
///
/// Per row of M: M − 1 cmp, 2M − 1 additions, M exp, 1 div, M mul.
pub fn softmax<T: Element>(executor: &impl Executor, z: MatrixMut<'_, T>) {
    let parts = parts(executor.threads(), z.rows().saturating_mul(z.cols()), z.rows());
    for_each_part(z, parts, 1, &|z| executor.run(Softmax(z)));
}

/// z ← z − max z − ln Σ e^{z − max z} in each row. A row that holds NaN or +∞ becomes NaN.
///
/// Per row of M: M − 1 cmp, 3M − 1 additions, M exp, 1 log.
pub fn log_softmax<T: Element>(executor: &impl Executor, z: MatrixMut<'_, T>) {
    let parts = parts(executor.threads(), z.rows().saturating_mul(z.cols()), z.rows());
    for_each_part(z, parts, 1, &|z| executor.run(LogSoftmax(z)));
}

struct Softmax<'a, T>(MatrixMut<'a, T>);

impl<T: Element> Kernel<T> for Softmax<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(mut self, simd: S) {
        for i in 0..self.0.rows() {
            let z = self.0.row(i);
            if z.is_empty() {
                continue;
            }
            softmax_row(simd, z);
        }
    }
}

/// z ← softmax(z) of one row that is not empty; returns (max z, Σ e^{z − max}).
#[inline(always)]
pub fn softmax_row<T: Element, S: Simd<T>>(simd: S, z: &mut [T]) -> (T, T) {
    let max = reduce::max(simd, z);
    map_slice(simd, Shift { by: max }, [], z);
    map_slice(simd, Exp, [], z);
    let sum = reduce::sum(simd, z);
    let scale = simd.one().div(T::ONE, sum);
    map_slice(simd, Scale { by: scale }, [], z);
    (max, sum)
}

struct LogSoftmax<'a, T>(MatrixMut<'a, T>);

impl<T: Element> Kernel<T> for LogSoftmax<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(mut self, simd: S) {
        for i in 0..self.0.rows() {
            let z = self.0.row(i);
            if z.is_empty() {
                continue;
            }
            map_slice(simd, Shift { by: reduce::max(simd, z) }, [], z);
            let log = math::log(simd.one(), sum_exp(simd, z));
            map_slice(simd, Shift { by: log }, [], z);
        }
    }
}

/// Σ eᶻ, without keeping eᶻ: n exp, n − 1 additions. 0 if z is empty.
#[inline(always)]
fn sum_exp<T: Element, S: Simd<T>>(simd: S, z: &[T]) -> T {
    reduce::reduce(simd, z.len(), SumExp(z))
}

#[derive(Clone, Copy)]
struct SumExp<'a, T>(&'a [T]);

impl<T: Element, S: Simd<T>> reduce::Reduction<T, S> for SumExp<'_, T> {
    const IDENTITY: T = T::ZERO;
    #[inline(always)]
    fn first(self, simd: S, i: usize, lanes: usize) -> S::Vector {
        // The lanes beyond the end add e^−∞ = 0.
        math::exp(simd, load_some_or(simd, &self.0[i..i + lanes], T::NEG_INFINITY))
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
#[derive(Clone, Copy)]
struct Shift<T> {
    by: T,
}

impl<T: Element> Elementwise<T, 0> for Shift<T> {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, z: S::Vector, _: [S::Vector; 0]) -> S::Vector {
        simd.sub(z, simd.splat(self.by))
    }
}

/// eᶻ.
#[derive(Clone, Copy)]
struct Exp;

impl<T: Element> Elementwise<T, 0> for Exp {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, z: S::Vector, _: [S::Vector; 0]) -> S::Vector {
        math::exp(simd, z)
    }
}

/// z · by.
#[derive(Clone, Copy)]
struct Scale<T> {
    by: T,
}

impl<T: Element> Elementwise<T, 0> for Scale<T> {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, z: S::Vector, _: [S::Vector; 0]) -> S::Vector {
        simd.mul(z, simd.splat(self.by))
    }
}
