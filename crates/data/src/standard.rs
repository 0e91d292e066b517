//! Numbers of any unit, brought near 1: in f64, rounded once.

use serde::{Deserialize, Serialize};

/// A number x becomes (x − mean) / deviation, so that what is learned is about as large as 1 whatever its unit is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standard {
    /// Of the training rows.
    pub mean: f64,
    /// The root of the mean square of the distances from the mean, in the training rows; 1 where they are all equal.
    pub deviation: f64,
}

impl Standard {
    /// What leaves numbers as they are.
    pub const NONE: Standard = Standard { mean: 0.0, deviation: 1.0 };

    /// Of these numbers. None if their sums overflow. Two passes.
    pub(crate) fn of<I: Iterator<Item = f64>>(numbers: impl Fn() -> I) -> Option<Standard> {
        let (mut count, mut sum, mut low, mut high) = (0.0, 0.0, f64::INFINITY, f64::NEG_INFINITY);
        for x in numbers() {
            (count, sum, low, high) = (count + 1.0, sum + x, f64::min(low, x), f64::max(high, x));
        }
        if count == 0.0 {
            return Some(Standard::NONE);
        }
        // The mean of equal numbers may differ from them by its rounding, and would make a deviation of it.
        if low == high {
            return Some(Standard { mean: low, deviation: 1.0 });
        }
        let mean = sum / count;
        let squares: f64 = numbers().map(|x| (x - mean) * (x - mean)).sum();
        let variance = squares / count;
        let standard = Standard { mean, deviation: if variance > 0.0 { variance.sqrt() } else { 1.0 } };
        standard.is_sane().then_some(standard)
    }

    /// Whether numbers can be scaled by it: a file may say anything.
    pub(crate) fn is_sane(&self) -> bool {
        self.mean.is_finite() && self.deviation > 0.0 && self.deviation.is_finite()
    }

    /// (x − mean) / deviation.
    pub fn scaled(&self, x: f64) -> f32 {
        ((x - self.mean) / self.deviation) as f32
    }

    /// The number that a scaled one stands for, with as many digits as that carries.
    pub fn number(&self, scaled: f32) -> f64 {
        let number = f64::from(scaled) * self.deviation + self.mean;
        // The distance to the next f32. Outputs below 1 in size are sums of numbers that are about as large as 1.
        let step = f64::from(f32::EPSILON) * self.deviation * f64::from(scaled.abs()).max(1.0) / 2.0;
        let after_the_first = number.abs().log10().floor() - step.log10().floor();
        if number == 0.0 || !after_the_first.is_finite() {
            return number;
        }
        const MOST: f64 = 16.0; // An f64 has no more than 17 digits.
        let after_the_first = after_the_first.clamp(0.0, MOST) as usize;
        format!("{number:.after_the_first$e}").parse().unwrap_or(number)
    }
}

/// The number in the middle of these, or the mean of the two that are; none of none. NaN is left out.
pub(crate) fn median(mut numbers: Vec<f64>) -> Option<f64> {
    numbers.retain(|x| !x.is_nan());
    let middle = numbers.len() / 2;
    if numbers.is_empty() {
        return None;
    }
    let even = numbers.len().is_multiple_of(2);
    let (below, upper, _) = numbers.select_nth_unstable_by(middle, f64::total_cmp);
    let upper = *upper;
    let lower = if even { below.iter().copied().fold(f64::NEG_INFINITY, f64::max) } else { upper };
    // Their sum may overflow.
    Some(lower / 2.0 + upper / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_numbers_have_no_deviation() {
        let tenth = [0.1; 10]; // whose sum is not 1
        assert_eq!(Standard::of(|| tenth.iter().copied()), Some(Standard { mean: 0.1, deviation: 1.0 }));
        assert_eq!(Standard::of(|| [1.0, 3.0].into_iter()), Some(Standard { mean: 2.0, deviation: 1.0 }));
        assert_eq!(Standard::of(|| [f64::MAX, f64::MIN].into_iter()), None);
    }

    #[test]
    fn a_number_has_the_digits_of_its_output() {
        assert_eq!(Standard::NONE.number(0.1), 0.1);
        let seconds = Standard { mean: 1_700_000_031.5, deviation: 18.5 };
        let number = seconds.number(-1.7027026);
        assert!((number - 1_700_000_000.0).abs() < 1e-5, "{number}");
        assert!(number.to_string().len() <= "1700000000.00000123".len(), "{number}");
        assert_eq!(Standard { mean: 7.0, deviation: 1e-30 }.number(1.0), 7.0);
        assert!(Standard::NONE.number(f32::NAN).is_nan() && Standard::NONE.number(f32::INFINITY).is_infinite());
    }

    #[test]
    fn a_median_is_in_the_middle() {
        assert_eq!(median(vec![3.0, f64::NAN, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 3.0, 2.0]), Some(2.5));
        assert_eq!(median(vec![f64::MAX, f64::MAX]), Some(f64::MAX));
        assert_eq!([median(vec![]), median(vec![f64::NAN])], [None, None]);
    }
}
