//! One lane: the meaning of a kernel, and the yardstick for the others.
//!
//! By force ([`Alone`]): what an operation or a choice results in can't be put into a vector with others.

use super::machine::Alone;
#[cfg(target_arch = "x86_64")]
use super::x86::Fma;
use super::{Kernel, Simd};
use crate::element::Lane;

/// One lane. Always there; `mul_add` is fused on every processor.
#[derive(Clone, Copy, Debug)]
pub struct Scalar;

impl Scalar {
    /// Runs `kernel`, with the processor's FMA instruction where it has one.
    ///
    /// Without the target feature a `mul_add` is a call to the C library, about a hundred times slower: a "scalar
    /// against SIMD" that flatters SIMD.
    #[inline]
    pub(crate) fn enter<T: Lane, K: Kernel<T>>(self, kernel: K) -> K::Output {
        #[cfg(target_arch = "x86_64")]
        if let Some(fma) = Fma::detect() {
            return fma.enter(self, kernel);
        }
        plain(self, kernel)
    }
}

/// Where there is no FMA instruction. Not inlined, or it is compiled again wherever the level is entered.
#[inline(never)]
fn plain<T: Lane, K: Kernel<T>>(token: Scalar, kernel: K) -> K::Output {
    kernel.run(T::Scalar::from(token))
}

/// One body for both element types; they differ in the length of a block.
macro_rules! impl_scalar {
    ($t:ty, $block:expr) => {
        impl Simd<$t> for Scalar {
            type Vector = $t;
            type Mask = bool;
            type Block = [$t; $block];
            type One = Scalar;
            const LANES: usize = 1;
            const REGISTERS: usize = 16;
            const FUSED: bool = true;
            const FOLD_LANES: usize = 0;

            #[inline(always)]
            fn one(self) -> Scalar {
                self
            }
            #[inline(always)]
            fn call<K: Kernel<$t>>(self, kernel: K) -> K::Output {
                self.enter(kernel)
            }
            #[inline(always)]
            fn splat_block(self, x: $t) -> [$t; $block] {
                [x; $block]
            }
            #[inline(always)]
            fn splat(self, x: $t) -> $t {
                x
            }
            #[inline(always)]
            fn load(self, from: &[$t]) -> $t {
                from[0]
            }
            #[inline(always)]
            fn load_partial(self, from: &[$t]) -> $t {
                self.load_partial_or(from, 0.0)
            }
            #[inline(always)]
            fn load_partial_or(self, from: &[$t], fill: $t) -> $t {
                assert!(from.len() <= 1);
                from.first().copied().unwrap_or(fill)
            }
            #[inline(always)]
            fn load_widened(self, from: &[f32]) -> $t {
                <$t>::from(from[0]).alone()
            }
            #[inline(always)]
            fn load_widened_partial_or(self, from: &[f32], fill: f32) -> $t {
                assert!(from.len() <= 1);
                <$t>::from(from.first().copied().unwrap_or(fill).alone()).alone()
            }
            #[inline(always)]
            fn store(self, v: $t, to: &mut [$t]) {
                to[0] = v;
            }
            #[inline(always)]
            fn store_partial(self, v: $t, to: &mut [$t]) {
                assert!(to.len() <= 1);
                if let Some(first) = to.first_mut() {
                    *first = v;
                }
            }
            #[inline(always)]
            fn add(self, a: $t, b: $t) -> $t {
                (a + b).alone()
            }
            #[inline(always)]
            fn sub(self, a: $t, b: $t) -> $t {
                (a - b).alone()
            }
            #[inline(always)]
            fn mul(self, a: $t, b: $t) -> $t {
                (a * b).alone()
            }
            #[inline(always)]
            fn div(self, a: $t, b: $t) -> $t {
                (a / b).alone()
            }
            #[inline(always)]
            fn sqrt(self, x: $t) -> $t {
                x.sqrt().alone()
            }
            #[inline(always)]
            fn mul_add(self, a: $t, b: $t, c: $t) -> $t {
                a.mul_add(b, c).alone()
            }
            #[inline(always)]
            fn neg_mul_add(self, a: $t, b: $t, c: $t) -> $t {
                (-a).mul_add(b, c).alone()
            }
            #[inline(always)]
            fn max(self, a: $t, b: $t) -> $t {
                (if a > b { a } else { b }).alone()
            }
            #[inline(always)]
            fn min(self, a: $t, b: $t) -> $t {
                (if a < b { a } else { b }).alone()
            }
            #[inline(always)]
            fn lt(self, a: $t, b: $t) -> bool {
                a < b
            }
            #[inline(always)]
            fn select(self, mask: bool, a: $t, b: $t) -> $t {
                (if mask { a } else { b }).alone()
            }
            #[inline(always)]
            fn keep(self, mask: bool, a: $t) -> $t {
                (if mask { a } else { 0.0 }).alone()
            }
            #[inline(always)]
            fn neg(self, x: $t) -> $t {
                -x
            }
            #[inline(always)]
            fn abs(self, x: $t) -> $t {
                x.abs()
            }
            #[inline(always)]
            fn copy_sign(self, x: $t, sign: $t) -> $t {
                x.copysign(sign)
            }
            #[inline(always)]
            fn bits_add(self, a: $t, b: $t) -> $t {
                <$t>::from_bits(a.to_bits().wrapping_add(b.to_bits()))
            }
            #[inline(always)]
            fn bits_sub(self, a: $t, b: $t) -> $t {
                <$t>::from_bits(a.to_bits().wrapping_sub(b.to_bits()))
            }
            #[inline(always)]
            fn bits_and(self, a: $t, b: $t) -> $t {
                <$t>::from_bits(a.to_bits() & b.to_bits())
            }
            #[inline(always)]
            fn bits_or(self, a: $t, b: $t) -> $t {
                <$t>::from_bits(a.to_bits() | b.to_bits())
            }
            #[inline(always)]
            fn bits_to_exponent(self, a: $t) -> $t {
                <$t>::from_bits(a.to_bits() << <$t as Lane>::MANTISSA)
            }
            #[inline(always)]
            fn exponent_to_bits(self, a: $t) -> $t {
                <$t>::from_bits(a.to_bits() >> <$t as Lane>::MANTISSA)
            }
            #[inline(always)]
            fn transpose(self, square: &mut [$t]) {
                assert_eq!(square.len(), 1, "a square of vectors");
            }
            #[inline(always)]
            fn reduce_add(self, v: $t) -> $t {
                v
            }
            #[inline(always)]
            fn reduce_add_each(self, square: &mut [$t], _used: usize) -> $t {
                assert_eq!(square.len(), 1, "a square of vectors");
                square[0]
            }
            #[inline(always)]
            fn reduce_max(self, v: $t) -> $t {
                v
            }
        }
    };
}

impl_scalar!(f32, 16);
impl_scalar!(f64, 8);
