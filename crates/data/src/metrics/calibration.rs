//! Calibration: whether events of probability 0.7 happen in 70 % of all cases.

use serde::Serialize;

use super::{Sum, count, mean};

/// Bins of equal width, from 0 to 1.
pub const CALIBRATION_BINS: usize = 10;

/// The rows whose probability lies in one bin.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CalibrationBin {
    /// Where the bin begins. A probability of exactly this belongs to the bin before; 0 belongs to the first.
    pub from: f64,
    /// Where it ends, this probability included.
    pub to: f64,
    /// How many rows lie in it.
    pub count: usize,
    /// Their mean probability; none if there are none.
    pub mean_predicted: Option<f64>,
    /// The share of them in which the event happened; none if there are none.
    pub fraction_positive: Option<f64>,
}

/// Collects rows into bins, as scikit-learn's `calibration_curve` with `strategy="uniform"`.
#[derive(Clone, Debug, Default)]
pub(super) struct Calibration {
    bins: [(usize, usize, Sum); CALIBRATION_BINS],
}

/// Where a bin begins, or, for [`CALIBRATION_BINS`], where the last one ends. NumPy's `linspace` rounds the same way.
fn edge(bin: usize) -> f64 {
    if bin >= CALIBRATION_BINS { 1.0 } else { bin as f64 * (1.0 / CALIBRATION_BINS as f64) }
}

impl Calibration {
    /// A row: the probability of an event, and whether it happened.
    pub(super) fn add(&mut self, probability: f64, happened: bool) {
        let bin = (1..CALIBRATION_BINS).filter(|bin| edge(*bin) < probability).count();
        let (rows, positive, sum) = &mut self.bins[bin];
        count(rows);
        if happened {
            count(positive);
        }
        sum.add(probability);
    }

    pub(super) fn finish(&self) -> Vec<CalibrationBin> {
        let bins = self.bins.iter().enumerate();
        bins.map(|(bin, (rows, positive, sum))| CalibrationBin {
            from: edge(bin),
            to: edge(bin.saturating_add(1)),
            count: *rows,
            mean_predicted: (*rows > 0).then(|| mean(sum.value(), *rows)),
            fraction_positive: (*rows > 0).then(|| mean(*positive as f64, *rows)),
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_probability_has_one_bin() {
        let mut calibration = Calibration::default();
        for probability in [0.0, 0.1, 0.1 + f64::EPSILON, 1.0] {
            calibration.add(probability, probability == 1.0);
        }
        let bins = calibration.finish();
        let counts: Vec<usize> = bins.iter().map(|bin| bin.count).collect();
        assert_eq!(counts, [2, 1, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(
            (bins[2].mean_predicted, bins[9].fraction_positive, bins[0].fraction_positive),
            (None, Some(1.0), Some(0.0))
        );
        assert_eq!((bins[0].from, bins[9].to), (0.0, 1.0));
    }
}
