//! Metrics by their names: one number that says how good a model is, to compare models and epochs by.

use std::fmt;
use std::str::FromStr;

use nxm_net::{Goal, UnknownName};
use serde::{Deserialize, Serialize};

use super::{ClassMetrics, LabelMetrics, NumberMetrics, display};
use crate::model::Evaluation;
use crate::target::Target;

/// One number that says how good a model is on some rows.
///
/// ```
/// use nxm_data::Metric;
/// assert_eq!("rmse".parse(), Ok(Metric::Rmse));
/// assert!(Metric::R2.is_better(0.9, 0.8) && Metric::Rmse.is_better(0.8, 0.9));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Metric {
    /// What the training makes smaller.
    #[default]
    Loss,
    /// The share of rows whose class is right. Labels: the share of rows all of whose labels are right.
    Accuracy,
    /// The mean recall of the classes.
    BalancedAccuracy,
    /// The mean F1 of the classes or labels.
    F1,
    /// The area under the ROC curve.
    RocAuc,
    /// The mean of −ln p(true class).
    LogLoss,
    /// The Brier score.
    BrierScore,
    /// The square root of the mean squared error. Several columns: the mean over them.
    Rmse,
    /// The mean absolute error. Several columns: the mean over them.
    Mae,
    /// R². Several columns: the mean over them.
    R2,
}

impl Metric {
    /// All of them.
    pub const ALL: [Metric; 10] = [
        Metric::Loss,
        Metric::Accuracy,
        Metric::BalancedAccuracy,
        Metric::F1,
        Metric::RocAuc,
        Metric::LogLoss,
        Metric::BrierScore,
        Metric::Rmse,
        Metric::Mae,
        Metric::R2,
    ];

    /// The name it is chosen by.
    pub fn name(self) -> &'static str {
        match self {
            Metric::Loss => "loss",
            Metric::Accuracy => "accuracy",
            Metric::BalancedAccuracy => "balanced_accuracy",
            Metric::F1 => "f1",
            Metric::RocAuc => "roc_auc",
            Metric::LogLoss => "log_loss",
            Metric::BrierScore => "brier_score",
            Metric::Rmse => "rmse",
            Metric::Mae => "mae",
            Metric::R2 => "r2",
        }
    }

    /// What people call it: "balanced accuracy".
    pub fn title(self) -> &'static str {
        match self {
            Metric::Loss => "loss",
            Metric::Accuracy => "accuracy",
            Metric::BalancedAccuracy => "balanced accuracy",
            Metric::F1 => "F1 (macro)",
            Metric::RocAuc => "ROC AUC",
            Metric::LogLoss => "log loss",
            Metric::BrierScore => "Brier score",
            Metric::Rmse => "RMSE",
            Metric::Mae => "mean absolute error",
            Metric::R2 => "R²",
        }
    }

    /// Whether `one` is better than `other`. A number that is NaN or infinite is never better, and worse than any other.
    pub fn is_better(self, one: f64, other: f64) -> bool {
        one.is_finite() && (!other.is_finite() || self.gain(one, other) > 0.0)
    }

    /// Whether it should fall or rise.
    pub fn goal(self) -> Goal {
        match self {
            Metric::Loss | Metric::LogLoss | Metric::BrierScore | Metric::Rmse | Metric::Mae => Goal::Minimize,
            Metric::Accuracy | Metric::BalancedAccuracy | Metric::F1 | Metric::RocAuc | Metric::R2 => Goal::Maximize,
        }
    }

    /// By how much `one` is better than `other`; negative if it is worse.
    pub fn gain(self, one: f64, other: f64) -> f64 {
        self.goal().gain(one, other)
    }

    /// Those that a model of this target can be judged by, the most telling ones first.
    pub fn of_target(target: &Target) -> &'static [Metric] {
        match target {
            Target::Classes { .. } => &[
                Metric::Accuracy,
                Metric::BalancedAccuracy,
                Metric::F1,
                Metric::RocAuc,
                Metric::LogLoss,
                Metric::BrierScore,
                Metric::Loss,
            ],
            Target::Labels { .. } => &[Metric::Accuracy, Metric::F1, Metric::Loss],
            Target::Numbers { .. } => &[Metric::R2, Metric::Rmse, Metric::Mae, Metric::Loss],
        }
    }

    /// Its value for the model and for the baseline. None if the evaluation does not have it, as the ROC AUC where a class has no row.
    pub fn of(self, found: &Evaluation) -> Option<[f64; 2]> {
        match found {
            Evaluation::Classes(both) => both_of(&both.model, &both.baseline, |metrics| self.of_classes(metrics)),
            Evaluation::Labels(both) => both_of(&both.model, &both.baseline, |metrics| self.of_labels(metrics)),
            Evaluation::Numbers(columns) => {
                let each = columns.iter().map(|(_, both)| self.of_numbers_beside(&both.model, &both.baseline));
                let each = each.collect::<Option<Vec<[f64; 2]>>>().filter(|each| !each.is_empty())?;
                let mean = |side: usize| super::mean(super::Sum::of(each.iter().map(|pair| pair[side])), each.len());
                Some([mean(0), mean(1)])
            }
        }
    }

    /// Its value for the numbers of one column, and for those of the baseline.
    pub(crate) fn of_numbers_beside(self, model: &NumberMetrics, baseline: &NumberMetrics) -> Option<[f64; 2]> {
        both_of(model, baseline, |metrics| self.of_numbers(metrics))
    }

    fn of_classes(self, metrics: &ClassMetrics) -> Option<f64> {
        match self {
            Metric::Accuracy => Some(metrics.accuracy),
            Metric::BalancedAccuracy => Some(metrics.balanced_accuracy),
            Metric::F1 => Some(metrics.macro_f1),
            Metric::RocAuc => metrics.roc_auc,
            Metric::LogLoss => Some(metrics.log_loss),
            Metric::BrierScore => Some(metrics.brier_score),
            Metric::Loss | Metric::Rmse | Metric::Mae | Metric::R2 => None,
        }
    }

    fn of_labels(self, metrics: &LabelMetrics) -> Option<f64> {
        match self {
            Metric::Accuracy => Some(metrics.subset_accuracy),
            Metric::F1 => Some(metrics.macro_f1),
            _ => None,
        }
    }

    fn of_numbers(self, metrics: &NumberMetrics) -> Option<f64> {
        match self {
            Metric::Rmse => Some(metrics.rmse),
            Metric::Mae => Some(metrics.mae),
            Metric::R2 => metrics.r2,
            _ => None,
        }
    }

    /// A value as people read it: shares with four decimals, others with five digits.
    pub fn show(self, value: f64) -> String {
        match self {
            Metric::Accuracy | Metric::BalancedAccuracy | Metric::F1 | Metric::RocAuc => display::share(value),
            _ => display::plain(value),
        }
    }
}

