//! The arguments of `nxm train`, `nxm predict` and `nxm evaluate`.
//!
//! What a checkpoint also says has no default here: it is asked for, or it is what the checkpoint says.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use nxm_kernels::{Activation, Cpu, Executor, Level};
use nxm_net::Loss;

use super::table::TableArgs;
use super::tuning::{ScheduleArg, TuningArgs};
use super::{activation, at_least_one, loss};

/// What to train, on what, and how.
#[derive(Debug, Args)]
pub struct TrainArgs {
    /// A table: CSV and its relatives, NumPy's arrays, libsvm, IDX images (the format of MNIST), packed by gzip or zstd or not; - is
    /// standard input. The embedded digits unless given.
    pub data: Option<PathBuf>,
    /// The column that is to be learned, or several of them, separated by commas or by several of this option.
    #[arg(long, value_name = "COLUMN")]
    pub label: Vec<String>,
    /// A column that is left out; may be given several times.
    #[arg(long, value_name = "COLUMN")]
    pub ignore: Vec<String>,
    /// A column whose values are categories, even if they are numbers; may be given several times.
    #[arg(long, value_name = "COLUMN")]
    pub categories: Vec<String>,
    /// A column that holds numbers, even if it looks like a row index, an id or yes and no; may be given several times.
    #[arg(long, value_name = "COLUMN")]
    pub numbers: Vec<String>,
    #[command(flatten)]
    pub table: TableArgs,
    /// The labels of IDX images; unless given, the file beside them with "labels" for "images" and "idx1" for "idx3".
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// Units of the hidden layers, as 128,64, or none. [default: 64, or 128,64 for a thousand rows and more]
    #[arg(long, value_name = "UNITS")]
    pub hidden: Option<Hidden>,
    /// Their activation. [default: relu]
    #[arg(long, value_parser = activation())]
    pub activation: Option<Activation>,
    /// cross_entropy learns classes, binary_cross_entropy two classes by one output, mse numbers. [default: by what the column holds]
    #[arg(long, value_parser = loss())]
    pub loss: Option<Loss>,
    /// What updates the parameters. [default: adamw]
    #[arg(long, value_enum)]
    pub optimizer: Option<OptimizerName>,
    /// The size of its steps. [default: 0.002 for adamw, 0.001 for the others]
    #[arg(long, value_name = "RATE", allow_negative_numbers = true)]
    pub learning_rate: Option<f64>,
    /// How the learning rate changes with the step, as NAME:SETTING=NUMBER,…: step:every=N,factor=F,
    /// milestones:at=N+N+…,factor=F, linear:start=F,end=F,steps=N, cosine:steps=N,minimum=RATE or
    /// cosine_restarts:steps=N,longer=N,minimum=RATE. [default: constant]
    #[arg(long, value_name = "SCHEDULE")]
    pub schedule: Option<ScheduleArg>,
    #[command(flatten)]
    pub tuning: TuningArgs,
    /// Examples in a step. [default: from 16 to 256, by the number of rows]
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    pub batch: Option<u64>,
    /// How many times training sees every example at most. [default: from 10 to 300, by the number of rows]
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    pub epochs: Option<u64>,
    /// The share of the examples that is held out to judge each epoch by; 0 for none. [default: 0.15]
    #[arg(long, value_name = "SHARE", value_parser = share, allow_negative_numbers = true)]
    pub validate: Option<f64>,
    /// Which examples are held out: a share of each class, any at random, or the last ones. [default: stratified]
    #[arg(long, value_enum)]
    pub split: Option<SplitName>,
    /// Examples with the same value in this column are held out together; it is not learned from.
    #[arg(long, value_name = "COLUMN", conflicts_with = "split")]
    pub group: Option<String>,
    /// Hold out this table, which has the same columns, instead of a share.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["split", "group", "validate"])]
    pub validate_with: Option<PathBuf>,
    /// Stop after so many epochs in which the held-out loss did not fall. [default: 30 where examples are held out]
    #[arg(long, value_name = "EPOCHS", value_parser = at_least_one, allow_negative_numbers = true)]
    pub patience: Option<u64>,
    /// What weights, held-out examples and the order of the others are drawn from. [default: 0]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub seed: Option<u64>,
    /// Where the training is kept: after an epoch, at most once in 10 seconds, and when it ends or is interrupted.
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,
    /// Keep it more often: after each "epoch", or after every so many steps and each epoch.
    #[arg(long, value_name = "STEPS|epoch", allow_negative_numbers = true)]
    pub checkpoint_every: Option<CheckpointEvery>,
    /// How many checkpoints are kept, at most 1000: FILE, and the older ones as FILE.1, FILE.2, ….
    #[arg(long, value_name = "K", default_value = "1", value_parser = kept, allow_negative_numbers = true)]
    pub keep: NonZeroUsize,
    /// Write a report in HTML: losses, metrics, what each column holds and how much the network takes from it.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Write a row for each epoch to this file, whose name ends with .csv or .jsonl.
    #[arg(long, value_name = "FILE")]
    pub history: Option<PathBuf>,
    /// Write the losses for TensorBoard into this folder.
    #[arg(long, value_name = "FOLDER")]
    pub tensorboard: Option<PathBuf>,
    /// Go on with the training in this checkpoint, on the same data; --epochs and --patience may be raised.
    #[arg(long, value_name = "FILE")]
    pub resume: Option<PathBuf>,
    #[command(flatten)]
    pub machine: MachineArgs,
}

