//! Training with a recipe: until the held-out rows gain nothing any more.

use nxm_net::{Checkpoint, Cpu, Dataset, Training};

use super::{EpochSummary, Model, Schema};
use crate::error::TableError;
use crate::recipe::{Recipe, Settings};
use crate::split::Split;
use crate::target::TargetValues;

impl Model {
    /// Trains on the training rows of a split. Where rows are held out, it stops when their loss falls no more, and keeps the best epoch;
    /// [`Recipe::metric`] names another metric.
    /// What is learned from data (scales, medians, categories) comes from the training rows alone.
    ///
    /// # Errors
    /// [`TableError`] if a cell can't be encoded, if class weights do not fit what is learned, or if the training diverges or does not fit into memory.
    pub fn fit(cpu: &Cpu, split: &Split<'_>, recipe: &Recipe) -> Result<Model, TableError> {
        let settings = recipe.settings_for(split)?;
        Model::fit_with(cpu, split, &settings)
    }

    /// The same with all settings.
    pub(super) fn fit_with(cpu: &Cpu, split: &Split<'_>, settings: &Settings) -> Result<Model, TableError> {
        let schema = Schema::fit(split)?;
        let checkpoint = settings.checkpoint(&schema, split.train.len())?;
        Model::train(cpu, split, schema, checkpoint, settings)
    }

    /// Trains from this beginning to the end, or until there was no gain for too long. Returns the best epoch, or the last one without rows
    /// to tell.
    pub(super) fn train(
        cpu: &Cpu,
        split: &Split<'_>,
        schema: Schema,
        mut checkpoint: Checkpoint<f32>,
        settings: &Settings,
    ) -> Result<Model, TableError> {
        schema.target.check_metric(settings.metric)?;
        let data = schema.dataset(&split.train)?;
        let held_out = match split.held_out.is_empty() {
            true => None,
            false => Some((schema.dataset(&split.held_out)?, split.held_out.values()?)),
        };
        let loss = checkpoint.options.loss.clone();
        let unit = schema.target.loss_unit(&loss);
        let mut training: Training<'_, f32> = checkpoint.resume(cpu, &data)?;
        let (mut best, mut patience, mut history) = (None, settings.patience(), Vec::new());
        while let Some(step) = training.step() {
            step?;
            if training.state().progress.steps != 0 {
                continue;
            }
            let Some(report) = training.last_epoch() else { continue };
            let judge = |(data, values): &(Dataset<f32>, TargetValues)| {
                schema.score(cpu, training.evaluated(), (data, values), &loss, settings.metric)
            };
            let score = held_out.as_ref().map(judge).transpose()?;
            history.push(EpochSummary {
                epoch: report.epoch,
                loss: report.loss * unit,
                held_out_loss: score.map(|score| score.loss),
                held_out_metric: score.map(|score| score.value),
            });
            if let Some(score) = score {
                if patience.see(report.epoch as u64, score.value) && !settings.keep_last {
                    best = Some(training.checkpoint());
                }
                if patience.stops_after(report.epoch as u64) {
                    break;
                }
            }
        }
        let checkpoint = best.unwrap_or_else(|| training.checkpoint());
        Ok(Model { checkpoint, schema, history, cpu: *cpu })
    }
}
