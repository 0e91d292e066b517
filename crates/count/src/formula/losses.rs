//! Formulas of the losses, each with its gradient.

use nxm_kernels::Function;
use nxm_net::Loss;

use super::Vectors;
use crate::kind::{Kind, Overflow};
use crate::ops::Ops;
use crate::tally::Tally;

const MUL: Ops = Ops::one(Kind::Mul);
const ADD: Ops = Ops::one(Kind::Add);
const FMA: Ops = Ops::one(Kind::Fma);
const DIV: Ops = Ops::one(Kind::Div);

/// Fails with [`Overflow`] if a count exceeds 128 bits.
impl Vectors {
    /// A loss and its gradient, for `rows` examples of `cols` outputs.
    pub fn loss(self, loss: &Loss, rows: u128, cols: u128) -> Result<Tally, Overflow> {
        match loss {
            Loss::MeanSquaredError => self.mean_squared_error(rows, cols),
            Loss::CrossEntropy { .. } if loss.is_weighted() => self.weighted_cross_entropy(rows, cols),
            Loss::CrossEntropy { .. } => self.cross_entropy(rows, cols),
            Loss::BinaryCrossEntropy => self.binary_cross_entropy(rows, cols),
        }
    }

    /// With n = rows·cols: n differences d, Σ d² as a dot product, its mean (1 mul by 1/n), and the gradient d·(2/n). In
    /// all 2n + 1 multiplications, 2n − 1 additions.
    fn mean_squared_error(self, rows: u128, cols: u128) -> Result<Tally, Overflow> {
        let n = rows.checked_mul(cols).ok_or(Overflow { what: "outputs" })?;
        Tally::sum([self.map(ADD, n)?, self.dot(n)?, self.scalar(MUL, 1)?, self.map(MUL, n)?])
    }

    /// Per row: e^{z − max}, their sum and its logarithm; the row's loss (1 addition); (1/rows) / sum (1 div), the gradient
    /// e·that, less 1/rows at the label (1 addition). Then the sum of the rows' losses, and their mean (1 mul).
    fn cross_entropy(self, rows: u128, cols: u128) -> Result<Tally, Overflow> {
        let row = Tally::sum([
            self.exp_shifted(cols)?,
            self.sum(cols)?,
            self.scalar(self.evaluation(Function::Log), 1)?,
            self.scalar(ADD, 2)?,
            self.scalar(DIV, 1)?,
            self.map(MUL, cols)?,
        ])?;
        Tally::sum([row.times(rows)?, self.sum(rows)?, self.scalar(MUL, 1)?])
    }

    /// Per row: z − max and Σ spread·(z − max), the exponentials, their sum and its logarithm; the row's loss (1 addition, 2 fma); the
    /// factor (1 addition, 1 mul, 1 div), the gradient e·factor − spread/Σ w, less own/Σ w at the label (1 fma). For the batch: Σ w
    /// and its inverse, the sum of the rows' losses times that.
    fn weighted_cross_entropy(self, rows: u128, cols: u128) -> Result<Tally, Overflow> {
        let row = Tally::sum([
            self.exp_shifted(cols)?,
            self.dot(cols)?,
            self.sum(cols)?,
            self.scalar(self.evaluation(Function::Log), 1)?,
            self.scalar(ADD, 2)?,
            self.scalar(FMA, 3)?,
        ])?;
        let gradient =
            Tally::sum([self.scalar(MUL, 1)?, self.scalar(DIV, 1)?, self.map(MUL, cols)?, self.map(FMA, cols)?])?;
        let batch = Tally::sum([self.sum(rows)?, self.sum(rows)?, self.scalar(DIV, 1)?, self.scalar(MUL, 1)?])?;
        row.plus(&gradient)?.times(rows)?.plus(&batch)
    }

    /// With n = rows·cols: n times 1 − t (1 addition), softplus and their fma, σ − t (1 evaluation, 1 addition) and its mean (1 mul);
    /// the sum of the losses and its mean (1 mul).
    fn binary_cross_entropy(self, rows: u128, cols: u128) -> Result<Tally, Overflow> {
        let n = rows.checked_mul(cols).ok_or(Overflow { what: "outputs" })?;
        let [softplus, sigmoid] = [Function::Softplus, Function::Sigmoid].map(|function| self.evaluation(function));
        let loss = Tally::sum([self.map(ADD, n)?, self.map(softplus, n)?, self.map(FMA, n)?])?;
        let gradient = Tally::sum([self.map(sigmoid, n)?, self.map(ADD, n)?, self.map(MUL, n)?])?;
        Tally::sum([loss, gradient, self.sum(n)?, self.scalar(MUL, 1)?])
    }
}
