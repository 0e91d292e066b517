//! The layers of a network, without their numbers, and how people write them.

use std::fmt;
use std::str::FromStr;

use nxm_kernels::{Activation, ActivationError};

/// What a layer of a network computes, without its numbers.
///
/// Its text is a number of units or a name, followed by its options: `128 relu`, `64 gelu no_bias`, `layer_norm relu`, `dropout 0.1`.
/// Parameters of an activation stand in parentheses: `64 leaky_relu(0.2)`, `10 softplus(2,3)`.
///
/// ```
/// use nxm_net::{Activation, Layer};
///
/// let layer: Layer = "128 relu no_bias".parse()?;
/// assert_eq!(layer, Layer::dense(128, Activation::Relu).without_bias());
/// assert_eq!(layer.to_string(), "128 relu no_bias");
/// # Ok::<(), nxm_net::LayerError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Layer {
    /// a = f(X·W + b) of `units` units.
    Dense {
        /// M, at least 1.
        units: u64,
        /// f.
        activation: Activation,
        /// Whether there is a b.
        bias: bool,
    },
    /// a = f(γ·(x − mean) / √(variance + ε) + β) of each example, over its numbers (Ba, Kiros and Hinton 2016, "Layer Normalization").
    LayerNorm {
        /// ε, above 0.
        epsilon: f64,
        /// f.
        activation: Activation,
    },
    /// In training a = f(γ·(x − mean) / √(variance + ε) + β) of each number, over the examples of a batch (Ioffe and Szegedy 2015, "Batch
    /// Normalization"). Evaluation and prediction take running means and variances in their place.
    ///
    /// A step moves those by r ← (1 − μ)·r + μ·s, where s are the means of the batch, and its variances without bias. They are no parameters: no
    /// optimizer changes them, and checkpoints keep them.
    BatchNorm {
        /// ε, above 0.
        epsilon: f64,
        /// μ, from 0 to 1.
        momentum: f64,
        /// f.
        activation: Activation,
    },
    /// In training a = m·x, where each m is 0 with the probability `rate`, and else 1 / (1 − rate) (Srivastava et al. 2014, "Dropout").
    /// Evaluation and prediction leave it out.
    ///
    /// Each m is a function of the seed, the step, the layer and the place of its number: it is the same at every level, at any number of threads
    /// and after a resume.
    Dropout {
        /// From 0 on, below 1.
        rate: f64,
    },
    /// aⱼ = e^{xⱼ} / Σ e^{x} of each example: outputs that are probabilities of classes, for losses of probabilities such as
    /// [`MeanSquaredError`](crate::Loss::MeanSquaredError). [`CrossEntropy`](crate::Loss::CrossEntropy) is computed from logits and needs no such
    /// layer: as a last layer before it, it is refused.
    Softmax,
    /// aⱼ = xⱼ − ln Σ e^{x} of each example: logarithms of probabilities, for [`KlDivergence`](crate::Loss::KlDivergence).
    LogSoftmax,
}

impl Layer {
    /// What PyTorch adds to a variance.
    pub const EPSILON: f64 = 1e-5;

    /// A dense layer with biases.
    pub const fn dense(units: u64, activation: Activation) -> Layer {
        Layer::Dense { units, activation, bias: true }
    }

    /// A layer norm with PyTorch's ε, without an activation.
    pub const fn layer_norm() -> Layer {
        Layer::LayerNorm { epsilon: Layer::EPSILON, activation: Activation::Identity }
    }

    /// PyTorch's momentum of running statistics.
    pub const MOMENTUM: f64 = 0.1;

    /// A batch norm with PyTorch's ε and momentum, without an activation.
    pub const fn batch_norm() -> Layer {
        Layer::BatchNorm { epsilon: Layer::EPSILON, momentum: Layer::MOMENTUM, activation: Activation::Identity }
    }

    /// A dropout.
    pub const fn dropout(rate: f64) -> Layer {
        Layer::Dropout { rate }
    }

    /// A dense layer without biases; another layer as it is.
    #[must_use]
    pub const fn without_bias(self) -> Layer {
        match self {
            Layer::Dense { units, activation, .. } => Layer::Dense { units, activation, bias: false },
            other => other,
        }
    }

    /// A dense layer of other units; another layer as it is.
    #[must_use]
    pub const fn with_units(self, units: u64) -> Layer {
        match self {
            Layer::Dense { activation, bias, .. } => Layer::Dense { units, activation, bias },
            other => other,
        }
    }

