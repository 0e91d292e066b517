//! Training in one call: validation, early stopping, the best epoch's weights, a history and callbacks, over [`Training`](crate::Training).

mod metric;
mod options;
mod report;
mod run;

use nxm_kernels::{Element, Executor};

use crate::data::{Dataset, Targets};
use crate::error::NetError;
use crate::network::Network;
use crate::optimizer::OptimizerState;
use crate::train::TrainingState;

pub use options::FitOptions;
pub use report::{EpochSummary, Fit, Stopped};
use run::run;

impl<T: Element> Network<T> {
    /// Trains on `data` from the network's present weights, and returns what each epoch came to.
    ///
    /// `options` are [`TrainingOptions`](crate::TrainingOptions), or [`FitOptions`] for validation, early stopping and callbacks. With validation data the network
    /// has the weights of the best epoch afterwards, unless [`FitOptions::with_last`] asks for those of the last one. The order of the
    /// examples, and so each bit, is that of [`Training`](crate::Training) with the same options.
    ///
    /// ```
    /// use nxm_net::{Activation, Adam, Cpu, Dataset, Loss, Network, Stopped, TrainingOptions};
    ///
    /// // The class of x is whether x² is above ½.
    /// let xs: Vec<f32> = (-100..100).map(|i| i as f32 / 100.0).collect();
    /// let labels: Vec<u32> = xs.iter().map(|x| u32::from(x * x > 0.5)).collect();
    /// let (held_out, train) = Dataset::classification(xs, 1, labels, 2)?.shuffled(1).split_at(40);
    ///
    /// let cpu = Cpu::detect()?;
    /// let mut network: Network = Network::builder(1).dense(16, Activation::Tanh).dense(2, Activation::Identity).build()?;
    /// let options = TrainingOptions::new(Loss::CROSS_ENTROPY, Adam::new(0.05)).with_epochs(300);
    /// let fit = network.fit(&cpu, &train, options.with_validation(&held_out).with_patience(20))?;
    ///
    /// assert_eq!(fit.stopped, Stopped::Patience);
    /// assert!(fit.best_epoch.is_some() && fit.epochs.len() < 300);
    /// assert!(network.evaluate(&cpu, &held_out, &Loss::CROSS_ENTROPY)?.accuracy > Some(0.9));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// With [`TrainingOptions::with_ema`](crate::TrainingOptions::with_ema) the validation data judge the network of averaged weights. The network
    /// itself has the weights that training goes on from, and [`Fit::averaged`] returns the averaged one of the same epoch.
    ///
    /// It keeps a copy of the weights and of the optimizer's state after each epoch, and with validation data those of the best epoch.
    ///
    /// # Errors
    /// - Before anything is changed, those of [`Training::new`](crate::Training::new). The validation data must fit as the training data must.
    ///   [`NetError::OptionNeeds`] if an option needs validation data or class labels. [`NetError::Setting`] if a patience is 0 or a least
    ///   gain is negative or not finite. [`NetError::OneClass`] if all labels are the same: then there is nothing to tell apart.
    /// - [`NetError::Diverged`], or any other error while it trains. Then the network has the weights it had after the last epoch whose
    ///   weights were all finite, or those it came with.
    pub fn fit<'a>(
        &mut self,
        executor: &dyn Executor,
        data: &Dataset<T>,
        options: impl Into<FitOptions<'a, T>>,
    ) -> Result<Fit<T>, NetError> {
        let options = options.into();
        check_classes(data)?;
        let mut state = TrainingState::new(OptimizerState::new(options.training.optimizer, self)?);
        let (epochs, stopped) = run(self, executor, data, options, &mut state)?;
        let best_epoch = epochs.iter().rfind(|epoch| epoch.is_best).map(|epoch| epoch.epoch);
        Ok(Fit { epochs, best_epoch, stopped, state })
    }

    /// Trains `options.epochs` epochs more on `data`, which may be other data than before. `state` holds what the optimizer keeps and how
    /// many epochs there were: it is [`Fit::state`], or [`TrainingState::new`] before the first epoch.
    ///
    /// Two calls of n epochs on the same data are one [`fit`](Network::fit) of 2n epochs, to the bit: weights, the optimizer's state, the
    /// order of the examples, and the learning rates of a schedule, which go on with the optimizer's steps.
    ///
    /// ```
    /// use nxm_net::{Activation, Adam, Cpu, Dataset, Network, OptimizerState, TrainingOptions, TrainingState};
    ///
    /// let options = TrainingOptions::default().with_optimizer(Adam::new(0.01));
    /// let mut network: Network = Network::builder(1).dense(1, Activation::Identity).build()?;
    /// let mut state = TrainingState::new(OptimizerState::new(options.optimizer, &network)?);
    /// let cpu = Cpu::detect()?;
    /// for day in 0..3 {
    ///     let x: Vec<f32> = (0..64).map(|i| (i + day) as f32 / 64.0).collect();
    ///     let data = Dataset::regression(x.clone(), 1, x, 1)?;
    ///     network.partial_fit(&cpu, &data, options.clone(), &mut state)?;
    /// }
    /// assert_eq!((state.progress.epochs, state.optimizer.steps()), (3, 6));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// Patience counts the epochs of this call. With validation data, network and state are those of its best epoch afterwards.
    ///
    /// # Errors
    /// Those of [`fit`](Network::fit), but data of one class is no error. [`NetError::Resume`] if the state is that of another optimizer or
    /// of the middle of an epoch. After an error, network and state are what they were after the last good epoch.
    pub fn partial_fit<'a>(
        &mut self,
        executor: &dyn Executor,
        data: &Dataset<T>,
        options: impl Into<FitOptions<'a, T>>,
        state: &mut TrainingState<T>,
    ) -> Result<Vec<EpochSummary>, NetError> {
        Ok(run(self, executor, data, options.into(), state)?.0)
    }
}

/// Labels must be of two classes at least.
fn check_classes<T: Element>(data: &Dataset<T>) -> Result<(), NetError> {
    match data.targets() {
        Targets::Classes([first, rest @ ..]) if rest.iter().all(|label| label == first) => {
            Err(NetError::OneClass { label: *first, examples: data.len() })
        }
        _ => Ok(()),
    }
}
