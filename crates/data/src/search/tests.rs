//! Tests of the search: its bound is kept, a trial goes on where it stopped, and nothing depends on threads.

use std::ops::ControlFlow::{Break, Continue};

use nxm_net::{Cpu, Dataset, LearningRateSchedule, Level, Optimizer};

use super::*;
use crate::model::Schema;
use crate::recipe::Recipe;
use crate::table::Table;
use crate::testing::table;

const ROWS: usize = 90;
const TRIALS: usize = 9;
const EPOCHS: usize = 9;

fn rows() -> Table {
    let row = |i: usize| format!("{}.5,{}.25,{}\n", i * 7 % 23, i * 5 % 19, if i * 7 % 23 > 11 { "yes" } else { "no" });
    table(&format!("a,b,large\n{}", (0..ROWS).map(row).collect::<String>()))
}

/// What a search needs, but for its settings.
fn data() -> (Schema, Dataset<f32>, Dataset<f32>) {
    let table = rows();
    let split = table.target("large").stratified(0.2, 1).unwrap();
    let schema = Schema::fit(&split).unwrap();
    let [train, held_out] = [&split.train, &split.held_out].map(|rows| schema.dataset(rows).unwrap());
    (schema, train, held_out)
}

fn base(schema: &Schema, rows: usize) -> Settings {
    Recipe::default().with_hidden([16]).with_epochs(EPOCHS).with_seed(5).settings(rows, &schema.target)
}

fn search(schema: &Schema, rows: usize) -> Search {
    let base = base(schema, rows);
    Search::new(&base, &SearchSpace::around(&base, rows), TRIALS).unwrap()
}

#[test]
fn rungs_keep_a_third_and_train_three_times_as_long() {
    let found = |trials, epochs| -> Vec<[usize; 2]> {
        rungs(trials, epochs).iter().map(|rung| [rung.trials, rung.epochs]).collect()
    };
    assert_eq!(found(27, 300), [[27, 11], [9, 33], [3, 99], [1, 297]]);
    assert_eq!(found(10, 90), [[10, 10], [3, 30], [1, 90]]);
    assert_eq!(found(2, 9), [[2, 3], [1, 9]]);
    assert_eq!(found(1, 7), [[1, 7]]);
    // Too few epochs for all rungs.
    assert_eq!(found(27, 10), [[27, 1], [9, 3], [3, 9], [1, 10]]);
    assert_eq!(found(27, 1), [[27, 1]]);
    assert_eq!(found(27, usize::MAX).len(), 4);
}

#[test]
fn trials_depend_on_the_seed_and_their_number_alone() {
    let (schema, train, _) = data();
    let base = base(&schema, train.len());
    let space = SearchSpace::around(&base, 100_000);
    let draw = |space: &SearchSpace, trials| Search::new(&base, space, trials).unwrap().trials;
    let many = draw(&space, 200);
    assert_eq!(many[0], base);
    assert_eq!(many[..TRIALS], draw(&space, TRIALS));
    let HiddenSpace { layers, units } = space.hidden.unwrap();
    let within = |x: f64, [low, high]: [f64; 2]| low <= x && x <= high;
    for settings in &many[1..] {
        let hidden = &settings.hidden;
        assert!(layers[0] <= hidden.len() && hidden.len() <= layers[1], "{settings}");
        assert!(hidden.iter().all(|n| units[0] <= *n && *n <= units[1] && n.is_multiple_of(UNITS)), "{settings}");
        let rate = settings.options.optimizer.learning_rate();
        assert!(within(rate, space.learning_rate.unwrap()), "{settings}");
        let digits = format!("{rate:e}");
        assert!(digits.split('e').next().unwrap().len() <= "1.2".len(), "{digits}");
        let [smallest, largest] = space.batch.unwrap();
        let batch = settings.options.batch;
        assert!(batch.is_power_of_two() && smallest <= batch && batch <= largest, "{settings}");
    }
    // Log-uniform: about as many below the middle of the logarithms as above.
    let [low, high] = space.learning_rate.unwrap();
    let below = many.iter().filter(|one| one.options.optimizer.learning_rate() < (low * high).sqrt()).count();
    assert!((70..=130).contains(&below), "{below}");
    // What is fixed stays, and changes nothing else.
    let fixed = SearchSpace { batch: None, ..space.clone() };
    for (one, other) in draw(&fixed, 50).iter().zip(&many) {
        assert_eq!(one.options.batch, base.options.batch);
        assert_eq!((&one.hidden, one.options.optimizer), (&other.hidden, other.options.optimizer));
    }
    assert_eq!(SearchSpace::around(&base, 10).batch, Some([16, 16]));
}

