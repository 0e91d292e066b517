//! Where a training is: what it needs, besides network, data and options, to go on to the bit.

use nxm_kernels::Element;
use nxm_kernels::beside::{add, mul};

use super::TrainingOptions;
use crate::average::WeightAverage;
use crate::check::first_not_finite;
use crate::error::NetError;
use crate::network::Network;
use crate::optimizer::OptimizerState;
use crate::schedule::PlateauState;

/// The optimizer's state, and the place in the run.
///
/// There is no other random state: an epoch's order follows from the seed, the epoch's number and the number of examples; the
/// learning rate follows from the schedule, the number of steps and, of a plateau, what it has seen.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TrainingState<T: Element> {
    /// What the optimizer keeps.
    pub optimizer: OptimizerState<T>,
    /// The place in the run.
    pub progress: Progress,
    /// What a schedule's plateau has seen; nothing in a training with another schedule.
    pub plateau: PlateauState,
    /// The average of the weights, if the options ask for one. It may be missing before a training goes on; then the next step begins one.
    pub average: Option<WeightAverage<T>>,
}

/// A place in a run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// Epochs that are finished.
    pub epochs: usize,
    /// Steps of the next epoch that are finished, fewer than the epoch has.
    pub steps: usize,
    /// Σ loss · examples over those steps, or Σ loss · the examples' weights; 0 between epochs.
    pub loss: f64,
}

impl<T: Element> TrainingState<T> {
    /// At the beginning of a run, with this state of the optimizer.
    pub fn new(optimizer: OptimizerState<T>) -> Self {
        TrainingState { optimizer, progress: Progress::default(), plateau: PlateauState::default(), average: None }
    }
    /// At this place in the run.
    #[must_use]
    pub fn with_progress(self, progress: Progress) -> Self {
        TrainingState { progress, ..self }
    }

    /// With this average of the weights.
    #[must_use]
    pub fn with_average(self, average: WeightAverage<T>) -> Self {
        TrainingState { average: Some(average), ..self }
    }

    /// The network of averaged weights, if an average is kept and was updated.
    pub fn averaged(&self) -> Option<&Network<T>> {
        self.average.as_ref().filter(|average| average.updates() > 0).map(WeightAverage::network)
    }

    /// With what a plateau has seen.
    #[must_use]
    pub fn with_plateau(self, plateau: PlateauState) -> Self {
        TrainingState { plateau, ..self }
    }

    /// η₀ of the next step: the optimizer's own, or what a plateau has made of it.
    pub(crate) fn base_rate(&self, options: &TrainingOptions) -> f64 {
        self.plateau.learning_rate.unwrap_or(options.optimizer.learning_rate())
    }

    /// Whether a training with these options on so many examples can be in this state.
    pub(crate) fn check(
        &self,
        network: &Network<T>,
        options: &TrainingOptions,
        examples: usize,
    ) -> Result<(), NetError> {
        self.check_optimizer(network, options)?;
        self.progress.check(options, examples, self.optimizer.steps())
    }

    /// The same, wherever it is in its run.
    pub(crate) fn check_optimizer(&self, network: &Network<T>, options: &TrainingOptions) -> Result<(), NetError> {
        self.optimizer.check(network)?;
        if *self.optimizer.optimizer() != options.optimizer {
            let [expected, found] =
                [&options.optimizer, self.optimizer.optimizer()].map(|optimizer| format!("{optimizer:?}"));
            return Err(NetError::Resume { what: "the optimizer of its state", expected, found });
        }
        self.check_average(network, options)?;
        self.plateau.check(options)
    }

    /// An average must be the one that the options ask for. It may be missing: then it begins.
    fn check_average(&self, network: &Network<T>, options: &TrainingOptions) -> Result<(), NetError> {
        let Some(average) = &self.average else { return Ok(()) };
        average.check(network)?;
        let error = |what, expected: String, found: String| Err(NetError::Resume { what, expected, found });
        let found = average.decay();
        match options.ema {
            Some(decay) if decay.to_bits() == found.to_bits() => {}
            Some(decay) => {
                return error("the decay of its average of weights", decay.to_string(), found.to_string());
            }
            None => return error("its average of weights", "none".to_owned(), format!("one of decay {found}")),
        }
        check_updates(average.updates(), self.optimizer.steps())
    }

