//! A network with all that it must know of its data: one thing that predicts rows.

mod cross;
mod evaluate;
mod fit;
mod importance;
mod predictions;
mod schema;
mod score;
mod tune;

use std::path::Path;

use nxm_net::{Checkpoint, Cpu, Dataset, MatrixRef};

use crate::error::TableError;
use crate::memory::reserve;
use crate::table::Table;

pub use cross::{CrossValidation, JudgedFold, Spread, SummaryRow};
pub use evaluate::{Baseline, Evaluation, stray};
pub use predictions::Predictions;
pub use schema::{NOTE, Schema};
pub use score::Score;

/// A trained network with all that it must know of its data.
#[derive(Clone, Debug)]
pub struct Model {
    /// The network, and the training that it comes from.
    pub checkpoint: Checkpoint<f32>,
    /// What it must know of its data.
    pub schema: Schema,
    /// What its training was like, epoch by epoch; empty if it was loaded.
    pub history: Vec<EpochSummary>,
    cpu: Cpu,
}

/// What an epoch came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpochSummary {
    /// Counted from 1.
    pub epoch: usize,
    /// The mean loss of the rows that were learned from, each before its step, in the unit of the data.
    pub loss: f64,
    /// The mean loss of the held-out rows after it, if there are any.
    pub held_out_loss: Option<f64>,
    /// The metric of the held-out rows that the best epoch is chosen by.
    pub held_out_metric: Option<f64>,
}

impl Model {
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
        let schema: Schema = serde_json::from_str(text)
            .map_err(|error| TableError::Content(format!("its note {NOTE:?} can't be read: {error}")))?;
        if !schema.fits(&checkpoint.network) {
            return Err(TableError::Content("what it says of its data does not fit its network".to_owned()));
        }
        Ok(Model { checkpoint, schema, history: Vec::new(), cpu: *cpu })
    }

    /// Writes it, with the training that it comes from.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), TableError> {
        self.checkpoint.save(path).map_err(|error| TableError::Content(error.to_string()))
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
        let inputs = self.schema.encoder.encode(table, rows)?;
        self.predict_encoded(&inputs, rows.len())
    }

    /// What it says about so many rows that are encoded.
    pub fn predict_encoded(&self, inputs: &[f32], rows: usize) -> Result<Predictions<'_>, TableError> {
        let inputs = MatrixRef::new(inputs, rows, self.schema.encoder.width());
        self.outputs(inputs.map_err(|error| TableError::Content(error.to_string()))?)
    }

    /// What it says about rows that are encoded.
    pub fn predict_dataset(&self, data: &Dataset<f32>) -> Result<Predictions<'_>, TableError> {
        self.outputs(data.inputs())
    }

    fn outputs(&self, inputs: MatrixRef<'_, f32>) -> Result<Predictions<'_>, TableError> {
        let outputs = self.checkpoint.evaluated().predict(&self.cpu, inputs)?;
        Ok(Predictions { target: &self.schema.target, outputs })
    }
}
