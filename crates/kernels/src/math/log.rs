//! The natural logarithm.

use super::polynomial;
use crate::element::Element;
use crate::function::Function;
use crate::simd::Simd;

/// ln x in each lane.
///
/// With x = 2ᵏ·m, √½ ≤ m < √2, f = m − 1 and s = f/(2 + f): ln m = 2·artanh(s) = f − (f²/2 − s·(f²/2 + s²·R(s²))), the
/// form whose small terms are all corrections to f. ln 0 = −∞, ln ∞ = ∞, and of a negative number or NaN it is NaN.
#[inline(always)]
pub fn log<T: Element, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let simd = simd.inside(Function::Log);
    let c = &T::CONSTANTS;
    let zero = simd.splat(T::ZERO);
    let one = simd.splat(T::ONE);

    // A subnormal x is scaled up, and its exponent corrected.
    let subnormal = simd.lt(x, simd.splat(c.min_positive));
    let scaled = simd.select(subnormal, simd.mul(x, simd.splat(c.scale)), x);
    let correction = simd.select(subnormal, simd.splat(c.scale_exponent), zero);

    // k and m by integers on the bits: u = bits(x) − bits(√½) + bits(1), so that its exponent is that of x/√½.
    let u = simd.bits_add(simd.bits_sub(scaled, simd.splat(c.sqrt_half)), one);
    let k = simd.bits_or(simd.exponent_to_bits(u), simd.splat(c.integer));
    let k = simd.sub(simd.sub(k, simd.splat(c.integer_bias)), correction);
    let m = simd.bits_add(simd.bits_and(u, simd.splat(c.mantissa_mask)), simd.splat(c.sqrt_half));

    let f = simd.sub(m, one);
    let s = simd.div(f, simd.add(simd.splat(c.two), f));
    let z = simd.mul(s, s);
    let r = simd.mul(z, polynomial(simd, z, c.log));
    let half_square = simd.mul(simd.mul(simd.splat(c.half), f), f);
    let tail = simd.mul_add(s, simd.add(half_square, r), simd.mul(k, simd.splat(c.ln2_low)));
    let y = simd.mul_add(k, simd.splat(c.ln2_high), simd.sub(f, simd.sub(half_square, tail)));

    // 0 → −∞; negative or NaN → NaN; ∞ → ∞.
    let finite = simd.lt(x, simd.splat(c.infinity));
    let positive = simd.lt(zero, x);
    let negative = simd.lt(x, zero);
    let y = simd.select(finite, y, x);
    let at_zero = simd.select(negative, simd.splat(c.nan), simd.splat(T::NEG_INFINITY));
    // x is positive, or else zero or negative, or else NaN, which `select(finite, …)` passed on.
    let low = simd.select(subnormal, at_zero, y);
    simd.select(positive, y, low)
}