#[test]
fn what_can_not_be_searched_is_refused() {
    let (schema, train, _) = data();
    let base = base(&schema, train.len());
    let space = SearchSpace::around(&base, train.len());
    let error =
        |base: &Settings, space: &SearchSpace, trials| Search::new(base, space, trials).unwrap_err().to_string();
    assert!(error(&base, &space, 0).contains("0 trials"));
    assert!(error(&base, &space, MOST_TRIALS + 1).contains(&MOST_TRIALS.to_string()));
    let mut none = base.clone();
    none.options.epochs = 0;
    assert!(error(&none, &space, 1).contains("without an epoch"));
    let turned = SearchSpace { learning_rate: Some([1.0, 0.1]), ..space.clone() };
    assert!(error(&base, &turned, 1).contains("a learning rate from 1 to 0.1"));
    let empty = SearchSpace { batch: Some([0, 4]), ..space };
    assert!(error(&base, &empty, 1).contains("a batch from 0 to 4"));
}

#[test]
fn the_bound_is_met_and_a_trial_goes_on_where_it_stopped() {
    let (schema, train, held_out) = data();
    let search = search(&schema, train.len());
    let cpu = Cpu::detect().unwrap();
    let (mut steps, mut judged) = (0, 0);
    let count = |moment: SearchMoment| {
        *if moment.judges { &mut judged } else { &mut steps } += 1;
        Continue(())
    };
    let found = search.run(&cpu, &schema, &train, &held_out, count).unwrap();
    assert!(!found.stopped && found.untried() == 0);
    assert_eq!((found.epochs(), judged), (search.epochs(), search.epochs()));
    assert_eq!(steps, found.trials.iter().map(|trial| trial.steps).sum::<usize>());
    let per_epoch = |trial: usize| search.trials()[trial].options.steps_per_epoch(train.len());
    let most = search.most(|trial, epochs| Some((epochs * per_epoch(trial)) as u128));
    assert!(steps as u128 <= most.unwrap());
    assert_eq!(search.most(|_, epochs| Some(epochs as u128)), Some(search.epochs() as u128));
    assert_eq!(search.most(|_, _| Some(u128::MAX)), None);
    // A third of each rung gets further.
    for rung in search.rungs() {
        assert_eq!(found.trials.iter().filter(|trial| trial.epochs >= rung.epochs).count(), rung.trials);
    }
    let losses: Vec<f64> = found.trials.iter().map(|trial| trial.best.unwrap().loss).collect();
    assert!(losses.is_sorted(), "{losses:?}");
    let best = &found.trials[0];
    assert_eq!(best.rungs, search.rungs().len());
    // The same settings in one go: the same bits.
    let mut checkpoint = best.settings.checkpoint(&schema, train.len()).unwrap();
    let mut training = checkpoint.resume(&cpu, &train).unwrap();
    let at = best.best.unwrap();
    (0..at.epoch).for_each(|_| assert!(training.next().unwrap().is_ok()));
    assert_eq!(Some(training.checkpoint()), best.kept);
    let loss = &best.settings.options.loss;
    assert_eq!(training.network().evaluate(&cpu, &held_out, loss).unwrap().loss, at.loss);
}

