//! Training with a recipe: until the held-out rows gain nothing any more.

use nxm_net::{Checkpoint, Cpu, Dataset, Training};

use super::{EpochSummary, Model, Schema};
use crate::error::TableError;
use crate::recipe::Recipe;
use crate::split::Split;

impl Model {
    /// Trains on the training rows of a split. Where rows are held out, it stops when their loss falls no more, and keeps the best epoch.
    /// What is learned from data (scales, medians, categories) comes from the training rows alone.
    ///
    /// # Errors
    /// [`TableError`] if a cell can't be encoded, if class weights do not fit what is learned, or if the training diverges or does not fit into memory.
    pub fn fit(cpu: &Cpu, split: &Split<'_>, recipe: &Recipe) -> Result<Model, TableError> {
        let settings = recipe.settings_for(split)?;
        let schema = Schema::fit(split)?;
        let data = schema.dataset(&split.train)?;
        let held_out = (!split.held_out.is_empty()).then(|| schema.dataset(&split.held_out)).transpose()?;
        let mut checkpoint = settings.checkpoint(&schema, data.len())?;
        let (best, history) = train(cpu, &mut checkpoint, &data, held_out.as_ref(), settings.patience)?;
        Ok(Model { checkpoint: best.unwrap_or(checkpoint), schema, history, cpu: *cpu })
    }
}

/// Trains to the end or until there was no gain for `patience` epochs. Returns the best epoch, if rows are there to tell it.
#[allow(clippy::type_complexity, reason = "two results of one loop")]
fn train(
    cpu: &Cpu,
    checkpoint: &mut Checkpoint<f32>,
    data: &Dataset<f32>,
    held_out: Option<&Dataset<f32>>,
    patience: usize,
) -> Result<(Option<Checkpoint<f32>>, Vec<EpochSummary>), TableError> {
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
        let held_out_loss =
            held_out.map(|data| training.network().evaluate(cpu, data, &loss)).transpose()?.map(|found| found.loss);
        history.push(EpochSummary { epoch: report.epoch, loss: report.loss, held_out_loss });
        if let Some(found) = held_out_loss {
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
