//! The token: arithmetic as methods, so that it can be dispatched at run time and counted.
//!
//! `a + b` on vectors can't be watched, can't be chosen when the program runs and can't be counted. So a kernel is
//! written once, against a token `S: Simd<T>` which carries the right to use an instruction set. The tokens are
//!
//! | token      | vector (f32)                  | where                                             |
//! |------------|-------------------------------|---------------------------------------------------|
//! | `Scalar`   | one lane                      | everywhere; the meaning of a kernel               |
//! | `Wide`     | the `wide` crate, 4 or 8 lanes| everywhere; what the build's target features give |
//! | `Avx2`     | 8 lanes, FMA                  | x86-64 that has AVX2 and FMA                      |
//! | `Avx512`   | 16 lanes, masks               | x86-64 that has AVX-512 F, BW, DQ and VL          |
//!
//! and, outside this crate, any type that wraps one of them, say to count what it executes.
//!
//! Three rules make all of them give the same bits:
//! - `mul_add` is fused wherever [`Simd::FUSED`] says so (everywhere but in a `Wide` build without FMA);
//! - `min`, `max` and comparisons mean what SSE's instructions mean ([`Simd::max`]);
//! - a reduction folds halves: lane i with lane i + n/2, until one lane is left.
//!
//! Unsafe code stands in one file, `simd/machine.rs`: tokens, trampolines, intrinsics and memory of x86-64, and empty assembly.
//! `simd/avx2.rs` and `simd/avx512.rs` are tables of intrinsics, which the compiler checks.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod machine;
#[allow(clippy::float_arithmetic, reason = "a token: this is what its arithmetic is")]
mod scalar;
mod wide;

#[cfg(target_arch = "x86_64")]
use machine::x86;
pub(crate) use scalar::Scalar;
pub(crate) use wide::Wide;
#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Avx2, Avx512};

use crate::element::Lane;
use crate::math::Function;

/// The right to use an instruction set on vectors of `T`, and what it can do.
///
/// Vectors have no operators on purpose: arithmetic that does not go through a token does not compile. "Lanes" below
/// counts elements. Memory arguments are slices, and a slice that is too short panics. What a kernel reads and writes in memory goes
/// through the token too, so that its bytes can be counted: single elements by `broadcast`, and by `store` of [`Self::one`].
pub trait Simd<T: Lane>: Copy {
    /// [`Self::LANES`] elements.
    type Vector: Copy;
    /// One truth value per lane.
    type Mask: Copy;
    /// [`Lane::BLOCK`] elements (64 bytes) as vectors: the unit of reductions, the same length for every token.
    type Block: Copy + AsRef<[Self::Vector]> + AsMut<[Self::Vector]>;
    /// The token for single elements: scalar arithmetic is arithmetic too, and goes through it.
    type One: Simd<T, Vector = T>;

    /// Elements of a vector.
    const LANES: usize;
    /// Vector registers of the instruction set (16 or 32): what a register tile is cut to.
    const REGISTERS: usize;
    /// Whether [`Self::mul_add`] rounds once.
    const FUSED: bool;
    /// Lanes of arithmetic that [`Self::reduce_add`] and [`Self::reduce_max`] execute (`LANES` − 1 of them useful).
    const FOLD_LANES: usize;

    /// The token for single elements.
    fn one(self) -> Self::One;
    /// A block with `x` in every lane.
    fn splat_block(self, x: T) -> Self::Block;

    /// Runs `kernel` as a function of its own, where this token's instructions are enabled: registers are allocated for
    /// it alone. For inner loops that would otherwise share one huge function.
    fn call<K: Kernel<T>>(self, kernel: K) -> K::Output;

    /// The same token, told that only the first `lanes` lanes of what follows matter. Production tokens ignore it; a
    /// counting token splits useful lanes from padding by it.
    #[inline(always)]
    fn narrow(self, lanes: usize) -> Self {
        let _ = lanes;
        self
    }
    /// The same token, told that what follows evaluates `function` once per lane. Production tokens ignore it; a
    /// counting token counts the evaluation by name and keeps its inside apart from the network's own arithmetic.
    #[inline(always)]
    fn inside(self, function: Function) -> Self {
        let _ = function;
        self
    }

    /// `x` in every lane.
    fn splat(self, x: T) -> Self::Vector;
    /// The element `from` of memory in every lane: one element is loaded.
    #[inline(always)]
    fn broadcast(self, from: &T) -> Self::Vector {
        self.splat(*from)
    }
    /// The first `LANES` elements of `from`. Panics if there are fewer.
    fn load(self, from: &[T]) -> Self::Vector;
    /// `from`, at most `LANES` elements, and zero in the other lanes. Panics if `from` is longer.
    fn load_partial(self, from: &[T]) -> Self::Vector;
    /// `from`, at most `LANES` elements, and `fill` in the other lanes. Panics if `from` is longer.
    fn load_partial_or(self, from: &[T], fill: T) -> Self::Vector;
    /// The first `LANES` elements of `from`, converted to `T` (exact; a plain load if `T` is f32). Panics if there are fewer.
    fn load_widened(self, from: &[f32]) -> Self::Vector;
    /// `from`, at most `LANES` elements, and `fill` in the other lanes, all of them converted to `T`. Panics if `from` is longer.
    fn load_widened_partial_or(self, from: &[f32], fill: f32) -> Self::Vector;
    /// Writes `LANES` elements to the start of `to`. Panics if it has fewer.
    fn store(self, v: Self::Vector, to: &mut [T]);
    /// Writes the first `to.len()` lanes to `to`. Panics if it has more than `LANES`.
    fn store_partial(self, v: Self::Vector, to: &mut [T]);

