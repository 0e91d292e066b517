//! Numbers of twice f64's precision, as unevaluated sums: about 31 decimal digits, in f64's range.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// high + low, |low| at most half a unit in the last place of high.
#[derive(Clone, Copy, Debug)]
pub struct DoubleDouble {
    pub high: f64,
    pub low: f64,
}

/// ln 2, and 2/√π.
const LN_2: DoubleDouble = DoubleDouble { high: std::f64::consts::LN_2, low: 2.319_046_813_846_3e-17 };

/// a + b exactly; |a| ≥ |b|.
fn quick_two_sum(a: f64, b: f64) -> DoubleDouble {
    let high = a + b;
    DoubleDouble { high, low: b - (high - a) }
}

/// a + b exactly.
fn two_sum(a: f64, b: f64) -> DoubleDouble {
    let high = a + b;
    let kept = high - a;
    DoubleDouble { high, low: (a - (high - kept)) + (b - kept) }
}

impl From<f64> for DoubleDouble {
    fn from(high: f64) -> Self {
        DoubleDouble { high, low: 0.0 }
    }
}

impl Add for DoubleDouble {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        let (high, low) = (two_sum(self.high, other.high), two_sum(self.low, other.low));
        let first = quick_two_sum(high.high, high.low + low.high);
        quick_two_sum(first.high, first.low + low.low)
    }
}

impl Neg for DoubleDouble {
    type Output = Self;
    fn neg(self) -> Self {
        DoubleDouble { high: -self.high, low: -self.low }
    }
}

impl Sub for DoubleDouble {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Mul for DoubleDouble {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        let product = self.high * other.high;
        let lost = self.high.mul_add(other.high, -product);
        quick_two_sum(product, lost + (self.high * other.low + self.low * other.high))
    }
}

impl Div for DoubleDouble {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        let first = self.high / other.high;
        let rest = self - other * first.into();
        let second = rest.high / other.high;
        let rest = rest - other * second.into();
        quick_two_sum(first, second) + (rest.high / other.high).into()
    }
}

impl DoubleDouble {
    /// `parts` · 2ⁿ, in two steps so that the factors are finite.
    fn scale(self, n: i32) -> Self {
        let half = n / 2;
        let by = |x: f64| x * 2f64.powi(half) * 2f64.powi(n - half);
        DoubleDouble { high: by(self.high), low: by(self.low) }
    }

    /// e^self − 1 for |self| < 1: the series at self/256, squared eight times as (1 + m)² − 1 = m·(2 + m).
    fn exp_m1_small(self) -> Self {
        let r = self.scale(-8);
        let mut term = r;
        let mut sum = r;
        for i in 2..14 {
            term = term * r / f64::from(i).into();
            sum = sum + term;
        }
        for _ in 0..8 {
            sum = sum * (sum + 2.0.into());
        }
        sum
    }

    /// (e^r − 1, n) with self = n·ln 2 + r.
    fn reduced_exp_m1(self) -> (Self, i32) {
        let n = (self.high / std::f64::consts::LN_2).round();
        ((self - LN_2 * n.into()).exp_m1_small(), n as i32)
    }

    /// e^self as (significand, exponent), so that it neither overflows nor loses its low part: |self| < 10⁶.
    pub fn exp_parts(self) -> (Self, i32) {
        let (m, n) = self.reduced_exp_m1();
        (m + 1.0.into(), n)
    }

    /// e^self.
    pub fn exp(self) -> Self {
        let (m, n) = self.exp_parts();
        m.scale(n)
    }

    /// e^self − 1.
    pub fn exp_m1(self) -> Self {
        if self.high.abs() < 0.5 { self.exp_m1_small() } else { self.exp() - 1.0.into() }
    }

    /// ln self, by two of Newton's steps from f64's.
    pub fn ln(self) -> Self {
        let mut y = DoubleDouble::from(self.high.ln());
        for _ in 0..2 {
            let (m, n) = (-y).exp_parts();
            // self·e^{−y} is near 1: the scale goes to the smaller part first.
            y = y + (self.scale(n) * m - 1.0.into());
        }
        y
    }

    /// ln(1 + self), by two of Newton's steps on e^y − 1 = self.
    pub fn ln_1p(self) -> Self {
        if self.high.abs() > 0.4 {
            return (self + 1.0.into()).ln();
        }
        let mut y = DoubleDouble::from(self.high.ln_1p());
        for _ in 0..2 {
            let m = y.exp_m1();
            y = y - (m - self) / (m + 1.0.into());
        }
        y
    }
}
