//! The optimizers' rules.

use crate::cases::Textbook;
use nxm_kernels::{Decay, Element, Rule};
use proptest::prelude::*;

/// A rule to be made for either element type: which of those that are fused, and which of three decays.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    pub rule: usize,
    pub decay: usize,
}

impl Choice {
    /// Any.
    pub fn any() -> impl Strategy<Value = Choice> {
        (0usize..5, 0usize..3).prop_map(|(rule, decay)| Choice { rule, decay })
    }

    /// The rule.
    pub fn rule<T: Element>(self) -> Rule<T> {
        let t = T::from_f64;
        let decay = [Decay::None, Decay::L2(t(0.01)), Decay::Decoupled(t(0.99))][self.decay];
        let (learning_rate, momentum) = (t(0.1), t(0.9));
        match self.rule {
            0 => Rule::Sgd { learning_rate, decay },
            1 => Rule::Momentum { learning_rate, momentum, decay },
            2 => Rule::Dampened { learning_rate, momentum, keep: t(0.5), decay },
            3 => Rule::Nesterov { learning_rate, momentum, decay },
            _ => Rule::Adam {
                step_size: t(0.01),
                one_minus_beta1: t(0.1),
                beta2: t(0.999),
                one_minus_beta2: t(0.001),
                correction: t(1.5),
                epsilon: t(1e-8),
                decay,
            },
        }
    }

    /// What it takes for n parameters.
    pub fn textbook(self, n: u128) -> Textbook {
        let (multiplications, additions, roots) = [(1, 1, 0), (2, 2, 0), (3, 2, 0), (3, 3, 0), (6, 5, 1)][self.rule];
        let (more, added) = [(0, 0), (1, 1), (1, 0)][self.decay];
        Textbook {
            multiplications: n * (multiplications + more),
            additions: n * (additions + added),
            div: n * roots,
            sqrt: n * roots,
            // Each number that is kept is compared with the smallest that is not subnormal.
            cmp: n * [0, 1, 1, 1, 2][self.rule],
            ..Textbook::default()
        }
    }
}

/// The rules that are never fused, by number, and what they take for a parameter: multiplications, additions, divisions, roots, comparisons.
pub const APART: usize = 11;

/// The rule of this number.
pub fn apart<T: Element>(number: usize) -> Rule<T> {
    let [rate, beta, rest, epsilon, keep] = [0.01, 0.9, 0.1, 1e-8, 0.99].map(T::from_f64);
    let lambda = rate;
    let rmsprop = |centred, momentum| Rule::RmsProp {
        learning_rate: rate,
        alpha: beta,
        one_minus_alpha: rest,
        epsilon,
        centred,
        momentum,
        lambda,
    };
    let (one_minus_beta1, beta2, one_minus_beta2, correction) = (rest, beta, rest, T::ONE);
    match number {
        0 => rmsprop(false, None),
        1 => rmsprop(false, Some(beta)),
        2 => rmsprop(true, None),
        3 => rmsprop(true, Some(beta)),
        4 => Rule::Adagrad { learning_rate: rate, epsilon, lambda },
        5 => Rule::Adadelta { learning_rate: rate, rho: beta, one_minus_rho: rest, epsilon, lambda },
        6 => Rule::Adamax { step_size: rate, one_minus_beta1, beta2, epsilon, lambda },
        7 => Rule::NAdam {
            of_gradient: rate,
            of_moment: rate,
            one_minus_beta1,
            beta2,
            one_minus_beta2,
            correction,
            epsilon,
            lambda,
        },
        8 => Rule::Lion { learning_rate: rate, one_minus_beta1, one_minus_beta2, keep },
        9 => Rule::Rprop { smaller: rest, larger: beta, least: epsilon, most: T::ONE },
        _ => Rule::AmsGrad {
            step_size: rate,
            one_minus_beta1,
            beta2,
            one_minus_beta2,
            correction,
            epsilon,
            lambda,
            keep,
        },
    }
}

/// What it takes for n parameters.
pub fn apart_textbook(number: usize, n: u128) -> Textbook {
    let [multiplications, additions, div, sqrt, cmp] = [
        [5, 4, 1, 1, 1],
        [6, 5, 1, 1, 2],
        [7, 7, 1, 1, 3],
        [8, 8, 1, 1, 4],
        [3, 4, 1, 1, 1],
        [9, 6, 1, 2, 2],
        [4, 5, 1, 0, 2],
        [8, 7, 1, 1, 2],
        [4, 4, 0, 0, 2],
        [3, 1, 0, 0, 6],
        [8, 6, 1, 1, 3],
    ][number]
        .map(|each: u128| n * each);
    Textbook { multiplications, additions, div, sqrt, cmp, ..Textbook::default() }
}