    /// Copies `from` to `to`. Panics if they differ in length.
    #[inline(always)]
    fn copy(self, from: &[T], to: &mut [T]) {
        to.copy_from_slice(from);
    }
    /// Writes `x` to each element of `to`.
    #[inline(always)]
    fn fill(self, x: T, to: &mut [T]) {
        to.fill(x);
    }

    /// Asks for the cache line of `at`'s first element, if it has one and the processor can be asked.
    #[inline(always)]
    fn prefetch(self, at: &[T]) {
        let _ = at;
    }

    /// a + b.
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// a − b.
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// a · b.
    fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// a / b.
    fn div(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// √x.
    fn sqrt(self, x: Self::Vector) -> Self::Vector;
    /// a · b + c, rounded once where [`Self::FUSED`].
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    /// c − a · b, rounded once where [`Self::FUSED`].
    fn neg_mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    /// The larger: `if a > b { a } else { b }`, so `b` when either is NaN or both are zero (SSE's `maxps`).
    fn max(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// The smaller: `if a < b { a } else { b }`, so `b` when either is NaN or both are zero (SSE's `minps`).
    fn min(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// a < b, false when either is NaN.
    fn lt(self, a: Self::Vector, b: Self::Vector) -> Self::Mask;
    /// `a` where the mask is true, `b` elsewhere.
    fn select(self, mask: Self::Mask, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a` where the mask is true, +0 elsewhere.
    fn keep(self, mask: Self::Mask, a: Self::Vector) -> Self::Vector;

    /// −x (the sign bit is flipped; not arithmetic).
    fn neg(self, x: Self::Vector) -> Self::Vector;
    /// |x| (the sign bit is cleared; not arithmetic).
    fn abs(self, x: Self::Vector) -> Self::Vector;
    /// The magnitude of `x` with the sign of `sign` (not arithmetic).
    fn copy_sign(self, x: Self::Vector, sign: Self::Vector) -> Self::Vector;

    /// Bits of a + bits of b, as integers (not arithmetic of the network).
    fn bits_add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// Bits of a − bits of b, as integers.
    fn bits_sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// Bits of a and bits of b.
    fn bits_and(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// Bits of a or bits of b.
    fn bits_or(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// The bits shifted up by [`Lane::MANTISSA`]: the lowest bits come to stand in the exponent.
    fn bits_to_exponent(self, a: Self::Vector) -> Self::Vector;
    /// The bits shifted down by [`Lane::MANTISSA`], zeros coming in: the exponent comes to stand lowest.
    fn exponent_to_bits(self, a: Self::Vector) -> Self::Vector;

    /// Transposes a square of `LANES` vectors: lane j of vector i changes places with lane i of vector j. Panics if there
    /// are more or fewer vectors.
    fn transpose(self, square: &mut [Self::Vector]);
    /// The sum of all lanes by folding halves.
    fn reduce_add(self, v: Self::Vector) -> T;
    /// The sums of `LANES` vectors as one vector: lane r is the sum of all lanes of vector r, with the bits of
    /// [`Self::reduce_add`].
    ///
    /// The tree is the same: lane i with lane i + n/2, until one is left. `square` may be overwritten. Panics if it has
    /// more or fewer than `LANES` vectors.
    ///
    /// Cost: `LANES` − 1 additions of whole vectors, (`LANES` − 1)·`LANES` additions in all. If n lanes of the result matter, and of each
    /// vector the first `used` lanes, (`used` − 1)·n of them are useful and the rest is padding. Production ignores `used`.
    fn reduce_add_each(self, square: &mut [Self::Vector], used: usize) -> Self::Vector;
    /// The largest of all lanes by folding halves, [`Self::max`] of (lower, upper).
    fn reduce_max(self, v: Self::Vector) -> T;
}

/// A computation written once for every token.
///
/// `run` and everything it calls must be `#[inline(always)]`: only code that is inlined into the function that enables
/// an instruction set may use it. A closure or a function that is not inlined loses the features, silently and by a
/// factor of ten.
pub trait Kernel<T: Lane> {
    /// What it returns.
    type Output;
    /// Runs it with the token `simd`.
    fn run<S: Simd<T>>(self, simd: S) -> Self::Output;
}

/// `from`, at most a vector of elements; zero in the other lanes.
#[inline(always)]
pub fn load_some<T: Lane, S: Simd<T>>(simd: S, from: &[T]) -> S::Vector {
    if from.len() == S::LANES { simd.load(from) } else { simd.load_partial(from) }
}

/// `from`, at most a vector of elements; `fill` in the other lanes.
#[inline(always)]
pub fn load_some_or<T: Lane, S: Simd<T>>(simd: S, from: &[T], fill: T) -> S::Vector {
    if from.len() == S::LANES { simd.load(from) } else { simd.load_partial_or(from, fill) }
}

/// `from`, at most a vector of elements, `fill` in the other lanes, all of them converted to `T`.
#[inline(always)]
pub fn load_widened_some_or<T: Lane, S: Simd<T>>(simd: S, from: &[f32], fill: f32) -> S::Vector {
    if from.len() == S::LANES { simd.load_widened(from) } else { simd.load_widened_partial_or(from, fill) }
}

/// Writes the first `to.len()` lanes of `v`, at most all.
#[inline(always)]
pub fn store_some<T: Lane, S: Simd<T>>(simd: S, v: S::Vector, to: &mut [T]) {
    if to.len() == S::LANES { simd.store(v, to) } else { simd.store_partial(v, to) }
}

/// Lanes of the longest vector of any token.
pub(crate) const MAX_LANES: usize = 16;
