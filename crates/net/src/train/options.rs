//! How to train.

use nxm_kernels::Element;

use crate::average::check_decay;
use crate::error::NetError;
use crate::loss::Loss;
use crate::optimizer::Optimizer;
use crate::schedule::LearningRateSchedule;
use crate::step::{check_max_norm, check_max_value};

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
    /// The largest size of each gradient, of either sign; above 0. None: they stay as they are. Not both this and `clip_norm`.
    pub clip_value: Option<f64>,
    /// The decay d of an exponential moving average of the weights, from 0 to 1, such as 0.999: see
    /// [`WeightAverage`](crate::WeightAverage). None: no average is kept.
    pub ema: Option<f64>,
    /// Examples of a step, or of a micro-batch where gradients are accumulated; the last step of an epoch takes what is left. With L-BFGS it
    /// must be the number of examples, or more.
    pub batch: usize,
    /// Micro-batches of a step, at least 1. A step's gradient is the mean of theirs: each is the gradient of its loss divided by how many
    /// micro-batches this step has, which is fewer in the last step of an epoch if too few examples are left.
    pub accumulate: usize,
    /// How many times each example is used; 0 trains nothing.
    pub epochs: usize,
    /// What the order of the examples is drawn from: an epoch's order depends on the seed, the epoch's number and the number
    /// of examples alone.
    pub seed: u64,
}

impl Default for TrainingOptions {
    /// Mean squared error, plain gradient descent at 0.001, a constant learning rate, no clipping, no average of weights, batches of 32, one epoch, seed 0.
    fn default() -> Self {
        TrainingOptions {
            loss: Loss::MeanSquaredError,
            optimizer: Optimizer::default(),
            schedule: LearningRateSchedule::Constant,
            clip_norm: None,
            clip_value: None,
            ema: None,
            batch: 32,
            accumulate: 1,
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
    pub fn with_schedule(self, schedule: impl Into<LearningRateSchedule>) -> TrainingOptions {
        TrainingOptions { schedule: schedule.into(), ..self }
    }
    /// With gradients scaled down, all together, to a norm of at most `max_norm`, above 0; `None` leaves them as they are.
    #[must_use]
    pub fn with_clip_norm(self, max_norm: impl Into<Option<f64>>) -> TrainingOptions {
        TrainingOptions { clip_norm: max_norm.into(), ..self }
    }
    /// With each gradient clipped to at most `max_value`, above 0, and at least −`max_value`; `None` leaves them as they are.
    #[must_use]
    pub fn with_clip_value(self, max_value: impl Into<Option<f64>>) -> TrainingOptions {
        TrainingOptions { clip_value: max_value.into(), ..self }
    }
    /// With an exponential moving average of the weights, whose decay is `decay`, from 0 to 1; `None` keeps none. After each step ā ← ā + (1 − d)·(w − ā).
    /// Validation data then judge the averaged network, which [`TrainingState::averaged`](crate::TrainingState::averaged) returns.
    ///
    /// Operations: 2 fma for each parameter in each step.
    #[must_use]
    pub fn with_ema(self, decay: impl Into<Option<f64>>) -> TrainingOptions {
        TrainingOptions { ema: decay.into(), ..self }
    }
    /// With the gradients of `parts` micro-batches in a step, at least 1, each of [`batch`](Self::batch) examples.
    #[must_use]
    pub fn with_accumulate(self, parts: usize) -> TrainingOptions {
        TrainingOptions { accumulate: parts, ..self }
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

    /// Steps of an epoch of so many examples: ⌈⌈examples / batch⌉ / micro-batches of a step⌉. Panics if one of these is 0.
    pub fn steps_per_epoch(&self, examples: usize) -> usize {
        examples.div_ceil(self.batch).div_ceil(self.accumulate)
    }

    /// What can be checked without network and data.
    ///
    /// # Errors
    /// [`NetError`] that names the option that is out of its range in `T`, or that the optimizer does not go with.
    pub fn check<T: Element>(&self) -> Result<(), NetError> {
        self.optimizer.check::<T>()?;
        self.schedule.check()?;
        self.clip_norm.map_or(Ok(()), check_max_norm::<T>)?;
        self.clip_value.map_or(Ok(()), check_max_value::<T>)?;
        self.ema.map_or(Ok(()), check_decay)?;
        if self.clip_norm.is_some() && self.clip_value.is_some() {
            return Err(NetError::TwoClippings);
        }
        self.check_alone()?;
        if self.accumulate == 0 {
            let (name, expected) = ("the number of micro-batches in a step", "a whole number, at least 1");
            return Err(NetError::Setting { name, value: 0.0, expected });
        }
        if self.batch == 0 { Err(NetError::NoBatch) } else { Ok(()) }
    }

    /// Whether a training with these options on so many examples is one that its optimizer can make: L-BFGS takes all examples in a step, and
    /// neither clips nor accumulates gradients.
    ///
    /// # Errors
    /// [`NetError::WithLbfgs`] names the option.
    pub fn check_fit(&self, examples: usize) -> Result<(), NetError> {
        self.check_alone()?;
        self.check_examples(examples)
    }

    /// What L-BFGS does not go with. A schedule, an average of weights and weights of examples are fine.
    fn check_alone(&self) -> Result<(), NetError> {
        if !self.optimizer.is_full_batch() {
            return Ok(());
        }
        let clipped = |limit: f64| ("gradients that are not clipped".to_owned(), limit.to_string());
        let parts = self.accumulate;
        let found = [
            ("the largest norm of gradients", self.clip_norm.map(clipped)),
            ("the largest value of gradients", self.clip_value.map(clipped)),
            ("the number of micro-batches in a step", (parts > 1).then(|| ("1".to_owned(), parts.to_string()))),
        ];
        match found.into_iter().find_map(|(option, wrong)| wrong.map(|wrong| (option, wrong))) {
            Some((option, (expected, found))) => Err(NetError::WithLbfgs { option, expected, found }),
            None => Ok(()),
        }
    }

    /// What can be checked when the number of examples is known: L-BFGS takes all of them in each step.
    pub(crate) fn check_examples(&self, examples: usize) -> Result<(), NetError> {
        if !self.optimizer.is_full_batch() || self.batch >= examples {
            return Ok(());
        }
        let (option, expected) = ("the batch", format!("all {examples} examples in a step, or more"));
        Err(NetError::WithLbfgs { option, expected, found: self.batch.to_string() })
    }
}
