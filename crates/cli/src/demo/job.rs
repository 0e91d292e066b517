//! What the demonstration trains: the digits, the network, and how.

use nxm_count::{NetworkSpec, TrainingLength};
use nxm_kernels::{Activation, Cpu};
use nxm_net::{Dataset, Loss, Network, Optimizer, TrainingOptions};

use super::speed::BatchedLayer;
use crate::digits::{self, CLASSES, PIXELS};
use crate::failure::Failure;

/// Units of the hidden layers.
const HIDDEN: [usize; 2] = [128, 64];
/// Training sees so many of so many digits.
const SEEN: usize = 4;
const OF: usize = 5;
/// Splits the digits, initialises the network and shuffles its epochs.
const SEED: u64 = 1;

/// How it is trained: so many epochs that more of them change nothing.
fn options() -> TrainingOptions {
    TrainingOptions::new(Loss::CROSS_ENTROPY, Optimizer::sgd(0.2)).with_epochs(60).with_seed(SEED)
}

/// The training, before it begins.
pub struct DemoJob {
    /// What it runs on.
    pub cpu: Cpu,
    /// The network with its first weights.
    pub network: Network,
    /// The same network, as formulas see it.
    pub spec: NetworkSpec,
    /// What it learns from.
    pub seen: Dataset<f32>,
    /// What it is judged by.
    pub held_out: Dataset<f32>,
    /// How it is trained.
    pub options: TrainingOptions,
}

impl DemoJob {
    /// The training on `cpu`.
    pub fn new(cpu: Cpu) -> Result<DemoJob, Failure> {
        let digits = digits::dataset().shuffled(SEED);
        let (seen, held_out) = digits.split_at(digits.len().saturating_mul(SEEN) / OF);
        let mut builder = Network::builder(PIXELS);
        for units in HIDDEN {
            builder = builder.dense(units, Activation::Relu);
        }
        let builder = builder.dense(CLASSES, Activation::Identity).seed(SEED);
        let network = builder.build().map_err(Failure::usage)?;
        let options = options();
        let spec = NetworkSpec::of_training(&network, &options);
        Ok(DemoJob { cpu, network, spec, seen, held_out, options })
    }

    /// Examples, epochs and batch, as formulas see them.
    pub fn length(&self) -> TrainingLength {
        TrainingLength::of(&self.options, self.seen.len() as u64)
    }

    /// The layer with most weights at the training's batch; the last of several, as only the first has no input gradient.
    pub fn largest_layer(&self) -> BatchedLayer {
        let layer = self
            .network
            .layers()
            .max_by_key(|layer| layer.fan_in().saturating_mul(layer.fan_out()))
            .expect("a network has layers");
        BatchedLayer {
            batch: self.options.batch,
            fan_in: layer.fan_in(),
            fan_out: layer.fan_out(),
            activation: layer.activation(),
        }
    }

    /// "64-128-64-10".
    pub fn name(&self) -> String {
        let sizes: Vec<String> = self.spec.sizes().iter().map(u64::to_string).collect();
        sizes.join("-")
    }
}
