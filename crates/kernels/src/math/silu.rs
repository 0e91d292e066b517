//! The sigmoid linear unit, and its derivative.

use super::exp;
use super::exp::reduce;
use super::sigmoid::{quotient, sigmoid_definition};
use crate::element::Lane;
use crate::math::Function;
use crate::simd::Simd;

/// Beyond ±300 a derivative is 0 or 1, and in f64 its terms may overflow.
pub(super) const FAR: f64 = 300.0;

/// x·σ(x) in each lane.
///
/// As [`sigmoid`](super::sigmoid()), multiplied by x before the numerator is scaled by 2ⁿ, so that it is precise where σ(x) is
/// subnormal or 0 already.
///
/// −0 at −∞, ∞ at ∞, ±0 stays as it is, NaN stays NaN.
#[inline(always)]
pub fn silu<T: Lane, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let simd = simd.inside(Function::Silu);
    let c = &T::CONSTANTS;
    // A NaN comes through: the second operand wins.
    let x = simd.max(simd.splat(c.linear_unit_low), x);
    let clamped = simd.min(simd.splat(c.sigmoid_high), x);
    let (q, power) = quotient(simd, reduce(simd, clamped));
    simd.mul(simd.mul(x, q), power)
}

/// The derivative of [`silu`], σ(x) + x·σ(x)·σ(−x), in each lane, precise to a few units in the last place of 1.
///
/// 0 at −∞, 1 at ∞, NaN stays NaN.
#[inline(always)]
pub fn silu_derivative<T: Lane, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let simd = simd.inside(Function::SiluDerivative);
    // A NaN comes through: the second operand wins.
    let y = simd.max(simd.splat(T::CONSTANTS.exp_low), simd.neg(simd.abs(x)));
    derivative_of_product(simd, x, y, simd.copy_sign(y, x))
}

/// σ(x) + slope·σ(x)·σ(−x) where y = −|x|, for a finite slope.
#[inline(always)]
pub(super) fn derivative_of_product<T: Lane, S: Simd<T>>(
    simd: S,
    x: S::Vector,
    y: S::Vector,
    slope: S::Vector,
) -> S::Vector {
    let one = simd.splat(T::ONE);
    let e = exp(simd, y);
    let large = simd.div(one, simd.add(one, e));
    let small = simd.mul(e, large);
    let sigmoid = simd.select(simd.lt(x, simd.splat(T::ZERO)), small, large);
    simd.mul_add(simd.mul(slope, small), large, sigmoid)
}

/// x·σ(x).
#[allow(clippy::float_arithmetic, reason = "a definition, for tests to compare with")]
pub(crate) fn silu_definition(x: f64) -> f64 {
    if x == f64::NEG_INFINITY { -0.0 } else { x * sigmoid_definition(x) }
}

/// σ(x) + x·σ(x)·σ(−x).
#[allow(clippy::float_arithmetic, reason = "a definition, for tests to compare with")]
pub(crate) fn silu_derivative_definition(x: f64) -> f64 {
    let x = x.clamp(-FAR, FAR);
    sigmoid_definition(x) + x * sigmoid_definition(x) * sigmoid_definition(-x)
}
