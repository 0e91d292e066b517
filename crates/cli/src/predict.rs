//! `nxm predict`: what a trained network says about each row. Rows are read, predicted and written some thousands at a time, so that a
//! file may be larger than memory.

mod file;
mod write;

use std::io::{BufWriter, IsTerminal, Write, stdout};
use std::path::PathBuf;

use nxm_data::{Cells, Foreign, InMemory, MANY_NUMBERS, Model, Predictions, Table, TableError, Target, stray};
use nxm_kernels::Cpu;

use crate::args::{BadRows, PredictArgs, PredictionFormat};
use crate::data::Source;
use crate::failure::{Failure, warn};
use crate::format::plural;
use crate::model::load_best;
use file::OutFile;
use write::{Lines, Npy, Rows, Value};

/// Rows that are in memory at once.
const ROWS: usize = 8192;
const _: () = assert!(ROWS <= MANY_NUMBERS);

/// Writes a header, and a row for each example.
pub fn run(args: &PredictArgs, cpu: Cpu, out: &mut impl Write) -> Result<(), Failure> {
    let cpu = args.machine.of(cpu);
    check(args)?;
    let model = load_best(&args.model, &cpu, args.last)?;
    let columns = number_names(&model.schema.target);
    match (&args.out, args.format) {
        (Some(path), PredictionFormat::Npy) => {
            let mut file = OutFile::create(path)?;
            let mut rows = Npy::new(BufWriter::new(&mut file.file), columns)?;
            predict(args, &model, &mut rows)?;
            drop(rows.end()?);
            file.keep()
        }
        (Some(path), format) => {
            let mut file = OutFile::create(path)?;
            let mut rows = Lines::new(format, BufWriter::new(&mut file.file), true);
            predict(args, &model, &mut rows)?;
            rows.end()?;
            file.keep()
        }
        // How many rows there are stands before them: they are kept until it is known.
        (None, PredictionFormat::Npy) => {
            let mut rows = Npy::new(InMemory::default(), columns)?;
            predict(args, &model, &mut rows)?;
            Ok(out.write_all(&rows.end()?.into_bytes())?)
        }
        (None, format) => {
            let mut rows = Lines::new(format, out, false);
            predict(args, &model, &mut rows)?;
            rows.end()
        }
    }
}

/// What can't be written so.
fn check(args: &PredictArgs) -> Result<(), Failure> {
    if args.format == PredictionFormat::Npy {
        if let Some(name) = args.keep.first() {
            let name = Foreign::quoted(name);
            return Err(Failure::Usage(format!(
                "--keep {name} is not for --format npy, which holds numbers of one kind and no names: leave it out, or use csv or jsonl"
            )));
        }
        if args.out.is_none() && stdout().is_terminal() {
            return Err(Failure::Usage("--format npy is not for a terminal: name a file by --out".to_owned()));
        }
    }
    let out = args.out.as_ref().and_then(|path| path.canonicalize().ok());
    let is_out = |path: &&PathBuf| out.is_some() && path.canonicalize().ok() == out;
    match [&args.model, &args.data].into_iter().find(is_out) {
        Some(path) => {
            let path = Foreign::path(path);
            Err(Failure::Usage(format!("--out is {path}, which is read: name another file")))
        }
        None => Ok(()),
    }
}

