//! The weights a layer begins with.

use nxm_kernels::{Activation, Element, MatrixMut};
use rand_core::Rng;

use crate::random::uniform;

/// How far weights spread at the beginning: uniform in ±bound. Biases begin at 0.
///
/// A weight is drawn in f64 and rounded to the network's element type, so a seed means the same weights in f32 and f64;
/// layers are drawn one after the other, each row by row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Initialization {
    /// bound = √(6 / (fan_in + fan_out)), which keeps the variance of activations and of gradients about equal from layer
    /// to layer where f is nearly linear around 0 (Glorot and Bengio 2010, "Understanding the difficulty of training deep
    /// feedforward neural networks"). For identity, sigmoid, tanh, softplus and what
    /// resembles them: log-sigmoid, softsign, hard sigmoid and hard tanh.
    Glorot,
    /// bound = √(6 / fan_in), which makes up for the half of the sums that a ReLU cuts off (He, Zhang, Ren and Sun 2015,
    /// "Delving deep into rectifiers"). For ReLU and what resembles it: leaky ReLU, ReLU6, ELU, SELU, GELU, SiLU, hard swish
    /// and Mish.
    He,
}

impl Initialization {
    /// The one that suits an activation: Glorot for those that resemble a line around 0, He for those that resemble a ReLU.
    pub fn suited_to(activation: Activation) -> Initialization {
        match activation {
            Activation::Identity
            | Activation::Sigmoid
            | Activation::Tanh
            | Activation::Softplus
            | Activation::HardSigmoid
            | Activation::HardTanh
            | Activation::LogSigmoid
            | Activation::Softsign => Initialization::Glorot,
            _ => Initialization::He,
        }
    }

    /// The largest absolute value of a weight.
    #[allow(clippy::float_arithmetic, reason = "made once, before the first step")]
    pub fn bound(self, fan_in: usize, fan_out: usize) -> f64 {
        let fan = match self {
            Initialization::Glorot => fan_in as f64 + fan_out as f64,
            Initialization::He => fan_in as f64,
        };
        (6.0 / fan).sqrt()
    }

    /// Draws the weights of a layer.
    pub(crate) fn fill<T: Element>(self, random: &mut impl Rng, mut weights: MatrixMut<'_, T>) {
        let bound = self.bound(weights.rows(), weights.cols());
        for i in 0..weights.rows() {
            for weight in weights.row(i) {
                *weight = T::from_f64(uniform(random, bound));
            }
        }
    }
}