fn both_of<M>(model: &M, baseline: &M, value: impl Fn(&M) -> Option<f64>) -> Option<[f64; 2]> {
    Some([value(model)?, value(baseline)?])
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Metric {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Metric, UnknownName> {
        UnknownName::find("metric", name, &Metric::ALL, |metric| metric.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Comparison;

    #[test]
    fn names_are_read_and_written() {
        for metric in Metric::ALL {
            assert_eq!(metric.name().parse(), Ok(metric));
            assert_eq!(serde_json::to_string(&metric).unwrap(), format!("\"{metric}\""));
        }
        assert!("F1".parse::<Metric>().is_err());
    }

    #[test]
    fn what_is_no_number_is_never_better() {
        for metric in Metric::ALL {
            for strange in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                assert!(!metric.is_better(strange, 0.5) && metric.is_better(0.5, strange), "{metric} {strange}");
            }
            assert!(!metric.is_better(0.5, 0.5) && (metric.is_better(0.4, 0.5) != metric.is_better(0.5, 0.4)));
        }
    }

    #[test]
    fn an_evaluation_has_the_metrics_of_its_target() {
        let labels = [0, 1, 1];
        let of = |p: f64| ClassMetrics::binary(&labels, &[p, 1.0 - p, 0.9]).unwrap();
        let classes = Evaluation::Classes(Comparison { model: of(0.2), baseline: of(0.6) });
        assert_eq!(Metric::Accuracy.of(&classes), Some([1.0, 1.0 / 3.0]));
        assert_eq!(Metric::Rmse.of(&classes), None);
        let numbers = |off: f64| NumberMetrics::new(&[1.0, 3.0], &[1.0 + off, 3.0 + off]).unwrap();
        let column = |off: f64| ("x".to_owned(), Comparison { model: numbers(off), baseline: numbers(2.0 * off) });
        let numbers = Evaluation::Numbers(vec![column(1.0), column(3.0)]);
        assert_eq!(Metric::Rmse.of(&numbers), Some([2.0, 4.0]), "the mean over the columns");
        assert_eq!(Metric::Accuracy.of(&numbers), None);
    }
}
