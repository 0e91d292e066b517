//! Optimizers, from PyTorch's documentation (torch.optim: SGD, Adam, AdamW), for one parameter in one step.
//!
//! One thing is not PyTorch's: a number that is kept from step to step becomes 0 where it is subnormal, which takes a comparison.

use super::{Machine, others};
use nxm_count::Optimizer;
use nxm_net::{Adam, AdamW, Sgd};

/// The new w, from its gradient g, in step t, counted from 1; what is kept of w is changed.
pub fn update(machine: &mut Machine, optimizer: &Optimizer, t: i32, w: f64, g: f64, kept: &mut [f64; 3]) -> f64 {
    match *optimizer {
        Optimizer::Sgd(sgd) => descend(machine, sgd, t, w, g, &mut kept[0]),
        Optimizer::Adam(Adam { amsgrad: false, learning_rate, beta1, beta2, epsilon, weight_decay, .. }) => {
            let g = decayed(machine, weight_decay, w, g);
            adam(machine, [learning_rate, beta1, beta2, epsilon], t, w, g, kept)
        }
        Optimizer::AdamW(AdamW { amsgrad: false, learning_rate, beta1, beta2, epsilon, weight_decay, .. }) => {
            let w = if weight_decay == 0.0 { w } else { machine.mul(w, 1.0 - learning_rate * weight_decay) };
            adam(machine, [learning_rate, beta1, beta2, epsilon], t, w, g, kept)
        }
        _ => others::update(machine, optimizer, t, w, g, kept),
    }
}

/// g + λ·w.
fn decayed(machine: &mut Machine, decay: f64, w: f64, g: f64) -> f64 {
    if decay == 0.0 { g } else { machine.fma(decay, w, g) }
}

/// x, or 0 where it is subnormal.
pub fn keep(machine: &mut Machine, x: f64) -> f64 {
    if machine.less(x.abs(), f64::MIN_POSITIVE) { 0.0 } else { x }
}

/// v ← μ·v + (1 − τ)·g, in the first step v ← g; w ← w − η·v, or by Nesterov w ← w − η·(g + μ·v).
fn descend(machine: &mut Machine, sgd: Sgd, t: i32, w: f64, g: f64, v: &mut f64) -> f64 {
    let Sgd { learning_rate, momentum, dampening, nesterov, weight_decay, .. } = sgd;
    let g = decayed(machine, weight_decay, w, g);
    if momentum == 0.0 {
        return machine.fma(-learning_rate, g, w);
    }
    // v begins as 0; so in the first step this is g.
    let part = match (dampening == 0.0, t) {
        (true, _) => g,
        (false, 1) => machine.mul(1.0, g),
        (false, _) => machine.mul(1.0 - dampening, g),
    };
    let sum = machine.fma(momentum, *v, part);
    *v = keep(machine, sum);
    let direction = if nesterov { machine.fma(momentum, *v, g) } else { *v };
    machine.fma(-learning_rate, direction, w)
}

/// m ← β₁·m + (1 − β₁)·g; v ← β₂·v + (1 − β₂)·g²; w ← w − η/(1 − β₁ᵗ) · m / (√v/√(1 − β₂ᵗ) + ε). Its constants are made once a step.
fn adam(machine: &mut Machine, constants: [f64; 4], t: i32, w: f64, g: f64, [m, v, _]: &mut [f64; 3]) -> f64 {
    let [learning_rate, beta1, beta2, epsilon] = constants;
    let (size, correction) = (learning_rate / (1.0 - beta1.powi(t)), 1.0 / (1.0 - beta2.powi(t)).sqrt());
    // β₁·m + (1 − β₁)·g = m + (1 − β₁)·(g − m).
    let change = machine.sub(g, *m);
    let first = machine.fma(1.0 - beta1, change, *m);
    *m = keep(machine, first);
    let (part, old) = (machine.mul(1.0 - beta2, g), machine.mul(beta2, *v));
    let second = machine.fma(part, g, old);
    *v = keep(machine, second);
    let root = machine.sqrt(*v);
    let divisor = machine.fma(root, correction, epsilon);
    let quotient = machine.div(*m, divisor);
    machine.fma(-size, quotient, w)
}
