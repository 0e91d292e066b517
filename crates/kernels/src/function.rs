//! The functions that are counted by name, and any of them on whole rows.

use crate::activation::LEAKY_SLOPE;
use crate::call::{Call, Op};
use crate::element::Element;
use crate::elementwise::Elementwise;
use crate::executor::Executor;
use crate::gemm::follow::call_rows;
use crate::layout::ShapeError;
use crate::math;
use crate::matrix::MatrixMut;
use crate::simd::Simd;

/// A function that is evaluated once per unit, and so is counted by name rather than by what is inside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Function {
    /// eˣ.
    Exp,
    /// The natural logarithm.
    Log,
    /// max(0, x).
    Relu,
    /// x, or a·x below zero.
    LeakyRelu,
    /// 1 / (1 + e⁻ˣ).
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
    /// eˣ − 1.
    ExpM1,
    /// ln(1 + x).
    Log1P,
    /// The error function.
    Erf,
    /// ln(1 + eˣ).
    Softplus,
    /// x·σ(x).
    Silu,
    /// x·Φ(x), Φ the normal distribution.
    Gelu,
    /// [`Gelu`](Self::Gelu)'s approximation by tanh.
    GeluTanh,
    /// x, or eˣ − 1 below zero.
    Elu,
    /// The derivative of [`Silu`](Self::Silu).
    SiluDerivative,
    /// The derivative of [`Gelu`](Self::Gelu).
    GeluDerivative,
    /// The derivative of [`GeluTanh`](Self::GeluTanh).
    GeluTanhDerivative,
}

impl Function {
    /// All of them, in the order of their discriminants.
    pub const ALL: [Function; 17] = [
        Function::Exp,
        Function::Log,
        Function::Relu,
        Function::LeakyRelu,
        Function::Sigmoid,
        Function::Tanh,
        Function::ExpM1,
        Function::Log1P,
        Function::Erf,
        Function::Softplus,
        Function::Silu,
        Function::Gelu,
        Function::GeluTanh,
        Function::Elu,
        Function::SiluDerivative,
        Function::GeluDerivative,
        Function::GeluTanhDerivative,
    ];

    /// The name it is counted by.
    pub fn name(self) -> &'static str {
        match self {
            Function::Exp => "exp",
            Function::Log => "log",
            Function::Relu => "relu",
            Function::LeakyRelu => "leaky_relu",
            Function::Sigmoid => "sigmoid",
            Function::Tanh => "tanh",
            Function::ExpM1 => "exp_m1",
            Function::Log1P => "log_1p",
            Function::Erf => "erf",
            Function::Softplus => "softplus",
            Function::Silu => "silu",
            Function::Gelu => "gelu",
            Function::GeluTanh => "gelu_tanh",
            Function::Elu => "elu",
            Function::SiluDerivative => "silu_derivative",
            Function::GeluDerivative => "gelu_derivative",
            Function::GeluTanhDerivative => "gelu_tanh_derivative",
        }
    }
}

/// `x[i] ← f(x[i])` on all threads that pay: one evaluation per element.
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

impl Function {
    /// x ← f(x) in each row.
    #[inline(always)]
    pub(crate) fn map_rows<T: Element, S: Simd<T>>(self, simd: S, x: &mut MatrixMut<'_, T>) {
        match self {
            Function::Exp => call_rows(simd, Evaluate::<{ Function::Exp as usize }>, [], x),
            Function::Log => call_rows(simd, Evaluate::<{ Function::Log as usize }>, [], x),
            Function::Relu => call_rows(simd, Evaluate::<{ Function::Relu as usize }>, [], x),
            Function::LeakyRelu => call_rows(simd, Evaluate::<{ Function::LeakyRelu as usize }>, [], x),
            Function::Sigmoid => call_rows(simd, Evaluate::<{ Function::Sigmoid as usize }>, [], x),
            Function::Tanh => call_rows(simd, Evaluate::<{ Function::Tanh as usize }>, [], x),
            Function::ExpM1 => call_rows(simd, Evaluate::<{ Function::ExpM1 as usize }>, [], x),
            Function::Log1P => call_rows(simd, Evaluate::<{ Function::Log1P as usize }>, [], x),
            Function::Erf => call_rows(simd, Evaluate::<{ Function::Erf as usize }>, [], x),
            Function::Softplus => call_rows(simd, Evaluate::<{ Function::Softplus as usize }>, [], x),
            Function::Silu => call_rows(simd, Evaluate::<{ Function::Silu as usize }>, [], x),
            Function::Gelu => call_rows(simd, Evaluate::<{ Function::Gelu as usize }>, [], x),
            Function::GeluTanh => call_rows(simd, Evaluate::<{ Function::GeluTanh as usize }>, [], x),
            Function::Elu => call_rows(simd, Evaluate::<{ Function::Elu as usize }>, [], x),
            Function::SiluDerivative => call_rows(simd, Evaluate::<{ Function::SiluDerivative as usize }>, [], x),
            Function::GeluDerivative => call_rows(simd, Evaluate::<{ Function::GeluDerivative as usize }>, [], x),
            Function::GeluTanhDerivative => {
                call_rows(simd, Evaluate::<{ Function::GeluTanhDerivative as usize }>, [], x)
            }
        }
    }
}

/// The function whose discriminant is F: known when it is compiled, so that each has a loop of its own.
#[derive(Clone, Copy)]
struct Evaluate<const F: usize>;

impl<T: Element, const F: usize> Elementwise<T, 0> for Evaluate<F> {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, x: S::Vector, _: [S::Vector; 0]) -> S::Vector {
        match const { Function::ALL[F] } {
            // In this order NaN stays NaN.
            Function::Relu => simd.inside(Function::Relu).max(simd.splat(T::ZERO), x),
            // The larger of x and slope·x, as 0 < slope < 1; in this order NaN stays NaN.
            Function::LeakyRelu => {
                let simd = simd.inside(Function::LeakyRelu);
                simd.max(simd.mul(simd.splat(T::from_f64(LEAKY_SLOPE)), x), x)
            }
            Function::Exp => math::exp(simd, x),
            Function::Log => math::log(simd, x),
            Function::Sigmoid => math::sigmoid(simd, x),
            Function::Tanh => math::tanh(simd, x),
            Function::ExpM1 => math::exp_m1(simd, x),
            Function::Log1P => math::log_1p(simd, x),
            Function::Erf => math::erf(simd, x),
            Function::Softplus => math::softplus(simd, x),
            Function::Silu => math::silu(simd, x),
            Function::Gelu => math::gelu(simd, x),
            Function::GeluTanh => math::gelu_tanh(simd, x),
            Function::Elu => math::elu(simd, x),
            Function::SiluDerivative => math::silu_derivative(simd, x),
            Function::GeluDerivative => math::gelu_derivative(simd, x),
            Function::GeluTanhDerivative => math::gelu_tanh_derivative(simd, x),
        }
    }
}
