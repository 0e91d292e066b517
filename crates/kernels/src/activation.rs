//! Activations, each forward beside its backward.
//!
//! Forward replaces a layer's sums z by its activations a = f(z), in place. Backward replaces ∂L/∂a by ∂L/∂z = ∂L/∂a · f'(z), in
//! place, where f' is computed from a wherever it is a function of the output, and from z where it is not ([`Kept`]).

use std::fmt;
use std::str::FromStr;

use crate::call::{Call, Op};
use crate::element::{Element, Lane};
use crate::elementwise::Elementwise;
use crate::elementwise::rows::call_rows;
use crate::executor::Executor;
use crate::layout::ShapeError;
use crate::math::{self, Function, evaluate};
use crate::matrix::{MatrixMut, MatrixRef};
use crate::name::UnknownName;
use crate::simd::Simd;

/// Each row: NAME, what the derivative is computed from, the derivative, the function it evaluates if it does. An activation's own
/// function has the same name.
macro_rules! activations {
    ($($(#[$doc:meta])* $activation:ident, $kept:ident, $derivative:expr, [$($evaluates:ident)?];)*) => {
        /// The function a layer applies to each of its sums.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Activation {
            /// a = z; the derivative is 1. No operations.
            Identity,
            $($(#[$doc])* $activation,)*
        }

        impl Activation {
            /// All of them.
            pub const ALL: [Activation; 1 + [$(Activation::$activation),*].len()] =
                [Activation::Identity, $(Activation::$activation),*];

            /// The function that is counted for each unit; none for the identity.
            pub fn function(self) -> Option<Function> {
                match self {
                    Activation::Identity => None,
                    $(Activation::$activation => Some(Function::$activation),)*
                }
            }

            /// What [`backward`](Self::backward) computes the derivative from.
            pub fn kept(self) -> Kept {
                match self {
                    Activation::Identity => Kept::Outputs,
                    $(Activation::$activation => Kept::$kept,)*
                }
            }

            /// The function that the derivative evaluates for each unit, and multiplies δ by; none where a few operations do.
            pub fn derivative_function(self) -> Option<Function> {
                match self {
                    $($(Activation::$activation => Some(Function::$evaluates),)?)*
                    _ => None,
                }
            }

            /// δ ← δ · f'(z) in each row, where `kept` is f(z), or z, as [`kept`](Self::kept) says.
            #[inline(always)]
            pub(crate) fn derive_rows<T: Lane, S: Simd<T>>(
                self,
                simd: S,
                kept: MatrixRef<'_, T>,
                delta: &mut MatrixMut<'_, T>,
            ) {
                match self {
                    Activation::Identity => {}
                    $(Activation::$activation => call_rows(simd, $derivative, [kept], delta),)*
                }
            }
        }
    };
}

activations! {
    /// a = max(0, z); the derivative is 1 where a > 0, else 0 (at 0 too). Backward: 1 cmp.
    Relu, Outputs, Relu, [];
    /// a = z where z > 0, else 0.01·z; the derivative is 1 or 0.01. Backward: 1 cmp, 1 mul.
    LeakyRelu, Outputs, LeakyRelu, [];
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
    /// a = ln(1 + eᶻ); the derivative σ(z) is 1 − e⁻ᵃ. Backward: 1 evaluation (of eˣ − 1), 1 mul.
    Softplus, Outputs, Softplus, [ExpM1];
    /// a = z where z > 0, else eᶻ − 1; the derivative is 1 or a + 1. Backward: 1 cmp, 1 fma.
    Elu, Outputs, Elu, [];
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
    /// Its name: "identity", or that of its [`Function`].
    pub fn name(self) -> &'static str {
        match self.function() {
            Some(function) => function.name(),
            None => "identity",
        }
    }

    /// z ← f(z): one evaluation per element.
    pub fn forward<T: Element>(self, executor: &dyn Executor, z: &mut [T]) {
        T::run(executor, Call(Op::Activate { activation: self, sums: None, z: MatrixMut::from_row(z) }), None);
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
        Call::checked(Op::Activate { activation, sums: None, z })
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
        Call::checked(Op::Activate { activation, sums: Some(sums), z })
    }

    /// δ ← δ ⊙ f'(z), a matrix of what the forward pass kept and one of gradients: see [`Activation::backward`].
    ///
    /// # Errors
    /// [`ShapeError`] if their shapes differ or a row's elements don't stand side by side.
    pub fn derive(activation: Activation, kept: MatrixRef<'a, T>, delta: MatrixMut<'a, T>) -> Result<Self, ShapeError> {
        Call::checked(Op::Derive { activation, kept, delta })
    }
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Activation {
    type Err = UnknownName;
    fn from_str(name: &str) -> Result<Self, UnknownName> {
        UnknownName::find("activation", name, &Activation::ALL, |activation| activation.name())
    }
}

#[derive(Clone, Copy)]
struct Relu;

impl<T: Lane> Elementwise<T, 1> for Relu {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, delta: S::Vector, [a]: [S::Vector; 1]) -> S::Vector {
        simd.keep(simd.lt(simd.splat(T::ZERO), a), delta)
    }
}

#[derive(Clone, Copy)]
struct LeakyRelu;

impl<T: Lane> Elementwise<T, 1> for LeakyRelu {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, delta: S::Vector, [a]: [S::Vector; 1]) -> S::Vector {
        // A choice between the factors and not the products: LLVM makes a masked store of "the old value or a new one".
        let slope = simd.splat(T::CONSTANTS.leaky_slope);
        simd.mul(simd.select(simd.lt(simd.splat(T::ZERO), a), simd.splat(T::ONE), slope), delta)
    }
}

#[derive(Clone, Copy)]
struct Sigmoid;

impl<T: Lane> Elementwise<T, 1> for Sigmoid {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, delta: S::Vector, [a]: [S::Vector; 1]) -> S::Vector {
        simd.mul(delta, simd.mul(a, simd.sub(simd.splat(T::ONE), a)))
    }
}

