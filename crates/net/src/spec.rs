//! What a network is and how it is trained, without a number of it: what formulas of cost are functions of.

use nxm_kernels::{Activation, Element};

use crate::checkpoint::CheckpointSummary;
use crate::data::Dataset;
use crate::error::NetError;
use crate::loss::Loss;
use crate::network::Network;
use crate::optimizer::Optimizer;
use crate::train::TrainingOptions;

/// A dense network and how it is trained. It may be larger than any machine.
///
/// ```
/// use nxm_net::{Activation, Loss, NetworkSpec, Optimizer};
///
/// let spec = NetworkSpec::new([784, 128, 10], Activation::Relu, Activation::Identity, Loss::CROSS_ENTROPY)?;
/// let spec = spec.with_optimizer(Optimizer::adam(0.001));
/// assert_eq!((spec.layers(), spec.parameters()), (2, 101_770));
/// # Ok::<(), nxm_net::SpecError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkSpec {
    sizes: Vec<u64>,
    activations: Vec<Activation>,
    loss: Loss,
    optimizer: Optimizer,
    clipping: Clipping,
    average: bool,
    example_weights: bool,
}

/// Whether gradients are clipped by their values or by their norm, and if by their norm whether that scales them, which the data decide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Clipping {
    /// They are not.
    #[default]
    None,
    /// Their norm is computed, and they are within it.
    Within,
    /// Their norm is computed, and they are scaled to it.
    Scaled,
    /// Each of them is clipped by its value.
    ByValue,
}

impl Clipping {
    /// What a training with these options costs at most: [`Clipping::Scaled`] if it clips gradients by their norm.
    pub fn of(options: &TrainingOptions) -> Clipping {
        match (options.clip_norm, options.clip_value) {
            (Some(_), _) => Clipping::Scaled,
            (None, Some(_)) => Clipping::ByValue,
            (None, None) => Clipping::None,
        }
    }
}

/// Why sizes and activations are no network, or one that can't be looked at here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
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
    /// A size of 0.
    #[error("size {position} of the network must be at least 1, and is 0")]
    Zero {
        /// Which size, counted from 1.
        position: usize,
    },
    /// More parameters than can be counted.
    #[error("the network: the number of parameters exceeds 2¹²⁸ − 1")]
    TooManyParameters,
    /// A number of inputs, units or rows that exceeds what this machine can address.
    #[error("a size is {size}: this machine addresses at most {} elements", usize::MAX)]
    TooLarge {
        /// The size.
        size: u64,
    },
}

