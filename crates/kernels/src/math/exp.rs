//! eˣ, and the reduction that everything made of eˣ shares.

use super::polynomial;
use crate::element::Lane;
use crate::math::Function;
use crate::simd::Simd;

/// x = n·ln 2 + r with n an integer and |r| ≤ ln 2 / 2 (Cody and Waite's two-part reduction).
#[derive(Clone, Copy)]
pub(super) struct Reduced<V> {
    /// n + the exponent's bias in the lowest bits.
    pub(super) bits: V,
    /// r, rounded once where n ≠ 0.
    pub(super) r: V,
}

/// 3 fma, 1 add. |x| must be so small that n is exact; NaN stays NaN.
#[inline(always)]
pub(super) fn reduce<T: Lane, S: Simd<T>>(simd: S, x: S::Vector) -> Reduced<S::Vector> {
    let c = &T::CONSTANTS;
    let round = simd.splat(c.round_biased);
    let bits = simd.mul_add(x, simd.splat(c.log2_e), round);
    let n = simd.sub(bits, round);
    let r = simd.neg_mul_add(n, simd.splat(c.ln2_high), x);
    Reduced { bits, r: simd.neg_mul_add(n, simd.splat(c.ln2_low), r) }
}

/// 2ⁿ from n + bias in the lowest bits. Not arithmetic; n must be the exponent of a normal number.
#[inline(always)]
pub(super) fn power<T: Lane, S: Simd<T>>(simd: S, bits: S::Vector) -> S::Vector {
    simd.bits_to_exponent(bits)
}

/// y·2ᵈ exactly, d = a − b as they stand in the lowest bits: not arithmetic. y and the result must be normal numbers.
#[inline(always)]
pub(super) fn scale<T: Lane, S: Simd<T>>(simd: S, y: S::Vector, a: S::Vector, b: S::Vector) -> S::Vector {
    simd.bits_add(y, simd.bits_to_exponent(simd.bits_sub(a, b)))
}

/// eʳ − 1 = r + r²·q(r) for |r| ≤ ln 2 / 2: f32 6 fma, 1 mul; f64 10 fma, 1 mul.
#[inline(always)]
pub(super) fn exp_m1_reduced<T: Lane, S: Simd<T>>(simd: S, r: S::Vector) -> S::Vector {
    simd.mul_add(simd.mul(r, r), polynomial(simd, r, T::CONSTANTS.exp), r)
}

/// 2ᶠ − 1 for |f| ≤ ½: f32 5 fma, 1 mul; f64 10 fma, 1 mul.
#[inline(always)]
pub(super) fn exp2_m1<T: Lane, S: Simd<T>>(simd: S, f: S::Vector) -> S::Vector {
    simd.mul(f, polynomial(simd, f, T::CONSTANTS.exp2_m1))
}

/// eˣ in each lane.
///
/// With x = n·ln 2 + r, eˣ = 2ⁿ·(1 + (eʳ − 1)). About half of n goes into the exponent's bits, the rest is multiplied by, so that
/// subnormal results are rounded once.
///
/// e⁻∞ = 0, e^∞ = ∞; what is too large for the type is ∞, what is too small is 0; NaN stays NaN.
#[inline(always)]
pub fn exp<T: Lane, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let simd = simd.inside(Function::Exp);
    let c = &T::CONSTANTS;
    // In this order a NaN comes through: the second operand wins when either is NaN.
    let x = simd.min(simd.splat(c.exp_high), simd.max(simd.splat(c.exp_low), x));
    let reduced = reduce(simd, x);
    let p = exp_m1_reduced(simd, reduced.r);
    // About n/2.
    let h = simd.mul_add(x, simd.splat(c.half_log2_e), simd.splat(c.round_biased));
    simd.mul(scale(simd, simd.add(simd.splat(T::ONE), p), reduced.bits, h), power(simd, h))
}
