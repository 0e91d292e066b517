//! Baselines: predictions that look at no column, and only know the training targets.

use serde::{Deserialize, Serialize};

use super::classes::check_length;
use super::numbers::check_targets;
use super::{ClassMetrics, LabelMetrics, MetricsError, NumberMetrics, Sum, count, mean, share_of};

/// Predicts the most frequent training class for every row, with the shares of the training classes as probabilities (scikit-learn's
/// `DummyClassifier(strategy="prior")`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassBaseline {
    shares: Vec<f64>,
}

impl ClassBaseline {
    /// Knows the labels of the training rows.
    ///
    /// # Errors
    /// [`MetricsError`] if there is no row, if there are fewer than two classes, or if a label is no class.
    pub fn new(training: &[usize], classes: usize) -> Result<ClassBaseline, MetricsError> {
        if training.is_empty() {
            return Err(MetricsError::Empty);
        }
        if classes < 2 {
            return Err(MetricsError::Classes { classes });
        }
        let mut counts = vec![0; classes];
        for (row, label) in training.iter().enumerate() {
            count(counts.get_mut(*label).ok_or(MetricsError::Label { row, label: *label, classes })?);
        }
        Ok(ClassBaseline { shares: counts.into_iter().map(|rows| share_of(rows, training.len())).collect() })
    }

    /// The share of each class among the training rows.
    pub fn shares(&self) -> &[f64] {
        &self.shares
    }

    /// The class that it predicts: the most frequent one, the first of equal ones.
    pub fn class(&self) -> usize {
        let mut best = 0;
        for (class, share) in self.shares.iter().enumerate() {
            if *share > self.shares[best] {
                best = class;
            }
        }
        best
    }

    /// How good it is on other rows.
    ///
    /// # Errors
    /// [`MetricsError`] if there is no row or a label is no class.
    pub fn metrics(&self, labels: &[usize]) -> Result<ClassMetrics, MetricsError> {
        let same = std::iter::repeat_n(&self.shares[..], labels.len());
        ClassMetrics::judge(labels, same, self.shares.len())
    }
}

/// Predicts the mean of the training targets for every row.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct NumberBaseline {
    mean: f64,
}

impl NumberBaseline {
    /// Knows the targets of the training rows.
    ///
    /// # Errors
    /// [`MetricsError`] if there is no row or a target is NaN or infinite.
    pub fn new(training: &[f64]) -> Result<NumberBaseline, MetricsError> {
        check_targets(training)?;
        // Divided first where the sum would be infinite, so that a mean of finite numbers is finite.
        let rows = training.len();
        let sum = mean(Sum::of(training.iter().copied()), rows);
        let mean = if sum.is_finite() { sum } else { Sum::of(training.iter().map(|target| mean(*target, rows))) };
        Ok(NumberBaseline { mean })
    }

    /// What it predicts.
    pub fn mean(self) -> f64 {
        self.mean
    }

    /// How good it is on other rows.
    ///
    /// # Errors
    /// [`MetricsError`] if there is no row or a target is NaN or infinite.
    pub fn metrics(self, targets: &[f64]) -> Result<NumberMetrics, MetricsError> {
        NumberMetrics::new(targets, &vec![self.mean; targets.len()])
    }
}

/// Predicts each label as [`ClassBaseline`] does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelBaseline {
    labels: Vec<ClassBaseline>,
}

impl LabelBaseline {
    /// Knows what the training rows have, row-major `[rows, labels]`.
    ///
    /// # Errors
    /// [`MetricsError`] if there is no row or no label, or a row is not whole.
    pub fn new(training: &[bool], labels: usize) -> Result<LabelBaseline, MetricsError> {
        let rows = training.len().checked_div(labels).filter(|rows| *rows > 0).ok_or(MetricsError::Empty)?;
        check_length("labels", training.len(), rows.saturating_mul(labels), rows)?;
        let column = |label| training.iter().skip(label).step_by(labels).map(|has| usize::from(*has));
        let of = |label| ClassBaseline::new(&column(label).collect::<Vec<_>>(), 2);
        Ok(LabelBaseline { labels: (0..labels).map(of).collect::<Result<_, _>>()? })
    }

    /// How many labels there are.
    pub(crate) fn len(&self) -> usize {
        self.labels.len()
    }

    /// How good it is on other rows, row-major `[rows, labels]`.
    ///
    /// # Errors
    /// [`MetricsError`] if there is no row or a row is not whole.
    pub fn metrics(&self, has: &[bool]) -> Result<LabelMetrics, MetricsError> {
        let labels = self.labels.len();
        let rows = has.len().checked_div(labels).filter(|rows| *rows > 0).ok_or(MetricsError::Empty)?;
        check_length("labels", has.len(), rows.saturating_mul(labels), rows)?;
        let whole = has.chunks_exact(labels);
        let right =
            whole.filter(|row| row.iter().zip(&self.labels).all(|(has, label)| usize::from(*has) == label.class()));
        let right = right.count();
        let each = LabelMetrics::each(has, labels, |label, has| self.labels[label].metrics(has))?;
        Ok(LabelMetrics::summary(rows, 0, share_of(right, rows), each))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_training_class_is_predicted() {
        let baseline = ClassBaseline::new(&[2, 1, 2, 1, 0], 4).unwrap();
        assert_eq!((baseline.class(), baseline.shares()), (1, &[0.2, 0.4, 0.4, 0.0][..]));
        let metrics = baseline.metrics(&[1, 1, 0, 3]).unwrap();
        assert_eq!((metrics.accuracy, metrics.classes[1].predicted), (0.5, 4));
        assert!(matches!(ClassBaseline::new(&[0, 4], 4), Err(MetricsError::Label { row: 1, label: 4, classes: 4 })));
    }

    #[test]
    fn the_training_mean_is_predicted() {
        let baseline = NumberBaseline::new(&[1.0, 2.0, 6.0]).unwrap();
        assert_eq!(baseline.mean(), 3.0);
        assert_eq!(baseline.metrics(&[1.0, 5.0]).unwrap().r2, Some(0.0));
        assert_eq!(NumberBaseline::new(&[f64::MAX, f64::MAX]).unwrap().mean(), f64::MAX);
    }

    #[test]
    fn labels_have_a_baseline_each() {
        let baseline = LabelBaseline::new(&[true, false, true, false, false, false], 2).unwrap();
        let metrics = baseline.metrics(&[true, false, true, true]).unwrap();
        assert_eq!((metrics.subset_accuracy, metrics.labels[1].accuracy), (0.5, 0.5));
    }
}
