//! The search itself: trials train in turn, and the best third of a rung goes on.

use std::ops::ControlFlow;

use nxm_net::{Checkpoint, Cpu, Dataset, Executor, NetError};

use super::{Rung, Search};
use crate::error::TableError;
use crate::model::{Model, Schema};
use crate::recipe::Settings;

/// A trial, and what came of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Trial {
    /// Counted from 1. The first trial has the settings that the search began with.
    pub number: usize,
    /// How it trains.
    pub settings: Settings,
    /// Epochs that it finished.
    pub epochs: usize,
    /// Steps that it took.
    pub steps: usize,
    /// Epochs that were judged.
    pub judged: usize,
    /// Rungs that it finished.
    pub rungs: usize,
    /// Its best epoch; none if none was judged, or if it diverged.
    pub best: Option<Judged>,
    /// Why it diverged, if it did: then it is worse than all that did not.
    pub diverged: Option<String>,
    /// Its training as it was left, while it was among those that may go on.
    pub last: Option<Checkpoint<f32>>,
    /// Its training after its best epoch, while it was among those that may go on.
    pub kept: Option<Checkpoint<f32>>,
}

/// How good an epoch was on the held-out rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    /// Which epoch, from 1.
    pub epoch: usize,
    /// The mean loss.
    pub loss: f64,
    /// The share of right classes; none where no class is learned.
    pub accuracy: Option<f64>,
}

/// Where a search is: before a step, or before it judges an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SearchMoment {
    /// The trial, counted from 1.
    pub trial: usize,
    /// Epochs that it has finished.
    pub epochs: usize,
    /// The rung, counted from 0.
    pub rung: usize,
    /// Whether what comes next judges an epoch, and is no step.
    pub judges: bool,
}

/// What a search found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Searched {
    /// All trials, the best one first. Those that were not tried come last.
    pub trials: Vec<Trial>,
    /// Whether it was stopped before its end.
    pub stopped: bool,
}

impl Searched {
    /// Epochs of all trials together that were finished.
    pub fn epochs(&self) -> usize {
        self.trials.iter().fold(0, |all, trial| all.saturating_add(trial.epochs))
    }

    /// Trials that took no step.
    pub fn untried(&self) -> usize {
        self.trials.iter().filter(|trial| trial.steps == 0 && trial.diverged.is_none()).count()
    }

    /// The model of the best trial's best epoch; none if no epoch was judged.
    pub fn model(&self, cpu: &Cpu) -> Option<Result<Model, TableError>> {
        let best = self.trials.first()?.kept.clone()?;
        Some(Model::of(cpu, best))
    }
}

/// What all trials work with.
struct Work<'a> {
    executor: &'a dyn Executor,
    schema: &'a Schema,
    train: &'a Dataset<f32>,
    held_out: &'a Dataset<f32>,
}

impl Search {
    /// Runs the search. Before each step, and before an epoch is judged, `go_on` says whether it goes on.
    ///
    /// All trials and what they come to depend on the data and the settings alone: not on threads, nor on the level.
    /// A trial that diverges is worse than all others, and no error.
    ///
    /// # Errors
    /// [`TableError`] if settings can't be trained with, or buffers do not fit into memory.
    pub fn run(
        &self,
        executor: &dyn Executor,
        schema: &Schema,
        train: &Dataset<f32>,
        held_out: &Dataset<f32>,
        mut go_on: impl FnMut(SearchMoment) -> ControlFlow<()>,
    ) -> Result<Searched, TableError> {
        let work = Work { executor, schema, train, held_out };
        let new = |(i, settings): (usize, &Settings)| Trial::new(i.saturating_add(1), settings.clone());
        let mut trials: Vec<Trial> = self.trials.iter().enumerate().map(new).collect();
        let mut stopped = false;
        let after = self.rungs.iter().skip(1).map(|rung| rung.trials).chain([1]);
        for ((i, rung), after) in self.rungs.iter().enumerate().zip(after) {
            let Rung { trials: count, epochs } = *rung;
            for j in 0..count.min(trials.len()) {
                // A trial that was dropped takes no part, even if so many diverged that it stands among the best: it would begin anew.
                if trials[j].rungs < i {
                    continue;
                }
                if trials[j].train(&work, (i, epochs), &mut go_on)?.is_break() {
                    stopped = true;
                    break;
                }
                let mut done: Vec<&mut Trial> = trials[..=j].iter_mut().collect();
                done.sort_by(|a, b| a.order(b));
                forget_all_after(done, after);
            }
            if stopped {
                break;
            }
            trials.sort_by(Trial::order);
            forget_all_after(&mut trials, after);
        }
        trials.sort_by(Trial::order);
        Ok(Searched { trials, stopped })
    }
}

