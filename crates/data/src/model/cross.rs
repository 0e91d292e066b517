//! Cross-validation: how good models of the same settings are on rows that they did not see, and how much that varies.

use std::fmt::{self, Write as _};

use nxm_net::Cpu;
use serde::Serialize;

use super::{Evaluation, Model};
use crate::error::TableError;
use crate::foreign::Foreign;
use crate::metrics::Metric;
use crate::recipe::Recipe;
use crate::split::Fold;

/// How good the models of a cross-validation are, fold by fold.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct CrossValidation {
    /// In the order of the folds.
    pub folds: Vec<JudgedFold>,
}

/// How good the model of a fold is on the rows that it did not see.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JudgedFold {
    /// Rows that it learned from.
    pub trained_on: usize,
    /// Rows that it is judged by.
    pub judged_by: usize,
    /// Epochs that it was trained for.
    pub epochs: usize,
    /// Beside the baseline.
    pub evaluation: Evaluation,
}

/// A mean and how far numbers are from it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The sample standard deviation: √(Σ(x − mean)² ÷ (n − 1)). NaN of fewer than two numbers.
    pub deviation: f64,
}

/// A metric over all folds that have it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SummaryRow {
    /// The column, if several columns of numbers are learned.
    pub column: Option<String>,
    /// Which metric.
    pub metric: Metric,
    /// Folds that have it: without a row of some class there is no ROC AUC.
    pub folds: usize,
    /// Of the models.
    pub model: Spread,
    /// Of the baselines.
    pub baseline: Spread,
}

impl Spread {
    /// Of these numbers.
    pub fn of(numbers: &[f64]) -> Spread {
        let count = numbers.len() as f64;
        let mean = numbers.iter().sum::<f64>() / count;
        let squares: f64 = numbers.iter().map(|x| (x - mean) * (x - mean)).sum();
        let deviation = if numbers.len() < 2 { f64::NAN } else { (squares / (count - 1.0)).sqrt() };
        Spread { mean, deviation }
    }
}

impl Model {
    /// Trains a model for each fold, all with the same settings, and judges it by the rows of the fold that it did not see.
    ///
    /// ```
    /// use nxm_data::{HELD_OUT, Metric, Model, ReadOptions, Recipe, SplitBy, Table};
    /// use nxm_net::Cpu;
    ///
    /// let rows: String = (0..60).map(|i| format!("{},{}\n", i * 7 % 23, ["low", "high"][usize::from(i * 7 % 23 > 11)])).collect();
    /// let table = Table::read_from(format!("size,kind\n{rows}").as_bytes(), "sizes", &ReadOptions::default())?;
    /// let folds = table.target("kind").examples()?.cross_folds(&SplitBy::Stratified, 3, HELD_OUT, 1)?;
    /// let recipe = Recipe::default().with_hidden([8]).with_epochs(20);
    /// let found = Model::cross_validate(&Cpu::detect()?, &folds, &recipe)?;
    /// println!("{found}");
    /// let accuracy = found.summary().into_iter().find(|row| row.metric == Metric::Accuracy).expect("classes have one");
    /// assert!(accuracy.folds == 3 && accuracy.model.mean > accuracy.baseline.mean);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`TableError`] if there is no fold, or as [`Model::fit`] and [`Model::evaluate`]. It names the fold.
    pub fn cross_validate(cpu: &Cpu, folds: &[Fold<'_>], recipe: &Recipe) -> Result<CrossValidation, TableError> {
        let first = folds.first().ok_or_else(|| TableError::Request("a cross-validation of no fold".to_owned()))?;
        let settings = recipe.settings_for(&first.split)?;
        let mut found = CrossValidation::default();
        for (i, Fold { split, judged }) in folds.iter().enumerate() {
            let judge = || -> Result<JudgedFold, TableError> {
                let model = Model::fit_with(cpu, split, &settings)?;
                let evaluation = model.evaluate(judged)?;
                let (trained_on, judged_by, epochs) = (split.train.len(), judged.len(), model.history.len());
                Ok(JudgedFold { trained_on, judged_by, epochs, evaluation })
            };
            found.folds.push(judge().map_err(|error| in_fold(i.saturating_add(1), folds.len(), &error))?);
        }
        Ok(found)
    }
}

/// An error, with the fold that it is about.
fn in_fold(fold: usize, folds: usize, error: &TableError) -> TableError {
    TableError::Content(format!("fold {fold} of {folds}: {error}"))
}

/// A metric of an evaluation, by its column if several are learned; the values of the model and of the baseline.
type Value<'a> = (Option<&'a str>, Metric, Option<[f64; 2]>);

