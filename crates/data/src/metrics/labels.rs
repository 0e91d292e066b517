//! Several yes-or-no labels of each row.

use serde::Serialize;

use super::classes::check_length;
use super::{ClassMetrics, MetricsError, Probability, Sum, count, mean, share_of};

/// How good the probabilities of several labels are, each of which a row has or does not have. A label is predicted where its probability
/// is above one half.
///
/// A row with NaN counts as wrong in the subset accuracy; what NaN means for a label alone, [`ClassMetrics`] says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LabelMetrics {
    /// How many rows were judged.
    pub rows: usize,
    /// Rows with NaN among their probabilities.
    pub not_a_number: usize,
    /// The share of rows all of whose labels are right.
    pub subset_accuracy: f64,
    /// The mean over the labels of F1 of "yes".
    pub macro_f1: f64,
    /// Names of the labels; their numbers if they have none.
    pub names: Vec<String>,
    /// Of each label alone: "no" is class 0, "yes" class 1.
    pub labels: Vec<ClassMetrics>,
}

impl LabelMetrics {
    /// Judges `probabilities` by what the rows have; both are row-major `[rows, labels]`.
    ///
    /// # Errors
    /// [`MetricsError`] if there is no row or no label, if the lengths differ, or if a number is no probability.
    pub fn new<P: Probability>(has: &[bool], probabilities: &[P], labels: usize) -> Result<LabelMetrics, MetricsError> {
        let rows = has.len().checked_div(labels).filter(|rows| *rows > 0).ok_or(MetricsError::Empty)?;
        check_length("labels", has.len(), rows.saturating_mul(labels), rows)?;
        check_length("probabilities", probabilities.len(), has.len(), rows)?;
        let (mut right, mut not_a_number) = (0, 0);
        for (has, row) in has.chunks_exact(labels).zip(probabilities.chunks_exact(labels)) {
            if row.iter().any(|p| (*p).into().is_nan()) {
                count(&mut not_a_number);
            } else if has.iter().zip(row).all(|(has, p)| ((*p).into() > 0.5) == *has) {
                count(&mut right);
            }
        }
        let each = LabelMetrics::each(has, labels, |label, has| {
            let column: Vec<P> = probabilities.iter().skip(label).step_by(labels).copied().collect();
            ClassMetrics::binary(has, &column)
        })?;
        Ok(LabelMetrics::summary(rows, not_a_number, share_of(right, rows), each))
    }

    /// Judges each label alone.
    pub(super) fn each(
        has: &[bool],
        labels: usize,
        mut judge: impl FnMut(usize, &[usize]) -> Result<ClassMetrics, MetricsError>,
    ) -> Result<Vec<ClassMetrics>, MetricsError> {
        let column = |label| has.iter().skip(label).step_by(labels).map(|has| usize::from(*has));
        (0..labels).map(|label| judge(label, &column(label).collect::<Vec<_>>())?.with_names(["no", "yes"])).collect()
    }

    pub(super) fn summary(
        rows: usize,
        not_a_number: usize,
        subset_accuracy: f64,
        labels: Vec<ClassMetrics>,
    ) -> LabelMetrics {
        let f1 = Sum::of(labels.iter().map(|label| label.classes[1].f1));
        let names = (0..labels.len()).map(|label| label.to_string()).collect();
        LabelMetrics { rows, not_a_number, subset_accuracy, macro_f1: mean(f1, labels.len()), names, labels }
    }

    /// The same with the names of the labels.
    ///
    /// # Errors
    /// [`MetricsError::Length`] if there are not as many names as labels.
    pub fn with_names<N: Into<String>>(
        mut self,
        names: impl IntoIterator<Item = N>,
    ) -> Result<LabelMetrics, MetricsError> {
        self.names = names.into_iter().map(Into::into).collect();
        check_length("names", self.names.len(), self.labels.len(), self.labels.len())?;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_right_if_all_its_labels_are() {
        let has = [true, false, true, true, false, false, true, false];
        let metrics = LabelMetrics::new(&has, &[0.9, 0.1, 0.9, 0.5, 0.2, 0.3, f32::NAN, 0.2], 2).unwrap();
        assert_eq!((metrics.rows, metrics.not_a_number, metrics.subset_accuracy), (4, 1, 0.5));
        assert_eq!((metrics.labels[0].accuracy, metrics.labels[1].accuracy), (0.75, 0.75));
        assert_eq!(metrics.labels[0].classes[1].name, "yes");
    }

    #[test]
    fn what_cannot_be_judged_is_named() {
        assert_eq!(LabelMetrics::new::<f64>(&[], &[], 2), Err(MetricsError::Empty));
        assert_eq!(LabelMetrics::new::<f64>(&[true], &[0.5], 0), Err(MetricsError::Empty));
        let ragged = LabelMetrics::new(&[true, false, true], &[0.5; 3], 2).unwrap_err();
        assert!(matches!(ragged, MetricsError::Length { what: "labels", found: 3, expected: 2, .. }), "{ragged}");
        let short = LabelMetrics::new(&[true, false], &[0.5; 1], 2).unwrap_err();
        assert!(matches!(short, MetricsError::Length { what: "probabilities", found: 1, .. }), "{short}");
    }
}