/// Memory keeps, of trials with the best first, those that go on and the best of the others: its model is the result if all that go on diverge.
fn forget_all_after<'a>(trials: impl IntoIterator<Item = &'a mut Trial>, go_on: usize) {
    trials.into_iter().skip(go_on.saturating_add(1)).for_each(Trial::forget);
}

impl Trial {
    fn new(number: usize, settings: Settings) -> Trial {
        Trial {
            number,
            settings,
            epochs: 0,
            steps: 0,
            judged: 0,
            rungs: 0,
            best: None,
            diverged: None,
            last: None,
            kept: None,
        }
    }

    /// The better one first; of equal ones, that with the smaller number. Those that diverged are worse than all that were judged, and those that
    /// were not tried come last.
    fn order(&self, other: &Trial) -> std::cmp::Ordering {
        let key = |trial: &Trial| (trial.best.is_none(), trial.steps == 0);
        let loss = |trial: &Trial| trial.best.map_or(f64::INFINITY, |best| best.loss);
        key(self).cmp(&key(other)).then(loss(self).total_cmp(&loss(other))).then(self.number.cmp(&other.number))
    }

    fn forget(&mut self) {
        (self.last, self.kept) = (None, None);
    }

    /// Trains to the end of a rung.
    fn train(
        &mut self,
        work: &Work<'_>,
        (rung, epochs): (usize, usize),
        go_on: &mut impl FnMut(SearchMoment) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, TableError> {
        if self.diverged.is_some() {
            return Ok(ControlFlow::Continue(()));
        }
        let mut checkpoint = match self.last.take() {
            Some(last) => last,
            None => self.settings.checkpoint(work.schema, work.train.len())?,
        };
        let loss = checkpoint.options.loss.clone();
        let mut training = checkpoint.resume(work.executor, work.train)?;
        let mut flow = ControlFlow::Continue(());
        while self.epochs < epochs {
            let moment = SearchMoment { trial: self.number, epochs: self.epochs, rung, judges: false };
            flow = go_on(moment);
            if flow.is_break() {
                break;
            }
            match training.step() {
                None => break,
                Some(Ok(_)) => self.steps = self.steps.saturating_add(1),
                Some(Err(error @ NetError::Diverged { .. })) => {
                    self.diverge(error.to_string());
                    return Ok(flow);
                }
                Some(Err(error)) => return Err(error.into()),
            }
            if training.state().progress.steps != 0 {
                continue;
            }
            self.epochs = training.state().progress.epochs;
            flow = go_on(SearchMoment { epochs: self.epochs, judges: true, ..moment });
            if flow.is_break() {
                break;
            }
            let found = training.evaluated().evaluate(work.executor, work.held_out, &loss)?;
            self.judged = self.judged.saturating_add(1);
            if found.loss.is_finite() && self.best.is_none_or(|best| found.loss < best.loss) {
                self.best = Some(Judged { epoch: self.epochs, loss: found.loss, accuracy: found.accuracy });
                self.kept = Some(training.checkpoint());
            }
        }
        let state = training.into_state();
        checkpoint.state = state;
        self.last = Some(checkpoint);
        if flow.is_continue() {
            self.rungs = rung.saturating_add(1);
        }
        Ok(flow)
    }

    fn diverge(&mut self, why: String) {
        self.diverged = Some(why);
        self.best = None;
        self.forget();
    }
}
