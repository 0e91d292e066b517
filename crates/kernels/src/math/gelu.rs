//! The Gaussian error linear unit, and its derivative.

use super::exp::{exp_m1_reduced, powers, reduce};
use super::polynomial;
use crate::element::Element;
use crate::function::Function;
use crate::simd::Simd;

/// x·Φ(x) = x/2·(1 + erf(x/√2)) in each lane, Φ the normal distribution.
///
/// With m = |x| it is max(x, 0) − m·Φ(−m). Φ(−m) = e^{−m²/2}·H(m), and H, which falls slowly from ½, is F(q)/(m + k), a polynomial in
/// q = (m − k)/(m + k). m² is kept in two parts, as an error of it is a relative error of Φ.
///
/// −0 at −∞, ∞ at ∞, ±0 stays as it is, NaN stays NaN.
#[inline(always)]
pub fn gelu<T: Element, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let simd = simd.inside(Function::Gelu);
    let tail = tail(simd, x);
    // m·H first: it is scaled by 2ⁿ last, so that results may be subnormal.
    let g = simd.mul(simd.mul(tail.m, tail.h), tail.a);
    let below = simd.mul(simd.mul_add(g, tail.p, g), tail.b);
    // In this order NaN stays NaN.
    simd.copy_sign(simd.sub(simd.max(simd.splat(T::ZERO), x), below), x)
}

/// The derivative of [`gelu`], Φ(x) + x·φ(x), in each lane, φ = Φ', precise to a few units in the last place of 1.
///
/// 0 at −∞, 1 at ∞, NaN stays NaN.
#[inline(always)]
pub fn gelu_derivative<T: Element, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let simd = simd.inside(Function::GeluDerivative);
    let tail = tail(simd, x);
    let e = simd.mul(simd.mul_add(tail.a, tail.p, tail.a), tail.b);
    let small = simd.mul(e, tail.h);
    let negative = simd.lt(x, simd.splat(T::ZERO));
    let normal = simd.select(negative, small, simd.sub(simd.splat(T::ONE), small));
    let slope = simd.mul(simd.splat(T::CONSTANTS.normal_density), simd.copy_sign(tail.m, x));
    simd.mul_add(slope, e, normal)
}

/// Φ(−m) = h·(1 + p)·a·b.
struct Tail<V> {
    /// |x|, or what is large enough for Φ(−m) to be 0.
    m: V,
    h: V,
    p: V,
    a: V,
    b: V,
}

#[inline(always)]
fn tail<T: Element, S: Simd<T>>(simd: S, x: S::Vector) -> Tail<S::Vector> {
    let c = &T::CONSTANTS;
    let one = simd.splat(T::ONE);
    // A NaN comes through: the second operand wins.
    let m = simd.min(simd.splat(c.gelu_high), simd.abs(x));

    // 1/(m + k), corrected by its remainder and what the sum lost.
    let k = simd.splat(c.gelu_k);
    let d = simd.add(m, k);
    let kept = simd.sub(d, k);
    let d_low = simd.add(simd.sub(m, kept), simd.sub(k, simd.sub(d, kept)));
    let quotient = simd.div(one, d);
    let remainder = simd.neg_mul_add(quotient, d_low, simd.neg_mul_add(quotient, d, one));
    let reciprocal = simd.mul_add(remainder, quotient, quotient);
    let q = simd.neg_mul_add(simd.splat(c.gelu_twice_k), reciprocal, one);
    let h = simd.mul(polynomial(simd, q, c.gelu), reciprocal);

    // −m²/2 = y + y_low.
    let minus_half = simd.splat(c.minus_half);
    let square = simd.mul(m, m);
    let excess = simd.neg_mul_add(m, m, square);
    let y = simd.mul(minus_half, square);
    let reduced = reduce(simd, y);
    let p = exp_m1_reduced(simd, simd.neg_mul_add(minus_half, excess, reduced.r));
    let (a, b) = powers(simd, y, reduced);
    Tail { m, h, p, a, b }
}