    /// Whether all weights and all that the optimizer keeps are finite.
    pub(crate) fn check_finite(&self, network: &Network<T>) -> Result<(), NetError> {
        let step = self.optimizer.steps();
        let of_average = || self.average.as_ref().and_then(WeightAverage::first_not_finite);
        let found = first_not_finite(network).map(|layer| (layer, "a weight"));
        let found = found.or_else(|| self.optimizer.first_not_finite().map(|layer| (layer, "the optimizer's state")));
        match found.or_else(|| of_average().map(|layer| (layer, "the average of weights"))) {
            Some((layer, what)) => Err(NetError::Diverged { step, layer, what }),
            None => Ok(()),
        }
    }
}

impl Progress {
    /// With the loss of examples of this weight together more: 1 mul, 1 addition.
    pub(crate) fn add(&mut self, loss: f64, weight: f64) {
        self.loss = add(self.loss, mul(loss, weight));
    }
    /// After `epochs` whole epochs.
    #[must_use]
    pub const fn with_epochs(self, epochs: usize) -> Progress {
        Progress { epochs, ..self }
    }
    /// After `steps` steps of the next epoch, fewer than the epoch has, whose sum of loss · examples is `loss`.
    #[must_use]
    pub const fn with_steps(self, steps: usize, loss: f64) -> Progress {
        Progress { steps, loss, ..self }
    }

    /// Whether this is between two epochs, after so many of the optimizer's steps on data of any size.
    pub(crate) fn check_between_epochs(&self, taken: u64) -> Result<(), NetError> {
        let Progress { epochs, steps, loss } = *self;
        let error = |what, expected: String, found: String| Err(NetError::Resume { what, expected, found });
        if steps != 0 {
            return error("the number of steps in its epoch", "0".to_owned(), steps.to_string());
        }
        if loss != 0.0 {
            return error("the loss of its epoch so far", "0".to_owned(), loss.to_string());
        }
        check_countable(taken)?;
        // Each epoch has a step at least.
        if epochs as u64 > taken {
            return error("the number of its epochs", format!("at most {taken}"), epochs.to_string());
        }
        Ok(())
    }

    /// Whether a training with these options on so many examples can be here after so many of its optimizer's steps.
    pub(crate) fn check(&self, options: &TrainingOptions, examples: usize, taken: u64) -> Result<(), NetError> {
        let error = |what, expected: String, found: String| Err(NetError::Resume { what, expected, found });
        let Progress { epochs, steps, loss } = *self;
        let per_epoch = options.steps_per_epoch(examples);
        if steps >= per_epoch {
            return error("the number of steps in its epoch", format!("less than {per_epoch}"), steps.to_string());
        }
        let expected = epochs as u128 * per_epoch as u128 + steps as u128;
        check_countable(taken)?;
        if u128::from(taken) != expected {
            return error("the number of the optimizer's steps", expected.to_string(), taken.to_string());
        }
        if !loss.is_finite() || steps == 0 && loss != 0.0 {
            let expected = if steps == 0 { "0" } else { "a finite number" };
            return error("the loss of its epoch so far", expected.to_owned(), loss.to_string());
        }
        Ok(())
    }
}

/// An average was updated at most once a step.
pub(crate) fn check_updates(updates: u64, steps: u64) -> Result<(), NetError> {
    let (what, expected) = ("the number of updates of its average of weights", format!("at most {steps}"));
    if updates > steps { Err(NetError::Resume { what, expected, found: updates.to_string() }) } else { Ok(()) }
}

/// Steps are at most half of what can be counted: no training gets there, and the next steps can be counted, too.
fn check_countable(taken: u64) -> Result<(), NetError> {
    match isize::try_from(taken) {
        Ok(_) => Ok(()),
        Err(_) => Err(NetError::Resume {
            what: "the number of the optimizer's steps",
            expected: format!("at most {}", isize::MAX),
            found: taken.to_string(),
        }),
    }
}
