//! Formulas of sums, of softmax, and of what is done element by element.

use nxm_kernels::{Activation, Decay, Function, Rule};

use super::rows::Rows;
use super::{ReductionOps, Vectors};
use crate::kind::{Kind, Overflow};
use crate::ops::Ops;
use crate::tally::Tally;

const FMA: Ops = Ops::one(Kind::Fma);
const MUL: Ops = Ops::one(Kind::Mul);
const ADD: Ops = Ops::one(Kind::Add);
const DIV: Ops = Ops::one(Kind::Div);
const CMP: Ops = Ops::one(Kind::Cmp);
/// What Adam executes for each parameter.
const ADAM: [Kind; 11] = [
    Kind::Fma,
    Kind::Fma,
    Kind::Fma,
    Kind::Fma,
    Kind::Mul,
    Kind::Mul,
    Kind::Add,
    Kind::Sqrt,
    Kind::Div,
    Kind::Cmp,
    Kind::Cmp,
];

/// Every formula here fails with [`Overflow`] if a count exceeds 128 bits, and only then.
impl Vectors {
    /// Σ xᵢyᵢ over n: n multiplications and n − 1 additions.
    pub(super) fn dot(self, n: u128) -> Result<Tally, Overflow> {
        self.reduction(ReductionOps::PRODUCT, n)
    }

    /// The same of `count` pairs of vectors, whose sums are folded together.
    pub(super) fn dots(self, n: u128, count: u128) -> Result<Tally, Overflow> {
        self.reductions(ReductionOps::PRODUCT, n, count)
    }

    /// Σ xᵢyᵢ over n f32 in f64, of vectors of f64: 2n conversions, n multiplications and n − 1 additions.
    pub(super) fn dot_in_f64(self, n: u128) -> Result<Tally, Overflow> {
        let loads = Ops::one(Kind::Convert).times(2)?;
        let ReductionOps { first, next, combine } = ReductionOps::PRODUCT;
        self.reduction(ReductionOps { first: loads.plus(&first)?, next: loads.plus(&next)?, combine }, n)
    }

    /// Σ xᵢ over n: n − 1 additions.
    pub(super) fn sum(self, n: u128) -> Result<Tally, Overflow> {
        self.reduction(ReductionOps::SUM, n)
    }

    /// max xᵢ over n: n − 1 comparisons.
    fn max(self, n: u128) -> Result<Tally, Overflow> {
        self.reduction(ReductionOps::MAX, n)
    }

    /// y ← α·x + y over n: n fma.
    pub(super) fn axpy(self, n: u128) -> Result<Tally, Overflow> {
        self.map(FMA, n)
    }

    /// A ← A + α·x·yᵀ, A of rows × cols: rows mul, rows·cols fma.
    pub(super) fn ger(self, rows: u128, cols: u128) -> Result<Tally, Overflow> {
        self.scalar(MUL, rows)?.plus(&self.axpy(cols)?.times(rows)?)
    }

    /// Sums of the columns of rows × cols, starting from zero: rows·cols additions.
    pub(super) fn column_sum(self, rows: u128, cols: u128) -> Result<Tally, Overflow> {
        self.map(ADD, cols)?.times(rows)
    }

    /// f(x) of each element: an evaluation.
    pub(super) fn apply(self, function: Function, rows: Rows) -> Result<Tally, Overflow> {
        self.map_rows(self.evaluation(function), rows)
    }

    /// x·factor for each element: 1 mul.
    pub(super) fn scale(self, rows: Rows) -> Result<Tally, Overflow> {
        self.map_rows(MUL, rows)
    }

