//! Class probabilities against labels.

use serde::Serialize;

use super::calibration::{Calibration, CalibrationBin};
use super::ranking::{TOP, TopK, place, roc_auc};
use super::{MetricsError, Probability, Sum, count, mean, share_of};

/// Classes that a confusion matrix has at most: one of 1000 classes takes 8 MB. With more classes there is none.
pub const MOST_CONFUSED: usize = 1000;

/// A probability may lie so many ε outside of 0 to 1: softmax may be computed by a rounded reciprocal.
const SLACK: f64 = 8.0;

/// How good class probabilities are. Each row's prediction is its most probable class, the first of equal ones.
///
/// A row with NaN among its probabilities has no prediction: it counts as wrong in every accuracy and recall, and is left out of the ROC
/// AUC, log loss, Brier score, calibration and confusion matrix. [`not_a_number`](Self::not_a_number) says how many there are.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassMetrics {
    /// How many rows were judged.
    pub rows: usize,
    /// Rows with NaN among their probabilities.
    pub not_a_number: usize,
    /// The share of rows whose prediction is right.
    pub accuracy: f64,
    /// The mean recall of the classes that have rows.
    pub balanced_accuracy: f64,
    /// Of each class.
    pub classes: Vec<ClassScores>,
    /// The mean precision of the classes that are a label or a prediction of some row.
    pub macro_precision: f64,
    /// The mean recall of the same classes.
    pub macro_recall: f64,
    /// The mean F1 of the same classes.
    pub macro_f1: f64,
    /// The area under the ROC curve. Two classes: of the second one's probability. More: the mean over the classes, each against the rest.
    /// None if a class has no row, or all.
    pub roc_auc: Option<f64>,
    /// The mean of −ln p(true class), with p clipped to ε and 1 − ε of its type. NaN if no row has a prediction.
    pub log_loss: f64,
    /// The Brier score. Two classes: the mean of (p − y)² of the second one's probability, 0 to 1. More: the mean over the rows of the sum
    /// of (p − y)² over all classes, 0 to 2. NaN if no row has a prediction.
    pub brier_score: f64,
    /// For k = 2, 3 and 5, where there are more than k classes.
    pub top_k: Vec<TopK>,
    /// Labels against predictions; none if there are more than [`MOST_CONFUSED`] classes.
    pub confusion: Option<Confusion>,
    /// Probabilities against what happened. Two classes: the second one's. More: the predicted class's, and whether it is right.
    pub calibration: Vec<CalibrationBin>,
}

/// How well one class is found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassScores {
    /// Its name; its number if there are no names.
    pub name: String,
    /// The share of rows predicted as this class that belong to it; 0 if there are none.
    pub precision: f64,
    /// The share of rows of this class that are predicted as such; 0 if there are none.
    pub recall: f64,
    /// The harmonic mean of precision and recall; 0 if there is neither such a row nor such a prediction.
    pub f1: f64,
    /// Rows of this class.
    pub support: usize,
    /// Rows predicted as this class.
    pub predicted: usize,
}

/// How many rows of each class are predicted as each class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Confusion {
    /// How many classes there are.
    pub classes: usize,
    /// Row-major: a row for each label, a column for each prediction.
    pub counts: Vec<usize>,
}

impl Confusion {
    /// Rows of class `label` that are predicted as class `prediction`. Panics if there are not so many classes.
    pub fn at(&self, label: usize, prediction: usize) -> usize {
        self.row(label)[prediction]
    }

    /// The predictions of the rows of a class. Panics if there are not so many classes.
    pub fn row(&self, label: usize) -> &[usize] {
        self.counts.chunks_exact(self.classes).nth(label).expect("a label is one of the classes")
    }
}

