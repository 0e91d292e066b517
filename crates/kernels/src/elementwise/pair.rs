//! Two vectors as one, so that a loop's body holds several independent chains of operations.
//!
//! A function of a vector is one long chain: an operation waits for the one before it, and a processor sees only as far as its
//! scheduler holds operations that wait. Zen 5's holds about four evaluations, and a vector needs 60 to 90 cycles from its load to its
//! store; in lockstep the next operation to run is always close to the front.

use crate::element::Lane;
use crate::math::Function;
use crate::simd::{Kernel, Simd};

/// A token whose vector is two of another's: each operation is that token's, on the first vector and then on the second.
///
/// A pair of pairs is four. For elementwise kernels alone: reductions are made of blocks of one size for every token.
#[derive(Clone, Copy)]
pub(super) struct Pair<S>(pub(super) S, pub(super) S);

impl<T: Lane, S: Simd<T>> Simd<T> for Pair<S> {
    type Vector = (S::Vector, S::Vector);
    type Mask = (S::Mask, S::Mask);
    type Block = [Self::Vector; 1];
    type One = S::One;
    const LANES: usize = 2 * S::LANES;
    const REGISTERS: usize = S::REGISTERS;
    const FUSED: bool = S::FUSED;
    const FOLD_LANES: usize = S::LANES + S::FOLD_LANES;

