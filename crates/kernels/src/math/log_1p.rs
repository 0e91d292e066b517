//! ln(1 + x), precise near 0.

use super::log::{specials, split};
use super::polynomial;
use crate::element::Lane;
use crate::math::Function;
use crate::simd::Simd;

/// ln(1 + x) in each lane.
///
/// 1 + x = u + c exactly, u rounded, and ln(u + c) = ln u + c/u to within c². In ln u's sum c/u joins the small terms.
///
/// ±0 stays as it is, of −1 it is −∞, of ∞ it is ∞, below −1 and of NaN it is NaN.
#[inline(always)]
pub fn log_1p<T: Lane, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let simd = simd.inside(Function::Log1P);
    let c = &T::CONSTANTS;
    let one = simd.splat(T::ONE);
    // The larger first, so that the difference is what rounding lost.
    let larger = simd.max(x, one);
    let smaller = simd.min(one, x);
    let u = simd.add(larger, smaller);
    let lost = simd.sub(smaller, simd.sub(u, larger));
    let (k, f) = split(simd, u, simd.splat(c.integer_bias));
    let tail = simd.mul_add(simd.mul(f, f), polynomial(simd, f, c.log), simd.div(lost, u));
    let y = specials(simd, u, simd.mul_add(k, simd.splat(c.ln2), simd.add(f, tail)));
    // The sum of a −0 and a 0 is 0.
    simd.copy_sign(y, x)
}
