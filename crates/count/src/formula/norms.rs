//! Formulas of norms, of gradients of softmaxes, of products of elements and of running means.

use nxm_kernels::{Function, Layout};

use super::Vectors;
use super::rows::{Rows, Taken};
use crate::kind::{Kind, Overflow};
use crate::ops::Ops;
use crate::tally::Tally;

const MUL: Ops = Ops::one(Kind::Mul);
const ADD: Ops = Ops::one(Kind::Add);
const FMA: Ops = Ops::one(Kind::Fma);
const DIV: Ops = Ops::one(Kind::Div);
const SQRT: Ops = Ops::one(Kind::Sqrt);

/// Every formula here fails with [`Overflow`] if a count exceeds 128 bits, and only then. Norms take each row for itself.
impl Vectors {
    /// x·y for each element: 1 mul.
    pub(super) fn multiply_elements(self, matrices: &[Layout]) -> Result<Tally, Overflow> {
        self.map_rows(MUL, Rows::of(matrices, self.lanes, Taken::Together))
    }

    /// keep·y + add·x for each element: 1 mul, 1 fma.
    pub(super) fn blend(self, matrices: &[Layout]) -> Result<Tally, Overflow> {
        let rows = Rows::of(matrices, self.lanes, Taken::Together);
        self.map_rows(MUL, rows)?.plus(&self.map_rows(FMA, rows)?)
    }

    /// Σ over rows of A ⊙ B, starting from zero: rows·cols fma.
    pub(super) fn column_dot(self, rows: u128, cols: u128) -> Result<Tally, Overflow> {
        self.map(FMA, cols)?.times(rows)
    }

    /// Per row: the mean (a sum, 1 mul), x less that; the variance (a dot product, 1 mul), 1 / √(variance + ε); x̂ (1 mul), γ·x̂ + β (1 fma).
    pub(super) fn layer_norm(self, a: Layout) -> Result<Tally, Overflow> {
        let [rows, cols] = [a.rows, a.cols].map(|side| side as u128);
        let single = self.singles(&[MUL, MUL, ADD, SQRT, DIV])?;
        let row = [self.sum(cols)?, self.dot(cols)?, single, self.maps(&[ADD, MUL, FMA], cols)?];
        Tally::sum(row)?.times(rows)
    }

    /// Per row: g = δ·γ (1 mul), its mean (a sum, 1 mul) and that of g·x̂ (a dot product, 1 mul); g less both (1 addition, 1 fma), scaled (1 mul).
    pub(super) fn layer_norm_gradient(self, d: Layout) -> Result<Tally, Overflow> {
        let [rows, cols] = [d.rows, d.cols].map(|side| side as u128);
        let single = self.singles(&[MUL, MUL])?;
        let row = [self.sum(cols)?, self.dot(cols)?, single, self.maps(&[MUL, ADD, FMA, MUL], cols)?];
        Tally::sum(row)?.times(rows)
    }

    /// Per row: Σ δ·a (a dot product), δ less that (1 addition), times a (1 mul).
    pub(super) fn softmax_gradient(self, d: Layout) -> Result<Tally, Overflow> {
        let [rows, cols] = [d.rows, d.cols].map(|side| side as u128);
        self.dot(cols)?.plus(&self.maps(&[ADD, MUL], cols)?)?.times(rows)
    }

    /// Per row: Σ δ, eᵃ, and δ less both's product (1 fma).
    pub(super) fn log_softmax_gradient(self, d: Layout) -> Result<Tally, Overflow> {
        let [rows, cols] = [d.rows, d.cols].map(|side| side as u128);
        let exp = self.evaluation(Function::Exp);
        self.sum(cols)?.plus(&self.maps(&[exp, FMA], cols)?)?.times(rows)
    }

    /// Column sums, the means (1 mul each), x less those, the sum of squares (1 fma each), the variances (1 mul each) and 1 / √(variance + ε);
    /// x̂ (1 mul), γ·x̂ + β (1 fma).
    pub(super) fn batch_norm(self, a: Layout) -> Result<Tally, Overflow> {
        let [rows, cols] = [a.rows, a.cols].map(|side| side as u128);
        let of_elements = self.maps(&[ADD, FMA, MUL, FMA], cols)?.times(rows)?;
        Tally::sum([self.column_sum(rows, cols)?, of_elements, self.maps(&[MUL, MUL, ADD, SQRT, DIV], cols)?])
    }

    /// Of a column γ·scale and the means of both sums (3 mul); δ less these (1 addition, 1 fma), scaled (1 mul).
    pub(super) fn batch_norm_gradient(self, d: Layout) -> Result<Tally, Overflow> {
        let [rows, cols] = [d.rows, d.cols].map(|side| side as u128);
        self.maps(&[ADD, FMA, MUL], cols)?.times(rows)?.plus(&self.maps(&[MUL; 3], cols)?)
    }

    /// Of a column γ / √(variance + ε), and β less that times the mean (1 fma); of each element 1 fma.
    pub(super) fn batch_norm_evaluate(self, a: Layout) -> Result<Tally, Overflow> {
        let [rows, cols] = [a.rows, a.cols].map(|side| side as u128);
        self.maps(&[FMA], cols)?.times(rows)?.plus(&self.maps(&[ADD, SQRT, DIV, FMA], cols)?)
    }

    /// Each of these operations once for each of n elements.
    fn maps(self, operations: &[Ops], n: u128) -> Result<Tally, Overflow> {
        let tallies = operations.iter().map(|ops| self.map(*ops, n));
        Tally::sum(tallies.collect::<Result<Vec<_>, Overflow>>()?)
    }

    /// Each of these operations once, on a single element.
    fn singles(self, operations: &[Ops]) -> Result<Tally, Overflow> {
        let tallies = operations.iter().map(|ops| self.scalar(*ops, 1));
        Tally::sum(tallies.collect::<Result<Vec<_>, Overflow>>()?)
    }
}