/// Which network is asked, and what.
#[derive(Debug, Args)]
pub struct PredictArgs {
    /// A checkpoint of nxm train.
    pub model: PathBuf,
    /// A table with the columns that the model was trained on, in any order; - is standard input.
    pub data: PathBuf,
    /// Take the last epoch's network, and not the best one's, which the training kept in MODEL.best.
    #[arg(long)]
    pub last: bool,
    /// A column that is written beside each prediction, as an id; may be given several times.
    #[arg(long, value_name = "COLUMN")]
    pub keep: Vec<String>,
    /// What becomes of a row with a cell that does not fit.
    #[arg(long, value_enum, default_value_t = BadRows::Error)]
    pub bad_rows: BadRows,
    /// How predictions are written.
    #[arg(long, value_enum, default_value_t = PredictionFormat::Csv)]
    pub format: PredictionFormat,
    /// The labels of IDX images, which are read and not used.
    #[arg(long, value_name = "FILE", hide = true)]
    pub labels: Option<PathBuf>,
    /// Go on where outputs are infinite or NaN: then a prediction may be inf, NaN or empty.
    #[arg(long)]
    pub allow_non_finite: bool,
    #[command(flatten)]
    pub table: TableArgs,
    #[command(flatten)]
    pub machine: MachineArgs,
}

/// Which network is judged, and on what.
#[derive(Debug, Args)]
pub struct EvaluateArgs {
    /// A checkpoint of nxm train.
    pub model: PathBuf,
    /// A table with the columns that the model was trained on and those that it predicts; - is standard input.
    pub data: PathBuf,
    /// Take the last epoch's network, and not the best one's, which the training kept in MODEL.best.
    #[arg(long)]
    pub last: bool,
    /// How the metrics are written.
    #[arg(long, value_enum, default_value_t = MetricsFormat::Text)]
    pub format: MetricsFormat,
    /// The labels of IDX images; unless given, the file beside them with "labels" for "images" and "idx1" for "idx3".
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// Go on where outputs or the loss are infinite or NaN: a row with NaN among its outputs counts as wrong.
    #[arg(long)]
    pub allow_non_finite: bool,
    #[command(flatten)]
    pub table: TableArgs,
    #[command(flatten)]
    pub machine: MachineArgs,
}

/// What of the machine is used.
#[derive(Debug, Args)]
pub struct MachineArgs {
    /// How many threads share the work; the results do not depend on it. [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    pub threads: Option<u64>,
    /// The instruction set: scalar, wide, avx2 or avx512. [default: NXM_LEVEL, or the fastest]
    #[arg(long, value_parser = level)]
    pub level: Option<Level>,
}

impl MachineArgs {
    /// `cpu`, but for the level that was asked for.
    pub fn of(&self, cpu: Cpu) -> Cpu {
        Cpu::new(self.level.unwrap_or(cpu.level()), cpu.threads())
    }
}

/// What updates the parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OptimizerName {
    /// Stochastic gradient descent.
    Sgd,
    /// Adam.
    Adam,
    /// Adam with decoupled weight decay.
    Adamw,
}

impl OptimizerName {
    /// The name it is chosen by.
    pub fn name(self) -> &'static str {
        match self {
            OptimizerName::Sgd => "sgd",
            OptimizerName::Adam => "adam",
            OptimizerName::Adamw => "adamw",
        }
    }
}

