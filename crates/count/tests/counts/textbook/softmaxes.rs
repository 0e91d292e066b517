//! Softmax and log-softmax of rows of m numbers, and the gradients of their inputs, from PyTorch's documentation of torch.nn.

use super::Machine;

/// e^{x − max} / Σ e^{x − max} of each row.
pub fn softmax(machine: &mut Machine, x: &[f64], m: usize) -> Vec<f64> {
    let mut outputs = Vec::new();
    for row in x.chunks(m) {
        let most = row[1..].iter().fold(row[0], |most, x| machine.max(most, *x));
        let shifted: Vec<f64> = row.iter().map(|x| machine.sub(*x, most)).collect();
        let powers: Vec<f64> = shifted.iter().map(|s| machine.evaluate("exp", f64::exp, *s)).collect();
        let sum = machine.sum(powers.iter().copied());
        let share = machine.div(1.0, sum);
        outputs.extend(powers.into_iter().map(|power| machine.mul(power, share)));
    }
    outputs
}

/// x − max − ln Σ e^{x − max} of each row.
pub fn log_softmax(machine: &mut Machine, x: &[f64], m: usize) -> Vec<f64> {
    let mut outputs = Vec::new();
    for row in x.chunks(m) {
        let most = row[1..].iter().fold(row[0], |most, x| machine.max(most, *x));
        let shifted: Vec<f64> = row.iter().map(|x| machine.sub(*x, most)).collect();
        let powers: Vec<f64> = shifted.iter().map(|s| machine.evaluate("exp", f64::exp, *s)).collect();
        let sum = machine.sum(powers);
        let log = machine.evaluate("log", f64::ln, sum);
        outputs.extend(shifted.into_iter().map(|s| machine.sub(s, log)));
    }
    outputs
}

/// a·(δ − Σ δ·a) of each row of outputs a.
pub fn softmax_gradient(machine: &mut Machine, outputs: &[f64], delta: &[f64], m: usize) -> Vec<f64> {
    let mut gradient = Vec::new();
    for (a, delta) in outputs.chunks(m).zip(delta.chunks(m)) {
        let along = machine.dot(delta.iter().copied().zip(a.iter().copied()));
        for (a, delta) in a.iter().zip(delta) {
            let apart = machine.sub(*delta, along);
            gradient.push(machine.mul(*a, apart));
        }
    }
    gradient
}

/// δ − eᵃ·Σ δ of each row of outputs a.
pub fn log_softmax_gradient(machine: &mut Machine, outputs: &[f64], delta: &[f64], m: usize) -> Vec<f64> {
    let mut gradient = Vec::new();
    for (a, delta) in outputs.chunks(m).zip(delta.chunks(m)) {
        let sum = machine.sum(delta.iter().copied());
        for (a, delta) in a.iter().zip(delta) {
            let share = machine.evaluate("exp", f64::exp, *a);
            gradient.push(machine.fma(-share, sum, *delta));
        }
    }
    gradient
}
