//! What a search costs, before it runs: in operations by formula, and in seconds by steps that are measured.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::{Duration, Instant};

use nxm_count::{Bill, CountError, Formulas, NetworkSpec, Run, TrainingLength};
use nxm_data::{Schema, Search, Settings, Trial};
use nxm_kernels::{Cpu, Executor};
use nxm_net::{Checkpoint, Dataset, EVALUATION_ROWS, Loss};

use crate::failure::Failure;

/// How long all trials together are measured at most, but for the first steps of one.
const BUDGET: Duration = Duration::from_secs(1);
/// How long a trial is measured at most.
const OF_A_TRIAL: Duration = Duration::from_millis(10);

/// What a trial costs.
#[derive(Clone, Debug)]
pub struct Price {
    /// Weights and biases.
    pub parameters: u128,
    /// Flops of a step on a whole batch.
    pub step: u128,
    /// Flops of the steps of an epoch.
    pub epoch: u128,
    /// Flops of judging an epoch.
    pub judging: u128,
    /// Seconds of a step.
    pub seconds_per_step: f64,
    /// Seconds of judging an epoch.
    pub seconds_of_judging: f64,
    /// Steps of an epoch.
    steps: usize,
}

/// Flops of judging so many rows.
fn judging(formulas: &Formulas, network: &NetworkSpec, rows: usize) -> Result<u128, CountError> {
    let [whole, rest] = [rows / EVALUATION_ROWS, rows % EVALUATION_ROWS];
    let run = |rows: usize| -> Result<u128, CountError> {
        match rows {
            0 => Ok(0),
            rows => Ok(formulas.cost(network, rows as u64, Run::Evaluation)?.total.ops.flops()),
        }
    };
    Ok(run(EVALUATION_ROWS)?.saturating_mul(whole as u128).saturating_add(run(rest)?))
}

impl Price {
    /// By formula; nothing is measured yet.
    fn new(
        checkpoint: &Checkpoint<f32>,
        train: &Dataset<f32>,
        held_out: &Dataset<f32>,
        cpu: &Cpu,
    ) -> Result<Price, CountError> {
        let options = &checkpoint.options;
        let network = NetworkSpec::of_training(&checkpoint.network, options).on(train);
        let bill = Bill::new::<f32>(&network, TrainingLength::of(options, train.len() as u64), cpu)?;
        let formulas = Formulas::of::<f32>(Executor::level(cpu)).on_threads(Executor::threads(cpu));
        Ok(Price {
            parameters: bill.parameters,
            step: bill.step.total.ops.flops(),
            epoch: bill.epoch.total.ops.flops(),
            judging: judging(&formulas, &network, held_out.len())?,
            seconds_per_step: 0.0,
            seconds_of_judging: 0.0,
            steps: options.steps_per_epoch(train.len()),
        })
    }

    /// Flops of so many epochs, all of them judged.
    fn flops(&self, epochs: usize) -> Option<u128> {
        self.epoch.checked_add(self.judging)?.checked_mul(epochs as u128)
    }

    /// Flops that this trial has taken.
    pub fn spent(&self, trial: &Trial) -> u128 {
        let begun = trial.steps.saturating_sub(trial.epochs.saturating_mul(self.steps));
        let of = |flops: u128, times: usize| flops.saturating_mul(times as u128);
        of(self.epoch, trial.epochs).saturating_add(of(self.step, begun)).saturating_add(of(self.judging, trial.judged))
    }

    /// Seconds of an epoch that is judged.
    fn seconds(&self) -> f64 {
        self.seconds_per_step * self.steps as f64 + self.seconds_of_judging
    }

    /// Times some steps of the training and judging; false if that fails, as it will say so itself.
    fn measure(
        &mut self,
        checkpoint: &mut Checkpoint<f32>,
        cpu: &Cpu,
        train: &Dataset<f32>,
        held_out: &Dataset<f32>,
    ) -> bool {
        let loss: Loss = checkpoint.options.loss.clone();
        let Ok(mut training) = checkpoint.resume(cpu, train) else { return false };
        // The first step warms up caches and threads.
        let Some(Ok(_)) = training.step() else { return false };
        let (start, mut measured) = (Instant::now(), 0usize);
        while measured == 0 || start.elapsed() < OF_A_TRIAL {
            match training.step() {
                Some(Ok(_)) => measured = measured.saturating_add(1),
                // So short a training ends before its time is up.
                None if measured > 0 => break,
                None | Some(Err(_)) => return false,
            }
        }
        self.seconds_per_step = start.elapsed().as_secs_f64() / measured as f64;
        let start = Instant::now();
        let judged = training.evaluated().evaluate(cpu, held_out, &loss);
        self.seconds_of_judging = start.elapsed().as_secs_f64();
        judged.is_ok()
    }
}

/// What all trials of a search cost.
#[derive(Clone, Debug)]
pub struct Prices(pub Vec<Price>);

