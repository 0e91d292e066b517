//! Losses and their gradients, from PyTorch's documentation (torch.nn: MSELoss, CrossEntropyLoss, BCEWithLogitsLoss; reduction "mean").

use super::Machine;
use super::activations::{sigmoid, softplus};
use nxm_count::Loss;

/// The mean squared error of n outputs, Σ (o − t)²/n, and its gradient 2(o − t)/n.
pub fn mean_squared_error(machine: &mut Machine, outputs: &[f64], targets: &[f64]) -> (f64, Vec<f64>) {
    let n = outputs.len() as f64;
    let errors: Vec<f64> = outputs.iter().zip(targets).map(|(o, t)| machine.sub(*o, *t)).collect();
    let squares = machine.dot(errors.iter().map(|e| (*e, *e)));
    let loss = machine.mul(squares, 1.0 / n);
    (loss, errors.into_iter().map(|e| machine.mul(e, 2.0 / n)).collect())
}

/// What a loss is the sum of, for examples with weights: the losses of the elements of a row or that of the row, and what the row weighs beside its
/// example's weight.
pub struct Parts {
    /// Row after row.
    pub losses: Vec<f64>,
    /// Of each row, if they differ.
    pub shares: Option<Vec<f64>>,
}

/// The mean squared error once more, with the errors of its elements kept: of n outputs, Σ d²/n and 2d/n.
pub fn squared_elements(machine: &mut Machine, outputs: &[f64], targets: &[f64]) -> (f64, Vec<f64>, Parts) {
    let n = outputs.len() as f64;
    let (mut losses, mut gradient) = (Vec::new(), Vec::new());
    for (o, t) in outputs.iter().zip(targets) {
        let d = machine.sub(*o, *t);
        losses.push(machine.mul(d, d));
        let d = machine.sub(*o, *t);
        gradient.push(machine.mul(d, 2.0 / n));
    }
    let sum = machine.sum(losses.iter().copied());
    (machine.mul(sum, 1.0 / n), gradient, Parts { losses, shares: None })
}

/// A loss that is a mean of numbers of each element, by PyTorch's documentation (torch.nn: L1Loss, SmoothL1Loss, HuberLoss, PoissonNLLLoss,
/// SoftMarginLoss, KLDivLoss with "batchmean"), and Koenker's quantile loss; and its gradient. Of a loss of B rows of M outputs.
pub fn elements(
    machine: &mut Machine,
    loss: &Loss,
    rows: usize,
    outputs: &[f64],
    targets: &[f64],
) -> (f64, Vec<f64>, Parts) {
    // Constants of the loss.
    let mean = match *loss {
        Loss::KlDivergence => 1.0 / rows as f64,
        Loss::SmoothL1 { beta } => 1.0 / (outputs.len() as f64 * beta),
        _ => 1.0 / outputs.len() as f64,
    };
    let (mut losses, mut gradient) = (Vec::new(), Vec::new());
    for (o, t) in outputs.iter().zip(targets) {
        losses.push(of_element(machine, loss, *o, *t));
        let slope = slope_of_element(machine, loss, *o, *t);
        gradient.push(machine.mul(slope, mean));
    }
    let sum = machine.sum(losses.iter().copied());
    (machine.mul(sum, mean), gradient, Parts { losses, shares: None })
}

fn of_element(machine: &mut Machine, loss: &Loss, o: f64, t: f64) -> f64 {
    match *loss {
        Loss::L1 => machine.sub(o, t).abs(),
        // m·(|d| − m/2) with m = min(|d|, δ): d²/2 below δ, and δ·(|d| − δ/2) above. Smooth L1 is that over β = δ.
        Loss::SmoothL1 { beta: delta } | Loss::Huber { delta } => {
            let d = machine.sub(o, t).abs();
            let m = -machine.max(-d, -delta);
            let rest = machine.fma(-0.5, m, d);
            machine.mul(m, rest)
        }
        Loss::Quantile { tau } => {
            let d = machine.sub(o, t);
            let (below, above) = (machine.mul(-d, tau), machine.mul(d, 1.0 - tau));
            machine.max(below, above)
        }
        Loss::PoissonNll { log_input: true } => {
            let rate = machine.evaluate("exp", f64::exp, o);
            machine.fma(-t, o, rate)
        }
        Loss::PoissonNll { log_input: false } => {
            let rate = machine.add(o, 1e-8);
            let log = machine.evaluate("log", f64::ln, rate);
            machine.fma(-t, log, o)
        }
        Loss::SoftMargin => {
            let margin = machine.mul(t, o);
            machine.evaluate("log_1p_exp", softplus, -margin)
        }
        Loss::KlDivergence => {
            // 0·ln 0 is 0.
            let bounded = machine.max(t, f64::MIN_POSITIVE);
            let log = machine.evaluate("log", f64::ln, bounded);
            let difference = machine.sub(log, o);
            let share = machine.max(t, 0.0);
            machine.mul(share, difference)
        }
        _ => unreachable!("it is no loss of elements"),
    }
}

