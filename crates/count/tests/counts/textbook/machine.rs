//! The machine that the textbook calculates on: each of its operations is counted.

use std::collections::BTreeMap;

/// Arithmetic on f64 that counts. A fused multiply-add is one multiplication and one addition.
#[derive(Debug, Default)]
pub struct Machine {
    pub multiplications: u128,
    pub additions: u128,
    pub div: u128,
    pub sqrt: u128,
    pub cmp: u128,
    /// Evaluations by name.
    pub functions: BTreeMap<&'static str, u128>,
}

impl Machine {
    /// a·b + c.
    pub fn fma(&mut self, a: f64, b: f64, c: f64) -> f64 {
        self.multiplications += 1;
        self.additions += 1;
        a * b + c
    }
    /// a·b.
    pub fn mul(&mut self, a: f64, b: f64) -> f64 {
        self.multiplications += 1;
        a * b
    }
    /// a + b.
    pub fn add(&mut self, a: f64, b: f64) -> f64 {
        self.additions += 1;
        a + b
    }
    /// a − b.
    pub fn sub(&mut self, a: f64, b: f64) -> f64 {
        self.additions += 1;
        a - b
    }
    /// a / b.
    pub fn div(&mut self, a: f64, b: f64) -> f64 {
        self.div += 1;
        a / b
    }
    /// √a.
    pub fn sqrt(&mut self, a: f64) -> f64 {
        self.sqrt += 1;
        a.sqrt()
    }
    /// Whether a < b.
    pub fn less(&mut self, a: f64, b: f64) -> bool {
        self.cmp += 1;
        a < b
    }
    /// The larger of both.
    pub fn max(&mut self, a: f64, b: f64) -> f64 {
        self.cmp += 1;
        if a > b { a } else { b }
    }
    /// One evaluation of a function; what happens inside is not counted.
    pub fn evaluate(&mut self, name: &'static str, function: impl Fn(f64) -> f64, x: f64) -> f64 {
        *self.functions.entry(name).or_default() += 1;
        function(x)
    }
    /// Σ aᵢ·bᵢ without an addition to zero: n multiplications, n − 1 additions.
    pub fn dot(&mut self, terms: impl IntoIterator<Item = (f64, f64)>) -> f64 {
        let mut terms = terms.into_iter();
        let (a, b) = terms.next().expect("a term");
        let first = self.mul(a, b);
        terms.fold(first, |sum, (a, b)| self.fma(a, b, sum))
    }
    /// Σ aᵢ without an addition to zero: n − 1 additions.
    pub fn sum(&mut self, terms: impl IntoIterator<Item = f64>) -> f64 {
        let mut terms = terms.into_iter();
        let first = terms.next().expect("a term");
        terms.fold(first, |sum, a| self.add(sum, a))
    }
}
