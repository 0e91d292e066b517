//! The training itself: steps, epochs that are judged, checkpoints, and the ways in which it ends.

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use nxm_data::{Foreign, Goal, Model, Score, Target};
use nxm_kernels::Cpu;
use nxm_net::{Checkpoint, CheckpointError, CheckpointSummary, Checkpoints, NetError, Training};

use super::events::{End, EpochTold, Talk};
use super::interrupt::Interrupt;
use super::job::{TrainJob, quoted};
use super::logs::Logs;
use super::outcome::{HeldOut, Told, report};
use super::place::CheckpointFiles;
use super::progress::Bar;
use super::watch::{WATCH, Watch};
use crate::failure::Failure;
use crate::format::{count, loss, percent, plural, seconds};
use crate::model::note_text;
use crate::table::{Look, table};

/// Epochs that the table shows at most.
const ROWS: usize = 12;
/// Where an interrupted training is kept that nobody gave a place.
const UNNAMED: &str = "nxm-interrupted";

/// An epoch of this session.
pub struct Epoch {
    /// From 1.
    pub number: usize,
    /// Of the rows that were learned from, in the unit of the data.
    pub loss: f64,
    /// Of the held-out rows.
    pub score: Option<Score>,
    /// Since the session began.
    pub seconds: f64,
}

/// What came of the epochs of a training.
pub struct Learned {
    /// Those of this session.
    pub epochs: Vec<Epoch>,
    /// Whether there was no gain for too long.
    pub stopped: bool,
    /// The best one, if it is one of this session and is to be used.
    pub kept: Option<Checkpoint<f32>>,
    /// The training at its end.
    pub last: Checkpoint<f32>,
}

/// Trains to the end, or as far as it gets.
pub fn learn(
    job: &mut TrainJob,
    cpu: &Cpu,
    interrupt: &Interrupt,
    logs: &mut Logs,
    bar: &mut Bar,
) -> Result<Learned, Failure> {
    let TrainJob { checkpoint, seen, held_out, watch, place, again, schema, fold, .. } = job;
    // The network's numbers are scaled; people know their own.
    let unit = schema.target.loss_unit(&checkpoint.options.loss);
    let mut training = checkpoint.resume(cpu, seen).map_err(Failure::usage)?;
    let (mut place, steps) = (place.as_mut(), training.steps_per_epoch().saturating_mul(training.options().epochs));
    let (mut epochs, mut last) = (Vec::new(), None);
    let (mut stopped, mut kept) = (false, None);
    while !stopped && let Some(step) = training.step() {
        let step = match step {
            Ok(step) => step,
            Err(error) => {
                bar.clear();
                return Err(failed(error, *fold, place, &training));
            }
        };
        bar.step(&training, step.rows, last);
        if training.state().progress.steps == 0 {
            let report = training.last_epoch().expect("an epoch has just ended");
            let (loss, metric) = (&training.options().loss, watch.metric);
            let judge =
                |rows: &HeldOut| schema.score(cpu, training.evaluated(), (&rows.data, &rows.values), loss, metric);
            last = held_out.as_ref().map(judge).transpose()?;
            training.report_metric(last.map_or(report.loss, |score| score.loss));
            let best = last.is_some_and(|score| watch.patience.see(report.epoch as u64, score.value));
            stopped = watch.patience.stops_after(report.epoch as u64);
            training.notes_mut().insert(WATCH.to_owned(), note_text(&watch)?);
            if best && watch.keep_best {
                let checkpoint = training.checkpoint();
                if let Some(place) = &mut place {
                    place.keep_best(checkpoint.clone());
                }
                kept = Some(checkpoint);
            }
            logs.write(&training, report, last, unit, bar.seconds())?;
            let (loss, seconds) = (report.loss * unit, bar.seconds());
            logs.voice.epoch(
                bar,
                &EpochTold {
                    fold: *fold,
                    epoch: report.epoch,
                    epochs: training.options().epochs,
                    loss,
                    score: last,
                    target: &schema.target,
                    best,
                    seconds,
                    seconds_left: bar.left(training.steps()),
                },
            );
            epochs.push(Epoch { number: report.epoch, loss, score: last, seconds });
        }
        if let Some(place) = &mut place {
            let ended = stopped || training.steps() >= steps;
            place.after_step(&training, ended).map_err(Failure::usage)?;
        }
        if interrupt.asked() && !stopped && training.steps() < steps {
            bar.clear();
            return Err(interrupted(*fold, place, &training, again)?);
        }
    }
    Ok(Learned { epochs, stopped, kept, last: training.checkpoint() })
}

