//! The shape of every elementwise kernel: four vectors at a time, then whole vectors, then a ragged one.

mod pair;
pub(crate) mod rows;

use self::pair::Pair;
use crate::element::Lane;
use crate::simd::{Simd, load_some, store_some};

/// What an elementwise kernel does with a vector of its output and of each of N inputs.
///
/// A trait and not a closure: a closure that is not inlined loses the instruction set.
pub(crate) trait Elementwise<T: Lane, const N: usize>: Copy + Send + Sync {
    /// Whether the output's old value matters; where it does not, it isn't loaded, and `map` is given zeros.
    const READS_OUT: bool = true;
    /// The output's new value, from its old one and the inputs. `simd` knows how many lanes matter.
    fn map<S: Simd<T>>(self, simd: S, out: S::Vector, inputs: [S::Vector; N]) -> S::Vector;
}

/// `out[i] ← f(out[i], inputs[0][i], …)` for all of `out`. Panics if an input is shorter.
#[inline(always)]
pub(crate) fn map_slice<T: Lane, S: Simd<T>, F: Elementwise<T, N>, const N: usize>(
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

/// Rows in memory that is taken as one row: of each `stride` elements the first `cols` matter, the rest is padding.
#[derive(Clone, Copy)]
pub(crate) struct JoinedRows {
    pub(crate) cols: usize,
    pub(crate) stride: usize,
}

impl JoinedRows {
    /// One row.
    #[inline(always)]
    pub(crate) fn one(cols: usize) -> JoinedRows {
        JoinedRows { cols, stride: usize::MAX }
    }
    /// How many lanes matter of the vector that begins at element i.
    #[inline(always)]
    pub(crate) fn lanes(self, i: usize, lanes: usize) -> usize {
        self.cols.saturating_sub(i % self.stride).min(lanes)
    }
}

/// `out[i] ← f(out[i], inputs[0][i], …)` for i below n. What stands behind it in a slice is padding: it may be read and written, so that
/// the last vector need not stop inside. Panics if a slice is shorter than n.
///
/// Executed: one `map` per vector, the last one ragged.
#[inline(always)]
pub(crate) fn map_row<T: Lane, S: Simd<T>, F: Elementwise<T, N>, const N: usize>(
    simd: S,
    f: F,
    n: usize,
    inputs: [&[T]; N],
    out: &mut [T],
) {
    map_padded(simd, f, n, JoinedRows::one(n), inputs, out);
}

/// The same of n elements that are several rows.
#[inline(always)]
pub(crate) fn map_padded<T: Lane, S: Simd<T>, F: Elementwise<T, N>, const N: usize>(
    simd: S,
    f: F,
    n: usize,
    rows: JoinedRows,
    inputs: [&[T]; N],
    out: &mut [T],
) {
    // As many elements as all slices have, up to a whole vector.
    let mut len = out.len();
    for input in &inputs {
        len = len.min(input.len());
    }
    assert!(len >= n, "a slice is shorter than the others");
    len = len.min(n.next_multiple_of(S::LANES));
    let out = &mut out[..len];
    let mut cut = inputs;
    for input in &mut cut {
        *input = &input[..len];
    }
    let mut i = 0;
    if S::LANES > 1 {
        while i + 4 * S::LANES <= len {
            let (a, b) = (simd.narrow(rows.lanes(i, S::LANES)), simd.narrow(rows.lanes(i + S::LANES, S::LANES)));
            let c = simd.narrow(rows.lanes(i + 2 * S::LANES, S::LANES));
            let d = simd.narrow(rows.lanes(i + 3 * S::LANES, S::LANES));
            map_vector(Pair(Pair(a, b), Pair(c, d)), f, cut, i, &mut out[i..i + 4 * S::LANES]);
            i += 4 * S::LANES;
        }
    }
    // One body for whole vectors and the ragged one: each body is compiled for every function, level and executor.
    while i < len {
        let end = len.min(i + S::LANES);
        map_vector(simd.narrow(rows.lanes(i, S::LANES)), f, cut, i, &mut out[i..end]);
        i += S::LANES;
    }
}

/// One vector of the output, perhaps ragged, which begins at element i.
#[inline(always)]
fn map_vector<T: Lane, S: Simd<T>, F: Elementwise<T, N>, const N: usize>(
    simd: S,
    f: F,
    inputs: [&[T]; N],
    i: usize,
    out: &mut [T],
) {
    let mut vectors = [simd.splat(T::ZERO); N];
    for (vector, input) in vectors.iter_mut().zip(inputs) {
        *vector = load_some(simd, &input[i..i + out.len()]);
    }
    let old = if const { F::READS_OUT } { load_some(simd, out) } else { simd.splat(T::ZERO) };
    let mapped = f.map(simd, old, vectors);
    store_some(simd, mapped, out);
}
