//! Vector functions: each one sequence of token operations, the same at every level; no libm in a kernel.
//!
//! They take and return vectors, and count themselves: the first of them on a token names the evaluation
//! ([`Simd::inside`]), those it calls are a part of it. f32 and f64 run the same sequence with polynomials of other lengths, so
//! they differ in fma alone. What each executes is a formula of `nxm-count`; how exact they are and how fast stands in
//! docs/numerics.md.
//!
//! Beside each stands its definition in f64, good to a few units in the last place wherever its terms are finite, and the limit at
//! infinities: what tests compare it with. Those of `exp` and the like are the standard library's.

pub(crate) mod constants;
pub(crate) mod elu;
pub(crate) mod erf;
pub(crate) mod exp;
pub(crate) mod exp_m1;
pub(crate) mod gelu;
pub(crate) mod gelu_tanh;
pub(crate) mod log;
pub(crate) mod log_1p;
pub(crate) mod mish;
pub(crate) mod relu;
pub(crate) mod sigmoid;
pub(crate) mod silu;
pub(crate) mod softplus;
pub(crate) mod tanh;

pub use elu::elu;
pub use erf::erf;
pub use exp::exp;
pub use exp_m1::exp_m1;
pub use gelu::{gelu, gelu_derivative};
pub use gelu_tanh::{gelu_tanh, gelu_tanh_derivative};
pub use log::log;
pub use log_1p::log_1p;
pub use mish::{mish, mish_derivative};
pub(crate) use relu::LEAKY_SLOPE;
pub use relu::{leaky_relu, relu};
pub use sigmoid::sigmoid;
pub use silu::{silu, silu_derivative};
pub use softplus::softplus;
pub use tanh::tanh;

use crate::element::Element;
use crate::simd::Simd;

/// c₀ + c₁x + c₂x² + … by Horner's rule: `c.len()` − 1 fma.
#[inline(always)]
fn polynomial<T: Element, S: Simd<T>>(simd: S, x: S::Vector, c: &[T]) -> S::Vector {
    let (last, rest) = c.split_last().expect("a polynomial has coefficients");
    rest.iter().rev().fold(simd.splat(*last), |sum, c| simd.mul_add(sum, x, simd.splat(*c)))
}