impl Prices {
    /// By formula for all trials, and by measurement for as many as there is time for; the others take as long for a flop.
    pub fn new(
        search: &Search,
        schema: &Schema,
        cpu: &Cpu,
        train: &Dataset<f32>,
        held_out: &Dataset<f32>,
    ) -> Result<Prices, Failure> {
        let start = Instant::now();
        let (mut prices, mut measured, mut known) = (Vec::new(), Vec::new(), BTreeMap::new());
        for settings in search.trials() {
            let Settings { hidden, options, .. } = settings;
            options.check::<f32>().map_err(Failure::usage)?;
            let mut checkpoint = settings.checkpoint(schema, train.len())?;
            // Of the formulas, trials of the same sizes have the same.
            let mut price = match known.entry((hidden, options.batch)) {
                Entry::Occupied(entry) => Price::clone(entry.get()),
                Entry::Vacant(entry) => {
                    let price = Price::new(&checkpoint, train, held_out, cpu).map_err(Failure::usage)?;
                    entry.insert(price).clone()
                }
            };
            let timed =
                (prices.is_empty() || start.elapsed() < BUDGET) && price.measure(&mut checkpoint, cpu, train, held_out);
            measured.push(timed);
            prices.push(price);
        }
        let of = |price: &Price| {
            [price.seconds_per_step / price.step as f64, price.seconds_of_judging / price.judging as f64]
        };
        let rates: Vec<[f64; 2]> =
            prices.iter().zip(&measured).filter(|(_, timed)| **timed).map(|(price, _)| of(price)).collect();
        let mean = |i: usize| rates.iter().map(|seconds| seconds[i]).sum::<f64>() / rates.len().max(1) as f64;
        for (price, _) in prices.iter_mut().zip(measured).filter(|(_, timed)| !timed) {
            price.seconds_per_step = mean(0) * price.step as f64;
            price.seconds_of_judging = mean(1) * price.judging as f64;
        }
        Ok(Prices(prices))
    }

    /// Flops that the search takes at most.
    pub fn most(&self, search: &Search) -> Result<u128, Failure> {
        let most = search.most(|trial, epochs| self.0.get(trial)?.flops(epochs));
        most.ok_or_else(|| {
            Failure::Usage("the search takes more operations than can be counted: search less".to_owned())
        })
    }

    /// Seconds that the search takes if trials as slow as the mean go on, and if the slowest do.
    pub fn seconds(&self, search: &Search) -> [f64; 2] {
        let mean = self.0.iter().map(Price::seconds).sum::<f64>() / self.0.len().max(1) as f64;
        let nanoseconds =
            |trial: usize, epochs: usize| Some((self.0.get(trial)?.seconds() * epochs as f64 * 1e9) as u128);
        let most = search.most(nanoseconds).map_or(f64::INFINITY, |sum| sum as f64 / 1e9);
        [mean * search.epochs() as f64, most]
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow::Continue;

    use nxm_count::Counted;
    use nxm_data::{ReadOptions, Recipe, SearchSpace, Split, Table};

    use super::*;

    const ROWS: usize = 120;
    const TRIALS: usize = 9;

    /// What the search's kernels execute, counted by their token.
    fn counted(split: &Split<'_>, space: impl Fn(&Settings) -> SearchSpace) -> (u128, u128, u128) {
        let schema = Schema::fit(split).unwrap();
        let [train, held_out] = [&split.train, &split.held_out].map(|rows| schema.dataset(rows).unwrap());
        let base =
            Recipe::default().with_hidden([16]).with_batch(32).with_epochs(9).settings(train.len(), &schema.target);
        let search = Search::new(&base, &space(&base), TRIALS).unwrap();
        let cpu = Cpu::detect().unwrap();
        let prices = Prices::new(&search, &schema, &cpu, &train, &held_out).unwrap();
        let counting = Counted::new(cpu);
        let found = search.run(&counting, &schema, &train, &held_out, |_| Continue(())).unwrap();
        let spent = found.trials.iter().map(|trial| prices.0[trial.number - 1].spent(trial)).sum();
        (counting.total().useful.flops(), spent, prices.most(&search).unwrap())
    }

    #[test]
    fn the_operations_of_a_search_are_those_that_were_stated() {
        let row = |i: usize| format!("{}.5,{}.25,{}\n", i * 7 % 23, i * 5 % 19, 3 * (i * 7 % 23));
        let text = format!("a,b,y\n{}", (0..ROWS).map(row).collect::<String>());
        let table = Table::read_from(text.as_bytes(), "rows", &ReadOptions::default()).unwrap();
        let split = table.target("y").stratified(0.2, 1).unwrap();
        // One size and one batch: whichever trials go on, they cost the same.
        let (executed, spent, most) = counted(&split, |base| {
            let mut space = SearchSpace::around(base, ROWS);
            (space.hidden, space.batch) = (None, None);
            space
        });
        assert_eq!([executed, spent], [most; 2]);
        // Of different costs, the bound is the one in which the most expensive trials are the best.
        let (executed, spent, most) = counted(&split, |base| SearchSpace::around(base, ROWS));
        assert_eq!(executed, spent);
        assert!(executed <= most, "{executed} {most}");
    }
}
