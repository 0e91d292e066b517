//! The hyperbolic tangent.

use super::exp::{exp_m1_reduced, power, reduce};
use super::polynomial;
use crate::element::Element;
use crate::function::Function;
use crate::simd::Simd;

/// tanh x in each lane.
///
/// With m = |x|: m + m·m²·P(m²) below 1, and from 1 on 1 − 2/(e^{2m} + 1), where what is subtracted is so small that its roundings
/// don't count for much. The sign is put back at the end.
///
/// tanh ±∞ = ±1, ±0 stays as it is, NaN stays NaN.
#[inline(always)]
pub fn tanh<T: Element, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let simd = simd.inside(Function::Tanh);
    let c = &T::CONSTANTS;
    let one = simd.splat(T::ONE);
    let m = simd.abs(x);

    let square = simd.mul(m, m);
    let p = simd.mul(square, polynomial(simd, square, c.tanh));
    let near = simd.mul_add(m, p, m);

    // A NaN comes through: the second operand wins.
    let clamped = simd.min(simd.splat(c.tanh_high), m);
    let reduced = reduce(simd, simd.add(clamped, clamped));
    let power = power(simd, reduced.bits);
    let e_plus_one = simd.mul_add(power, exp_m1_reduced(simd, reduced.r), simd.add(power, one));
    let far = simd.sub(one, simd.div(simd.splat(c.two), e_plus_one));

    simd.copy_sign(simd.select(simd.lt(m, one), near, far), x)
}
