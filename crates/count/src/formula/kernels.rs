//! Formulas of the kernels, in the order of `nxm_kernels`' own table.

use nxm_kernels::{Activation, Function};

use super::{Reduction, Vectors};
use crate::kind::{Kind, Overflow};
use crate::ops::Ops;
use crate::tally::Tally;

const FMA: Ops = Ops::one(Kind::Fma);
const MUL: Ops = Ops::one(Kind::Mul);
const ADD: Ops = Ops::one(Kind::Add);
const DIV: Ops = Ops::one(Kind::Div);
const CMP: Ops = Ops::one(Kind::Cmp);

/// Every formula here fails with [`Overflow`] if a count exceeds 128 bits, and only then.
impl Vectors {
    /// Σ xᵢyᵢ over n: n multiplications and n − 1 additions.
    pub fn dot(self, n: u128) -> Result<Tally, Overflow> {
        self.reduction(Reduction::PRODUCT, n)
    }

    /// Σ xᵢyᵢ over n f32 in f64, of vectors of f64: 2n conversions, n multiplications and n − 1 additions.
    pub fn dot_in_f64(self, n: u128) -> Result<Tally, Overflow> {
        let loads = Ops::one(Kind::Convert).times(2)?;
        let Reduction { first, next, combine } = Reduction::PRODUCT;
        self.reduction(Reduction { first: loads.plus(&first)?, next: loads.plus(&next)?, combine }, n)
    }

    /// Σ xᵢ over n: n − 1 additions.
    pub fn sum(self, n: u128) -> Result<Tally, Overflow> {
        self.reduction(Reduction::SUM, n)
    }

    /// max xᵢ over n: n − 1 comparisons.
    pub fn max(self, n: u128) -> Result<Tally, Overflow> {
        self.reduction(Reduction::MAX, n)
    }

    /// y ← α·x + y over n: n fma.
    pub fn axpy(self, n: u128) -> Result<Tally, Overflow> {
        self.map(FMA, n)
    }

    /// y ← A·x, A of rows × cols: rows·cols multiplications, rows·(cols − 1) additions.
    pub fn gemv(self, rows: u128, cols: u128) -> Result<Tally, Overflow> {
        self.dot(cols)?.times(rows)
    }

    /// y ← Aᵀ·x, A of rows × cols: rows·cols fma.
    pub fn gemv_transposed(self, rows: u128, cols: u128) -> Result<Tally, Overflow> {
        self.gemm(1, rows, cols)
    }

    /// A ← A + α·x·yᵀ, A of rows × cols: rows mul, rows·cols fma.
    pub fn ger(self, rows: u128, cols: u128) -> Result<Tally, Overflow> {
        self.scalar(MUL, rows)?.plus(&self.axpy(cols)?.times(rows)?)
    }

    /// C ← A·B + anything, A of rows × inner, C of rows × cols: rows·inner·cols fma. A row of C is executed in whole
    /// vectors, however it is cut into tiles, blocks and threads.
    pub fn gemm(self, rows: u128, inner: u128, cols: u128) -> Result<Tally, Overflow> {
        self.map(FMA, cols)?.times(inner)?.times(rows)
    }

    /// C ← α·A·B + β·C of [rows, inner, cols], C row-major: rows·inner·cols fma; rows·cols multiplications unless β is 0 or 1,
    /// rows·inner unless α is 1; with α = 0 those of β alone.
    pub fn gemm_scaled(self, [rows, inner, cols]: [u128; 3], alpha: f64, beta: f64) -> Result<Tally, Overflow> {
        let scale = |factor: f64, cols| match factor {
            0.0 | 1.0 => Ok(Tally::NONE),
            _ => self.map(MUL, cols)?.times(rows),
        };
        let scaled = scale(beta, cols)?;
        if alpha == 0.0 || rows == 0 || cols == 0 {
            return Ok(scaled);
        }
        Tally::sum([scaled, scale(alpha, inner)?, self.gemm(rows, inner, cols)?])
    }

