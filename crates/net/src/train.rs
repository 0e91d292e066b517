//! Training: epochs of shuffled batches, as an iterator that the caller may stop, and take up again.

mod options;
mod state;

use std::collections::BTreeMap;

use nxm_kernels::beside::{add, div, is_zero, sum, whole, widened};
use nxm_kernels::{Element, Executor};

use crate::average::WeightAverage;
use crate::check::{check_data, check_norms};
use crate::data::Dataset;
use crate::error::NetError;
use crate::loss::sum_of;
use crate::network::Network;
use crate::optimizer::OptimizerState;
use crate::random::{epoch_generator, shuffle};
use crate::step::Step;

pub use options::TrainingOptions;
pub(crate) use state::check_updates;
pub use state::{Progress, TrainingState};

/// What an epoch came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpochReport {
    /// Which epoch, from 1.
    pub epoch: usize,
    /// Steps it took.
    pub steps: usize,
    /// The mean over all examples of the loss each had in its step, before that step's update. If examples have weights, the mean of their
    /// steps' losses by the weights of those. If the loss is a sum, the sum of the steps' losses.
    pub loss: f64,
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepReport {
    /// Which step of the whole run, from 1.
    pub step: usize,
    /// Examples it took.
    pub rows: usize,
    /// Their mean loss before the update; if they have weights, the weighted one.
    pub loss: f64,
}

/// A training run: an iterator over epochs, each trained when it is asked for. Dropping it leaves the network as the last
/// step left it.
///
/// Network, [state](Training::state) and [options](TrainingOptions) are all that a resume needs: [`Training::resume`] goes on from them
/// to the bit, from any step, at any level with fused multiply-add and on any number of threads.
pub struct Training<'a, T: Element> {
    network: &'a mut Network<T>,
    executor: &'a dyn Executor,
    data: &'a Dataset<T>,
    options: TrainingOptions,
    step: Step<T>,
    state: TrainingState<T>,
    /// Σ of the examples' weights, if they have weights.
    total: Option<f64>,
    /// The examples in the order of this epoch.
    order: Vec<usize>,
    /// The examples of this step, side by side.
    batch: Dataset<T>,
    /// Whether a step failed: what failed once fails again.
    failed: bool,
    last_epoch: Option<EpochReport>,
    notes: BTreeMap<String, String>,
}

impl<'a, T: Element> Training<'a, T> {
    /// Prepares to train `network` on `data`; nothing is changed yet.
    ///
    /// # Errors
    /// [`NetError`] if the data does not fit network and loss, or has no examples; if the batch is 0; if an option of the optimizer, the
    /// loss or the schedule is out of its range; or if buffers do not fit into memory.
    pub fn new(
        network: &'a mut Network<T>,
        executor: &'a dyn Executor,
        data: &'a Dataset<T>,
        options: TrainingOptions,
    ) -> Result<Self, NetError> {
        let optimizer = OptimizerState::new(options.optimizer, network)?;
        Self::resume(network, executor, data, options, TrainingState::new(optimizer))
    }

    /// Prepares to go on with a training from the `state` it had, on the network as it was then; nothing is changed yet.
    ///
    /// Data and options must be those the training began with, but for the number of epochs, which may have grown.
    ///
    /// # Errors
    /// Those of [`Training::new`]; and if the state is of another optimizer or network, or of no place in this run
    /// ([`NetError::Resume`]).
    pub fn resume(
        network: &'a mut Network<T>,
        executor: &'a dyn Executor,
        data: &'a Dataset<T>,
        options: TrainingOptions,
        state: TrainingState<T>,
    ) -> Result<Self, NetError> {
        let (progress, taken) = (state.progress, state.optimizer.steps());
        let mut training = Self::prepare(network, executor, data, options, state)?;
        progress.check(&training.options, data.len(), taken)?;
        if progress.steps > 0 {
            training.draw_order();
        }
        Ok(training)
    }

    /// The same on data that may be other than before, with options of as many epochs as there will have been: between two epochs alone.
    pub(crate) fn go_on(
        network: &'a mut Network<T>,
        executor: &'a dyn Executor,
        data: &'a Dataset<T>,
        options: TrainingOptions,
        state: TrainingState<T>,
    ) -> Result<Self, NetError> {
        state.progress.check_between_epochs(state.optimizer.steps())?;
        Self::prepare(network, executor, data, options, state)
    }

