//! How good a network is on held-out rows after an epoch: from one pass over them.

use nxm_net::{Cpu, Dataset, Loss, Network, Targets};

use super::{Evaluation, Model, Predictions, Schema};
use crate::error::TableError;
use crate::foreign::Foreign;
use crate::metrics::{Metric, NumberMetrics};
use crate::target::{Target, TargetValues};

/// How good a network is on held-out rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// The mean loss, in the unit of the data: see [`Target::loss_unit`].
    pub loss: f64,
    /// What people look at: the accuracy of classes and labels, R² of numbers; none if it is not defined.
    pub shown: Option<f64>,
    /// The metric that was asked for. NaN where an output is NaN or infinite.
    pub value: f64,
}

impl Target {
    /// How much larger a loss is than the network's own, whose numbers are scaled: deviation² for mean squared errors, the deviation for losses
    /// that are proportional to the error. Of several columns, whose units differ, and of a loss that bends at so many deviations, the
    /// network's own loss is told.
    pub fn loss_unit(&self, loss: &Loss) -> f64 {
        let deviation = match self {
            Target::Numbers { standards, .. } if standards.len() == 1 => standards[0].deviation,
            _ => return 1.0,
        };
        match loss.of_mean() {
            Loss::MeanSquaredError => deviation * deviation,
            Loss::L1 | Loss::Quantile { .. } => deviation,
            _ => 1.0,
        }
    }

    /// The metric that is shown of each epoch.
    pub fn shown_metric(&self) -> Metric {
        match self {
            Target::Classes { .. } | Target::Labels { .. } => Metric::Accuracy,
            Target::Numbers { .. } => Metric::R2,
        }
    }

    /// Fails if this metric is not one of what is learned.
    ///
    /// # Errors
    /// [`TableError::Request`], which names those there are.
    pub fn check_metric(&self, metric: Metric) -> Result<(), TableError> {
        let there = Metric::of_target(self);
        if there.contains(&metric) {
            return Ok(());
        }
        let names: Vec<&str> = there.iter().map(|metric| metric.name()).collect();
        let (last, first) = names.split_last().expect("every target has a metric");
        Err(TableError::Request(format!(
            "the metric {metric} is not one of {} ({}): there are {} and {last}",
            self.describe(),
            Foreign::list(self.columns().iter().map(String::as_str)),
            first.join(", ")
        )))
    }
}

impl Schema {
    /// How good a network of this schema is on these rows, which `values` are the targets of.
    ///
    /// # Errors
    /// [`TableError`] if the metric is not defined on these rows, as the ROC AUC where a class has no row; or if memory runs out.
    pub fn score(
        &self,
        cpu: &Cpu,
        network: &Network<f32>,
        (data, values): (&Dataset<f32>, &TargetValues),
        loss: &Loss,
        metric: Metric,
    ) -> Result<Score, TableError> {
        let (found, outputs) = network.evaluate_and_predict(cpu, data, loss)?;
        let loss = found.loss * self.target.loss_unit(loss);
        let finite = outputs.iter().all(|output| output.is_finite());
        let predictions = Predictions { target: &self.target, outputs };
        let numbers = match &self.target {
            Target::Numbers { .. } => number_metrics(data, &predictions)?,
            Target::Classes { .. } | Target::Labels { .. } => Vec::new(),
        };
        let of_numbers = |metric: Metric| self.of_numbers(metric, &numbers);
        let shown = match &self.target {
            Target::Classes { .. } => found.accuracy,
            Target::Labels { .. } => Some(all_right(data, &predictions)),
            Target::Numbers { .. } => of_numbers(Metric::R2),
        };
        let value = match metric {
            Metric::Loss => Some(loss),
            Metric::Accuracy => shown,
            _ if !finite => Some(f64::NAN),
            Metric::R2 | Metric::Rmse | Metric::Mae => of_numbers(metric),
            _ => metric.of(&self.judge(&predictions, values)?).map(|[model, _]| model),
        };
        let value = value.ok_or_else(|| {
            TableError::Content(format!(
                "the metric {metric} is not defined on the held-out rows: each class needs a row there, and numbers two different ones"
            ))
        })?;
        Ok(Score { loss, shown, value })
    }

    /// The mean over the columns, each in its own unit.
    fn of_numbers(&self, metric: Metric, columns: &[NumberMetrics]) -> Option<f64> {
        let Target::Numbers { standards, .. } = &self.target else { return None };
        let values = columns.iter().zip(standards).map(|(found, standard)| match metric {
            Metric::R2 => found.r2,
            Metric::Rmse => Some(found.rmse * standard.deviation),
            Metric::Mae => Some(found.mae * standard.deviation),
            _ => None,
        });
        let values = values.collect::<Option<Vec<f64>>>().filter(|values| !values.is_empty())?;
        Some(values.iter().sum::<f64>() / values.len() as f64)
    }
}