#[derive(Clone, Copy)]
struct Tanh;

impl<T: Lane> Elementwise<T, 1> for Tanh {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, delta: S::Vector, [a]: [S::Vector; 1]) -> S::Vector {
        simd.mul(delta, simd.neg_mul_add(a, a, simd.splat(T::ONE)))
    }
}

/// δ·f'(z), f' the function whose discriminant is F.
#[derive(Clone, Copy)]
struct By<const F: usize>;

impl<T: Lane, const F: usize> Elementwise<T, 1> for By<F> {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, delta: S::Vector, [z]: [S::Vector; 1]) -> S::Vector {
        simd.mul(delta, evaluate::<T, S, F>(simd, z))
    }
}

#[derive(Clone, Copy)]
struct Softplus;

impl<T: Lane> Elementwise<T, 1> for Softplus {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, delta: S::Vector, [a]: [S::Vector; 1]) -> S::Vector {
        // σ(z) = 1 − e⁻ᵃ, to full precision where it is small too.
        simd.mul(delta, simd.neg(math::exp_m1(simd, simd.neg(a))))
    }
}

#[derive(Clone, Copy)]
struct Elu;

impl<T: Lane> Elementwise<T, 1> for Elu {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, delta: S::Vector, [a]: [S::Vector; 1]) -> S::Vector {
        simd.select(simd.lt(simd.splat(T::ZERO), a), delta, simd.mul_add(delta, a, delta))
    }
}

#[derive(Clone, Copy)]
struct Relu6;

impl<T: Lane> Elementwise<T, 1> for Relu6 {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, delta: S::Vector, [a]: [S::Vector; 1]) -> S::Vector {
        let below = simd.keep(simd.lt(a, simd.splat(T::CONSTANTS.six)), delta);
        simd.keep(simd.lt(simd.splat(T::ZERO), a), below)
    }
}

#[derive(Clone, Copy)]
struct HardTanh;

impl<T: Lane> Elementwise<T, 1> for HardTanh {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, delta: S::Vector, [a]: [S::Vector; 1]) -> S::Vector {
        simd.keep(simd.lt(simd.abs(a), simd.splat(T::ONE)), delta)
    }
}

#[derive(Clone, Copy)]
struct HardSigmoid;

impl<T: Lane> Elementwise<T, 1> for HardSigmoid {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, delta: S::Vector, [a]: [S::Vector; 1]) -> S::Vector {
        let below = simd.keep(simd.lt(a, simd.splat(T::ONE)), simd.splat(T::CONSTANTS.sixth));
        simd.mul(simd.keep(simd.lt(simd.splat(T::ZERO), a), below), delta)
    }
}

#[derive(Clone, Copy)]
struct HardSwish;

impl<T: Lane> Elementwise<T, 1> for HardSwish {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, delta: S::Vector, [z]: [S::Vector; 1]) -> S::Vector {
        let c = &T::CONSTANTS;
        let slope = simd.mul_add(z, simd.splat(c.third), simd.splat(c.half));
        let slope = simd.select(simd.lt(z, simd.splat(c.three)), slope, simd.splat(T::ONE));
        simd.mul(simd.keep(simd.lt(simd.splat(c.minus_three), z), slope), delta)
    }
}

#[derive(Clone, Copy)]
struct LogSigmoid;

impl<T: Lane> Elementwise<T, 1> for LogSigmoid {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, delta: S::Vector, [a]: [S::Vector; 1]) -> S::Vector {
        // σ(−z) = 1 − eᵃ, to full precision where it is small too.
        simd.mul(delta, simd.neg(math::exp_m1(simd, a)))
    }
}

#[derive(Clone, Copy)]
struct Selu;

impl<T: Lane> Elementwise<T, 1> for Selu {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, delta: S::Vector, [a]: [S::Vector; 1]) -> S::Vector {
        let c = &T::CONSTANTS;
        let below = simd.add(a, simd.splat(c.selu_below));
        simd.mul(simd.select(simd.lt(simd.splat(T::ZERO), a), simd.splat(c.selu_scale), below), delta)
    }
}

#[derive(Clone, Copy)]
struct Softsign;

impl<T: Lane> Elementwise<T, 1> for Softsign {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, delta: S::Vector, [a]: [S::Vector; 1]) -> S::Vector {
        let rest = simd.sub(simd.splat(T::ONE), simd.abs(a));
        simd.mul(delta, simd.mul(rest, rest))
    }
}