impl ClassMetrics {
    /// Judges `probabilities`, row-major `[labels.len(), classes]`, by the labels 0 to `classes` − 1.
    ///
    /// # Errors
    /// [`MetricsError`] if there is no row, if there are fewer than two classes, if lengths differ, if a label is no class, if a number is no
    /// probability, or if a row's sum differs from 1 by more than √ε.
    pub fn new<P: Probability>(
        labels: &[usize],
        probabilities: &[P],
        classes: usize,
    ) -> Result<ClassMetrics, MetricsError> {
        if classes < 2 {
            return Err(MetricsError::Classes { classes });
        }
        check_length("probabilities", probabilities.len(), labels.len().saturating_mul(classes), labels.len())?;
        ClassMetrics::judge(labels, probabilities.chunks_exact(classes), classes)
    }

    /// Judges two classes by the probability of the second one (1), of each row.
    ///
    /// # Errors
    /// As [`ClassMetrics::new`].
    pub fn binary<P: Probability>(labels: &[usize], of_second: &[P]) -> Result<ClassMetrics, MetricsError> {
        check_length("probabilities", of_second.len(), labels.len(), labels.len())?;
        of_second.iter().enumerate().try_for_each(|(row, p)| in_range(row, 1, *p))?;
        let pairs: Vec<[P; 2]> = of_second.iter().map(|p| [p.complement(), *p]).collect();
        ClassMetrics::judge(labels, pairs.iter().map(|pair| &pair[..]), 2)
    }

    /// The same with the names of the classes.
    ///
    /// # Errors
    /// [`MetricsError::Length`] if there are not as many names as classes.
    pub fn with_names<N: Into<String>>(
        mut self,
        names: impl IntoIterator<Item = N>,
    ) -> Result<ClassMetrics, MetricsError> {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        check_length("names", names.len(), self.classes.len(), self.classes.len())?;
        self.classes.iter_mut().zip(names).for_each(|(class, name)| class.name = name);
        Ok(self)
    }

    /// Judges rows that have as many probabilities as there are classes.
    pub(super) fn judge<'a, P: Probability + 'a>(
        labels: &[usize],
        rows: impl Iterator<Item = &'a [P]> + Clone,
        classes: usize,
    ) -> Result<ClassMetrics, MetricsError> {
        if labels.is_empty() {
            return Err(MetricsError::Empty);
        }
        let mut tally = Tally::new(classes);
        for (i, (label, row)) in labels.iter().zip(rows.clone()).enumerate() {
            if *label >= classes {
                return Err(MetricsError::Label { row: i, label: *label, classes });
            }
            tally.add(*label, row, prediction(i, row)?);
        }
        let auc = one_against_rest(labels, &rows, classes);
        Ok(tally.finish(auc))
    }
}

/// What is known after some rows.
struct Tally {
    support: Vec<usize>,
    predicted: Vec<usize>,
    hits: Vec<usize>,
    not_a_number: usize,
    log_loss: Sum,
    brier: Sum,
    top: [usize; TOP.len()],
    confusion: Option<Confusion>,
    calibration: Calibration,
}

impl Tally {
    fn new(classes: usize) -> Tally {
        let counts = || vec![0; classes.saturating_mul(classes)];
        Tally {
            support: vec![0; classes],
            predicted: vec![0; classes],
            hits: vec![0; classes],
            not_a_number: 0,
            log_loss: Sum::default(),
            brier: Sum::default(),
            top: [0; TOP.len()],
            confusion: (classes <= MOST_CONFUSED).then(|| Confusion { classes, counts: counts() }),
            calibration: Calibration::default(),
        }
    }

