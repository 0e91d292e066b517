//! A trained network with what it must know of its data, and how good it is.

use std::path::Path;

use nxm_kernels::Cpu;
use nxm_net::{Checkpoint, Dataset, Loss, Network, Targets, argmax};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::data::Scheme;
use crate::failure::Failure;
use crate::foreign::Foreign;

/// The note in a checkpoint that holds the [`Scheme`].
pub const SCHEME: &str = "nxm.data";

/// A trained network.
#[derive(Debug)]
pub struct Model {
    /// What was written.
    pub checkpoint: Checkpoint<f32>,
    /// What it must know of its data.
    pub scheme: Scheme,
}

impl Model {
    /// Reads a checkpoint of `nxm train`.
    pub fn load(path: &Path) -> Result<Model, Failure> {
        let checkpoint = Checkpoint::load(path).map_err(Failure::usage)?;
        let scheme: Scheme = note(&checkpoint, SCHEME, path)?;
        let [inputs, outputs] = [scheme.columns.features(), scheme.meaning.outputs()];
        if [checkpoint.network.inputs(), checkpoint.network.outputs()] != [inputs, outputs] || !scheme.fits() {
            let what = format!("{}: what it says of its data does not fit its network", Foreign::path(path));
            return Err(Failure::Usage(what));
        }
        Ok(Model { checkpoint, scheme })
    }
}

/// What a note says.
pub fn note<N: DeserializeOwned>(checkpoint: &Checkpoint<f32>, name: &str, path: &Path) -> Result<N, Failure> {
    let path = Foreign::path(path);
    let text = checkpoint.notes.get(name);
    let text = text.ok_or_else(|| {
        Failure::Usage(format!("{path} is a checkpoint, but not one of nxm train: it has no note {name:?}"))
    })?;
    serde_json::from_str(text)
        .map_err(|error| Failure::Usage(format!("{path}: its note {name:?} can't be read: {error}")))
}

/// The text of a note.
pub fn note_text(note: &impl Serialize) -> Result<String, Failure> {
    Ok(serde_json::to_string(note)?)
}

/// How good a network is on some examples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// The mean loss.
    pub loss: f64,
    /// The share of right classes; none for numbers.
    pub accuracy: Option<f64>,
}

impl Score {
    /// Of `network` on `data`.
    pub fn new(network: &Network<f32>, cpu: &Cpu, data: &Dataset<f32>, loss: &Loss) -> Result<Score, Failure> {
        let evaluation = network.evaluate(cpu, data, loss).map_err(Failure::usage)?;
        let accuracy = match (loss, data.targets()) {
            (Loss::BinaryCrossEntropy, Targets::Values(targets)) => {
                // The logit is above 0 where the second class is the likelier one; NaN is neither.
                let logits = network.predict(cpu, data.inputs()).map_err(Failure::usage)?;
                let is_right =
                    |(i, logit): &(usize, &f32)| argmax(&[0.0, **logit]) == Some((targets.at(*i, 0) > 0.5).into());
                let right = logits.iter().enumerate().filter(is_right);
                Some(right.count() as f64 / data.len() as f64)
            }
            _ => evaluation.accuracy,
        };
        Ok(Score { loss: evaluation.loss, accuracy })
    }
}