    /// A norm with another ε; another layer as it is.
    #[must_use]
    pub const fn with_epsilon(self, epsilon: f64) -> Layer {
        match self {
            Layer::LayerNorm { activation, .. } => Layer::LayerNorm { epsilon, activation },
            Layer::BatchNorm { momentum, activation, .. } => Layer::BatchNorm { epsilon, momentum, activation },
            other => other,
        }
    }

    /// A batch norm with another momentum; another layer as it is.
    #[must_use]
    pub const fn with_momentum(self, momentum: f64) -> Layer {
        match self {
            Layer::BatchNorm { epsilon, activation, .. } => Layer::BatchNorm { epsilon, momentum, activation },
            other => other,
        }
    }

    /// The same with another activation; a dropout or softmax, which has none, as it is.
    #[must_use]
    pub const fn with_activation(self, activation: Activation) -> Layer {
        match self {
            Layer::Dense { units, bias, .. } => Layer::Dense { units, activation, bias },
            Layer::LayerNorm { epsilon, .. } => Layer::LayerNorm { epsilon, activation },
            Layer::BatchNorm { epsilon, momentum, .. } => Layer::BatchNorm { epsilon, momentum, activation },
            Layer::Dropout { .. } | Layer::Softmax | Layer::LogSoftmax => self,
        }
    }

    /// f, which follows what the layer computes; the identity of a dropout or softmax.
    pub const fn activation(self) -> Activation {
        match self {
            Layer::Dense { activation, .. }
            | Layer::LayerNorm { activation, .. }
            | Layer::BatchNorm { activation, .. } => activation,
            Layer::Dropout { .. } | Layer::Softmax | Layer::LogSoftmax => Activation::Identity,
        }
    }

    /// What kind of layer it is: what its text begins with, unless it is a dense one.
    pub const fn kind(self) -> &'static str {
        match self {
            Layer::Dense { .. } => "dense",
            Layer::LayerNorm { .. } => LAYER_NORM,
            Layer::BatchNorm { .. } => BATCH_NORM,
            Layer::Dropout { .. } => DROPOUT,
            Layer::Softmax => SOFTMAX,
            Layer::LogSoftmax => LOG_SOFTMAX,
        }
    }

    /// Whether an activation may follow what it computes.
    const fn has_activation(self) -> bool {
        matches!(self, Layer::Dense { .. } | Layer::LayerNorm { .. } | Layer::BatchNorm { .. })
    }

    /// Whether it is a dense layer with biases.
    pub const fn is_plain(self) -> bool {
        matches!(self, Layer::Dense { bias: true, .. })
    }

    /// Whether it is a dense layer.
    pub const fn is_dense(self) -> bool {
        matches!(self, Layer::Dense { .. })
    }

    /// Its outputs, of `inputs` inputs.
    pub const fn outputs(self, inputs: u64) -> u64 {
        match self {
            Layer::Dense { units, .. } => units,
            Layer::LayerNorm { .. }
            | Layer::BatchNorm { .. }
            | Layer::Dropout { .. }
            | Layer::Softmax
            | Layer::LogSoftmax => inputs,
        }
    }

    /// Weights and biases of a layer with `inputs` inputs. Two 64-bit numbers always have their product.
    pub const fn parameters(self, inputs: u64) -> u128 {
        match self {
            Layer::Dense { units, bias, .. } => (inputs as u128 + bias as u128) * units as u128,
            Layer::LayerNorm { .. } | Layer::BatchNorm { .. } => 2 * inputs as u128,
            Layer::Dropout { .. } | Layer::Softmax | Layer::LogSoftmax => 0,
        }
    }

    /// Its settings must be in their ranges; it is layer number `layer`, counted from 1.
    fn check(self, layer: usize) -> Result<(), LayerError> {
        let wrong =
            |name, found: f64, expected| Err(LayerError::Setting { layer, name, found: found.to_string(), expected });
        match self {
            Layer::LayerNorm { epsilon, .. } | Layer::BatchNorm { epsilon, .. }
                if !(epsilon > 0.0 && epsilon.is_finite()) =>
            {
                wrong(EPSILON, epsilon, "a finite number above 0")
            }
            Layer::BatchNorm { momentum, .. } if !(0.0..=1.0).contains(&momentum) => {
                wrong(MOMENTUM, momentum, "a number from 0 to 1")
            }
            Layer::Dropout { rate } if !(0.0..1.0).contains(&rate) => {
                wrong("the rate of dropout", rate, "a number from 0 to below 1")
            }
            _ => self.activation().check().map_err(|error| LayerError::Activation { layer, error }),
        }
    }
}