    fn add<P: Probability>(&mut self, label: usize, row: &[P], predicted: Option<usize>) {
        count(&mut self.support[label]);
        let Some(predicted) = predicted else {
            count(&mut self.not_a_number);
            return;
        };
        count(&mut self.predicted[predicted]);
        if predicted == label {
            count(&mut self.hits[label]);
        }
        if let Some(confusion) = &mut self.confusion {
            let row = confusion.counts.chunks_exact_mut(confusion.classes).nth(label);
            count(&mut row.expect("a label is one of the classes")[predicted]);
        }
        let of_label: f64 = row[label].into();
        self.log_loss.add(-of_label.clamp(P::EPSILON, 1.0 - P::EPSILON).ln());
        let place = place(row.iter().map(|p| (*p).into()), label, of_label);
        self.top.iter_mut().zip(TOP).filter(|(_, k)| place < *k).for_each(|(hits, _)| count(hits));
        if let [_, second] = row {
            let second: f64 = (*second).into();
            self.brier.add((second - f64::from(u8::from(label == 1))).powi(2));
            self.calibration.add(second, label == 1);
        } else {
            let wrong = row.iter().enumerate().map(|(class, p)| (*p).into() - f64::from(u8::from(class == label)));
            self.brier.add(wrong.map(|x| x * x).sum());
            self.calibration.add(row[predicted].into(), predicted == label);
        }
    }

    fn finish(self, roc_auc: Option<f64>) -> ClassMetrics {
        let rows: usize = self.support.iter().sum();
        let usable = rows.saturating_sub(self.not_a_number);
        let counts = self.support.iter().zip(&self.predicted).zip(&self.hits).enumerate();
        let classes: Vec<ClassScores> = counts
            .map(|(class, ((support, predicted), hits))| ClassScores {
                name: class.to_string(),
                precision: share_of(*hits, *predicted),
                recall: share_of(*hits, *support),
                f1: share_of(hits.saturating_mul(2), support.saturating_add(*predicted)),
                support: *support,
                predicted: *predicted,
            })
            .collect();
        let mean_of = |occurs: fn(&ClassScores) -> bool, score: fn(&ClassScores) -> f64| {
            let scores = classes.iter().filter(|class| occurs(class));
            mean(Sum::of(scores.clone().map(score)), scores.count())
        };
        let occurs = |class: &ClassScores| class.support > 0 || class.predicted > 0;
        ClassMetrics {
            rows,
            not_a_number: self.not_a_number,
            accuracy: share_of(self.hits.iter().sum(), rows),
            balanced_accuracy: mean_of(|class| class.support > 0, |class| class.recall),
            macro_precision: mean_of(occurs, |class| class.precision),
            macro_recall: mean_of(occurs, |class| class.recall),
            macro_f1: mean_of(occurs, |class| class.f1),
            roc_auc,
            log_loss: mean(self.log_loss.value(), usable),
            brier_score: mean(self.brier.value(), usable),
            top_k: TOP
                .into_iter()
                .zip(self.top)
                .filter(|(k, _)| *k < classes.len())
                .map(|(k, hits)| TopK { k, accuracy: share_of(hits, rows) })
                .collect(),
            confusion: self.confusion,
            calibration: self.calibration.finish(),
            classes,
        }
    }
}

/// The most probable class, the first of equal ones; none if there is NaN.
fn prediction<P: Probability>(i: usize, row: &[P]) -> Result<Option<usize>, MetricsError> {
    let numbers = || row.iter().map(|p| (*p).into());
    if numbers().any(f64::is_nan) {
        return Ok(None);
    }
    row.iter().enumerate().try_for_each(|(class, p)| in_range(i, class, *p))?;
    let sum: f64 = numbers().sum();
    if (sum - 1.0).abs() > P::EPSILON.sqrt() {
        return Err(MetricsError::Sum { row: i, sum });
    }
    let best = numbers().enumerate().reduce(|best, here| if here.1 > best.1 { here } else { best });
    Ok(best.map(|(class, _)| class))
}

/// NaN is no error.
fn in_range<P: Probability>(row: usize, class: usize, p: P) -> Result<(), MetricsError> {
    let (value, slack): (f64, f64) = (p.into(), SLACK * P::EPSILON);
    if value < -slack || value > 1.0 + slack { Err(MetricsError::Probability { row, class, value }) } else { Ok(()) }
}

