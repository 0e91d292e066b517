//! The hyperbolic tangent.

use super::exp::{exp2_m1, power};
use super::polynomial;
use crate::element::Lane;
use crate::math::Function;
use crate::simd::Simd;

/// tanh x in each lane.
///
/// With m = |x|: m + m·m²·P(m²) below 1, and from 1 on 1 − 2/(e^{2m} + 1), where what is subtracted is so small that its roundings
/// don't count for much. The sign is put back at the end.
///
/// tanh ±∞ = ±1, ±0 stays as it is, NaN stays NaN.
#[inline(always)]
pub fn tanh<T: Lane, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let simd = simd.inside(Function::Tanh);
    let c = &T::CONSTANTS;
    let one = simd.splat(T::ONE);
    let m = simd.abs(x);

    let square = simd.mul(m, m);
    let p = simd.mul(square, polynomial(simd, square, c.tanh));
    let near = simd.mul_add(m, p, m);

    // A NaN comes through: the second operand wins.
    let clamped = simd.min(simd.splat(c.tanh_high), m);
    // e^2m as a power of 2: one constant and no second part, as 1/(e^2m + 1) is small.
    let (round, twice_log2_e) = (simd.splat(c.round_biased), simd.splat(c.twice_log2_e));
    let bits = simd.mul_add(clamped, twice_log2_e, round);
    let fraction = simd.mul_add(clamped, twice_log2_e, simd.neg(simd.sub(bits, round)));
    let power = power(simd, bits);
    let e_plus_one = simd.mul_add(power, exp2_m1(simd, fraction), simd.add(power, one));
    let far = simd.sub(one, simd.div(simd.splat(c.two), e_plus_one));

    simd.copy_sign(simd.select(simd.lt(m, one), near, far), x)
}