impl JudgedFold {
    /// What a fold is told by.
    fn values(&self) -> Vec<Value<'_>> {
        let of = |metrics: &'static [Metric]| {
            metrics.iter().map(|metric| (None, *metric, metric.of(&self.evaluation))).collect::<Vec<_>>()
        };
        match &self.evaluation {
            Evaluation::Classes(_) => {
                of(&[Metric::Accuracy, Metric::BalancedAccuracy, Metric::F1, Metric::RocAuc, Metric::LogLoss])
            }
            Evaluation::Labels(_) => of(&[Metric::Accuracy, Metric::F1]),
            Evaluation::Numbers(columns) => {
                let of_column = |(name, both): &'_ (String, crate::Comparison<crate::NumberMetrics>)| {
                    [Metric::R2, Metric::Rmse, Metric::Mae]
                        .map(|metric| (metric, metric.of_numbers_beside(&both.model, &both.baseline)))
                        .map(|(metric, values)| (name.clone(), metric, values))
                };
                let many = columns.len() > 1;
                let values = columns.iter().zip(columns.iter().map(of_column));
                values
                    .flat_map(|((name, _), values)| {
                        values.map(|(_, metric, values)| (many.then_some(name.as_str()), metric, values))
                    })
                    .collect()
            }
        }
    }

    /// The names of what [`line`](JudgedFold::line) says, each above its number.
    pub fn heading(&self) -> String {
        let mut text = format!("{:>4}  {:>10}  {:>9}  {:>6}", "fold", "trained on", "judged by", "epochs");
        for (column, metric, _) in self.values() {
            let _ = write!(text, "  {:>WIDTH$}", title(column, metric));
        }
        text
    }

    /// A line about this fold, the `number`-th one, with the metrics of its model.
    pub fn line(&self, number: usize) -> String {
        let mut text = format!("{number:>4}  {:>10}  {:>9}  {:>6}", self.trained_on, self.judged_by, self.epochs);
        for (column, metric, values) in self.values() {
            let width = title(column, metric).chars().count().max(WIDTH);
            let value = values.map_or_else(|| "-".to_owned(), |[model, _]| metric.show(model));
            let _ = write!(text, "  {value:>width$}");
        }
        text
    }
}

/// Characters of a number, at least.
const WIDTH: usize = 8;

fn title(column: Option<&str>, metric: Metric) -> String {
    match column {
        Some(column) => format!("{}: {}", Foreign::bare(column), metric.title()),
        None => metric.title().to_owned(),
    }
}

impl CrossValidation {
    /// Mean and spread of each main metric.
    pub fn summary(&self) -> Vec<SummaryRow> {
        let folds: Vec<Vec<Value<'_>>> = self.folds.iter().map(JudgedFold::values).collect();
        let Some(first) = folds.first() else { return Vec::new() };
        let row = |(i, (column, metric, _)): (usize, &Value<'_>)| {
            let values = folds.iter().filter_map(|fold| fold.get(i).and_then(|(_, _, values)| *values));
            let values: Vec<[f64; 2]> = values.collect();
            let of = |side: usize| Spread::of(&values.iter().map(|pair| pair[side]).collect::<Vec<_>>());
            let column = column.map(str::to_owned);
            SummaryRow { column, metric: *metric, folds: values.len(), model: of(0), baseline: of(1) }
        };
        first.iter().enumerate().map(row).collect()
    }

