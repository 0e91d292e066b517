//! What is trained, on what, and how: from the command line, or from a checkpoint.

mod again;
pub mod columns;
pub mod options;
mod tune;

use std::fmt;
use std::path::Path;
use std::time::Duration;

use nxm_data::{Examples, Foreign, HELD_OUT, Model, Overrides, Reading, Schema, Settings, Split, SplitBy, Table, Task};
use nxm_kernels::Cpu;
use nxm_net::{Checkpoint, Dataset, LearningRateSchedule, Loss, TrainingOptions};

use super::outcome::HeldOut;
use super::place::CheckpointFiles;
use super::watch::{WATCH, Watch};
use crate::args::{ScheduleArg, TrainArgs};
use crate::data::Source;
use crate::digits;
use crate::failure::{Failure, warn};
use crate::format::{count, plural};
use crate::model::{load, note, note_text};
use again::again;
pub use again::{invocation, quoted};

/// The column of labels of images.
const IMAGE_LABEL: &str = "label";

/// A training that is ready to begin or to go on.
#[derive(Debug)]
pub struct TrainJob {
    /// The training as it is now.
    pub checkpoint: Checkpoint<f32>,
    /// What it learns from.
    pub seen: Dataset<f32>,
    /// What its epochs are judged by.
    pub held_out: Option<HeldOut>,
    /// What it remembers of its epochs.
    pub watch: Watch,
    /// Where it is kept, if it is.
    pub place: Option<CheckpointFiles>,
    /// The command that goes on with it, but for the checkpoint.
    pub again: String,
    /// What its network must know of its data.
    pub schema: Schema,
    /// How the file is written.
    pub dialect: String,
    /// What each column holds.
    pub columns_told: Vec<Vec<String>>,
    /// What the table holds, column by column; empty if that was said before.
    pub description: String,
    /// What errors call the table.
    pub source: String,
    /// Which fold of a cross-validation it is, from 1, and of how many.
    pub fold: Option<(usize, usize)>,
}

impl TrainJob {
    /// What the command line asks for.
    pub fn new(args: &TrainArgs) -> Result<TrainJob, Failure> {
        let place = args.checkpoint.as_ref().map(|path| CheckpointFiles::begin(args, path)).transpose()?;
        let source = Source::new(args.data.as_ref(), args.labels.as_ref())?;
        let (table, dialect) = source.read(&args.table, None)?;
        let examples = select(args, &source, &table)?;
        let judged = judged(args, &table.reading())?;
        let by = by(args);
        let split = match &judged {
            Some(judged) => Split::of(examples, judged)?,
            None => examples.split(&by, share(args), seed(args))?,
        };
        for note in split.notes() {
            warn(&format!("{}: {note}", source.name()));
        }
        let examples = &split.train.examples;
        let settings = options::new(args, &split.train)?;
        check_patience(args, &split)?;
        let mut job = TrainJob::of_split(args, &source, &split, fit(&source, &split)?, &settings)?;
        job.remember(&split)?;
        job.columns_told = columns::rows(&examples.columns, &job.schema.encoder);
        if let Source::File { .. } = source {
            job.description = columns::describe(&source.name(), &dialect, &table, &job.columns_told);
        }
        Ok(TrainJob { place, dialect, ..job })
    }

    /// A training on a split, which is kept nowhere and has not said yet what its table holds.
    pub fn of_split(
        args: &TrainArgs,
        source: &Source<'_>,
        split: &Split<'_>,
        schema: Schema,
        settings: &Settings,
    ) -> Result<TrainJob, Failure> {
        let checkpoint = settings.checkpoint(&schema, split.train.len())?;
        TrainJob::begin(args, source, split, schema, (checkpoint, settings))
    }

