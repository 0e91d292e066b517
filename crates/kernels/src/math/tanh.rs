//! The hyperbolic tangent.

use super::exp::exp_m1_reduced;
use crate::element::Element;
use crate::function::Function;
use crate::simd::Simd;

/// tanh x in each lane.
///
/// tanh |x| = (e^{2|x|} − 1) / ((e^{2|x|} − 1) + 2), where e^y − 1 = 2ⁿ·(eʳ − 1) + (2ⁿ − 1) keeps its precision near 0; the
/// sign is put back at the end. NaN stays NaN.
#[inline(always)]
pub fn tanh<T: Element, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let simd = simd.inside(Function::Tanh);
    let c = &T::CONSTANTS;
    // A NaN comes through: the second operand wins.
    let magnitude = simd.min(simd.splat(c.tanh_high), simd.abs(x));
    let y = simd.add(magnitude, magnitude);
    let round = simd.splat(c.round);
    let t = simd.mul_add(y, simd.splat(c.log2_e), round);
    let p = exp_m1_reduced(simd, y, simd.sub(t, round));
    let power = simd.bits_to_exponent(t);
    let e = simd.mul_add(power, p, simd.sub(power, simd.splat(T::ONE)));
    simd.copy_sign(simd.div(e, simd.add(e, simd.splat(c.two))), x)
}
