//! Activations, each forward beside its backward.
//!
//! Forward replaces a layer's sums z by its activations a = f(z), in place. Backward replaces ∂L/∂a by ∂L/∂z = ∂L/∂a · f'(z), in
//! place, where f' is computed from a wherever it is a function of the output, and from z where it is not ([`Kept`]).

use std::fmt;
use std::str::FromStr;

use crate::call::{Call, Op};
use crate::element::Element;
use crate::elementwise::Elementwise;
use crate::executor::Executor;
use crate::function::Function;
use crate::gemm::follow::call_rows;
use crate::layout::ShapeError;
use crate::math;
use crate::matrix::{MatrixMut, MatrixRef};
use crate::simd::Simd;

/// The function a layer applies to each of its sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Activation {
    /// a = z; the derivative is 1. No operations.
    Identity,
    /// a = max(0, z); the derivative is 1 where a > 0, else 0 (at 0 too). Backward: 1 cmp.
    Relu,
    /// a = z where z > 0, else 0.01·z; the derivative is 1 or 0.01. Backward: 1 cmp, 1 mul.
    LeakyRelu,
    /// a = 1/(1 + e⁻ᶻ); the derivative is a·(1 − a). Backward: 1 add, 2 mul.
    Sigmoid,
    /// a = tanh z; the derivative is 1 − a². Backward: 1 fma, 1 mul.
    Tanh,
    /// a = z·Φ(z), Φ the normal distribution; the derivative Φ(z) + z·φ(z) is one of z. Backward: 1 evaluation, 1 mul.
    Gelu,
    /// GELU's approximation by tanh; the derivative is one of z. Backward: 1 evaluation, 1 mul.
    GeluTanh,
    /// a = z·σ(z); the derivative σ(z) + z·σ(z)·σ(−z) is one of z. Backward: 1 evaluation, 1 mul.
    Silu,
    /// a = ln(1 + eᶻ); the derivative σ(z) is 1 − e⁻ᵃ. Backward: 1 evaluation (of eˣ − 1), 1 mul.
    Softplus,
    /// a = z where z > 0, else eᶻ − 1; the derivative is 1 or a + 1. Backward: 1 cmp, 1 fma.
    Elu,
}

/// What a derivative is computed from: what the forward pass must keep of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kept {
    /// The outputs a = f(z), which the next layer needs too.
    Outputs,
    /// The sums z.
    Sums,
}

/// The slope of [`Activation::LeakyRelu`] below zero, PyTorch's default.
pub const LEAKY_SLOPE: f64 = 0.01;

/// The name of an activation that does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownActivation(
    /// The name.
    pub String,
);

