//! The logistic function.

use super::exp::{Reduced, exp_m1_reduced, power, reduce, scale};
use crate::element::Lane;
use crate::math::Function;
use crate::simd::Simd;

/// σ(x) = 1 / (1 + e⁻ˣ) in each lane.
///
/// With x = n·ln 2 + r it is 2ⁿ·q, q = 1/(2ⁿ + e⁻ʳ): one division, corrected by its remainder. q is scaled by 2ⁿ last, so that it is
/// precise down to the subnormal numbers.
///
/// σ(−∞) = 0, σ(∞) = 1, NaN stays NaN.
#[inline(always)]
pub fn sigmoid<T: Lane, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let simd = simd.inside(Function::Sigmoid);
    let c = &T::CONSTANTS;
    // In this order a NaN comes through: the second operand wins when either is NaN.
    let x = simd.min(simd.splat(c.sigmoid_high), simd.max(simd.splat(c.exp_low), x));
    let (q, power) = quotient(simd, reduce(simd, x));
    simd.mul(q, power)
}

/// (q, 2ʰ) with q·2ʰ = σ(n·ln 2 + r), 2ʰ a normal number so near to 2ⁿ that q is one too; n at most MANTISSA + 2.
///
/// q = 1/(2ⁿ + e⁻ʳ), between 2⁻ⁿ⁻¹ and √2, where n ≥ −64 (f64 −256); below h stays there, which is too small to matter to the denominator.
#[inline(always)]
pub(super) fn quotient<T: Lane, S: Simd<T>>(simd: S, reduced: Reduced<S::Vector>) -> (S::Vector, S::Vector) {
    let one = simd.splat(T::ONE);
    let p = exp_m1_reduced(simd, simd.neg(reduced.r));
    let bits = simd.max(simd.splat(T::CONSTANTS.round_least), reduced.bits);
    let s = power(simd, bits);
    // 2ⁿ + 1 = v + v_low and v + p = d + d_low exactly. (Where 2ⁿ > 1, v − 1 is exact.)
    let v = simd.add(s, one);
    let v_low = simd.sub(s, simd.sub(v, one));
    let d = simd.add(v, p);
    let d_low = simd.sub(p, simd.sub(d, v));
    let q = simd.div(one, d);
    let remainder = simd.neg_mul_add(q, simd.add(d_low, v_low), simd.neg_mul_add(q, d, one));
    (scale(simd, simd.mul_add(q, remainder, q), reduced.bits, bits), s)
}

/// 1 / (1 + e⁻ˣ).
#[allow(clippy::float_arithmetic, reason = "a definition, for tests to compare with")]
pub(crate) fn sigmoid_definition(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}
