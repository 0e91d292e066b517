//! Vector functions: each one sequence of token operations, the same at every level; no libm in a kernel.
//!
//! They take and return vectors, and count themselves: the first of them on a token names the evaluation
//! ([`Simd::inside`]), those it calls are a part of it. f32 and f64 run the same sequence with polynomials of other lengths, so
//! they differ in fma alone. What each executes, per lane:
//!
//! | function               | fma f32 | fma f64 | mul | add | div | cmp |
//! |------------------------|---------|---------|-----|-----|-----|-----|
//! | `exp`                  | 10      | 14      | 2   | 2   | 0   | 2   |
//! | `exp_m1`               | 13      | 17      | 1   | 9   | 0   | 3   |
//! | `log`                  | 11      | 22      | 1   | 3   | 0   | 4   |
//! | `log_1p`               | 10      | 21      | 1   | 6   | 1   | 5   |
//! | `tanh`                 | 15      | 28      | 3   | 3   | 1   | 2   |
//! | `sigmoid`              | 12      | 16      | 2   | 8   | 1   | 3   |
//! | `erf`                  | 19      | 43      | 2   | 5   | 0   | 2   |
//! | `softplus`             | 19      | 34      | 3   | 3   | 0   | 3   |
//! | `silu`                 | 12      | 16      | 3   | 8   | 1   | 3   |
//! | `gelu`                 | 32      | 54      | 5   | 6   | 1   | 4   |
//! | `gelu_tanh`            | 19      | 23      | 5   | 11  | 1   | 3   |
//! | `elu`                  | 13      | 17      | 1   | 9   | 0   | 4   |
//! | `silu_derivative`      | 11      | 15      | 4   | 3   | 1   | 4   |
//! | `gelu_derivative`      | 31      | 59      | 8   | 7   | 0   | 5   |
//! | `gelu_tanh_derivative` | 12      | 16      | 8   | 4   | 1   | 4   |
//! | `relu`                 | 0       | 0       | 0   | 0   | 0   | 1   |
//! | `leaky_relu`           | 0       | 0       | 1   | 0   | 0   | 1   |
//!
//! How exact they are, and how fast: docs/numerics.md. Derivatives that follow from the output a need no function: σ' = a·(1 − a),
//! tanh' = 1 − a², elu' = a + 1 (1 where a > 0), softplus' = 1 − e⁻ᵃ.

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
