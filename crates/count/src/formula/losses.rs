//! Formulas of the losses, each with its gradient.

use nxm_kernels::{Function, Layout, Measure};

use super::Vectors;
use super::rows::{Rows, Taken};
use crate::kind::{Kind, Overflow};
use crate::ops::Ops;
use crate::tally::Tally;

const MUL: Ops = Ops::one(Kind::Mul);
const ADD: Ops = Ops::one(Kind::Add);
const FMA: Ops = Ops::one(Kind::Fma);
const DIV: Ops = Ops::one(Kind::Div);
const CMP: Ops = Ops::one(Kind::Cmp);

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
        let [softplus, sigmoid] = [Function::Log1PExp, Function::Sigmoid].map(|function| self.evaluation(function));
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

    /// For n logits: n times 1 − t (1 addition), softplus, its weight (1 fma), both times each other (1 mul) and their fma; σ, its weight (1
    /// fma), p·t (1 mul), their fma and its mean (1 mul); the sum of the losses by rows, which are added, and its mean (1 mul). The weights
    /// are those of a row, so that no rows are taken together.
    pub(super) fn weighted_binary_cross_entropy(
        self,
        [logits, positive, losses, delta]: [Layout; 4],
    ) -> Result<Tally, Overflow> {
        let of_loss = self.apart(&[logits, losses, delta, positive]);
        let of_gradient = self.apart(&[logits, delta, positive]);
        let [softplus, sigmoid] = [Function::Log1PExp, Function::Sigmoid].map(|function| self.evaluation(function));
        let losses = self.each(&[ADD, softplus, FMA, MUL, FMA], of_loss)?;
        let gradient = self.each(&[sigmoid, FMA, MUL, FMA, MUL], of_gradient)?;
        let sums = self.sum(of_loss.len)?.times(of_loss.count)?;
        Tally::sum([losses, gradient, sums, self.scalar(ADD, of_loss.count - 1)?, self.scalar(MUL, 1)?])
    }

    /// For n outputs: n times what the measure takes, and the slope of its gradient (1 mul); the sum of the losses by rows, which are added,
    /// and its mean (1 mul).
    pub(super) fn element_loss(
        self,
        measure: &Measure<f64>,
        outputs: Layout,
        losses: Layout,
        delta: Layout,
    ) -> Result<Tally, Overflow> {
        let rows = self.together(&[outputs, losses, delta]);
        let [exp, log] = [Function::Exp, Function::Log].map(|function| self.evaluation(function));
        let [softplus, sigmoid] = [Function::Log1PExp, Function::Sigmoid].map(|function| self.evaluation(function));
        // Of the loss, and of the gradient.
        let of_element = match measure {
            Measure::Squared => vec![ADD, MUL, ADD],
            Measure::Absolute => vec![ADD, ADD, CMP],
            Measure::Huber { .. } => vec![ADD, CMP, FMA, MUL, ADD, CMP, CMP],
            Measure::Quantile { .. } => vec![ADD, MUL, MUL, CMP, ADD, CMP, CMP],
            Measure::Poisson => vec![exp, FMA, exp, ADD],
            Measure::PoissonRate { .. } => vec![ADD, log, FMA, ADD, DIV, ADD],
            Measure::SoftMargin => vec![MUL, softplus, MUL, sigmoid, MUL],
            Measure::KullbackLeibler => vec![CMP, log, ADD, CMP, MUL],
        };
        let sums = self.sum(rows.len)?.times(rows.count)?;
        Tally::sum([
            self.each(&of_element, rows)?,
            self.each(&[MUL], rows)?,
            sums,
            self.scalar(ADD, rows.count - 1)?,
            self.scalar(MUL, 1)?,
        ])
    }

    /// For B rows: the sum of the weights, or that of their products with the shares and the sum of those; its inverse (1 div), unless it is 0
    /// (1 cmp), and the ratio (1 mul); the sum of each row's losses, and their sum with the weights; the loss (2 mul, 1 fma); a factor of each
    /// row, and the gradient times that.
    pub(super) fn weigh_rows(self, losses: Layout, shares: bool, delta: Layout) -> Result<Tally, Overflow> {
        let [rows, each] = [losses.rows, losses.cols].map(|side| side as u128);
        let total = if shares { self.dot(rows)?.plus(&self.sum(rows)?)? } else { self.sum(rows)? };
        let sums = if each == 1 { Tally::NONE } else { self.sum(each)?.times(rows)? };
        let single = [CMP, DIV, MUL, MUL, MUL, FMA].into_iter().map(|ops| self.scalar(ops, 1));
        let single = Tally::sum(single.collect::<Result<Vec<_>, Overflow>>()?)?;
        let factors = self.map(MUL, rows)?;
        Tally::sum([total, sums, self.dot(rows)?, single, factors, self.map_rows(MUL, self.apart(&[delta]))?])
    }

    /// These operations once for each element of some rows.
    fn each(self, operations: &[Ops], rows: Rows) -> Result<Tally, Overflow> {
        let tallies = operations.iter().map(|ops| self.map_rows(*ops, rows));
        Tally::sum(tallies.collect::<Result<Vec<_>, Overflow>>()?)
    }

    /// Rows of matrices side by side, each by itself.
    fn apart(self, matrices: &[Layout]) -> Rows {
        Rows::of(matrices, self.lanes, Taken::Apart)
    }
}

/// Matrices that the differences of a mean squared error run over: targets of other strides stand where the gradient will be.
pub(super) fn mean_squared_error_beside(outputs: Layout, targets: Layout, delta: Layout) -> Vec<Layout> {
    let side_by_side = targets.has_rows();
    [delta, outputs].into_iter().chain(side_by_side.then_some(targets)).collect()
}
