//! What is trained, on what, and how: from the command line, or from a checkpoint.

mod again;
mod options;
mod split;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use nxm_kernels::{Activation, Cpu};
use nxm_net::{Checkpoint, Dataset, LearningRateSchedule, Network, OptimizerState, TrainingOptions, TrainingState};

use super::place::CheckpointFiles;
use super::watch::{WATCH, Watch};
use crate::args::{ScheduleArg, TrainArgs};
use crate::data::{Columns, Examples, Meaning, Scheme, Source, Want, source};
use crate::digits;
use crate::failure::Failure;
use crate::foreign::Foreign;
use crate::format::{count, plural};
use crate::model::{Model, SCHEME, note, note_text};
use again::again;
pub use again::quoted;
use split::Split;

/// The largest pixel.
const WHITE: f64 = 255.0;

/// A training that is ready to begin or to go on.
#[derive(Debug)]
pub struct TrainJob {
    /// The training as it is now.
    pub checkpoint: Checkpoint<f32>,
    /// What it learns from.
    pub seen: Dataset<f32>,
    /// What its epochs are judged by.
    pub held_out: Option<Dataset<f32>>,
    /// What it remembers of its epochs.
    pub watch: Watch,
    /// Where it is kept, if it is.
    pub place: Option<CheckpointFiles>,
    /// The command that goes on with it, but for the checkpoint.
    pub again: String,
    /// What its network must know of its data.
    pub scheme: Scheme,
    source: String,
}

impl TrainJob {
    /// What the command line asks for.
    pub fn new(args: &TrainArgs) -> Result<TrainJob, Failure> {
        let place = args.checkpoint.as_ref().map(|path| CheckpointFiles::begin(args, path)).transpose()?;
        let options = options::new(args)?;
        let source = source(args.data.as_ref(), args.labels.as_ref())?;
        let want = Want::Learn { label: args.label.as_deref(), ignore: &args.ignore };
        let examples = source.read(want, &args.table)?;
        let meaning = Meaning::new(&examples, &options.loss)?;
        let watch = Watch {
            fingerprint: examples.fingerprint(),
            validate: args.validate.unwrap_or(options::VALIDATE),
            patience: args.patience,
            best: None,
        };
        let split = Split::new(examples.len(), options.seed, watch.validate)?;
        if watch.patience.is_some() && split.held_out().is_none() {
            let why = "--patience needs examples that are held out: --validate with more than 0";
            return Err(Failure::Usage(why.to_owned()));
        }
        let divided_by = match (&examples.columns, &source) {
            (_, Source::Digits) => Some(f64::from(digits::INK)),
            (Columns::Images { .. }, _) => Some(WHITE),
            (Columns::Table { .. }, _) => None,
        };
        let network = network(args, &examples, meaning.outputs(), options.seed)?;
        let optimizer = OptimizerState::new(options.optimizer, &network).map_err(Failure::usage)?;
        let scheme = Scheme::new(&examples, split.seen(), meaning, divided_by)?;
        split.warn_of_unseen(&scheme.meaning, &examples);
        let (seen, held_out) = split.datasets(&scheme, &examples)?;
        let notes = BTreeMap::from([(SCHEME.to_owned(), note_text(&scheme)?), (WATCH.to_owned(), note_text(&watch)?)]);
        let checkpoint = Checkpoint::new(network, options, TrainingState::new(optimizer), seen.len()).with_notes(notes);
        Ok(TrainJob { checkpoint, seen, held_out, watch, place, again: again(args), scheme, source: source.name() })
    }

