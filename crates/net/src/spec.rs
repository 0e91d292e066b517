//! What a network is and how it is trained, without a number of it: what formulas of cost are functions of.

use nxm_kernels::{Activation, Element};

use crate::checkpoint::CheckpointSummary;
use crate::data::Dataset;
use crate::error::NetError;
use crate::layers::{Layer, LayerError, check_layers};
use crate::loss::Loss;
use crate::network::Network;
use crate::optimizer::Optimizer;
use crate::train::TrainingOptions;

/// A network and how it is trained. It may be larger than any machine.
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
    inputs: u64,
    layers: Vec<Layer>,
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
    /// A layer that is out of its range, or that can't stand first.
    #[error(transparent)]
    Layers(#[from] LayerError),
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
        let layers = sizes[1..].iter().zip(activations).map(|(units, activation)| Layer::dense(*units, activation));
        NetworkSpec::with_layers(sizes[0], layers.collect::<Vec<_>>(), loss)
    }

    /// A network that takes `inputs` numbers, its layers and its loss.
    ///
    /// ```
    /// use nxm_net::{Loss, NetworkSpec, parse_layers};
    /// let layers = parse_layers("128 relu no_bias, 10")?;
    /// let spec = NetworkSpec::with_layers(784, layers, Loss::CROSS_ENTROPY)?;
    /// assert_eq!((spec.sizes(), spec.parameters()), (vec![784, 128, 10], 784 * 128 + 129 * 10));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`SpecError`] if there are no layers, if the first one is not dense, if there are no inputs or a layer has no units, if a setting is out
    /// of its range, or if the parameters exceed 128 bits.
    pub fn with_layers(inputs: u64, layers: impl Into<Vec<Layer>>, loss: Loss) -> Result<NetworkSpec, SpecError> {
        let layers = layers.into();
        if layers.is_empty() {
            return Err(SpecError::TooFewSizes { found: 1 });
        }
        check_layers(&layers)?;
        let (optimizer, clipping) = (Optimizer::default(), Clipping::None);
        let spec = NetworkSpec { inputs, layers, loss, optimizer, clipping, average: false, example_weights: false };
        if let Some(i) = spec.sizes().iter().position(|size| *size == 0) {
            return Err(SpecError::Zero { position: i + 1 });
        }
        let mut parameters = spec.of_layers(|layer, inputs| layer.parameters(inputs));
        let sum = parameters.try_fold(0u128, |sum, parameters| sum.checked_add(parameters));
        sum.ok_or(SpecError::TooManyParameters)?;
        drop(parameters);
        Ok(spec)
    }

    /// Something of each layer, which knows its inputs.
    fn of_layers<V>(&self, of: impl Fn(Layer, u64) -> V) -> impl Iterator<Item = V> {
        self.layers.iter().scan(self.inputs, move |inputs, layer| {
            let here = of(*layer, *inputs);
            *inputs = layer.outputs(*inputs);
            Some(here)
        })
    }

    /// What `network` is, trained as `options` say. Where those clip gradients, they are taken to be scaled. Examples have no weights:
    /// [`NetworkSpec::on`] looks whether they do.
    pub fn of_training<T: Element>(network: &Network<T>, options: &TrainingOptions) -> NetworkSpec {
        let layers: Vec<Layer> = network.layers().map(|layer| layer.layer()).collect();
        NetworkSpec::of_parts(network.inputs(), layers, options).expect("a network that is in memory")
    }

    /// What the network of a checkpoint is, trained as the checkpoint says.
    ///
    /// # Errors
    /// [`SpecError`] as [`NetworkSpec::with_layers`]; none for a summary that was read from a file.
    pub fn of_checkpoint(checkpoint: &CheckpointSummary) -> Result<NetworkSpec, SpecError> {
        let inputs = checkpoint.sizes.first().copied().unwrap_or(0);
        NetworkSpec::of_parts(inputs, checkpoint.layers.clone(), &checkpoint.options)
    }

    fn of_parts(inputs: usize, layers: Vec<Layer>, options: &TrainingOptions) -> Result<NetworkSpec, SpecError> {
        let spec = NetworkSpec::with_layers(inputs as u64, layers, options.loss.clone())?;
        let spec = spec.with_optimizer(options.optimizer).with_clipping(Clipping::of(options));
        Ok(if options.ema.is_some() { spec.with_average() } else { spec })
    }

    /// A network of these layers, its weights drawn from `seed`.
    ///
    /// # Errors
    /// [`NetError`] if it does not fit into memory.
    pub fn build<T: Element>(&self, seed: u64) -> Result<Network<T>, NetError> {
        // What exceeds a machine's addresses is refused as the largest number that it has.
        let inputs = usize::try_from(self.inputs).unwrap_or(usize::MAX);
        let builder = Network::builder(inputs).seed(seed);
        self.layers.iter().fold(builder, |builder, layer| builder.layer(*layer)).build()
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

    /// Numbers that the network takes.
    pub fn inputs(&self) -> u64 {
        self.inputs
    }
    /// Numbers that the network gives.
    pub fn outputs(&self) -> u64 {
        self.layers.iter().fold(self.inputs, |inputs, layer| layer.outputs(inputs))
    }
    /// Inputs, then units by layer.
    pub fn sizes(&self) -> Vec<u64> {
        std::iter::once(self.inputs).chain(self.of_layers(|layer, inputs| layer.outputs(inputs))).collect()
    }
    /// The activation of each layer, first to last.
    pub fn activations(&self) -> Vec<Activation> {
        self.layers.iter().map(|layer| layer.activation()).collect()
    }
    /// The loss.
    pub fn loss(&self) -> &Loss {
        &self.loss
    }
    /// Checks the options of the loss against the outputs, and whether it takes what the last layer gives: what training does before its first step.
    ///
    /// # Errors
    /// [`NetError`] names the option; [`NetError::SoftmaxTwice`] if a loss of logits stands behind a softmax.
    pub fn check_loss(&self) -> Result<(), NetError> {
        self.loss.check(usize::try_from(self.outputs()).unwrap_or(usize::MAX))?;
        self.loss.check_behind(self.layers.iter().copied())
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
    /// How many layers there are: one fewer than sizes.
    pub fn layers(&self) -> usize {
        self.layers.len()
    }
    /// What the layers compute, first to last.
    pub fn layer_list(&self) -> &[Layer] {
        &self.layers
    }
    /// The activation of a layer, counted from 0. Panics if there is no such layer.
    pub fn activation(&self, layer: usize) -> Activation {
        self.layers[layer].activation()
    }
    /// Weights and biases: Σ (fan_in + 1)·fan_out, less the biases of layers that have none.
    pub fn parameters(&self) -> u128 {
        self.of_layers(|layer, inputs| layer.parameters(inputs)).sum()
    }
}
