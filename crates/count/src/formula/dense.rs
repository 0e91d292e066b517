//! Formulas of the optimizers' rules, and of a layer's products fused with what follows them.
//!
//! What follows a product runs over the rows of a block: over each by itself, so that its padding is a row's, in products that threads
//! may share, and over all as one in smaller ones, if the matrices have no gaps, as here.

use nxm_kernels::{Activation, Decay, Element, Rule, WORTH_A_THREAD};

use super::Vectors;
use crate::kind::{Kind, Overflow};
use crate::ops::Ops;
use crate::tally::Tally;

/// What a rule executes for each parameter: momentum 2 fma (dampened 1 mul more), Nesterov 3 fma, Adam 4 fma, 2 mul, 1 add,
/// 1 sqrt, 1 div, plain descent 1 fma; L2 decay 1 fma more, decoupled decay 1 mul.
fn rule_kinds<T: Element>(rule: &Rule<T>) -> Vec<Kind> {
    let (mut kinds, decay) = match rule {
        Rule::Sgd { decay, .. } => (vec![Kind::Fma], decay),
        Rule::Momentum { decay, .. } => (vec![Kind::Fma; 2], decay),
        Rule::Dampened { decay, .. } => (vec![Kind::Fma, Kind::Fma, Kind::Mul], decay),
        Rule::Nesterov { decay, .. } => (vec![Kind::Fma; 3], decay),
        Rule::Adam { decay, .. } => {
            let [f, m] = [Kind::Fma, Kind::Mul];
            (vec![f, f, f, f, m, m, Kind::Add, Kind::Sqrt, Kind::Div], decay)
        }
    };
    match decay {
        Decay::None => {}
        Decay::L2(_) => kinds.push(Kind::Fma),
        Decay::Decoupled(_) => kinds.push(Kind::Mul),
    }
    kinds
}

/// `what` follows a product of rows × cols elements, each a sum over `inner`.
pub(super) fn followed(
    [rows, cols]: [u128; 2],
    inner: u128,
    what: impl Fn(u128) -> Result<Tally, Overflow>,
) -> Result<Tally, Overflow> {
    let elements = rows.checked_mul(cols).expect("two 64-bit numbers have a 128-bit product");
    match elements.saturating_mul(inner) < WORTH_A_THREAD as u128 {
        true => what(elements),
        false => what(cols)?.times(rows),
    }
}

/// Every formula here fails with [`Overflow`] if a count exceeds 128 bits, and only then.
impl Vectors {
    /// One update of n parameters by a rule.
    pub fn update<T: Element>(self, rule: &Rule<T>, n: u128) -> Result<Tally, Overflow> {
        let kinds = rule_kinds(rule);
        kinds.into_iter().try_fold(Tally::NONE, |sum, kind| sum.plus(&self.map(Ops::one(kind), n)?))
    }

    /// A ← f(X·W + b), X of rows × fan_in: rows·fan_in·fan_out fma, rows·fan_out evaluations.
    pub fn dense_forward(
        self,
        rows: u128,
        fan_in: u128,
        fan_out: u128,
        activation: Activation,
    ) -> Result<Tally, Overflow> {
        let what = |units| self.activation_forward(activation, units);
        self.gemm(rows, fan_in, fan_out)?.plus(&followed([rows, fan_out], fan_in, what)?)
    }

    /// D ← δ·Wᵀ ⊙ f'(z): rows·fan_in·fan_out fma, and f' for rows·fan_in units of the layer before.
    pub fn dense_input_gradient(
        self,
        rows: u128,
        fan_in: u128,
        fan_out: u128,
        activation: Activation,
    ) -> Result<Tally, Overflow> {
        let what = |units| self.activation_backward(activation, units);
        self.gemm(rows, fan_out, fan_in)?.plus(&followed([rows, fan_in], fan_out, what)?)
    }

    /// W updated by a rule from Xᵀ·δ: rows·fan_in·fan_out fma, and the rule for each weight.
    pub fn dense_update<T: Element>(
        self,
        rows: u128,
        fan_in: u128,
        fan_out: u128,
        rule: &Rule<T>,
    ) -> Result<Tally, Overflow> {
        let what = |weights| self.update(rule, weights);
        self.gemm(fan_in, rows, fan_out)?.plus(&followed([fan_in, fan_out], rows, what)?)
    }
}
