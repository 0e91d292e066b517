//! A training that begins with the weights of a model that is there.

use std::path::Path;

use nxm_data::{Examples, Foreign, Model, Split, SplitBy};
use nxm_kernels::Cpu;

use super::{TrainJob, by, check_patience, judged, options, seed, share};
use crate::args::{Auto, TrainArgs};
use crate::data::Source;
use crate::failure::{Failure, warn};
use crate::format::plural;
use crate::model::load_best;
use crate::train::place::CheckpointFiles;

impl TrainJob {
    /// A new training with the weights, columns, scales and classes of the model in `path`, and with what the command line asks for.
    pub fn tuned(args: &TrainArgs, path: &Path, cpu: &Cpu) -> Result<TrainJob, Failure> {
        refuse(args, path)?;
        let model = load_best(path, cpu, false)?;
        check_columns(args, path, &model)?;
        let place = args.checkpoint.as_ref().map(|path| CheckpointFiles::begin(args, path)).transpose()?;
        let Model { checkpoint, schema, .. } = model;
        let source = Source::new(args.data.as_ref(), args.labels.as_ref())?;
        let (table, dialect) = source.read(&args.table, Some(&schema.reading))?;
        // What is missing is said before what is only strange.
        schema.encoder.columns().iter().try_for_each(|column| table.column(&column.name).map(drop))?;
        let examples = Examples::of_model(&table, &schema.target)?.weighted_by(args.weights.as_deref())?;
        let dropped = table.rows().saturating_sub(examples.rows.len());
        if dropped > 0 {
            let rows = plural(dropped as u64, "row");
            warn(&format!("{}: {rows} without a value to learn, which are dropped", source.name()));
        }
        let judged = judged(args, &schema.reading)?;
        let split = match &judged {
            Some(judged) => Split::of(examples, judged)?,
            None => examples.split(&by(args), share(args), seed(args))?,
        };
        for note in split.notes() {
            warn(&format!("{}: {note}", source.name()));
        }
        let settings = options::new(args, &split.train)?;
        check_patience(args, &split)?;
        let schema = schema.tuned(&split)?;
        let begun = settings.begin(checkpoint.evaluated().clone(), &schema, split.train.len())?;
        let mut job = TrainJob::begin(args, &source, &split, schema, (begun, &settings))?;
        job.remember(&split)?;
        if let Source::File { .. } = source {
            let rows = plural(table.rows() as u64, "row");
            job.description = format!("{}: {dialect}, {rows}.\n", source.name());
        }
        job.description += &format!("Weights, columns, scales and classes are those of {}.\n\n", Foreign::path(path));
        Ok(TrainJob { place, dialect, ..job })
    }
}

/// What the model has decided.
fn refuse(args: &TrainArgs, path: &Path) -> Result<(), Failure> {
    for (flag, asked) in [
        ("--hidden", Auto::given(&args.hidden).is_some()),
        ("--activation", args.activation.is_some()),
        ("--layers", args.layers.is_some()),
        ("--loss", args.loss.is_some()),
        ("--categories", !args.categories.is_empty()),
        ("--numbers", !args.numbers.is_empty()),
    ] {
        if asked {
            let path = Foreign::path(path);
            return Err(Failure::Usage(format!(
                "{flag} is not for --fine-tune, which keeps the network and the columns of {path}: leave it out, or begin a new training"
            )));
        }
    }
    Ok(())
}

/// The command line must not ask for other columns than the model has.
fn check_columns(args: &TrainArgs, path: &Path, model: &Model) -> Result<(), Failure> {
    let learned = model.schema.target.columns();
    let asked = args.label.join(",");
    if !args.label.is_empty() && asked != learned.join(",") {
        let learned = Foreign::list(learned.iter().map(String::as_str));
        let (path, asked) = (Foreign::path(path), Foreign::bare(&asked));
        return Err(Failure::Usage(format!(
            "--label is {asked}, and the model in {path} has learned {learned}: leave it out"
        )));
    }
    let group = if let SplitBy::Group(column) = by(args) { Some(column) } else { None };
    let left_out = |name: &String| args.ignore.contains(name) || group.as_ref() == Some(name);
    match model.schema.encoder.columns().iter().find(|column| left_out(&column.name)) {
        Some(used) => {
            let (path, flag) =
                (Foreign::path(path), if args.ignore.contains(&used.name) { "--ignore" } else { "--group" });
            let used = Foreign::quoted(&used.name);
            Err(Failure::Usage(format!("{flag} is {used}, and the model in {path} predicts from that column")))
        }
        None => Ok(()),
    }
}
