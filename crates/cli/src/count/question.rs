//! What is asked: a network from sizes or from the header of a file, and how it is trained.

use std::path::Path;

use nxm_count::{DenseWeights, NetworkSpec, TrainingLength};
use nxm_kernels::Activation;
use nxm_net::{CheckpointSummary, ContentError, ElementType, FileHeader, Loss, Optimizer, TrainingOptions};

use crate::args::{CountArgs, NetworkArg, NetworkText, OptimizerArg};
use crate::failure::Failure;
use crate::optimizer::trained;
use nxm_data::{Foreign, NOTE, Schema};

/// What is asked.
#[derive(Debug)]
pub struct Question {
    /// The network, and how it is trained.
    pub network: NetworkSpec,
    /// What its numbers are.
    pub element: ElementType,
    /// The names of its layers, first to last, if they are in a file of weights.
    pub layers: Option<Vec<String>>,
    /// Examples, epochs and batch.
    pub length: TrainingLength,
}

/// What a file of weights says of a network, or SIZES on the command line: nothing of its activations, its loss or its training. LAYERS say
/// their activations.
struct NetworkSizes {
    element: ElementType,
    sizes: NetworkText,
}

impl Question {
    /// What the command line asks, and the file that it names.
    pub fn new(args: &CountArgs) -> Result<Question, Failure> {
        match &args.network {
            NetworkArg::Text(text) => {
                let flags = [("--hidden", args.hidden), ("--output", args.output)];
                if let (NetworkText::Layers(..), Some((flag, _))) = (text, flags.iter().find(|(_, f)| f.is_some())) {
                    return Err(Failure::Usage(format!("layers say their activations themselves: leave out {flag}")));
                }
                of_sizes(args, NetworkSizes { element: ElementType::F32, sizes: text.clone() })
            }
            NetworkArg::File(path) => of_file(args, path),
        }
    }
}

/// A checkpoint, or a file of weights.
fn of_file(args: &CountArgs, path: &Path) -> Result<Question, Failure> {
    let header = FileHeader::load(path).map_err(|error| {
        Failure::Usage(format!(
            "{error}\nA network is SIZES, as 784-128-10, LAYERS, as \"784, 128 relu, 10\", a checkpoint of nxm train or a safetensors file."
        ))
    })?;
    let shown = Foreign::path(path);
    let named = |error: &dyn std::error::Error| Failure::Usage(format!("{shown}: {error}"));
    match CheckpointSummary::from_header(&header) {
        Ok(checkpoint) => of_checkpoint(args, path, checkpoint),
        Err(ContentError::NotACheckpoint) => {
            let DenseWeights { element, sizes, names } = DenseWeights::from_header(&header).map_err(|e| named(&e))?;
            Ok(Question {
                layers: Some(names),
                ..of_sizes(args, NetworkSizes { element, sizes: NetworkText::Sizes(sizes) })?
            })
        }
        Err(error) => Err(named(&error)),
    }
}

/// A network of which all else is on the command line.
fn of_sizes(args: &CountArgs, NetworkSizes { element, sizes }: NetworkSizes) -> Result<Question, Failure> {
    let activations = [(args.hidden, Activation::Relu), (args.output, Activation::Identity)];
    let activations = activations.map(|(asked, default)| asked.unwrap_or(default));
    let loss = args.loss.clone().unwrap_or(Loss::MeanSquaredError);
    let network = args.tuning.network((&sizes, element), activations, loss, args.optimizer.as_ref())?;
    let accumulate = args.accumulate.unwrap_or(1);
    // L-BFGS takes all examples in a step.
    let all = args.examples.filter(|_| network.optimizer().is_full_batch());
    let batch = args.batch.or(all).unwrap_or(1);
    let length = TrainingLength::new(args.examples.unwrap_or(batch.saturating_mul(accumulate)))
        .with_epochs(args.epochs.unwrap_or(1))
        .with_batch(batch)
        .with_accumulate(accumulate);
    fits(&network, length)?;
    Ok(Question { network, element, layers: None, length })
}

/// A network that says itself how it is trained, but for what the command line asks for.
fn of_checkpoint(args: &CountArgs, path: &Path, checkpoint: CheckpointSummary) -> Result<Question, Failure> {
    for (asked, flag) in [
        (args.hidden.is_some(), "--hidden"),
        (args.output.is_some(), "--output"),
        (args.loss.is_some(), "--loss"),
        (args.tuning.label_smoothing.is_some(), "--label-smoothing"),
        (args.tuning.class_weights.is_some(), "--class-weights"),
        (args.tuning.beta.is_some(), "--beta"),
        (args.tuning.delta.is_some(), "--delta"),
        (args.tuning.tau.is_some(), "--tau"),
    ] {
        if asked {
            let path = Foreign::path(path);
            let why =
                format!("{path} is a checkpoint, which says its activations and its loss itself: leave out {flag}");
            return Err(Failure::Usage(why));
        }
    }
    let network = NetworkSpec::of_checkpoint(&checkpoint).map_err(Failure::usage)?;
    // What it was trained on had weights if its note says so; a checkpoint of another program has no such note.
    let schema = checkpoint.notes.get(NOTE).and_then(|note| serde_json::from_str::<Schema>(note).ok());
    let weighted = schema.is_some_and(|schema| schema.weights.is_some());
    let network = if weighted { network.with_example_weights() } else { network };
    let CheckpointSummary { element, options, examples, .. } = checkpoint;
    let mut length = TrainingLength::of(&options, args.examples.unwrap_or(examples as u64));
    length.epochs = args.epochs.unwrap_or(length.epochs);
    length.batch = args.batch.unwrap_or(length.batch);
    length.accumulate = args.accumulate.unwrap_or(length.accumulate);
    let asked = [args.tuning.clip_norm, args.tuning.clip_value];
    let clip = if asked == [None, None] { [options.clip_norm, options.clip_value] } else { asked };
    let ema = args.tuning.ema.or(options.ema);
    let network = trained(network, element, optimizer(args, &options)?, clip, ema)?;
    if network.optimizer().is_full_batch() && args.batch.is_none() {
        length.batch = length.examples;
    }
    fits(&network, length)?;
    Ok(Question { network, element, layers: None, length })
}

/// The length must be one that the optimizer goes with.
fn fits(network: &NetworkSpec, length: TrainingLength) -> Result<(), Failure> {
    let [batch, accumulate, examples] =
        [length.batch, length.accumulate, length.examples].map(|n| usize::try_from(n).unwrap_or(usize::MAX));
    let options = TrainingOptions::default().with_optimizer(*network.optimizer());
    options.with_batch(batch).with_accumulate(accumulate).check_fit(examples).map_err(Failure::usage)
}

/// The checkpoint's optimizer with the settings that are asked for, or another one.
fn optimizer(args: &CountArgs, options: &TrainingOptions) -> Result<Optimizer, Failure> {
    let asked = &args.tuning;
    match args.optimizer.as_ref().filter(|other| other.name() != options.optimizer.name()) {
        Some(other) => asked.optimizer(other, None),
        None => {
            let mut kept = options.optimizer;
            // It needs a momentum of its own; nobody should be refused for what they did not ask for.
            if !asked.nesterov && (asked.momentum.is_some() || asked.dampening.is_some()) {
                let _ = kept.set("nesterov", "false");
            }
            let settings = args.optimizer.iter().flat_map(|other| &other.asked);
            for (name, value) in settings {
                kept.set(name, value).map_err(Failure::usage)?;
            }
            asked.optimizer(&OptimizerArg::from(kept), None)
        }
    }
}
