//! The rule of a step: the constants of each optimizer, computed in f64 once a step.
//!
//! They are few, but an audit counts them too: each is one of the single operations of [`nxm_kernels::beside`]. `rule_constants` of
//! `nxm-count` says what they cost.

use std::hint::black_box;

use nxm_kernels::beside::{add, div, is_zero, mul, power, rounded, sqrt, sub, whole, widened};
use nxm_kernels::{Decay, Element, Rule};

use super::{Adadelta, Adagrad, Adam, AdamW, Adamax, Lbfgs, Lion, Muon, NAdam, Optimizer, RAdam, RmsProp, Rprop, Sgd};

/// What NAdam carries from step to step besides its state: q = 0.96^ψ, and Π = μ₁·…·μₜ. PyTorch keeps Π in f32, whatever the parameters are,
/// and so do we: in f64 it differs in the 8th digit, and so would every weight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Momenta {
    q: f64,
    pub(crate) product: f64,
}

impl Momenta {
    /// Before the first step.
    pub(crate) fn new(optimizer: &Optimizer) -> Momenta {
        let q = match optimizer {
            // The standard library's power, once for each state of an optimizer.
            Optimizer::NAdam(nadam) => 0.96f64.powf(nadam.momentum_decay),
            _ => 1.0,
        };
        Momenta { q, product: 1.0 }
    }

    /// After so many steps. Π is 0 after some thousand of them, unless β₁ is very close to 1.
    pub(crate) fn after(optimizer: &Optimizer, steps: u64) -> Momenta {
        let mut momenta = Momenta::new(optimizer);
        let Optimizer::NAdam(NAdam { beta1, .. }) = optimizer else { return momenta };
        for step in 1..=steps {
            if is_zero(momenta.product) {
                break;
            }
            momenta.multiply(momenta.of(*beta1, power(momenta.q, step)));
        }
        momenta
    }

    /// Π ← Π·μ in f32, whose product is exact in f64 before it is rounded: 1 mul, 4 conversions.
    fn multiply(&mut self, momentum: f64) {
        let single = |x: f64| widened(rounded::<f32>(x));
        self.product = single(mul(self.product, single(momentum)));
    }

    /// μ, given q to the power of the step: 2 mul, 1 subtraction.
    fn of(self, beta1: f64, power: f64) -> f64 {
        mul(beta1, sub(1.0, mul(0.5, power)))
    }
}

impl Optimizer {
    /// The rule of step `step`, counted from 1, at a learning rate that a schedule may have changed. `rule_constants` of `nxm-count` says
    /// what its constants cost.
    ///
    /// NAdam's rule depends on a product over all steps so far, which this computes anew. An [`OptimizerState`](crate::OptimizerState)
    /// carries it along. Of Muon's weights it is the rule of the step along their directions. L-BFGS follows no rule: this is gradient descent, as its first direction is.
    pub fn rule<T: Element>(&self, learning_rate: f64, step: u64) -> Rule<T> {
        self.rule_after(learning_rate, step, &mut Momenta::after(self, step.saturating_sub(1)))
    }

    /// The rule of Muon's momenta: m ← μ·m + (1 − μ)·g, and the direction has its share of m added. None of other optimizers.
    pub(crate) fn directions<T: Element>(&self) -> Option<Rule<T>> {
        let Muon { momentum, nesterov, .. } = self.muon()?;
        // w ← w − η·m with η = −μ or −1, which is a constant.
        let share = if nesterov { rounded(sub(0.0, momentum)) } else { T::from_f64(-1.0) };
        Some(Rule::Dampened {
            learning_rate: share,
            momentum: rounded(momentum),
            keep: rounded(sub(1.0, momentum)),
            decay: Decay::None,
        })
    }

    /// The learning rate of biases, where a schedule has made `rate` of the learning rate: in proportion if they have their own.
    pub(crate) fn rate_of_biases(&self, rate: f64) -> f64 {
        match self {
            Optimizer::Muon(muon) => mul(muon.bias_learning_rate, div(rate, muon.learning_rate)),
            _ => rate,
        }
    }

