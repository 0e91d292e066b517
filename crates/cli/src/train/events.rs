//! What a training says while it runs, on standard error: a bar, a line for each epoch, or objects of JSON for programs.

use std::io::{self, Write};

use nxm_data::{CrossValidation, Evaluation, JudgedFold, Metric, Score, SummaryRow, Target};
use nxm_kernels::{Cpu, Executor};
use nxm_net::{Checkpoint, TrainingOptions};
use serde::Serialize;

use super::cost::Costs;
use super::foresee::TrialForecast;
use super::job::TrainJob;
use super::progress::{Bar, judged};
use crate::args::{LogFormat, TrainArgs};
use crate::format::{loss, seconds};

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Voice {
    /// Only the result is printed.
    pub quiet: bool,
    /// Each epoch is a line.
    verbose: bool,
    /// Programs listen.
    json: bool,
}

impl Voice {
    /// As the command line asks.
    pub fn of(args: &TrainArgs) -> Voice {
        let TrainArgs { quiet, verbose, .. } = *args;
        Voice { quiet, verbose, json: args.log == Some(LogFormat::Json) }
    }

    /// Whether a bar is drawn, if standard error is a terminal.
    pub fn draws(self) -> bool {
        !self.quiet && !self.json
    }

    /// An event, for programs. A standard error that takes nothing is no reason to stop.
    fn event(self, event: &impl Serialize) {
        if self.json
            && let Ok(line) = serde_json::to_string(event)
        {
            let _ = writeln!(io::stderr(), "{line}");
        }
    }

    /// The training begins.
    pub fn start(
        self,
        job: &TrainJob,
        folds: Option<usize>,
        cpu: &Cpu,
        costs: &Costs,
        forecast: Option<TrialForecast>,
    ) {
        let Checkpoint { network, options, .. } = &job.checkpoint;
        let TrainingOptions { loss, optimizer, batch, epochs, seed, .. } = options;
        let hidden = network.layers().len() > 1;
        self.event(&Start {
            event: "start",
            version: env!("CARGO_PKG_VERSION"),
            source: &job.source,
            target: job.schema.target.columns(),
            task: job.schema.target.describe(),
            folds,
            columns: job.schema.encoder.columns().len(),
            examples: job.seen.len(),
            held_out: job.held_out.as_ref().map_or(0, |held_out| held_out.data.len()),
            sizes: network.sizes().to_vec(),
            activation: hidden.then(|| network.layer(0).activation().to_string()),
            parameters: network.parameters(),
            loss: loss.name(),
            optimizer: optimizer.name(),
            learning_rate: optimizer.learning_rate(),
            batch: *batch,
            epochs: *epochs,
            seed: *seed,
            patience: job.watch.patience.epochs,
            metric: job.watch.metric,
            level: cpu.level().name(),
            threads: cpu.threads(),
            cost: costs.facts(),
            forecast: forecast.map(|forecast| forecast.facts()),
        });
    }

    /// An epoch has ended.
    pub fn epoch(self, bar: &Bar, told: &EpochTold<'_>) {
        if self.json {
            let EpochTold { fold, epoch, loss, score, target, best, seconds, seconds_left, .. } = *told;
            self.event(&Epoch {
                event: "epoch",
                fold: fold.map(|(fold, _)| fold),
                epoch,
                loss,
                held_out_loss: score.map(|score| score.loss),
                metric: score.map(|_| target.shown_metric()),
                held_out_metric: score.and_then(|score| score.shown),
                best,
                seconds,
                seconds_left,
            });
        } else if self.verbose {
            bar.aside(|| {
                let _ = writeln!(io::stderr(), "{}", told.line());
            });
        }
    }

    /// A fold of a cross-validation has ended.
    pub fn fold(self, number: usize, fold: &JudgedFold) {
        self.event(&Fold { event: "fold", fold: number, result: fold });
    }

    /// The training has ended.
    pub fn end(self, end: &End<'_>) {
        self.event(end);
    }

    /// A cross-validation has ended.
    pub fn end_of_folds(self, found: &CrossValidation, seconds: f64) {
        self.event(&EndOfFolds { event: "end", folds: found.folds.len(), seconds, summary: found.summary() });
    }
}

