//! The functions in f64, good to a few units in its last place: a reference for f32, whose unit is 2²⁹ times larger.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use nxm_kernels::Function;

/// What is tested.
pub const FUNCTIONS: &[Function] = &[
    Function::Exp,
    Function::ExpM1,
    Function::Log,
    Function::Log1P,
    Function::Tanh,
    Function::Sigmoid,
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

/// Whether the function is measured in units in the last place of 1: a derivative with a zero, whose neighbourhood nobody
/// needs to relative precision.
pub fn absolute(function: Function) -> bool {
    matches!(function, Function::SiluDerivative | Function::GeluDerivative | Function::GeluTanhDerivative)
}

/// f(x), by formulas that keep their relative precision in the tails; at infinities the limit.
pub fn reference(function: Function, x: f64) -> f64 {
    match function {
        Function::Exp => x.exp(),
        Function::ExpM1 => x.exp_m1(),
        Function::Log => x.ln(),
        Function::Log1P => x.ln_1p(),
        Function::Tanh => x.tanh(),
        Function::Sigmoid => sigmoid(x),
        Function::Erf => libm::erf(x),
        Function::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p() + if x.is_nan() { x } else { 0.0 },
        Function::Silu => at_finite(x, |x| x * sigmoid(x)),
        // Φ(x) = erfc(−x/√2)/2 is precise in the far tail, 1 + erf(x/√2) is not.
        Function::Gelu => at_finite(x, |x| x * normal(x)),
        Function::GeluTanh => at_finite(x, |x| x * sigmoid(gelu_tanh_inner(x))),
        Function::Elu if x > 0.0 => x,
        Function::Elu => x.exp_m1(),
        Function::SiluDerivative => derivative(x, |x| sigmoid(x) + x * sigmoid(x) * sigmoid(-x)),
        Function::GeluDerivative => derivative(x, |x| normal(x) + x * (-x * x / 2.0).exp() / (2.0 * PI).sqrt()),
        Function::GeluTanhDerivative => derivative(x, |x| {
            let w = gelu_tanh_inner(x);
            let slope = 2.0 * (2.0 / PI).sqrt() * (1.0 + 3.0 * 0.044715 * x * x);
            sigmoid(w) + x * slope * sigmoid(w) * sigmoid(-w)
        }),
        Function::Relu | Function::LeakyRelu => unreachable!("exact"),
    }
}

/// e^{−x} overflows far beyond where an f32 result is 0.
fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Φ(x).
fn normal(x: f64) -> f64 {
    libm::erfc(-x * FRAC_1_SQRT_2) / 2.0
}

fn gelu_tanh_inner(x: f64) -> f64 {
    2.0 * (2.0 / PI).sqrt() * x * (1.0 + 0.044715 * x * x)
}

/// f(x), but −0 at −∞, the limit of the linear units, which in f64 would be −∞·0.
fn at_finite(x: f64, f: impl Fn(f64) -> f64) -> f64 {
    if x == f64::NEG_INFINITY { -0.0 } else { f(x) }
}

/// f(x), but 0 or 1 where x·x overflows or an exponential does.
fn derivative(x: f64, f: impl Fn(f64) -> f64) -> f64 {
    f(x.clamp(-300.0, 300.0))
}