    /// Checks all but the place in the run.
    fn prepare(
        network: &'a mut Network<T>,
        executor: &'a dyn Executor,
        data: &'a Dataset<T>,
        options: TrainingOptions,
        mut state: TrainingState<T>,
    ) -> Result<Self, NetError> {
        options.check::<T>()?;
        check_data(network, &options.loss, data)?;
        options.check_examples(data.len())?;
        let rows = options.batch.min(data.len());
        // Of the last batch of an epoch, too.
        [rows, data.len() % rows].into_iter().try_for_each(|rows| check_norms(&network.layout, rows))?;
        let step = Step::new(network, &options.loss, rows)?.with_seed(options.seed);
        let mut step = step.after_steps(state.optimizer.steps());
        if let Some(max_norm) = options.clip_norm {
            step = step.clip_norm(max_norm)?;
        }
        if let Some(max_value) = options.clip_value {
            step = step.clip_value(max_value)?;
        }
        let total = data.weights().map(sum_of);
        state.check_optimizer(network, &options)?;
        if let (Some(decay), None) = (options.ema, &state.average) {
            state.average = Some(WeightAverage::new(network, decay)?);
        }
        step.reserve_for(&state.optimizer, options.accumulate, total.is_some())?;
        let (order, batch) = ((0..data.len()).collect(), data.with_capacity(rows));
        Ok(Training {
            network,
            executor,
            data,
            options,
            step,
            state,
            total,
            order,
            batch,
            failed: false,
            last_epoch: None,
            notes: BTreeMap::new(),
        })
    }

    /// The network as it is now.
    pub fn network(&self) -> &Network<T> {
        self.network
    }

    /// The network to evaluate and to predict with: that of averaged weights if an average is kept and a step was made, else the network as it
    /// is now.
    pub fn evaluated(&self) -> &Network<T> {
        self.state.averaged().unwrap_or(self.network)
    }

    /// All that a resume needs besides network, data and options.
    pub fn state(&self) -> &TrainingState<T> {
        &self.state
    }

    /// The same, when the training has ended or is given up.
    pub fn into_state(self) -> TrainingState<T> {
        self.state
    }

    /// How it trains.
    pub fn options(&self) -> &TrainingOptions {
        &self.options
    }

    /// What is to stand beside the training in its [checkpoints](crate::Checkpoint), by name: what a caller needs to use the network
    /// or to go on (how its data was scaled, what its classes are called). The training itself does not read them.
    pub fn notes(&self) -> &BTreeMap<String, String> {
        &self.notes
    }

    /// The same, to change.
    pub fn notes_mut(&mut self) -> &mut BTreeMap<String, String> {
        &mut self.notes
    }

    /// Examples of an epoch.
    pub fn examples(&self) -> usize {
        self.data.len()
    }

    /// Steps of an epoch: ⌈⌈examples / batch⌉ / micro-batches of a step⌉.
    pub fn steps_per_epoch(&self) -> usize {
        self.options.steps_per_epoch(self.data.len())
    }

    /// Steps that are finished, of the whole run: those before a resume too.
    pub fn steps(&self) -> usize {
        let Progress { epochs, steps, .. } = self.state.progress;
        // A state may say of other data that there were many.
        epochs.saturating_mul(self.steps_per_epoch()).saturating_add(steps)
    }

    /// The epoch that was finished last, if one was (since the resume, if there was one).
    pub fn last_epoch(&self) -> Option<EpochReport> {
        self.last_epoch
    }

    /// The mean loss of the steps of the epoch that has begun, as its report will say it; none between epochs, and while all examples so far
    /// weigh 0.
    pub fn loss_so_far(&self) -> Option<f64> {
        let Progress { steps, loss, .. } = self.state.progress;
        let of_step = self.options.batch.saturating_mul(self.options.accumulate);
        let used = &self.order[..steps.saturating_mul(of_step).min(self.order.len())];
        let weight = match self.data.weights() {
            None if used.is_empty() => 0.0,
            None => weight_of::<T>(&self.options, used.len(), None),
            Some(weights) => sum(used.iter().map(|row| widened(weights[*row]))),
        };
        (!is_zero(weight)).then(|| div(loss, weight))
    }

    /// Whether all weights and all that the optimizer keeps are finite: what a checkpoint asks before it is written. Every epoch
    /// ends with it.
    ///
    /// # Errors
    /// [`NetError::Diverged`] with the step that was the last.
    pub fn check_finite(&self) -> Result<(), NetError> {
        self.state.check_finite(self.network)
    }

    /// Tells a schedule with a [`Plateau`](crate::Plateau) the metric of the epoch that has ended, such as the loss of held-out examples.
    /// Returns whether the learning rate falls. A training with another schedule does nothing and returns false.
    ///
    /// Each call counts as an epoch. Checkpoints store what was told.
    pub fn report_metric(&mut self, metric: f64) -> bool {
        let Some(plateau) = self.options.schedule.plateau() else { return false };
        let falls = self.state.plateau.see(plateau, metric, self.options.optimizer.learning_rate());
        // As a resume finds it.
        if falls && let Some(last) = self.state.optimizer.steps().checked_sub(1) {
            let rate = self.options.schedule.learning_rate(self.state.base_rate(&self.options), last);
            self.state.optimizer.set_learning_rate(rate).expect("less than a learning rate that is allowed");
        }
        falls
    }

    /// Takes one step; none when all epochs are finished or a step has failed. An epoch that was begun so is finished by the
    /// iterator.
    pub fn step(&mut self) -> Option<Result<StepReport, NetError>> {
        if self.failed || self.state.progress.epochs >= self.options.epochs {
            return None;
        }
        let report = self.one_step();
        self.failed = report.is_err();
        Some(report)
    }

