//! The command line.

mod learn;
mod network;
mod optimizer;
mod search;
mod table;
mod tuning;
mod values;

use std::ffi::OsStr;

use clap::builder::{OsStringValueParser, PossibleValue, PossibleValuesParser, StringValueParser, TypedValueParser};
use clap::{Arg, Args, Parser, Subcommand, ValueEnum};
use nxm_count::Tool;
use nxm_kernels::Activation;
use nxm_net::Loss;

use crate::audit::AuditArgs;
use crate::explain::ExplainArgs;
pub use learn::{
    BadRows, EvaluateArgs, LogFormat, MetricsFormat, PredictArgs, PredictionFormat, ShowArgs, SplitName, TrainArgs,
};
use network::network;
pub use network::{LayersArg, NetworkArg, NetworkText};
pub use optimizer::OptimizerArg;
pub use search::SearchArgs;
pub use table::TableArgs;
pub use tuning::{Reduction, TuningArgs};
pub use values::{Auto, Betas, CheckpointEvery, ClassWeightsArg, Hidden, ScheduleArg, at_least_one};

/// What does my network cost, how long will it take here, train it.
///
/// Without a command, nxm shows all of it in some seconds: what a small network costs, how long
/// training on handwritten digits will take, the training itself, the proof that the counts are what
/// was executed, and how fast the kernels are.
#[derive(Debug, Parser)]
#[command(
    name = "nxm",
    version,
    verbatim_doc_comment,
    after_help = "NXM_LEVEL=scalar, wide, avx2 or avx512 chooses the instruction set; the fastest is the default."
)]
pub struct Cli {
    /// What to do; without one, the main job.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Count what a network costs: the exact operations of its kernels in a training step and in a training run.
    ///
    /// The counts are formulas, so any size is answered at once. With --verify, one real step runs
    /// under counting as well.
    #[command(
        verbatim_doc_comment,
        after_help = "Examples:\n  nxm count 784-128-10 --loss cross_entropy --batch 32 --examples 60000 --epochs 5\n  \
                      nxm count mnist.nxm --epochs 50\n  nxm count model.safetensors --hidden gelu --batch 32"
    )]
    Count(Box<CountArgs>),
    /// Explain why training takes so long: what each part of a step costs, and why, on one page.
    ///
    /// All numbers are counted for the network that is asked for. The time is measured on this machine.
    #[command(
        verbatim_doc_comment,
        after_help = "Examples:\n  nxm explain\n  nxm explain 784-128-10 --activation relu --loss cross_entropy\n  \
                      nxm explain 784-128-10 --format html > why.html"
    )]
    Explain(ExplainArgs),
    /// Audit the machine code: execute kernels, or a training step, one instruction at a time, and
    /// compare its floating-point operations with the formulas. On Linux on x86-64 only.
    #[command(verbatim_doc_comment, after_help = "Example: nxm audit 30-30-30 --batch 2 --optimizer adam")]
    Audit(Box<AuditArgs>),
    /// Train a network on a table as it comes, on images, or on the embedded digits.
    ///
    /// What each column holds is found out and said: numbers, categories, dates, yes and no; what can't be learned from is left out.
    /// Without DATA it learns the 1,797 handwritten digits that come with the program.
    /// Ctrl-C finishes the step, writes a checkpoint and says how to go on.
    #[command(
        verbatim_doc_comment,
        after_help = "Examples:\n  nxm train\n  nxm train titanic.csv --label survived --checkpoint titanic.nxm\n  \
                      nxm train train-images-idx3-ubyte.gz --hidden 128 --epochs 5 --checkpoint mnist.nxm\n  \
                      nxm train titanic.csv --resume titanic.nxm --epochs 400"
    )]
    Train(Box<TrainArgs>),
    /// Search for the settings that train best on a table: width, depth, learning rate, weight decay and batch.
    ///
    /// Trials are drawn at random. All of them train a little, the best third goes on to three times the epochs, and so on
    /// until one is left. The cost is said before the search starts, and kept. What is named, as --batch, is not searched.
    #[command(
        verbatim_doc_comment,
        after_help = "Examples:\n  nxm search titanic.csv --label survived\n  \
                      nxm search titanic.csv --label survived --trials 81 --seconds 60 --checkpoint best.nxm"
    )]
    Search(Box<SearchArgs>),
    /// What a trained network says about each row of a table, on standard output.
    Predict(PredictArgs),
    /// How good a trained network is on a table, beside a baseline.
    Evaluate(EvaluateArgs),
    /// What a trained network knows of its data: its columns, how they are scaled, its classes.
    Show(ShowArgs),
}

impl Command {
    /// Whether a program reads what is said on standard error.
    pub fn says_json(&self) -> bool {
        matches!(self, Command::Train(args) if args.log == Some(LogFormat::Json))
    }

