//! `nxm train --folds K`: how good models of these settings are on rows that they did not see, and how much that varies.

use std::io::Write;

use nxm_data::{CrossValidation, Examples, Fold, Foreign, JudgedFold, Model};
use nxm_kernels::{Cpu, Executor};
use nxm_net::Checkpoint;

use super::cost::Costs;
use super::events::{Talk, Voice};
use super::foresee::TrialForecast;
use super::interrupt;
use super::job::{TrainJob, by, check_patience, columns, fit, options, seed, select, share};
use super::learn::{Learned, learn};
use super::logs::Logs;
use super::progress::Bar;
use crate::args::{SplitName, TrainArgs};
use crate::data::Source;
use crate::failure::{Failure, warn};
use crate::format::{plural, seconds};

/// Trains a model for each fold, and says how good they are.
pub fn run(args: &TrainArgs, folds: u64, cpu: Cpu, out: &mut impl Write) -> Result<(), Failure> {
    refuse(args)?;
    let voice = Voice::of(args);
    let mut talk = Talk { result: out, quiet: voice.quiet };
    let out = &mut talk;
    let source = Source::new(args.data.as_ref(), args.labels.as_ref())?;
    let (table, dialect) = source.read(&args.table, None)?;
    let examples = select(args, &source, &table)?;
    let (of_table, described) = (examples.notes.len(), examples.columns.clone());
    let folds = parted(args, &source, examples, options::whole(folds))?;
    warn_of(&source, &folds, of_table);
    let first = &folds[0].split;
    let settings = options::new(args, &first.train)?;
    // Which values are rare, and so how wide a network is, differs from fold to fold.
    let schemas = folds.iter().map(|fold| fit(&source, &fold.split)).collect::<Result<Vec<_>, _>>()?;
    let begun = schemas.iter().zip(&folds).map(|(schema, fold)| settings.checkpoint(schema, fold.split.train.len()));
    let begun = begun.collect::<Result<Vec<Checkpoint<f32>>, _>>()?;
    let costs = Costs::of(begun.iter().map(|checkpoint| (checkpoint, args.weights.is_some())), &cpu)?;
    let steps = |checkpoint: &Checkpoint<f32>| {
        let Checkpoint { options, examples, .. } = checkpoint;
        options.steps_per_epoch(*examples).saturating_mul(options.epochs)
    };
    let all = begun.iter().map(steps).fold(0, usize::saturating_add);
    drop(begun);
    let job = |i: usize| TrainJob::of_split(args, &source, &folds[i].split, schemas[i].clone(), &settings);
    let mut next = Some(job(0)?);
    if let Some(job) = &next {
        let forecast = TrialForecast::new(job, &cpu, None)?.map(|forecast| forecast.of_folds(folds.len(), all));
        if let Source::File { .. } = source {
            let rows = columns::rows(&described, &job.schema.encoder);
            write!(out, "{}", columns::describe(&source.name(), &dialect, &table, &rows))?;
        }
        let Fold { split, judged } = &folds[0];
        let [learned, held_out, judged] = [&split.train, &split.held_out, judged].map(|rows| rows.len() as u64);
        writeln!(
            out,
            "{}, {} folds: each model learns from {}, {held_out} tell when to stop, and {judged} judge it.\n{}",
            job.what(),
            folds.len(),
            plural(learned, "example"),
            job.how()
        )?;
        writeln!(out, "On {}, {}.\n{costs}", cpu.level(), plural(cpu.threads() as u64, "thread"))?;
        if let Some(forecast) = forecast {
            writeln!(out, "{forecast}")?;
        }
        writeln!(out)?;
        out.flush()?;
        voice.start(job, Some(folds.len()), &cpu, &costs, forecast);
    }
    let interrupt = interrupt::watch()?;
    let mut bar = Bar::new(all, 0, &schemas[0].target, voice.draws());
    let (mut found, mut before) = (CrossValidation::default(), 0usize);
    for (i, fold) in folds.iter().enumerate() {
        let number = i.saturating_add(1);
        let mut job = next.take().map_or_else(|| job(i), Ok)?;
        job.fold = Some((number, folds.len()));
        bar.next(format!("fold {number}/{}, ", folds.len()), before);
        before = before.saturating_add(steps(&job.checkpoint));
        let Learned { epochs, kept, last, .. } = learn(&mut job, &cpu, &interrupt, &mut Logs::none(voice), &mut bar)?;
        let model = Model::of(&cpu, kept.unwrap_or(last))?;
        let evaluation = model.evaluate(&fold.judged)?;
        let (trained_on, judged_by) = (fold.split.train.len(), fold.judged.len());
        let judged = JudgedFold { trained_on, judged_by, epochs: epochs.len(), evaluation };
        bar.aside(|| {
            if i == 0 {
                writeln!(out, "{}", judged.heading())?;
            }
            writeln!(out, "{}", judged.line(number))?;
            out.flush()
        })?;
        voice.fold(number, &judged);
        found.folds.push(judged);
    }
    bar.clear();
    voice.end_of_folds(&found, bar.seconds());
    writeln!(out)?;
    writeln!(out.result, "{}", found.summary_text())?;
    writeln!(out, "{}. No model was kept: train one without --folds.", seconds(bar.seconds()))?;
    Ok(())
}

