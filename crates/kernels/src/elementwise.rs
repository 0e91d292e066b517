//! The shape of every elementwise kernel: four vectors at a time, then whole vectors, then a ragged one.

mod pair;

use self::pair::Pair;
use crate::element::Element;
use crate::simd::{Simd, load_some, store_some};

/// What an elementwise kernel does with a vector of its output and of each of N inputs.
///
/// A trait and not a closure: a closure that is not inlined loses the instruction set.
pub(crate) trait Elementwise<T: Element, const N: usize>: Copy + Send + Sync {
    /// Whether the output's old value matters; where it does not, it isn't loaded, and `map` is given zeros.
    const READS_OUT: bool = true;
    /// The output's new value, from its old one and the inputs. `simd` knows how many lanes matter.
    fn map<S: Simd<T>>(self, simd: S, out: S::Vector, inputs: [S::Vector; N]) -> S::Vector;
}

/// `out[i] ← f(out[i], inputs[0][i], …)` for all of `out`. Panics if an input is shorter.
#[inline(always)]
pub(crate) fn map_slice<T: Element, S: Simd<T>, F: Elementwise<T, N>, const N: usize>(
    simd: S,
    f: F,
    inputs: [&[T]; N],
    out: &mut [T],
) {
    let n = out.len();
    let mut inputs = inputs;
    for input in &mut inputs {
        *input = &input[..n];
    }
    map_row(simd, f, n, inputs, out);
}

/// `out[i] ← f(out[i], inputs[0][i], …)` for i below n. What stands behind it in a slice is padding: it may be read and written, so that
/// the last vector need not stop inside. Panics if a slice is shorter than n.
///
/// Executed: one `map` per vector, the last one ragged.
#[inline(always)]
pub(crate) fn map_row<T: Element, S: Simd<T>, F: Elementwise<T, N>, const N: usize>(
    simd: S,
    f: F,
    n: usize,
    inputs: [&[T]; N],
    out: &mut [T],
) {
    assert!(out.len() >= n && inputs.iter().all(|input| input.len() >= n));
    let mut i = 0;
    if S::LANES > 1 {
        let four = Pair(Pair(simd, simd), Pair(simd, simd));
        while i + 4 * S::LANES <= n {
            map_vector(four, f, inputs, i, out);
            i += 4 * S::LANES;
        }
    }
    // One body for whole vectors and the ragged one: each body is compiled for every function, level and executor.
    while i < n {
        map_vector(simd.narrow(S::LANES.min(n - i)), f, inputs, i, out);
        i += S::LANES;
    }
}

/// One vector of the output, which begins at element i; it ends with the slices, if they end before.
#[inline(always)]
fn map_vector<T: Element, S: Simd<T>, F: Elementwise<T, N>, const N: usize>(
    simd: S,
    f: F,
    inputs: [&[T]; N],
    i: usize,
    out: &mut [T],
) {
    let vector = |len: usize| i..len.min(i + S::LANES);
    let mut vectors = [simd.splat(T::ZERO); N];
    for (to, input) in vectors.iter_mut().zip(inputs) {
        *to = load_some(simd, &input[vector(input.len())]);
    }
    let len = out.len();
    let out = &mut out[vector(len)];
    let old = if const { F::READS_OUT } { load_some(simd, out) } else { simd.splat(T::ZERO) };
    let mapped = f.map(simd, old, vectors);
    store_some(simd, mapped, out);
}
