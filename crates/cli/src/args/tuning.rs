//! What of an optimizer, its schedule and a loss can be set, besides which they are.

use std::fmt;

use clap::{Args, ValueEnum};

use super::values::{Betas, ClassWeightsArg};

/// What becomes of the losses of a step's examples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Reduction {
    /// Their mean.
    Mean,
    /// Their sum.
    Sum,
}

impl fmt::Display for Reduction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Reduction::Mean => "mean",
            Reduction::Sum => "sum",
        })
    }
}

/// What can be set; each only with those that have it.
#[derive(Clone, Debug, Default, Args)]
pub struct TuningArgs {
    /// The momentum of sgd or rmsprop. [default: 0, or what a checkpoint says]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    pub momentum: Option<f64>,
    /// The share of a gradient that the momentum of sgd does not take up. [default: 0, or what a checkpoint says]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    pub dampening: Option<f64>,
    /// Nesterov's momentum, of sgd.
    #[arg(long)]
    pub nesterov: bool,
    /// How fast adam and its relatives forget gradients and their squares, as 0.9,0.999. [default: 0.9,0.999, for lion 0.9,0.99, or what a
    /// checkpoint says]
    #[arg(long, value_name = "SHARES", allow_hyphen_values = true)]
    pub betas: Option<Betas>,
    /// What an optimizer adds to a root before it divides by it. [default: what PyTorch has, or what a checkpoint says]
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub epsilon: Option<f64>,
    /// How fast weights decay. [default: 0; 0.01 for adamw, or what a checkpoint says]
    #[arg(long, value_name = "RATE", allow_negative_numbers = true)]
    pub weight_decay: Option<f64>,
    /// Biases, and scale and shift of norms, do not decay, whatever --weight-decay is.
    #[arg(long)]
    pub no_bias_decay: bool,
    /// The largest norm of the gradients of a step; what is counted is a step that exceeds it. [default: no limit, or what a checkpoint says]
    #[arg(long, value_name = "NORM", allow_negative_numbers = true)]
    pub clip_norm: Option<f64>,
    /// The largest gradient, of either sign: larger ones are made as large. [default: no limit, or what a checkpoint says]
    #[arg(long, value_name = "SIZE", allow_negative_numbers = true, conflicts_with = "clip_norm")]
    pub clip_value: Option<f64>,
    /// Keep an exponential moving average of the weights, which predicts in their place: how much of it stays in each step, as 0.999. [default:
    /// none, or what a checkpoint says]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    pub ema: Option<f64>,
    /// Whether the loss of a step is the mean over its examples, or their sum. [default: mean, or what a checkpoint says]
    #[arg(long, value_name = "REDUCTION")]
    pub reduction: Option<Reduction>,
    /// The share of each target that cross_entropy spreads over all classes. [default: 0]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    pub label_smoothing: Option<f64>,
    /// Where the parabola of smooth_l1 ends, above 0. A number that is learned has a deviation of 1. [default: 1]
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub beta: Option<f64>,
    /// Where the parabola of huber ends, above 0. A number that is learned has a deviation of 1. [default: 1]
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub delta: Option<f64>,
    /// The quantile that quantile learns, between 0 and 1. [default: 0.5, the median]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    pub tau: Option<f64>,
    /// How much the examples of each class weigh: "balanced", by how many there are of each; by name, as setosa=1,virginica=2; or in the
    /// order of the classes, which is that of their numbers, or the alphabet's, as 1,2.5,1. With binary_cross_entropy, how much those weigh
    /// that say yes. [default: 1 each]
    #[arg(long, value_name = "WEIGHTS", allow_hyphen_values = true)]
    pub class_weights: Option<ClassWeightsArg>,
}