impl fmt::Display for UnknownActivation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no activation is called {:?}; there are ", self.0)?;
        for (i, activation) in Activation::ALL.iter().enumerate() {
            write!(f, "{}{activation}", if i == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownActivation {}

impl Activation {
    /// All of them.
    pub const ALL: [Activation; 10] = [
        Activation::Identity,
        Activation::Relu,
        Activation::LeakyRelu,
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::Gelu,
        Activation::GeluTanh,
        Activation::Silu,
        Activation::Softplus,
        Activation::Elu,
    ];

    /// Its name: "identity", or that of its [`Function`].
    pub fn name(self) -> &'static str {
        match self.function() {
            Some(function) => function.name(),
            None => "identity",
        }
    }

    /// The function that is counted for each unit; none for the identity.
    pub fn function(self) -> Option<Function> {
        match self {
            Activation::Identity => None,
            Activation::Relu => Some(Function::Relu),
            Activation::LeakyRelu => Some(Function::LeakyRelu),
            Activation::Sigmoid => Some(Function::Sigmoid),
            Activation::Tanh => Some(Function::Tanh),
            Activation::Gelu => Some(Function::Gelu),
            Activation::GeluTanh => Some(Function::GeluTanh),
            Activation::Silu => Some(Function::Silu),
            Activation::Softplus => Some(Function::Softplus),
            Activation::Elu => Some(Function::Elu),
        }
    }

    /// What [`backward`](Self::backward) computes the derivative from.
    pub fn kept(self) -> Kept {
        match self {
            Activation::Gelu | Activation::GeluTanh | Activation::Silu => Kept::Sums,
            Activation::Identity
            | Activation::Relu
            | Activation::LeakyRelu
            | Activation::Sigmoid
            | Activation::Tanh
            | Activation::Softplus
            | Activation::Elu => Kept::Outputs,
        }
    }

    /// z ← f(z): one evaluation per element.
    pub fn forward<T: Element>(self, executor: &dyn Executor, z: &mut [T]) {
        T::run(executor, Call(Op::Activate { activation: self, z: MatrixMut::from_row(z) }), None);
    }

    /// δ ← δ · f'(z), where `kept` is f(z), or z, as [`kept`](Self::kept) says.
    ///
    /// # Errors
    /// [`ShapeError`] if `kept` and `delta` differ in length.
    pub fn backward<T: Element>(self, executor: &dyn Executor, kept: &[T], delta: &mut [T]) -> Result<(), ShapeError> {
        T::run(executor, Call::derive(self, MatrixRef::from_row(kept), MatrixMut::from_row(delta))?, None);
        Ok(())
    }

    /// δ ← δ · f'(z) in each row, where `kept` is f(z), or z, as [`kept`](Self::kept) says.
    #[inline(always)]
    pub(crate) fn derive_rows<T: Element, S: Simd<T>>(
        self,
        simd: S,
        kept: MatrixRef<'_, T>,
        delta: &mut MatrixMut<'_, T>,
    ) {
        match self {
            Activation::Identity => {}
            Activation::Relu => call_rows(simd, Relu, [kept], delta),
            Activation::LeakyRelu => call_rows(simd, LeakyRelu, [kept], delta),
            Activation::Sigmoid => call_rows(simd, Sigmoid, [kept], delta),
            Activation::Tanh => call_rows(simd, Tanh, [kept], delta),
            Activation::Gelu => call_rows(simd, Gelu, [kept], delta),
            Activation::GeluTanh => call_rows(simd, GeluTanh, [kept], delta),
            Activation::Silu => call_rows(simd, Silu, [kept], delta),
            Activation::Softplus => call_rows(simd, Softplus, [kept], delta),
            Activation::Elu => call_rows(simd, Elu, [kept], delta),
        }
    }
}

impl<'a, T: Element> Call<'a, T> {
    /// z ← f(z) for each element of `z`: see [`Activation::forward`].
    ///
    /// # Errors
    /// [`ShapeError`] if elements of a row don't stand side by side.
    pub fn activate(activation: Activation, z: MatrixMut<'a, T>) -> Result<Self, ShapeError> {
        Call::checked(Op::Activate { activation, z })
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
    type Err = UnknownActivation;
    fn from_str(name: &str) -> Result<Self, UnknownActivation> {
        let found = Activation::ALL.into_iter().find(|activation| activation.name() == name);
        found.ok_or_else(|| UnknownActivation(name.to_owned()))
    }
}

#[derive(Clone, Copy)]
struct Relu;

impl<T: Element> Elementwise<T, 1> for Relu {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, delta: S::Vector, [a]: [S::Vector; 1]) -> S::Vector {
        simd.keep(simd.lt(simd.splat(T::ZERO), a), delta)
    }
}

#[derive(Clone, Copy)]
struct LeakyRelu;

impl<T: Element> Elementwise<T, 1> for LeakyRelu {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, delta: S::Vector, [a]: [S::Vector; 1]) -> S::Vector {
        // A choice between the factors and not the products: LLVM makes a masked store of "the old value or a new one".
        let slope = simd.splat(T::from_f64(LEAKY_SLOPE));
        simd.mul(simd.select(simd.lt(simd.splat(T::ZERO), a), simd.splat(T::ONE), slope), delta)
    }
}

#[derive(Clone, Copy)]
struct Sigmoid;

impl<T: Element> Elementwise<T, 1> for Sigmoid {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, delta: S::Vector, [a]: [S::Vector; 1]) -> S::Vector {
        simd.mul(delta, simd.mul(a, simd.sub(simd.splat(T::ONE), a)))
    }
}

#[derive(Clone, Copy)]
struct Tanh;

impl<T: Element> Elementwise<T, 1> for Tanh {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, delta: S::Vector, [a]: [S::Vector; 1]) -> S::Vector {
        simd.mul(delta, simd.neg_mul_add(a, a, simd.splat(T::ONE)))
    }
}

#[derive(Clone, Copy)]
struct Gelu;

impl<T: Element> Elementwise<T, 1> for Gelu {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, delta: S::Vector, [z]: [S::Vector; 1]) -> S::Vector {
        simd.mul(delta, math::gelu_derivative(simd, z))
    }
}

#[derive(Clone, Copy)]
struct GeluTanh;

impl<T: Element> Elementwise<T, 1> for GeluTanh {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, delta: S::Vector, [z]: [S::Vector; 1]) -> S::Vector {
        simd.mul(delta, math::gelu_tanh_derivative(simd, z))
    }
}

#[derive(Clone, Copy)]
struct Silu;

impl<T: Element> Elementwise<T, 1> for Silu {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, delta: S::Vector, [z]: [S::Vector; 1]) -> S::Vector {
        simd.mul(delta, math::silu_derivative(simd, z))
    }
}

#[derive(Clone, Copy)]
struct Softplus;

impl<T: Element> Elementwise<T, 1> for Softplus {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, delta: S::Vector, [a]: [S::Vector; 1]) -> S::Vector {
        // σ(z) = 1 − e⁻ᵃ, to full precision where it is small too.
        simd.mul(delta, simd.neg(math::exp_m1(simd, simd.neg(a))))
    }
}

#[derive(Clone, Copy)]
struct Elu;

impl<T: Element> Elementwise<T, 1> for Elu {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, delta: S::Vector, [a]: [S::Vector; 1]) -> S::Vector {
        simd.select(simd.lt(simd.splat(T::ZERO), a), delta, simd.mul_add(delta, a, delta))
    }
}
