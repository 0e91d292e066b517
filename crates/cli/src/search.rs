//! `nxm search`: the settings that train best on a table, within a bound that is said before.

mod command;
mod foresee;
mod told;

use std::ffi::OsString;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use nxm_data::{
    Examples, Foreign, Judged, Metric, Model, Patience, Schema, Search, SearchMoment, SearchSpace, Searched, Settings,
    Trial,
};
use nxm_kernels::{Cpu, Executor};
use nxm_net::Checkpoint;

use crate::args::{SearchArgs, TableArgs, TrainArgs};
use crate::data::Source;
use crate::failure::Failure;
use crate::format::{count, plural, seconds};
use crate::model::note_text;
use crate::train::{self, HeldOut, Interrupt, Listener, TrainJob, WATCH};
use foresee::Prices;

/// Searches, and says before what it will take and afterwards what it found.
pub fn run(args: &SearchArgs, cpu: Cpu, out: &mut impl Write) -> Result<(), Failure> {
    let cpu = args.train.machine.of(cpu);
    refuse(&args.train)?;
    let mut job = TrainJob::new(&args.train)?;
    let interrupt = train::watch()?;
    if job.place.is_none() {
        return search(args, &mut job, &cpu, &interrupt, out);
    }
    // Its other effect, the checkpoint, is wanted even if nobody reads what it says.
    let mut listener = Listener::new(out);
    search(args, &mut job, &cpu, &interrupt, &mut listener)?;
    Ok(listener.end()?)
}

/// What of `nxm train` has no meaning for many trainings.
fn refuse(args: &TrainArgs) -> Result<(), Failure> {
    for (flag, given) in [
        ("--resume", args.resume.is_some()),
        ("--fine-tune", args.fine_tune.is_some()),
        ("--folds", args.folds.is_some()),
        ("--patience", args.patience.is_some()),
        ("--min-gain", args.min_gain.is_some()),
        ("--metric", args.metric.is_some()),
        ("--keep-last", args.keep_last),
        ("--quiet", args.quiet),
        ("--verbose", args.verbose),
        ("--log", args.log.is_some()),
        ("--checkpoint-every", args.checkpoint_every.is_some()),
        ("--keep", args.keep.get() > 1),
        ("--report", args.report.is_some()),
        ("--layers", args.layers.is_some()),
        ("--history", args.history.is_some()),
        ("--tensorboard", args.tensorboard.is_some()),
    ] {
        if given {
            return Err(Failure::Usage(format!(
                "{flag} is of one training: a search ends with the nxm train command to give it to"
            )));
        }
    }
    Ok(())
}

fn search(
    args: &SearchArgs,
    job: &mut TrainJob,
    cpu: &Cpu,
    interrupt: &Interrupt,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let Some(HeldOut { data: held_out, .. }) = &job.held_out else {
        return Err(Failure::Usage(
            "a search needs examples that are held out to choose by: --validate with more than 0".to_owned(),
        ));
    };
    let (base, seen, schema) = (base(&job.checkpoint), &job.seen, &job.schema);
    // What is wrong with it is said before the search.
    let test = args.test_with.as_deref().map(|path| test(&args.train.table, path, schema)).transpose()?;
    let space = space(&args.train, &base, seen.len());
    if [space.hidden.is_none(), space.learning_rate.is_none(), space.weight_decay.is_none(), space.batch.is_none()]
        == [true; 4]
    {
        let named = "--hidden, --learning-rate, --weight-decay and --batch";
        return Err(Failure::Usage(format!("{named} are all named, and nothing is left to search: leave one out")));
    }
    let search = Search::new(&base, &space, usize::try_from(args.trials).unwrap_or(usize::MAX))?;
    // That the best model can't be written is better known now than after the search.
    if let Some(place) = &mut job.place {
        place.try_write(&mut job.checkpoint, cpu, &job.seen)?;
    }
    let prices = Prices::new(&search, schema, cpu, seen, held_out)?;
    let most = prices.most(&search)?;
    write!(out, "{}{}", job.description, told::plan(job, &search, &space))?;
    writeln!(out, "On {}, {}.", cpu.level(), plural(cpu.threads() as u64, "thread"))?;
    writeln!(out, "Cost: at most {} flops, judging included.", count(most))?;
    writeln!(out, "{}", told::forecast(prices.seconds(&search), args.seconds))?;
    out.flush()?;

    let mut bound = Bound::new(&search, &prices, args.seconds, interrupt);
    let found = search.run(cpu, schema, seen, held_out, |moment| bound.ask(moment));
    let taken = bound.start.elapsed();
    bound.bar.finish_and_clear();
    let found = found?;
    let interrupted = found.stopped && interrupt.asked();
    if interrupted && found.trials[0].best.is_none() {
        return Err(Failure::Interrupted("Interrupted: no trial has finished an epoch.".to_owned()));
    }
    let model = conclude(job, cpu, (&search, &space, &prices), &found, taken, out)?;
    if let Some(HeldOut { data, values }) = test {
        let found = model.judge(&model.predict_dataset(&data)?, &values)?;
        let path = args.test_with.as_deref().unwrap_or(Path::new(""));
        writeln!(out, "On {}, which the search has not seen:\n\n{found}", Foreign::path(path))?;
    }
    if interrupted {
        return Err(Failure::Interrupted("Interrupted: the search is not finished.".to_owned()));
    }
    Ok(())
}

