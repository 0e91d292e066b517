//! The other optimizers of PyTorch, and Lion, for one parameter in one step. They take their weight decay where it is 0, too.
//!
//! One thing is not PyTorch's: a mean that is kept from step to step becomes 0 where it is subnormal, which takes a comparison.

use super::Machine;
use super::optimizers::keep;
use nxm_count::Optimizer;
use nxm_net::{Adadelta, Adagrad, Adam, AdamW, Adamax, Lion, NAdam, RAdam, RmsProp, Rprop};

/// The new w, from its gradient g, in step t, counted from 1; what is kept of w is changed.
pub fn update(machine: &mut Machine, optimizer: &Optimizer, t: i32, w: f64, g: f64, kept: &mut [f64; 3]) -> f64 {
    match *optimizer {
        Optimizer::Adam(Adam { learning_rate, beta1, beta2, epsilon, weight_decay, .. }) => {
            let g = machine.fma(weight_decay, w, g);
            amsgrad(machine, [learning_rate, beta1, beta2, epsilon], t, [w, 1.0, g], kept)
        }
        Optimizer::AdamW(AdamW { learning_rate, beta1, beta2, epsilon, weight_decay, .. }) => {
            // AMSGrad adds no λ·w, but its rule has a place for it.
            let g = machine.fma(0.0, w, g);
            amsgrad(
                machine,
                [learning_rate, beta1, beta2, epsilon],
                t,
                [w, 1.0 - learning_rate * weight_decay, g],
                kept,
            )
        }
        Optimizer::RmsProp(rmsprop) => root_mean_square(machine, rmsprop, w, g, kept),
        Optimizer::Adagrad(Adagrad {
            learning_rate, learning_rate_decay, initial_sum, epsilon, weight_decay, ..
        }) => {
            let g = machine.fma(weight_decay, w, g);
            let before = if t == 1 { initial_sum } else { kept[0] };
            let sum = machine.fma(g, g, before);
            kept[0] = keep(machine, sum);
            let divisor = machine.sqrt(kept[0]);
            let divisor = machine.add(divisor, epsilon);
            let step = machine.div(g, divisor);
            machine.fma(-learning_rate / (1.0 + f64::from(t - 1) * learning_rate_decay), step, w)
        }
        Optimizer::Adadelta(Adadelta { learning_rate, rho, epsilon, weight_decay, .. }) => {
            let g = machine.fma(weight_decay, w, g);
            kept[0] = square(machine, rho, g, kept[0]);
            let [divisor, dividend] = [kept[0], kept[1]].map(|x| {
                let sum = machine.add(x, epsilon);
                machine.sqrt(sum)
            });
            let factor = machine.div(dividend, divisor);
            let step = machine.mul(factor, g);
            kept[1] = square(machine, rho, step, kept[1]);
            machine.fma(-learning_rate, step, w)
        }
        Optimizer::Adamax(Adamax { learning_rate, beta1, beta2, epsilon, weight_decay, .. }) => {
            let g = machine.fma(weight_decay, w, g);
            kept[0] = mean(machine, beta1, g, kept[0]);
            let (size, old) = (machine.add(g.abs(), epsilon), machine.mul(beta2, kept[1]));
            kept[1] = machine.max(old, size);
            let step = machine.div(kept[0], kept[1]);
            machine.fma(-learning_rate / (1.0 - beta1.powi(t)), step, w)
        }
        Optimizer::NAdam(nadam) => nesterov(machine, nadam, t, w, g, kept),
        Optimizer::RAdam(radam) => rectified(machine, radam, t, w, g, kept),
        Optimizer::Lion(Lion { learning_rate, beta1, beta2, weight_decay, .. }) => {
            let change = machine.sub(g, kept[0]);
            let direction = machine.fma(1.0 - beta1, change, kept[0]);
            let moment = machine.fma(1.0 - beta2, change, kept[0]);
            kept[0] = keep(machine, moment);
            let w = machine.mul(1.0 - learning_rate * weight_decay, w);
            let sign = if machine.less(0.0, direction.abs()) { 1f64.copysign(direction) } else { 0.0 };
            machine.fma(-learning_rate, sign, w)
        }
        Optimizer::Rprop(rprop) => resilient(machine, rprop, t, w, g, kept),
        Optimizer::Sgd(_) | Optimizer::Lbfgs(_) | Optimizer::Muon(_) => unreachable!("they are in other files"),
    }
}

/// m ← m + (1 − β)(g − m).
fn mean(machine: &mut Machine, beta: f64, g: f64, m: f64) -> f64 {
    let change = machine.sub(g, m);
    let mean = machine.fma(1.0 - beta, change, m);
    keep(machine, mean)
}

/// v ← β·v + (1 − β)·g².
fn square(machine: &mut Machine, beta: f64, g: f64, v: f64) -> f64 {
    let (part, old) = (machine.mul(1.0 - beta, g), machine.mul(beta, v));
    let mean = machine.fma(part, g, old);
    keep(machine, mean)
}