/// The first layer must be a dense one, and all settings must be in their ranges.
///
/// # Errors
/// [`LayerError`] names the layer and what is expected of it.
pub(crate) fn check_layers(layers: &[Layer]) -> Result<(), LayerError> {
    match layers.first() {
        Some(first) if !first.is_dense() => return Err(LayerError::First { found: first.kind() }),
        _ => {}
    }
    layers.iter().enumerate().try_for_each(|(l, layer)| layer.check(l + 1))
}

/// The last layer that gives outputs of its own: a dropout behind it leaves them as they are.
pub(crate) fn last_that_computes(layers: impl DoubleEndedIterator<Item = Layer>) -> Option<Layer> {
    layers.rev().find(|layer| !matches!(layer, Layer::Dropout { .. }))
}

/// What is wrong with layers or their text. Layers count from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayerError {
    /// There is nothing where a layer should be.
    #[error(
        "layer {layer} (counted from 1) is missing: expected layers joined by commas, as in \"128 relu, dropout 0.1, 10\""
    )]
    Missing {
        /// Which layer.
        layer: usize,
    },
    /// A word that is no layer, option or activation.
    #[error("layer {layer} (counted from 1): {found:?} is none of {expected}")]
    Word {
        /// Which layer.
        layer: usize,
        /// The word.
        found: String,
        /// What may stand there.
        expected: String,
    },
    /// A number of units that is 0 or beyond 2⁶⁴ − 1.
    #[error("layer {layer} (counted from 1) has {found:?} units: expected a whole number from 1 to {}", u64::MAX)]
    Units {
        /// Which layer.
        layer: usize,
        /// What stands there.
        found: String,
    },
    /// An option that is there twice.
    #[error("layer {layer} (counted from 1) has {option} twice: expected it once")]
    Twice {
        /// Which layer.
        layer: usize,
        /// The option.
        option: &'static str,
    },
    /// A setting that is missing, no number or out of its range.
    #[error("layer {layer} (counted from 1): {name} is {found}: expected {expected}")]
    Setting {
        /// Which layer.
        layer: usize,
        /// The setting.
        name: &'static str,
        /// What stands there.
        found: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// An activation whose parameters are not those it has, or are out of their ranges.
    #[error("layer {layer} (counted from 1): {error}")]
    Activation {
        /// Which layer.
        layer: usize,
        /// What is wrong with its activation.
        error: ActivationError,
    },
    /// A network that does not begin with a dense layer.
    #[error(
        "layer 1 is {found}: expected a dense layer first; inputs can be standardised before they reach the network"
    )]
    First {
        /// The kind of the layer.
        found: &'static str,
    },
}

/// What begins a layer, for an error message.
const LAYERS: &str = "a number of units, layer_norm, batch_norm, dropout, softmax and log_softmax";
/// The text of a layer norm.
const LAYER_NORM: &str = "layer_norm";
/// The text of a batch norm.
const BATCH_NORM: &str = "batch_norm";
/// The text of a dropout, before its rate.
const DROPOUT: &str = "dropout";
/// The text of a softmax.
const SOFTMAX: &str = "softmax";
/// The text of a log-softmax.
const LOG_SOFTMAX: &str = "log_softmax";
/// The option of a dense layer without biases.
const NO_BIAS: &str = "no_bias";
/// The option of a batch norm's momentum, before the number.
const MOMENTUM: &str = "momentum";
/// The option of a norm's ε, before the number.
const EPSILON: &str = "eps";

impl FromStr for Layer {
    type Err = LayerError;

    fn from_str(text: &str) -> Result<Layer, LayerError> {
        one(1, text)
    }
}

/// Layers that are joined by commas: `128 relu, 64 gelu no_bias`.
///
/// # Errors
/// [`LayerError`] names the layer, the word and what is expected there.
pub fn parse_layers(text: &str) -> Result<Vec<Layer>, LayerError> {
    outside_parentheses(text, |c| c == ',').enumerate().map(|(l, text)| one(l + 1, text)).collect()
}

/// The parts of a text between separators that do not stand in parentheses.
fn outside_parentheses(text: &str, separates: impl Fn(char) -> bool) -> impl Iterator<Item = &str> {
    let mut inside = false;
    text.split(move |c| {
        inside = c == '(' || inside && c != ')';
        !inside && separates(c)
    })
}

