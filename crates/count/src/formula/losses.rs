//! Formulas of the losses, each with its gradient.

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

/// Fails with [`Overflow`] if a count exceeds 128 bits.
impl Vectors {
    /// For n outputs: n differences d, Σ d² as a dot product for each row, which are added, its mean (1 mul by 1/n), and the gradient
    /// d·(2/n). In all 2n + 1 multiplications, 2n − 1 additions.
    pub(super) fn mean_squared_error(self, outputs: Layout, targets: Layout, delta: Layout) -> Result<Tally, Overflow> {
        let differences = self.together(&mean_squared_error_beside(outputs, targets, delta));
        let of_delta = self.together(&[delta]);
        let squares = self.dot(of_delta.len)?.times(of_delta.count)?;
        Tally::sum([
            self.map_rows(ADD, differences)?,
            squares,
            self.scalar(ADD, of_delta.count - 1)?,
            self.scale(of_delta)?,
            self.scalar(MUL, 1)?,
        ])
    }

    /// For n outputs: n times 1 − t (1 addition), softplus and their fma, σ − t (1 evaluation, 1 addition) and its mean (1 mul); the sum
    /// of the losses by rows, which are added, and its mean (1 mul).
    pub(super) fn binary_cross_entropy(self, logits: Layout, losses: Layout, delta: Layout) -> Result<Tally, Overflow> {
        let rows = self.together(&[logits, losses, delta]);
        let [softplus, sigmoid] = [Function::Softplus, Function::Sigmoid].map(|function| self.evaluation(function));
        let per_element = [ADD, softplus, FMA, sigmoid, ADD, MUL];
        let elements = per_element.into_iter().map(|ops| self.map_rows(ops, rows));
        let elements = Tally::sum(elements.collect::<Result<Vec<_>, Overflow>>()?)?;
        let sums = self.sum(rows.len)?.times(rows.count)?;
        Tally::sum([elements, sums, self.scalar(ADD, rows.count - 1)?, self.scalar(MUL, 1)?])
    }

    /// Rows of matrices side by side, taken together if they have no gaps.
    fn together(self, matrices: &[Layout]) -> Rows {
        Rows::of(matrices, self.lanes, Taken::Together)
    }

    /// Per row: e^{z − max}, their sum and its logarithm; the row's loss (1 addition); (1/rows) / sum (1 div), the gradient
    /// e·that, less 1/rows at the label (1 addition). Then the sum of the rows' losses, and their mean (1 mul).
    pub(super) fn cross_entropy(self, logits: Layout) -> Result<Tally, Overflow> {
        let [rows, cols] = [logits.rows, logits.cols].map(|side| side as u128);
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
    pub(super) fn weighted_cross_entropy(self, logits: Layout) -> Result<Tally, Overflow> {
        let [rows, cols] = [logits.rows, logits.cols].map(|side| side as u128);
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
}

/// Matrices that the differences of a mean squared error run over: targets of other strides stand where the gradient will be.
pub(super) fn mean_squared_error_beside(outputs: Layout, targets: Layout, delta: Layout) -> Vec<Layout> {
    let side_by_side = targets.has_rows();
    [delta, outputs].into_iter().chain(side_by_side.then_some(targets)).collect()
}
