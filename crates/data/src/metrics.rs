//! How good predictions are: metrics for classes, numbers and sets of labels, by the definitions of scikit-learn.
//!
//! [`ClassMetrics`] judges class probabilities, [`NumberMetrics`] judges numbers, [`LabelMetrics`] judges several yes-or-no labels a row.
//! Each has a baseline that knows only the training targets: a model that is no better than its baseline is useless. [`Comparison`] holds
//! both and prints them side by side.
//!
//! Predictions that are NaN or infinite do not stop the evaluation. They are counted, and each metric says what it does with them.

use serde::Serialize;
use thiserror::Error;

mod baseline;
mod calibration;
mod classes;
mod display;
mod labels;
mod named;
mod numbers;
mod ranking;

pub use baseline::{ClassBaseline, LabelBaseline, NumberBaseline};
pub use calibration::{CALIBRATION_BINS, CalibrationBin};
pub use classes::{ClassMetrics, ClassScores, Confusion, MOST_CONFUSED};
pub(crate) use display::{Line, plain, share, significant};
pub use labels::LabelMetrics;
pub use named::Metric;
pub use numbers::NumberMetrics;
pub use ranking::TopK;

use crate::error::TableError;

/// Why predictions can't be judged.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum MetricsError {
    /// There is nothing to judge by.
    #[error("there are no examples to evaluate on: expected at least one")]
    Empty,
    /// Classes are told apart, so there are at least two.
    #[error("{classes} classes: expected at least 2")]
    Classes {
        /// How many there are.
        classes: usize,
    },
    /// Labels and predictions have different lengths.
    #[error("{found} {what} for {rows} examples: expected {expected}")]
    Length {
        /// What is counted: "probabilities", "predictions", "names".
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there should be.
        expected: usize,
        /// How many examples (or, for names, classes) there are.
        rows: usize,
    },
    /// A label that is no class.
    #[error("example {row} (counted from 0) has the label {label}: expected 0 to {}", classes.saturating_sub(1))]
    Label {
        /// The example, counted from 0.
        row: usize,
        /// Its label.
        label: usize,
        /// How many classes there are.
        classes: usize,
    },
    /// A number outside of 0 to 1.
    #[error(
        "example {row} (counted from 0), class {class}: {value} is no probability, which is 0 to 1; \
         logits need softmax or sigmoid first"
    )]
    Probability {
        /// The example, counted from 0.
        row: usize,
        /// The class, counted from 0.
        class: usize,
        /// What stands there.
        value: f64,
    },
    /// The probabilities of a row do not sum to one.
    #[error(
        "the class probabilities of example {row} (counted from 0) sum to {sum}: expected 1; \
         divide each by their sum first"
    )]
    Sum {
        /// The example, counted from 0.
        row: usize,
        /// The sum.
        sum: f64,
    },
    /// A target that is NaN or infinite.
    #[error("example {row} (counted from 0) has the target {value}: expected a finite number")]
    Target {
        /// The example, counted from 0.
        row: usize,
        /// Its target.
        value: f64,
    },
}

impl From<MetricsError> for TableError {
    fn from(error: MetricsError) -> TableError {
        TableError::Content(error.to_string())
    }
}

mod sealed {
    /// Nobody else has the element types.
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// The number type of probabilities: f32 or f64. The log loss is clipped by its ε.
pub trait Probability: sealed::Sealed + Copy + Into<f64> {
    /// The distance from 1 to the next larger number.
    const EPSILON: f64;
    /// 1 − p, rounded to this type.
    fn complement(self) -> Self;
}

impl Probability for f32 {
    const EPSILON: f64 = f32::EPSILON as f64;
    fn complement(self) -> f32 {
        1.0 - self
    }
}

impl Probability for f64 {
    const EPSILON: f64 = f64::EPSILON;
    fn complement(self) -> f64 {
        1.0 - self
    }
}

/// What a model reaches, beside what its baseline reaches on the same examples. Its `Display` is a plain-text table.
///
/// ```
/// use nxm_data::{ClassBaseline, ClassMetrics, Comparison};
///
/// let held_out = [0, 1, 1];
/// let model = ClassMetrics::new(&held_out, &[0.9, 0.1, 0.2, 0.8, 0.6, 0.4], 2)?;
/// let baseline = ClassBaseline::new(&[0, 1, 1, 1], 2)?.metrics(&held_out)?;
/// let both = Comparison { model, baseline };
/// assert!(both.to_string().contains("accuracy"));
/// # Ok::<(), nxm_data::MetricsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison<M> {
    /// What the model reaches.
    pub model: M,
    /// What the baseline reaches.
    pub baseline: M,
}

impl Comparison<ClassMetrics> {
    /// Whether more rows are right than the baseline's, or the log loss is lower. If not, the model is useless.
    pub fn beats_baseline(&self) -> bool {
        self.model.accuracy > self.baseline.accuracy || self.model.log_loss < self.baseline.log_loss
    }
}

impl Comparison<NumberMetrics> {
    /// Whether the mean squared or the mean absolute error is lower than the baseline's. If not, the model is useless.
    pub fn beats_baseline(&self) -> bool {
        self.model.mse < self.baseline.mse || self.model.mae < self.baseline.mae
    }
}

impl Comparison<LabelMetrics> {
    /// Whether more rows are right in all labels than the baseline's, or the log loss of a label is lower. If not, the model is useless.
    pub fn beats_baseline(&self) -> bool {
        let mut labels = self.model.labels.iter().zip(&self.baseline.labels);
        self.model.subset_accuracy > self.baseline.subset_accuracy
            || labels.any(|(model, baseline)| model.log_loss < baseline.log_loss)
    }
}

/// A sum of many numbers whose rounding error does not grow with their number (Neumaier 1974).
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    total: f64,
    rest: f64,
}

impl Sum {
    fn add(&mut self, x: f64) {
        let total = self.total + x;
        let lost = if self.total.abs() >= x.abs() { (self.total - total) + x } else { (x - total) + self.total };
        // A total that is infinite has lost nothing that can be told.
        self.rest += if total.is_finite() { lost } else { 0.0 };
        self.total = total;
    }

    fn of(numbers: impl Iterator<Item = f64>) -> f64 {
        let mut sum = Sum::default();
        numbers.for_each(|x| sum.add(x));
        sum.value()
    }

    fn value(self) -> f64 {
        self.total + self.rest
    }
}

/// The mean of so many numbers with this sum; NaN if there are none.
fn mean(sum: f64, count: usize) -> f64 {
    sum / count as f64
}

/// A share of a whole; 0 of an empty one (scikit-learn's `zero_division=0`).
fn share_of(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// One more.
fn count(n: &mut usize) {
    *n = n.saturating_add(1);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_keep_what_a_large_number_hides() {
        assert_eq!(Sum::of([1e100, 1.0, -1e100].into_iter()), 1.0);
        assert_eq!(Sum::of([f64::MAX, f64::MAX].into_iter()), f64::INFINITY);
        // 0.1 a thousand times, which a plain sum misses by 1.4e-12.
        assert_eq!(Sum::of(std::iter::repeat_n(0.1, 1000)), 100.0);
    }
}