impl NetworkSpec {
    /// A network with `sizes` (inputs, then units by layer), the activation of all layers but the last, that of the last layer, and its
    /// loss. It is trained by plain gradient descent, its gradients not clipped, unless told.
    ///
    /// # Errors
    /// [`SpecError`] if there are fewer than two sizes, if one is 0, or if the parameters exceed 128 bits.
    pub fn new(
        sizes: impl Into<Vec<u64>>,
        hidden: Activation,
        output: Activation,
        loss: Loss,
    ) -> Result<NetworkSpec, SpecError> {
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
    /// [`SpecError`] if there are fewer than two sizes, if one is 0, if there is not one activation for each layer, or if the parameters
    /// exceed 128 bits.
    pub fn with_activations(
        sizes: impl Into<Vec<u64>>,
        activations: impl Into<Vec<Activation>>,
        loss: Loss,
    ) -> Result<NetworkSpec, SpecError> {
        let (sizes, activations) = (sizes.into(), activations.into());
        let found = sizes.len();
        if found < 2 {
            return Err(SpecError::TooFewSizes { found });
        }
        if activations.len() != found - 1 {
            return Err(SpecError::Activations { layers: found - 1, found: activations.len() });
        }
        if let Some(i) = sizes.iter().position(|size| *size == 0) {
            return Err(SpecError::Zero { position: i + 1 });
        }
        let parameters = sizes.windows(2).try_fold(0u128, |sum, pair| sum.checked_add(layer_parameters(pair)));
        parameters.ok_or(SpecError::TooManyParameters)?;
        let (optimizer, clipping) = (Optimizer::default(), Clipping::None);
        Ok(NetworkSpec { sizes, activations, loss, optimizer, clipping, average: false, example_weights: false })
    }

    /// What `network` is, trained as `options` say. Where those clip gradients, they are taken to be scaled. Examples have no weights:
    /// [`NetworkSpec::on`] looks whether they do.
    pub fn of_training<T: Element>(network: &Network<T>, options: &TrainingOptions) -> NetworkSpec {
        let (sizes, activations) = (network.sizes(), network.activations().collect::<Vec<_>>());
        NetworkSpec::of_parts(&sizes, activations, options).expect("a network that is in memory")
    }

    /// What the network of a checkpoint is, trained as the checkpoint says.
    ///
    /// # Errors
    /// [`SpecError`] as [`NetworkSpec::with_activations`]; none for a summary that was read from a file.
    pub fn of_checkpoint(checkpoint: &CheckpointSummary) -> Result<NetworkSpec, SpecError> {
        NetworkSpec::of_parts(&checkpoint.sizes, checkpoint.activations.clone(), &checkpoint.options)
    }

    fn of_parts(
        sizes: &[usize],
        activations: Vec<Activation>,
        options: &TrainingOptions,
    ) -> Result<NetworkSpec, SpecError> {
        let sizes: Vec<u64> = sizes.iter().map(|size| *size as u64).collect();
        let spec = NetworkSpec::with_activations(sizes, activations, options.loss.clone())?;
        let spec = spec.with_optimizer(options.optimizer).with_clipping(Clipping::of(options));
        Ok(if options.ema.is_some() { spec.with_average() } else { spec })
    }

    /// A network of these sizes and activations, its weights drawn from `seed`.
    ///
    /// # Errors
    /// [`NetError`] if it does not fit into memory.
    pub fn build<T: Element>(&self, seed: u64) -> Result<Network<T>, NetError> {
        // What exceeds a machine's addresses is refused as the largest number that it has.
        let size = |size: u64| usize::try_from(size).unwrap_or(usize::MAX);
        let layers = self.sizes[1..].iter().zip(&self.activations);
        let builder = Network::builder(size(self.sizes[0])).seed(seed);
        layers.fold(builder, |builder, (units, activation)| builder.dense(size(*units), *activation)).build()
    }

    /// The same network, trained by `optimizer`.
    #[must_use]
    pub fn with_optimizer(self, optimizer: impl Into<Optimizer>) -> NetworkSpec {
        NetworkSpec { optimizer: optimizer.into(), ..self }
    }

    /// The same network, its gradients clipped or not.
    #[must_use]
    pub fn with_clipping(self, clipping: Clipping) -> NetworkSpec {
        NetworkSpec { clipping, ..self }
    }

    /// The same network, trained with an exponential moving average of its weights ([`WeightAverage`](crate::WeightAverage)).
    #[must_use]
    pub fn with_average(self) -> NetworkSpec {
        NetworkSpec { average: true, ..self }
    }

    /// The same network, trained and evaluated on examples that have weights.
    #[must_use]
    pub fn with_example_weights(self) -> NetworkSpec {
        NetworkSpec { example_weights: true, ..self }
    }

    /// The same network, trained and evaluated on these examples: with weights if they have weights.
    #[must_use]
    pub fn on<T: Element>(self, data: &Dataset<T>) -> NetworkSpec {
        NetworkSpec { example_weights: data.weights().is_some(), ..self }
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
    /// Whether an average of its weights is kept.
    pub fn has_average(&self) -> bool {
        self.average
    }
    /// Whether the examples have weights.
    pub fn has_example_weights(&self) -> bool {
        self.example_weights
    }
    /// Layers: one fewer than sizes.
    pub fn layers(&self) -> usize {
        self.sizes.len() - 1
    }
    /// The activation of a layer, counted from 0. Panics if there is no such layer.
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