    /// The same with the checkpoint that it begins with.
    fn begin(
        args: &TrainArgs,
        source: &Source<'_>,
        split: &Split<'_>,
        schema: Schema,
        (checkpoint, settings): (Checkpoint<f32>, &Settings),
    ) -> Result<TrainJob, Failure> {
        schema.target.check_metric(settings.metric).map_err(|error| Failure::Usage(format!("--metric: {error}")))?;
        let (seen, held_out) = datasets(&schema, split)?;
        let mut patience = settings.patience();
        // Nothing tells how good an epoch is.
        patience.epochs = patience.epochs.filter(|_| held_out.is_some());
        let watch = Watch {
            fingerprint: String::new(),
            split: by(args),
            validate: share(args),
            validate_with: args.validate_with.is_some().then(String::new),
            metric: settings.metric,
            patience,
            keep_best: held_out.is_some() && !settings.keep_last,
        };
        Ok(TrainJob {
            checkpoint,
            seen,
            held_out,
            watch,
            place: None,
            again: again(args),
            schema,
            dialect: String::new(),
            columns_told: Vec::new(),
            description: String::new(),
            source: source.name(),
            fold: None,
        })
    }

    /// Notes what tells its data from others: a training that goes on must see the same.
    fn remember(&mut self, split: &Split<'_>) -> Result<(), Failure> {
        let names = seen_columns(&self.schema, &self.watch.split);
        let fingerprint = |examples: &Examples<'_>| examples.fingerprint(names.iter().map(String::as_str));
        self.watch.fingerprint = fingerprint(&split.train.examples)?;
        if let Some(validate_with) = &mut self.watch.validate_with {
            *validate_with = fingerprint(&split.held_out.examples)?;
        }
        self.checkpoint.notes.insert(WATCH.to_owned(), note_text(&self.watch)?);
        Ok(())
    }

    /// What is in a checkpoint, as long as the command line does not ask for something else.
    pub fn resumed(args: &TrainArgs, path: &Path, cpu: &Cpu) -> Result<TrainJob, Failure> {
        let to = args.checkpoint.as_deref().unwrap_or(path);
        // Before the checkpoint is read, as another run may still write it.
        let mut place = if to == path { CheckpointFiles::lock(args, to)? } else { CheckpointFiles::begin(args, to)? };
        let mut model = load(path, cpu)?;
        let mut watch: Watch = note(&model.checkpoint, WATCH, path)?;
        options::agree(args, path, &mut model, &mut watch)?;
        let Model { mut checkpoint, schema, .. } = model;
        let progress = checkpoint.state.progress;
        if progress.epochs >= checkpoint.options.epochs {
            let epochs = plural(checkpoint.options.epochs as u64, "epoch");
            return Err(Failure::Usage(format!(
                "{}: the training has finished its {epochs}; ask for more of them by --epochs",
                Foreign::path(path)
            )));
        }
        if progress.steps == 0 && watch.patience.stops_after(progress.epochs as u64) {
            let patience = plural(watch.patience.epochs.unwrap_or(0), "epoch");
            return Err(Failure::Usage(format!(
                "{}: the training has stopped after {patience} without a gain; ask for more of them by --patience",
                Foreign::path(path)
            )));
        }
        if to == path {
            place.go_on(watch.keep_best)?;
        }
        let source = Source::new(args.data.as_ref(), args.labels.as_ref())?;
        let (table, dialect) = source.read(&args.table, Some(&schema.reading))?;
        let examples = Examples::of_model(&table, &schema.target)?.weighted_by(schema.weights.as_deref())?;
        let names = seen_columns(&schema, &watch.split);
        let same = |examples: &Examples<'_>, fingerprint: &str, name: String| {
            if examples.fingerprint(names.iter().map(String::as_str))? == fingerprint {
                return Ok(());
            }
            let path = Foreign::path(path);
            Err(Failure::Usage(format!("{name} is not the data that the training in {path} began with")))
        };
        same(&examples, &watch.fingerprint, source.name())?;
        let judged = judged(args, &schema.reading)?;
        let split = match (&judged, &watch.validate_with) {
            (Some(judged), Some(fingerprint)) => {
                let split = Split::of(examples, judged)?;
                same(&split.held_out.examples, fingerprint, judged.name().to_owned())?;
                split
            }
            _ => examples.split(&watch.split, watch.validate, checkpoint.options.seed)?,
        };
        let (seen, held_out) = datasets(&schema, &split)?;
        checkpoint.notes.insert(WATCH.to_owned(), note_text(&watch)?);
        let (again, source) = (again(args), source.name());
        Ok(TrainJob {
            checkpoint,
            seen,
            held_out,
            watch,
            place: Some(place),
            again,
            schema,
            dialect,
            columns_told: Vec::new(),
            description: String::new(),
            source,
            fold: None,
        })
    }
}

