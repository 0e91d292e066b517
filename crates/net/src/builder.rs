//! Building a network.

use std::marker::PhantomData;

use nxm_kernels::{Activation, Element};

use crate::buffer::bytes;
use crate::error::NetError;
use crate::init::Initialization;
use crate::layer::WEIGHTS;
use crate::layers::{Layer, check_layers};
use crate::network::Network;
use crate::random::generator;

/// Makes a [`Network`], layer by layer.
#[derive(Clone, Debug)]
pub struct NetworkBuilder<T> {
    inputs: usize,
    layers: Vec<Layer>,
    initialization: Option<Initialization>,
    seed: u64,
    element: PhantomData<T>,
}

impl<T: Element> NetworkBuilder<T> {
    pub(crate) fn new(inputs: usize) -> Self {
        NetworkBuilder { inputs, layers: Vec::new(), initialization: None, seed: 0, element: PhantomData }
    }

    /// Adds a layer of `units` units behind the last one.
    #[must_use]
    pub fn dense(self, units: usize, activation: Activation) -> Self {
        self.layer(Layer::dense(units as u64, activation))
    }

    /// Adds any layer behind the last one.
    ///
    /// ```
    /// use nxm_net::{Activation, Layer, Network};
    /// let hidden = Layer::dense(16, Activation::Relu).without_bias();
    /// let network: Network = Network::builder(4).layer(hidden).dense(3, Activation::Identity).build()?;
    /// assert_eq!(network.parameters(), 4 * 16 + 17 * 3);
    /// # Ok::<(), nxm_net::NetError>(())
    /// ```
    #[must_use]
    pub fn layer(mut self, layer: Layer) -> Self {
        self.layers.push(layer);
        self
    }

    /// The same initialisation for all layers. Unless told, each layer takes the one [suited to its
    /// activation](Initialization::suited_to).
    #[must_use]
    pub fn initialization(mut self, initialization: Initialization) -> Self {
        self.initialization = Some(initialization);
        self
    }

    /// What the weights are drawn from; 0 unless told. The same seed gives the same weights on every machine.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Draws the weights.
    ///
    /// # Errors
    /// [`NetError`] if there are no inputs or no layers, if the first layer is not dense, if a layer has no units or a setting out of its range,
    /// or if the weights do not fit into memory.
    pub fn build(self) -> Result<Network<T>, NetError> {
        if self.inputs == 0 {
            return Err(NetError::NoInputs);
        }
        if self.layers.is_empty() {
            return Err(NetError::NoLayers);
        }
        if let Some(layer) = self.layers.iter().position(|layer| layer.outputs(1) == 0) {
            return Err(NetError::NoUnits { layer });
        }
        check_layers(&self.layers)?;
        self.initialization.map_or(Ok(()), Initialization::check)?;
        self.check_sizes()?;
        let mut network = Network::zeros(self.inputs, &self.layers)?;
        let mut random = generator(self.seed);
        for (l, layer) in self.layers.iter().enumerate() {
            if !layer.is_dense() {
                // γ of a norm.
                let mut layer = network.layer_mut(l);
                let mut weights = layer.weights_mut();
                (0..weights.rows()).for_each(|row| weights.row(row).fill(T::ONE));
                layer.running_variance_mut().fill(T::ONE);
                continue;
            }
            let suited = || Initialization::suited_to(followed_by(&self.layers[l..]));
            let initialization = self.initialization.unwrap_or_else(suited);
            initialization.fill(&mut random, network.layer_mut(l))?;
        }
        Ok(network)
    }

    /// All layers must be addressable, before memory is taken for the first.
    fn check_sizes(&self) -> Result<(), NetError> {
        let mut fan_in = self.inputs;
        for layer in &self.layers {
            let fan_out = usize::try_from(layer.outputs(fan_in as u64)).unwrap_or(usize::MAX);
            bytes::<T>(WEIGHTS, if layer.is_dense() { fan_in } else { 1 }, fan_out)?;
            fan_in = fan_out;
        }
        Ok(())
    }
}

/// The activation that the sums of the first of these layers reach: its own, or that of the norms and dropouts behind it.
fn followed_by(layers: &[Layer]) -> Activation {
    let behind = layers.iter().skip(1).take_while(|layer| !layer.is_dense());
    let mut activations = layers.iter().take(1).chain(behind).map(|layer| layer.activation());
    activations.find(|activation| *activation != Activation::Identity).unwrap_or(Activation::Identity)
}
