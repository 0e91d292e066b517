//! A network with all that it must know of its data: one thing that predicts rows.

mod dataset;
mod evaluate;
mod fit;
mod importance;
mod predictions;

use std::collections::BTreeMap;
use std::path::Path;

use nxm_net::{Checkpoint, Cpu, MatrixRef};
use serde::{Deserialize, Serialize};

use crate::encode::Encoder;
use crate::error::TableError;
use crate::memory::reserve;
use crate::table::{Reading, Table};
use crate::target::Target;

pub use dataset::dataset;
pub use evaluate::{Baseline, Evaluation};
pub use predictions::Predictions;

/// The note in a checkpoint that holds the encoder and the target.
pub const NOTE: &str = "nxm.data";

/// A trained network with its encoder.
#[derive(Clone, Debug)]
pub struct Model {
    /// The network, and the training that it comes from.
    pub checkpoint: Checkpoint<f32>,
    /// How columns become inputs.
    pub encoder: Encoder,
    /// What the outputs mean.
    pub target: Target,
    /// What the model must beat: predictions from the training targets alone.
    pub baseline: Baseline,
    /// How the table that it was trained on is read.
    pub reading: Reading,
    /// What its training was like, epoch by epoch; empty if it was loaded.
    pub history: Vec<EpochSummary>,
    cpu: Cpu,
}

/// What an epoch came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpochSummary {
    /// Counted from 1.
    pub epoch: usize,
    /// The mean loss of the rows that were learned from, each before its step.
    pub loss: f64,
    /// The mean loss of the held-out rows after it, if there are any.
    pub held_out_loss: Option<f64>,
}

/// What the note holds.
#[derive(Serialize, Deserialize)]
struct Notes {
    encoder: Encoder,
    target: Target,
    baseline: Baseline,
    reading: Reading,
}

impl Model {
    /// A model of these parts.
    pub fn new(
        cpu: &Cpu,
        checkpoint: Checkpoint<f32>,
        encoder: Encoder,
        target: Target,
        baseline: Baseline,
        reading: Reading,
    ) -> Result<Model, TableError> {
        let mut model = Model { checkpoint, encoder, target, baseline, reading, history: Vec::new(), cpu: *cpu };
        model.checkpoint.notes.extend(model.notes()?);
        Ok(model)
    }

    /// Reads a model from a file.
    pub fn load(cpu: &Cpu, path: impl AsRef<Path>) -> Result<Model, TableError> {
        let path = path.as_ref();
        let checkpoint = Checkpoint::load(path).map_err(|error| TableError::Content(error.to_string()))?;
        Model::of(cpu, checkpoint)
            .map_err(|error| TableError::Content(format!("{}: {error}", crate::Foreign::path(path))))
    }

    /// The model in a checkpoint.
    pub fn of(cpu: &Cpu, checkpoint: Checkpoint<f32>) -> Result<Model, TableError> {
        let text = checkpoint.notes.get(NOTE).ok_or_else(|| {
            TableError::Content(format!(
                "a checkpoint without data: it has no note {NOTE:?}, so its inputs and outputs have no meaning"
            ))
        })?;
        let Notes { encoder, target, baseline, reading } = serde_json::from_str(text)
            .map_err(|error| TableError::Content(format!("its note {NOTE:?} can't be read: {error}")))?;
        let network = &checkpoint.network;
        if [network.inputs(), network.outputs()] != [encoder.width(), target.outputs()]
            || !encoder.is_sane()
            || !target.is_sane()
            || !baseline.fits(&target)
        {
            return Err(TableError::Content("what it says of its data does not fit its network".to_owned()));
        }
        Ok(Model { checkpoint, encoder, target, baseline, reading, history: Vec::new(), cpu: *cpu })
    }

    /// Writes it, with the training that it comes from.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), TableError> {
        self.checkpoint.save(path).map_err(|error| TableError::Content(error.to_string()))
    }

    /// What a checkpoint must hold besides the network.
    pub fn notes(&self) -> Result<BTreeMap<String, String>, TableError> {
        let notes = Notes {
            encoder: self.encoder.clone(),
            target: self.target.clone(),
            baseline: self.baseline.clone(),
            reading: self.reading.clone(),
        };
        let text = serde_json::to_string(&notes).map_err(|error| TableError::Content(error.to_string()))?;
        Ok(BTreeMap::from([(NOTE.to_owned(), text)]))
    }

    /// What it says about all rows of a table, which needs the columns that the model was trained on, in any order.
    pub fn predict(&self, table: &Table) -> Result<Predictions<'_>, TableError> {
        let mut rows = Vec::new();
        reserve(&mut rows, table.rows())?;
        rows.extend(0..table.rows());
        self.predict_rows(table, &rows)
    }

    /// What it says about these rows of a table.
    pub fn predict_rows(&self, table: &Table, rows: &[usize]) -> Result<Predictions<'_>, TableError> {
        let inputs = self.encoder.encode(table, rows)?;
        self.predict_encoded(&inputs, rows.len())
    }

    /// What it says about so many rows that are encoded.
    pub fn predict_encoded(&self, inputs: &[f32], rows: usize) -> Result<Predictions<'_>, TableError> {
        let inputs = MatrixRef::new(inputs, rows, self.encoder.width())
            .map_err(|error| TableError::Content(error.to_string()))?;
        let outputs = self.checkpoint.network.predict(&self.cpu, inputs)?;
        Ok(Predictions { target: &self.target, outputs })
    }
}