/// The best epoch and patience need rows to judge by.
pub fn check_patience(args: &TrainArgs, split: &Split<'_>) -> Result<(), Failure> {
    let needs = [
        ("--patience", args.patience.is_some_and(|patience| patience > 0)),
        ("--min-gain", args.min_gain.is_some()),
        ("--metric", args.metric.is_some()),
    ];
    match needs.into_iter().find(|(_, asked)| *asked && split.held_out.is_empty()) {
        Some((flag, _)) => {
            Err(Failure::Usage(format!("{flag} needs examples that are held out: --validate with more than 0")))
        }
        None => Ok(()),
    }
}

/// What a network must know of its data, from the training rows of a split.
pub fn fit(source: &Source<'_>, split: &Split<'_>) -> Result<Schema, Failure> {
    let mut schema = Schema::fit(split)?;
    if let Source::Digits = source {
        schema.encoder = schema.encoder.dividing(f64::from(digits::INK));
    }
    Ok(schema)
}

/// The share of the rows that is held out.
pub fn share(args: &TrainArgs) -> f64 {
    args.validate.unwrap_or(HELD_OUT)
}

/// What weights, held-out rows and the order of the others are drawn from.
pub fn seed(args: &TrainArgs) -> u64 {
    args.seed.unwrap_or(TrainingOptions::default().seed)
}

/// The table that is held out, if one is named.
fn judged(args: &TrainArgs, reading: &Reading) -> Result<Option<Table>, Failure> {
    let Some(path) = &args.validate_with else { return Ok(None) };
    let (table, _) = Source::File { data: path, labels: None }.read(&args.table, Some(reading))?;
    Ok(Some(table))
}

/// Columns that a training depends on: those that it learns from, and those of groups and weights.
fn seen_columns(schema: &Schema, by: &SplitBy) -> Vec<String> {
    let group = if let SplitBy::Group(column) = by { Some(column.clone()) } else { None };
    let learned = schema.encoder.columns().iter().map(|column| column.name.clone());
    learned.chain(group).chain(schema.weights.clone()).collect()
}

/// How rows are parted.
pub fn by(args: &TrainArgs) -> SplitBy {
    match &args.group {
        Some(column) => SplitBy::Group(column.clone()),
        None => args.split.map_or(SplitBy::Stratified, options::split_by),
    }
}

/// The rows and columns that are asked for.
pub fn select<'a>(args: &TrainArgs, source: &Source<'_>, table: &'a Table) -> Result<Examples<'a>, Failure> {
    let targets = targets(args, source, table)?;
    let mut overrides = Overrides {
        ignore: args.ignore.iter().chain(&args.group).cloned().collect(),
        categories: args.categories.clone(),
        numbers: args.numbers.clone(),
    };
    if let Source::Digits = source {
        // All pixels, those that are always white too.
        let pixels = table.columns().iter().map(|column| column.name.clone());
        overrides.numbers.extend(pixels.filter(|name| !targets.contains(name)));
    }
    if let Some(both) = overrides.ignore.iter().find(|name| targets.contains(name)) {
        let flag = if args.ignore.contains(both) { "--ignore" } else { "--group" };
        let both = Foreign::quoted(both);
        return Err(Failure::Usage(format!("{flag} is {both}, which is the column to learn")));
    }
    let mut selection = table.targets(targets).with_overrides(overrides);
    if let Some(weights) = &args.weights {
        selection = selection.weights(weights);
    }
    if let Some(loss) = &args.loss {
        selection = selection.task(match loss {
            Loss::CrossEntropy { .. } => Task::Classes,
            Loss::BinaryCrossEntropy { .. } => Task::Labels,
            _ => Task::Numbers,
        });
    }
    Ok(selection.examples()?)
}