/// Reads, predicts and writes some rows after the other.
fn predict(args: &PredictArgs, model: &Model, writer: &mut dyn Rows) -> Result<(), Failure> {
    let source = Source::File { data: &args.data, labels: args.labels.as_deref() };
    let mut reader = source.open(&args.table, Some(&model.schema.reading))?;
    let mut first = true;
    let mut skipped = 0usize;
    while let Some(table) = reader.next_rows(ROWS)? {
        let rows: Vec<usize> = (0..table.rows()).collect();
        let kept = args.keep.iter().map(|name| table.column(name)).collect::<Result<Vec<_>, TableError>>()?;
        let (inputs, mut bad) = model.schema.encoder.encode_what_fits(&table, &rows)?;
        let predictions = model.predict_encoded(&inputs, rows.len())?;
        if !args.allow_non_finite {
            for row in &rows {
                if let Some(output) = predictions.outputs(*row).iter().find(|output| !output.is_finite()) {
                    let stray = || {
                        TableError::Content(format!(
                            "{} (--allow-non-finite goes on)",
                            stray(&table.place(*row), *output)
                        ))
                    };
                    bad.entry(*row).or_insert_with(stray);
                }
            }
        }
        // Before anything of these rows is written.
        if let (Some((_, problem)), BadRows::Error) = (bad.iter().next(), args.bad_rows) {
            return Err(Failure::usage(problem));
        }
        if let (Some((_, problem)), 0) = (bad.iter().next(), skipped) {
            warn(&problem.to_string());
        }
        skipped = skipped.saturating_add(bad.len());
        if first {
            if let Some(twice) = names(&model.schema.target).iter().find(|name| args.keep.contains(name)) {
                return Err(Failure::Usage(format!(
                    "--keep {twice}: a column of the prediction has this name already"
                )));
            }
            writer.header(args.keep.iter().cloned().chain(names(&model.schema.target)).collect())?;
            first = false;
        }
        for row in rows.into_iter().filter(|row| !bad.contains_key(row)) {
            let cells = kept.iter().map(|column| cell(&table, *column, row));
            writer.row(cells.chain(said(model, &predictions, row)).collect())?;
        }
    }
    if skipped > 0 {
        warn(&format!("{} skipped; the first is named above", plural(skipped as u64, "row")));
    }
    if first {
        return Err(Failure::Usage(format!("{} has no rows", source.name())));
    }
    Ok(())
}

/// What the columns are called that hold what the model says.
fn names(target: &Target) -> Vec<String> {
    match target {
        Target::Classes { classes, .. } => {
            let probabilities = classes.iter().map(|class| format!("probability {class}"));
            std::iter::once("prediction".to_owned()).chain(probabilities).collect()
        }
        Target::Numbers { columns, .. } if columns.len() == 1 => vec!["prediction".to_owned()],
        Target::Numbers { columns, .. } => columns.iter().map(|column| format!("prediction {column}")).collect(),
        Target::Labels { columns, values } => {
            let named = |(column, [_, yes]): (&String, &[String; 2])| {
                let of = if columns.len() == 1 { String::new() } else { format!(" {column}") };
                [format!("prediction{of}"), format!("probability{of} {yes}")]
            };
            columns.iter().zip(values).flat_map(named).collect()
        }
    }
}

/// The same of those columns that hold numbers: probabilities, or numbers that are predicted.
fn number_names(target: &Target) -> Vec<String> {
    let names = names(target);
    match target {
        Target::Classes { .. } => names.into_iter().skip(1).collect(),
        Target::Labels { .. } => names.into_iter().skip(1).step_by(2).collect(),
        Target::Numbers { .. } => names,
    }
}

/// What the model says about a row; no class, and NaN, if an output is NaN.
fn said(model: &Model, predictions: &Predictions<'_>, row: usize) -> Vec<Value> {
    let probabilities = || predictions.probabilities(row).into_iter().map(Value::Probability);
    match &model.schema.target {
        Target::Classes { classes, .. } => {
            let class = predictions.class(row).map(|class| classes[class].clone()).unwrap_or_default();
            std::iter::once(Value::Text(class)).chain(probabilities()).collect()
        }
        Target::Numbers { .. } => predictions.numbers(row).into_iter().map(Value::Number).collect(),
        Target::Labels { values, .. } => {
            let label = |([no, yes], p): (&[String; 2], f64)| {
                let label = if p.is_nan() {
                    ""
                } else if p > 0.5 {
                    yes
                } else {
                    no
                };
                [Value::Text(label.to_owned()), Value::Probability(p)]
            };
            values.iter().zip(predictions.probabilities(row)).flat_map(label).collect()
        }
    }
}

/// A cell that is kept, as it is written.
fn cell(table: &Table, column: usize, row: usize) -> Value {
    // So few rows at a time are texts, as they are written: see `MANY_NUMBERS`.
    Value::Text(match &table.columns()[column].cells {
        Cells::Coded { codes, texts } => texts.at(codes[row] as usize).to_owned(),
        Cells::Numbers(numbers) => numbers[row].to_string(),
        Cells::Many { .. } | Cells::Array { .. } => String::new(),
    })
}
