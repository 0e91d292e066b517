//! Reductions whose bits depend on the length alone.
//!
//! A sum over n elements runs in *virtual lanes*: element i belongs to lane i mod L, where L is one block (64 bytes: 16
//! f32 or 8 f64) when n is short and four when it is long, whatever the length of the real vectors. The lanes are
//! combined by folding halves, lane i with lane i + L/2, until one is left. So every level adds the same numbers in the
//! same order.
//!
//! A sum of n numbers takes n − 1 useful additions; the padding is the ragged last block and the folding's own.

use crate::element::Lane;
use crate::simd::{Kernel, Simd, load_some, load_some_or};

/// Blocks in flight in a long reduction: 4 × 64 bytes hide the latency of one addition or fma at two loads a cycle.
const LONG: usize = 4;

/// A reduction's two parts: what an element contributes, and how two partial results are combined.
pub(crate) trait Reduction<T: Lane, S: Simd<T>>: Copy {
    /// What padding lanes hold: combined with anything it changes nothing.
    const IDENTITY: T;
    /// Elements i .. i + len alone, as 0 .. len: the loop over whole blocks checks its operands here, once.
    fn window(self, i: usize, len: usize) -> Self;
    /// The first contribution to a lane: elements `i ..` of the operands, `lanes` of them.
    fn first(self, simd: S, i: usize, lanes: usize) -> S::Vector;
    /// A further contribution to `sum`.
    fn next(self, simd: S, i: usize, lanes: usize, sum: S::Vector) -> S::Vector;
    /// Two partial results (lower lanes, upper lanes).
    fn combine(self, simd: S, a: S::Vector, b: S::Vector) -> S::Vector;
    /// The lanes of one vector, folded.
    fn fold(self, simd: S, v: S::Vector) -> T;
}

/// Reduces elements 0 .. n; `IDENTITY` if there are none.
#[inline(always)]
pub(crate) fn reduce<T: Lane, S: Simd<T>, R: Reduction<T, S>>(simd: S, n: usize, r: R) -> T {
    if n == 0 {
        return R::IDENTITY;
    }
    let [v] = vectors_of_each(simd, n, [r]);
    r.fold(simd.narrow(n.min(S::LANES)), v)
}

/// Reduces elements 0 .. n of several operands side by side, so that what they share is loaded once and memory is read in as many
/// streams: each to one vector, which [`reduce`] would fold. n is not 0.
#[inline(always)]
pub(crate) fn vectors_of_each<T: Lane, S: Simd<T>, R: Reduction<T, S>, const K: usize>(
    simd: S,
    n: usize,
    r: [R; K],
) -> [S::Vector; K] {
    let long = T::BLOCK * LONG;
    let identity = [simd.splat_block(R::IDENTITY); K];
    if n < long {
        let mut blocks = identity;
        blocks_at(simd, r, 0, n, First, &mut blocks);
        let mut i = T::BLOCK;
        while i < n {
            blocks_at(simd, r, i, n, Next, &mut blocks);
            i += T::BLOCK;
        }
        return fold_blocks(simd, r, blocks, n);
    }
    let mut lanes = [identity; LONG];
    let first = windows(simd, r, 0, long);
    for (b, blocks) in lanes.iter_mut().enumerate() {
        blocks_at(simd, first, b * T::BLOCK, long, First, blocks);
    }
    let mut i = long;
    while i + long <= n {
        let next = windows(simd, r, i, long);
        for (b, blocks) in lanes.iter_mut().enumerate() {
            blocks_at(simd, next, b * T::BLOCK, long, Next, blocks);
        }
        i += long;
    }
    // Fewer than four blocks are left. The remainder says so to a compiler, which then makes no whole fourth one.
    let rest = (n - i) % long;
    let last = windows(simd, r, i, rest);
    for (b, blocks) in lanes.iter_mut().enumerate() {
        if b * T::BLOCK < rest {
            blocks_at(simd, last, b * T::BLOCK, rest, Next, blocks);
        }
    }
    let [mut a, mut b, c, d] = lanes;
    combine_blocks(simd, r, &mut a, c);
    combine_blocks(simd, r, &mut b, d);
    combine_blocks(simd, r, &mut a, b);
    fold_blocks(simd, r, a, n)
}

/// Elements i .. i + len of each.
#[inline(always)]
fn windows<T: Lane, S: Simd<T>, R: Reduction<T, S>, const K: usize>(
    _: S,
    mut r: [R; K],
    i: usize,
    len: usize,
) -> [R; K] {
    for r in &mut r {
        *r = r.window(i, len);
    }
    r
}

/// Whether lanes hold a sum already.
#[derive(Clone, Copy)]
enum Turn {
    First,
    Next,
}
use Turn::{First, Next};

