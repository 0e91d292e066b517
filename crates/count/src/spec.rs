//! A network as formulas see it: sizes, activations and a loss, and no weights.

use nxm_kernels::{Activation, Region};
use nxm_net::{Loss, Optimizer};

use crate::kind::Overflow;

/// A question that can't be answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CountError {
    /// A network without a layer.
    #[error("a network has at least two sizes (inputs, then units by layer), and this one has {found}")]
    TooFewSizes {
        /// How many there are.
        found: usize,
    },
    /// More or fewer activations than layers.
    #[error("a network of {layers} layers has an activation for each, and this one has {found}")]
    Activations {
        /// Layers: one fewer than sizes.
        layers: usize,
        /// How many activations there are.
        found: usize,
    },
    /// A number that must be at least 1.
    #[error("{what} must be at least 1, and is 0")]
    Zero {
        /// Which number.
        what: String,
    },
    /// A count that exceeds 128 bits.
    #[error("{what}: {overflow}")]
    Overflow {
        /// What was counted, as "forward of layer 0".
        what: String,
        /// What there is too much of.
        overflow: Overflow,
    },
}

impl CountError {
    /// That `n` is at least 1.
    pub(crate) fn not_zero(what: &str, n: u64) -> Result<(), CountError> {
        if n > 0 { Ok(()) } else { Err(CountError::Zero { what: what.to_owned() }) }
    }

    /// An overflow in `region`.
    pub(crate) fn within(region: Region) -> impl Fn(Overflow) -> CountError {
        move |overflow| CountError::Overflow { what: format!("{} of layer {}", region.name, region.layer), overflow }
    }

    /// An overflow in a larger whole.
    pub(crate) fn in_the(whole: &'static str) -> impl Fn(Overflow) -> CountError {
        move |overflow| CountError::Overflow { what: whole.to_owned(), overflow }
    }
}

/// A dense network as its formulas see it, and how it is trained. It may be larger than any machine.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkSpec {
    sizes: Vec<u64>,
    activations: Vec<Activation>,
    loss: Loss,
    optimizer: Optimizer,
    clipping: Clipping,
}

/// Whether gradients are clipped by their norm; and, as data decide, whether that scales them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clipping {
    /// They are not.
    #[default]
    None,
    /// Their norm is computed, and they are within it.
    Within,
    /// Their norm is computed, and they are scaled to it.
    Scaled,
}

impl NetworkSpec {
    /// A network with `sizes` (inputs, then units by layer), the activation of its last layer, that of all layers before,
    /// and its loss.
    ///
    /// # Errors
    /// [`CountError`] if there are fewer than two sizes, if one is 0, or if the parameters exceed 128 bits.
    pub fn new(
        sizes: impl Into<Vec<u64>>,
        hidden: Activation,
        output: Activation,
        loss: Loss,
    ) -> Result<NetworkSpec, CountError> {
        let sizes = sizes.into();
        let mut activations = vec![hidden; sizes.len().saturating_sub(1)];
        if let Some(last) = activations.last_mut() {
            *last = output;
        }
        NetworkSpec::with_activations(sizes, activations, loss)
    }

    /// A network with `sizes` (inputs, then units by layer), the activation of each layer, and its loss.
    ///
    /// # Errors
    /// [`CountError`] if there are fewer than two sizes, if one is 0, if there is not one activation for each layer, or if the parameters
    /// exceed 128 bits.
    pub fn with_activations(
        sizes: impl Into<Vec<u64>>,
        activations: impl Into<Vec<Activation>>,
        loss: Loss,
    ) -> Result<NetworkSpec, CountError> {
        let (sizes, activations) = (sizes.into(), activations.into());
        if sizes.len() < 2 {
            return Err(CountError::TooFewSizes { found: sizes.len() });
        }
        if activations.len() != sizes.len() - 1 {
            return Err(CountError::Activations { layers: sizes.len() - 1, found: activations.len() });
        }
        for (i, size) in sizes.iter().enumerate() {
            CountError::not_zero(&format!("size {} of the network", i + 1), *size)?;
        }
        let parameters = sizes.windows(2).try_fold(0u128, |sum, pair| sum.checked_add(layer_parameters(pair)));
        let overflow = Overflow { what: "parameters" };
        parameters.ok_or(overflow).map_err(CountError::in_the("the network"))?;
        let (optimizer, clipping) = (Optimizer::default(), Clipping::None);
        Ok(NetworkSpec { sizes, activations, loss, optimizer, clipping })
    }

    /// The same network, trained by `optimizer`; plain gradient descent unless told.
    #[must_use]
    pub fn with_optimizer(self, optimizer: Optimizer) -> NetworkSpec {
        NetworkSpec { optimizer, ..self }
    }

    /// The same network, its gradients clipped; not so unless told.
    #[must_use]
    pub fn with_clipping(self, clipping: Clipping) -> NetworkSpec {
        NetworkSpec { clipping, ..self }
    }

    /// Inputs, then units by layer.
    pub fn sizes(&self) -> &[u64] {
        &self.sizes
    }
    /// The activation of each layer, first to last.
    pub fn activations(&self) -> &[Activation] {
        &self.activations
    }
    /// The loss.
    pub fn loss(&self) -> &Loss {
        &self.loss
    }
    /// The optimizer.
    pub fn optimizer(&self) -> &Optimizer {
        &self.optimizer
    }
    /// Whether gradients are clipped.
    pub fn clipping(&self) -> Clipping {
        self.clipping
    }
    /// Layers: one fewer than sizes.
    pub fn layers(&self) -> usize {
        self.sizes.len() - 1
    }
    /// The activation of a layer, from 0.
    pub fn activation(&self, layer: usize) -> Activation {
        self.activations[layer]
    }
    /// Weights and biases: Σ (fan_in + 1)·fan_out.
    pub fn parameters(&self) -> u128 {
        self.sizes.windows(2).map(layer_parameters).sum()
    }
}

/// (fan_in + 1)·fan_out; two 64-bit numbers always have their product.
fn layer_parameters(pair: &[u64]) -> u128 {
    (u128::from(pair[0]) + 1) * u128::from(pair[1])
}