    /// What is in a checkpoint, as long as the command line does not ask for something else.
    pub fn resumed(args: &TrainArgs, path: &Path) -> Result<TrainJob, Failure> {
        let to = args.checkpoint.as_deref().unwrap_or(path);
        // Before the checkpoint is read, as another run may still write it.
        let mut place = if to == path { CheckpointFiles::lock(args, to)? } else { CheckpointFiles::begin(args, to)? };
        let Model { mut checkpoint, scheme } = Model::load(path)?;
        let mut watch: Watch = note(&checkpoint, WATCH, path)?;
        options::agree(args, path, &mut checkpoint, &scheme, &mut watch)?;
        let progress = checkpoint.state.progress;
        if progress.epochs >= checkpoint.options.epochs {
            let epochs = plural(checkpoint.options.epochs as u64, "epoch");
            return Err(Failure::Usage(format!(
                "{}: the training has finished its {epochs}; ask for more of them by --epochs",
                Foreign::path(path)
            )));
        }
        if progress.steps == 0 && watch.stops_after(progress.epochs as u64) {
            let patience = plural(watch.patience.unwrap_or(0), "epoch");
            return Err(Failure::Usage(format!(
                "{}: the training has stopped after {patience} without a gain; ask for more of them by --patience",
                Foreign::path(path)
            )));
        }
        if to == path {
            place.go_on(watch.patience.is_some())?;
        }
        let source = source(args.data.as_ref(), args.labels.as_ref())?;
        let examples = source.read(Want::Judge(&scheme.columns), &args.table)?;
        if examples.fingerprint() != watch.fingerprint {
            return Err(Failure::Usage(format!(
                "{} is not the data that the training in {} began with, or a version that read tables in 32 bits began it",
                source.name(),
                Foreign::path(path)
            )));
        }
        let split = Split::new(examples.len(), checkpoint.options.seed, watch.validate)?;
        let (seen, held_out) = split.datasets(&scheme, &examples)?;
        checkpoint.notes.insert(WATCH.to_owned(), note_text(&watch)?);
        let place = Some(place);
        Ok(TrainJob { checkpoint, seen, held_out, watch, place, again: again(args), scheme, source: source.name() })
    }
}

impl TrainJob {
    /// How long a write takes, if the training is kept: see [`CheckpointFiles::first_write`].
    pub fn first_write(&mut self, cpu: &Cpu) -> Result<Option<Duration>, Failure> {
        let training = self.checkpoint.resume(cpu, &self.seen).map_err(Failure::usage)?;
        self.place.as_mut().map(|place| place.first_write(&training)).transpose()
    }
}

/// The network with its first weights.
fn network(args: &TrainArgs, examples: &Examples, outputs: usize, seed: u64) -> Result<Network<f32>, Failure> {
    let activation = args.activation.unwrap_or(Activation::Relu);
    let hidden = args.hidden.as_ref().map_or(&options::HIDDEN[..], |hidden| &hidden.0);
    let first = Network::builder(examples.columns.features());
    let builder = hidden.iter().fold(first, |builder, units| builder.dense(*units, activation));
    builder.dense(outputs, Activation::Identity).seed(seed).build().map_err(Failure::usage)
}

impl fmt::Display for TrainJob {
    /// What is learned from what, and how.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Checkpoint { network, options, state, .. } = &self.checkpoint;
        let TrainingOptions { loss, optimizer, schedule, batch, epochs, .. } = options;
        let meaning = self.scheme.meaning.describe();
        match &self.scheme.columns {
            Columns::Table { features, label } => {
                let columns = plural(features.len() as u64, "column");
                write!(f, "{}: {} ({meaning}) from {columns}, ", self.source, Foreign::quoted(label))?;
            }
            Columns::Images { .. } => {
                write!(f, "{}: {meaning} from {} pixels, ", self.source, count(network.inputs() as u64))?;
            }
        }
        let held_out = self.held_out.as_ref().map_or(0, Dataset::len);
        writeln!(f, "{}, {} held out.", plural(self.seen.len() as u64, "example"), count(held_out as u64))?;
        let sizes: Vec<String> = network.sizes().iter().map(usize::to_string).collect();
        let hidden = match network.layers().len() {
            1 => String::new(),
            _ => format!("{}, ", network.layer(0).activation()),
        };
        let (sizes, parameters) = (sizes.join("-"), count(network.parameters() as u64));
        let rate = optimizer.learning_rate();
        write!(f, "{sizes} ({hidden}{loss}, {parameters} parameters), {optimizer} at {rate}")?;
        if *schedule != LearningRateSchedule::Constant {
            write!(f, " ({})", ScheduleArg(schedule.clone()))?;
        }
        write!(f, ", batches of {batch}, ")?;
        write!(f, "{}", plural(*epochs as u64, "epoch"))?;
        match state.optimizer.steps() {
            0 => writeln!(f, "."),
            steps => writeln!(f, ", after {}.", plural(steps, "step")),
        }
    }
}
