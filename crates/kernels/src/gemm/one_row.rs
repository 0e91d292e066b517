//! One row of C from a B whose columns are contiguous: the input gradient of a single example.
//!
//! Each element is still one chain in the order of k, so vectors must run along the columns of C, across the columns of B: squares
//! of B are transposed in registers and used at once, where packing would write them to memory and read them back for one
//! row alone.

use super::pack::{MAX_LANES, transposed};
use super::tile::row;
use crate::element::Element;
use crate::gemm::Init;
use crate::matrix::{MatrixMut, MatrixRef};
use crate::simd::{Kernel, Simd, store_some};

/// Vectors of C at a time: while one waits for its chain the squares of the others are transposed.
const GROUP: usize = 4;

/// C ← A·B + init, A of 1 × k with contiguous elements.
///
/// k·n fma, n rounded up to whole vectors executed.
pub(super) struct OneRow<'a, T> {
    pub(super) a: MatrixRef<'a, T>,
    pub(super) b: MatrixRef<'a, T>,
    pub(super) init: Init<'a, T>,
    pub(super) c: MatrixMut<'a, T>,
}

impl<T: Element> Kernel<T> for OneRow<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let OneRow { a, b, init, mut c } = self;
        let (k, n) = (b.rows(), b.cols());
        let c = c.row(0);
        for j in (0..n).step_by(GROUP * S::LANES) {
            let cols = (GROUP * S::LANES).min(n - j);
            let init = match init {
                Init::Bias(bias) => Init::Bias(&bias[j..j + cols]),
                other => other,
            };
            group(simd, a.row(0), b.block(0, j, k, cols), init, &mut c[j..j + cols]);
        }
    }
}

/// sum + Σ a_l·b_l, one fma after the other.
#[inline(always)]
fn chain<T: Element, S: Simd<T>>(simd: S, a: &[T], b: [S::Vector; MAX_LANES], mut sum: S::Vector) -> S::Vector {
    // A whole square is told apart: its loop has a fixed length, and the square stays in registers.
    if a.len() == S::LANES {
        for l in 0..S::LANES {
            sum = simd.mul_add(simd.broadcast(&a[l]), b[l], sum);
        }
    } else {
        for (a, b) in a.iter().zip(b) {
            sum = simd.mul_add(simd.broadcast(a), b, sum);
        }
    }
    sum
}

/// At most GROUP vectors of C.
#[inline(always)]
fn group<T: Element, S: Simd<T>>(simd: S, a: &[T], b: MatrixRef<'_, T>, init: Init<'_, T>, to: &mut [T]) {
    let (k, n) = (b.rows(), b.cols());
    let mut sums = [simd.splat(T::ZERO); GROUP];
    for (v, sum) in sums.iter_mut().enumerate() {
        let part = v * S::LANES..n.min((v + 1) * S::LANES);
        if !part.is_empty() {
            match init {
                Init::Zero => {}
                Init::Bias(bias) => [*sum] = row::<T, S, 1>(simd, &bias[part]),
                Init::Accumulate => [*sum] = row::<T, S, 1>(simd, &to[part]),
            }
        }
    }
    for p in (0..k).step_by(S::LANES) {
        for (v, sum) in sums.iter_mut().enumerate() {
            let first = v * S::LANES;
            if first < n {
                let cols = S::LANES.min(n - first);
                let simd = simd.narrow(cols);
                let square = transposed(simd, b.block(0, first, k, cols), p);
                *sum = chain(simd, &a[p..k.min(p + S::LANES)], square, *sum);
            }
        }
    }
    for (sum, to) in sums.iter().zip(to.chunks_mut(S::LANES)) {
        store_some(simd, *sum, to);
    }
}
