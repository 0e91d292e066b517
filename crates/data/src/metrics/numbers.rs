//! Predicted numbers against targets.

use serde::Serialize;

use super::classes::check_length;
use super::{MetricsError, Sum, mean};

/// How good predicted numbers are.
///
/// A prediction that is NaN or infinite is counted in [`not_finite`](Self::not_finite) and left out of all metrics, which are NaN if no
/// prediction is finite.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NumberMetrics {
    /// How many rows were judged.
    pub rows: usize,
    /// Predictions that are NaN or infinite.
    pub not_finite: usize,
    /// The square root of the mean squared error, in the unit of the target.
    pub rmse: f64,
    /// The mean squared error.
    pub mse: f64,
    /// The mean absolute error, in the unit of the target.
    pub mae: f64,
    /// R² = 1 − Σ(y − p)² ÷ Σ(y − ȳ)²: 1 is perfect, 0 is as good as the mean of these targets. Where all targets are equal it is 1 if all
    /// predictions are right, and otherwise 0. None with fewer than two rows.
    pub r2: Option<f64>,
    /// Half of the rows are off by at most this much.
    pub median_absolute_error: f64,
    /// No row is off by more.
    pub max_error: f64,
}

impl NumberMetrics {
    /// Judges predictions by targets.
    ///
    /// # Errors
    /// [`MetricsError`] if there is no row, if the lengths differ, or if a target is NaN or infinite.
    pub fn new(targets: &[f64], predictions: &[f64]) -> Result<NumberMetrics, MetricsError> {
        check_length("predictions", predictions.len(), targets.len(), targets.len())?;
        check_targets(targets)?;
        let pairs = || targets.iter().zip(predictions).filter(|(_, prediction)| prediction.is_finite());
        let mut errors: Vec<f64> = pairs().map(|(target, prediction)| (target - prediction).abs()).collect();
        let rows = errors.len();
        let squares = Sum::of(errors.iter().map(|error| error * error));
        let mse = mean(squares, rows);
        Ok(NumberMetrics {
            rows: targets.len(),
            not_finite: targets.len().saturating_sub(rows),
            rmse: mse.sqrt(),
            mse,
            mae: mean(Sum::of(errors.iter().copied()), rows),
            r2: r2(squares, pairs().map(|(target, _)| *target)),
            max_error: errors.iter().copied().reduce(f64::max).unwrap_or(f64::NAN),
            median_absolute_error: median(&mut errors),
        })
    }
}

/// There is at least one, and all are finite.
pub(super) fn check_targets(targets: &[f64]) -> Result<(), MetricsError> {
    if targets.is_empty() {
        return Err(MetricsError::Empty);
    }
    match targets.iter().position(|target| !target.is_finite()) {
        Some(row) => Err(MetricsError::Target { row, value: targets[row] }),
        None => Ok(()),
    }
}

fn r2(squares: f64, targets: impl Iterator<Item = f64> + Clone) -> Option<f64> {
    let rows = targets.clone().count();
    let first = targets.clone().next().filter(|_| rows > 1)?;
    // Asked of the targets, and not of their variance, which rounding keeps from being 0.
    if targets.clone().all(|target| target == first) {
        return Some(if squares == 0.0 { 1.0 } else { 0.0 });
    }
    let centre = mean(Sum::of(targets.clone()), rows);
    Some(1.0 - squares / Sum::of(targets.map(|target| (target - centre).powi(2))))
}

/// The middle one, or the mean of the two in the middle; NaN if there are none. Reorders them.
fn median(numbers: &mut [f64]) -> f64 {
    let middle = numbers.len() / 2;
    if numbers.is_empty() {
        return f64::NAN;
    }
    let odd = numbers.len() % 2 == 1;
    let (below, upper, _) = numbers.select_nth_unstable_by(middle, f64::total_cmp);
    let lower = below.iter().copied().reduce(f64::max).filter(|_| !odd);
    lower.map_or(*upper, |lower| lower / 2.0 + *upper / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn predictions_that_are_not_finite_are_counted_and_left_out() {
        let metrics = NumberMetrics::new(&[1.0, 2.0, 3.0, 9.0], &[1.5, 2.0, 3.0, f64::NAN]).unwrap();
        let alone = NumberMetrics::new(&[1.0, 2.0, 3.0], &[1.5, 2.0, 3.0]).unwrap();
        assert_eq!(metrics, NumberMetrics { rows: 4, not_finite: 1, ..alone });
        let nothing = NumberMetrics::new(&[1.0], &[f64::INFINITY]).unwrap();
        assert!(nothing.rmse.is_nan() && nothing.median_absolute_error.is_nan() && nothing.r2.is_none());
    }

    #[test]
    fn what_cannot_be_judged_is_named() {
        for (targets, predictions, words) in [
            (&[][..], &[][..], "no examples"),
            (&[1.0][..], &[1.0, 2.0][..], "2 predictions for 1 examples: expected 1"),
            (&[1.0, f64::NAN][..], &[1.0, 2.0][..], "example 1 (counted from 0) has the target NaN"),
        ] {
            let message = NumberMetrics::new(targets, predictions).unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        }
    }

    #[test]
    fn medians_are_the_middle() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), 2.5);
    }
}
