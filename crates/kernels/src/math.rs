//! Vector functions: each one sequence of token operations, the same at every level; no libm in a kernel.
//!
//! They take and return vectors, and count themselves: the first of them on a token names the evaluation
//! ([`Simd::inside`]), those it calls are a part of it. f32 and f64 run the same sequence with polynomials of other lengths, so
//! they differ in fma alone. What each executes is a formula of `nxm-count`; how exact they are and how fast stands in
//! docs/numerics.md.
//!
//! The table in this file says in one row what each function is, and everything else follows from it.
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
pub(crate) mod hard;
pub(crate) mod log;
pub(crate) mod log_1p;
pub(crate) mod log_sigmoid;
pub(crate) mod mish;
pub(crate) mod relu;
pub(crate) mod selu;
pub(crate) mod sigmoid;
pub(crate) mod silu;
pub(crate) mod softplus;
pub(crate) mod softsign;
pub(crate) mod tanh;

pub use elu::{celu, elu};
pub use erf::erf;
pub use exp::exp;
pub use exp_m1::exp_m1;
pub use gelu::{gelu, gelu_derivative};
pub use gelu_tanh::{gelu_tanh, gelu_tanh_derivative};
pub use hard::{hard_sigmoid, hard_swish, hard_tanh, relu6};
pub use log::log;
pub use log_1p::log_1p;
pub use log_sigmoid::log_sigmoid;
pub use mish::{mish, mish_derivative};
pub(crate) use relu::LEAKY_SLOPE;
pub use relu::{leaky_relu, relu};
pub use selu::selu;
pub use sigmoid::sigmoid;
pub use silu::{silu, silu_derivative};
pub(crate) use softplus::THRESHOLD;
pub use softplus::{log_1p_exp, softplus};
pub use softsign::softsign;
pub use tanh::tanh;

use crate::call::{Call, Op};
use crate::element::{Element, Lane};
use crate::elementwise::Elementwise;
use crate::elementwise::rows::call_rows;
use crate::executor::Executor;
use crate::layout::ShapeError;
use crate::math;
use crate::matrix::MatrixMut;
use crate::simd::Simd;

/// How far a function's results may be from its definition, fused multiply-add at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accuracy {
    /// Not at all.
    Exact,
    /// So many units in the last place of the result.
    Ulp(u32),
    /// So many units in the last place of 1: a derivative that has a zero, whose neighbourhood nobody needs to relative precision.
    UlpOfOne(u32),
}
use Accuracy::{Exact, Ulp, UlpOfOne};

/// The parameters of an activation, as the functions on vectors take them.
///
/// | function | parameters |
/// |---|---|
/// | leaky ReLU | its slope below 0, nothing, nothing |
/// | ELU | α, nothing, nothing |
/// | CELU | α, 1/α, nothing |
/// | softplus | β, 1/β, the threshold |
///
/// Other functions have none, and nobody reads what stands here.
pub type Parameters<T> = [T; 3];