/// The layer number `layer`, counted from 1.
fn one(layer: usize, text: &str) -> Result<Layer, LayerError> {
    let mut words = outside_parentheses(text, |c| c.is_ascii_whitespace()).filter(|word| !word.is_empty());
    let first = words.next().ok_or(LayerError::Missing { layer })?;
    let number = |name, word: Option<&str>| {
        let found = word.unwrap_or("missing").to_owned();
        found.parse::<f64>().map_err(|_| LayerError::Setting { layer, name, found, expected: "a number" })
    };
    let mut made = match first {
        LAYER_NORM => Layer::layer_norm(),
        BATCH_NORM => Layer::batch_norm(),
        DROPOUT => Layer::dropout(number("the rate of dropout", words.next())?),
        SOFTMAX => Layer::Softmax,
        LOG_SOFTMAX => Layer::LogSoftmax,
        units if units.bytes().all(|byte| byte.is_ascii_digit()) => {
            let units = first.parse().ok().filter(|units| *units > 0);
            Layer::dense(
                units.ok_or_else(|| LayerError::Units { layer, found: first.to_owned() })?,
                Activation::Identity,
            )
        }
        _ => return Err(LayerError::Word { layer, found: first.to_owned(), expected: LAYERS.to_owned() }),
    };
    let mut seen: Vec<&'static str> = Vec::new();
    while let Some(word) = words.next() {
        let option = match word {
            NO_BIAS if made.is_dense() => {
                made = made.without_bias();
                NO_BIAS
            }
            EPSILON if matches!(made, Layer::LayerNorm { .. } | Layer::BatchNorm { .. }) => {
                made = made.with_epsilon(number(EPSILON, words.next())?);
                EPSILON
            }
            MOMENTUM if matches!(made, Layer::BatchNorm { .. }) => {
                made = made.with_momentum(number(MOMENTUM, words.next())?);
                MOMENTUM
            }
            word => {
                let unknown = || LayerError::Word { layer, found: word.to_owned(), expected: made.options() };
                let activation = match word.parse::<Activation>() {
                    _ if !made.has_activation() => Err(unknown()),
                    Err(ActivationError::Name(_)) => Err(unknown()),
                    parsed => parsed.map_err(|error| LayerError::Activation { layer, error }),
                };
                made = made.with_activation(activation?);
                "an activation"
            }
        };
        if seen.contains(&option) {
            return Err(LayerError::Twice { layer, option });
        }
        seen.push(option);
    }
    made.check(layer)?;
    Ok(made)
}

impl Layer {
    /// What may stand behind the first word of the text, for an error message.
    fn options(self) -> String {
        let activations: Vec<&str> = Activation::ALL.iter().map(|activation| activation.name()).collect();
        match self {
            Layer::Dense { .. } => format!("{NO_BIAS}, {}", activations.join(", ")),
            Layer::LayerNorm { .. } => format!("{EPSILON}, {}", activations.join(", ")),
            Layer::BatchNorm { .. } => format!("{EPSILON}, {MOMENTUM}, {}", activations.join(", ")),
            Layer::Dropout { .. } | Layer::Softmax | Layer::LogSoftmax => "no options".to_owned(),
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Layer::Dense { units, bias, .. } => {
                write!(f, "{units}")?;
                activation(f, *self)?;
                if *bias { Ok(()) } else { write!(f, " {NO_BIAS}") }
            }
            Layer::LayerNorm { epsilon, .. } | Layer::BatchNorm { epsilon, .. } => {
                write!(f, "{}", self.kind())?;
                if *epsilon != Layer::EPSILON {
                    write!(f, " {EPSILON} {epsilon:?}")?;
                }
                match self {
                    Layer::BatchNorm { momentum, .. } if *momentum != Layer::MOMENTUM => {
                        write!(f, " {MOMENTUM} {momentum:?}")?;
                    }
                    _ => {}
                }
                activation(f, *self)
            }
            Layer::Dropout { rate } => write!(f, "{DROPOUT} {rate:?}"),
            Layer::Softmax | Layer::LogSoftmax => f.write_str(self.kind()),
        }
    }
}

/// The activation, unless it is the identity.
fn activation(f: &mut fmt::Formatter<'_>, layer: Layer) -> fmt::Result {
    match layer.activation() {
        Activation::Identity => Ok(()),
        activation => write!(f, " {activation}"),
    }
}
