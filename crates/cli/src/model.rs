//! A trained network with what it must know of its data, and how good it is.

use std::num::NonZeroUsize;
use std::path::Path;

use nxm_data::{Foreign, Model, NOTE, Target};
use nxm_kernels::Cpu;
use nxm_net::{Checkpoint, Checkpoints, Dataset, Loss, Network, Targets};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::failure::{Failure, warn};
use crate::train::{WATCH, Watch};

/// Reads a checkpoint of `nxm train`.
pub fn load(path: &Path, cpu: &Cpu) -> Result<Model, Failure> {
    let checkpoint = Checkpoint::load(path).map_err(Failure::usage)?;
    if !checkpoint.notes.contains_key(NOTE) {
        return Err(no_note(NOTE, path));
    }
    Model::of(cpu, checkpoint).map_err(|error| Failure::Usage(format!("{}: {error}", Foreign::path(path))))
}

/// Reads the model that predicts best: that of the best epoch, if its training kept it beside the last one and `last` does not ask for that.
pub fn load_best(path: &Path, cpu: &Cpu, last: bool) -> Result<Model, Failure> {
    let model = load(path, cpu)?;
    let Some(watch) = model.checkpoint.notes.get(WATCH).and_then(|text| serde_json::from_str::<Watch>(text).ok())
    else {
        return Ok(model);
    };
    let beside = Checkpoints::new(path, NonZeroUsize::MIN).best();
    let (Some((epoch, _)), false, Some(_)) = (watch.best, last, watch.patience) else { return Ok(model) };
    if !beside.exists() {
        let beside = Foreign::path(&beside);
        warn(&format!("the network of the best epoch, {epoch}, is not in {beside}: the last epoch's is used"));
        return Ok(model);
    }
    let best = load(&beside, cpu)?;
    let of_same_run = best.checkpoint.notes.get(WATCH).and_then(|text| serde_json::from_str::<Watch>(text).ok());
    let is_it = of_same_run.is_some_and(|other| other.fingerprint == watch.fingerprint)
        && best.checkpoint.state.progress.epochs as u64 == epoch
        && best.schema == model.schema;
    Ok(if is_it { best } else { model })
}

/// What a note says.
pub fn note<N: DeserializeOwned>(checkpoint: &Checkpoint<f32>, name: &str, path: &Path) -> Result<N, Failure> {
    let text = checkpoint.notes.get(name).ok_or_else(|| no_note(name, path))?;
    let path = Foreign::path(path);
    serde_json::from_str(text)
        .map_err(|error| Failure::Usage(format!("{path}: its note {name:?} can't be read: {error}")))
}

fn no_note(name: &str, path: &Path) -> Failure {
    let path = Foreign::path(path);
    Failure::Usage(format!("{path} is a checkpoint, but not one of nxm train: it has no note {name:?}"))
}

/// The text of a note.
pub fn note_text(note: &impl Serialize) -> Result<String, Failure> {
    Ok(serde_json::to_string(note)?)
}

/// How much larger a loss is than the network's own, whose numbers are scaled: deviation² for mean squared errors. Of several columns, whose
/// units differ, the network's own loss is told.
pub fn loss_unit(target: &Target) -> f64 {
    match target {
        Target::Numbers { standards, .. } if standards.len() == 1 => standards[0].deviation * standards[0].deviation,
        _ => 1.0,
    }
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
            (Loss::BinaryCrossEntropy { .. }, Targets::Values(targets)) => {
                // A logit is above 0 where yes is the likelier one; NaN is neither. A row is right if all of its labels are.
                let logits = network.predict(cpu, data.inputs()).map_err(Failure::usage)?;
                let is_right = |logit: f32, target: f32| if target > 0.5 { logit > 0.0 } else { logit <= 0.0 };
                let rows = logits.chunks_exact(network.outputs()).enumerate();
                let right =
                    rows.filter(|(i, row)| row.iter().enumerate().all(|(j, z)| is_right(*z, targets.at(*i, j))));
                Some(right.count() as f64 / data.len() as f64)
            }
            _ => evaluation.accuracy,
        };
        Ok(Score { loss: evaluation.loss, accuracy })
    }
}
