//! `nxm explain`: why training takes so long, step by step, on one page.

mod lesson;
mod page;
mod render;
mod training;

use std::io::Write;

use clap::{Args, ValueEnum};
use nxm_count::TrainingLength;
use nxm_kernels::{Activation, Cpu};
use nxm_net::{ElementType, Loss};

use crate::args::{NetworkText, OptimizerArg, TuningArgs, activation, at_least_one, loss};
use crate::failure::Failure;
use lesson::Lesson;

/// Whose training is explained.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// Inputs, then the units of each layer; or with layers of any kind, which say their activations, as "784, 128 relu, dropout 0.1, 10".
    #[arg(value_name = "SIZES|LAYERS", default_value = "30-30-30")]
    pub sizes: NetworkText,
    /// The activation of all layers but the last.
    #[arg(long, value_name = "ACTIVATION", default_value = "sigmoid", value_parser = activation())]
    pub activation: Activation,
    /// The activation of the last layer. [default: that of the other layers for mse, identity for other losses]
    #[arg(long, value_name = "ACTIVATION", value_parser = activation())]
    pub output: Option<Activation>,
    /// The loss. cross_entropy includes the softmax.
    #[arg(long, default_value = "mse", value_parser = loss())]
    pub loss: Loss,
    /// What updates the parameters, as sgd, adamw or rmsprop:centred=true; nxm train has the list.
    #[arg(long, value_name = "OPTIMIZER", default_value = "sgd")]
    pub optimizer: OptimizerArg,
    /// Examples in a step of the training.
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = at_least_one, allow_negative_numbers = true)]
    pub batch: u64,
    /// Examples in an epoch.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = at_least_one, allow_negative_numbers = true)]
    pub examples: u64,
    /// How many times training sees every example.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = at_least_one, allow_negative_numbers = true)]
    pub epochs: u64,
    /// How the page is written.
    #[arg(long, value_enum, default_value_t = PageFormat::Text)]
    pub format: PageFormat,
}

/// How the page is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PageFormat {
    /// For a terminal.
    Text,
    /// For a document.
    Markdown,
    /// One file for a browser.
    Html,
}

/// Explains. Nothing is written unless all of it can be.
pub fn run(args: &ExplainArgs, cpu: &Cpu, out: &mut impl Write) -> Result<(), Failure> {
    let output = args.output.unwrap_or(match args.loss {
        Loss::MeanSquaredError => args.activation,
        _ => Activation::Identity,
    });
    let network = TuningArgs::default().network(
        (&args.sizes, ElementType::F32),
        [args.activation, output],
        args.loss.clone(),
        Some(&args.optimizer),
    )?;
    let length = TrainingLength::new(args.examples).with_epochs(args.epochs).with_batch(args.batch);
    let mut page = Lesson::new(&network, length)?.page();
    training::explain(&network, length, cpu, &mut page)?;
    let text = match args.format {
        PageFormat::Text => render::text(&page),
        PageFormat::Markdown => render::markdown(&page),
        PageFormat::Html => render::html(&page),
    };
    Ok(out.write_all(text.as_bytes())?)
}
