//! What a training writes besides its checkpoint: its history, TensorBoard's events, a report.

use std::path::{Path, PathBuf};

use nxm_data::{EventWriter, Foreign, HistoryRow, HistoryWriter, Report, Score};
use nxm_net::{EpochReport, Training};

use super::events::Voice;
use super::job::TrainJob;
use crate::args::TrainArgs;
use crate::failure::Failure;

/// The files that a row is added to after each epoch, and the report at the end.
pub struct Logs {
    history: Option<HistoryWriter>,
    events: Option<EventWriter>,
    /// Where the report is to be written.
    pub report: Option<PathBuf>,
    /// Seconds that the training was forecast to take.
    pub forecast: Option<f64>,
    /// What is said while it runs.
    pub voice: Voice,
}

/// Fails if a file that is to be written besides the checkpoint could not be, or would replace another one: before anything is read,
/// learned or changed.
pub fn check(args: &TrainArgs) -> Result<(), Failure> {
    let named = [
        ("--checkpoint", args.checkpoint.as_ref()),
        ("--report", args.report.as_ref()),
        ("--history", args.history.as_ref()),
        ("--tensorboard", args.tensorboard.as_ref()),
        ("the table to learn from", args.data.as_ref()),
        ("--validate-with", args.validate_with.as_ref()),
        ("--resume", args.resume.as_ref()),
        ("--fine-tune", args.fine_tune.as_ref()),
    ];
    let named: Vec<(&str, &PathBuf)> = named.into_iter().filter_map(|(name, path)| Some((name, path?))).collect();
    for (i, (name, path)) in named.iter().enumerate() {
        let same = |other: &&(&str, &PathBuf)| whole(other.1) == whole(path);
        let written = ["--report", "--history", "--tensorboard"].contains(name);
        let before = || named.iter().take(i).find(same);
        let after = || named.iter().skip(i.saturating_add(1)).find(same);
        if let Some((other, _)) = written.then(|| before().or_else(after)).flatten() {
            let path = Foreign::path(path);
            return Err(Failure::Usage(format!("{name} and {other} are the same file, {path}: name another one")));
        }
    }
    args.report.as_deref().map(Report::check).transpose().map_err(Failure::usage)?;
    args.history.as_deref().map(HistoryWriter::check).transpose().map_err(Failure::usage)?;
    args.tensorboard.as_deref().map(EventWriter::check).transpose().map_err(Failure::usage)?;
    Ok(())
}

/// A path by which a file is known, whatever it is called: that of its folder, and its name.
fn whole(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (path.canonicalize(), folder.canonicalize(), path.file_name()) {
        (Ok(path), ..) => path,
        (_, Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}

impl Logs {
    /// No files.
    pub fn none(voice: Voice) -> Logs {
        Logs { history: None, events: None, report: None, forecast: None, voice }
    }

    /// Those that the command line asks for. A training that goes on adds to those that are there.
    pub fn open(args: &TrainArgs, job: &TrainJob) -> Result<Logs, Failure> {
        let epoch = job.checkpoint.state.progress.epochs as u64;
        let history = args.history.as_deref().map(|path| match epoch {
            0 => HistoryWriter::create(path),
            _ => HistoryWriter::resume(path, epoch),
        });
        let events = args.tensorboard.as_deref().map(|folder| match epoch {
            0 => EventWriter::create(folder),
            _ => EventWriter::resume(folder, epoch),
        });
        Ok(Logs {
            history: history.transpose().map_err(Failure::usage)?,
            events: events.transpose().map_err(Failure::usage)?,
            report: args.report.clone(),
            forecast: None,
            voice: Voice::of(args),
        })
    }

    /// An epoch has ended; losses are in the unit of the data.
    pub fn write(
        &mut self,
        training: &Training<'_, f32>,
        report: EpochReport,
        score: Option<Score>,
        unit: f64,
        seconds: f64,
    ) -> Result<(), Failure> {
        if self.history.is_none() && self.events.is_none() {
            return Ok(());
        }
        let (step, options) = (training.steps() as u64, training.options());
        let row = HistoryRow {
            epoch: report.epoch as u64,
            step,
            loss: report.loss * unit,
            held_out_loss: score.map(|score| score.loss),
            held_out_metric: score.and_then(|score| score.shown),
            learning_rate: options.schedule.learning_rate(options.optimizer.learning_rate(), step.saturating_sub(1)),
            seconds,
        };
        if let Some(history) = &mut self.history {
            history.write(&row).map_err(Failure::usage)?;
        }
        if let Some(events) = &mut self.events {
            events.write(&row).map_err(Failure::usage)?;
        }
        Ok(())
    }
}