    /// The same after the steps before, whose momenta become those of this step.
    pub(crate) fn rule_after<T: Element>(&self, learning_rate: f64, step: u64, momenta: &mut Momenta) -> Rule<T> {
        let step = step.max(1);
        match *self {
            Optimizer::Sgd(Sgd { momentum, nesterov: true, weight_decay, .. }) => {
                Rule::nesterov(learning_rate, momentum, weight_decay)
            }
            Optimizer::Sgd(Sgd { momentum, dampening, weight_decay, .. }) => {
                Rule::momentum(learning_rate, momentum, dampening, weight_decay, step)
            }
            Optimizer::Adam(Adam { beta1, beta2, epsilon, weight_decay, amsgrad: false, .. }) => {
                Rule::adam(learning_rate, [beta1, beta2], epsilon, weight_decay, step)
            }
            Optimizer::AdamW(AdamW { beta1, beta2, epsilon, weight_decay, amsgrad: false, .. }) => {
                Rule::adamw(learning_rate, [beta1, beta2], epsilon, weight_decay, step)
            }
            Optimizer::Adam(Adam { beta1, beta2, epsilon, weight_decay, .. }) => {
                amsgrad(learning_rate, [beta1, beta2], epsilon, [rounded(weight_decay), T::ONE], step)
            }
            Optimizer::AdamW(AdamW { beta1, beta2, epsilon, weight_decay, .. }) => {
                let keep = rounded(sub(1.0, mul(learning_rate, weight_decay)));
                amsgrad(learning_rate, [beta1, beta2], epsilon, [T::ZERO, keep], step)
            }
            Optimizer::RmsProp(RmsProp { alpha, epsilon, momentum, centred, weight_decay, .. }) => Rule::RmsProp {
                learning_rate: rounded(learning_rate),
                alpha: rounded(alpha),
                one_minus_alpha: rounded(sub(1.0, alpha)),
                epsilon: rounded(epsilon),
                centred,
                momentum: (!is_zero(momentum)).then(|| rounded(momentum)),
                lambda: rounded(weight_decay),
            },
            Optimizer::Adagrad(Adagrad { learning_rate_decay, epsilon, weight_decay, .. }) => {
                let fallen = add(1.0, mul(whole(step - 1), learning_rate_decay));
                Rule::Adagrad {
                    learning_rate: rounded(div(learning_rate, fallen)),
                    epsilon: rounded(epsilon),
                    lambda: rounded(weight_decay),
                }
            }
            Optimizer::Adadelta(Adadelta { rho, epsilon, weight_decay, .. }) => Rule::Adadelta {
                learning_rate: rounded(learning_rate),
                rho: rounded(rho),
                one_minus_rho: rounded(sub(1.0, rho)),
                epsilon: rounded(epsilon),
                lambda: rounded(weight_decay),
            },
            Optimizer::Adamax(Adamax { beta1, beta2, epsilon, weight_decay, .. }) => Rule::Adamax {
                step_size: rounded(div(learning_rate, sub(1.0, power(beta1, step)))),
                one_minus_beta1: rounded(sub(1.0, beta1)),
                beta2: rounded(beta2),
                epsilon: rounded(epsilon),
                lambda: rounded(weight_decay),
            },
            Optimizer::NAdam(nadam) => nadam_rule(nadam, learning_rate, step, momenta),
            Optimizer::RAdam(radam) => radam_rule(radam, learning_rate, step),
            Optimizer::Lion(Lion { beta1, beta2, weight_decay, .. }) => Rule::Lion {
                learning_rate: rounded(learning_rate),
                one_minus_beta1: rounded(sub(1.0, beta1)),
                one_minus_beta2: rounded(sub(1.0, beta2)),
                keep: rounded(sub(1.0, mul(learning_rate, weight_decay))),
            },
            Optimizer::Muon(Muon { weight_decay, .. }) => {
                let decay = match is_zero(weight_decay) {
                    true => Decay::None,
                    false => Decay::Decoupled(rounded(sub(1.0, mul(learning_rate, weight_decay)))),
                };
                Rule::Sgd { learning_rate: rounded(learning_rate), decay }
            }
            Optimizer::Lbfgs(Lbfgs { .. }) => Rule::Sgd { learning_rate: rounded(learning_rate), decay: Decay::None },
            Optimizer::Rprop(Rprop { smaller, larger, least_step, largest_step, .. }) => Rule::Rprop {
                smaller: rounded(smaller),
                larger: rounded(larger),
                least: rounded(least_step),
                most: rounded(largest_step),
            },
        }
    }
}