/// Trains, and tells what came of it.
pub fn run(
    job: &mut TrainJob,
    cpu: &Cpu,
    interrupt: &Interrupt,
    logs: &mut Logs,
    out: &mut Talk<impl Write>,
) -> Result<(), Failure> {
    let Checkpoint { options, state, examples, .. } = &job.checkpoint;
    let of_epoch = options.steps_per_epoch(*examples);
    let done = state.progress.epochs.saturating_mul(of_epoch).saturating_add(state.progress.steps);
    let steps = options.epochs.saturating_mul(of_epoch);
    let mut bar = Bar::new(steps, done, &job.schema.target, logs.voice.draws());
    let Learned { epochs, stopped, kept, last } = learn(job, cpu, interrupt, logs, &mut bar)?;
    bar.clear();
    let TrainJob { held_out, watch, place, dialect, columns_told, source, schema, .. } = job;
    writeln!(out, "\n{}\n", history(&epochs, &schema.target))?;
    let (time, rate) = (seconds(bar.seconds()), count(bar.rate() as u64));
    writeln!(out, "{}, {time}, {rate} examples/s.", plural(last.state.optimizer.steps(), "step"))?;
    if let Some(lbfgs) = last.state.optimizer.lbfgs() {
        let [iterations, evaluations] = [lbfgs.iterations(), lbfgs.evaluations()];
        let iterations = plural(iterations, "iteration");
        writeln!(out, "L-BFGS made {iterations}, and computed loss and gradients {}.", plural(evaluations, "time"))?;
    }
    let (last_epoch, last_step) = (last.state.progress.epochs, last.state.optimizer.steps());
    let kept = kept.or_else(|| best_before(place.as_ref(), watch));
    let best = kept.as_ref().and(watch.patience.best).map(|(epoch, _)| epoch);
    let model = Model::of(cpu, kept.unwrap_or(last))?;
    let mut judged = None;
    if let Some(held_out) = held_out {
        let epoch = best.map_or(String::new(), |epoch| format!(" after epoch {epoch}, the best one"));
        let found = model.judge(&model.predict_dataset(&held_out.data)?, &held_out.values)?;
        writeln!(out, "On the held-out rows{epoch}:\n")?;
        writeln!(out.result, "{found}")?;
        judged = Some((&*held_out, found));
    }
    let metrics = judged.as_ref().map(|(_, found)| found);
    let path = place.as_ref().map(|place| place.path.to_string_lossy().into_owned());
    logs.voice.end(&End::new((last_epoch, last_step, bar.seconds()), stopped, best, metrics, path));
    if let Some(path) = &logs.report {
        let told = Told {
            cpu,
            source,
            columns: columns_told.clone(),
            dialect,
            epochs: epochs
                .iter()
                .map(|epoch| (epoch.number as u64, epoch.loss, epoch.score.map(|score| score.loss)))
                .collect(),
            best,
            time: (logs.forecast, bar.seconds()),
        };
        report(&model, judged, &told)?.write(path).map_err(Failure::usage)?;
        writeln!(out, "The report is in {}.", Foreign::path(path))?;
    }
    conclude(watch, stopped, place.as_mut(), out)
}

/// The best epoch, if it was one of an earlier session and is still kept.
fn best_before(place: Option<&CheckpointFiles>, watch: &Watch) -> Option<Checkpoint<f32>> {
    let (epoch, _) = watch.patience.best.filter(|_| watch.keep_best)?;
    let best = Checkpoint::load(place?.best()).ok()?;
    (best.state.progress.epochs as u64 == epoch).then_some(best)
}

/// A step failed: the state before it is kept if it is whole, else the one that was kept last.
fn failed(
    error: NetError,
    fold: Option<(usize, usize)>,
    place: Option<&mut CheckpointFiles>,
    training: &Training<'_, f32>,
) -> Failure {
    if !matches!(error, NetError::Diverged { .. }) {
        return Failure::usage(error);
    }
    if let Some((fold, folds)) = fold {
        return Failure::Diverged(format!(
            "fold {fold} of {folds}: {error}; a smaller --learning-rate or a --clip-norm may help"
        ));
    }
    let kept = match place {
        None => "nothing was kept, as no --checkpoint was named".to_owned(),
        Some(place) => {
            let saved = place.save(training);
            let path = Foreign::path(&place.path);
            match saved {
                Ok(()) => {
                    format!("the last good state, after {}, is in {path}", plural(training.steps() as u64, "step"))
                }
                Err(_) => format!("the last good checkpoint is still in {path}"),
            }
        }
    };
    Failure::Diverged(format!("{error}; {kept}; a smaller --learning-rate or a --clip-norm may help"))
}

