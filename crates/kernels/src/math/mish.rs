//! Mish (Misra 2019, "Mish: A Self Regularized Non-Monotonic Activation Function"), and its derivative.

use super::exp;
use super::exp::{exp_m1_reduced, power, reduce, scale};
use super::silu::FAR;
use crate::element::Lane;
use crate::math::Function;
use crate::simd::Simd;

/// x·tanh(ln(1 + eˣ)) in each lane.
///
/// With e = eˣ = 2ⁿ·p the tanh is 2ⁿ·t / (2ⁿ·t + 2), t = p·(e + 2). x is multiplied in before the first 2ⁿ, so that the result is precise
/// where e is subnormal or 0 already.
///
/// −0 at −∞, ∞ at ∞, ±0 stays as it is, NaN stays NaN.
#[inline(always)]
pub fn mish<T: Lane, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let simd = simd.inside(Function::Mish);
    let c = &T::CONSTANTS;
    let two = simd.splat(T::CONSTANTS.two);
    // A NaN comes through: the second operand wins.
    let x = simd.max(simd.splat(c.linear_unit_low), x);
    let reduced = reduce(simd, simd.min(simd.splat(c.sigmoid_high), x));
    let p = simd.add(simd.splat(T::ONE), exp_m1_reduced(simd, reduced.r));
    // 2ⁿ, or a larger power where e is too small to matter beside 2.
    let bits = simd.max(simd.splat(c.round_least), reduced.bits);
    let s = power(simd, bits);
    let e = simd.mul(p, s);
    // p·(e + 2), rounded once.
    let t = simd.mul_add(p, e, simd.add(p, p));
    let q = simd.div(t, simd.mul_add(t, s, two));
    simd.mul(simd.mul(x, scale(simd, q, reduced.bits, bits)), s)
}

/// The derivative of [`mish`], n/(n + 2) + 4·x·e·(e + 1)/(n + 2)² with e = eˣ and n = e·(e + 2), in each lane, precise to a few units in
/// the last place of 1.
///
/// 0 (of either sign) at −∞, 1 at ∞, NaN stays NaN.
#[inline(always)]
pub fn mish_derivative<T: Lane, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let simd = simd.inside(Function::MishDerivative);
    let c = &T::CONSTANTS;
    let (two, four) = (simd.splat(T::CONSTANTS.two), simd.splat(T::CONSTANTS.four));
    // A NaN comes through: the second operand wins.
    let x = simd.min(simd.splat(c.sigmoid_high), simd.max(simd.splat(c.exp_low), x));
    let e = exp(simd, x);
    let n = simd.mul(e, simd.add(e, two));
    let r = simd.div(simd.splat(T::ONE), simd.add(n, two));
    let slope = simd.mul(simd.mul(x, simd.mul_add(e, e, e)), r);
    simd.mul(simd.mul_add(four, slope, n), r)
}

/// x·n/(n + 2), n = eˣ·(eˣ + 2).
#[allow(clippy::float_arithmetic, reason = "a definition, for tests to compare with")]
pub(crate) fn mish_definition(x: f64) -> f64 {
    let n = x.exp() * (x.exp() + 2.0);
    if x == f64::NEG_INFINITY {
        -0.0
    } else if n.is_finite() {
        x * (n / (n + 2.0))
    } else {
        x
    }
}

/// n/(n + 2) + 4·x·e·(e + 1)/(n + 2)².
#[allow(clippy::float_arithmetic, reason = "a definition, for tests to compare with")]
pub(crate) fn mish_derivative_definition(x: f64) -> f64 {
    let x = x.clamp(-FAR, 100.0);
    let e = x.exp();
    let n = e * (e + 2.0);
    n / (n + 2.0) + 4.0 * x * (e / (n + 2.0)) * ((e + 1.0) / (n + 2.0))
}