/// The rows in folds.
fn parted<'a>(
    args: &TrainArgs,
    source: &Source<'_>,
    examples: Examples<'a>,
    folds: usize,
) -> Result<Vec<Fold<'a>>, Failure> {
    let parted = examples.cross_folds(&by(args), folds, share(args), seed(args));
    let folds = parted.map_err(|error| Failure::Usage(format!("--folds {folds}: {}: {error}", source.name())))?;
    folds.iter().try_for_each(|fold| check_patience(args, &fold.split))?;
    Ok(folds)
}

/// What a user should know: of the table once, of each fold what it alone has.
fn warn_of(source: &Source<'_>, folds: &[Fold<'_>], of_table: usize) {
    let name = source.name();
    for (i, fold) in folds.iter().enumerate() {
        let (common, own) = fold.split.notes().split_at(of_table.min(fold.split.notes().len()));
        if i == 0 {
            common.iter().for_each(|note| warn(&format!("{name}: {note}")));
        }
        own.iter().for_each(|note| warn(&format!("{name}: fold {}: {note}", i.saturating_add(1))));
    }
}

/// What is not for a cross-validation, which keeps nothing.
fn refuse(args: &TrainArgs) -> Result<(), Failure> {
    let kept = [
        ("--checkpoint", args.checkpoint.as_ref()),
        ("--report", args.report.as_ref()),
        ("--history", args.history.as_ref()),
        ("--tensorboard", args.tensorboard.as_ref()),
    ];
    if let Some((flag, path)) = kept.into_iter().find_map(|(flag, path)| Some((flag, path?))) {
        let path = Foreign::path(path);
        return Err(Failure::Usage(format!(
            "--folds judges the settings and keeps none of its models, so that nothing can be written to {path}: leave {flag} out, \
             and train the model to keep without --folds"
        )));
    }
    for (flag, asked) in [
        ("--resume", args.resume.is_some()),
        ("--fine-tune", args.fine_tune.is_some()),
        ("--validate-with", args.validate_with.is_some()),
    ] {
        if asked {
            let why = "each fold is a training of its own that is judged by other rows of the same table";
            return Err(Failure::Usage(format!("{flag} is not for --folds: {why}")));
        }
    }
    if args.split == Some(SplitName::Order) {
        return Err(Failure::Usage(
            "--folds is not for --split order: most models would learn from rows that come after those they are judged by; \
             --split order without --folds holds the last rows out"
                .to_owned(),
        ));
    }
    Ok(())
}
