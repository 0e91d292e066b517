//! eˣ.

use super::polynomial;
use crate::element::Element;
use crate::function::Function;
use crate::simd::Simd;

/// eˣ in each lane.
///
/// With n the integer nearest to x/ln 2 and r = x − n·ln 2 (Cody and Waite's two-part reduction), eˣ = 2ⁿ·eʳ, where
/// eʳ = 1 + (r + r²·q(r)). 2ⁿ is applied as two factors, so that subnormal results are rounded once.
///
/// Below ln of half the smallest number it is 0, above ln of the largest ∞; NaN stays NaN.
#[inline(always)]
pub fn exp<T: Element, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let simd = simd.inside(Function::Exp);
    let c = &T::CONSTANTS;
    // In this order a NaN comes through: the second operand wins when either is NaN.
    let x = simd.min(simd.splat(c.exp_high), simd.max(simd.splat(c.exp_low), x));
    let round = simd.splat(c.round);
    let n = simd.sub(simd.mul_add(x, simd.splat(c.log2_e), round), round);
    let p = exp_m1_reduced(simd, x, n);
    let p = simd.add(simd.splat(T::ONE), p);
    // n = h + (n − h), each half within the exponents of normal numbers.
    let h = simd.mul_add(n, simd.splat(c.half), round);
    let rest = simd.add(simd.sub(n, simd.sub(h, round)), round);
    simd.mul(simd.mul(p, simd.bits_to_exponent(h)), simd.bits_to_exponent(rest))
}

/// eʳ − 1 = r + r²·q(r), where r = x − n·ln 2 is at most ln 2 / 2.
#[inline(always)]
pub(super) fn exp_m1_reduced<T: Element, S: Simd<T>>(simd: S, x: S::Vector, n: S::Vector) -> S::Vector {
    let c = &T::CONSTANTS;
    let r = simd.neg_mul_add(n, simd.splat(c.ln2_high), x);
    let r = simd.neg_mul_add(n, simd.splat(c.ln2_low), r);
    let q = polynomial(simd, r, c.exp);
    simd.mul_add(simd.mul(r, r), q, r)
}