#[test]
fn the_same_at_any_number_of_threads() {
    let (schema, train, held_out) = data();
    let search = search(&schema, train.len());
    let run = |threads| {
        let cpu = Cpu::new(Level::detect().unwrap(), threads);
        let found = search.run(&cpu, &schema, &train, &held_out, |_| Continue(())).unwrap();
        found.trials.into_iter().map(|trial| (trial.number, trial.best, trial.kept)).collect::<Vec<_>>()
    };
    assert_eq!(run(1), run(2));
}

#[test]
fn a_trial_that_diverges_is_the_worst_and_no_error() {
    let (schema, train, held_out) = data();
    let mut base = base(&schema, train.len());
    base.options.optimizer = Optimizer::sgd(1e30);
    let search = Search::new(&base, &SearchSpace::around(&base, train.len()), TRIALS).unwrap();
    let found = search.run(&Cpu::detect().unwrap(), &schema, &train, &held_out, |_| Continue(())).unwrap();
    let worst = found.trials.last().unwrap();
    assert!(worst.number == 1 && worst.best.is_none() && worst.kept.is_none());
    assert!(worst.diverged.as_ref().is_some_and(|why| why.contains("diverged")), "{:?}", worst.diverged);
    assert!(found.trials[0].best.is_some() && found.epochs() <= search.epochs());
}

#[test]
fn it_stops_between_steps_and_says_what_it_did_not_try() {
    let (schema, train, held_out) = data();
    let search = search(&schema, train.len());
    let cpu = Cpu::detect().unwrap();
    let stopped = |most: usize| {
        let mut steps = 0;
        let found = search.run(&cpu, &schema, &train, &held_out, |moment| {
            steps += usize::from(!moment.judges);
            if steps > most { Break(()) } else { Continue(()) }
        });
        let found = found.unwrap();
        assert!(found.stopped);
        assert_eq!(found.trials.iter().map(|trial| trial.steps).sum::<usize>(), most);
        found
    };
    let none = stopped(0);
    assert_eq!(none.untried(), TRIALS);
    assert!(none.model(&cpu).is_none());
    // An epoch of the first trial, and a step.
    let first = search.trials()[0].options.steps_per_epoch(train.len());
    let found = stopped(first + 1);
    assert_eq!(found.untried(), TRIALS - 2);
    assert_eq!(found.trials[0].number, 1);
    assert!(found.model(&cpu).unwrap().is_ok());
    // Not even judging is begun.
    let found =
        search.run(&cpu, &schema, &train, &held_out, |moment| if moment.judges { Break(()) } else { Continue(()) });
    assert!(found.unwrap().model(&cpu).is_none());
}

/// All trials of the second rung diverge: those that were dropped before don't begin anew, and the best of them gives the model.
#[test]
fn a_dropped_trial_takes_no_part_when_all_others_diverge() {
    let (schema, train, held_out) = data();
    let mut search = search(&schema, train.len());
    for settings in &mut search.trials {
        // 1 in the first epoch, then 10³⁰.
        let every = settings.options.steps_per_epoch(train.len()) as u64;
        settings.options.optimizer = Optimizer::sgd(0.01);
        settings.options.schedule = LearningRateSchedule::Step { every, factor: 1e30 };
    }
    let cpu = Cpu::detect().unwrap();
    let found = search.run(&cpu, &schema, &train, &held_out, |_| Continue(())).unwrap();
    let diverged = found.trials.iter().filter(|trial| trial.diverged.is_some()).count();
    assert_eq!(diverged, search.rungs()[1].trials);
    let dropped = &found.trials[..TRIALS - diverged];
    assert!(dropped.iter().all(|trial| (trial.epochs, trial.judged, trial.rungs) == (1, 1, 1)), "{dropped:?}");
    let best = found.trials[0].best.unwrap();
    assert!(dropped.iter().all(|trial| trial.best.unwrap().loss >= best.loss));
    assert!(found.model(&cpu).expect("the best of the dropped ones is kept").is_ok());
    let mut kept = found.trials[0].kept.clone().unwrap();
    let loss = kept.options.loss.clone();
    let training = kept.resume(&cpu, &train).unwrap();
    assert_eq!(training.network().evaluate(&cpu, &held_out, &loss).unwrap().loss, best.loss);
}