/// What the gradient is the mean of, of smooth L1 times β.
fn slope_of_element(machine: &mut Machine, loss: &Loss, o: f64, t: f64) -> f64 {
    match *loss {
        Loss::L1 => {
            let d = machine.sub(o, t);
            if machine.less(0.0, d.abs()) { d.signum() } else { 0.0 }
        }
        Loss::SmoothL1 { beta: delta } | Loss::Huber { delta } => {
            let d = machine.sub(o, t);
            let below = -machine.max(-d, -delta);
            machine.max(below, -delta)
        }
        Loss::Quantile { tau } => {
            let d = machine.sub(o, t);
            let (below, above) = (machine.less(d, 0.0), machine.less(0.0, d));
            if above {
                1.0 - tau
            } else if below {
                -tau
            } else {
                0.0
            }
        }
        Loss::PoissonNll { log_input: true } => {
            let rate = machine.evaluate("exp", f64::exp, o);
            machine.sub(rate, t)
        }
        Loss::PoissonNll { log_input: false } => {
            let rate = machine.add(o, 1e-8);
            let share = machine.div(t, rate);
            machine.sub(1.0, share)
        }
        Loss::SoftMargin => {
            let margin = machine.mul(t, o);
            let share = machine.evaluate("sigmoid", sigmoid, -margin);
            machine.mul(-t, share)
        }
        Loss::KlDivergence => -t,
        _ => unreachable!("it is no loss of elements"),
    }
}

/// The mean over rows by their examples' weights s: Σ sᵢ·ℓᵢ / Σ sᵢcᵢ, with the shares c of the rows or 1. The loss of a row is the mean of its
/// elements' losses, of smooth L1 over β, and of the divergence their sum. The gradient, which was by Σ cᵢ, becomes one by Σ sᵢcᵢ.
pub fn weigh(
    machine: &mut Machine,
    of: &Loss,
    before: (f64, Vec<f64>),
    parts: &Parts,
    weights: &[f64],
) -> (f64, Vec<f64>) {
    let rows = weights.len();
    let (total, all) = match &parts.shares {
        Some(shares) => {
            let total = machine.dot(weights.iter().copied().zip(shares.iter().copied()));
            (total, machine.sum(shares.iter().copied()))
        }
        None => (machine.sum(weights.iter().copied()), rows as f64),
    };
    let inverse = machine.div(1.0, total);
    let inverse = if machine.less(0.0, total) { inverse } else { 0.0 };
    let ratio = machine.mul(all, inverse);
    let each = parts.losses.len() / rows;
    let sums: Vec<f64> = parts.losses.chunks(each).map(|row| machine.sum(row.iter().copied())).collect();
    let sum = machine.dot(weights.iter().copied().zip(sums));
    let share = match of {
        Loss::KlDivergence => 1.0,
        Loss::SmoothL1 { beta } => 1.0 / (each as f64 * beta),
        _ => 1.0 / each as f64,
    };
    let scale = machine.mul(inverse, share);
    let loss = machine.mul(sum, scale);
    let loss = machine.fma(before.0, 0.0, loss);
    let units = before.1.len() / rows;
    let factors: Vec<f64> = weights.iter().map(|s| machine.mul(*s, ratio)).collect();
    let gradient = before.1.iter().enumerate().map(|(i, d)| machine.mul(*d, factors[i / units])).collect();
    (loss, gradient)
}

/// Binary cross-entropy of n logits: −t·ln σ(z) − (1 − t)·ln(1 − σ(z)) = (1 − t)·z + ln(1 + e⁻ᶻ), and its gradient (σ(z) − t)/n.
pub fn binary_cross_entropy(machine: &mut Machine, logits: &[f64], targets: &[f64]) -> (f64, Vec<f64>, Parts) {
    let n = logits.len() as f64;
    let (mut losses, mut gradient) = (Vec::new(), Vec::new());
    for (z, t) in logits.iter().zip(targets) {
        let rest = machine.sub(1.0, *t);
        let tail = machine.evaluate("log_1p_exp", softplus, -z);
        losses.push(machine.fma(rest, *z, tail));
        let p = machine.evaluate("sigmoid", sigmoid, *z);
        let error = machine.sub(p, *t);
        gradient.push(machine.mul(error, 1.0 / n));
    }
    let sum = machine.sum(losses.iter().copied());
    (machine.mul(sum, 1.0 / n), gradient, Parts { losses, shares: None })
}