    /// The summary as text: a line for each metric, and whether the models are better than their baselines.
    pub fn summary_text(&self) -> String {
        let rows = self.summary();
        let spread = |metric: Metric, spread: Spread| {
            format!("{} ± {}", metric.show(spread.mean), metric.show(spread.deviation))
        };
        let lines: Vec<[String; 3]> = rows
            .iter()
            .map(|row| {
                let of = if row.folds == self.folds.len() { String::new() } else { format!(" ({} folds)", row.folds) };
                let name = format!("{}{of}", title(row.column.as_deref(), row.metric));
                [name, spread(row.metric, row.model), spread(row.metric, row.baseline)]
            })
            .collect();
        let width = |i: usize, least: usize| lines.iter().map(|line| line[i].chars().count()).fold(least, usize::max);
        let widths = [width(0, 0), width(1, "model".len()), width(2, "baseline".len())];
        let mut text =
            format!("{:a$}  {:>b$}  {:>c$}\n", "", "model", "baseline", a = widths[0], b = widths[1], c = widths[2]);
        for [name, model, baseline] in &lines {
            let _ =
                writeln!(text, "{name:a$}  {model:>b$}  {baseline:>c$}", a = widths[0], b = widths[1], c = widths[2]);
        }
        let _ = writeln!(text, "mean ± sample standard deviation over {} folds", self.folds.len());
        if !rows.iter().any(|row| row.metric.is_better(row.model.mean, row.baseline.mean)) {
            let _ = writeln!(text, "\nThe models are no better than the baseline.");
        }
        text
    }
}

impl fmt::Display for CrossValidation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(first) = self.folds.first() else { return Ok(()) };
        writeln!(f, "{}", first.heading())?;
        for (i, fold) in self.folds.iter().enumerate() {
            writeln!(f, "{}", fold.line(i.saturating_add(1)))?;
        }
        write!(f, "\n{}", self.summary_text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{ClassMetrics, Comparison, NumberMetrics};

    #[test]
    fn the_spread_is_the_sample_standard_deviation() {
        assert_eq!(Spread::of(&[1.0, 2.0, 3.0]), Spread { mean: 2.0, deviation: 1.0 });
        assert!(Spread::of(&[1.0]).deviation.is_nan());
    }

    fn fold(evaluation: Evaluation) -> JudgedFold {
        JudgedFold { trained_on: 6, judged_by: 3, epochs: 9, evaluation }
    }

    #[test]
    fn a_metric_that_a_fold_lacks_is_left_out_of_the_mean_and_said() {
        let of = |labels: &[usize]| {
            let model = ClassMetrics::binary(labels, &[0.1, 0.8, 0.9]).unwrap();
            fold(Evaluation::Classes(Comparison { baseline: ClassMetrics::binary(labels, &[0.5; 3]).unwrap(), model }))
        };
        let found = CrossValidation { folds: vec![of(&[0, 1, 1]), of(&[1, 1, 1])] };
        let rows = found.summary();
        let row = |metric| rows.iter().find(|row| row.metric == metric).unwrap();
        assert_eq!((row(Metric::RocAuc).folds, row(Metric::RocAuc).model.mean), (1, 1.0));
        let accuracies = [1.0, 2.0 / 3.0];
        assert_eq!((row(Metric::Accuracy).folds, row(Metric::Accuracy).model), (2, Spread::of(&accuracies)));
        let text = found.to_string();
        assert!(text.contains("ROC AUC (1 folds)") && text.contains(" ± "), "{text}");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0].chars().count(), lines[1].chars().count(), "{text}");
    }

    #[test]
    fn each_column_of_numbers_has_its_own() {
        let column = |name: &str, off: f64| {
            let metrics = |off: f64| NumberMetrics::new(&[1.0, 3.0, 4.0], &[1.0 + off, 3.0 + off, 4.0]).unwrap();
            (name.to_owned(), Comparison { model: metrics(off), baseline: metrics(1.0) })
        };
        let folds = vec![fold(Evaluation::Numbers(vec![column("a", 2.0), column("b\u{1b}", 3.0)])); 2];
        let found = CrossValidation { folds };
        let text = found.to_string();
        assert!(text.contains(r"b\u{1b}: RMSE") && text.ends_with("no better than the baseline.\n"), "{text}");
        assert_eq!(found.summary().len(), 6);
    }
}