    /// δ·f'(z) for each element: ReLU 1 cmp; leaky ReLU 1 cmp, 1 mul; sigmoid 1 add, 2 mul; tanh 1 fma, 1 mul; ELU and CELU 1 cmp, 1 fma, 1 mul;
    /// ReLU6 2 cmp; hard tanh 1 cmp; hard sigmoid 2 cmp, 1 mul; hard swish 2 cmp, 1 fma, 1 mul; SELU 1 cmp, 1 add, 1 mul; softsign 1 add, 2 mul;
    /// softplus 1 evaluation of σ, 1 cmp, 2 mul; all others 1 evaluation of the derivative, 1 mul.
    pub(super) fn derive(self, activation: Activation, rows: Rows) -> Result<Tally, Overflow> {
        let evaluation = activation.derivative_function().map(|function| self.evaluation(function));
        let operations: &[Ops] = match activation {
            Activation::Relu => &[CMP],
            Activation::LeakyRelu { .. } => &[CMP, MUL],
            Activation::Sigmoid => &[ADD, MUL, MUL],
            Activation::Tanh => &[FMA, MUL],
            Activation::Elu { .. } | Activation::Celu { .. } => &[CMP, FMA, MUL],
            Activation::Relu6 => &[CMP, CMP],
            Activation::HardTanh => &[CMP],
            Activation::HardSigmoid => &[CMP, CMP, MUL],
            Activation::HardSwish => &[CMP, CMP, FMA, MUL],
            Activation::Selu => &[CMP, ADD, MUL],
            Activation::Softsign => &[ADD, MUL, MUL],
            Activation::Softplus { .. } => &[CMP, MUL, MUL],
            Activation::Identity => &[],
            _ => &[MUL],
        };
        let per_element = evaluation.iter().chain(operations);
        per_element.into_iter().try_fold(Tally::NONE, |sum, ops| sum.plus(&self.map_rows(*ops, rows)?))
    }

    /// x within ±limit for each element: 2 cmp.
    pub(super) fn clamp(self, rows: Rows) -> Result<Tally, Overflow> {
        self.map_rows(CMP.times(2)?, rows)
    }

    /// The update of each parameter by a rule: momentum 2 fma, 1 cmp (dampened 1 mul more), Nesterov 3 fma, 1 cmp, Adam 4 fma, 2 mul, 1 add,
    /// 1 sqrt, 1 div, 2 cmp, plain descent 1 fma; L2 decay 1 fma more, decoupled decay 1 mul. The others: [`apart`].
    pub(super) fn update(self, rule: &Rule<f64>, rows: Rows) -> Result<Tally, Overflow> {
        let (of_rule, decay): (&[Kind], _) = match rule {
            Rule::Sgd { decay, .. } => (&[Kind::Fma], decay),
            Rule::Momentum { decay, .. } => (&[Kind::Fma, Kind::Fma, Kind::Cmp], decay),
            Rule::Dampened { decay, .. } => (&[Kind::Fma, Kind::Fma, Kind::Mul, Kind::Cmp], decay),
            Rule::Nesterov { decay, .. } => (&[Kind::Fma, Kind::Fma, Kind::Fma, Kind::Cmp], decay),
            Rule::Adam { decay, .. } => (&ADAM, decay),
            other => return self.map_rows(apart(other)?, rows),
        };
        let of_decay = match decay {
            Decay::None => None,
            Decay::L2(_) => Some(Kind::Fma),
            Decay::Decoupled(_) => Some(Kind::Mul),
        };
        let kinds = of_rule.iter().copied().chain(of_decay);
        kinds.into_iter().try_fold(Tally::NONE, |sum, kind| sum.plus(&self.map_rows(Ops::one(kind), rows)?))
    }

    /// `sum` ← `before` + Σ x²: a dot product for each row, and an addition.
    pub(super) fn add_squares(self, rows: Rows) -> Result<Tally, Overflow> {
        self.dot(rows.len)?.plus(&self.scalar(ADD, 1)?)?.times(rows.count)
    }

    /// √squares, and max / (that + ε).
    pub(super) fn clip_scale(self) -> Result<Tally, Overflow> {
        Tally::sum([self.scalar(Ops::one(Kind::Sqrt), 1)?, self.scalar(ADD, 1)?, self.scalar(DIV, 1)?])
    }

    /// 1 / max(√squares, least).
    pub(super) fn inverse_norm(self) -> Result<Tally, Overflow> {
        let kinds = [Kind::Sqrt, Kind::Cmp, Kind::Div].map(Ops::one);
        kinds.into_iter().try_fold(Tally::NONE, |sum, ops| sum.plus(&self.scalar(ops, 1)?))
    }

    /// Softmax of rows × cols; per row cols − 1 cmp, 2·cols − 1 additions, cols exp, 1 div, cols mul.
    pub(super) fn softmax(self, rows: u128, cols: u128) -> Result<Tally, Overflow> {
        if cols == 0 {
            return Ok(Tally::NONE);
        }
        let row = [self.exp_shifted(cols)?, self.sum(cols)?, self.scalar(DIV, 1)?, self.map(MUL, cols)?];
        Tally::sum(row)?.times(rows)
    }

