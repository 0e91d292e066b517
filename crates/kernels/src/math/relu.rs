//! Rectifiers.

use crate::element::Lane;
use crate::math::{Function, Parameters};
use crate::simd::Simd;

/// The default slope of [`leaky_relu`] below zero, PyTorch's.
pub(crate) const LEAKY_SLOPE: f64 = 0.01;

/// max(0, x) in each lane. −0 and NaN stay as they are.
#[inline(always)]
pub fn relu<T: Lane, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    // In this order NaN stays NaN.
    simd.inside(Function::Relu).max(simd.splat(T::ZERO), x)
}

/// x where x > 0, else slope·x, in each lane. NaN stays NaN, and −0 as it is, unless the slope is infinite.
#[inline(always)]
pub fn leaky_relu<T: Lane, S: Simd<T>>(simd: S, x: S::Vector, [slope, ..]: Parameters<T>) -> S::Vector {
    let simd = simd.inside(Function::LeakyRelu);
    // A choice between the factors and not the products: LLVM makes a masked store of "the old value or a new one".
    let above = simd.lt(simd.splat(T::ZERO), x);
    simd.mul(simd.select(above, simd.splat(T::ONE), simd.splat(slope)), x)
}

/// max(0, x).
pub(crate) fn relu_definition(x: f64) -> f64 {
    if x < 0.0 { 0.0 } else { x }
}

/// x where x > 0, else 0.01·x: by the default slope.
#[allow(clippy::float_arithmetic, reason = "a definition, for tests to compare with")]
pub(crate) fn leaky_relu_definition(x: f64) -> f64 {
    if x > 0.0 { x } else { LEAKY_SLOPE * x }
}
