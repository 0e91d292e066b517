//! Random search with successive halving: many settings train a little, and the best third of them goes on.
//!
//! The inner loop of Hyperband (Li et al. 2018) by Jamieson and Talwalkar (2016), with η = [`ETA`]: all trials train r epochs, the best third
//! goes on to 3r, the best third of those to 9r, until one is left. A trial goes on where it stopped; no epoch is trained twice.

mod halving;
mod space;

use serde::Serialize;

use crate::error::TableError;
use crate::recipe::Settings;

pub use halving::{Judged, SearchMoment, Searched, Trial};
pub use space::{HiddenSpace, SearchSpace, UNITS};

/// One of so many trials goes on, with so many times the epochs.
pub const ETA: usize = 3;
/// Trials that a search may have.
pub const MOST_TRIALS: usize = 10_000;

/// A search that is planned: its trials, and how far each of them may get. What it costs at most is known before it runs.
///
/// The first trial has the settings that the search begins with.
///
/// ```
/// use std::ops::ControlFlow;
/// use nxm_data::{ReadOptions, Recipe, Schema, Search, SearchSpace, Table};
///
/// let text: String = (0..60).map(|i| format!("{i},{}\n", 2 * i + 1)).collect();
/// let table = Table::read_from(format!("x,y\n{text}").as_bytes(), "lines", &ReadOptions::default())?;
/// let split = table.target("y").numbers(["x"]).stratified(0.2, 1)?;
/// let schema = Schema::fit(&split)?;
/// let [train, held_out] = [schema.dataset(&split.train)?, schema.dataset(&split.held_out)?];
///
/// let base = Recipe::default().with_epochs(9).settings(train.len(), &schema.target);
/// let search = Search::new(&base, &SearchSpace::around(&base, train.len()), 9)?;
/// // 9 trials train 1 epoch, 3 go on to 3 epochs, 1 to 9: 9 + 3·2 + 1·6.
/// assert_eq!(search.epochs(), 21);
///
/// let cpu = nxm_net::Cpu::detect()?;
/// let found = search.run(&cpu, &schema, &train, &held_out, |_| ControlFlow::Continue(()))?;
/// assert_eq!(found.epochs(), search.epochs());
/// let best = &found.trials[0];
/// println!("trial {}: {}", best.number, best.settings);
/// println!("{}", found.model(&cpu).expect("a trial was judged")?.evaluate(&split.held_out)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    trials: Vec<Settings>,
    rungs: Vec<Rung>,
}

/// A part of a search, after which all but the best third of its trials end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Rung {
    /// How many trials take part.
    pub trials: usize,
    /// Epochs that each of them has trained at its end, those before it included.
    pub epochs: usize,
}

impl Search {
    /// Draws so many trials, which depend on the seed of `base` alone; the last one left trains at most the epochs of `base`.
    ///
    /// # Errors
    /// [`TableError::Request`] if there is no trial or more than [`MOST_TRIALS`], `base` has no epoch, or a range of the space is empty.
    pub fn new(base: &Settings, space: &SearchSpace, trials: usize) -> Result<Search, TableError> {
        if !(1..=MOST_TRIALS).contains(&trials) {
            return Err(TableError::Request(format!("a search of {trials} trials: expected 1 to {MOST_TRIALS}")));
        }
        if base.options.epochs == 0 {
            return Err(TableError::Request("a search of trials without an epoch: expected at least one".to_owned()));
        }
        space.check()?;
        let drawn = (1..trials).map(|trial| space.draw(base, trial));
        let trials = std::iter::once(base.clone()).chain(drawn).collect::<Vec<_>>();
        let rungs = rungs(trials.len(), base.options.epochs);
        Ok(Search { trials, rungs })
    }

    /// The settings of each trial.
    pub fn trials(&self) -> &[Settings] {
        &self.trials
    }

    /// How many trials get how far.
    pub fn rungs(&self) -> &[Rung] {
        &self.rungs
    }

    /// Epochs of all trials together: exactly, unless one of them diverges or the search is stopped.
    pub fn epochs(&self) -> usize {
        self.parts().fold(0, |all, (trials, epochs)| all.saturating_add(trials.saturating_mul(epochs)))
    }

    /// What the search costs at most, if the trial at an index costs `cost` for so many epochs: exactly that where the most expensive trials
    /// are the best ones. None if a cost is none or the sum is too large.
    pub fn most(&self, cost: impl Fn(usize, usize) -> Option<u128>) -> Option<u128> {
        let mut all = 0u128;
        for (trials, epochs) in self.parts() {
            let mut costs = (0..self.trials.len()).map(|trial| cost(trial, epochs)).collect::<Option<Vec<u128>>>()?;
            costs.sort_unstable_by(|a, b| b.cmp(a));
            all = costs.into_iter().take(trials).try_fold(all, u128::checked_add)?;
        }
        Some(all)
    }

    /// For each rung, how many trials take part, and the epochs that each of them trains in it.
    pub fn parts(&self) -> impl Iterator<Item = (usize, usize)> {
        let before = std::iter::once(0).chain(self.rungs.iter().map(|rung| rung.epochs));
        self.rungs.iter().zip(before).map(|(rung, before)| (rung.trials, rung.epochs.saturating_sub(before)))
    }
}

/// How many trials get how far, if the last one trains at most so many epochs.
fn rungs(trials: usize, most: usize) -> Vec<Rung> {
    let counts: Vec<usize> = std::iter::successors(Some(trials), |n| (*n > 1).then(|| (n / ETA).max(1))).collect();
    let growth = counts.iter().skip(1).fold(1usize, |growth, _| growth.saturating_mul(ETA));
    let mut epochs = most.checked_div(growth).unwrap_or(0).max(1);
    let mut rungs: Vec<Rung> = Vec::new();
    for trials in counts {
        // Where there are too few epochs for all rungs, the last ones would train nothing.
        if rungs.last().is_none_or(|rung| rung.epochs < epochs) {
            rungs.push(Rung { trials, epochs });
        }
        epochs = epochs.saturating_mul(ETA).min(most);
    }
    rungs
}

#[cfg(test)]
mod tests;
