//! Any of the functions on a whole slice.

use crate::activation::leaky_relu;
use crate::element::Element;
use crate::elementwise::{Elementwise, elementwise};
use crate::executor::Executor;
use crate::function::Function;
use crate::math;
use crate::simd::Simd;

/// `x[i] ← f(x[i])` on all threads that pay: one evaluation per element.
pub fn apply<T: Element>(executor: &impl Executor, function: Function, x: &mut [T]) {
    match function {
        Function::Exp => elementwise(executor, Evaluate::<{ Function::Exp as usize }>, [], x),
        Function::Log => elementwise(executor, Evaluate::<{ Function::Log as usize }>, [], x),
        Function::Relu => elementwise(executor, Evaluate::<{ Function::Relu as usize }>, [], x),
        Function::LeakyRelu => elementwise(executor, Evaluate::<{ Function::LeakyRelu as usize }>, [], x),
        Function::Sigmoid => elementwise(executor, Evaluate::<{ Function::Sigmoid as usize }>, [], x),
        Function::Tanh => elementwise(executor, Evaluate::<{ Function::Tanh as usize }>, [], x),
        Function::ExpM1 => elementwise(executor, Evaluate::<{ Function::ExpM1 as usize }>, [], x),
        Function::Log1P => elementwise(executor, Evaluate::<{ Function::Log1P as usize }>, [], x),
        Function::Erf => elementwise(executor, Evaluate::<{ Function::Erf as usize }>, [], x),
        Function::Softplus => elementwise(executor, Evaluate::<{ Function::Softplus as usize }>, [], x),
        Function::Silu => elementwise(executor, Evaluate::<{ Function::Silu as usize }>, [], x),
        Function::Gelu => elementwise(executor, Evaluate::<{ Function::Gelu as usize }>, [], x),
        Function::GeluTanh => elementwise(executor, Evaluate::<{ Function::GeluTanh as usize }>, [], x),
        Function::Elu => elementwise(executor, Evaluate::<{ Function::Elu as usize }>, [], x),
        Function::SiluDerivative => elementwise(executor, Evaluate::<{ Function::SiluDerivative as usize }>, [], x),
        Function::GeluDerivative => elementwise(executor, Evaluate::<{ Function::GeluDerivative as usize }>, [], x),
        Function::GeluTanhDerivative => {
            elementwise(executor, Evaluate::<{ Function::GeluTanhDerivative as usize }>, [], x)
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
            Function::Exp => math::exp(simd, x),
            Function::Log => math::log(simd, x),
            // In this order NaN stays NaN.
            Function::Relu => simd.inside(Function::Relu).max(simd.splat(T::ZERO), x),
            Function::LeakyRelu => leaky_relu(simd, x),
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
