//! What one evaluation of each function executes.

use nxm_kernels::Function;

use crate::kind::Kinds;

/// What one evaluation of `function` executes, in an element type (as [`nxm_kernels::Element::NAME`]).
///
/// f64 has the longer polynomials, and so more fma; all else is the same for both.
pub fn inside(function: Function, element: &str) -> Kinds {
    // fma in f32 and in f64; then mul, add, div, cmp.
    let (fma, [mul, add, div, cmp]) = match function {
        Function::Relu => ([0, 0], [0, 0, 0, 1]),
        Function::LeakyRelu => ([0, 0], [1, 0, 0, 1]),
        Function::Exp => ([11, 15], [2, 1, 0, 2]),
        Function::ExpM1 => ([13, 17], [1, 9, 0, 3]),
        Function::Log => ([10, 21], [3, 3, 0, 4]),
        Function::Log1P => ([11, 22], [1, 6, 1, 5]),
        Function::Tanh => ([17, 29], [3, 4, 1, 2]),
        Function::Sigmoid => ([13, 17], [3, 8, 1, 5]),
        Function::Erf => ([24, 46], [2, 2, 0, 2]),
        Function::Softplus => ([20, 35], [3, 2, 0, 3]),
        Function::Silu => ([13, 17], [4, 8, 1, 5]),
        Function::Gelu => ([33, 55], [6, 6, 1, 3]),
        Function::GeluTanh => ([18, 22], [8, 18, 1, 5]),
        Function::Elu => ([13, 17], [1, 9, 0, 4]),
        Function::SiluDerivative => ([12, 16], [4, 2, 1, 4]),
        Function::GeluDerivative => ([37, 63], [8, 3, 0, 5]),
        Function::GeluTanhDerivative => ([13, 17], [8, 3, 1, 4]),
    };
    let fma = if element == "f32" { fma[0] } else { fma[1] };
    // In the order fma, mul, add, div, sqrt, cmp, convert.
    Kinds::small([fma, mul, add, div, 0, cmp, 0])
}
