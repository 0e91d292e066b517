//! The exponential linear unit, α = 1. Its derivative from its output a is 1 where a > 0, else a + 1.

use super::exp_m1;
use crate::element::Lane;
use crate::math::Function;
use crate::simd::Simd;

/// x where x > 0, else eˣ − 1, in each lane.
///
/// −1 at −∞, ∞ at ∞, ±0 stays as it is, NaN stays NaN.
#[inline(always)]
pub fn elu<T: Lane, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let simd = simd.inside(Function::Elu);
    // Not x, which is the same: LLVM makes a masked store of "the old value or a new one".
    simd.select(simd.lt(simd.splat(T::ZERO), x), simd.abs(x), exp_m1(simd, x))
}

/// x where x > 0, else eˣ − 1.
pub(crate) fn elu_definition(x: f64) -> f64 {
    if x > 0.0 { x } else { x.exp_m1() }
}
