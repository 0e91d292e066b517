//! Rectifiers.

use crate::element::Lane;
use crate::math::Function;
use crate::simd::Simd;

/// The slope of [`leaky_relu`] below zero, PyTorch's default.
pub(crate) const LEAKY_SLOPE: f64 = 0.01;

/// max(0, x) in each lane. −0 and NaN stay as they are.
#[inline(always)]
pub fn relu<T: Lane, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    // In this order NaN stays NaN.
    simd.inside(Function::Relu).max(simd.splat(T::ZERO), x)
}

/// x where x > 0, else 0.01·x, in each lane. −0 and NaN stay as they are.
#[inline(always)]
pub fn leaky_relu<T: Lane, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let simd = simd.inside(Function::LeakyRelu);
    // The larger of x and slope·x, as 0 < slope < 1; in this order NaN stays NaN.
    simd.max(simd.mul(simd.splat(T::CONSTANTS.leaky_slope), x), x)
}

/// max(0, x).
pub(crate) fn relu_definition(x: f64) -> f64 {
    if x < 0.0 { 0.0 } else { x }
}

/// x where x > 0, else 0.01·x.
#[allow(clippy::float_arithmetic, reason = "a definition, for tests to compare with")]
pub(crate) fn leaky_relu_definition(x: f64) -> f64 {
    if x > 0.0 { x } else { LEAKY_SLOPE * x }
}