/// The same with a weight p of the positive targets of each output: −p·t·ln σ(z) − (1 − t)·ln(1 − σ(z)), and its gradient
/// (p·t·(σ(z) − 1) + (1 − t)·σ(z))/n.
pub fn weighted_binary_cross_entropy(
    machine: &mut Machine,
    logits: &[f64],
    targets: &[f64],
    positive: &[f64],
) -> (f64, Vec<f64>, Parts) {
    let n = logits.len() as f64;
    let (mut losses, mut gradient) = (Vec::new(), Vec::new());
    for ((z, t), p) in logits.iter().zip(targets).zip(positive.iter().cycle()) {
        // 1 − t + p·t; p − 1 is a constant of the loss.
        let both = machine.fma(p - 1.0, *t, 1.0);
        let tail = machine.evaluate("log_1p_exp", softplus, -z);
        let of_tail = machine.mul(both, tail);
        let rest = machine.sub(1.0, *t);
        losses.push(machine.fma(rest, *z, of_tail));
        let both = machine.fma(p - 1.0, *t, 1.0);
        let share = machine.evaluate("sigmoid", sigmoid, *z);
        let wanted = machine.mul(*p, *t);
        let error = machine.fma(both, share, -wanted);
        gradient.push(machine.mul(error, 1.0 / n));
    }
    let sum = machine.sum(losses.iter().copied());
    (machine.mul(sum, 1.0 / n), gradient, Parts { losses, shares: None })
}

/// z − max z, e^{z − max z}, and their sum.
fn exponentials(machine: &mut Machine, z: &[f64]) -> (Vec<f64>, Vec<f64>, f64) {
    let most = z[1..].iter().fold(z[0], |most, z| machine.max(most, *z));
    let shifted: Vec<f64> = z.iter().map(|z| machine.sub(*z, most)).collect();
    let powers: Vec<f64> = shifted.iter().map(|s| machine.evaluate("exp", f64::exp, *s)).collect();
    let sum = machine.sum(powers.iter().copied());
    (shifted, powers, sum)
}

/// Cross-entropy of rows of `classes` logits: the mean of −ln pₜ, p = softmax(z), and its gradient (p − 1ₜ)/B.
pub fn cross_entropy(machine: &mut Machine, logits: &[f64], classes: usize, labels: &[u32]) -> (f64, Vec<f64>, Parts) {
    let share = 1.0 / labels.len() as f64;
    let (mut losses, mut gradient) = (Vec::new(), Vec::new());
    for (z, label) in logits.chunks(classes).zip(labels) {
        let label = *label as usize;
        let (shifted, powers, sum) = exponentials(machine, z);
        let log = machine.evaluate("log", f64::ln, sum);
        losses.push(machine.sub(log, shifted[label]));
        let factor = machine.div(share, sum);
        let mut row: Vec<f64> = powers.into_iter().map(|e| machine.mul(e, factor)).collect();
        row[label] = machine.sub(row[label], share);
        gradient.extend(row);
    }
    let sum = machine.sum(losses.iter().copied());
    (machine.mul(sum, share), gradient, Parts { losses, shares: None })
}

/// The same with label smoothing ε and class weights w: of a row (1 − ε)·wₜ·(−ln pₜ) + Σⱼ ε/M·wⱼ·(−ln pⱼ), summed and divided by Σ wₜ.
pub fn weighted_cross_entropy(
    machine: &mut Machine,
    logits: &[f64],
    weights: &[f64],
    smoothing: f64,
    labels: &[u32],
) -> (f64, Vec<f64>, Parts) {
    let classes = weights.len();
    // Constants of the loss: they depend on no example.
    let spread: Vec<f64> = weights.iter().map(|w| smoothing / classes as f64 * w).collect();
    let all_spread: f64 = spread.iter().sum();
    let shares: Vec<f64> = labels.iter().map(|label| weights[*label as usize]).collect();
    let weight = machine.sum(shares.iter().copied());
    let per_weight = machine.div(1.0, weight);
    let (mut losses, mut gradient) = (Vec::new(), Vec::new());
    for (z, label) in logits.chunks(classes).zip(labels) {
        let label = *label as usize;
        let own = (1.0 - smoothing) * weights[label];
        let (shifted, powers, sum) = exponentials(machine, z);
        let log = machine.evaluate("log", f64::ln, sum);
        // Σ spread·(ln Σe − s) = ln Σe · Σ spread − Σ spread·s.
        let others = machine.dot(spread.iter().copied().zip(shifted.iter().copied()));
        let of_others = machine.fma(all_spread, log, -others);
        let of_label = machine.sub(log, shifted[label]);
        losses.push(machine.fma(own, of_label, of_others));
        // The gradient of ln Σe is p: it stands in the loss (own + Σ spread) times.
        let shares = machine.add(own, all_spread);
        let scaled = machine.mul(shares, per_weight);
        let factor = machine.div(scaled, sum);
        let mut row = Vec::new();
        for (e, spread) in powers.into_iter().zip(&spread) {
            let product = machine.mul(e, factor);
            row.push(machine.fma(-spread, per_weight, product));
        }
        row[label] = machine.fma(-own, per_weight, row[label]);
        gradient.extend(row);
    }
    let sum = machine.sum(losses.iter().copied());
    (machine.mul(sum, per_weight), gradient, Parts { losses, shares: Some(shares) })
}
