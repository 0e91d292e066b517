//! What one evaluation of each function executes, and what XLA says that it does.

use nxm_kernels::{Activation, Function};
use nxm_net::ElementType;

use crate::kind::Kinds;

/// What one evaluation of `function` executes, in elements of a type.
///
/// f64 has the longer polynomials, and so more fma; all else is the same for both.
pub fn inside(function: Function, element: ElementType) -> Kinds {
    // fma in f32 and in f64; then mul, add, div, cmp.
    let (fma, [mul, add, div, cmp]) = match function {
        Function::Relu => ([0, 0], [0, 0, 0, 1]),
        Function::LeakyRelu => ([0, 0], [1, 0, 0, 1]),
        Function::Exp => ([10, 14], [2, 2, 0, 2]),
        Function::ExpM1 => ([13, 17], [1, 9, 0, 3]),
        Function::Log => ([11, 22], [1, 3, 0, 4]),
        Function::Log1P => ([10, 21], [1, 6, 1, 5]),
        Function::Tanh => ([15, 28], [3, 3, 1, 2]),
        Function::Sigmoid => ([12, 16], [2, 8, 1, 3]),
        Function::Erf => ([19, 43], [2, 5, 0, 2]),
        Function::Log1PExp => ([19, 34], [3, 3, 0, 3]),
        Function::Softplus => ([19, 34], [5, 3, 0, 4]),
        Function::Silu => ([12, 16], [3, 8, 1, 3]),
        Function::Gelu => ([32, 54], [5, 6, 1, 4]),
        Function::GeluTanh => ([19, 23], [5, 11, 1, 3]),
        Function::Elu => ([13, 17], [2, 9, 0, 4]),
        Function::Celu => ([13, 17], [3, 9, 0, 4]),
        Function::Relu6 => ([0, 0], [0, 0, 0, 2]),
        Function::HardTanh => ([0, 0], [0, 0, 0, 2]),
        Function::HardSigmoid => ([0, 0], [0, 1, 1, 2]),
        Function::HardSwish => ([0, 0], [1, 1, 1, 2]),
        Function::LogSigmoid => ([19, 34], [3, 3, 0, 3]),
        Function::Selu => ([14, 18], [2, 9, 0, 5]),
        Function::Softsign => ([0, 0], [0, 1, 1, 2]),
        Function::Mish => ([11, 15], [4, 3, 1, 3]),
        Function::SiluDerivative => ([11, 15], [4, 3, 1, 4]),
        Function::GeluDerivative => ([31, 59], [8, 7, 0, 5]),
        Function::GeluTanhDerivative => ([12, 16], [8, 4, 1, 4]),
        Function::MishDerivative => ([12, 16], [6, 4, 1, 4]),
    };
    let fma = match element {
        ElementType::F32 => fma[0],
        ElementType::F64 => fma[1],
    };
    // In the order fma, mul, add, div, sqrt, cmp, convert.
    Kinds::small([fma, mul, add, div, 0, cmp, 0])
}

/// What XLA counts for an evaluation of an activation: flops, transcendentals, and flops with those of its derivative (docs/counting.md says how
/// it was measured).
pub(crate) fn inside_xla(activation: Activation) -> [u128; 3] {
    match activation {
        Activation::Identity => [0, 0, 0],
        Activation::Relu => [1, 0, 3],
        Activation::LeakyRelu { .. } => [3, 0, 7],
        Activation::Sigmoid => [3, 1, 6],
        Activation::Tanh => [0, 1, 4],
        Activation::ELU => [4, 1, 10],
        Activation::CELU => [4, 1, 20],
        // An α that is not 1 is a factor more, in the derivative too.
        Activation::Elu { .. } => [5, 1, 12],
        Activation::Celu { .. } => [5, 1, 22],
        Activation::Gelu => [66, 1, 76],
        Activation::GeluTanh => [8, 1, 22],
        Activation::Silu => [4, 1, 10],
        Activation::Softplus { .. } => [6, 2, 12],
        Activation::Mish => [7, 3, 20],
        Activation::Relu6 | Activation::HardTanh => [2, 0, 6],
        Activation::HardSigmoid => [4, 0, 9],
        Activation::HardSwish => [5, 0, 13],
        Activation::LogSigmoid => [8, 2, 16],
        Activation::Selu => [6, 1, 14],
        Activation::Softsign => [3, 0, 15],
    }
}
