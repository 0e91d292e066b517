//! Formulas of the losses, each with its gradient.

use nxm_kernels::Function;
use nxm_net::Loss;

use super::Vectors;
use crate::kind::{Kind, Overflow};
use crate::ops::Ops;
use crate::tally::Tally;

const MUL: Ops = Ops::one(Kind::Mul);
const ADD: Ops = Ops::one(Kind::Add);
const DIV: Ops = Ops::one(Kind::Div);

/// Fails with [`Overflow`] if a count exceeds 128 bits.
impl Vectors {
    /// A loss and its gradient, for `rows` examples of `cols` outputs.
    pub fn loss(self, loss: Loss, rows: u128, cols: u128) -> Result<Tally, Overflow> {
        match loss {
            Loss::MeanSquaredError => self.mean_squared_error(rows, cols),
            Loss::CrossEntropy => self.cross_entropy(rows, cols),
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
}