    fn one_step(&mut self) -> Result<StepReport, NetError> {
        let Progress { steps, .. } = self.state.progress;
        if steps == 0 {
            self.draw_order();
        }
        // As many micro-batches as a step has, or as are left.
        let (batch, parts) = (self.batch_rows(), self.options.accumulate);
        let used = steps * parts * batch;
        let rows = (batch.saturating_mul(parts)).min(self.data.len() - used);
        let base = self.state.base_rate(&self.options);
        let optimizer = &mut self.state.optimizer;
        optimizer.set_learning_rate(self.options.schedule.learning_rate(base, optimizer.steps()))?;
        let loss = match parts {
            1 => {
                self.gather(used, rows);
                let batch = self.batch.batch(0..rows);
                // The step was made for this network, and the data were checked when the training began.
                let optimizer = &mut self.state.optimizer;
                let loss = widened(self.step.train_checked(self.network, self.executor, batch, optimizer)?);
                // The report's mean is no part of the step. Its operations have a formula of their own (docs/counting.md).
                let weight = weight_of(&self.options, rows, batch.weights);
                self.state.progress.add(loss, weight);
                loss
            }
            _ => self.accumulate(used, rows)?,
        };
        if let Some(average) = &mut self.state.average {
            average.update(self.network, self.executor)?;
        }
        self.state.progress.steps += 1;
        let step = self.steps();
        if used + rows == self.data.len() {
            self.finish_epoch()?;
        }
        Ok(StepReport { step, rows, loss })
    }

    /// Puts the next examples side by side.
    fn gather(&mut self, used: usize, rows: usize) {
        self.data.gather(&self.order[used..used + rows], &mut self.batch);
    }

    /// A step on several micro-batches; the mean of their losses. Beside the kernels of n micro-batches this takes n − 1 additions and 1 div
    /// more, and 1 conversion.
    fn accumulate(&mut self, used: usize, rows: usize) -> Result<f64, NetError> {
        let batch = self.batch_rows();
        let parts = rows.div_ceil(batch);
        let before = self.state.progress;
        let mut losses = None;
        for part in 0..parts {
            let done = part * batch;
            self.gather(used + done, batch.min(rows - done));
            let rows = batch.min(rows - done);
            let micro_batch = self.batch.batch(0..rows);
            let loss = self.step.accumulate_of(self.network, self.executor, micro_batch, parts);
            let loss = match loss {
                Ok(loss) => widened(loss),
                Err(error) => {
                    // The step is not made.
                    self.state.progress = before;
                    return Err(error.at_step(self.state.optimizer.steps() + 1));
                }
            };
            let weight = weight_of(&self.options, rows, micro_batch.weights);
            self.state.progress.add(loss, weight);
            losses = Some(losses.map_or(loss, |losses| add(losses, loss)));
        }
        let updated = self.step.update(self.network, self.executor, &mut self.state.optimizer);
        updated.inspect_err(|_| self.state.progress = before)?;
        Ok(div(losses.unwrap_or(0.0), whole(parts as u64)))
    }

    /// Examples of a micro-batch that is not an epoch's last.
    fn batch_rows(&self) -> usize {
        self.options.batch.min(self.data.len())
    }

    /// The order of the epoch that begins. One step on all examples takes them as they stand, so that its loss is the same function each time.
    fn draw_order(&mut self) {
        for (i, row) in self.order.iter_mut().enumerate() {
            *row = i;
        }
        if self.options.optimizer.is_full_batch() {
            return;
        }
        shuffle(&mut epoch_generator(self.options.seed, self.state.progress.epochs + 1), &mut self.order);
    }

    /// Reports the epoch: 1 div, and 1 conversion unless examples have weights.
    fn finish_epoch(&mut self) -> Result<(), NetError> {
        self.check_finite()?;
        let Progress { epochs, steps, loss } = self.state.progress;
        self.state.progress = Progress { epochs: epochs + 1, steps: 0, loss: 0.0 };
        let loss = div(loss, self.total.unwrap_or_else(|| weight_of::<T>(&self.options, self.data.len(), None)));
        self.last_epoch = Some(EpochReport { epoch: epochs + 1, steps, loss });
        Ok(())
    }
}

/// What the loss of these examples is a mean over: their weights, their number (1 conversion), or 1 if it is a sum.
fn weight_of<T: Element>(options: &TrainingOptions, rows: usize, weights: Option<&[T]>) -> f64 {
    match weights {
        Some(weights) => sum_of(weights),
        None if options.loss.is_sum() => 1.0,
        None => whole(rows as u64),
    }
}

impl<T: Element> Iterator for Training<'_, T> {
    type Item = Result<EpochReport, NetError>;

    /// Trains to the end of the epoch.
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Err(error) = self.step()? {
                return Some(Err(error));
            }
            if self.state.progress.steps == 0 {
                return self.last_epoch.map(Ok);
            }
        }
    }
}
