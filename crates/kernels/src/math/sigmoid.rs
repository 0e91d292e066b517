//! The logistic function.

use super::exp::{Reduced, exp_m1_reduced, power, powers, reduce};
use crate::element::Element;
use crate::function::Function;
use crate::simd::Simd;

/// σ(x) = 1 / (1 + e⁻ˣ) in each lane.
///
/// With e = e^{−|x|} ≤ 1 it is 1/(1 + e), and e/(1 + e) below 0. Numerator and denominator are kept in two parts, the quotient
/// is corrected by its remainder; and the numerator is scaled by 2ⁿ last, so that it is precise down to the
/// subnormal numbers.
///
/// σ(−∞) = 0, σ(∞) = 1, NaN stays NaN.
#[inline(always)]
pub fn sigmoid<T: Element, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let simd = simd.inside(Function::Sigmoid);
    let negative = simd.lt(x, simd.splat(T::ZERO));
    // A NaN comes through: the second operand wins.
    let y = simd.max(simd.splat(T::CONSTANTS.exp_low), simd.neg(simd.abs(x)));
    let scaled = quotient(simd, y, reduce(simd, y), negative);
    simd.mul(simd.mul(scaled.quotient, scaled.a), scaled.b)
}

/// A quotient that is still to be multiplied by two powers of two.
pub(super) struct Scaled<V> {
    /// Between ⅓ and √2.
    pub(super) quotient: V,
    /// 2^h, 1 where the argument was positive.
    pub(super) a: V,
    /// 2^{n − h}, 1 where the argument was positive.
    pub(super) b: V,
}

/// σ(−y) = 1/(1 + eʸ), where `negative` σ(y) = eʸ/(1 + eʸ), for y ≤ 0, as `reduced` has it.
#[inline(always)]
pub(super) fn quotient<T: Element, S: Simd<T>>(
    simd: S,
    y: S::Vector,
    reduced: Reduced<S::Vector>,
    negative: S::Mask,
) -> Scaled<S::Vector> {
    let (zero, one) = (simd.splat(T::ZERO), simd.splat(T::ONE));
    // eʳ = high + low.
    let p = exp_m1_reduced(simd, reduced.r);
    let high = simd.add(one, p);
    let low = simd.sub(p, simd.sub(high, one));
    // 1 + eʸ = d + d_low; where 2ⁿ is too small to matter it is replaced by a normal number that doesn't either.
    let s = power(simd, simd.max(simd.splat(T::CONSTANTS.round_least), reduced.bits));
    let e = simd.mul(s, high);
    let d = simd.add(one, e);
    let d_low = simd.mul_add(s, low, simd.sub(e, simd.sub(d, one)));

    let numerator = simd.select(negative, high, one);
    let numerator_low = simd.select(negative, low, zero);
    let reciprocal = simd.div(one, d);
    let q = simd.mul(numerator, reciprocal);
    let remainder = simd.add(simd.neg_mul_add(q, d, numerator), numerator_low);
    let remainder = simd.neg_mul_add(q, d_low, remainder);
    let (a, b) = powers(simd, y, reduced);
    Scaled {
        quotient: simd.mul_add(remainder, reciprocal, q),
        a: simd.select(negative, a, one),
        b: simd.select(negative, b, one),
    }
}
