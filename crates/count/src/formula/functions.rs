//! What one evaluation of each function executes.

use nxm_kernels::Function;

use crate::kind::Kinds;

/// What one evaluation of `function` executes, in an element type (as [`nxm_kernels::Element::NAME`]).
///
/// f64 has the longer polynomials; all else is the same for both.
pub fn inside(function: Function, element: &str) -> Kinds {
    // Terms of the polynomials beyond the constant one: one fma each.
    let (exp, log) = match element {
        "f32" => (5, 3),
        _ => (10, 6),
    };
    // In the order fma, mul, add, div, sqrt, cmp, convert.
    Kinds::small(match function {
        Function::Relu => [0, 0, 0, 0, 0, 1, 0],
        Function::LeakyRelu => [0, 1, 0, 0, 0, 1, 0],
        Function::Exp => [exp + 5, 3, 5, 0, 0, 2, 0],
        Function::Log => [log + 2, 6, 7, 1, 0, 4, 0],
        // An exp; its sign, 1 + e, and the quotient.
        Function::Sigmoid => [exp + 5, 3, 6, 1, 0, 3, 0],
        Function::Tanh => [exp + 5, 1, 4, 1, 0, 1, 0],
    })
}
