//! The functions in f64, good to a few units in its last place: a reference for f32, whose unit is 2²⁹ times larger.

use nxm_kernels::Function;

/// What is tested.
pub const FUNCTIONS: &[Function] = &[
    Function::Exp,
    Function::ExpM1,
    Function::Log,
    Function::Log1P,
    Function::Tanh,
    Function::Sigmoid,
];

/// f(x).
pub fn reference(function: Function, x: f64) -> f64 {
    match function {
        Function::Exp => x.exp(),
        Function::ExpM1 => x.exp_m1(),
        Function::Log => x.ln(),
        Function::Log1P => x.ln_1p(),
        Function::Tanh => x.tanh(),
        Function::Sigmoid => sigmoid(x),
        Function::Relu | Function::LeakyRelu => unreachable!("exact"),
    }
}

/// e^{−x} overflows far beyond where an f32 result is 0.
fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}