/// Rows of another table, which judge the best model once.
fn test(args: &TableArgs, path: &Path, schema: &Schema) -> Result<HeldOut, Failure> {
    let (table, _) = Source::File { data: path, labels: None }.read(args, Some(&schema.reading))?;
    let rows = Examples::of_model(&table, &schema.target)?.all();
    if rows.is_empty() {
        let path = Foreign::path(path);
        return Err(Failure::Usage(format!("--test-with: no row of {path} has a value of the column to learn")));
    }
    Ok(HeldOut { data: schema.dataset(&rows)?, values: rows.values()? })
}

/// The settings of a training that is about to begin.
fn base(checkpoint: &Checkpoint<f32>) -> Settings {
    let Checkpoint { network, options, .. } = checkpoint;
    let hidden = network.layers().len().saturating_sub(1);
    Settings {
        hidden: network.layers().take(hidden).map(|layer| layer.fan_out()).collect(),
        activation: network.layer(0).activation(),
        layers: None,
        options: options.clone(),
        patience: 0,
        metric: Metric::Loss,
        min_gain: 0.0,
        keep_last: false,
    }
}

/// All that is not named.
fn space(args: &TrainArgs, base: &Settings, rows: usize) -> SearchSpace {
    let mut space = SearchSpace::around(base, rows);
    if args.hidden.is_some() {
        space.hidden = None;
    }
    if args.learning_rate.is_some() {
        space.learning_rate = None;
    }
    if args.tuning.weight_decay.is_some() {
        space.weight_decay = None;
    }
    if args.batch.is_some() {
        space.batch = None;
    }
    space
}

/// When the search stops: at its end, at the end of its time, or when it is asked to.
struct Bound<'a> {
    start: Instant,
    seconds: Option<f64>,
    prices: &'a Prices,
    /// What judging the best model at the end takes, kept back.
    judging: f64,
    interrupt: &'a Interrupt,
    trials: usize,
    bar: ProgressBar,
}

