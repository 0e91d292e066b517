//! The Gaussian error linear unit's approximation by tanh, and its derivative.

use std::f64::consts::FRAC_2_PI;

use super::exp::reduce;
use super::sigmoid::{quotient, sigmoid_definition};
use super::silu::{FAR, derivative_of_product};
use crate::element::Lane;
use crate::math::Function;
use crate::simd::Simd;

/// x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³))) in each lane.
///
/// That is x·σ(w) with w = x·(c₁ + c₂·x²), c₁ = 2·√(2/π) and c₂ = 0.044715·c₁. As an error of w is a relative error of e^w, w is
/// computed in two parts; the rest is [`silu`](super::silu()).
///
/// −0 at −∞, ∞ at ∞, ±0 stays as it is, NaN stays NaN.
#[inline(always)]
pub fn gelu_tanh<T: Lane, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let simd = simd.inside(Function::GeluTanh);
    let c = &T::CONSTANTS;
    let (c1, c1_low) = (simd.splat(c.gelu_tanh_1[0]), simd.splat(c.gelu_tanh_1[1]));
    let (c2, c2_low) = (simd.splat(c.gelu_tanh_2[0]), simd.splat(c.gelu_tanh_2[1]));
    // A NaN comes through: the second operand wins.
    let x = simd.max(simd.splat(c.gelu_tanh_low), x);
    let m = simd.min(simd.splat(c.gelu_tanh_high), x);

    // s − s_excess = m² and v + (c1 − v) + c₂·s = c1 + c₂·s exactly.
    let s = simd.mul(m, m);
    let s_excess = simd.neg_mul_add(m, m, s);
    let v = simd.mul_add(c2, s, c1);
    let v_lost = simd.mul_add(c2, s, simd.sub(c1, v));
    let v_low = simd.add(v_lost, simd.neg_mul_add(c2, s_excess, simd.mul_add(c2_low, s, c1_low)));
    let w = simd.mul(m, v);
    let w_low = simd.mul_add(m, v_low, simd.mul_add(m, v, simd.neg(w)));

    let mut reduced = reduce(simd, w);
    reduced.r = simd.add(reduced.r, w_low);
    let (q, power) = quotient(simd, reduced);
    simd.mul(simd.mul(x, q), power)
}

/// The derivative of [`gelu_tanh`], σ(w) + x·w'·σ(w)·σ(−w), in each lane, precise to a few units in the last place of 1.
///
/// 0 (of either sign) at −∞, 1 at ∞, NaN stays NaN.
#[inline(always)]
pub fn gelu_tanh_derivative<T: Lane, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let simd = simd.inside(Function::GeluTanhDerivative);
    let c = &T::CONSTANTS;
    // A NaN comes through: the second operand wins.
    let m = simd.min(simd.neg(simd.splat(c.gelu_tanh_low)), simd.abs(x));
    let s = simd.mul(m, m);
    let (c1, c2) = (simd.splat(c.gelu_tanh_slope), simd.splat(c.gelu_tanh_2[0]));
    let t = simd.mul(c2, s);
    let y = simd.neg(simd.mul(m, simd.add(c1, t)));
    // w' = c₁ + 3·c₂·s, and x·w' has the sign of x.
    let slope = simd.mul(m, simd.mul_add(simd.splat(c.three), t, c1));
    derivative_of_product(simd, x, y, simd.copy_sign(slope, x))
}

/// x·σ(w), w = 2·√(2/π)·(x + 0.044715·x³).
#[allow(clippy::float_arithmetic, reason = "a definition, for tests to compare with")]
pub(crate) fn gelu_tanh_definition(x: f64) -> f64 {
    if x == f64::NEG_INFINITY { -0.0 } else { x * sigmoid_definition(argument(x)) }
}

/// σ(w) + x·w'·σ(w)·σ(−w).
#[allow(clippy::float_arithmetic, reason = "a definition, for tests to compare with")]
pub(crate) fn gelu_tanh_derivative_definition(x: f64) -> f64 {
    let x = x.clamp(-FAR, FAR);
    let (w, slope) = (argument(x), 2.0 * FRAC_2_PI.sqrt() * (1.0 + 3.0 * 0.044715 * x * x));
    sigmoid_definition(w) + x * slope * sigmoid_definition(w) * sigmoid_definition(-w)
}

/// w: what the tanh is taken of, doubled.
#[allow(clippy::float_arithmetic, reason = "a definition, for tests to compare with")]
fn argument(x: f64) -> f64 {
    2.0 * FRAC_2_PI.sqrt() * x * (1.0 + 0.044715 * x * x)
}