#[derive(Serialize)]
struct Start<'a> {
    event: &'static str,
    version: &'static str,
    source: &'a str,
    target: &'a [String],
    task: String,
    folds: Option<usize>,
    columns: usize,
    examples: usize,
    held_out: usize,
    sizes: Vec<usize>,
    activation: Option<String>,
    parameters: usize,
    loss: &'static str,
    optimizer: &'static str,
    learning_rate: f64,
    batch: usize,
    epochs: usize,
    seed: u64,
    patience: Option<u64>,
    metric: Metric,
    level: &'static str,
    threads: usize,
    cost: CostFacts,
    forecast: Option<ForecastFacts>,
}

/// What a training costs.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct CostFacts {
    /// Of a step.
    pub flops_per_step: u128,
    /// Of an epoch.
    pub flops_per_epoch: u128,
    /// Of all epochs, and of all folds.
    pub flops: u128,
    /// At most.
    pub memory_bytes: u128,
}

/// How long a training will take.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ForecastFacts {
    /// Steps that are left.
    pub steps: usize,
    /// Of a step.
    pub seconds_per_step: f64,
    /// Of all: judging epochs and writing checkpoints too.
    pub seconds: f64,
}

/// What is told of an epoch.
#[derive(Clone, Copy, Debug)]
pub struct EpochTold<'a> {
    /// The fold, of how many.
    pub fold: Option<(usize, usize)>,
    /// From 1.
    pub epoch: usize,
    /// Of how many at most.
    pub epochs: usize,
    /// Of the rows that were learned from.
    pub loss: f64,
    /// Of the held-out rows.
    pub score: Option<Score>,
    /// What is learned.
    pub target: &'a Target,
    /// Whether it is the best so far.
    pub best: bool,
    /// Since the session began.
    pub seconds: f64,
    /// At most, if the speed stays the same.
    pub seconds_left: f64,
}

impl EpochTold<'_> {
    fn line(&self) -> String {
        let fold = self.fold.map_or(String::new(), |(fold, folds)| format!("fold {fold}/{folds}, "));
        let held_out = self.score.map_or(String::new(), |score| judged(self.target, score));
        let taken = seconds(self.seconds);
        let left =
            if self.seconds_left > 0.0 { format!(", {} left", seconds(self.seconds_left)) } else { String::new() };
        let best = if self.best { ", the best so far" } else { "" };
        format!("{fold}epoch {}/{}, loss {}{held_out}{best}, {taken}{left}", self.epoch, self.epochs, loss(self.loss))
    }
}

#[derive(Serialize)]
struct Epoch {
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    fold: Option<usize>,
    epoch: usize,
    loss: f64,
    held_out_loss: Option<f64>,
    metric: Option<Metric>,
    held_out_metric: Option<f64>,
    best: bool,
    seconds: f64,
    seconds_left: f64,
}

#[derive(Serialize)]
struct Fold<'a> {
    event: &'static str,
    fold: usize,
    #[serde(flatten)]
    result: &'a JudgedFold,
}

/// How a training has ended.
#[derive(Serialize)]
pub struct End<'a> {
    event: &'static str,
    epochs: usize,
    steps: u64,
    seconds: f64,
    /// Whether there was no gain for too long.
    stopped: bool,
    best_epoch: Option<u64>,
    metrics: Option<&'a Evaluation>,
    checkpoint: Option<String>,
}

impl<'a> End<'a> {
    /// Of a training that is `last` now; `best` is the epoch that is used.
    pub fn new(
        last: (usize, u64, f64),
        stopped: bool,
        best: Option<u64>,
        metrics: Option<&'a Evaluation>,
        checkpoint: Option<String>,
    ) -> End<'a> {
        let (epochs, steps, seconds) = last;
        End { event: "end", epochs, steps, seconds, stopped, best_epoch: best, metrics, checkpoint }
    }
}

#[derive(Serialize)]
struct EndOfFolds {
    event: &'static str,
    folds: usize,
    seconds: f64,
    summary: Vec<SummaryRow>,
}

/// Where a training speaks on standard output. What is written to it is not said if only the result is wanted; the result is written to
/// `result`.
#[derive(Debug)]
pub struct Talk<W> {
    /// Takes the result.
    pub result: W,
    /// Whether nothing else is said.
    pub quiet: bool,
}

impl<W: Write> Write for Talk<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.quiet { Ok(bytes.len()) } else { self.result.write(bytes) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.result.flush()
    }
}