fn amsgrad<T: Element>(
    learning_rate: f64,
    [beta1, beta2]: [f64; 2],
    epsilon: f64,
    [lambda, keep]: [T; 2],
    step: u64,
) -> Rule<T> {
    let rest = |base| sub(1.0, power(base, step));
    Rule::AmsGrad {
        step_size: rounded(div(learning_rate, rest(beta1))),
        one_minus_beta1: rounded(sub(1.0, beta1)),
        beta2: rounded(beta2),
        one_minus_beta2: rounded(sub(1.0, beta2)),
        correction: rounded(div(1.0, sqrt(rest(beta2)))),
        epsilon: rounded(epsilon),
        lambda,
        keep,
    }
}

fn nadam_rule<T: Element>(of: NAdam, learning_rate: f64, step: u64, momenta: &mut Momenta) -> Rule<T> {
    let NAdam { beta1, beta2, epsilon, weight_decay, .. } = of;
    let here = power(momenta.q, step);
    let (now, next) = (momenta.of(beta1, here), momenta.of(beta1, mul(here, momenta.q)));
    momenta.multiply(now);
    let product = momenta.product;
    Rule::NAdam {
        of_gradient: rounded(div(mul(learning_rate, sub(1.0, now)), sub(1.0, product))),
        of_moment: rounded(div(mul(learning_rate, next), sub(1.0, mul(product, next)))),
        one_minus_beta1: rounded(sub(1.0, beta1)),
        beta2: rounded(beta2),
        one_minus_beta2: rounded(sub(1.0, beta2)),
        correction: rounded(div(1.0, sqrt(sub(1.0, power(beta2, step))))),
        epsilon: rounded(epsilon),
        lambda: rounded(weight_decay),
    }
}

/// RAdam is Adam with other constants. Where it is not rectified, m is divided by √v·0 + 1.
fn radam_rule<T: Element>(of: RAdam, learning_rate: f64, step: u64) -> Rule<T> {
    let RAdam { beta1, beta2, epsilon, weight_decay, .. } = of;
    let (forgets, power2) = (sub(1.0, beta2), power(beta2, step));
    let (size, rest) = (div(learning_rate, sub(1.0, power(beta1, step))), sub(1.0, power2));
    let most = sub(div(2.0, forgets), 1.0);
    let length = sub(most, div(mul(mul(2.0, whole(step)), power2), rest));
    let (size, correction, epsilon) = if is_rectified(length) {
        let over = mul(mul(sub(length, 4.0), sub(length, 2.0)), most);
        let under = mul(mul(sub(most, 4.0), sub(most, 2.0)), length);
        (mul(mul(size, sqrt(div(over, under))), sqrt(rest)), T::ONE, rounded(epsilon))
    } else {
        (size, T::ZERO, T::ONE)
    };
    Rule::Adam {
        step_size: rounded(size),
        one_minus_beta1: rounded(sub(1.0, beta1)),
        beta2: rounded(beta2),
        one_minus_beta2: rounded(forgets),
        correction,
        epsilon,
        decay: if is_zero(weight_decay) { Decay::None } else { Decay::L2(rounded(weight_decay)) },
    }
}

/// Whether ρ is above 5: 1 cmp.
fn is_rectified(length: f64) -> bool {
    black_box(length) > 5.0
}
