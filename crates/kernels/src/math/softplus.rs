//! The smooth ramp: ln(1 + eˣ), which losses evaluate, and the activation with its parameters.
//!
//! Its derivative is [`sigmoid`](super::sigmoid()).

use super::{exp, polynomial};
use crate::element::Lane;
use crate::math::{Function, Parameters};
use crate::simd::Simd;

/// The default threshold of [`softplus`], PyTorch's.
pub(crate) const THRESHOLD: f64 = 20.0;

/// ln(1 + eˣ) in each lane.
///
/// With e = e^{−|x|} ≤ 1 it is max(x, 0) + (e + e²·P(e)).
///
/// 0 at −∞, ∞ at ∞, NaN stays NaN.
#[inline(always)]
pub fn log_1p_exp<T: Lane, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let simd = simd.inside(Function::Log1PExp);
    let e = exp(simd, simd.neg(simd.abs(x)));
    let log_1p = simd.mul_add(simd.mul(e, e), polynomial(simd, e, T::CONSTANTS.softplus), e);
    // In this order NaN stays NaN.
    simd.add(simd.max(simd.splat(T::ZERO), x), log_1p)
}

/// x where β·x > threshold, else ln(1 + e^{β·x})/β, in each lane. The parameters are β, 1/β and the threshold, all above 0 or the last 0.
///
/// 0 at −∞, ∞ at ∞, NaN stays NaN.
#[inline(always)]
pub fn softplus<T: Lane, S: Simd<T>>(simd: S, x: S::Vector, [beta, inverse, threshold]: Parameters<T>) -> S::Vector {
    let simd = simd.inside(Function::Softplus);
    let scaled = simd.mul(simd.splat(beta), x);
    let curved = simd.mul(simd.splat(inverse), log_1p_exp(simd, scaled));
    // Not x, which is the same beyond the threshold: LLVM makes a masked store of "the old value or a new one".
    simd.select(simd.lt(simd.splat(threshold), scaled), simd.abs(x), curved)
}

/// max(x, 0) + ln(1 + e^{−|x|}).
#[allow(clippy::float_arithmetic, reason = "a definition, for tests to compare with")]
pub(crate) fn log_1p_exp_definition(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// x where x > 20, else ln(1 + eˣ): by the default β and threshold.
pub(crate) fn softplus_definition(x: f64) -> f64 {
    if x > THRESHOLD { x } else { log_1p_exp_definition(x) }
}
