//! A network with all that it must know of its data: one thing that predicts rows.

use std::collections::BTreeMap;
use std::path::Path;

use nxm_net::{Checkpoint, Cpu, Dataset, MatrixRef, Network, OptimizerState, Training, TrainingState, argmax};
use serde::{Deserialize, Serialize};

use crate::encode::Encoder;
use crate::error::DataError;
use crate::memory::reserve;
use crate::recipe::{Recipe, Settings};
use crate::split::{Examples, Rows, Split, SplitBy};
use crate::table::Table;
use crate::target::{Target, TargetValues};

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
    /// The loss of the rows that training is stopped by, if there are any.
    pub stop_loss: Option<f64>,
}

/// What the note holds.
#[derive(Serialize, Deserialize)]
struct Notes {
    encoder: Encoder,
    target: Target,
}

/// What a model says about rows.
#[derive(Clone, Debug)]
pub struct Predictions<'a> {
    target: &'a Target,
    outputs: Vec<f32>,
}

impl Model {
    /// Trains on the training rows of a split, and keeps the best epoch. The held-out rows are not looked at: a part of the training rows
    /// decides when to stop.
    ///
    /// # Errors
    /// [`DataError`] if a cell can't be encoded, or if the training diverges or does not fit into memory.
    pub fn fit(cpu: &Cpu, split: &Split<'_>, recipe: &Recipe) -> Result<Model, DataError> {
        let Rows { examples, rows } = &split.train;
        let settings = recipe.settings(rows.len(), &examples.target);
        let seed = settings.options.seed;
        let stop_by = examples.hold_out(rows, &SplitBy::Stratified, settings.stop_by, seed ^ 0x5709)?;
        let mut sorted = stop_by.clone();
        sorted.sort_unstable();
        let learn: Vec<usize> = rows.iter().copied().filter(|row| sorted.binary_search(row).is_err()).collect();

        let encoder = Encoder::fit(examples.table, &examples.columns, &learn)?;
        let mut target = examples.target.clone();
        target.fit(examples.table, &examples.values, &learn)?;
        let Settings { hidden, activation, options, patience, .. } = settings;
        let first = Network::builder(encoder.width());
        let builder = hidden.iter().fold(first, |builder, units| builder.dense(*units, activation));
        let network: Network<f32> =
            builder.dense(target.outputs(), nxm_net::Activation::Identity).seed(seed).build()?;

        let data = dataset(&encoder, &target, examples, &learn)?;
        let stop_data = (!stop_by.is_empty()).then(|| dataset(&encoder, &target, examples, &stop_by)).transpose()?;
        let optimizer = OptimizerState::new(options.optimizer, &network)?;
        let mut checkpoint = Checkpoint::new(network, options, TrainingState::new(optimizer), data.len());
        let (best, history) = train(cpu, &mut checkpoint, &data, stop_data.as_ref(), patience)?;
        let mut model = Model { checkpoint: best.unwrap_or(checkpoint), encoder, target, history, cpu: *cpu };
        model.checkpoint.notes = model.notes()?;
        Ok(model)
    }

    /// Reads a model from a file.
    pub fn load(cpu: &Cpu, path: impl AsRef<Path>) -> Result<Model, DataError> {
        let path = path.as_ref();
        let checkpoint = Checkpoint::load(path).map_err(|error| DataError::Content(error.to_string()))?;
        Model::of(cpu, checkpoint)
            .map_err(|error| DataError::Content(format!("{}: {error}", crate::Foreign::path(path))))
    }

    /// The model in a checkpoint.
    pub fn of(cpu: &Cpu, checkpoint: Checkpoint<f32>) -> Result<Model, DataError> {
        let text = checkpoint.notes.get(NOTE).ok_or_else(|| {
            DataError::Content(format!(
                "a checkpoint without data: it has no note {NOTE:?}, so its inputs and outputs have no meaning"
            ))
        })?;
        let Notes { encoder, target } = serde_json::from_str(text)
            .map_err(|error| DataError::Content(format!("its note {NOTE:?} can't be read: {error}")))?;
        let network = &checkpoint.network;
        if [network.inputs(), network.outputs()] != [encoder.width(), target.outputs()]
            || !encoder.is_sane()
            || !target.is_sane()
        {
            return Err(DataError::Content("what it says of its data does not fit its network".to_owned()));
        }
        Ok(Model { checkpoint, encoder, target, history: Vec::new(), cpu: *cpu })
    }

    /// Writes it, with the training that it comes from.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), DataError> {
        self.checkpoint.save(path).map_err(|error| DataError::Content(error.to_string()))
    }

    /// What a checkpoint must hold besides the network.
    pub fn notes(&self) -> Result<BTreeMap<String, String>, DataError> {
        let notes = Notes { encoder: self.encoder.clone(), target: self.target.clone() };
        let text = serde_json::to_string(&notes).map_err(|error| DataError::Content(error.to_string()))?;
        Ok(BTreeMap::from([(NOTE.to_owned(), text)]))
    }

    /// What it says about all rows of a table, which needs the columns that the model was trained on, in any order.
    pub fn predict(&self, table: &Table) -> Result<Predictions<'_>, DataError> {
        let mut rows = Vec::new();
        reserve(&mut rows, table.rows())?;
        rows.extend(0..table.rows());
        self.predict_rows(table, &rows)
    }

    /// What it says about these rows of a table.
    pub fn predict_rows(&self, table: &Table, rows: &[usize]) -> Result<Predictions<'_>, DataError> {
        let inputs = self.encoder.encode(table, rows)?;
        self.predict_encoded(&inputs, rows.len())
    }

    /// What it says about so many rows that are encoded.
    pub fn predict_encoded(&self, inputs: &[f32], rows: usize) -> Result<Predictions<'_>, DataError> {
        let inputs = MatrixRef::new(inputs, rows, self.encoder.width())
            .map_err(|error| DataError::Content(error.to_string()))?;
        let outputs = self.checkpoint.network.predict(&self.cpu, inputs)?;
        Ok(Predictions { target: &self.target, outputs })
    }
}