    #[inline(always)]
    fn one(self) -> S::One {
        self.0.one()
    }
    #[inline(always)]
    fn splat_block(self, x: T) -> Self::Block {
        [self.splat(x)]
    }
    #[inline(always)]
    fn call<K: Kernel<T>>(self, kernel: K) -> K::Output {
        self.0.call(kernel)
    }
    #[inline(always)]
    fn narrow(self, lanes: usize) -> Self {
        Pair(self.0.narrow(lanes.min(S::LANES)), self.1.narrow(lanes.saturating_sub(S::LANES)))
    }
    #[inline(always)]
    fn inside(self, function: Function) -> Self {
        Pair(self.0.inside(function), self.1.inside(function))
    }
    #[inline(always)]
    fn splat(self, x: T) -> Self::Vector {
        (self.0.splat(x), self.1.splat(x))
    }
    #[inline(always)]
    fn broadcast(self, from: &T) -> Self::Vector {
        let both = self.0.broadcast(from);
        (both, both)
    }
    #[inline(always)]
    fn copy(self, from: &[T], to: &mut [T]) {
        self.0.copy(from, to);
    }
    #[inline(always)]
    fn fill(self, x: T, to: &mut [T]) {
        self.0.fill(x, to);
    }
    #[inline(always)]
    fn load(self, from: &[T]) -> Self::Vector {
        let (first, second) = from.split_at(S::LANES);
        (self.0.load(first), self.1.load(second))
    }
    #[inline(always)]
    fn load_partial(self, from: &[T]) -> Self::Vector {
        let (first, second) = from.split_at(from.len().min(S::LANES));
        (self.0.load_partial(first), self.1.load_partial(second))
    }
    #[inline(always)]
    fn load_partial_or(self, from: &[T], fill: T) -> Self::Vector {
        let (first, second) = from.split_at(from.len().min(S::LANES));
        (self.0.load_partial_or(first, fill), self.1.load_partial_or(second, fill))
    }
    #[inline(always)]
    fn load_widened(self, from: &[f32]) -> Self::Vector {
        let (first, second) = from.split_at(S::LANES);
        (self.0.load_widened(first), self.1.load_widened(second))
    }
    #[inline(always)]
    fn load_widened_partial_or(self, from: &[f32], fill: f32) -> Self::Vector {
        let (first, second) = from.split_at(from.len().min(S::LANES));
        (self.0.load_widened_partial_or(first, fill), self.1.load_widened_partial_or(second, fill))
    }
    #[inline(always)]
    fn store(self, v: Self::Vector, to: &mut [T]) {
        let (first, second) = to.split_at_mut(S::LANES);
        self.0.store(v.0, first);
        self.1.store(v.1, second);
    }
    #[inline(always)]
    fn store_partial(self, v: Self::Vector, to: &mut [T]) {
        let (first, second) = to.split_at_mut(to.len().min(S::LANES));
        self.0.store_partial(v.0, first);
        self.1.store_partial(v.1, second);
    }
    #[inline(always)]
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        (self.0.add(a.0, b.0), self.1.add(a.1, b.1))
    }
    #[inline(always)]
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        (self.0.sub(a.0, b.0), self.1.sub(a.1, b.1))
    }
    #[inline(always)]
    fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        (self.0.mul(a.0, b.0), self.1.mul(a.1, b.1))
    }
    #[inline(always)]
    fn div(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        (self.0.div(a.0, b.0), self.1.div(a.1, b.1))
    }
    #[inline(always)]
    fn sqrt(self, x: Self::Vector) -> Self::Vector {
        (self.0.sqrt(x.0), self.1.sqrt(x.1))
    }
    #[inline(always)]
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
        (self.0.mul_add(a.0, b.0, c.0), self.1.mul_add(a.1, b.1, c.1))
    }
    #[inline(always)]
    fn neg_mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
        (self.0.neg_mul_add(a.0, b.0, c.0), self.1.neg_mul_add(a.1, b.1, c.1))
    }
    #[inline(always)]
    fn max(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        (self.0.max(a.0, b.0), self.1.max(a.1, b.1))
    }
    #[inline(always)]
    fn min(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        (self.0.min(a.0, b.0), self.1.min(a.1, b.1))
    }
    #[inline(always)]
    fn lt(self, a: Self::Vector, b: Self::Vector) -> Self::Mask {
        (self.0.lt(a.0, b.0), self.1.lt(a.1, b.1))
    }
    #[inline(always)]
    fn select(self, mask: Self::Mask, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        (self.0.select(mask.0, a.0, b.0), self.1.select(mask.1, a.1, b.1))
    }
    #[inline(always)]
    fn keep(self, mask: Self::Mask, a: Self::Vector) -> Self::Vector {
        (self.0.keep(mask.0, a.0), self.1.keep(mask.1, a.1))
    }
    #[inline(always)]
    fn neg(self, x: Self::Vector) -> Self::Vector {
        (self.0.neg(x.0), self.1.neg(x.1))
    }
    #[inline(always)]
    fn abs(self, x: Self::Vector) -> Self::Vector {
        (self.0.abs(x.0), self.1.abs(x.1))
    }
    #[inline(always)]
    fn copy_sign(self, x: Self::Vector, sign: Self::Vector) -> Self::Vector {
        (self.0.copy_sign(x.0, sign.0), self.1.copy_sign(x.1, sign.1))
    }
    #[inline(always)]
    fn bits_add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        (self.0.bits_add(a.0, b.0), self.1.bits_add(a.1, b.1))
    }
    #[inline(always)]
    fn bits_sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        (self.0.bits_sub(a.0, b.0), self.1.bits_sub(a.1, b.1))
    }
    #[inline(always)]
    fn bits_and(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        (self.0.bits_and(a.0, b.0), self.1.bits_and(a.1, b.1))
    }
    #[inline(always)]
    fn bits_or(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        (self.0.bits_or(a.0, b.0), self.1.bits_or(a.1, b.1))
    }
    #[inline(always)]
    fn bits_to_exponent(self, a: Self::Vector) -> Self::Vector {
        (self.0.bits_to_exponent(a.0), self.1.bits_to_exponent(a.1))
    }
    #[inline(always)]
    fn exponent_to_bits(self, a: Self::Vector) -> Self::Vector {
        (self.0.exponent_to_bits(a.0), self.1.exponent_to_bits(a.1))
    }
    #[inline(always)]
    fn transpose(self, square: &mut [Self::Vector]) {
        assert_eq!(square.len(), <Self as Simd<T>>::LANES, "a square of vectors");
        // Four squares: two are transposed where they are, two change places.
        let (upper, lower) = square.split_at_mut(S::LANES);
        for (upper, lower) in upper.iter_mut().zip(lower.iter_mut()) {
            std::mem::swap(&mut upper.1, &mut lower.0);
        }
        for half in [upper, lower] {
            let (mut first, mut second): (Vec<_>, Vec<_>) = half.iter().copied().unzip();
            self.0.transpose(&mut first);
            self.1.transpose(&mut second);
            for (row, halves) in half.iter_mut().zip(first.into_iter().zip(second)) {
                *row = halves;
            }
        }
    }
    #[inline(always)]
    fn reduce_add(self, v: Self::Vector) -> T {
        self.0.reduce_add(self.0.add(v.0, v.1))
    }
    #[inline(always)]
    fn reduce_add_each(self, square: &mut [Self::Vector], used: usize) -> Self::Vector {
        assert_eq!(square.len(), <Self as Simd<T>>::LANES, "a square of vectors");
        let (upper, lower) = square.split_at(S::LANES);
        let mut first: Vec<_> = upper.iter().map(|v| self.0.add(v.0, v.1)).collect();
        let mut second: Vec<_> = lower.iter().map(|v| self.1.add(v.0, v.1)).collect();
        (self.0.reduce_add_each(&mut first, used), self.1.reduce_add_each(&mut second, used))
    }
    #[inline(always)]
    fn reduce_max(self, v: Self::Vector) -> T {
        self.0.reduce_max(self.0.max(v.0, v.1))
    }
}
