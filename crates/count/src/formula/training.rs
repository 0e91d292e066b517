//! How long a training is, and what it costs of what its steps cost.

use nxm_net::{Run, TrainingOptions};
use serde::Serialize;

use crate::breakdown::{Amount, Breakdown};
use crate::error::CountError;

/// How long a network is trained: in each epoch every example once, in batches of which the last may be short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TrainingLength {
    /// Examples of an epoch, at least 1.
    pub examples: u64,
    /// Epochs, at least 1.
    pub epochs: u64,
    /// Examples of a step, or of a micro-batch where gradients are accumulated, at least 1. The last step of an epoch takes what is left.
    pub batch: u64,
    /// Micro-batches of a step, at least 1.
    pub accumulate: u64,
}

impl TrainingLength {
    /// One epoch of `examples` examples, at least 1, in batches of 32.
    pub const fn new(examples: u64) -> TrainingLength {
        TrainingLength { examples, epochs: 1, batch: 32, accumulate: 1 }
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
    /// With the gradients of `accumulate` micro-batches in a step, at least 1.
    #[must_use]
    pub const fn with_accumulate(self, accumulate: u64) -> TrainingLength {
        TrainingLength { accumulate, ..self }
    }
    /// The length of a training on `examples` examples with these options. No step has more rows than there are examples, so the batch
    /// is at most `examples`.
    pub fn of(options: &TrainingOptions, examples: u64) -> TrainingLength {
        let batch = (options.batch as u64).min(examples);
        TrainingLength { examples, epochs: options.epochs as u64, batch, accumulate: options.accumulate as u64 }
    }

    /// Steps of an epoch; 0 if the batch is, or the number of micro-batches.
    pub fn steps_per_epoch(&self) -> u128 {
        let of = |n: u64, size: u64| if size == 0 { 0 } else { n.div_ceil(size) };
        of(of(self.examples, self.batch), self.accumulate).into()
    }
    /// Steps of all epochs.
    pub fn steps(&self) -> u128 {
        self.steps_per_epoch() * u128::from(self.epochs)
    }

    /// What an epoch and the whole training cost, if `cost` says what a run on so many examples does: steps, or micro-batches and updates.
    pub(crate) fn repeat<V: Amount>(
        &self,
        cost: impl Fn(u64, Run) -> Result<Breakdown<V>, CountError>,
    ) -> Result<(Breakdown<V>, Breakdown<V>), CountError> {
        let TrainingLength { examples, epochs, batch, accumulate } = *self;
        CountError::not_zero("the number of examples", examples)?;
        CountError::not_zero("the number of epochs", epochs)?;
        CountError::not_zero("the batch", batch)?;
        CountError::not_zero("the number of micro-batches in a step", accumulate)?;
        let run = if accumulate == 1 { Run::Step } else { Run::Accumulation };
        let (whole, rest) = (examples / batch, examples % batch);
        let short = if rest > 0 { Some(cost(rest, run)?) } else { None };
        let in_epoch = CountError::in_the("an epoch");
        let mut epoch = match (whole, short) {
            (0, Some(short)) => short,
            (_, short) => cost(batch, run)?.times_plus(whole.into(), short.as_ref()).map_err(&in_epoch)?,
        };
        if run == Run::Accumulation {
            let updates = cost(batch.min(examples), Run::Update)?;
            epoch = updates.times_plus(self.steps_per_epoch(), Some(&epoch)).map_err(&in_epoch)?;
        }
        let training = epoch.times_plus(epochs.into(), None).map_err(CountError::in_the("the training"))?;
        Ok((epoch, training))
    }
}
