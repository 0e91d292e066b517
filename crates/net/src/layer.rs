//! One dense layer: a = f(X·W + b).

use nxm_kernels::{Activation, Element, MatrixRef, ShapeError};

use crate::buffer::zeros;
use crate::error::NetError;

/// What errors call a layer's weights.
pub(crate) const WEIGHTS: &str = "weights";

/// A dense layer's parameters: N inputs, M units, N·M weights and M biases.
///
/// `weights()[i * M + j]` joins input i to unit j, as in aⱼ = f(bⱼ + Σᵢ Wᵢⱼ xᵢ). (PyTorch stores the transpose.)
#[derive(Clone, Debug, PartialEq)]
pub struct Dense<T> {
    fan_in: usize,
    fan_out: usize,
    activation: Activation,
    weights: Vec<T>,
    bias: Vec<T>,
}

impl<T: Element> Dense<T> {
    /// A layer of zeros.
    pub(crate) fn zeros(fan_in: usize, fan_out: usize, activation: Activation) -> Result<Self, NetError> {
        let weights = zeros(WEIGHTS, fan_in, fan_out)?;
        Ok(Dense { fan_in, fan_out, activation, weights, bias: zeros("biases", 1, fan_out)? })
    }

    /// N, the inputs of each unit.
    pub fn fan_in(&self) -> usize {
        self.fan_in
    }
    /// M, the units.
    pub fn fan_out(&self) -> usize {
        self.fan_out
    }
    /// f.
    pub fn activation(&self) -> Activation {
        self.activation
    }
    /// W, N × M, row-major.
    pub fn weights(&self) -> &[T] {
        &self.weights
    }
    /// b, of M.
    pub fn bias(&self) -> &[T] {
        &self.bias
    }
    /// W, to change.
    pub fn weights_mut(&mut self) -> &mut [T] {
        &mut self.weights
    }
    /// b, to change.
    pub fn bias_mut(&mut self) -> &mut [T] {
        &mut self.bias
    }
    /// N·M + M.
    pub fn parameters(&self) -> usize {
        self.weights.len() + self.bias.len()
    }

    /// W as a matrix.
    pub(crate) fn matrix(&self) -> Result<MatrixRef<'_, T>, ShapeError> {
        MatrixRef::new(&self.weights, self.fan_in, self.fan_out)
    }
}
