//! The natural logarithm.

use super::polynomial;
use crate::element::Lane;
use crate::math::Function;
use crate::simd::Simd;

/// ln x in each lane.
///
/// With x = 2ᵏ·m, ⅔ ≤ m < 4/3 and f = m − 1: ln x = k·ln 2 + (f + f²·P(f)), the small terms first.
///
/// ln ±0 = −∞, ln ∞ = ∞, and of a negative number or NaN it is NaN. Subnormal numbers are as exact as the others.
#[inline(always)]
pub fn log<T: Lane, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let simd = simd.inside(Function::Log);
    let c = &T::CONSTANTS;
    // A subnormal x is m·2^−MANTISSA times the smallest normal number: the bits m are made 1 + m·2^−MANTISSA, 1 is taken away again.
    let subnormal = simd.lt(x, simd.splat(c.min_positive));
    let one = simd.keep(subnormal, simd.splat(T::ONE));
    let normal = simd.sub(simd.bits_or(x, one), one);
    let bias = simd.mul_add(one, simd.splat(c.min_exponent), simd.splat(c.integer_bias));
    let (k, f) = split(simd, normal, bias);
    let y = simd.mul_add(k, simd.splat(c.ln2), simd.mul_add(simd.mul(f, f), polynomial(simd, f, c.log), f));
    specials(simd, x, y)
}

/// (k, f) with x = 2ᵏ·(1 + f) and ⅔ ≤ 1 + f < 4/3, exactly, for a normal x: 2 add. `bias` is
/// [`integer_bias`](super::constants::Constants::integer_bias), plus what is to be taken from k.
#[inline(always)]
pub(super) fn split<T: Lane, S: Simd<T>>(simd: S, x: S::Vector, bias: S::Vector) -> (S::Vector, S::Vector) {
    let c = &T::CONSTANTS;
    // By integers on the bits: the exponent of u is that of x/⅔.
    let u = simd.bits_add(x, simd.splat(c.one_less_two_thirds));
    let k = simd.sub(simd.bits_or(simd.exponent_to_bits(u), simd.splat(c.integer)), bias);
    let m = simd.bits_add(simd.bits_and(u, simd.splat(c.mantissa_mask)), simd.splat(c.two_thirds));
    (k, simd.sub(m, simd.splat(T::ONE)))
}

/// y, but ∞ at ∞, −∞ at 0, NaN at negative x and at NaN: 3 cmp.
#[inline(always)]
pub(super) fn specials<T: Lane, S: Simd<T>>(simd: S, x: S::Vector, y: S::Vector) -> S::Vector {
    let c = &T::CONSTANTS;
    let y = simd.select(simd.lt(x, simd.splat(c.infinity)), y, x);
    // −∞, and with another bit NaN.
    let negative = simd.keep(simd.lt(x, simd.splat(T::ZERO)), simd.splat(c.nan));
    let low = simd.bits_or(negative, simd.splat(T::NEG_INFINITY));
    // Below the smallest number: zero or negative, but not NaN.
    simd.select(simd.lt(x, simd.splat(c.min_subnormal)), low, y)
}
