//! The optimizers' rules.

use crate::cases::Textbook;
use nxm_kernels::{Decay, Element, Rule};
use proptest::prelude::*;

/// A rule to be made for either element type: which of five, and which of three decays.
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