/// Each row: NAME = "name", the function on vectors, how many parameters it has if it has some, its definition in f64 (by the default
/// parameters), how exact that is.
macro_rules! functions {
    ($(
        $(#[$doc:meta])*
        $function:ident = $name:literal, $vector:path $([$parameters:literal])?, $definition:path, $accuracy:expr;
    )*) => {
        /// A function that is evaluated once per unit, and so is counted by name rather than by what is inside it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Function {
            $($(#[$doc])* $function,)*
        }

        impl Function {
            /// All of them, in the order of their discriminants.
            pub const ALL: [Function; [$(Function::$function),*].len()] = [$(Function::$function),*];

            /// The name it is counted by.
            pub fn name(self) -> &'static str {
                match self {
                    $(Function::$function => $name,)*
                }
            }

            /// f(x) by its definition in f64 and its default parameters: slow and plain, good to a few units in the last place; at
            /// infinities the limit.
            pub fn definition(self, x: f64) -> f64 {
                match self {
                    $(Function::$function => $definition(x),)*
                }
            }

            /// How far f(x) in f32 is from the definition at most (docs/numerics.md has what was found, of f64 too).
            pub fn accuracy(self) -> Accuracy {
                match self {
                    $(Function::$function => $accuracy,)*
                }
            }

            /// x ← f(x) in each row.
            #[inline(always)]
            pub(crate) fn map_rows<T: Lane, S: Simd<T>>(
                self,
                simd: S,
                parameters: Parameters<T>,
                x: &mut MatrixMut<'_, T>,
            ) {
                match self {
                    $(Function::$function => {
                        call_rows(simd, Evaluate::<T, { Function::$function as usize }>(parameters), [], x)
                    })*
                }
            }
        }

        /// f of each lane, f the function whose discriminant is F: known when it is compiled, so that each has a loop of its own.
        #[inline(always)]
        pub(crate) fn evaluate<T: Lane, S: Simd<T>, const F: usize>(
            simd: S,
            x: S::Vector,
            parameters: Parameters<T>,
        ) -> S::Vector {
            match const { Function::ALL[F] } {
                $(Function::$function => $vector(simd, x $(, {
                    let _: usize = $parameters;
                    parameters
                })?),)*
            }
        }
    };
}

functions! {
    /// eˣ.
    Exp = "exp", math::exp, f64::exp, Ulp(1);
    /// The natural logarithm.
    Log = "log", math::log, f64::ln, Ulp(1);
    /// max(0, x).
    Relu = "relu", math::relu, relu::relu_definition, Exact;
    /// x, or slope·x below zero; the default slope is 0.01.
    LeakyRelu = "leaky_relu", math::leaky_relu [1], relu::leaky_relu_definition, Ulp(1);
    /// 1 / (1 + e⁻ˣ).
    Sigmoid = "sigmoid", math::sigmoid, sigmoid::sigmoid_definition, Ulp(1);
    /// The hyperbolic tangent.
    Tanh = "tanh", math::tanh, f64::tanh, Ulp(1);
    /// eˣ − 1.
    ExpM1 = "exp_m1", math::exp_m1, f64::exp_m1, Ulp(1);
    /// ln(1 + x).
    Log1P = "log_1p", math::log_1p, f64::ln_1p, Ulp(1);
    /// The error function.
    Erf = "erf", math::erf, erf::erf_definition, Ulp(1);
    /// ln(1 + eˣ).
    Log1PExp = "log_1p_exp", math::log_1p_exp, softplus::log_1p_exp_definition, Ulp(2);
    /// ln(1 + e^{β·x})/β, or x where β·x is above a threshold; by default β = 1, and the threshold is 20.
    Softplus = "softplus", math::softplus [3], softplus::softplus_definition, Ulp(2);
    /// x·σ(x).
    Silu = "silu", math::silu, silu::silu_definition, Ulp(2);
    /// x·Φ(x), Φ the normal distribution.
    Gelu = "gelu", math::gelu, gelu::gelu_definition, Ulp(2);
    /// [`Gelu`](Self::Gelu)'s approximation by tanh.
    GeluTanh = "gelu_tanh", math::gelu_tanh, gelu_tanh::gelu_tanh_definition, Ulp(2);
    /// x, or α·(eˣ − 1) below zero; by default α = 1.
    Elu = "elu", math::elu [1], elu::elu_definition, Ulp(1);
    /// x, or α·(e^{x/α} − 1) below zero; by default α = 1.
    Celu = "celu", math::celu [2], elu::elu_definition, Ulp(1);
    /// min(max(0, x), 6).
    Relu6 = "relu6", math::relu6, hard::relu6_definition, Exact;
    /// min(max(−1, x), 1).
    HardTanh = "hard_tanh", math::hard_tanh, hard::hard_tanh_definition, Exact;
    /// min(max(0, x + 3), 6)/6.
    HardSigmoid = "hard_sigmoid", math::hard_sigmoid, hard::hard_sigmoid_definition, Ulp(1);
    /// x·min(max(0, x + 3), 6)/6.
    HardSwish = "hard_swish", math::hard_swish, hard::hard_swish_definition, Ulp(2);
    /// ln σ(x).
    LogSigmoid = "log_sigmoid", math::log_sigmoid, log_sigmoid::log_sigmoid_definition, Ulp(2);
    /// λ·x, or λ·α·(eˣ − 1) below zero.
    Selu = "selu", math::selu, selu::selu_definition, Ulp(2);
    /// x/(1 + |x|).
    Softsign = "softsign", math::softsign, softsign::softsign_definition, Ulp(2);
    /// x·tanh(ln(1 + eˣ)).
    Mish = "mish", math::mish, mish::mish_definition, Ulp(4);
    /// The derivative of [`Silu`](Self::Silu).
    SiluDerivative = "silu_derivative", math::silu_derivative, silu::silu_derivative_definition, UlpOfOne(2);
    /// The derivative of [`Gelu`](Self::Gelu).
    GeluDerivative = "gelu_derivative", math::gelu_derivative, gelu::gelu_derivative_definition, UlpOfOne(2);
    /// The derivative of [`GeluTanh`](Self::GeluTanh).
    GeluTanhDerivative =
        "gelu_tanh_derivative", math::gelu_tanh_derivative, gelu_tanh::gelu_tanh_derivative_definition, UlpOfOne(2);
    /// The derivative of [`Mish`](Self::Mish).
    MishDerivative = "mish_derivative", math::mish_derivative, mish::mish_derivative_definition, UlpOfOne(3);
}

impl Function {
    /// The parameters that [`apply()`] evaluates it by: PyTorch's defaults.
    #[inline(always)]
    pub(crate) fn defaults<T: Lane>(self) -> Parameters<T> {
        let c = &T::CONSTANTS;
        match self {
            Function::LeakyRelu => [c.leaky_slope, T::ZERO, T::ZERO],
            Function::Softplus => [T::ONE, T::ONE, c.softplus_threshold],
            _ => [T::ONE, T::ONE, T::ZERO],
        }
    }
}

/// `x[i] ← f(x[i])` on all threads that pay: one evaluation per element. Functions with parameters have their defaults;
/// [`Activation::forward`](crate::Activation::forward) has others.
pub fn apply<T: Element>(executor: &dyn Executor, function: Function, x: &mut [T]) {
    T::run(executor, Call(Op::Apply { function, x: MatrixMut::from_row(x) }), None);
}

impl<'a, T: Element> Call<'a, T> {
    /// x ← f(x) for each element of `x`: see [`apply()`].
    ///
    /// # Errors
    /// [`ShapeError`] if elements of a row don't stand side by side.
    pub fn apply(function: Function, x: MatrixMut<'a, T>) -> Result<Self, ShapeError> {
        Call::checked(Op::Apply { function, x })
    }
}

/// x ← f(x).
#[derive(Clone, Copy)]
struct Evaluate<T, const F: usize>(Parameters<T>);

impl<T: Lane, const F: usize> Elementwise<T, 0> for Evaluate<T, F> {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, x: S::Vector, _: [S::Vector; 0]) -> S::Vector {
        evaluate::<T, S, F>(simd, x, self.0)
    }
}

/// c₀ + c₁x + c₂x² + … by Horner's rule: `c.len()` − 1 fma.
#[inline(always)]
fn polynomial<T: Lane, S: Simd<T>>(simd: S, x: S::Vector, c: &[T]) -> S::Vector {
    let (last, rest) = c.split_last().expect("a polynomial has coefficients");
    rest.iter().rev().fold(simd.splat(*last), |sum, c| simd.mul_add(sum, x, simd.splat(*c)))
}