/// Which examples are held out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SplitName {
    /// A share of each class.
    Stratified,
    /// Any.
    Random,
    /// The last ones, as of a series in time.
    Order,
}

/// What becomes of a row with a cell that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BadRows {
    /// It ends the prediction.
    Error,
    /// It is left out, and counted.
    Skip,
}

/// How metrics are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MetricsFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// How predictions are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PredictionFormat {
    /// A header, and a line for each row.
    Csv,
    /// An object for each row.
    Jsonl,
}

/// When a checkpoint is written, besides the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckpointEvery {
    /// After each epoch.
    Epoch,
    /// After so many steps, at least 1, and after each epoch.
    Steps(u64),
}

const EPOCH: &str = "epoch";

impl fmt::Display for CheckpointEvery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CheckpointEvery::Epoch => f.write_str(EPOCH),
            CheckpointEvery::Steps(steps) => write!(f, "{steps}"),
        }
    }
}

impl FromStr for CheckpointEvery {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            EPOCH => Ok(CheckpointEvery::Epoch),
            _ => at_least_one(text).map(CheckpointEvery::Steps).map_err(|error| format!("{error}, or {EPOCH:?}")),
        }
    }
}

/// Units of the hidden layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hidden(pub Vec<usize>);

impl fmt::Display for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str(NONE);
        }
        let units: Vec<String> = self.0.iter().map(usize::to_string).collect();
        f.write_str(&units.join(","))
    }
}

const NONE: &str = "none";

impl FromStr for Hidden {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == NONE {
            return Ok(Hidden(Vec::new()));
        }
        let layers = text.split(',').enumerate();
        let units = layers.map(|(i, units)| match units.trim().parse() {
            Ok(units) if units >= 1 => Ok(units),
            _ => {
                Err(format!("layer {}: expected a whole number, at least 1, and found {units:?}", i.saturating_add(1)))
            }
        });
        units.collect::<Result<_, _>>().map(Hidden)
    }
}

/// Checkpoints that are kept at most: each of them is looked for, and may be renamed, whenever one is written.
const MOST_KEPT: usize = 1000;

fn kept(text: &str) -> Result<NonZeroUsize, String> {
    let number = text.parse().ok().filter(|number: &NonZeroUsize| number.get() <= MOST_KEPT);
    number.ok_or_else(|| format!("expected a whole number from 1 to {MOST_KEPT}"))
}

/// A share that leaves something.
fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..1.0).contains(&share) => Ok(share),
        _ => Err("expected a number from 0 to less than 1".to_owned()),
    }
}

fn level(name: &str) -> Result<Level, String> {
    Level::named(name).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_layers_are_read_and_written() {
        for (text, units) in [("none", &[][..]), ("7", &[7]), ("128,64", &[128, 64])] {
            let hidden: Hidden = text.parse().unwrap();
            assert_eq!((hidden.0.as_slice(), hidden.to_string().as_str()), (units, text));
        }
        for (text, layer) in [("", "layer 1"), ("0", "layer 1"), ("4,", "layer 2"), ("4,x", "\"x\""), ("-4", "layer 1")]
        {
            let error = text.parse::<Hidden>().unwrap_err();
            assert!(error.contains(layer), "{text}: {error}");
        }
    }

    #[test]
    fn checkpoints_are_for_epochs_or_steps() {
        for (text, every) in [("epoch", CheckpointEvery::Epoch), ("11", CheckpointEvery::Steps(11))] {
            assert_eq!((text.parse(), every.to_string().as_str()), (Ok(every), text));
        }
        for text in ["0", "-1", "epochs", ""] {
            let error = text.parse::<CheckpointEvery>().unwrap_err();
            assert_eq!(error, "expected a whole number, at least 1, or \"epoch\"");
        }
    }

    #[test]
    fn what_is_kept_is_bounded() {
        assert_eq!(kept(&MOST_KEPT.to_string()).map(NonZeroUsize::get), Ok(MOST_KEPT));
        for text in [&(MOST_KEPT + 1).to_string(), "0", "-1", "x", "", "100000000000000000000"] {
            assert!(kept(text).unwrap_err().contains(&format!("1 to {MOST_KEPT}")), "{text}");
        }
    }

    #[test]
    fn a_share_leaves_something() {
        assert_eq!((share("0"), share("0.25")), (Ok(0.0), Ok(0.25)));
        assert!(["1", "-0.1", "NaN", "x", ""].into_iter().all(|text| share(text).is_err()));
    }
}
