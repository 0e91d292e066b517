//! The logistic function.

use super::exp;
use crate::element::Element;
use crate::function::Function;
use crate::simd::Simd;

/// σ(x) = 1 / (1 + e⁻ˣ) in each lane.
///
/// Of the two forms 1/(1 + e⁻ˣ) and eˣ/(1 + eˣ) it takes the one whose exponential is at most 1, so that it keeps its
/// precision down to the subnormal numbers, with one division.
#[inline(always)]
pub fn sigmoid<T: Element, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let simd = simd.inside(Function::Sigmoid);
    let one = simd.splat(T::ONE);
    let e = exp(simd, simd.neg(simd.abs(x)));
    let numerator = simd.select(simd.lt(x, simd.splat(T::ZERO)), e, one);
    simd.div(numerator, simd.add(one, e))
}