    /// How many threads were asked for.
    pub fn threads(&self) -> Option<u64> {
        match self {
            Command::Train(args) => args.machine.threads,
            Command::Search(args) => args.train.machine.threads,
            Command::Predict(args) => args.machine.threads,
            Command::Evaluate(args) => args.machine.threads,
            Command::Count(_) | Command::Explain(_) | Command::Audit(_) | Command::Show(_) => None,
        }
    }
}

/// Which network, and what to do with it.
#[derive(Debug, Args)]
pub struct CountArgs {
    /// Inputs, then the units of each layer, as 784-128-10; or with layers of any kind, as "784, 128 relu no_bias, layer_norm, dropout 0.1, 10",
    /// where batch_norm is one too; or a file: a checkpoint of nxm train, or a safetensors file of
    /// dense weights, named as PyTorch names them (0.weight, 0.bias, fc1.weight, ...). Of a file only the header is read.
    #[arg(value_name = "SIZES|LAYERS|FILE", value_parser = network_arg())]
    pub network: NetworkArg,
    /// The activation of all layers but the last, as gelu or "leaky_relu(0.2)"; a checkpoint says its own. [default: relu]
    #[arg(long, value_name = "ACTIVATION", value_parser = activation())]
    pub hidden: Option<Activation>,
    /// The activation of the last layer; a checkpoint says its own. [default: identity]
    #[arg(long, value_name = "ACTIVATION", value_parser = activation())]
    pub output: Option<Activation>,
    /// The loss; a checkpoint says its own. cross_entropy includes the softmax, so its output is best the identity.
    /// [default: mse]
    #[arg(long, value_parser = loss())]
    pub loss: Option<Loss>,
    /// What updates the parameters, as sgd, adamw or rmsprop:centred=true; nxm train has the list. [default: sgd, or what a checkpoint says]
    #[arg(long, value_name = "OPTIMIZER")]
    pub optimizer: Option<OptimizerArg>,
    #[command(flatten)]
    pub tuning: TuningArgs,
    /// Examples in a step. [default: 1, or what a checkpoint says]
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    pub batch: Option<u64>,
    /// Batches whose mean gradient a step takes. [default: 1, or what a checkpoint says]
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    pub accumulate: Option<u64>,
    /// Examples in an epoch; the last batch may be short. [default: those of a step, or what a checkpoint says]
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    pub examples: Option<u64>,
    /// How many times training sees every example. [default: 1, or what a checkpoint says]
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    pub epochs: Option<u64>,
    /// Run one step under counting at each level of this machine, on 1 and 2 threads, and compare.
    #[arg(long)]
    pub verify: bool,
    /// Show each phase's count as a formula in B, N and M (examples, inputs, units) beside its value.
    #[arg(long)]
    pub symbolic: bool,
    /// Print the number that another counter would print for this network, and what it leaves out.
    #[arg(long = "as", value_name = "TOOL", value_parser = tool(), conflicts_with_all = ["verify", "symbolic"])]
    pub tool: Option<Tool>,
    /// How the answer is written; json and csv have all digits of huge numbers.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

/// How the answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// For programs; its names stay as they are.
    Json,
    /// For documents.
    Markdown,
    /// For spreadsheets: a row for each part.
    Csv,
}

/// A network by its sizes or its file.
fn network_arg() -> impl TypedValueParser<Value = NetworkArg> {
    OsStringValueParser::new().try_map(network)
}

/// An activation by its name, perhaps with parameters: `leaky_relu(0.2)`.
pub fn activation() -> impl TypedValueParser<Value = Activation> {
    ActivationParser
}

/// Of a name alone clap says which there are, and the nearest; of parameters, their own error says what is wrong.
#[derive(Clone)]
struct ActivationParser;

impl ActivationParser {
    fn names() -> PossibleValuesParser {
        PossibleValuesParser::new(Activation::ALL.map(Activation::name))
    }
}

impl TypedValueParser for ActivationParser {
    type Value = Activation;

    fn parse_ref(&self, command: &clap::Command, arg: Option<&Arg>, value: &OsStr) -> Result<Activation, clap::Error> {
        let parse = |text: String| text.parse::<Activation>();
        match value.to_string_lossy().contains('(') {
            true => StringValueParser::new().try_map(parse).parse_ref(command, arg, value),
            false => Self::names().try_map(parse).parse_ref(command, arg, value),
        }
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let names = Activation::ALL.map(|activation| PossibleValue::new(activation.name()));
        Some(Box::new(names.into_iter()))
    }
}

/// A loss by its name.
pub fn loss() -> impl TypedValueParser<Value = Loss> {
    PossibleValuesParser::new(Loss::ALL.map(|loss| loss.name())).try_map(|name| name.parse::<Loss>())
}

/// A counter by its name.
fn tool() -> impl TypedValueParser<Value = Tool> {
    PossibleValuesParser::new(Tool::ALL.map(Tool::name)).try_map(|name| name.parse::<Tool>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_are_consistent() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }
}