/// Keeps the training wherever it can, and says how to go on.
fn interrupted(
    fold: Option<(usize, usize)>,
    place: Option<&mut CheckpointFiles>,
    training: &Training<'_, f32>,
    again: &str,
) -> Result<Failure, Failure> {
    if let Some((fold, folds)) = fold {
        return Ok(Failure::Interrupted(format!(
            "Interrupted in fold {fold} of {folds}: a cross-validation keeps no model, and begins anew."
        )));
    }
    let path = match place {
        Some(place) => {
            place.save(training).map_err(Failure::usage)?;
            place.path.clone()
        }
        None => save_unnamed(training).map_err(Failure::usage)?,
    };
    Ok(Failure::Interrupted(format!(
        "Interrupted after {}, which are kept in {}. Go on with: {again} --resume {}",
        plural(training.steps() as u64, "step"),
        Foreign::path(&path),
        quoted(&path)
    )))
}

/// Keeps the training in this folder, under a name that nobody has. Two runs that are interrupted together take two names.
fn save_unnamed(training: &Training<'_, f32>) -> Result<PathBuf, CheckpointError> {
    let mut names = (1..).map(|i| if i == 1 { format!("{UNNAMED}.nxm") } else { format!("{UNNAMED}-{i}.nxm") });
    loop {
        let path = PathBuf::from(names.next().expect("there are more names than files"));
        let run = Checkpoints::new(&path, NonZeroUsize::MIN).lock();
        match run.and_then(|mut run| run.begin().and_then(|()| run.save(training))) {
            Ok(()) => return Ok(path),
            Err(CheckpointError::Locked { .. } | CheckpointError::Taken { .. } | CheckpointError::NotOurs { .. }) => {}
            Err(error) => return Err(error),
        }
    }
}

/// The epochs of this session: all, or some at equal distances and the last.
fn history(epochs: &[Epoch], target: &Target) -> String {
    let distance = epochs.len().div_ceil(ROWS).max(1);
    let some = epochs.iter().enumerate().filter(|(i, _)| {
        let number = i.saturating_add(1);
        number.is_multiple_of(distance) || number == epochs.len() || *i == 0
    });
    let rows = some.map(|(_, epoch)| {
        let score = epoch.score.map(|score| loss(score.loss)).unwrap_or_default();
        let right = epoch.score.and_then(|score| score.shown).map(|value| shown(target, value)).unwrap_or_default();
        [epoch.number.to_string(), loss(epoch.loss), score, right, seconds(epoch.seconds)]
    });
    let metric = format!("held-out {}", shown_name(target));
    table(Look::Text, ["epoch", "loss", "held-out loss", &metric, "time"], 0, rows)
}

/// What the shown metric of an epoch is called: "right" of classes and labels.
pub fn shown_name(target: &Target) -> &'static str {
    match target {
        Target::Classes { .. } | Target::Labels { .. } => "right",
        Target::Numbers { .. } => target.shown_metric().title(),
    }
}

/// The shown metric of an epoch, as people read it.
pub fn shown(target: &Target, value: f64) -> String {
    match target {
        Target::Classes { .. } | Target::Labels { .. } => percent(value),
        Target::Numbers { .. } => format!("{value:.4}"),
    }
}

/// Why it ended, and where what it learned is.
fn conclude(
    watch: &Watch,
    stopped: bool,
    place: Option<&mut CheckpointFiles>,
    out: &mut impl Write,
) -> Result<(), Failure> {
    if let (true, Some(epochs)) = (stopped, watch.patience.epochs) {
        writeln!(out, "Stopped: the held-out {} for {}.", no_gain(watch), plural(epochs, "epoch"))?;
    }
    let Some(place) = place else {
        writeln!(out, "The network was not kept; --checkpoint FILE keeps it.")?;
        return Ok(());
    };
    writeln!(out, "The network is in {}.", Foreign::path(&place.path))?;
    if let (true, Some((epoch, _))) = (watch.keep_best, watch.patience.best) {
        let best = place.best();
        let path = Foreign::path(&best);
        if epoch_in(&best) == Some(epoch) {
            writeln!(out, "The network of the best epoch, {epoch}, is in {path}.")?;
        } else {
            // The training had no --patience then, or had another place, or somebody removed the file.
            writeln!(out, "The network of the best epoch, {epoch}, was not kept: {path} does not hold it.")?;
        }
    }
    Ok(())
}

/// "loss did not fall", "accuracy did not rise by more than 0.01".
fn no_gain(watch: &Watch) -> String {
    let Watch { metric, patience, .. } = watch;
    let way = match patience.goal {
        Goal::Minimize => "fall",
        Goal::Maximize => "rise",
    };
    let by = if patience.min_gain > 0.0 { format!(" by more than {}", patience.min_gain) } else { String::new() };
    format!("{} did not {way}{by}", metric.title())
}

/// The epoch that a checkpoint was written after; none if there is no checkpoint.
fn epoch_in(path: &Path) -> Option<u64> {
    let progress = CheckpointSummary::load(path).ok()?.progress;
    (progress.steps == 0).then_some(progress.epochs as u64)
}
