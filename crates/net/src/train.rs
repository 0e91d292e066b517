//! Training: epochs of shuffled batches, as an iterator that the caller may stop.

use nxm_kernels::{Element, Executor};

use crate::check::{check_data, check_learning_rate};
use crate::data::Dataset;
use crate::error::NetError;
use crate::loss::Loss;
use crate::network::Network;
use crate::random::{epoch_generator, shuffle};
use crate::step::Step;

/// How to train.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainingOptions {
    /// What to make small.
    pub loss: Loss,
    /// η in w ← w − η·∂L/∂w; above 0.
    pub learning_rate: f64,
    /// Examples of a step; the last step of an epoch takes what is left.
    pub batch: usize,
    /// How many times each example is used; 0 trains nothing.
    pub epochs: usize,
    /// What the order of the examples is drawn from: an epoch's order depends on the seed, the epoch's number and the number
    /// of examples alone.
    pub seed: u64,
}

/// What an epoch came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpochReport {
    /// Which epoch, from 1.
    pub epoch: usize,
    /// Steps it took.
    pub steps: usize,
    /// The mean over all examples of the loss each had in its step, before that step's update.
    pub loss: f64,
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepReport {
    /// Which step of the whole run, from 1.
    pub step: usize,
    /// Examples it took.
    pub rows: usize,
    /// Their mean loss before the update.
    pub loss: f64,
}

/// A training run: an iterator over epochs, each trained when it is asked for. Dropping it leaves the network as the last
/// step left it.
#[derive(Debug)]
pub struct Training<'a, T: Element, E: Executor> {
    network: &'a mut Network<T>,
    executor: &'a E,
    data: &'a Dataset<T>,
    options: TrainingOptions,
    learning_rate: T,
    step: Step<T>,
    /// The examples in the order of this epoch.
    order: Vec<usize>,
    /// The examples of this step, side by side.
    batch: Dataset<T>,
    /// Epochs that are finished.
    finished: usize,
    /// Examples of this epoch that were used.
    used: usize,
    /// Steps of this epoch that were taken.
    steps: usize,
    /// Σ loss · rows of this epoch.
    loss: f64,
    last_epoch: Option<EpochReport>,
}

impl<'a, T: Element, E: Executor> Training<'a, T, E> {
    /// Prepares to train `network` on `data`; nothing is changed yet.
    ///
    /// # Errors
    /// [`NetError`] if the data does not fit network and loss, or has no examples; if the batch is 0 or the learning rate not
    /// a finite number above 0 in `T`; or if buffers do not fit into memory.
    pub fn new(
        network: &'a mut Network<T>,
        executor: &'a E,
        data: &'a Dataset<T>,
        options: TrainingOptions,
    ) -> Result<Self, NetError> {
        let learning_rate = T::from_f64(options.learning_rate);
        check_learning_rate(learning_rate)
            .map_err(|_| NetError::LearningRate { learning_rate: options.learning_rate, element: T::NAME })?;
        check_data(network, options.loss, data)?;
        let rows = options.batch.min(data.len());
        let step = Step::new(network, options.loss, rows)?;
        let (order, batch) = ((0..data.len()).collect(), data.with_capacity(rows));
        Ok(Training {
            network,
            executor,
            data,
            options,
            learning_rate,
            step,
            order,
            batch,
            finished: 0,
            used: 0,
            steps: 0,
            loss: 0.0,
            last_epoch: None,
        })
    }

    /// The network as it is now.
    pub fn network(&self) -> &Network<T> {
        self.network
    }

    /// Steps of an epoch: ⌈examples / batch⌉.
    pub fn steps_per_epoch(&self) -> usize {
        self.data.len().div_ceil(self.options.batch)
    }

    /// The epoch that was finished last, if one was.
    pub fn last_epoch(&self) -> Option<EpochReport> {
        self.last_epoch
    }

    /// Takes one step; none when all epochs are finished. An epoch that was begun so is finished by the iterator.
    pub fn step(&mut self) -> Option<Result<StepReport, NetError>> {
        if self.finished >= self.options.epochs {
            return None;
        }
        Some(self.one_step())
    }

    fn one_step(&mut self) -> Result<StepReport, NetError> {
        if self.used == 0 {
            self.draw_order();
        }
        let rows = self.options.batch.min(self.data.len() - self.used);
        self.data.gather(&self.order[self.used..self.used + rows], &mut self.batch);
        let (x, targets) = (self.batch.inputs(), self.batch.targets());
        let loss = self.step.train(self.network, self.executor, x, targets, self.learning_rate)?.to_f64();

        // The mean of the report is no part of the step, nor of what a step is counted as.
        self.loss += loss * rows as f64;
        self.used += rows;
        self.steps += 1;
        let step = self.finished * self.steps_per_epoch() + self.steps;
        if self.used == self.data.len() {
            self.finish_epoch();
        }
        Ok(StepReport { step, rows, loss })
    }

    /// The order of the epoch that begins.
    fn draw_order(&mut self) {
        for (i, row) in self.order.iter_mut().enumerate() {
            *row = i;
        }
        shuffle(&mut epoch_generator(self.options.seed, self.finished + 1), &mut self.order);
    }

    fn finish_epoch(&mut self) {
        self.finished += 1;
        let loss = self.loss / self.data.len() as f64;
        self.last_epoch = Some(EpochReport { epoch: self.finished, steps: self.steps, loss });
        (self.used, self.steps, self.loss) = (0, 0, 0.0);
    }
}

impl<T: Element, E: Executor> Iterator for Training<'_, T, E> {
    type Item = Result<EpochReport, NetError>;

    /// Trains to the end of the epoch.
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Err(error) = self.step()? {
                // What failed once fails again: the run is over.
                self.finished = self.options.epochs;
                return Some(Err(error));
            }
            if self.used == 0 {
                return self.last_epoch.map(Ok);
            }
        }
    }
}
