//! How to train.

use nxm_kernels::Element;

use crate::error::NetError;
use crate::loss::Loss;
use crate::optimizer::Optimizer;
use crate::schedule::LearningRateSchedule;
use crate::step::check_max_norm;

/// How to train.
///
/// ```
/// use nxm_net::{Loss, Optimizer, TrainingOptions};
/// let options = TrainingOptions::new(Loss::CROSS_ENTROPY, Optimizer::adam(0.001)).with_epochs(20).with_clip_norm(1.0);
/// assert_eq!((options.batch, options.epochs), (32, 20));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TrainingOptions {
    /// What to make small.
    pub loss: Loss,
    /// How parameters follow their gradients.
    pub optimizer: Optimizer,
    /// How the learning rate changes from step to step.
    pub schedule: LearningRateSchedule,
    /// The largest norm of all gradients together; above 0. None: they stay as they are.
    pub clip_norm: Option<f64>,
    /// Examples of a step; the last step of an epoch takes what is left.
    pub batch: usize,
    /// How many times each example is used; 0 trains nothing.
    pub epochs: usize,
    /// What the order of the examples is drawn from: an epoch's order depends on the seed, the epoch's number and the number
    /// of examples alone.
    pub seed: u64,
}

impl Default for TrainingOptions {
    /// Mean squared error, plain gradient descent at 0.001, a constant learning rate, no clipping, batches of 32, one epoch, seed 0.
    fn default() -> Self {
        TrainingOptions {
            loss: Loss::MeanSquaredError,
            optimizer: Optimizer::default(),
            schedule: LearningRateSchedule::Constant,
            clip_norm: None,
            batch: 32,
            epochs: 1,
            seed: 0,
        }
    }
}

impl TrainingOptions {
    /// With this loss and this optimizer; all else as in [`TrainingOptions::default`].
    pub fn new(loss: Loss, optimizer: impl Into<Optimizer>) -> TrainingOptions {
        TrainingOptions::default().with_loss(loss).with_optimizer(optimizer)
    }
    /// With this loss: what training makes small.
    #[must_use]
    pub fn with_loss(self, loss: Loss) -> TrainingOptions {
        TrainingOptions { loss, ..self }
    }
    /// With this optimizer: how parameters follow their gradients.
    #[must_use]
    pub fn with_optimizer(self, optimizer: impl Into<Optimizer>) -> TrainingOptions {
        TrainingOptions { optimizer: optimizer.into(), ..self }
    }
    /// With this schedule: how the learning rate changes from step to step.
    #[must_use]
    pub fn with_schedule(self, schedule: LearningRateSchedule) -> TrainingOptions {
        TrainingOptions { schedule, ..self }
    }
    /// With gradients scaled down, all together, to a norm of at most `max_norm`, above 0; `None` leaves them as they are.
    #[must_use]
    pub fn with_clip_norm(self, max_norm: impl Into<Option<f64>>) -> TrainingOptions {
        TrainingOptions { clip_norm: max_norm.into(), ..self }
    }
    /// With `batch` examples in a step, at least 1.
    #[must_use]
    pub fn with_batch(self, batch: usize) -> TrainingOptions {
        TrainingOptions { batch, ..self }
    }
    /// With each example used `epochs` times; 0 trains nothing.
    #[must_use]
    pub fn with_epochs(self, epochs: usize) -> TrainingOptions {
        TrainingOptions { epochs, ..self }
    }
    /// With this seed, which the order of the examples is drawn from.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> TrainingOptions {
        TrainingOptions { seed, ..self }
    }

    /// Steps of an epoch of so many examples: ⌈examples / batch⌉. Panics if the batch is 0.
    pub fn steps_per_epoch(&self, examples: usize) -> usize {
        examples.div_ceil(self.batch)
    }

    /// What can be checked without network and data.
    ///
    /// # Errors
    /// [`NetError`] that names the option that is out of its range in `T`.
    pub fn check<T: Element>(&self) -> Result<(), NetError> {
        self.optimizer.check::<T>()?;
        self.schedule.check()?;
        self.clip_norm.map_or(Ok(()), check_max_norm::<T>)?;
        if self.batch == 0 { Err(NetError::NoBatch) } else { Ok(()) }
    }
}
