//! Activations made of straight lines: ReLU6, hard tanh, hard sigmoid and hard swish, by PyTorch's definitions.

use crate::element::Lane;
use crate::math::Function;
use crate::simd::Simd;

/// min(max(0, x), 6) in each lane. −0 and NaN stay as they are.
#[inline(always)]
pub fn relu6<T: Lane, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let simd = simd.inside(Function::Relu6);
    // In this order NaN stays NaN.
    simd.min(simd.splat(T::CONSTANTS.six), simd.max(simd.splat(T::ZERO), x))
}

/// min(max(−1, x), 1) in each lane. NaN stays NaN.
#[inline(always)]
pub fn hard_tanh<T: Lane, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let simd = simd.inside(Function::HardTanh);
    let one = simd.splat(T::ONE);
    simd.min(one, simd.max(simd.neg(one), x))
}

/// min(max(0, x + 3), 6)/6 in each lane. NaN stays NaN.
#[inline(always)]
pub fn hard_sigmoid<T: Lane, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let simd = simd.inside(Function::HardSigmoid);
    let c = &T::CONSTANTS;
    let shifted = simd.max(simd.splat(T::ZERO), simd.add(x, simd.splat(c.three)));
    // A product with a rounded ⅙ would be less exact.
    simd.div(simd.min(simd.splat(c.six), shifted), simd.splat(c.six))
}

/// x·min(max(0, x + 3), 6)/6 in each lane. −0 from −3 down, NaN stays NaN.
#[inline(always)]
pub fn hard_swish<T: Lane, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let simd = simd.inside(Function::HardSwish);
    let c = &T::CONSTANTS;
    // Cut off first: −∞·0 would be NaN.
    let x = simd.max(simd.splat(c.minus_three), x);
    let shifted = simd.min(simd.splat(c.six), simd.add(x, simd.splat(c.three)));
    simd.mul(x, simd.div(shifted, simd.splat(c.six)))
}

/// min(max(0, x), 6).
pub(crate) fn relu6_definition(x: f64) -> f64 {
    x.clamp(0.0, 6.0)
}

/// min(max(−1, x), 1).
pub(crate) fn hard_tanh_definition(x: f64) -> f64 {
    if x.is_nan() { x } else { x.clamp(-1.0, 1.0) }
}

/// min(max(0, x + 3), 6)/6.
#[allow(clippy::float_arithmetic, reason = "a definition, for tests to compare with")]
pub(crate) fn hard_sigmoid_definition(x: f64) -> f64 {
    relu6_definition(x + 3.0) / 6.0
}

/// x·min(max(0, x + 3), 6)/6; −0 from −3 down.
#[allow(clippy::float_arithmetic, reason = "a definition, for tests to compare with")]
pub(crate) fn hard_swish_definition(x: f64) -> f64 {
    if x <= -3.0 { -0.0 } else { x * hard_sigmoid_definition(x) }
}