/// The contributions of elements i .. min(i + BLOCK, n).
#[inline(always)]
fn blocks_at<T: Lane, S: Simd<T>, R: Reduction<T, S>, const K: usize>(
    simd: S,
    r: [R; K],
    i: usize,
    n: usize,
    turn: Turn,
    blocks: &mut [S::Block; K],
) {
    for k in 0..T::BLOCK / S::LANES {
        let i = i + k * S::LANES;
        if i >= n {
            break;
        }
        let lanes = S::LANES.min(n - i);
        let simd = simd.narrow(lanes);
        for (r, block) in r.into_iter().zip(&mut *blocks) {
            let v = &mut block.as_mut()[k];
            *v = match turn {
                First => r.first(simd, i, lanes),
                Next => r.next(simd, i, lanes, *v),
            };
        }
    }
}

/// Lane by lane; all of them matter.
#[inline(always)]
fn combine_blocks<T: Lane, S: Simd<T>, R: Reduction<T, S>, const K: usize>(
    simd: S,
    r: [R; K],
    a: &mut [S::Block; K],
    b: [S::Block; K],
) {
    for ((r, a), b) in r.into_iter().zip(a).zip(b) {
        for (a, b) in a.as_mut().iter_mut().zip(b.as_ref()) {
            *a = r.combine(simd, *a, *b);
        }
    }
}

/// Folds blocks whose first `n` lanes matter to one vector each.
#[inline(always)]
fn fold_blocks<T: Lane, S: Simd<T>, R: Reduction<T, S>, const K: usize>(
    simd: S,
    r: [R; K],
    mut blocks: [S::Block; K],
    n: usize,
) -> [S::Vector; K] {
    let mut folded = [simd.splat(R::IDENTITY); K];
    for ((r, block), folded) in r.into_iter().zip(&mut blocks).zip(&mut folded) {
        let vectors = block.as_mut();
        let mut half = vectors.len() / 2;
        while half > 0 {
            for k in 0..half {
                // Lane k·LANES + l takes in lane (k + half)·LANES + l, if that one is in use.
                let used = n.saturating_sub((k + half) * S::LANES).min(S::LANES);
                vectors[k] = r.combine(simd.narrow(used), vectors[k], vectors[k + half]);
            }
            half /= 2;
        }
        *folded = vectors[0];
    }
    folded
}

/// Σ x.
#[derive(Clone, Copy)]
struct Sum<'a, T>(&'a [T]);

impl<T: Lane, S: Simd<T>> Reduction<T, S> for Sum<'_, T> {
    const IDENTITY: T = T::ZERO;
    #[inline(always)]
    fn window(self, i: usize, len: usize) -> Self {
        Sum(&self.0[i..i + len])
    }
    #[inline(always)]
    fn first(self, simd: S, i: usize, lanes: usize) -> S::Vector {
        load_some(simd, &self.0[i..i + lanes])
    }
    #[inline(always)]
    fn next(self, simd: S, i: usize, lanes: usize, sum: S::Vector) -> S::Vector {
        // The lanes beyond the end add −0, which leaves any sum as it is (+0 would turn −0 into +0).
        simd.add(sum, load_some_or(simd, &self.0[i..i + lanes], T::NEG_ZERO))
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

/// max x.
#[derive(Clone, Copy)]
struct Max<'a, T>(&'a [T]);

impl<T: Lane, S: Simd<T>> Reduction<T, S> for Max<'_, T> {
    const IDENTITY: T = T::NEG_INFINITY;
    #[inline(always)]
    fn window(self, i: usize, len: usize) -> Self {
        Max(&self.0[i..i + len])
    }
    #[inline(always)]
    fn first(self, simd: S, i: usize, lanes: usize) -> S::Vector {
        load_some_or(simd, &self.0[i..i + lanes], T::NEG_INFINITY)
    }
    #[inline(always)]
    fn next(self, simd: S, i: usize, lanes: usize, max: S::Vector) -> S::Vector {
        // In this order the lanes beyond the end leave a NaN in `max` as it is: the second operand wins.
        simd.max(load_some_or(simd, &self.0[i..i + lanes], T::NEG_INFINITY), max)
    }
    #[inline(always)]
    fn combine(self, simd: S, a: S::Vector, b: S::Vector) -> S::Vector {
        simd.max(a, b)
    }
    #[inline(always)]
    fn fold(self, simd: S, v: S::Vector) -> T {
        simd.reduce_max(v)
    }
}

/// Σ x: n − 1 additions. 0 if x is empty.
#[inline(always)]
pub fn sum<T: Lane, S: Simd<T>>(simd: S, x: &[T]) -> T {
    reduce(simd, x.len(), Sum(x))
}

/// [`sum`] as a function of its own, for kernels that end in one or are made of several.
#[inline(always)]
pub(crate) fn call_sum<T: Lane, S: Simd<T>>(simd: S, x: &[T]) -> T {
    simd.call(SumOf(x))
}

struct SumOf<'a, T>(&'a [T]);

impl<T: Lane> Kernel<T> for SumOf<'_, T> {
    type Output = T;
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) -> T {
        sum(simd, self.0)
    }
}

/// max x: n − 1 comparisons. −∞ if x is empty; which of several NaN or zeros wins depends on their places alone.
#[inline(always)]
pub fn max<T: Lane, S: Simd<T>>(simd: S, x: &[T]) -> T {
    reduce(simd, x.len(), Max(x))
}
