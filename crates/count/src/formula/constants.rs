//! What the constants of an optimizer's rule take: computed in f64, once a step, and in no other count.

use nxm_net::{Adam, AdamW, ElementType, Optimizer, Sgd};

use crate::kind::{Kind, Kinds, Overflow};

/// What the constants of step `step`, counted from 1, take in f64 in a training in elements of a type.
///
/// Each constant is a conversion if that type is f32: η and, as far as they are in the rule, μ, 1 − τ and λ; six for Adam, and one more for
/// its decay. 1 − τ is an addition, after the first step; the decay of AdamW, 1 − η·λ, an addition and a mul. Adam's six take 4 additions
/// (1 − β₁, 1 − β₂, 1 − β₁ᵗ, 1 − β₂ᵗ), 2 divisions, 1 sqrt, and powers by squaring: each as many multiplications as t has binary digits
/// and ones, less 2.
///
/// # Errors
/// None but [`Overflow`], which such small numbers do not cause.
pub fn rule_constants(optimizer: &Optimizer, step: u64, element: ElementType) -> Result<Kinds, Overflow> {
    let step = step.max(1);
    let of_adam = [(Kind::Add, 4), (Kind::Div, 2), (Kind::Sqrt, 1), (Kind::Mul, 2 * power(step)), (Kind::Convert, 6)];
    let l2 = |rate: f64| (Kind::Convert, u128::from(rate != 0.0));
    let all: Vec<(Kind, u128)> = match *optimizer {
        Optimizer::Sgd(Sgd { momentum: 0.0, weight_decay, .. }) => {
            vec![(Kind::Convert, 1), l2(weight_decay)]
        }
        Optimizer::Sgd(Sgd { dampening, nesterov, weight_decay, .. }) => {
            let keep = u128::from(!nesterov && dampening != 0.0 && step > 1);
            vec![(Kind::Convert, 2 + keep), (Kind::Add, keep), l2(weight_decay)]
        }
        Optimizer::Adam(Adam { weight_decay, .. }) => [&of_adam[..], &[l2(weight_decay)]].concat(),
        Optimizer::AdamW(AdamW { weight_decay, .. }) => {
            let decays = u128::from(weight_decay != 0.0);
            [&of_adam[..], &[(Kind::Add, decays), (Kind::Mul, decays), (Kind::Convert, decays)]].concat()
        }
    };
    Kinds::new(all.into_iter().filter(|(kind, _)| element == ElementType::F32 || *kind != Kind::Convert))
}

/// Multiplications of an nth power by squaring: as many as n has binary digits and ones, less 2.
pub(super) fn power(n: u64) -> u128 {
    n.checked_ilog2().map_or(0, |digits| u128::from(digits + 1 + n.count_ones() - 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_cost_what_their_exponents_look_like() {
        for (step, multiplications) in [(1, 0), (2, 1), (3, 2), (4, 2), (7, 4), (8, 3), (1000, 10 + 6 - 2)] {
            let constants = rule_constants(&Optimizer::adam(0.1), step, ElementType::F32).unwrap();
            assert_eq!((constants.mul(), constants.convert()), (2 * multiplications, 6), "{step}");
        }
        let plain = rule_constants(&Optimizer::sgd(0.1), 9, ElementType::F64).unwrap();
        assert!(plain.is_none());
    }
}
