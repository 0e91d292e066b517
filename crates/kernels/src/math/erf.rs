//! The error function.

use super::exp::{exp_m1_reduced, power, reduce};
use super::polynomial;
use crate::element::Element;
use crate::function::Function;
use crate::simd::Simd;

/// erf x in each lane.
///
/// With m = |x|: m + m·P(m²) below 1, and from 1 on 1 − e^{−(m + m·Q(m))}, where what is subtracted, erfc m, is small. The sign is
/// put back at the end.
///
/// erf ±∞ = ±1, ±0 stays as it is, NaN stays NaN.
#[inline(always)]
pub fn erf<T: Element, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let simd = simd.inside(Function::Erf);
    let c = &T::CONSTANTS;
    let one = simd.splat(T::ONE);
    let m = simd.abs(x);
    let near = simd.mul_add(m, polynomial(simd, simd.mul(m, m), c.erf_near), m);

    // A NaN comes through: the second operand wins.
    let clamped = simd.min(simd.splat(c.erf_high), m);
    let y = simd.neg(simd.mul_add(clamped, polynomial(simd, clamped, c.erf_far), clamped));
    let reduced = reduce(simd, y);
    let power = power(simd, reduced.bits);
    // 1 − 2ⁿ is exact, so e^y isn't rounded by itself.
    let far = simd.neg_mul_add(power, exp_m1_reduced(simd, reduced.r), simd.sub(one, power));

    simd.copy_sign(simd.select(simd.lt(m, one), near, far), x)
}
