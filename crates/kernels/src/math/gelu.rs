//! The Gaussian error linear unit, and its derivative.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use super::erf::erf_definition;
use super::exp::{exp_m1_reduced, power, reduce, scale};
use super::silu::FAR;
use super::{erf, exp, polynomial};
use crate::element::Lane;
use crate::math::Function;
use crate::simd::Simd;

/// x·Φ(x) = x/2·(1 + erf(x/√2)) in each lane, Φ the normal distribution.
///
/// With m = |x|: below ⅞ it is x/2 + x²·A(x²), rounded once. From ⅞ on max(x, 0) − m·Φ(−m), where m·Φ(−m) = e^{−m²/2}·G(q), a polynomial
/// in q = (m − k)/(m + k); m² is kept in two parts, as an error of it is a relative error of Φ.
///
/// −0 at −∞, ∞ at ∞, ±0 stays as it is, NaN stays NaN.
#[inline(always)]
pub fn gelu<T: Lane, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let simd = simd.inside(Function::Gelu);
    let c = &T::CONSTANTS;
    let one = simd.splat(T::ONE);
    let half = simd.splat(c.half);
    // A NaN comes through: the second operand wins.
    let m = simd.min(simd.splat(c.gelu_high), simd.abs(x));
    let square = simd.mul(m, m);
    let near = simd.mul_add(square, polynomial(simd, square, c.gelu_near), simd.mul(half, x));

    // q, corrected by the remainder m·(1 − q) − k·(1 + q).
    let k = simd.splat(c.gelu_k);
    let reciprocal = simd.div(one, simd.add(m, k));
    let q = simd.neg_mul_add(simd.splat(c.gelu_twice_k), reciprocal, one);
    let remainder = simd.neg_mul_add(m, q, simd.neg_mul_add(k, simd.add(q, one), m));
    let q = simd.mul_add(remainder, reciprocal, q);
    // G in two parts: the constant term is the largest by far.
    let (first, rest) = c.gelu_far.split_first().expect("a polynomial has coefficients");
    let (first, rest) = (simd.splat(*first), polynomial(simd, q, rest));
    let g = simd.mul_add(q, rest, first);
    let g_low = simd.mul_add(q, rest, simd.sub(first, g));

    // −m²/2 = y + excess/2, where excess is what m² was rounded up by.
    let excess = simd.neg_mul_add(m, m, square);
    let y = simd.neg(simd.mul(half, square));
    let reduced = reduce(simd, y);
    let p = exp_m1_reduced(simd, simd.mul_add(half, excess, reduced.r));
    let bits = simd.max(simd.splat(c.round_least), reduced.bits);
    let g = simd.add(g, simd.mul_add(g, p, g_low));
    let below = simd.mul(scale(simd, g, reduced.bits, bits), power(simd, bits));
    // In this order NaN stays NaN.
    let far = simd.sub(simd.max(simd.splat(T::ZERO), x), below);
    // The sign is that of x where all is 0, too.
    simd.copy_sign(simd.select(simd.lt(m, simd.splat(c.gelu_near_high)), near, far), x)
}

/// The derivative of [`gelu`], Φ(x) + x·φ(x), in each lane, φ = Φ', precise to a few units in the last place of 1.
///
/// 0 at −∞, 1 at ∞, NaN stays NaN.
#[inline(always)]
pub fn gelu_derivative<T: Lane, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let simd = simd.inside(Function::GeluDerivative);
    let c = &T::CONSTANTS;
    let half = simd.splat(c.half);
    let normal = simd.mul_add(half, erf(simd, simd.mul(x, simd.splat(c.sqrt_half))), half);
    // A NaN comes through: the second operand wins.
    let m = simd.min(simd.splat(c.gelu_high), simd.abs(x));
    let e = exp(simd, simd.neg(simd.mul(simd.mul(half, m), m)));
    simd.mul_add(simd.mul(simd.splat(c.normal_density), simd.copy_sign(m, x)), e, normal)
}

/// Φ(x), below −2.5 by the continued fraction of its tail.
#[allow(clippy::float_arithmetic, reason = "a definition, for tests to compare with")]
fn normal(x: f64) -> f64 {
    if x > -2.5 {
        return 0.5 * (1.0 + erf_definition(x * FRAC_1_SQRT_2));
    }
    let tail = (1..300).rev().fold(-x, |tail, k| -x + f64::from(k) / tail);
    (-x * x / 2.0).exp() / ((2.0 * PI).sqrt() * tail)
}

/// x·Φ(x).
#[allow(clippy::float_arithmetic, reason = "a definition, for tests to compare with")]
pub(crate) fn gelu_definition(x: f64) -> f64 {
    if x == f64::NEG_INFINITY { -0.0 } else { x * normal(x) }
}

/// Φ(x) + x·φ(x), φ(x) = e^{−x²/2}/√(2π).
#[allow(clippy::float_arithmetic, reason = "a definition, for tests to compare with")]
pub(crate) fn gelu_derivative_definition(x: f64) -> f64 {
    let x = x.clamp(-FAR, FAR);
    normal(x) + x * (-x * x / 2.0).exp() / (2.0 * PI).sqrt()
}
