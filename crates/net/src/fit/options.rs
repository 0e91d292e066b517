//! How to fit: how to train, and what to judge epochs by.

use std::fmt;
use std::ops::ControlFlow;

use nxm_kernels::{Element, MatrixRef};

use super::EpochSummary;
use super::metric::Metric;
use crate::data::{Dataset, Targets};
use crate::error::NetError;
use crate::patience::Goal;
use crate::train::TrainingOptions;

/// What is called after each epoch.
type Callback<'a> = Box<dyn FnMut(&EpochSummary) -> ControlFlow<()> + 'a>;

/// How [`Network::fit`](crate::Network::fit) trains: [`TrainingOptions`], and validation data, early stopping and a callback.
///
/// ```
/// use std::ops::ControlFlow;
/// use nxm_net::{Activation, Adam, Cpu, Dataset, FitOptions, Goal, Loss, Network, Stopped, TrainingOptions};
///
/// let data = Dataset::regression((0..60).map(|i| i as f32 / 60.0).collect(), 1, vec![0.5; 60], 1)?.shuffled(1);
/// let (held_out, train) = data.split_at(20);
/// let mut network: Network = Network::builder(1).dense(1, Activation::Identity).build()?;
/// let options = TrainingOptions::new(Loss::MeanSquaredError, Adam::new(0.1)).with_epochs(100);
/// let options = FitOptions::from(options)
///     .with_validation(&held_out)
///     .with_patience(10)
///     .with_metric(Goal::Minimize, |outputs, _| f64::from((outputs.at(0, 0) - 0.5).abs()))
///     .with_callback(|epoch| {
///         println!("{epoch}");
///         if epoch.loss < 0.01 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
///     });
/// let fit = network.fit(&Cpu::detect()?, &train, options)?;
/// assert_ne!(fit.stopped, Stopped::Finished);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct FitOptions<'a, T: Element = f32> {
    /// Loss, optimizer, schedule, clipping, batch, epochs and seed.
    pub training: TrainingOptions,
    pub(super) validation: Option<&'a Dataset<T>>,
    pub(super) patience: Option<usize>,
    pub(super) min_gain: f64,
    pub(super) metric: Metric<'a, T>,
    pub(super) keeps_last: bool,
    pub(super) callback: Option<Callback<'a>>,
}

impl<T: Element> From<TrainingOptions> for FitOptions<'_, T> {
    /// Without validation data: all epochs are trained, and the network has the weights of the last one.
    fn from(training: TrainingOptions) -> Self {
        FitOptions {
            training,
            validation: None,
            patience: None,
            min_gain: 0.0,
            metric: Metric::Loss,
            keeps_last: false,
            callback: None,
        }
    }
}

impl TrainingOptions {
    /// The same for [`Network::fit`](crate::Network::fit), with validation data: see [`FitOptions::with_validation`].
    #[must_use]
    pub fn with_validation<T: Element>(self, data: &Dataset<T>) -> FitOptions<'_, T> {
        FitOptions::from(self).with_validation(data)
    }
}

impl<'a, T: Element> FitOptions<'a, T> {
    /// With validation data: the network is evaluated on them after each epoch, and has the weights of the best epoch at the end.
    #[must_use]
    pub fn with_validation(self, data: &'a Dataset<T>) -> Self {
        FitOptions { validation: Some(data), ..self }
    }
    /// Stops after so many epochs, at least 1, without a better one. Needs validation data.
    #[must_use]
    pub fn with_patience(self, epochs: usize) -> Self {
        FitOptions { patience: Some(epochs), ..self }
    }
    /// An epoch is better only if its metric is better by more than `min_gain`, at least 0; unless told, 0. Needs validation data.
    #[must_use]
    pub fn with_min_gain(self, min_gain: f64) -> Self {
        FitOptions { min_gain, ..self }
    }
    /// Compares epochs by the accuracy on the validation data, rather than by their loss. Needs class labels.
    #[must_use]
    pub fn with_accuracy(self) -> Self {
        FitOptions { metric: Metric::Accuracy, ..self }
    }
    /// Compares epochs by this function of the outputs for the validation data (rows × outputs) and their targets, rather than by the loss.
    /// An epoch for which it is NaN or infinite is never the best.
    #[must_use]
    pub fn with_metric(self, goal: Goal, metric: impl FnMut(MatrixRef<'_, T>, Targets<'_, T>) -> f64 + 'a) -> Self {
        FitOptions { metric: Metric::Function(goal, Box::new(metric)), ..self }
    }
    /// Leaves the network the weights of the last epoch, rather than those of the best one.
    #[must_use]
    pub fn with_last(self) -> Self {
        FitOptions { keeps_last: true, ..self }
    }
    /// Calls this after each epoch. It may stop the training by [`ControlFlow::Break`]; the best epoch's weights are restored then too.
    #[must_use]
    pub fn with_callback(self, callback: impl FnMut(&EpochSummary) -> ControlFlow<()> + 'a) -> Self {
        FitOptions { callback: Some(Box::new(callback)), ..self }
    }

    /// Options that need others must have them. The training checks its own.
    pub(super) fn check(&self) -> Result<(), NetError> {
        if self.patience == Some(0) {
            let (name, expected) = ("the patience", "a whole number of epochs, at least 1");
            return Err(NetError::Setting { name, value: 0.0, expected });
        }
        if !self.min_gain.is_finite() || self.min_gain < 0.0 {
            let (name, expected) = ("the least gain", "a finite number, at least 0");
            return Err(NetError::Setting { name, value: self.min_gain, expected });
        }
        let given = [
            ("the patience", self.patience.is_some()),
            ("the least gain", self.min_gain > 0.0),
            ("the metric", !matches!(self.metric, Metric::Loss)),
        ];
        match (self.validation, given.into_iter().find(|(_, is_given)| *is_given)) {
            (None, Some((option, _))) => {
                Err(NetError::OptionNeeds { option, needs: "validation data (FitOptions::with_validation)" })
            }
            (Some(data), _) if matches!((&self.metric, data.targets()), (Metric::Accuracy, Targets::Values(_))) => {
                Err(NetError::OptionNeeds { option: "the accuracy", needs: "class labels as targets" })
            }
            _ => Ok(()),
        }
    }
}

/// Functions are named, not shown.
impl<T: Element> fmt::Debug for FitOptions<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let metric = match &self.metric {
            Metric::Loss => "loss",
            Metric::Accuracy => "accuracy",
            Metric::Function(..) => "a function",
        };
        f.debug_struct("FitOptions")
            .field("training", &self.training)
            .field("validation_examples", &self.validation.map(Dataset::len))
            .field("patience", &self.patience)
            .field("min_gain", &self.min_gain)
            .field("metric", &metric)
            .field("keeps_last", &self.keeps_last)
            .field("has_callback", &self.callback.is_some())
            .finish()
    }
}
