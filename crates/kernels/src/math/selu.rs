//! The scaled exponential linear unit (Klambauer, Unterthiner, Mayr and Hochreiter 2017, "Self-Normalizing Neural Networks").
//!
//! Its derivative from its output a is λ where a > 0, else a + λ·α.

use super::exp_m1;
use crate::element::Lane;
use crate::math::Function;
use crate::simd::Simd;

/// λ, as PyTorch writes it.
pub(crate) const SELU_SCALE: f64 = 1.050_700_987_355_480_5;
/// λ·α, α = 1.6732632423543772.
#[allow(clippy::float_arithmetic, reason = "a constant")]
pub(crate) const SELU_BELOW: f64 = SELU_SCALE * 1.673_263_242_354_377_2;

/// λ·x where x > 0, else λ·α·(eˣ − 1), in each lane.
///
/// −λ·α at −∞, ∞ at ∞, ±0 stays as it is, NaN stays NaN.
#[inline(always)]
pub fn selu<T: Lane, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let simd = simd.inside(Function::Selu);
    let c = &T::CONSTANTS;
    // One of the two summands is ±0. Not one choice for x and another for the factor: a compiler would compare twice without vectors.
    let zero = simd.splat(T::ZERO);
    let (above, below) = (simd.max(zero, x), simd.min(zero, x));
    let below = simd.mul(exp_m1(simd, below), simd.splat(c.selu_below));
    simd.mul_add(above, simd.splat(c.selu_scale), below)
}

/// λ·x where x > 0, else λ·α·(eˣ − 1).
#[allow(clippy::float_arithmetic, reason = "a definition, for tests to compare with")]
pub(crate) fn selu_definition(x: f64) -> f64 {
    if x > 0.0 { SELU_SCALE * x } else { SELU_BELOW * x.exp_m1() }
}
