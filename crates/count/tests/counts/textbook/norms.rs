//! Norms and the gradients of their inputs, from PyTorch's documentation of torch.nn.

use super::Machine;

/// What a norm keeps for its gradient.
#[derive(Debug, Default)]
pub struct Normalised {
    /// x̂, as many as there are inputs.
    pub numbers: Vec<f64>,
    /// 1 / √(variance + ε) of each row.
    scales: Vec<f64>,
}

/// γ·x̂ + β of each row of as many numbers as there are weights.
pub fn by_rows(
    machine: &mut Machine,
    x: &[f64],
    weights: &[f64],
    bias: &[f64],
    epsilon: f64,
) -> (Vec<f64>, Normalised) {
    let share = 1.0 / weights.len() as f64;
    let (mut outputs, mut kept) = (Vec::new(), Normalised::default());
    for row in x.chunks(weights.len()) {
        let sum = machine.sum(row.iter().copied());
        let mean = machine.mul(sum, share);
        let differences: Vec<f64> = row.iter().map(|x| machine.sub(*x, mean)).collect();
        let squares = machine.dot(differences.iter().map(|d| (*d, *d)));
        let variance = machine.mul(squares, share);
        let above_zero = machine.add(variance, epsilon);
        let root = machine.sqrt(above_zero);
        let scale = machine.div(1.0, root);
        for ((d, weight), bias) in differences.iter().zip(weights).zip(bias) {
            let normalised = machine.mul(*d, scale);
            outputs.push(machine.fma(normalised, *weight, *bias));
            kept.numbers.push(normalised);
        }
        kept.scales.push(scale);
    }
    (outputs, kept)
}

/// The gradient of the inputs of [`by_rows`].
pub fn gradient_by_rows(machine: &mut Machine, delta: &[f64], weights: &[f64], kept: &Normalised) -> Vec<f64> {
    let (m, share) = (weights.len(), 1.0 / weights.len() as f64);
    let mut gradient = Vec::new();
    for ((delta, x), scale) in delta.chunks(m).zip(kept.numbers.chunks(m)).zip(&kept.scales) {
        let g: Vec<f64> = delta.iter().zip(weights).map(|(d, w)| machine.mul(*d, *w)).collect();
        let sum = machine.sum(g.iter().copied());
        let mean = machine.mul(sum, share);
        let product = machine.dot(g.iter().copied().zip(x.iter().copied()));
        let along = machine.mul(product, share);
        for (g, x) in g.iter().zip(x) {
            let less = machine.sub(*g, mean);
            let centred = machine.fma(-along, *x, less);
            gradient.push(machine.mul(centred, *scale));
        }
    }
    gradient
}
