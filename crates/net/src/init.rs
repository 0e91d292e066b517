//! The weights and biases that a layer begins with.

use nxm_kernels::{Activation, Element};
use rand_core::Rng;

use crate::error::NetError;
use crate::layer::LayerMut;
use crate::random::{normal, uniform};

mod orthogonal;

/// How the weights of a dense layer begin. Biases begin at 0, except those of [`PyTorch`](Self::PyTorch).
///
/// A weight is drawn in f64 and rounded to the network's element type, so a seed means the same weights in f32 and f64, on every machine.
/// Layers are drawn one after the other, each row by row.
///
/// Keras differs: its LeCun, He and Glorot normal draw again where a number is beyond two standard deviations.
///
/// ```
/// use nxm_net::{Activation, Initialization, Network};
///
/// let builder = Network::<f32>::builder(8).dense(8, Activation::Tanh);
/// let network = builder.initialization(Initialization::Orthogonal { gain: 1.0 }).seed(1).build()?;
/// let weights = network.layer(0).weights();
/// let squares: f32 = (0..8).map(|j| weights.at(3, j).powi(2)).sum();
/// assert!((squares - 1.0).abs() < 1e-6);
/// # Ok::<(), nxm_net::NetError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Initialization {
    /// Uniform in ±√(6 / (fan_in + fan_out)), which keeps the variance of activations and of gradients about equal from layer
    /// to layer where f is nearly linear around 0 (Glorot and Bengio 2010, "Understanding the difficulty of training deep
    /// feedforward neural networks"; `torch.nn.init.xavier_uniform_`). For identity, sigmoid, tanh, softplus and what
    /// resembles them: log-sigmoid, softsign, hard sigmoid and hard tanh.
    Glorot,
    /// Normal with the standard deviation of [`Glorot`](Self::Glorot), √(2 / (fan_in + fan_out)) (`xavier_normal_`).
    GlorotNormal,
    /// Uniform in ±√(6 / fan_in), which makes up for the half of the sums that a ReLU cuts off (He, Zhang, Ren and Sun 2015,
    /// "Delving deep into rectifiers"; `kaiming_uniform_`). For ReLU and what resembles it: leaky ReLU, ReLU6, ELU, CELU, GELU, SiLU, hard swish
    /// and Mish.
    He,
    /// Normal with the standard deviation of [`He`](Self::He), √(2 / fan_in) (`kaiming_normal_`).
    HeNormal,
    /// Normal with the standard deviation √(1 / fan_in) (LeCun, Bottou, Orr and Müller 1998, "Efficient BackProp"). SELU needs it to keep the
    /// variance of its outputs (Klambauer et al. 2017, "Self-Normalizing Neural Networks").
    LeCun,
    /// A random matrix whose shorter side's vectors are orthogonal and have the length `gain` (Saxe, McClelland and Ganguli 2014, "Exact solutions to
    /// the nonlinear dynamics of learning in deep linear neural networks"; `orthogonal_`). It takes about 4·fan_in·fan_out·min(fan_in, fan_out)
    /// flops, on one thread.
    Orthogonal {
        /// The length: finite. 1 for linear layers, √2 suits ReLU.
        gain: f64,
    },
    /// All weights are this number, which is finite (`constant_`). Units of a layer then stay equal: it is for tests and for single units.
    Constant(f64),
    /// What `torch.nn.Linear` does: weights and biases uniform in ±1/√fan_in.
    PyTorch,
}

impl Initialization {
    /// The one that suits an activation: Glorot for those that resemble a line around 0, He for those that resemble a ReLU.
    pub fn suited_to(activation: Activation) -> Initialization {
        match activation {
            Activation::Identity
            | Activation::Sigmoid
            | Activation::Tanh
            | Activation::Softplus { .. }
            | Activation::HardSigmoid
            | Activation::HardTanh
            | Activation::LogSigmoid
            | Activation::Softsign => Initialization::Glorot,
            _ => Initialization::He,
        }
    }

    /// Its numbers must be finite.
    pub(crate) fn check(self) -> Result<(), NetError> {
        let (name, value) = match self {
            Initialization::Orthogonal { gain } => ("the gain of orthogonal weights", gain),
            Initialization::Constant(value) => ("the constant that weights begin with", value),
            _ => return Ok(()),
        };
        if value.is_finite() { Ok(()) } else { Err(NetError::Setting { name, value, expected: "a finite number" }) }
    }

    /// Draws the numbers of a dense layer. Weights without inputs or units are none.
    ///
    /// # Errors
    /// [`NetError`] if there is no memory for an orthogonal matrix in f64.
    #[allow(clippy::float_arithmetic, reason = "made once, before the first step")]
    pub(crate) fn fill<T: Element>(self, random: &mut impl Rng, mut layer: LayerMut<'_, T>) -> Result<(), NetError> {
        let mut weights = layer.weights_mut();
        let [rows, columns] = [weights.rows(), weights.cols()];
        let (fan_in, fan_out) = (rows as f64, columns as f64);
        // The bound of a uniform distribution, or what a normal number is multiplied by: once, and not for each weight.
        let spread = match self {
            Initialization::Glorot => (6.0 / (fan_in + fan_out)).sqrt(),
            Initialization::GlorotNormal => (2.0 / (fan_in + fan_out)).sqrt(),
            Initialization::He => (6.0 / fan_in).sqrt(),
            Initialization::HeNormal => (2.0 / fan_in).sqrt(),
            Initialization::LeCun | Initialization::PyTorch => (1.0 / fan_in).sqrt(),
            Initialization::Orthogonal { gain } => gain,
            Initialization::Constant(value) => value,
        };
        let draw: &mut dyn FnMut() -> f64 = match self {
            Initialization::Glorot | Initialization::He | Initialization::PyTorch => &mut || uniform(random, spread),
            Initialization::GlorotNormal | Initialization::HeNormal | Initialization::LeCun => {
                &mut || spread * normal(random)
            }
            Initialization::Orthogonal { .. } => {
                let mut numbers = orthogonal::matrix(random, rows, columns)?.into_iter();
                &mut move || spread * numbers.next().unwrap_or(0.0)
            }
            Initialization::Constant(_) => &mut || spread,
        };
        for i in 0..rows {
            weights.row(i).fill_with(|| T::from_f64(draw()));
        }
        if self == Initialization::PyTorch {
            layer.bias_mut().fill_with(|| T::from_f64(draw()));
        }
        Ok(())
    }
}
