//! The smooth ramp. Its derivative is [`sigmoid`](super::sigmoid()), from its output a 1 − e⁻ᵃ.

use super::{exp, polynomial};
use crate::element::Lane;
use crate::math::Function;
use crate::simd::Simd;

/// ln(1 + eˣ) in each lane.
///
/// With e = e^{−|x|} ≤ 1 it is max(x, 0) + (e + e²·P(e)).
///
/// 0 at −∞, ∞ at ∞, NaN stays NaN.
#[inline(always)]
pub fn softplus<T: Lane, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let simd = simd.inside(Function::Softplus);
    let e = exp(simd, simd.neg(simd.abs(x)));
    let log_1p = simd.mul_add(simd.mul(e, e), polynomial(simd, e, T::CONSTANTS.softplus), e);
    // In this order NaN stays NaN.
    simd.add(simd.max(simd.splat(T::ZERO), x), log_1p)
}

/// max(x, 0) + ln(1 + e^{−|x|}).
#[allow(clippy::float_arithmetic, reason = "a definition, for tests to compare with")]
pub(crate) fn softplus_definition(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}
