//! How good a model is, beside what knows nothing but the training targets.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Model, Predictions, Schema};
use crate::error::TableError;
use crate::metrics::{
    ClassBaseline, ClassMetrics, Comparison, LabelBaseline, LabelMetrics, NumberBaseline, NumberMetrics,
};
use crate::split::Rows;
use crate::table::Place;
use crate::target::{Target, TargetValues};

/// The baseline: it knows the training targets alone, and predicts the most frequent class or the mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Baseline {
    /// Of classes.
    Classes(ClassBaseline),
    /// Of the numbers of each column.
    Numbers(Vec<NumberBaseline>),
    /// Of labels.
    Labels(LabelBaseline),
}

/// How good a model is on some rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::large_enum_variant, reason = "there is one")]
pub enum Evaluation {
    /// Of classes.
    Classes(Comparison<ClassMetrics>),
    /// Of the numbers of each column, by its name.
    Numbers(Vec<(String, Comparison<NumberMetrics>)>),
    /// Of labels.
    Labels(Comparison<LabelMetrics>),
}

impl Baseline {
    /// From the targets of the training rows.
    pub fn new(target: &Target, values: &TargetValues) -> Result<Baseline, TableError> {
        Ok(match (target, values) {
            (Target::Classes { classes: names, .. }, TargetValues::Classes(classes)) => {
                let labels: Vec<usize> = classes.iter().map(|class| *class as usize).collect();
                Baseline::Classes(ClassBaseline::new(&labels, names.len())?)
            }
            (Target::Labels { columns, .. }, _) => {
                Baseline::Labels(LabelBaseline::new(&says_yes(values), columns.len())?)
            }
            _ => {
                let width = target.outputs();
                let column = |column| NumberBaseline::new(&numbers(values, width, column));
                Baseline::Numbers((0..width).map(column).collect::<Result<_, _>>()?)
            }
        })
    }

    /// Whether it is of this target: a checkpoint may say anything.
    pub(super) fn fits(&self, target: &Target) -> bool {
        match (self, target) {
            (Baseline::Classes(baseline), Target::Classes { classes, .. }) => baseline.shares().len() == classes.len(),
            (Baseline::Numbers(baselines), Target::Numbers { columns, .. }) => baselines.len() == columns.len(),
            (Baseline::Labels(baseline), Target::Labels { columns, .. }) => baseline.len() == columns.len(),
            _ => false,
        }
    }
}

impl Model {
    /// How good it is on rows with targets.
    ///
    /// # Errors
    /// [`TableError`] if there is no row, a cell can't be encoded, or an output is infinite or NaN.
    pub fn evaluate(&self, rows: &Rows<'_>) -> Result<Evaluation, TableError> {
        let predictions = self.predict_rows(rows.examples.table, &rows.rows)?;
        if let Some((row, output)) = predictions.stray() {
            return Err(stray(&rows.examples.table.place(rows.rows[row]), output));
        }
        self.schema.judge(&predictions, &rows.values()?)
    }
}

impl Schema {
    /// How good predictions are, by the targets of the same rows.
    pub fn judge(&self, predictions: &Predictions<'_>, values: &TargetValues) -> Result<Evaluation, TableError> {
        let rows = predictions.len();
        let Schema { target, baseline, .. } = self;
        let probabilities = || -> Vec<f64> { (0..rows).flat_map(|i| predictions.probabilities(i)).collect() };
        Ok(match (target, baseline, values) {
            (Target::Classes { classes: names, .. }, Baseline::Classes(baseline), TargetValues::Classes(classes)) => {
                let labels: Vec<usize> = classes.iter().map(|class| *class as usize).collect();
                let model = ClassMetrics::new(&labels, &probabilities(), names.len())?.with_names(names)?;
                Evaluation::Classes(Comparison { model, baseline: baseline.metrics(&labels)?.with_names(names)? })
            }
            (Target::Labels { columns, .. }, Baseline::Labels(baseline), _) => {
                let has = says_yes(values);
                let model = LabelMetrics::new(&has, &probabilities(), columns.len())?.with_names(columns)?;
                Evaluation::Labels(Comparison { model, baseline: baseline.metrics(&has)?.with_names(columns)? })
            }
            (Target::Numbers { columns, .. }, Baseline::Numbers(baselines), _) => {
                let all: Vec<Vec<f64>> = (0..rows).map(|i| predictions.numbers(i)).collect();
                let column = |(i, (name, baseline)): (usize, (&String, &NumberBaseline))| {
                    let targets = numbers(values, columns.len(), i);
                    let predicted: Vec<f64> = all.iter().map(|row| row[i]).collect();
                    let model = NumberMetrics::new(&targets, &predicted)?;
                    Ok((name.clone(), Comparison { model, baseline: baseline.metrics(&targets)? }))
                };
                let columns = columns.iter().zip(baselines).enumerate();
                Evaluation::Numbers(columns.map(column).collect::<Result<_, TableError>>()?)
            }
            _ => unreachable!("a model's baseline and targets are of one kind"),
        })
    }
}

/// An output that is infinite or no number: finite inputs can be so large that a network overflows.
pub fn stray(place: &Place, output: f32) -> TableError {
    TableError::Content(format!(
        "{place}: the network's output is {output}, which no prediction can be made of: its numbers are too far from what the model \
         was trained on"
    ))
}

/// A column of targets.
fn numbers(values: &TargetValues, width: usize, column: usize) -> Vec<f64> {
    let TargetValues::Numbers(numbers) = values else { return Vec::new() };
    numbers.iter().copied().skip(column).step_by(width).collect()
}

/// Whether each label says yes, row by row.
fn says_yes(values: &TargetValues) -> Vec<bool> {
    let TargetValues::Numbers(numbers) = values else { return Vec::new() };
    numbers.iter().map(|x| *x > 0.5).collect()
}

impl fmt::Display for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Evaluation::Classes(both) => both.fmt(f),
            Evaluation::Labels(both) => both.fmt(f),
            Evaluation::Numbers(columns) => {
                for (i, (name, both)) in columns.iter().enumerate() {
                    if columns.len() > 1 {
                        writeln!(f, "{}{}", if i == 0 { "" } else { "\n" }, crate::Foreign::bare(name))?;
                    }
                    both.fmt(f)?;
                }
                Ok(())
            }
        }
    }
}
