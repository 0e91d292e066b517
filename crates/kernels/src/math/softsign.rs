//! The soft sign, x/(1 + |x|). Its derivative from its output a is (1 − |a|)².

use crate::element::Lane;
use crate::math::Function;
use crate::simd::Simd;

/// x/(1 + |x|) in each lane.
///
/// ±1 at ±∞, ±0 stays as it is, NaN stays NaN.
#[inline(always)]
pub fn softsign<T: Lane, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let simd = simd.inside(Function::Softsign);
    // ∞/∞ would be NaN. From the largest number on the quotient is 1.
    let most = simd.splat(T::CONSTANTS.max);
    let x = simd.min(most, simd.max(simd.neg(most), x));
    simd.div(x, simd.add(simd.splat(T::ONE), simd.abs(x)))
}

/// x/(1 + |x|).
#[allow(clippy::float_arithmetic, reason = "a definition, for tests to compare with")]
pub(crate) fn softsign_definition(x: f64) -> f64 {
    if x.is_infinite() { x.signum() } else { x / (1.0 + x.abs()) }
}
