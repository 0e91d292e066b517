//! Formulas of a training run.

use nxm_net::{NetworkSpec, TrainingOptions};
use serde::Serialize;

use super::{StepFormula, Vectors};
use crate::error::CountError;
use crate::tally::Tally;

/// How long a network is trained: in each epoch every example once, in batches of which the last may be short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TrainingLength {
    /// Examples of an epoch, at least 1.
    pub examples: u64,
    /// Epochs, at least 1.
    pub epochs: u64,
    /// Examples of a step, at least 1. The last step of an epoch takes what is left.
    pub batch: u64,
}

impl TrainingLength {
    /// One epoch of `examples` examples, at least 1, in batches of 32.
    pub const fn new(examples: u64) -> TrainingLength {
        TrainingLength { examples, epochs: 1, batch: 32 }
    }
    /// With each example used `epochs` times, at least 1.
    #[must_use]
    pub const fn with_epochs(self, epochs: u64) -> TrainingLength {
        TrainingLength { epochs, ..self }
    }
    /// With `batch` examples in a step, at least 1.
    #[must_use]
    pub const fn with_batch(self, batch: u64) -> TrainingLength {
        TrainingLength { batch, ..self }
    }
    /// The length of a training on `examples` examples with these options. No step has more rows than there are examples, so the batch
    /// is at most `examples`.
    pub fn of(options: &TrainingOptions, examples: u64) -> TrainingLength {
        TrainingLength { examples, epochs: options.epochs as u64, batch: (options.batch as u64).min(examples) }
    }
}

/// What a training run executes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrainingFormula {
    length: TrainingLength,
    steps: u128,
    total: Tally,
}

impl TrainingFormula {
    /// The training of `network` in `vectors`: epochs · (⌊examples/batch⌋ · step(batch) + step(examples mod batch)). A
    /// short last batch counts as what it is.
    ///
    /// # Errors
    /// [`CountError`] if a number of examples, epochs or a batch is 0 or a count exceeds 128 bits.
    pub fn new(network: &NetworkSpec, length: TrainingLength, vectors: Vectors) -> Result<TrainingFormula, CountError> {
        let TrainingLength { examples, epochs, batch } = length;
        CountError::not_zero("the number of examples", examples)?;
        CountError::not_zero("the number of epochs", epochs)?;
        CountError::not_zero("the batch", batch)?;
        let (whole, rest) = (examples / batch, examples % batch);
        let training = CountError::in_the("the training");
        let mut epoch = Tally::NONE;
        for (steps, rows) in [(whole, batch), (u64::from(rest > 0), rest)].into_iter().filter(|(steps, _)| *steps > 0) {
            let step = StepFormula::new(network, rows, vectors)?.total();
            epoch = step.times(steps.into()).and_then(|steps| epoch.plus(&steps)).map_err(&training)?;
        }
        let steps = u128::from(examples.div_ceil(batch)) * u128::from(epochs);
        Ok(TrainingFormula { length, steps, total: epoch.times(epochs.into()).map_err(&training)? })
    }

    /// Examples, epochs and batch.
    pub fn length(&self) -> TrainingLength {
        self.length
    }
    /// Steps of all epochs.
    pub fn steps(&self) -> u128 {
        self.steps
    }
    /// What all of them execute.
    pub fn total(&self) -> Tally {
        self.total
    }
}
