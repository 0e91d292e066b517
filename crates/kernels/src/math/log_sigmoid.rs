//! The logarithm of the sigmoid. Its derivative from its output a is 1 − eᵃ.

use super::log_1p_exp;
use crate::element::Lane;
use crate::math::Function;
use crate::math::softplus::log_1p_exp_definition;
use crate::simd::Simd;

/// ln σ(x) = −ln(1 + e⁻ˣ) in each lane.
///
/// −∞ at −∞, −0 at ∞, NaN stays NaN.
#[inline(always)]
pub fn log_sigmoid<T: Lane, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let simd = simd.inside(Function::LogSigmoid);
    simd.neg(log_1p_exp(simd, simd.neg(x)))
}

/// −ln(1 + e⁻ˣ).
#[allow(clippy::float_arithmetic, reason = "a definition, for tests to compare with")]
pub(crate) fn log_sigmoid_definition(x: f64) -> f64 {
    -log_1p_exp_definition(-x)
}
