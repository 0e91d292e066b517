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
}

impl Function {
    /// All of them, in the order of their discriminants.
    pub const ALL: [Function; 8] = [
        Function::Exp,
        Function::Log,
        Function::Relu,
        Function::LeakyRelu,
        Function::Sigmoid,
        Function::Tanh,
        Function::ExpM1,
        Function::Log1P,
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
        }
    }
}
