//! The shape of every elementwise kernel: whole vectors, then a ragged one; threads take whole cache lines.

mod pair;

use self::pair::Pair;
use crate::element::Element;
use crate::executor::Executor;
use crate::parallel::{Split, for_each_part, parts_of_evaluations};
use crate::simd::{Kernel, Simd, load_some, store_some};

/// What an elementwise kernel does with a vector of its output and of each of N inputs.
///
/// A trait and not a closure: a closure that is not inlined loses the instruction set.
pub trait Elementwise<T: Element, const N: usize>: Copy + Send + Sync {
    /// Whether the output's old value matters; where it does not, it isn't loaded, and `map` is given zeros.
    const READS_OUT: bool = true;
    /// The output's new value, from its old one and the inputs. `simd` knows how many lanes matter.
    fn map<S: Simd<T>>(self, simd: S, out: S::Vector, inputs: [S::Vector; N]) -> S::Vector;
}

/// `out[i] ← f(out[i], inputs[0][i], …)` on all threads that pay. Panics if the lengths differ.
///
/// Executed: one `map` per vector of the output, the last one ragged.
pub fn elementwise<T: Element, F: Elementwise<T, N>, const N: usize>(
    executor: &impl Executor,
    f: F,
    inputs: [&[T]; N],
    out: &mut [T],
) {
    assert!(inputs.iter().all(|input| input.len() == out.len()), "elementwise: lengths differ");
    let parts = parts_of_evaluations(executor.threads(), out.len(), out.len() / T::BLOCK);
    for_each_part((inputs, out), parts, T::BLOCK, &|(inputs, out)| executor.run(Map { f, inputs, out }));
}

impl<T: Send + Sync, const N: usize> Split for ([&[T]; N], &mut [T]) {
    #[inline]
    fn len(&self) -> usize {
        self.1.len()
    }
    #[inline]
    fn split(self, at: usize) -> (Self, Self) {
        let (first, second) = self.1.split_at_mut(at);
        ((self.0.map(|input| &input[..at]), first), (self.0.map(|input| &input[at..]), second))
    }
}

struct Map<'a, T, F, const N: usize> {
    f: F,
    inputs: [&'a [T]; N],
    out: &'a mut [T],
}

impl<T: Element, F: Elementwise<T, N>, const N: usize> Kernel<T> for Map<'_, T, F, N> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        map_slice(simd, self.f, self.inputs, self.out);
    }
}

/// The body, for kernels that are made of it. Panics if an input is shorter than the output.
#[inline(always)]
pub fn map_slice<T: Element, S: Simd<T>, F: Elementwise<T, N>, const N: usize>(
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
    let mut i = 0;
    if S::LANES > 1 {
        let four = Pair(Pair(simd, simd), Pair(simd, simd));
        while i + 4 * S::LANES <= n {
            map_vector(four, f, inputs, i, &mut out[i..i + 4 * S::LANES]);
            i += 4 * S::LANES;
        }
    }
    // One body for whole vectors and the ragged one: each body is compiled for every function, level and executor.
    while i < n {
        let lanes = S::LANES.min(n - i);
        map_vector(simd.narrow(lanes), f, inputs, i, &mut out[i..i + lanes]);
        i += lanes;
    }
}

/// One vector of the output, perhaps ragged, which begins at element i.
#[inline(always)]
fn map_vector<T: Element, S: Simd<T>, F: Elementwise<T, N>, const N: usize>(
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