/// As Adam, divided by the root of the largest v so far; w·`rest` is what the step is taken from.
fn amsgrad(machine: &mut Machine, constants: [f64; 4], t: i32, [w, rest, g]: [f64; 3], kept: &mut [f64; 3]) -> f64 {
    let [learning_rate, beta1, beta2, epsilon] = constants;
    kept[0] = mean(machine, beta1, g, kept[0]);
    kept[1] = square(machine, beta2, g, kept[1]);
    kept[2] = machine.max(kept[2], kept[1]);
    let root = machine.sqrt(kept[2]);
    let divisor = machine.fma(root, 1.0 / (1.0 - beta2.powi(t)).sqrt(), epsilon);
    let quotient = machine.div(kept[0], divisor);
    let w = machine.mul(rest, w);
    machine.fma(-learning_rate / (1.0 - beta1.powi(t)), quotient, w)
}

/// v, then the mean gradient if it is centred, then the momentum if there is one.
fn root_mean_square(machine: &mut Machine, of: RmsProp, w: f64, g: f64, kept: &mut [f64; 3]) -> f64 {
    let g = machine.fma(of.weight_decay, w, g);
    kept[0] = square(machine, of.alpha, g, kept[0]);
    let mut v = kept[0];
    if of.centred {
        kept[1] = mean(machine, of.alpha, g, kept[1]);
        let centred = machine.fma(-kept[1], kept[1], v);
        v = machine.max(centred, 0.0);
    }
    let root = machine.sqrt(v);
    let divisor = machine.add(root, of.epsilon);
    let mut step = machine.div(g, divisor);
    if of.momentum != 0.0 {
        let buffer = &mut kept[1 + usize::from(of.centred)];
        let sum = machine.fma(of.momentum, *buffer, step);
        *buffer = keep(machine, sum);
        step = *buffer;
    }
    machine.fma(-of.learning_rate, step, w)
}

/// The product of the momenta is a number in f32, as PyTorch has it.
fn nesterov(machine: &mut Machine, of: NAdam, t: i32, w: f64, g: f64, kept: &mut [f64; 3]) -> f64 {
    let NAdam { learning_rate, beta1, beta2, epsilon, weight_decay, momentum_decay, .. } = of;
    let momentum = |t: i32| beta1 * (1.0 - 0.5 * 0.96f64.powf(f64::from(t) * momentum_decay));
    let product = f64::from((1..=t).fold(1f32, |product, t| product * momentum(t) as f32));
    let g = machine.fma(weight_decay, w, g);
    kept[0] = mean(machine, beta1, g, kept[0]);
    kept[1] = square(machine, beta2, g, kept[1]);
    let root = machine.sqrt(kept[1]);
    let divisor = machine.fma(root, 1.0 / (1.0 - beta2.powi(t)).sqrt(), epsilon);
    let of_moment = machine.mul(learning_rate * momentum(t + 1) / (1.0 - product * momentum(t + 1)), kept[0]);
    let ahead = machine.fma(learning_rate * (1.0 - momentum(t)) / (1.0 - product), g, of_moment);
    let step = machine.div(ahead, divisor);
    machine.sub(w, step)
}

/// A step that is not rectified takes the operations of one that is: it divides by 1.
fn rectified(machine: &mut Machine, of: RAdam, t: i32, w: f64, g: f64, kept: &mut [f64; 3]) -> f64 {
    let RAdam { learning_rate, beta1, beta2, epsilon, weight_decay, .. } = of;
    let g = if weight_decay == 0.0 { g } else { machine.fma(weight_decay, w, g) };
    kept[0] = mean(machine, beta1, g, kept[0]);
    kept[1] = square(machine, beta2, g, kept[1]);
    let rest = 1.0 - beta2.powi(t);
    let most = 2.0 / (1.0 - beta2) - 1.0;
    let length = most - 2.0 * f64::from(t) * beta2.powi(t) / rest;
    let mut size = learning_rate / (1.0 - beta1.powi(t));
    let root = machine.sqrt(kept[1]);
    let divisor = if length > 5.0 {
        size *= ((length - 4.0) * (length - 2.0) * most / ((most - 4.0) * (most - 2.0) * length)).sqrt() * rest.sqrt();
        machine.fma(root, 1.0, epsilon)
    } else {
        machine.fma(root, 0.0, 1.0)
    };
    let quotient = machine.div(kept[0], divisor);
    machine.fma(-size, quotient, w)
}

/// The gradient of the step before, then the step size.
fn resilient(machine: &mut Machine, of: Rprop, t: i32, w: f64, g: f64, kept: &mut [f64; 3]) -> f64 {
    let product = machine.mul(g, kept[0]);
    let (turned, same) = (machine.less(product, 0.0), machine.less(0.0, product));
    let factor = if same { of.larger } else { if turned { of.smaller } else { 1.0 } };
    let before = if t == 1 { of.learning_rate } else { kept[1] };
    let step = machine.mul(before, factor);
    let step = machine.max(step, of.least_step);
    kept[1] = -machine.max(-step, -of.largest_step);
    // Whether it turned is compared twice.
    kept[0] = if machine.less(product, 0.0) { 0.0 } else { g };
    let sign = if machine.less(0.0, kept[0].abs()) { 1f64.copysign(kept[0]) } else { 0.0 };
    machine.fma(-kept[1], sign, w)
}
