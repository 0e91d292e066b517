//! `nxm predict`: what a trained network says about each row. Rows are read, predicted and written some thousands at a time, so that a
//! file may be larger than memory.

use std::io::{IsTerminal, Write, stdout};

use nxm_data::{Cells, Foreign, MANY_NUMBERS, Model, Predictions, Table, TableError, Target, stray};
use nxm_kernels::Cpu;

use crate::args::{BadRows, PredictArgs, PredictionFormat};
use crate::data::Source;
use crate::failure::{Failure, warn};
use crate::format::{plain, plural};
use crate::model::load_best;

/// Rows that are in memory at once.
const ROWS: usize = 8192;
const _: () = assert!(ROWS <= MANY_NUMBERS);

/// Writes a header, and a row for each example.
pub fn run(args: &PredictArgs, cpu: Cpu, out: &mut impl Write) -> Result<(), Failure> {
    let cpu = args.machine.of(cpu);
    let model = load_best(&args.model, &cpu, args.last)?;
    let source = Source::File { data: &args.data, labels: args.labels.as_deref() };
    let mut reader = source.open(&args.table, Some(&model.schema.reading))?;
    let mut writer = Writer::new(args.format, out);
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
            writer.row(cells.chain(said(&model, &predictions, row)).collect())?;
        }
    }
    if skipped > 0 {
        warn(&format!("{} skipped; the first is named above", plural(skipped as u64, "row")));
    }
    if first {
        return Err(Failure::Usage(format!("{} has no rows", source.name())));
    }
    writer.end()
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

/// A value as it is written.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Text(String),
    Number(f64),
    /// With the digits of 32 bits.
    Probability(f32),
}

/// What the model says about a row; no class, and NaN, if an output is NaN.
fn said(model: &Model, predictions: &Predictions<'_>, row: usize) -> Vec<Value> {
    let probabilities = || predictions.probabilities(row).into_iter().map(|p| Value::Probability(p as f32));
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
                [Value::Text(label.to_owned()), Value::Probability(p as f32)]
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

/// Writes rows in a format.
#[allow(clippy::large_enum_variant, reason = "there is one")]
enum Writer<W: Write> {
    Csv(csv::Writer<W>, bool),
    JsonLines(W, Vec<String>),
}

impl<W: Write> Writer<W> {
    fn new(format: PredictionFormat, out: W) -> Writer<W> {
        match format {
            // A program gets texts as they are, a terminal what it can show.
            PredictionFormat::Csv => Writer::Csv(csv::Writer::from_writer(out), stdout().is_terminal()),
            PredictionFormat::Jsonl => Writer::JsonLines(out, Vec::new()),
        }
    }

    fn header(&mut self, names: Vec<String>) -> Result<(), Failure> {
        match self {
            Writer::Csv(writer, terminal) => {
                let shown = |name: String| if *terminal { Foreign::bare(&name).to_string() } else { name };
                writer.write_record(names.into_iter().map(shown))?;
            }
            Writer::JsonLines(_, header) => *header = names,
        }
        Ok(())
    }

    fn row(&mut self, values: Vec<Value>) -> Result<(), Failure> {
        match self {
            Writer::Csv(writer, terminal) => {
                writer.write_record(values.into_iter().map(|value| match value {
                    Value::Text(text) if *terminal => Foreign::bare(&text).to_string(),
                    Value::Text(text) => text,
                    Value::Number(x) => plain(x),
                    Value::Probability(p) => p.to_string(),
                }))?;
            }
            Writer::JsonLines(out, names) => {
                let json = |value: Value| match value {
                    Value::Text(text) => serde_json::Value::from(text),
                    Value::Number(x) => x.into(),
                    // With the digits of 32 bits.
                    Value::Probability(p) => p.to_string().parse::<f64>().map_or(serde_json::Value::Null, Into::into),
                };
                let object: serde_json::Map<_, _> = names.iter().cloned().zip(values.into_iter().map(json)).collect();
                serde_json::to_writer(&mut *out, &object)?;
                writeln!(out)?;
            }
        }
        Ok(())
    }

    fn end(self) -> Result<(), Failure> {
        match self {
            Writer::Csv(mut writer, _) => Ok(writer.flush()?),
            Writer::JsonLines(mut out, _) => Ok(out.flush()?),
        }
    }
}
