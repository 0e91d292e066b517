//! eˣ − 1, precise near 0.

use super::polynomial;
use crate::element::Lane;
use crate::math::Function;
use crate::simd::Simd;

/// eˣ − 1 in each lane.
///
/// With x = n·ln 2 + r it is (2ⁿ − 1 + 2ⁿ·r) + 2ⁿ·r²·q(r): the bracket is summed exactly in two parts, its low one joins the
/// small rest, so that only one rounding counts. All is halved until the end, so that 2ⁿ stays finite as long as the result.
///
/// e⁻∞ − 1 = −1, e^∞ − 1 = ∞; ±0 and numbers so small that eˣ − 1 rounds to x are returned as they are; NaN stays NaN.
#[inline(always)]
pub fn exp_m1<T: Lane, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let simd = simd.inside(Function::ExpM1);
    let c = &T::CONSTANTS;
    let tiny = simd.lt(simd.abs(x), simd.splat(c.tiny));
    // A NaN comes through: the second operand wins.
    let clamped = simd.min(simd.splat(c.exp_m1_high), simd.max(simd.splat(c.exp_m1_low), x));

    let round = simd.splat(c.round_half_biased);
    let bits = simd.mul_add(clamped, simd.splat(c.log2_e), round);
    let n = simd.sub(bits, round);
    let whole = simd.neg_mul_add(n, simd.splat(c.ln2_high), clamped);
    let r = simd.neg_mul_add(n, simd.splat(c.ln2_low), whole);
    let r_low = simd.neg_mul_add(n, simd.splat(c.ln2_low), simd.sub(whole, r));
    let rest = simd.mul_add(simd.mul(r, r), polynomial(simd, r, c.exp), r_low);

    // s = 2ⁿ/2, and (s − ½) + s·r = high + low exactly, as s − ½ = u + lost is the larger part or 0.
    let s = simd.bits_to_exponent(bits);
    let u = simd.sub(s, simd.splat(c.half));
    let lost = simd.sub(simd.sub(s, u), simd.splat(c.half));
    let high = simd.mul_add(s, r, u);
    let low = simd.add(simd.mul_add(s, r, simd.sub(u, high)), lost);
    let half = simd.add(high, simd.mul_add(s, rest, low));
    // Not x, which is the same: LLVM makes a masked store of "the old value or a new one".
    simd.select(tiny, clamped, simd.add(half, half))
}
