//! The epochs of a fit, and what is kept of them.

use std::ops::ControlFlow;
use std::rc::Rc;

use nxm_kernels::{Element, Executor};

use super::{EpochSummary, FitOptions, Stopped};
use crate::check::check_data;
use crate::data::Dataset;
use crate::error::NetError;
use crate::network::Network;
use crate::patience::Patience;
use crate::train::{EpochReport, Training, TrainingOptions, TrainingState};

/// Network and state between two epochs.
struct Snapshot<T: Element> {
    network: Network<T>,
    state: TrainingState<T>,
}

impl<T: Element> Snapshot<T> {
    fn of(network: &Network<T>, state: &TrainingState<T>) -> Rc<Snapshot<T>> {
        Rc::new(Snapshot { network: network.clone(), state: state.clone() })
    }
}

/// What is kept while it trains.
struct Kept<T: Element> {
    /// After the last epoch whose numbers were all finite, or before the first.
    last: Rc<Snapshot<T>>,
    /// After the best epoch, if that is to be restored.
    best: Option<Rc<Snapshot<T>>>,
    epochs: Vec<EpochSummary>,
}

/// Trains as many epochs more as `options` say, beginning in `state`. Afterwards network and state are those of the best epoch if there is
/// one, else those of the last one; after an error, those of the last epoch that was good.
pub(super) fn run<T: Element>(
    network: &mut Network<T>,
    executor: &dyn Executor,
    data: &Dataset<T>,
    mut options: FitOptions<'_, T>,
    state: &mut TrainingState<T>,
) -> Result<(Vec<EpochSummary>, Stopped), NetError> {
    options.check()?;
    if let Some(validation) = options.validation {
        check_data(network, &options.training.loss, validation)?;
    }
    let mut kept = Kept { last: Snapshot::of(network, state), best: None, epochs: Vec::new() };
    let epochs = state.progress.epochs.saturating_add(options.training.epochs);
    let all = TrainingOptions { epochs, ..options.training.clone() };
    let stopped = Training::go_on(network, executor, data, all, state.clone())
        .and_then(|training| train(training, executor, &mut options, &mut kept));
    // What is in no snapshot is a step of an epoch that did not end well.
    let Snapshot { network: to_be, state: then } = match &stopped {
        Ok(_) => &**kept.best.as_ref().unwrap_or(&kept.last),
        Err(_) => &kept.last,
    };
    (*network, *state) = (to_be.clone(), then.clone());
    Ok((kept.epochs, stopped?))
}

/// The epochs, one after the other.
fn train<T: Element>(
    mut training: Training<'_, T>,
    executor: &dyn Executor,
    options: &mut FitOptions<'_, T>,
    kept: &mut Kept<T>,
) -> Result<Stopped, NetError> {
    let before = training.state().progress.epochs;
    let patience = options.patience.map(|epochs| epochs as u64);
    let mut patience = Patience::new(options.metric.goal(), patience).with_min_gain(options.min_gain);
    while let Some(report) = training.next() {
        let EpochReport { epoch, loss, .. } = report?;
        kept.last = Snapshot::of(training.network(), training.state());
        let judged = match options.validation {
            Some(data) => Some(options.metric.judge(training.evaluated(), executor, data, &options.training.loss)?),
            None => None,
        };
        // Patience counts the epochs of this call.
        let number = (epoch - before) as u64;
        let is_best = judged.is_some_and(|(_, metric)| patience.see(number, metric));
        if is_best && !options.keeps_last {
            kept.best = Some(Rc::clone(&kept.last));
        }
        let learning_rate = training.state().optimizer.learning_rate();
        let (validation, metric) = judged.unzip();
        let summary = EpochSummary { epoch, loss, learning_rate, validation, metric, is_best };
        let answer = options.callback.as_mut().map_or(ControlFlow::Continue(()), |callback| callback(&summary));
        kept.epochs.push(summary);
        if judged.is_some() && patience.stops_after(number) {
            return Ok(Stopped::Patience);
        }
        if answer.is_break() {
            return Ok(Stopped::Callback);
        }
    }
    Ok(Stopped::Finished)
}
