//! The functions that are counted by name.

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