    /// Log-softmax of rows × cols; per row cols − 1 cmp, 3·cols − 1 additions, cols exp, 1 log.
    pub(super) fn log_softmax(self, rows: u128, cols: u128) -> Result<Tally, Overflow> {
        if cols == 0 {
            return Ok(Tally::NONE);
        }
        let exp = self.evaluation(Function::Exp);
        // Exponentials are added as they are made.
        let sum_exp = ReductionOps { first: exp, next: exp.plus(&ADD)?, combine: ADD };
        let row = [
            self.max(cols)?,
            self.map(ADD, cols)?,
            self.reduction(sum_exp, cols)?,
            self.scalar(self.evaluation(Function::Log), 1)?,
            self.map(ADD, cols)?,
        ];
        Tally::sum(row)?.times(rows)
    }

    /// ln Σ eᶻ of each row of rows × cols; per row cols − 1 cmp, 2·cols additions, cols exp, 1 log.
    pub(super) fn log_sum_exp(self, rows: u128, cols: u128) -> Result<Tally, Overflow> {
        if cols == 0 {
            return Ok(Tally::NONE);
        }
        // As z − max is made its exponential is added.
        let shifted = ADD.plus(&self.evaluation(Function::Exp))?;
        let sum_exp = ReductionOps { first: shifted, next: shifted.plus(&ADD)?, combine: ADD };
        let log = self.scalar(self.evaluation(Function::Log), 1)?;
        Tally::sum([self.max(cols)?, self.reduction(sum_exp, cols)?, log, self.scalar(ADD, 1)?])?.times(rows)
    }

    /// e^{z − max} of one row: its maximum, the differences and their exponentials.
    pub(super) fn exp_shifted(self, cols: u128) -> Result<Tally, Overflow> {
        Tally::sum([self.max(cols)?, self.map(ADD, cols)?, self.map(self.evaluation(Function::Exp), cols)?])
    }
}

/// What a rule that is never fused takes for each parameter, its decay included.
///
/// | rule | fma | mul | add | sqrt | div | cmp |
/// |---|---|---|---|---|---|---|
/// | AMSGrad | 5 | 3 | 1 | 1 | 1 | 3 |
/// | RMSprop | 3 | 2 | 1 | 1 | 1 | 1 |
/// | … centred, more | 2 | | 1 | | | 2 |
/// | … with momentum, more | 1 | | | | | 1 |
/// | Adagrad | 3 | | 1 | 1 | 1 | 1 |
/// | Adadelta | 4 | 5 | 2 | 2 | 1 | 2 |
/// | Adamax | 3 | 1 | 2 | | 1 | 2 |
/// | NAdam | 5 | 3 | 2 | 1 | 1 | 2 |
/// | Lion | 3 | 1 | 1 | | | 2 |
/// | Rprop | 1 | 2 | | | | 6 |
///
/// The others take nothing here.
fn apart(rule: &Rule<f64>) -> Result<Ops, Overflow> {
    let counts: [u128; 6] = match rule {
        Rule::AmsGrad { .. } => [5, 3, 1, 1, 1, 3],
        Rule::RmsProp { centred, momentum, .. } => {
            let (centred, momentum) = (u128::from(*centred), u128::from(momentum.is_some()));
            [3 + 2 * centred + momentum, 2, 1 + centred, 1, 1, 1 + 2 * centred + momentum]
        }
        Rule::Adagrad { .. } => [3, 0, 1, 1, 1, 1],
        Rule::Adadelta { .. } => [4, 5, 2, 2, 1, 2],
        Rule::Adamax { .. } => [3, 1, 2, 0, 1, 2],
        Rule::NAdam { .. } => [5, 3, 2, 1, 1, 2],
        Rule::Lion { .. } => [3, 1, 1, 0, 0, 2],
        Rule::Rprop { .. } => [1, 2, 0, 0, 0, 6],
        _ => [0; 6],
    };
    let kinds = [Kind::Fma, Kind::Mul, Kind::Add, Kind::Sqrt, Kind::Div, Kind::Cmp];
    kinds.into_iter().zip(counts).try_fold(Ops::NONE, |sum, (kind, n)| sum.plus(&Ops::one(kind).times(n)?))
}
