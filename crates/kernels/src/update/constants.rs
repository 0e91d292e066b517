//! The constants of a rule, computed in f64 once a step from what an optimizer is given.
//!
//! They are few, but an audit counts them too: each is one of the single operations of [`beside`](crate::beside).

use super::{Decay, Rule};
use crate::beside::{div, is_zero, mul, power, rounded, sqrt, sub};
use crate::element::Element;

impl<T: Element> Rule<T> {
    /// The rule of gradient descent with momentum μ (`torch.optim.SGD`) in step `step`, counted from 1: [`Rule::Sgd`] if μ is 0, else
    /// [`Rule::Momentum`], or [`Rule::Dampened`] if the dampening τ is not 0. Its constants are rounded from f64 to `T`.
    ///
    /// Costs one conversion for each constant if `T` is f32: η, μ, 1 − τ, λ, as far as the rule has them; and one addition for 1 − τ after
    /// the first step, in which v becomes g. No comparison: what is 0 is seen by its bits.
    pub fn momentum(learning_rate: f64, momentum: f64, dampening: f64, weight_decay: f64, step: u64) -> Rule<T> {
        let (learning_rate, decay) = (rounded(learning_rate), l2(weight_decay));
        if is_zero(momentum) {
            return Rule::Sgd { learning_rate, decay };
        }
        let momentum = rounded(momentum);
        if is_zero(dampening) {
            return Rule::Momentum { learning_rate, momentum, decay };
        }
        let keep = if step <= 1 { T::ONE } else { rounded(sub(1.0, dampening)) };
        Rule::Dampened { learning_rate, momentum, keep, decay }
    }

    /// The rule of gradient descent with Nesterov's momentum μ (`torch.optim.SGD`), in every step: [`Rule::Nesterov`], or [`Rule::Sgd`] if μ
    /// is 0. Its constants are rounded from f64 to `T`.
    ///
    /// Costs one conversion for each constant if `T` is f32: η, μ, λ, as far as the rule has them.
    pub fn nesterov(learning_rate: f64, momentum: f64, weight_decay: f64) -> Rule<T> {
        let (learning_rate, decay) = (rounded(learning_rate), l2(weight_decay));
        if is_zero(momentum) {
            return Rule::Sgd { learning_rate, decay };
        }
        Rule::Nesterov { learning_rate, momentum: rounded(momentum), decay }
    }

    /// The rule of Adam (`torch.optim.Adam`) in step `step`, counted from 1, with the weight decay λ added to the gradient. Its constants are
    /// rounded from f64 to `T`.
    ///
    /// Costs 6 conversions if `T` is f32, one more for a decay; 4 additions, 2 divisions, 1 sqrt; and [`power`](crate::beside::power) twice.
    pub fn adam(learning_rate: f64, betas: [f64; 2], epsilon: f64, weight_decay: f64, step: u64) -> Rule<T> {
        adam(learning_rate, betas, epsilon, l2(weight_decay), step)
    }

    /// The rule of AdamW (`torch.optim.AdamW`): [`adam`](Self::adam), but the weight decay is decoupled, w ← w·(1 − η·λ), at 1 addition and 1
    /// multiplication more.
    pub fn adamw(learning_rate: f64, betas: [f64; 2], epsilon: f64, weight_decay: f64, step: u64) -> Rule<T> {
        let decay = match is_zero(weight_decay) {
            true => Decay::None,
            false => Decay::Decoupled(rounded(sub(1.0, mul(learning_rate, weight_decay)))),
        };
        adam(learning_rate, betas, epsilon, decay, step)
    }
}

fn adam<T: Element>(learning_rate: f64, [beta1, beta2]: [f64; 2], epsilon: f64, decay: Decay<T>, step: u64) -> Rule<T> {
    let step = step.max(1);
    let rest = |base| sub(1.0, power(base, step));
    Rule::Adam {
        step_size: rounded(div(learning_rate, rest(beta1))),
        one_minus_beta1: rounded(sub(1.0, beta1)),
        beta2: rounded(beta2),
        one_minus_beta2: rounded(sub(1.0, beta2)),
        correction: rounded(div(1.0, sqrt(rest(beta2)))),
        epsilon: rounded(epsilon),
        decay,
    }
}

fn l2<T: Element>(weight_decay: f64) -> Decay<T> {
    if is_zero(weight_decay) { Decay::None } else { Decay::L2(rounded(weight_decay)) }
}