/// Trains to the end or until there was no gain for `patience` epochs. Returns the best epoch, if rows are there to tell it.
#[allow(clippy::type_complexity, reason = "two results of one loop")]
fn train(
    cpu: &Cpu,
    checkpoint: &mut Checkpoint<f32>,
    data: &Dataset<f32>,
    stop_by: Option<&Dataset<f32>>,
    patience: usize,
) -> Result<(Option<Checkpoint<f32>>, Vec<EpochSummary>), DataError> {
    let loss = checkpoint.options.loss.clone();
    let mut training: Training<'_, f32> = checkpoint.resume(cpu, data)?;
    let (mut best, mut lowest, mut at) = (None, f64::INFINITY, 0usize);
    let mut history = Vec::new();
    while let Some(step) = training.step() {
        step?;
        if training.state().progress.steps != 0 {
            continue;
        }
        let Some(report) = training.last_epoch() else { continue };
        let stop_loss =
            stop_by.map(|data| training.network().evaluate(cpu, data, &loss)).transpose()?.map(|found| found.loss);
        history.push(EpochSummary { epoch: report.epoch, loss: report.loss, stop_loss });
        if let Some(found) = stop_loss {
            if found < lowest {
                (best, lowest, at) = (Some(training.checkpoint()), found, report.epoch);
            }
            if patience > 0 && report.epoch.saturating_sub(at) >= patience {
                break;
            }
        }
    }
    Ok((best, history))
}

/// Encoded rows with their targets.
pub fn dataset(
    encoder: &Encoder,
    target: &Target,
    examples: &Examples<'_>,
    rows: &[usize],
) -> Result<Dataset<f32>, DataError> {
    let inputs = encoder.encode(examples.table, rows)?;
    let width = encoder.width();
    let made = match (target, &examples.values) {
        (Target::Classes { classes: names, .. }, TargetValues::Classes(classes)) => {
            let mut labels = Vec::new();
            reserve(&mut labels, rows.len())?;
            labels.extend(rows.iter().map(|row| classes[*row]));
            Dataset::classification(inputs, width, labels, names.len())
        }
        (_, TargetValues::Numbers(numbers)) => {
            let outputs = target.outputs();
            let mut targets = Vec::new();
            reserve(&mut targets, rows.len().saturating_mul(outputs))?;
            for row in rows {
                for column in 0..outputs {
                    let x = numbers[row.saturating_mul(outputs).saturating_add(column)];
                    let scaled = match target {
                        Target::Numbers { standards, .. } => standards[column].scaled(x),
                        _ => x as f32,
                    };
                    if !scaled.is_finite() {
                        let place = examples.table.place(*row);
                        return Err(DataError::Content(format!(
                            "{place}: the target {x} is too far from those that the model was trained on"
                        )));
                    }
                    targets.push(scaled);
                }
            }
            Dataset::regression(inputs, width, targets, outputs)
        }
        (_, TargetValues::Classes(_)) => unreachable!("classes are of a target of classes"),
    };
    made.map_err(|error| DataError::Content(error.to_string()))
}

impl Predictions<'_> {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.outputs.len().checked_div(self.target.outputs()).unwrap_or(0)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.outputs.is_empty()
    }

    /// The outputs of the network for a row: logits, or scaled numbers.
    pub fn outputs(&self, row: usize) -> &[f32] {
        let width = self.target.outputs();
        &self.outputs[row.saturating_mul(width)..][..width]
    }

    /// The likeliest class of a row, as its number; none if an output is NaN, or if classes are not learned.
    pub fn class(&self, row: usize) -> Option<usize> {
        match self.target {
            Target::Classes { .. } => argmax(self.outputs(row)),
            Target::Numbers { .. } | Target::Labels { .. } => None,
        }
    }

    /// Probabilities of a row: of each class, their sum 1; of each label that it says yes. Of numbers there are none.
    pub fn probabilities(&self, row: usize) -> Vec<f64> {
        let logits = self.outputs(row).iter().map(|logit| f64::from(*logit));
        match self.target {
            Target::Classes { .. } => softmax(logits.collect()),
            Target::Labels { .. } => logits.map(|logit| 1.0 / (1.0 + (-logit).exp())).collect(),
            Target::Numbers { .. } => Vec::new(),
        }
    }

    /// Numbers of a row, in their own units. Of classes there are none.
    pub fn numbers(&self, row: usize) -> Vec<f64> {
        match self.target {
            Target::Numbers { standards, .. } => {
                standards.iter().zip(self.outputs(row)).map(|(standard, output)| standard.number(*output)).collect()
            }
            Target::Classes { .. } | Target::Labels { .. } => Vec::new(),
        }
    }

    /// The first row with an output that is infinite or no number, and that output. Finite cells can be so large that a network overflows.
    pub fn stray(&self) -> Option<(usize, f32)> {
        let at = self.outputs.iter().position(|output| !output.is_finite())?;
        Some((at.checked_div(self.target.outputs()).unwrap_or(0), self.outputs[at]))
    }
}

/// exp(z − largest) / Σ exp(z − largest).
fn softmax(mut logits: Vec<f64>) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    logits.iter_mut().for_each(|logit| *logit = (*logit - largest).exp());
    let sum: f64 = logits.iter().sum();
    logits.iter_mut().for_each(|p| *p /= sum);
    logits
}
