//! Formulas of the optimizers' rules, and of a layer's products fused with what follows them.
//!
//! What follows a product is a map over its elements: over each row of them in turn, each with padding of its own, or, if the
//! product is small, over all rows as one.

use nxm_kernels::{Activation, Decay, Element, Rule};

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

/// Multiply-adds from which on a product may be cut into parts for threads, between columns too.
const CUT_FOR_THREADS: u128 = 3 << 18;
/// Elements of B, in blocks of 64 bytes, above which it may be cut into blocks of columns: 256 KiB.
const CUT_INTO_BLOCKS: u128 = 4096;

/// Every formula here fails with [`Overflow`] if a count exceeds 128 bits, and only then. The formulas of fused products are those of
/// matrices without gaps between rows, as networks have them.
impl Vectors {
    /// What follows a product of rows × inner by inner × cols, given what it executes on so many elements in a row: rows may be taken as
    /// one where nothing cuts the product between columns, whatever the number of threads.
    pub(super) fn after_product(
        self,
        [rows, inner, cols]: [u128; 3],
        on: impl Fn(u128) -> Result<Tally, Overflow>,
    ) -> Result<Tally, Overflow> {
        let is_whole = |elements: &u128| {
            elements.saturating_mul(inner) < CUT_FOR_THREADS
                && inner.saturating_mul(cols) <= CUT_INTO_BLOCKS * self.block
        };
        match rows.checked_mul(cols).filter(is_whole) {
            Some(elements) => on(elements),
            None => on(cols)?.times(rows),
        }
    }

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
        let follows = self.after_product([rows, fan_in, fan_out], |n| self.activation_forward(activation, n))?;
        self.gemm(rows, fan_in, fan_out)?.plus(&follows)
    }

    /// D ← δ·Wᵀ ⊙ f'(z): rows·fan_in·fan_out fma, and f' for rows·fan_in units of the layer before.
    pub fn dense_input_gradient(
        self,
        rows: u128,
        fan_in: u128,
        fan_out: u128,
        activation: Activation,
    ) -> Result<Tally, Overflow> {
        let follows = self.after_product([rows, fan_out, fan_in], |n| self.activation_backward(activation, n))?;
        self.gemm(rows, fan_out, fan_in)?.plus(&follows)
    }

    /// W updated by a rule from Xᵀ·δ: rows·fan_in·fan_out fma, and the rule for each weight.
    pub fn dense_update<T: Element>(
        self,
        rows: u128,
        fan_in: u128,
        fan_out: u128,
        rule: &Rule<T>,
    ) -> Result<Tally, Overflow> {
        let follows = self.after_product([fan_in, rows, fan_out], |n| self.update(rule, n))?;
        self.gemm(fan_in, rows, fan_out)?.plus(&follows)
    }
}