    /// Sums of the columns of rows × cols, starting from zero: rows·cols additions.
    pub fn column_sum(self, rows: u128, cols: u128) -> Result<Tally, Overflow> {
        self.map(ADD, cols)?.times(rows)
    }

    /// f(z) for n elements: n evaluations, none for the identity.
    pub fn activation_forward(self, activation: Activation, n: u128) -> Result<Tally, Overflow> {
        match activation.function() {
            None => Ok(Tally::NONE),
            Some(function) => self.map(self.evaluation(function), n),
        }
    }

    /// δ·f'(z) for n elements: ReLU 1 cmp; leaky ReLU 1 cmp, 1 mul; sigmoid 1 add, 2 mul; tanh 1 fma, 1 mul; ELU 1 cmp, 1 fma; GELU,
    /// SiLU and softplus 1 evaluation, 1 mul.
    pub fn activation_backward(self, activation: Activation, n: u128) -> Result<Tally, Overflow> {
        let smooth = |function| [self.evaluation(function), MUL];
        let per_element: &[Ops] = match activation {
            Activation::Identity => &[],
            Activation::Relu => &[CMP],
            Activation::LeakyRelu => &[CMP, MUL],
            Activation::Sigmoid => &[ADD, MUL, MUL],
            Activation::Tanh => &[FMA, MUL],
            Activation::Elu => &[CMP, FMA],
            Activation::Gelu => &smooth(Function::GeluDerivative),
            Activation::GeluTanh => &smooth(Function::GeluTanhDerivative),
            Activation::Silu => &smooth(Function::SiluDerivative),
            // 1 − e⁻ᵃ.
            Activation::Softplus => &smooth(Function::ExpM1),
        };
        per_element.iter().try_fold(Tally::NONE, |sum, ops| sum.plus(&self.map(*ops, n)?))
    }

    /// Softmax of rows × cols; per row cols − 1 cmp, 2·cols − 1 additions, cols exp, 1 div, cols mul.
    pub fn softmax(self, rows: u128, cols: u128) -> Result<Tally, Overflow> {
        if cols == 0 {
            return Ok(Tally::NONE);
        }
        let row = [self.exp_shifted(cols)?, self.sum(cols)?, self.scalar(DIV, 1)?, self.map(MUL, cols)?];
        Tally::sum(row)?.times(rows)
    }

    /// Log-softmax of rows × cols; per row cols − 1 cmp, 3·cols − 1 additions, cols exp, 1 log.
    pub fn log_softmax(self, rows: u128, cols: u128) -> Result<Tally, Overflow> {
        if cols == 0 {
            return Ok(Tally::NONE);
        }
        let exp = self.evaluation(Function::Exp);
        // Exponentials are added as they are made.
        let sum_exp = Reduction { first: exp, next: exp.plus(&ADD)?, combine: ADD };
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
    pub fn log_sum_exp(self, rows: u128, cols: u128) -> Result<Tally, Overflow> {
        if cols == 0 {
            return Ok(Tally::NONE);
        }
        // As z − max is made its exponential is added.
        let shifted = ADD.plus(&self.evaluation(Function::Exp))?;
        let sum_exp = Reduction { first: shifted, next: shifted.plus(&ADD)?, combine: ADD };
        let log = self.scalar(self.evaluation(Function::Log), 1)?;
        Tally::sum([self.max(cols)?, self.reduction(sum_exp, cols)?, log, self.scalar(ADD, 1)?])?.times(rows)
    }

    /// f(x) of n elements, any function: n evaluations.
    pub fn apply(self, function: Function, n: u128) -> Result<Tally, Overflow> {
        self.map(self.evaluation(function), n)
    }

    /// e^{z − max} of one row: its maximum, the differences and their exponentials.
    pub(super) fn exp_shifted(self, cols: u128) -> Result<Tally, Overflow> {
        Tally::sum([self.max(cols)?, self.map(ADD, cols)?, self.map(self.evaluation(Function::Exp), cols)?])
    }

    /// w ← w − η·g over n parameters: n fma.
    pub fn sgd(self, n: u128) -> Result<Tally, Overflow> {
        self.map(FMA, n)
    }
}