impl<'a> Bound<'a> {
    fn new(search: &Search, prices: &'a Prices, seconds: Option<f64>, interrupt: &'a Interrupt) -> Bound<'a> {
        let style = ProgressStyle::with_template("{msg} {wide_bar} {eta}").expect("a valid template");
        let bar = ProgressBar::with_draw_target(Some(search.epochs() as u64), ProgressDrawTarget::stderr());
        bar.enable_steady_tick(Duration::from_millis(250));
        let judging = prices.0.iter().map(|price| price.seconds_of_judging).fold(0.0, f64::max);
        let trials = search.trials().len();
        Bound { start: Instant::now(), seconds, prices, judging, interrupt, trials, bar: bar.with_style(style) }
    }

    /// Whether there is time for what comes next, a step or judging an epoch.
    fn ask(&mut self, moment: SearchMoment) -> ControlFlow<()> {
        if moment.judges {
            self.bar.inc(1);
            self.bar.set_message(format!("trial {} of {}, epoch {}", moment.trial, self.trials, moment.epochs));
        }
        let price = &self.prices.0[moment.trial.saturating_sub(1)];
        let next = if moment.judges { price.seconds_of_judging } else { price.seconds_per_step };
        let out_of_time =
            self.seconds.is_some_and(|seconds| self.start.elapsed().as_secs_f64() + next + self.judging > seconds);
        if out_of_time || self.interrupt.asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// What was found, what it took, and how to have it again.
fn conclude(
    job: &mut TrainJob,
    cpu: &Cpu,
    (search, space, prices): (&Search, &SearchSpace, &Prices),
    found: &Searched,
    taken: Duration,
    out: &mut impl Write,
) -> Result<Model, Failure> {
    let spent = found.trials.iter().fold(0u128, |all, trial| {
        let price = &prices.0[trial.number.saturating_sub(1)];
        all.saturating_add(price.spent(trial))
    });
    let of = format!("{} of {}", count(found.epochs() as u64), plural(search.epochs() as u64, "epoch"));
    let spent = format!("{of}, {} flops, {}", count(spent), seconds(taken.as_secs_f64()));
    let diverged = found.trials.iter().filter(|trial| trial.diverged.is_some()).count();
    let best = &found.trials[0];
    let (Some(model), Some(judged)) = (found.model(cpu).transpose()?, best.best) else {
        return Err(match (found.stopped, &best.diverged) {
            (false, Some(why)) => {
                Failure::Diverged(format!("all {} diverged, the first one as {why}", plural(diverged as u64, "trial")))
            }
            _ => Failure::Usage(format!(
                "no trial finished an epoch: {spent}; give the search more time by --seconds, or fewer rows"
            )),
        });
    };
    let HeldOut { data, values } = job.held_out.as_ref().expect("the search was judged by them");
    let evaluation = model.judge(&model.predict_dataset(data)?, values)?;
    writeln!(out, "\n{}\n", told::trials(job, found, prices, &evaluation))?;
    writeln!(out, "{spent}.")?;
    if diverged > 0 {
        writeln!(out, "{} diverged.", plural(diverged as u64, "trial"))?;
    }
    if found.stopped {
        writeln!(out, "{}", told::not_tried(search, found))?;
    }
    writeln!(out, "Trial {}, on the held-out rows after epoch {}:\n\n{evaluation}", best.number, judged.epoch)?;
    writeln!(out, "{}", told::OPTIMISTIC)?;
    keep(job, cpu, best, judged, out)?;
    let arguments: Vec<OsString> = std::env::args_os().skip(2).collect();
    writeln!(out, "Train it again:\n{}", command::train(&arguments, space, &best.settings, judged))?;
    Ok(model)
}

/// Keeps a trial as `nxm train` does, if it is to be kept: as it was left, and after its best epoch.
fn keep(job: &mut TrainJob, cpu: &Cpu, trial: &Trial, judged: Judged, out: &mut impl Write) -> Result<(), Failure> {
    let (Some(place), Some(mut last), Some(mut best)) = (&mut job.place, trial.last.clone(), trial.kept.clone()) else {
        return Ok(());
    };
    let patience = Some(trial.settings.options.epochs as u64);
    let best_epoch =
        Some((judged.epoch as u64, judged.loss * job.schema.target.loss_unit(&trial.settings.options.loss)));
    job.watch.metric = Metric::Loss;
    job.watch.patience = Patience::new(Metric::Loss.goal(), patience).with_best(best_epoch);
    job.watch.keep_best = true;
    let note = note_text(&job.watch)?;
    for checkpoint in [&mut last, &mut best] {
        checkpoint.notes.insert(WATCH.to_owned(), note.clone());
    }
    place.keep_best(best);
    let training = last.resume(cpu, &job.seen).map_err(Failure::usage)?;
    place.save(&training).map_err(Failure::usage)?;
    let [path, beside] = [&place.path, &place.best()].map(|path| Foreign::path(path).to_string());
    writeln!(out, "Its network is in {path}, that of its best epoch in {beside}.")?;
    Ok(())
}