/// The ROC AUC: of the second of two classes, or the mean of each against the rest.
fn one_against_rest<'a, P: Probability + 'a>(
    labels: &[usize],
    rows: &(impl Iterator<Item = &'a [P]> + Clone),
    classes: usize,
) -> Option<f64> {
    let judged = if classes == 2 { 1..2 } else { 0..classes };
    // A class without rows leaves it undefined: this is known at once, and not after sorting the scores of a thousand classes.
    let usable = || labels.iter().zip(rows.clone()).filter(|(_, row)| !row.iter().any(|p| (*p).into().is_nan()));
    let mut present = vec![false; classes];
    usable().for_each(|(label, _)| present[*label] = true);
    if present.contains(&false) {
        return None;
    }
    let mut scores = Vec::new();
    let mut sum = Sum::default();
    for class in judged.clone() {
        scores.clear();
        scores.extend(usable().map(|(label, row)| (row[class].into(), *label == class)));
        sum.add(roc_auc(&mut scores)?);
    }
    Some(mean(sum.value(), judged.len()))
}

pub(super) fn check_length(what: &'static str, found: usize, expected: usize, rows: usize) -> Result<(), MetricsError> {
    if found == expected { Ok(()) } else { Err(MetricsError::Length { what, found, expected, rows }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_with_nan_is_wrong_and_counted() {
        let labels = [0, 1, 1, 0];
        let metrics = ClassMetrics::binary(&labels, &[0.2, 0.7, f64::NAN, 0.1]).unwrap();
        assert_eq!((metrics.rows, metrics.not_a_number, metrics.accuracy), (4, 1, 0.75));
        assert_eq!((metrics.classes[1].recall, metrics.classes[1].precision), (0.5, 1.0));
        // The others are judged as if they were alone.
        let alone = ClassMetrics::binary(&[0, 1, 0], &[0.2, 0.7, 0.1]).unwrap();
        assert_eq!(
            (metrics.log_loss, metrics.brier_score, metrics.roc_auc, &metrics.calibration, &metrics.confusion),
            (alone.log_loss, alone.brier_score, alone.roc_auc, &alone.calibration, &alone.confusion)
        );
        let nothing = ClassMetrics::binary(&labels, &[f32::NAN; 4]).unwrap();
        assert_eq!((nothing.accuracy, nothing.macro_f1, nothing.roc_auc), (0.0, 0.0, None));
        assert!(nothing.log_loss.is_nan() && nothing.brier_score.is_nan());
    }

    #[test]
    fn what_cannot_be_judged_is_named() {
        let new = |labels: &[usize], p: &[f64], classes| ClassMetrics::new(labels, p, classes).unwrap_err().to_string();
        for (message, words) in [
            (new(&[], &[], 2), "no examples"),
            (new(&[0], &[1.0], 1), "1 classes: expected at least 2"),
            (new(&[0, 1], &[1.0, 0.0], 2), "2 probabilities for 2 examples: expected 4"),
            (new(&[0, 2], &[0.5; 4], 2), "example 1 (counted from 0) has the label 2: expected 0 to 1"),
            (new(&[0], &[3.5, -1.0], 2), "class 0: 3.5 is no probability"),
            (new(&[0], &[f64::INFINITY, 0.0], 2), "class 0: inf is no probability"),
            (new(&[0], &[0.5, 0.6], 2), "sum to 1.1: expected 1"),
            (ClassMetrics::binary(&[0], &[3.5]).unwrap_err().to_string(), "class 1: 3.5 is no probability"),
        ] {
            assert!(message.contains(words), "{message}");
        }
        let metrics = ClassMetrics::binary(&[0, 1], &[0.2, 0.7]).unwrap();
        assert!(metrics.clone().with_names(["a"]).unwrap_err().to_string().contains("1 names"));
        assert_eq!(metrics.with_names(["a", "b"]).unwrap().classes[1].name, "b");
    }

    #[test]
    fn many_classes_have_no_matrix() {
        let classes = MOST_CONFUSED + 1;
        let mut row = vec![0.0_f32; classes];
        row[3] = 1.0;
        let metrics = ClassMetrics::new(&[3], &row, classes).unwrap();
        assert_eq!((metrics.accuracy, metrics.confusion, metrics.roc_auc), (1.0, None, None));
    }
}
