//! eˣ, and the reduction that everything made of eˣ shares.

use super::polynomial;
use crate::element::Element;
use crate::function::Function;
use crate::simd::Simd;

/// x = n·ln 2 + r with n an integer and |r| ≤ ln 2 / 2 (Cody and Waite's two-part reduction).
#[derive(Clone, Copy)]
pub(super) struct Reduced<V> {
    /// n + 2·bias in the lowest bits.
    pub(super) bits: V,
    /// r, rounded once where n ≠ 0.
    pub(super) r: V,
}

/// 3 fma, 1 add. |x| must be small enough that n fits an exponent twice over; NaN stays NaN.
#[inline(always)]
pub(super) fn reduce<T: Element, S: Simd<T>>(simd: S, x: S::Vector) -> Reduced<S::Vector> {
    let c = &T::CONSTANTS;
    let round = simd.splat(c.round_twice_biased);
    let bits = simd.mul_add(x, simd.splat(c.log2_e), round);
    let n = simd.sub(bits, round);
    let r = simd.neg_mul_add(n, simd.splat(c.ln2_high), x);
    Reduced { bits, r: simd.neg_mul_add(n, simd.splat(c.ln2_low), r) }
}

/// (a, b) with a·b = 2ⁿ, each a normal number of about √2ⁿ, so that a result may be subnormal and is rounded once:
/// 1 fma. `x` is what was reduced.
#[inline(always)]
pub(super) fn powers<T: Element, S: Simd<T>>(
    simd: S,
    x: S::Vector,
    reduced: Reduced<S::Vector>,
) -> (S::Vector, S::Vector) {
    let c = &T::CONSTANTS;
    // h, about n/2, with its bias in the lowest bits; the difference is n − h, with its bias.
    let h = simd.mul_add(x, simd.splat(c.half_log2_e), simd.splat(c.round_biased));
    (simd.bits_to_exponent(h), simd.bits_to_exponent(simd.bits_sub(reduced.bits, h)))
}

/// 2ⁿ as one number, from [`Reduced::bits`]. Not arithmetic; n must be the exponent of a normal number.
#[inline(always)]
pub(super) fn power<T: Element, S: Simd<T>>(simd: S, bits: S::Vector) -> S::Vector {
    simd.bits_to_exponent(simd.bits_sub(bits, simd.splat(T::CONSTANTS.bias)))
}

/// eʳ − 1 = r + r²·q(r) for |r| ≤ ln 2 / 2: f32 6 fma, 1 mul; f64 10 fma, 1 mul.
#[inline(always)]
pub(super) fn exp_m1_reduced<T: Element, S: Simd<T>>(simd: S, r: S::Vector) -> S::Vector {
    simd.mul_add(simd.mul(r, r), polynomial(simd, r, T::CONSTANTS.exp), r)
}

/// eˣ in each lane.
///
/// With x = n·ln 2 + r, eˣ = 2ⁿ + 2ⁿ·(eʳ − 1). 2ⁿ is applied as two factors, so that subnormal results are rounded once.
///
/// e⁻∞ = 0, e^∞ = ∞; what is too large for the type is ∞, what is too small is 0; NaN stays NaN.
#[inline(always)]
pub fn exp<T: Element, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let simd = simd.inside(Function::Exp);
    let c = &T::CONSTANTS;
    // In this order a NaN comes through: the second operand wins when either is NaN.
    let x = simd.min(simd.splat(c.exp_high), simd.max(simd.splat(c.exp_low), x));
    let reduced = reduce(simd, x);
    let p = exp_m1_reduced(simd, reduced.r);
    let (a, b) = powers(simd, x, reduced);
    simd.mul(simd.mul_add(a, p, a), b)
}
