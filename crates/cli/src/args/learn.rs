//! The arguments of `nxm train`, `nxm predict` and `nxm evaluate`.
//!
//! What a checkpoint also says has no default here: it is asked for, or it is what the checkpoint says.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use nxm_data::Metric;
use nxm_kernels::{Activation, Cpu, Executor, Level};
use nxm_net::Loss;

use super::network::LayersArg;
use super::optimizer::OptimizerArg;
use super::table::TableArgs;
use super::tuning::TuningArgs;
use super::values::{
    Auto, CheckpointEvery, Hidden, ScheduleArg, at_least_one, at_least_one_or_auto, gain, hidden_or_auto, kept, share,
};
use super::{activation, loss};

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
    /// A column that says how much each example weighs, a number of at least 0; it is not learned from. An example of weight 2 counts as
    /// that example twice.
    #[arg(long, value_name = "COLUMN")]
    pub weights: Option<String>,
    #[command(flatten)]
    pub table: TableArgs,
    /// The labels of IDX images; unless given, the file beside them with "labels" for "images" and "idx1" for "idx3".
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// Units of the hidden layers, as 128,64, or none; auto is 64, or 128,64 for a thousand rows and more. [default: auto]
    #[arg(long, value_name = "UNITS|auto", value_parser = hidden_or_auto)]
    pub hidden: Option<Auto<Hidden>>,
    /// Their activation, as gelu or "leaky_relu(0.2)". [default: relu]
    #[arg(long, value_parser = activation())]
    pub activation: Option<Activation>,
    /// The layers before the last one, in place of --hidden and --activation, as "128 relu no_bias, layer_norm, dropout 0.1, 64 gelu".
    /// A layer is a number of units, layer_norm, batch_norm or dropout with its rate; its activation and its options follow.
    #[arg(long, value_name = "LAYERS", conflicts_with_all = ["hidden", "activation"])]
    pub layers: Option<LayersArg>,
    /// cross_entropy learns classes, binary_cross_entropy two classes by one output; mse, l1, smooth_l1, huber and quantile learn numbers.
    /// [default: by what the column holds]
    #[arg(long, value_parser = loss())]
    pub loss: Option<Loss>,
    /// What updates the parameters: sgd, adam, adamw, rmsprop, adagrad, adadelta, adamax, nadam, radam, lion, rprop, muon, or lbfgs, which takes all
    /// rows in each step. Settings may follow,
    /// as rmsprop:alpha=0.95,centred=true. [default: adamw]
    #[arg(long, value_name = "OPTIMIZER")]
    pub optimizer: Option<OptimizerArg>,
    /// The size of its steps. [default: 0.002 for adamw, and what PyTorch has for the others]
    #[arg(long, value_name = "RATE", allow_negative_numbers = true)]
    pub learning_rate: Option<f64>,
    /// How the learning rate changes with the step, as NAME:SETTING=NUMBER,…: step:every=N,factor=F,
    /// milestones:at=N+N+…,factor=F, exponential:factor=F, polynomial:steps=N,power=P,
    /// linear:start=F,end=F,steps=N, cosine:steps=N,minimum=RATE, cosine_restarts:steps=N,longer=N,minimum=RATE,
    /// one_cycle:steps=N, plateau:factor=F,patience=EPOCHS by the held-out loss, or the training's where nothing is held out; and
    /// warm_up:steps=N,start=F,then=SCHEDULE before any of them. [default: constant]
    #[arg(long, value_name = "SCHEDULE")]
    pub schedule: Option<ScheduleArg>,
    #[command(flatten)]
    pub tuning: TuningArgs,
    /// Examples in a step; auto is from 16 to 256, by the number of rows. [default: auto]
    #[arg(long, value_name = "N|auto", value_parser = at_least_one_or_auto, allow_negative_numbers = true)]
    pub batch: Option<Auto<u64>>,
    /// Steps take the mean gradient of so many batches. [default: 1]
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    pub accumulate: Option<u64>,
    /// How many times training sees every example at most; auto is from 10 to 300, by the number of rows. [default: auto]
    #[arg(long, value_name = "N|auto", value_parser = at_least_one_or_auto, allow_negative_numbers = true)]
    pub epochs: Option<Auto<u64>>,
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
    /// Judge the settings by cross-validation: part the rows into K folds, train K models, and judge each by the fold that it did not see.
    /// --validate holds a share of the other folds out to tell when to stop. No model is kept.
    #[arg(long, value_name = "K", value_parser = at_least_one, allow_negative_numbers = true)]
    pub folds: Option<u64>,
    /// Stop after so many epochs in which the held-out loss did not fall; 0 never stops. [default: 30 where examples are held out]
    #[arg(long, value_name = "EPOCHS", allow_negative_numbers = true)]
    pub patience: Option<u64>,
    /// An epoch is better only if its held-out loss is lower by more than this, in the unit that is shown. [default: 0]
    #[arg(long, value_name = "NUMBER", value_parser = gain, allow_negative_numbers = true)]
    pub min_gain: Option<f64>,
    /// Choose the best epoch, and stop, by this metric of the held-out examples: loss; accuracy, balanced_accuracy, f1, roc_auc, log_loss or
    /// brier_score of classes; accuracy or f1 of labels; r2, rmse or mae of numbers. [default: loss]
    #[arg(long, value_name = "METRIC", value_parser = metric())]
    pub metric: Option<Metric>,
    /// Use the network of the last epoch, and do not keep that of the best one.
    #[arg(long)]
    pub keep_last: bool,
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
    /// Begin a new training with the weights of this model, and with its columns, scales and classes, on other data or with another
    /// learning rate; the state of the optimizer and the epochs begin anew.
    #[arg(long, value_name = "MODEL", conflicts_with = "resume")]
    pub fine_tune: Option<PathBuf>,
    /// Print only the result, the metrics of the held-out rows. Warnings and errors stay on standard error.
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say each epoch in a line as it ends, on standard error.
    #[arg(short, long)]
    pub verbose: bool,
    /// Write objects of JSON, one in a line, on standard error: at the start, after each epoch, at the end, and for warnings and errors.
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub log: Option<LogFormat>,
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
    /// What to do with a row that has a cell of another kind than its column. A line with too few or too many cells always ends the prediction.
    #[arg(long, value_enum, default_value_t = BadRows::Error)]
    pub bad_rows: BadRows,
    /// How predictions are written.
    #[arg(long, value_enum, default_value_t = PredictionFormat::Csv)]
    pub format: PredictionFormat,
    /// Write predictions to this file, and not to standard output. It gets its name when all is written; an older file of this name is replaced.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
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

/// Which model is shown.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// A checkpoint of nxm train.
    pub model: PathBuf,
    /// Show the last epoch's network, and not the best one's.
    #[arg(long)]
    pub last: bool,
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

/// How a training says what it does, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// An object in each line.
    Json,
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
    /// An array of NumPy: a row of float64 for each row, the probabilities of the classes or labels, or the predicted numbers.
    Npy,
}

/// A metric by its name.
fn metric() -> impl TypedValueParser<Value = Metric> {
    PossibleValuesParser::new(Metric::ALL.map(Metric::name)).try_map(|name| name.parse::<Metric>())
}

fn level(name: &str) -> Result<Level, String> {
    Level::named(name).map_err(|error| error.to_string())
}
