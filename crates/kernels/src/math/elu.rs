//! The exponential linear unit, and the one that is continuously differentiable (Barron 2017, "Continuously Differentiable Exponential
//! Linear Units").
//!
//! Where its output a is not above 0, the derivative of ELU is a + α, and that of CELU a/α + 1. Where a > 0, both are 1.

use super::exp_m1;
use crate::element::Lane;
use crate::math::{Function, Parameters};
use crate::simd::Simd;

/// x where x > 0, else α·(eˣ − 1), in each lane.
///
/// −α at −∞, ∞ at ∞, ±0 stays as it is, NaN stays NaN.
#[inline(always)]
pub fn elu<T: Lane, S: Simd<T>>(simd: S, x: S::Vector, [alpha, ..]: Parameters<T>) -> S::Vector {
    let simd = simd.inside(Function::Elu);
    let below = simd.mul(simd.splat(alpha), exp_m1(simd, x));
    // Not x, which is the same: LLVM makes a masked store of "the old value or a new one".
    simd.select(simd.lt(simd.splat(T::ZERO), x), simd.abs(x), below)
}

/// x where x > 0, else α·(e^{x/α} − 1), in each lane. The parameters are α and 1/α.
///
/// −α at −∞, ∞ at ∞, ±0 stays as it is, NaN stays NaN.
#[inline(always)]
pub fn celu<T: Lane, S: Simd<T>>(simd: S, x: S::Vector, [alpha, inverse, _]: Parameters<T>) -> S::Vector {
    let simd = simd.inside(Function::Celu);
    let below = simd.mul(simd.splat(alpha), exp_m1(simd, simd.mul(simd.splat(inverse), x)));
    simd.select(simd.lt(simd.splat(T::ZERO), x), simd.abs(x), below)
}

/// x where x > 0, else eˣ − 1: ELU and CELU by the default α.
pub(crate) fn elu_definition(x: f64) -> f64 {
    if x > 0.0 { x } else { x.exp_m1() }
}
