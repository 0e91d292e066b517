//! Building a network.

use std::marker::PhantomData;

use nxm_kernels::{Activation, Element};

use crate::buffer::bytes;
use crate::error::NetError;
use crate::init::Initialization;
use crate::layer::WEIGHTS;
use crate::network::Network;
use crate::random::generator;

/// Makes a [`Network`], layer by layer.
#[derive(Clone, Debug)]
pub struct NetworkBuilder<T> {
    inputs: usize,
    layers: Vec<(usize, Activation)>,
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
    pub fn dense(mut self, units: usize, activation: Activation) -> Self {
        self.layers.push((units, activation));
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
    /// [`NetError`] if there are no inputs or no layers, if a layer has no units, or if the weights do not fit into
    /// memory.
    pub fn build(self) -> Result<Network<T>, NetError> {
        if self.inputs == 0 {
            return Err(NetError::NoInputs);
        }
        if self.layers.is_empty() {
            return Err(NetError::NoLayers);
        }
        if let Some(layer) = self.layers.iter().position(|(units, _)| *units == 0) {
            return Err(NetError::NoUnits { layer });
        }
        self.check_sizes()?;
        let sizes: Vec<usize> =
            std::iter::once(self.inputs).chain(self.layers.iter().map(|(units, _)| *units)).collect();
        let mut network = Network::zeros(&sizes, self.layers.iter().map(|(_, activation)| *activation))?;
        let mut random = generator(self.seed);
        for (l, (_, activation)) in self.layers.into_iter().enumerate() {
            let initialization = self.initialization.unwrap_or(Initialization::suited_to(activation));
            initialization.fill(&mut random, network.layer_mut(l).weights_mut());
        }
        Ok(network)
    }

    /// All layers must be addressable, before memory is taken for the first.
    fn check_sizes(&self) -> Result<(), NetError> {
        let mut fan_in = self.inputs;
        for &(units, _) in &self.layers {
            bytes::<T>(WEIGHTS, fan_in, units)?;
            fan_in = units;
        }
        Ok(())
    }
}
