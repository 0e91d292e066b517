//! A network: a chain of layers.

use std::sync::Arc;

use nxm_kernels::{Activation, Element, Memory};

use crate::buffer::memory;
use crate::builder::NetworkBuilder;
use crate::error::NetError;
use crate::layer::{LayerMut, LayerRef};
use crate::layers::Layer;
use crate::layout::NetworkLayout;

/// A feed-forward network of at least one layer; each layer's outputs are the next one's inputs.
///
/// All parameters stand in one memory. Rows of weights are padded to whole vectors and aligned to cache lines, which kernels read and
/// write fastest. [`Network::layer`] and [`Network::layer_mut`] are views of it.
///
/// ```
/// use nxm_net::{Activation, Cpu, MatrixRef, Network};
///
/// let mut network: Network<f64> = Network::builder(2).dense(2, Activation::Relu).dense(1, Activation::Identity).build()?;
/// // |x − y| = ReLU(x − y) + ReLU(y − x)
/// for (i, row) in [[1.0, -1.0], [-1.0, 1.0]].iter().enumerate() {
///     network.layer_mut(0).weights_mut().row(i).copy_from_slice(row);
/// }
/// *network.layer_mut(1).weights_mut().at(0, 0) = 1.0;
/// *network.layer_mut(1).weights_mut().at(1, 0) = 1.0;
///
/// let outputs = network.predict(&Cpu::detect()?, MatrixRef::new(&[3.0, 5.0, 2.0, 2.0], 2, 2)?)?;
/// assert_eq!(outputs, [2.0, 0.0]);
/// assert_eq!(network.layer(0).weights().row(1), [-1.0, 1.0]);
/// assert_eq!(network.layers().map(|layer| layer.parameters()).sum::<usize>(), network.parameters());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Network<T: Element = f32> {
    pub(crate) layout: Arc<NetworkLayout>,
    pub(crate) parameters: Memory<T>,
}

/// What errors call its memory.
const PARAMETERS: &str = "weights and biases";

impl<T: Element> Network<T> {
    /// Begins a network that takes `inputs` numbers.
    pub fn builder(inputs: usize) -> NetworkBuilder<T> {
        NetworkBuilder::new(inputs)
    }

    /// A network of zeros; there are inputs, at least one layer, and no layer without units.
    pub(crate) fn zeros(inputs: usize, layers: &[Layer]) -> Result<Network<T>, NetError> {
        let layout = NetworkLayout::new::<T>(inputs, layers);
        let parameters = memory(PARAMETERS, layout.len)?;
        Ok(Network { layout: Arc::new(layout), parameters })
    }

    /// A network of zeros with the layers of `other`.
    pub(crate) fn zeros_like(other: &Network<T>) -> Result<Network<T>, NetError> {
        let parameters = memory(PARAMETERS, other.layout.len)?;
        Ok(Network { layout: Arc::clone(&other.layout), parameters })
    }

    /// Numbers it takes.
    pub fn inputs(&self) -> usize {
        self.layout.inputs()
    }
    /// Numbers it gives.
    pub fn outputs(&self) -> usize {
        self.layout.outputs()
    }
    /// Inputs, then the units of each layer.
    pub fn sizes(&self) -> Vec<usize> {
        std::iter::once(self.inputs()).chain(self.layout.layers.iter().map(|layer| layer.fan_out)).collect()
    }
    /// The activation of each layer.
    pub fn activations(&self) -> impl ExactSizeIterator<Item = Activation> + '_ {
        self.layout.layers.iter().map(|layer| layer.layer.activation())
    }
    /// Weights and biases of all layers: Σ (N·M + M).
    pub fn parameters(&self) -> usize {
        self.layout.parameters()
    }
    /// The layers, first to last.
    pub fn layers(&self) -> impl ExactSizeIterator<Item = LayerRef<'_, T>> + DoubleEndedIterator {
        let memory = self.parameters.as_slice();
        self.layout.layers.iter().map(|layout| LayerRef { layout: *layout, memory })
    }
    /// Layer `l`, counted from 0. Panics if there is none.
    pub fn layer(&self, l: usize) -> LayerRef<'_, T> {
        LayerRef { layout: self.layout.layers[l], memory: self.parameters.as_slice() }
    }
    /// Layer `l`, to change its parameters. Panics if there is none.
    pub fn layer_mut(&mut self, l: usize) -> LayerMut<'_, T> {
        LayerMut { layout: self.layout.layers[l], memory: self.parameters.as_mut_slice() }
    }
}

/// Layers and all parameters are equal.
impl<T: Element> PartialEq for Network<T> {
    fn eq(&self, other: &Self) -> bool {
        *self.layout == *other.layout && self.layers().zip(other.layers()).all(|(a, b)| a.same(&b))
    }
}
