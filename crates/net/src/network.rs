//! A network: a chain of dense layers.

use nxm_kernels::Element;

use crate::builder::NetworkBuilder;
use crate::layer::Dense;

/// A feed-forward network of at least one dense layer; each layer's outputs are the next one's inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Network<T: Element = f32> {
    layers: Vec<Dense<T>>,
}

impl<T: Element> Network<T> {
    /// Begins a network that takes `inputs` numbers.
    pub fn builder(inputs: usize) -> NetworkBuilder<T> {
        NetworkBuilder::new(inputs)
    }

    /// `layers` is not empty, and its layers fit together.
    pub(crate) fn from_layers(layers: Vec<Dense<T>>) -> Self {
        Network { layers }
    }

    /// Numbers it takes.
    pub fn inputs(&self) -> usize {
        self.layers[0].fan_in()
    }
    /// Numbers it gives.
    pub fn outputs(&self) -> usize {
        self.layers[self.layers.len() - 1].fan_out()
    }
    /// Inputs, then the units of each layer.
    pub fn sizes(&self) -> Vec<usize> {
        std::iter::once(self.inputs()).chain(self.layers.iter().map(Dense::fan_out)).collect()
    }
    /// Weights and biases of all layers: Σ (N·M + M).
    pub fn parameters(&self) -> usize {
        self.layers.iter().map(Dense::parameters).sum()
    }
    /// The layers, first to last.
    pub fn layers(&self) -> &[Dense<T>] {
        &self.layers
    }
    /// The layers, to change their parameters.
    pub fn layers_mut(&mut self) -> &mut [Dense<T>] {
        &mut self.layers
    }
}
