//! Activations, each forward beside its backward.
//!
//! Forward replaces a layer's sums z by its activations a = f(z), in place. Backward replaces ∂L/∂a by ∂L/∂z = ∂L/∂a · f'(z), in
//! place, where f' is computed from a wherever it is a function of the output, and from z where it is not ([`Kept`]).

mod derivatives;
mod parameters;

pub use parameters::ActivationError;

use derivatives::*;

use crate::call::{Call, Op};
use crate::element::{Element, Lane};
use crate::elementwise::rows::call_rows;
use crate::executor::Executor;
use crate::layout::ShapeError;
use crate::math::{Function, LEAKY_SLOPE, Parameters, THRESHOLD};
use crate::matrix::{MatrixMut, MatrixRef};
use crate::simd::Simd;

/// Each row: NAME and its parameters with their defaults, what the derivative is computed from, the derivative, the function it evaluates
/// if it does. An activation's own function has the same name. The derivative of an activation with parameters is made of them.
macro_rules! activations {
    ($(
        $(#[$doc:meta])*
        $activation:ident $({ $($(#[$field_doc:meta])* $field:ident = $default:expr),* })?,
        $kept:ident, $derivative:expr, [$($evaluates:ident)?];
    )*) => {
        /// The function a layer applies to each of its sums.
        ///
        /// The parameters that some have are f64 whatever the type of the numbers, and are rounded to that type once for each call.
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub enum Activation {
            /// a = z; the derivative is 1. No operations.
            Identity,
            $($(#[$doc])* $activation $({ $($(#[$field_doc])* $field: f64),* })?,)*
        }

        impl Activation {
            /// All of them, by their default parameters.
            pub const ALL: [Activation; 1 + [$(stringify!($activation)),*].len()] =
                [Activation::Identity, $(Activation::$activation $({ $($field: $default),* })?),*];

            /// The function that is counted for each unit; none for the identity.
            pub fn function(self) -> Option<Function> {
                match self {
                    Activation::Identity => None,
                    $(Activation::$activation { .. } => Some(Function::$activation),)*
                }
            }

            /// What [`backward`](Self::backward) computes the derivative from.
            pub fn kept(self) -> Kept {
                match self {
                    Activation::Identity => Kept::Outputs,
                    $(Activation::$activation { .. } => Kept::$kept,)*
                }
            }

            /// The function that the derivative evaluates for each unit, and multiplies δ by; none where a few operations do.
            pub fn derivative_function(self) -> Option<Function> {
                match self {
                    $($(Activation::$activation { .. } => Some(Function::$evaluates),)?)*
                    _ => None,
                }
            }

            /// The names and values of its parameters, in the order in which its text has them.
            pub fn parameters(self) -> Vec<(&'static str, f64)> {
                match self {
                    Activation::Identity => Vec::new(),
                    $(Activation::$activation $({ $($field),* })? => vec![$($((stringify!($field), $field)),*)?],)*
                }
            }

            /// The same activation by other parameters, if there are as many as it has.
            pub fn with_parameters(self, parameters: &[f64]) -> Option<Activation> {
                let mut values = parameters.iter().copied();
                let made = match self {
                    Activation::Identity => self,
                    $(Activation::$activation { .. } => {
                        Activation::$activation $({ $($field: values.next()?),* })?
                    })*
                };
                values.next().is_none().then_some(made)
            }

            /// δ ← δ · f'(z) in each row, where `kept` is f(z), or z, as [`kept`](Self::kept) says.
            #[inline(always)]
            pub(crate) fn derive_rows<T: Lane, S: Simd<T>>(
                self,
                simd: S,
                parameters: Parameters<T>,
                kept: MatrixRef<'_, T>,
                delta: &mut MatrixMut<'_, T>,
            ) {
                match self {
                    Activation::Identity => {}
                    $(Activation::$activation { .. } => {
                        let derivative = $derivative $(({
                            $(let _ = stringify!($field);)*
                            parameters
                        }))?;
                        call_rows(simd, derivative, [kept], delta);
                    })*
                }
            }
        }
    };
}

activations! {
    /// a = max(0, z); the derivative is 1 where a > 0, else 0 (at 0 too). Backward: 1 cmp.
    Relu, Outputs, Relu, [];
    /// a = z where z > 0, else slope·z; the derivative is 1 or the slope. Backward: 1 cmp, 1 mul.
    LeakyRelu {
        /// The slope below 0, itself not below 0: else an output would not tell on which side its sum is.
        slope = LEAKY_SLOPE
    }, Outputs, LeakyRelu, [];
    /// a = 1/(1 + e⁻ᶻ); the derivative is a·(1 − a). Backward: 1 add, 2 mul.
    Sigmoid, Outputs, Sigmoid, [];
    /// a = tanh z; the derivative is 1 − a². Backward: 1 fma, 1 mul.
    Tanh, Outputs, Tanh, [];
    /// a = z·Φ(z), Φ the normal distribution; the derivative Φ(z) + z·φ(z) is one of z. Backward: 1 evaluation, 1 mul.
    Gelu, Sums, By::<{ Function::GeluDerivative as usize }>, [GeluDerivative];
    /// GELU's approximation by tanh; the derivative is one of z. Backward: 1 evaluation, 1 mul.
    GeluTanh, Sums, By::<{ Function::GeluTanhDerivative as usize }>, [GeluTanhDerivative];
    /// a = z·σ(z); the derivative σ(z) + z·σ(z)·σ(−z) is one of z. Backward: 1 evaluation, 1 mul.
    Silu, Sums, By::<{ Function::SiluDerivative as usize }>, [SiluDerivative];
    /// a = z where β·z is above the threshold, else ln(1 + e^{β·z})/β; the derivative is 1 or σ(β·z). Backward: 1 evaluation (of σ), 1 cmp, 2
    /// mul.
    Softplus {
        /// β, above 0.
        beta = 1.0,
        /// Where the line begins, not below 0.
        threshold = THRESHOLD
    }, Sums, Softplus, [Sigmoid];
    /// a = z where z > 0, else α·(eᶻ − 1); the derivative is 1 or a + α. Backward: 1 cmp, 1 fma, 1 mul.
    Elu {
        /// α, not below 0: else an output would not tell on which side its sum is.
        alpha = 1.0
    }, Outputs, Elu, [];
    /// a = max(0, z) + min(0, α·(e^{z/α} − 1)); the derivative is 1 or a/α + 1. Backward: 1 cmp, 1 fma, 1 mul.
    Celu {
        /// α, above 0.
        alpha = 1.0
    }, Outputs, Celu, [];
    /// a = min(max(0, z), 6); the derivative is 1 where 0 < a < 6, else 0. Backward: 2 cmp.
    Relu6, Outputs, Relu6, [];
    /// a = min(max(−1, z), 1); the derivative is 1 where −1 < a < 1, else 0. Backward: 1 cmp.
    HardTanh, Outputs, HardTanh, [];
    /// a = min(max(0, z + 3), 6)/6; the derivative is ⅙ where 0 < a < 1, else 0. Backward: 2 cmp, 1 mul.
    HardSigmoid, Outputs, HardSigmoid, [];
    /// a = z·min(max(0, z + 3), 6)/6; the derivative is 0 from −3 down, 1 from 3 up, and z/3 + ½ between. Backward: 2 cmp, 1 fma, 1 mul.
    HardSwish, Sums, HardSwish, [];
    /// a = ln σ(z); the derivative σ(−z) is 1 − eᵃ. Backward: 1 evaluation (of eˣ − 1), 1 mul.
    LogSigmoid, Outputs, LogSigmoid, [ExpM1];
    /// a = λ·z where z > 0, else λ·α·(eᶻ − 1); the derivative is λ or a + λ·α. Backward: 1 cmp, 1 add, 1 mul.
    Selu, Outputs, Selu, [];
    /// a = z/(1 + |z|); the derivative is (1 − |a|)². Backward: 1 add, 2 mul.
    Softsign, Outputs, Softsign, [];
    /// a = z·tanh(ln(1 + eᶻ)); the derivative is one of z. Backward: 1 evaluation, 1 mul.
    Mish, Sums, By::<{ Function::MishDerivative as usize }>, [MishDerivative];
}

/// What a derivative is computed from: what the forward pass must keep of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kept {
    /// The outputs a = f(z), which the next layer needs too.
    Outputs,
    /// The sums z.
    Sums,
}

impl Activation {
    /// Its name without its parameters: "identity", or that of its [`Function`].
    pub fn name(self) -> &'static str {
        match self.function() {
            Some(function) => function.name(),
            None => "identity",
        }
    }

    /// z ← f(z): one evaluation per element.
    pub fn forward<T: Element>(self, executor: &dyn Executor, z: &mut [T]) {
        T::run(
            executor,
            Call(Op::Activate { activation: self, parameters: self.rounded(), sums: None, z: MatrixMut::from_row(z) }),
            None,
        );
    }

    /// δ ← δ · f'(z), where `kept` is f(z), or z, as [`kept`](Self::kept) says.
    ///
    /// # Errors
    /// [`ShapeError`] if `kept` and `delta` differ in length.
    pub fn backward<T: Element>(self, executor: &dyn Executor, kept: &[T], delta: &mut [T]) -> Result<(), ShapeError> {
        T::run(executor, Call::derive(self, MatrixRef::from_row(kept), MatrixMut::from_row(delta))?, None);
        Ok(())
    }
}

impl<'a, T: Element> Call<'a, T> {
    /// z ← f(z) for each element of `z`: see [`Activation::forward`].
    ///
    /// # Errors
    /// [`ShapeError`] if elements of a row don't stand side by side.
    pub fn activate(activation: Activation, z: MatrixMut<'a, T>) -> Result<Self, ShapeError> {
        Call::checked(Op::Activate { activation, parameters: activation.rounded(), sums: None, z })
    }

    /// The same, and `sums` becomes what z was: for activations whose derivative needs z ([`Activation::kept`]).
    ///
    /// # Errors
    /// [`ShapeError`] if elements of a row don't stand side by side, or if the shapes differ.
    pub fn activate_keeping(
        activation: Activation,
        sums: MatrixMut<'a, T>,
        z: MatrixMut<'a, T>,
    ) -> Result<Self, ShapeError> {
        Call::checked(Op::Activate { activation, parameters: activation.rounded(), sums: Some(sums), z })
    }

    /// δ ← δ ⊙ f'(z), a matrix of what the forward pass kept and one of gradients: see [`Activation::backward`].
    ///
    /// # Errors
    /// [`ShapeError`] if their shapes differ or a row's elements don't stand side by side.
    pub fn derive(activation: Activation, kept: MatrixRef<'a, T>, delta: MatrixMut<'a, T>) -> Result<Self, ShapeError> {
        Call::checked(Op::Derive { activation, parameters: activation.rounded(), kept, delta })
    }
}