/// Of each column of scaled numbers.
fn number_metrics(data: &Dataset<f32>, predictions: &Predictions<'_>) -> Result<Vec<NumberMetrics>, TableError> {
    let Targets::Values(targets) = data.targets() else { return Ok(Vec::new()) };
    let column = |i: usize| {
        let pairs = (0..data.len()).map(|row| (f64::from(targets.at(row, i)), f64::from(predictions.outputs(row)[i])));
        let (targets, said): (Vec<f64>, Vec<f64>) = pairs.unzip();
        Ok(NumberMetrics::new(&targets, &said)?)
    };
    (0..data.outputs()).map(column).collect()
}

/// The share of rows all of whose labels are right.
fn all_right(data: &Dataset<f32>, predictions: &Predictions<'_>) -> f64 {
    let Targets::Values(targets) = data.targets() else { return 0.0 };
    // A logit is above 0 where yes is the likelier one; NaN is neither.
    let is_right = |logit: f32, target: f32| if target > 0.5 { logit > 0.0 } else { logit <= 0.0 };
    let right =
        |row: &usize| predictions.outputs(*row).iter().enumerate().all(|(j, z)| is_right(*z, targets.at(*row, j)));
    (0..data.len()).filter(right).count() as f64 / data.len() as f64
}

impl Model {
    /// How good predictions are, by the targets of the same rows.
    pub fn judge(&self, predictions: &Predictions<'_>, values: &TargetValues) -> Result<Evaluation, TableError> {
        self.schema.judge(predictions, values)
    }
}

#[cfg(test)]
mod tests {
    use nxm_net::Cpu;

    use super::*;
    use crate::recipe::Recipe;
    use crate::testing::table;

    /// Each metric of an epoch is that of an evaluation.
    #[test]
    fn a_score_is_what_an_evaluation_says() {
        let rows: String = (0..60)
            .map(|i| {
                format!(
                    "{}.5,{},{}.25,{}\n",
                    i * 7 % 23,
                    ["a", "b", "c"][i * 7 % 23 / 8],
                    3 * i % 17,
                    ["no", "yes"][i % 2]
                )
            })
            .collect();
        let table = table(&format!("x,kind,y,z\n{rows}"));
        let cpu = Cpu::detect().unwrap();
        for (columns, task) in
            [(&["kind"][..], None), (&["y"], None), (&["x", "y"], None), (&["z"], Some(crate::Task::Labels))]
        {
            let mut selection = table.targets(columns.iter().copied());
            if let Some(task) = task {
                selection = selection.task(task);
            }
            let split = selection.random(0.4, 1).unwrap();
            let model = Model::fit(&cpu, &split, &Recipe::default().with_hidden([8]).with_epochs(3)).unwrap();
            let (data, values) = (model.schema.dataset(&split.held_out).unwrap(), split.held_out.values().unwrap());
            let evaluation = model.evaluate(&split.held_out).unwrap();
            let loss = &model.checkpoint.options.loss;
            for metric in Metric::of_target(&model.schema.target) {
                let network = &model.checkpoint.network;
                let score = model.schema.score(&cpu, network, (&data, &values), loss, *metric).unwrap();
                let expected = match metric {
                    Metric::Loss => score.loss,
                    _ => metric.of(&evaluation).unwrap()[0],
                };
                // Numbers are judged by their f32.
                let tolerance = f64::from(f32::EPSILON) * 100.0 * expected.abs().max(1.0);
                assert!((score.value - expected).abs() <= tolerance, "{columns:?} {metric}: {score:?} {expected}");
                let shown = model.schema.target.shown_metric().of(&evaluation).unwrap()[0];
                assert!((score.shown.unwrap() - shown).abs() <= tolerance, "{columns:?}: {score:?} {shown}");
            }
        }
    }

    #[test]
    fn a_metric_of_other_targets_is_refused_with_those_there_are() {
        let table = table("x,y\n1,a\n2,b\n3,a\n");
        let target = table.target("y").examples().unwrap().target;
        let error = target.check_metric(Metric::Rmse).unwrap_err().to_string();
        assert!(
            error.contains("rmse") && error.contains("2 classes") && error.contains("balanced_accuracy"),
            "{error}"
        );
        assert!(target.check_metric(Metric::F1).is_ok());
    }
}