/// The columns to learn.
fn targets(args: &TrainArgs, source: &Source<'_>, table: &Table) -> Result<Vec<String>, Failure> {
    let has = |name: &str| table.columns().iter().any(|column| column.name == name);
    if args.label.is_empty() {
        let own = match source {
            Source::Digits => digits::LABEL,
            Source::File { .. } => IMAGE_LABEL,
        };
        if table.is_images() && has(own) || matches!(source, Source::Digits) {
            return Ok(vec![own.to_owned()]);
        }
        if table.is_images() {
            return Err(Failure::Usage(format!(
                "{} has no file of labels beside it: name it by --labels",
                source.name()
            )));
        }
        let names = Foreign::list(table.columns().iter().map(|column| column.name.as_str()));
        return Err(Failure::Usage(format!(
            "{}: name the column to learn by --label; its columns are {names}",
            source.name()
        )));
    }
    // A name may have a comma in it.
    let names = |label: &String| match has(label) {
        true => vec![label.clone()],
        false => label.split(',').map(str::to_owned).collect(),
    };
    Ok(args.label.iter().flat_map(names).collect())
}

/// Rows to learn from, and rows to judge by.
fn datasets(schema: &Schema, split: &Split<'_>) -> Result<(Dataset<f32>, Option<HeldOut>), Failure> {
    let held_out = match split.held_out.is_empty() {
        true => None,
        false => Some(HeldOut { data: schema.dataset(&split.held_out)?, values: split.held_out.values()? }),
    };
    Ok((schema.dataset(&split.train)?, held_out))
}

impl TrainJob {
    /// How long a write takes, if the training is kept: see [`CheckpointFiles::first_write`].
    pub fn first_write(&mut self, cpu: &Cpu) -> Result<Option<Duration>, Failure> {
        let training = self.checkpoint.resume(cpu, &self.seen).map_err(Failure::usage)?;
        self.place.as_mut().map(|place| place.first_write(&training)).transpose()
    }
}

impl TrainJob {
    /// What is learned from what: the first half of a sentence.
    pub fn what(&self) -> String {
        let labels: Vec<String> =
            self.schema.target.columns().iter().map(|column| Foreign::quoted(column).to_string()).collect();
        let columns = plural(self.schema.encoder.columns().len() as u64, "column");
        let weights = self.schema.weights.as_ref();
        let weighed = weights.map(|column| format!(", weighed by {}", Foreign::quoted(column))).unwrap_or_default();
        let meaning = self.schema.target.describe();
        format!("{}: {} ({meaning}) from {columns}{weighed}", self.source, labels.join(", "))
    }

    /// How it is learned.
    pub fn how(&self) -> String {
        let Checkpoint { network, options, state, .. } = &self.checkpoint;
        let TrainingOptions { loss, optimizer, schedule, ema, batch, epochs, .. } = options;
        let sizes: Vec<String> = network.sizes().iter().map(usize::to_string).collect();
        let plain = network.layers().all(|layer| layer.layer().is_plain());
        let layers = || network.layers().map(|layer| layer.layer().to_string()).collect::<Vec<_>>().join(", ");
        let hidden = match network.layers().len() {
            _ if !plain => format!("{}; ", layers()),
            1 => String::new(),
            _ => format!("{}, ", network.layer(0).activation()),
        };
        let (sizes, parameters) = (sizes.join("-"), count(network.parameters() as u64));
        let rate = optimizer.learning_rate();
        let mut text = format!("{sizes} ({hidden}{loss}, {parameters} parameters), {optimizer} at {rate}");
        if *schedule != LearningRateSchedule::Constant {
            text += &format!(" ({})", ScheduleArg(schedule.clone()));
        }
        if let Some(decay) = ema {
            text += &format!(", weights averaged by {decay}");
        }
        text += &format!(", batches of {batch}, {}", plural(*epochs as u64, "epoch"));
        if state.optimizer.steps() > 0 {
            text += &format!(", after {}", plural(state.optimizer.steps(), "step"));
        }
        text + "."
    }
}

impl fmt::Display for TrainJob {
    /// What is learned from what, and how.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held_out = self.held_out.as_ref().map_or(0, |held_out| held_out.data.len());
        let (seen, held_out) = (plural(self.seen.len() as u64, "example"), count(held_out as u64));
        writeln!(f, "{}, {seen}, {held_out} held out.\n{}", self.what(), self.how())
    }
}
