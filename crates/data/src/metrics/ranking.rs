//! Metrics that only know the order of scores: the area under the ROC curve and top-k accuracy.

use serde::Serialize;

/// The share of rows whose true class is among the k most probable.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TopK {
    /// How many classes are looked at.
    pub k: usize,
    /// The share of rows, 0 to 1. Rows without a prediction count as wrong.
    pub accuracy: f64,
}

/// The k of [`TopK`]; only those below the number of classes are reported.
pub(super) const TOP: [usize; 3] = [2, 3, 5];

/// How many classes stand before the true one when classes are sorted by falling probability. Of equal ones the later class comes first, as
/// in scikit-learn's `top_k_accuracy_score`.
pub(super) fn place(probabilities: impl Iterator<Item = f64>, label: usize, of_label: f64) -> usize {
    probabilities.enumerate().filter(|(class, p)| *p > of_label || (*p == of_label && *class > label)).count()
}

/// The area under the ROC curve: the chance that a positive row has a higher score than a negative one, where equal scores count half
/// (midranks). None if there is no positive or no negative row. `scores` are reordered.
pub(super) fn roc_auc(scores: &mut [(f64, bool)]) -> Option<f64> {
    let positive = scores.iter().filter(|(_, positive)| *positive).count() as u128;
    let negative = (scores.len() as u128).saturating_sub(positive);
    if positive == 0 || negative == 0 {
        return None;
    }
    scores.sort_unstable_by(|(a, _), (b, _)| a.total_cmp(b));
    // Twice the pairs that are in order, so that a tie, half a pair, is an integer. No pairs of 2⁶⁴ rows exceed u128.
    let (mut below, mut twice) = (0_u128, 0_u128);
    // Zero and −0 are one score, which `total_cmp` puts side by side.
    for tied in scores.chunk_by(|(a, _), (b, _)| a == b) {
        let of_positive = tied.iter().filter(|(_, positive)| *positive).count() as u128;
        let of_negative = (tied.len() as u128).saturating_sub(of_positive);
        let won = below.saturating_mul(2).saturating_add(of_negative);
        twice = twice.saturating_add(of_positive.saturating_mul(won));
        below = below.saturating_add(of_negative);
    }
    Some(twice as f64 / (2.0 * positive as f64 * negative as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_count_half() {
        assert_eq!(roc_auc(&mut [(0.5, true), (0.5, false)]), Some(0.5));
        assert_eq!(roc_auc(&mut [(-0.0, true), (0.0, false)]), Some(0.5));
        assert_eq!(roc_auc(&mut [(0.1, false), (0.5, true), (0.5, false), (0.9, true)]), Some(3.5 / 4.0));
        assert_eq!(roc_auc(&mut [(0.1, false), (0.2, false)]), None);
        assert_eq!(roc_auc(&mut []), None);
    }

    #[test]
    fn the_later_of_equal_classes_comes_first() {
        let row = [0.3, 0.3, 0.4];
        let places: Vec<usize> = (0..3).map(|label| place(row.into_iter(), label, row[label])).collect();
        assert_eq!(places, [2, 1, 0]);
    }
}
