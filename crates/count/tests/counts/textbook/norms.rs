//! Norms and the gradients of their inputs, from PyTorch's documentation of torch.nn.

use super::Machine;

/// What a norm keeps for its gradient.
#[derive(Debug, Default)]
pub struct Normalised {
    /// x̂, as many as there are inputs.
    pub numbers: Vec<f64>,
    /// 1 / √(variance + ε) of each row, or of each column.
    scales: Vec<f64>,
    /// The means and variances of the columns, of a batch norm.
    pub statistics: [Vec<f64>; 2],
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

/// γ·x̂ + β by columns: each row has as many numbers as there are weights. Sums of columns start from zero.
pub fn by_columns(
    machine: &mut Machine,
    x: &[f64],
    weights: &[f64],
    bias: &[f64],
    epsilon: f64,
) -> (Vec<f64>, Normalised) {
    let m = weights.len();
    let share = m as f64 / x.len() as f64;
    let mut kept = Normalised { numbers: vec![0.0; x.len()], ..Normalised::default() };
    let mut outputs = vec![0.0; x.len()];
    for j in 0..m {
        let column = || (j..x.len()).step_by(m);
        let sum = column().fold(0.0, |sum, i| machine.add(sum, x[i]));
        let mean = machine.mul(sum, share);
        let mut squares = 0.0;
        for i in column() {
            kept.numbers[i] = machine.sub(x[i], mean);
            squares = machine.fma(kept.numbers[i], kept.numbers[i], squares);
        }
        let variance = machine.mul(squares, share);
        let above_zero = machine.add(variance, epsilon);
        let root = machine.sqrt(above_zero);
        let scale = machine.div(1.0, root);
        for i in column() {
            kept.numbers[i] = machine.mul(kept.numbers[i], scale);
            outputs[i] = machine.fma(kept.numbers[i], weights[j], bias[j]);
        }
        kept.scales.push(scale);
        kept.statistics[0].push(mean);
        kept.statistics[1].push(variance);
    }
    (outputs, kept)
}

/// The gradient of the inputs of [`by_columns`], from those of its weights and its biases, which stand behind each other.
pub fn gradient_by_columns(
    machine: &mut Machine,
    delta: &[f64],
    weights: &[f64],
    gradient: &[f64],
    kept: &Normalised,
) -> Vec<f64> {
    let m = weights.len();
    let share = m as f64 / delta.len() as f64;
    let mut of_inputs = vec![0.0; delta.len()];
    for j in 0..m {
        let scale = machine.mul(weights[j], kept.scales[j]);
        let along = machine.mul(gradient[j], share);
        let mean = machine.mul(gradient[m + j], share);
        for i in (j..delta.len()).step_by(m) {
            let less = machine.sub(delta[i], mean);
            let centred = machine.fma(-along, kept.numbers[i], less);
            of_inputs[i] = machine.mul(centred, scale);
        }
    }
    of_inputs
}

/// r ← (1 − μ)·r + μ·s of running means, and of variances without bias, from those of `rows` rows.
pub fn run_on(machine: &mut Machine, running: &mut [Vec<f64>; 2], kept: &Normalised, momentum: f64, rows: usize) {
    let unbiased = momentum * rows as f64 / (rows as f64 - 1.0);
    for ((running, statistics), add) in running.iter_mut().zip(&kept.statistics).zip([momentum, unbiased]) {
        for (running, statistic) in running.iter_mut().zip(statistics) {
            let before = machine.mul(*running, 1.0 - momentum);
            *running = machine.fma(add, *statistic, before);
        }
    }
}
