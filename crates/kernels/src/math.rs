//! Vector functions: each one sequence of token operations, the same at every level; no libm in a kernel.
//!
//! They take and return vectors, and count themselves: the first of them on a token names the evaluation
//! ([`Simd::inside`]), those it calls are a part of it. What each executes, per lane:
//!
//! | function  | f32                                          | f64                                          |
//! |-----------|----------------------------------------------|----------------------------------------------|
//! | `exp`     | 2 cmp, 10 fma, 5 add, 3 mul                  | 2 cmp, 15 fma, 5 add, 3 mul                  |
//! | `log`     | 4 cmp, 5 fma, 7 add, 6 mul, 1 div            | 4 cmp, 8 fma, 7 add, 6 mul, 1 div            |
//! | `sigmoid` | 1 cmp, 1 add, 1 div and an `exp`             | the same                                     |
//! | `tanh`    | 1 cmp, 10 fma, 4 add, 1 mul, 1 div           | 1 cmp, 15 fma, 4 add, 1 mul, 1 div           |

pub(crate) mod constants;
mod elu;
mod erf;
mod exp;
mod exp_m1;
mod gelu;
mod gelu_tanh;
mod log;
mod log_1p;
mod sigmoid;
mod silu;
mod softplus;
mod tanh;

pub use elu::elu;
pub use erf::erf;
pub use exp::exp;
pub use exp_m1::exp_m1;
pub use gelu::{gelu, gelu_derivative};
pub use gelu_tanh::{gelu_tanh, gelu_tanh_derivative};
pub use log::log;
pub use log_1p::log_1p;
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
