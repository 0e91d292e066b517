//! The error function.

use super::exp::{exp2_m1, power};
use super::polynomial;
use crate::element::Lane;
use crate::math::Function;
use crate::simd::Simd;

/// erf x in each lane.
///
/// With m = |x|: m + m·P(m²) near 0, and from about 1 on 1 − 2^{m·Q(m) − 2m}, where what is subtracted, erfc m, is small: a power of 2,
/// so that the reduction is a subtraction. The sign is put back at the end.
///
/// erf ±∞ = ±1, ±0 stays as it is, NaN stays NaN.
#[inline(always)]
pub fn erf<T: Lane, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let simd = simd.inside(Function::Erf);
    let c = &T::CONSTANTS;
    let one = simd.splat(T::ONE);
    let m = simd.abs(x);
    let near = simd.mul_add(m, polynomial(simd, simd.mul(m, m), c.erf_near), m);

    // A NaN comes through: the second operand wins.
    let clamped = simd.min(simd.splat(c.erf_high), m);
    let twice = simd.add(clamped, clamped);
    let q = polynomial(simd, clamped, c.erf_far);
    let round = simd.splat(c.round_biased);
    let bits = simd.add(simd.mul_add(clamped, q, simd.neg(twice)), round);
    // Rounded once: 2·m and n are multiples of what m is.
    let fraction = simd.mul_add(clamped, q, simd.neg(simd.add(twice, simd.sub(bits, round))));
    // 1 − 2ⁿ is exact, so 2^y isn't rounded by itself.
    let power = power(simd, bits);
    let far = simd.neg_mul_add(power, exp2_m1(simd, fraction), simd.sub(one, power));

    simd.copy_sign(simd.select(simd.lt(m, simd.splat(c.erf_near_high)), near, far), x)
}

/// 2/√π·e^{−x²}·Σ 2ⁿ·x^{2n+1}/(2n + 1)!!, whose terms all have x's sign; beyond 6 it is 1 to f64's precision.
#[allow(clippy::float_arithmetic, reason = "a definition, for tests to compare with")]
pub(crate) fn erf_definition(x: f64) -> f64 {
    if x.abs() > 6.0 {
        return x.signum();
    }
    let (mut term, mut sum) = (x, x);
    for n in 1..200 {
        term *= 2.0 * x * x / f64::from(2 * n + 1);
        sum += term;
    }
    std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp() * sum
}
