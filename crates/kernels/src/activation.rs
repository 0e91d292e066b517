//! Activations, each forward beside its backward.
//!
//! Forward replaces a layer's sums z by its activations a = f(z), in place. Backward replaces ∂L/∂a by ∂L/∂z = ∂L/∂a · f'(z), in
//! place, where f' is computed from a: each of these derivatives is a function of the output.

use std::fmt;
use std::str::FromStr;

use crate::element::Element;
use crate::elementwise::{Elementwise, elementwise, map_slice};
use crate::executor::Executor;
use crate::function::Function;
use crate::math;
use crate::matrix::{MatrixMut, MatrixRef, ShapeError, check};
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
    pub const ALL: [Activation; 5] =
        [Activation::Identity, Activation::Relu, Activation::LeakyRelu, Activation::Sigmoid, Activation::Tanh];

    /// Its name: "identity", "relu", "leaky_relu", "sigmoid", "tanh".
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
        }
    }

    /// z ← f(z): one evaluation per element.
    pub fn forward<T: Element>(self, executor: &impl Executor, z: &mut [T]) {
        match self {
            Activation::Identity => {}
            Activation::Relu => elementwise(executor, Relu, [], z),
            Activation::LeakyRelu => elementwise(executor, LeakyRelu, [], z),
            Activation::Sigmoid => elementwise(executor, Sigmoid, [], z),
            Activation::Tanh => elementwise(executor, Tanh, [], z),
        }
    }

    /// δ ← δ · f'(z), where `a` = f(z).
    ///
    /// # Errors
    /// [`ShapeError`] if `a` and `delta` differ in length.
    pub fn backward<T: Element>(self, executor: &impl Executor, a: &[T], delta: &mut [T]) -> Result<(), ShapeError> {
        check("activation: length of the outputs against the gradient", delta.len(), a.len())?;
        match self {
            Activation::Identity => {}
            Activation::Relu => elementwise(executor, Relu, [a], delta),
            Activation::LeakyRelu => elementwise(executor, LeakyRelu, [a], delta),
            Activation::Sigmoid => elementwise(executor, Sigmoid, [a], delta),
            Activation::Tanh => elementwise(executor, Tanh, [a], delta),
        }
        Ok(())
    }
}

impl Activation {
    /// z ← f(z) in each row: the body of a product's epilogue.
    #[inline(always)]
    pub(crate) fn forward_rows<T: Element, S: Simd<T>>(self, simd: S, z: &mut MatrixMut<'_, T>) {
        match self {
            Activation::Identity => {}
            Activation::Relu => map_rows(simd, Relu, [], z),
            Activation::LeakyRelu => map_rows(simd, LeakyRelu, [], z),
            Activation::Sigmoid => map_rows(simd, Sigmoid, [], z),
            Activation::Tanh => map_rows(simd, Tanh, [], z),
        }
    }

    /// δ ← δ · f'(z) in each row, where `a` = f(z).
    #[inline(always)]
    pub(crate) fn backward_rows<T: Element, S: Simd<T>>(
        self,
        simd: S,
        a: MatrixRef<'_, T>,
        delta: &mut MatrixMut<'_, T>,
    ) {
        match self {
            Activation::Identity => {}
            Activation::Relu => map_rows(simd, Relu, [a], delta),
            Activation::LeakyRelu => map_rows(simd, LeakyRelu, [a], delta),
            Activation::Sigmoid => map_rows(simd, Sigmoid, [a], delta),
            Activation::Tanh => map_rows(simd, Tanh, [a], delta),
        }
    }
}

/// An elementwise kernel on each row.
#[inline(always)]
fn map_rows<T: Element, S: Simd<T>, F: Elementwise<T, N>, const N: usize>(
    simd: S,
    f: F,
    inputs: [MatrixRef<'_, T>; N],
    out: &mut MatrixMut<'_, T>,
) {
    for i in 0..out.rows() {
        map_slice(simd, f, inputs.map(|input| input.row(i)), out.row(i));
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

impl<T: Element> Elementwise<T, 0> for Relu {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, z: S::Vector, _: [S::Vector; 0]) -> S::Vector {
        // In this order NaN stays NaN.
        simd.inside(Function::Relu).max(simd.splat(T::ZERO), z)
    }
}

impl<T: Element> Elementwise<T, 1> for Relu {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, delta: S::Vector, [a]: [S::Vector; 1]) -> S::Vector {
        simd.keep(simd.lt(simd.splat(T::ZERO), a), delta)
    }
}

#[derive(Clone, Copy)]
struct LeakyRelu;

impl<T: Element> Elementwise<T, 0> for LeakyRelu {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, z: S::Vector, _: [S::Vector; 0]) -> S::Vector {
        leaky_relu(simd, z)
    }
}

impl<T: Element> Elementwise<T, 1> for LeakyRelu {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, delta: S::Vector, [a]: [S::Vector; 1]) -> S::Vector {
        // A choice between the factors and not the products: LLVM makes a masked store of "the old value or a new one".
        let slope = simd.splat(T::from_f64(LEAKY_SLOPE));
        simd.mul(simd.select(simd.lt(simd.splat(T::ZERO), a), simd.splat(T::ONE), slope), delta)
    }
}

/// The larger of x and slope·x, as 0 < slope < 1; in this order NaN stays NaN.
#[inline(always)]
pub(crate) fn leaky_relu<T: Element, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let simd = simd.inside(Function::LeakyRelu);
    simd.max(simd.mul(simd.splat(T::from_f64(LEAKY_SLOPE)), x), x)
}

#[derive(Clone, Copy)]
struct Sigmoid;

impl<T: Element> Elementwise<T, 0> for Sigmoid {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, z: S::Vector, _: [S::Vector; 0]) -> S::Vector {
        math::sigmoid(simd, z)
    }
}

impl<T: Element> Elementwise<T, 1> for Sigmoid {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, delta: S::Vector, [a]: [S::Vector; 1]) -> S::Vector {
        simd.mul(delta, simd.mul(a, simd.sub(simd.splat(T::ONE), a)))
    }
}

#[derive(Clone, Copy)]
struct Tanh;

impl<T: Element> Elementwise<T, 0> for Tanh {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, z: S::Vector, _: [S::Vector; 0]) -> S::Vector {
        math::tanh(simd, z)
    }
}

impl<T: Element> Elementwise<T, 1> for Tanh {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, delta: S::Vector, [a]: [S::Vector; 1]) -> S::Vector {
        simd.mul(delta, simd.neg_mul_add(a, a, simd.splat(T::ONE)))
    }
}
