//! What the constants of an optimizer's rule take: computed in f64, once a step, and in no other count.

use nxm_net::{Adam, AdamW, ElementType, Muon, Optimizer, RAdam, RmsProp, Sgd};

use crate::kind::{Kind, Kinds, Overflow};

/// What the constants of step `step`, counted from 1, take in f64 in a training in elements of a type.
///
/// A number that is rounded to that type is a conversion if that type is f32: η and, as far as they are in the rule, μ, 1 − τ and λ; six for
/// Adam, and one more for its decay. 1 − τ is an addition, after the first step; the decay of AdamW, 1 − η·λ, an addition and a mul. Adam's six
/// take 4 additions (1 − β₁, 1 − β₂, 1 − β₁ᵗ, 1 − β₂ᵗ), 2 divisions, 1 sqrt, and powers by squaring: each as many multiplications as t has
/// binary digits and ones, less 2. With p such multiplications:
///
/// | optimizer | add | mul | div | sqrt | cmp | conversions | numbers rounded |
/// |---|---|---|---|---|---|---|---|
/// | Adam, AMSGrad | 4 | 2p | 2 | 1 | | | 7 |
/// | AdamW, AMSGrad | 5 | 1 + 2p | 2 | 1 | | | 7 |
/// | RMSprop | 1 | | | | | | 5, and 1 for its momentum |
/// | Adagrad | 1 | 1 | 1 | | | 1 | 3 |
/// | Adadelta | 1 | | | | | | 5 |
/// | Adamax | 2 | p | 1 | | | | 5 |
/// | NAdam | 8 | 9 + 2p | 3 | 1 | | 4 | 8 |
/// | RAdam | 6 | 2 + 2p | 3 | | 1 | 1 | 4, and 1 for its decay |
/// | … rectified, more | 4 | 6 | 1 | 2 | | | 1 |
/// | Lion | 3 | 1 | | | | | 4 |
/// | Rprop | | | | | | | 4 |
/// | Muon, of momenta and steps | 1, and 1 each for Nesterov and its decay | 1, and 1 for its decay | 1 | | | | 3, and 1 each for Nesterov and its decay |
/// | L-BFGS | | | | | | | none: it has no rule, and the numbers of its line search are as the data decide |
///
/// Muon's additions are 1 − μ, −μ and 1 − η·λ. Its mul and div are the learning rate of the biases, in proportion to that of the weights.
///
/// Where biases and norms follow a rule of their own ([`Optimizer::of_biases`]), the constants of that rule without decay come to them.
///
/// # Errors
/// None but [`Overflow`], which such small numbers do not cause.
pub fn rule_constants(optimizer: &Optimizer, step: u64, element: ElementType) -> Result<Kinds, Overflow> {
    let of_weights = constants_of_one(optimizer, step, element)?;
    match optimizer.of_biases() {
        Some(of_biases) => of_weights.plus(&constants_of_one(&of_biases, step, element)?),
        None => Ok(of_weights),
    }
}

/// Those of one rule.
fn constants_of_one(optimizer: &Optimizer, step: u64, element: ElementType) -> Result<Kinds, Overflow> {
    let step = step.max(1);
    let p = power(step);
    let l2 = |rate: f64| u128::from(rate != 0.0);
    let of_adam = [4, 2 * p, 2, 1, 0, 0, 6];
    // Additions, multiplications, divisions, square roots, comparisons, conversions, and numbers that are rounded.
    let counts: [u128; 7] = match *optimizer {
        Optimizer::Sgd(Sgd { momentum: 0.0, weight_decay, .. }) => [0, 0, 0, 0, 0, 0, 1 + l2(weight_decay)],
        Optimizer::Sgd(Sgd { dampening, nesterov, weight_decay, .. }) => {
            let keep = u128::from(!nesterov && dampening != 0.0 && step > 1);
            [keep, 0, 0, 0, 0, 0, 2 + keep + l2(weight_decay)]
        }
        Optimizer::Adam(Adam { amsgrad: true, .. }) => [4, 2 * p, 2, 1, 0, 0, 7],
        Optimizer::AdamW(AdamW { amsgrad: true, .. }) => [5, 1 + 2 * p, 2, 1, 0, 0, 7],
        Optimizer::Adam(Adam { weight_decay, .. }) => plus(of_adam, [0, 0, 0, 0, 0, 0, l2(weight_decay)]),
        Optimizer::AdamW(AdamW { weight_decay, .. }) => {
            let decays = l2(weight_decay);
            plus(of_adam, [decays, decays, 0, 0, 0, 0, decays])
        }
        Optimizer::RmsProp(RmsProp { momentum, .. }) => [1, 0, 0, 0, 0, 0, 5 + l2(momentum)],
        Optimizer::Adagrad(_) => [1, 1, 1, 0, 0, 1, 3],
        Optimizer::Adadelta(_) => [1, 0, 0, 0, 0, 0, 5],
        Optimizer::Adamax(_) => [2, p, 1, 0, 0, 0, 5],
        Optimizer::NAdam(_) => [8, 9 + 2 * p, 3, 1, 0, 4, 8],
        Optimizer::RAdam(RAdam { beta2, weight_decay, .. }) => {
            let rectified = if is_rectified(beta2, step) { [4, 6, 1, 2, 0, 0, 1] } else { [0; 7] };
            plus([6, 2 + 2 * p, 3, 0, 1, 1, 4 + l2(weight_decay)], rectified)
        }
        Optimizer::Lion(_) => [3, 1, 0, 0, 0, 0, 4],
        Optimizer::Rprop(_) => [0, 0, 0, 0, 0, 0, 4],
        Optimizer::Lbfgs(_) => [0; 7],
        Optimizer::Muon(Muon { nesterov, weight_decay, .. }) => {
            let (ahead, decays) = (u128::from(nesterov), l2(weight_decay));
            [1 + ahead + decays, 1 + decays, 1, 0, 0, 0, 3 + ahead + decays]
        }
    };
    let [add, mul, div, sqrt, cmp, convert, rounded] = counts;
    let rounded = if element == ElementType::F32 { rounded } else { 0 };
    Kinds::new([
        (Kind::Add, add),
        (Kind::Mul, mul),
        (Kind::Div, div),
        (Kind::Sqrt, sqrt),
        (Kind::Cmp, cmp),
        (Kind::Convert, convert + rounded),
    ])
}

fn plus(counts: [u128; 7], more: [u128; 7]) -> [u128; 7] {
    std::array::from_fn(|i| counts[i] + more[i])
}

/// Whether RAdam's step is rectified: ρ∞ − 2·t·β₂ᵗ/(1 − β₂ᵗ) > 5 with ρ∞ = 2/(1 − β₂) − 1.
fn is_rectified(beta2: f64, step: u64) -> bool {
    let rest = beta2.powf(step as f64);
    2.0 / (1.0 - beta2) - 1.0 - 2.0 * step as f64 * rest / (1.0 - rest) > 5.0
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
        // RAdam's first five steps are not rectified.
        let roots = |step| rule_constants(&RAdam::default().into(), step, ElementType::F32).unwrap().sqrt();
        assert_eq!([1, 5, 6, 99].map(roots), [0, 0, 2, 2]);
        // η and λ of weights, and η of biases.
        let apart = Sgd::default().with_weight_decay(0.1).with_bias_decay(false).into();
        assert_eq!(rule_constants(&apart, 1, ElementType::F32).unwrap().convert(), 3);
        let plain = rule_constants(&Optimizer::sgd(0.1), 9, ElementType::F64).unwrap();
        assert!(plain.is_none());
    }
}
