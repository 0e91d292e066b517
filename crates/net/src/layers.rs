//! The layers of a network, without their numbers, and how people write them.

use std::fmt;
use std::str::FromStr;

use nxm_kernels::Activation;

/// What a layer of a network computes, without its numbers.
///
/// Its text is a name or a number of units, followed by its options: `128 relu`, `64 gelu no_bias`.
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
}

impl Layer {
    /// A dense layer with biases.
    pub const fn dense(units: u64, activation: Activation) -> Layer {
        Layer::Dense { units, activation, bias: true }
    }

    /// A dense layer without biases; another layer as it is.
    #[must_use]
    pub const fn without_bias(self) -> Layer {
        match self {
            Layer::Dense { units, activation, .. } => Layer::Dense { units, activation, bias: false },
        }
    }

    /// The same with another activation.
    #[must_use]
    pub const fn with_activation(self, activation: Activation) -> Layer {
        match self {
            Layer::Dense { units, bias, .. } => Layer::Dense { units, activation, bias },
        }
    }

    /// A dense layer of other units; another layer as it is.
    #[must_use]
    pub const fn with_units(self, units: u64) -> Layer {
        match self {
            Layer::Dense { activation, bias, .. } => Layer::Dense { units, activation, bias },
        }
    }

    /// f, which follows what the layer computes.
    pub const fn activation(self) -> Activation {
        match self {
            Layer::Dense { activation, .. } => activation,
        }
    }

    /// Whether it is a dense layer with biases.
    pub const fn is_plain(self) -> bool {
        matches!(self, Layer::Dense { bias: true, .. })
    }

    /// Its outputs, of `inputs` inputs.
    pub const fn outputs(self, inputs: u64) -> u64 {
        match self {
            Layer::Dense { units, .. } => {
                let _ = inputs;
                units
            }
        }
    }

    /// Weights and biases of a layer with `inputs` inputs. Two 64-bit numbers always have their product.
    pub const fn parameters(self, inputs: u64) -> u128 {
        match self {
            Layer::Dense { units, bias, .. } => (inputs as u128 + bias as u128) * units as u128,
        }
    }
}

/// What is wrong with the text of layers. Layers count from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayerError {
    /// There is nothing where a layer should be.
    #[error("layer {layer} is missing: expected layers joined by commas, as in \"128 relu, 64 gelu no_bias\"")]
    Missing {
        /// Which layer.
        layer: usize,
    },
    /// A word that is no layer, option or activation.
    #[error("layer {layer}: {found:?} is none of {expected}")]
    Word {
        /// Which layer.
        layer: usize,
        /// The word.
        found: String,
        /// What may stand there.
        expected: String,
    },
    /// A number of units that is 0 or beyond 2⁶⁴ − 1.
    #[error("layer {layer} has {found:?} units: expected a whole number from 1 to {}", u64::MAX)]
    Units {
        /// Which layer.
        layer: usize,
        /// What stands there.
        found: String,
    },
    /// An option that is there twice.
    #[error("layer {layer} has {option} twice: expected it once")]
    Twice {
        /// Which layer.
        layer: usize,
        /// The option.
        option: &'static str,
    },
}

/// What begins a layer, for an error message.
const LAYERS: &str = "a number of units";

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
    text.split(',').enumerate().map(|(l, text)| one(l + 1, text)).collect()
}

/// The layer number `layer`, counted from 1.
fn one(layer: usize, text: &str) -> Result<Layer, LayerError> {
    let mut words = text.split_ascii_whitespace();
    let first = words.next().ok_or(LayerError::Missing { layer })?;
    if !first.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(LayerError::Word { layer, found: first.to_owned(), expected: LAYERS.to_owned() });
    }
    let units = first.parse().ok().filter(|units| *units > 0);
    let units = units.ok_or_else(|| LayerError::Units { layer, found: first.to_owned() })?;
    let (mut activation, mut bias) = (None, true);
    for word in words {
        if word == NO_BIAS {
            if !std::mem::replace(&mut bias, false) {
                return Err(LayerError::Twice { layer, option: NO_BIAS });
            }
            continue;
        }
        let found = word.parse::<Activation>().map_err(|error| LayerError::Word {
            layer,
            found: word.to_owned(),
            expected: format!("{NO_BIAS} and the activations: {error}"),
        })?;
        if activation.replace(found).is_some() {
            return Err(LayerError::Twice { layer, option: "an activation" });
        }
    }
    Ok(Layer::Dense { units, activation: activation.unwrap_or(Activation::Identity), bias })
}

/// The option of a dense layer without biases.
const NO_BIAS: &str = "no_bias";

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Layer::Dense { units, bias, .. } => {
                write!(f, "{units}")?;
                activation(f, *self)?;
                if *bias { Ok(()) } else { write!(f, " {NO_BIAS}") }
            }
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
