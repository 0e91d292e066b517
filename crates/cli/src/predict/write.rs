//! The formats of predictions.

use std::io::{IsTerminal, Seek, Write, stdout};

use nxm_data::{Foreign, NpyWriter};

use crate::args::PredictionFormat;
use crate::failure::{Failure, note};
use crate::format::{plain, plural};

/// A value as it is written.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A class, or a cell that is kept.
    Text(String),
    /// A number that is predicted.
    Number(f64),
    /// A text has its 32 bits.
    Probability(f64),
}

/// Takes predictions, row by row.
pub trait Rows {
    /// The names of the columns.
    fn header(&mut self, names: Vec<String>) -> Result<(), Failure>;
    /// A row.
    fn row(&mut self, values: Vec<Value>) -> Result<(), Failure>;
}

/// Lines of text.
pub enum Lines<W: Write> {
    /// With a header; and whether a terminal shows them.
    Csv(Box<csv::Writer<W>>, bool),
    /// Objects of JSON, and the names of their members.
    Json(W, Vec<String>),
}

impl<W: Write> Lines<W> {
    /// In this format, on standard output or in a file.
    pub fn new(format: PredictionFormat, out: W, is_file: bool) -> Lines<W> {
        match format {
            PredictionFormat::Jsonl => Lines::Json(out, Vec::new()),
            // A program gets texts as they are, a terminal what it can show.
            PredictionFormat::Csv | PredictionFormat::Npy => {
                Lines::Csv(Box::new(csv::Writer::from_writer(out)), !is_file && stdout().is_terminal())
            }
        }
    }

    /// All rows are written.
    pub fn end(self) -> Result<(), Failure> {
        match self {
            Lines::Csv(mut writer, _) => Ok(writer.flush()?),
            Lines::Json(mut out, _) => Ok(out.flush()?),
        }
    }
}

impl<W: Write> Rows for Lines<W> {
    fn header(&mut self, names: Vec<String>) -> Result<(), Failure> {
        match self {
            Lines::Csv(writer, terminal) => {
                let shown = |name: String| if *terminal { Foreign::bare(&name).to_string() } else { name };
                writer.write_record(names.into_iter().map(shown))?;
            }
            Lines::Json(_, header) => *header = names,
        }
        Ok(())
    }

    fn row(&mut self, values: Vec<Value>) -> Result<(), Failure> {
        match self {
            Lines::Csv(writer, terminal) => {
                writer.write_record(values.into_iter().map(|value| match value {
                    Value::Text(text) if *terminal => Foreign::bare(&text).to_string(),
                    Value::Text(text) => text,
                    Value::Number(x) => plain(x),
                    Value::Probability(p) => (p as f32).to_string(),
                }))?;
            }
            Lines::Json(out, names) => {
                let json = |value: Value| match value {
                    Value::Text(text) => serde_json::Value::from(text),
                    Value::Number(x) => x.into(),
                    // With the digits of 32 bits.
                    Value::Probability(p) => {
                        (p as f32).to_string().parse::<f64>().map_or(serde_json::Value::Null, Into::into)
                    }
                };
                let object: serde_json::Map<_, _> = names.iter().cloned().zip(values.into_iter().map(json)).collect();
                serde_json::to_writer(&mut *out, &object)?;
                writeln!(out)?;
            }
        }
        Ok(())
    }
}

/// An array of NumPy: the numbers of each row.
pub struct Npy<W: Write + Seek> {
    writer: NpyWriter<W>,
    columns: Vec<String>,
}

impl<W: Write + Seek> Npy<W> {
    /// Begins an array with these columns.
    pub fn new(out: W, columns: Vec<String>) -> Result<Npy<W>, Failure> {
        Ok(Npy { writer: NpyWriter::new(out, columns.len())?, columns })
    }

    /// All rows are written. Names the columns on standard error, as the file has no place for names; returns what was written to.
    pub fn end(self) -> Result<W, Failure> {
        let out = self.writer.end()?;
        let names = Foreign::list(self.columns.iter().map(String::as_str));
        note(&format!("{} of float64: {names}", plural(self.columns.len() as u64, "column")));
        Ok(out)
    }
}

impl<W: Write + Seek> Rows for Npy<W> {
    fn header(&mut self, _: Vec<String>) -> Result<(), Failure> {
        Ok(())
    }

    fn row(&mut self, values: Vec<Value>) -> Result<(), Failure> {
        let numbers = values.into_iter().filter_map(|value| match value {
            Value::Number(x) | Value::Probability(x) => Some(x),
            Value::Text(_) => None,
        });
        Ok(self.writer.row(&numbers.collect::<Vec<f64>>())?)
    }
}
