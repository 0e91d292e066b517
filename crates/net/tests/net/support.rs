//! Networks, examples and executors that several tests use, and the forward pass and losses in plain loops.

use nxm_kernels::reference::{self, Real};
use nxm_kernels::{Activation, Cpu, Element, Level, MatrixMut, MatrixRef};
use nxm_net::{
    Adadelta, Adagrad, Adam, AdamW, Adamax, Dataset, Lion, Loss, Muon, NAdam, Network, Optimizer, RAdam, RmsProp,
    Rprop, Sgd, Targets,
};

/// One thread at the fastest level, or at the fastest that fuses: on some machines that is the scalar one.
pub fn cpu() -> Cpu {
    let (fastest, fused) = (Level::detect().unwrap(), fused_levels());
    let level = if fused.contains(&fastest) { fastest } else { *fused.last().unwrap() };
    Cpu::new(level, 1)
}

/// The levels whose results must be the same to the bit.
pub fn fused_levels() -> Vec<Level> {
    Level::available().filter(|level| level.shape::<f32>().fused && level.shape::<f64>().fused).collect()
}

/// A network with `hidden` in all layers but the last.
pub fn network<T: Element>(sizes: &[usize], hidden: Activation, output: Activation, seed: u64) -> Network<T> {
    let (last, between) = sizes[1..].split_last().unwrap();
    let builder = between.iter().fold(Network::builder(sizes[0]), |builder, &units| builder.dense(units, hidden));
    let mut network = builder.dense(*last, output).seed(seed).build().unwrap();
    // Biases begin at 0, which would hide what they do.
    for l in 0..sizes.len() - 1 {
        for (j, b) in network.layer_mut(l).bias_mut().iter_mut().enumerate() {
            *b = T::from_f64(0.1 * ((seed % 97) as f64 + j as f64).sin());
        }
    }
    network
}

/// Numbers in −1 to 1 without a pattern, exact in f32.
pub fn numbers<T: Element>(len: usize, seed: u64) -> Vec<T> {
    let hash = |i: u64| (i ^ seed << 32).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (0..len as u64).map(|i| T::from_f64(((hash(hash(i)) >> 48) as f64 - 32768.0) / 32768.0)).collect()
}

/// Examples of the kind that the loss needs.
pub fn examples<T: Element>(loss: &Loss, rows: usize, features: usize, outputs: usize, seed: u64) -> Dataset<T> {
    let inputs = numbers(rows * features, seed);
    match loss.of_mean() {
        Loss::Sum(_) => unreachable!("a mean is no sum"),
        Loss::SoftMargin => {
            let sign = |x: f64| T::from_f64(if x < 0.0 { -1.0 } else { 1.0 });
            let targets = numbers::<f64>(rows * outputs, seed + 1).into_iter().map(sign);
            Dataset::regression(inputs, features, targets.collect(), outputs).unwrap()
        }
        // A target of 0 is at the edge of what they are for.
        // Logarithms of probabilities.
        Loss::KlDivergence { log_target: true, .. } => {
            let targets = numbers::<f64>(rows * outputs, seed + 1).into_iter().map(|x| T::from_f64(-x.abs()));
            Dataset::regression(inputs, features, targets.collect(), outputs).unwrap()
        }
        Loss::PoissonNll { .. } | Loss::KlDivergence { .. } | Loss::SoftCrossEntropy { .. } => {
            let targets = numbers::<f64>(rows * outputs, seed + 1);
            let targets =
                targets.into_iter().enumerate().map(|(i, x)| T::from_f64(if i % 7 == 3 { 0.0 } else { x.abs() }));
            Dataset::regression(inputs, features, targets.collect(), outputs).unwrap()
        }
        Loss::MeanSquaredError | Loss::L1 | Loss::SmoothL1 { .. } | Loss::Huber { .. } | Loss::Quantile { .. } => {
            Dataset::regression(inputs, features, numbers(rows * outputs, seed + 1), outputs).unwrap()
        }
        Loss::BinaryCrossEntropy { .. } => {
            let targets = numbers::<f64>(rows * outputs, seed + 1).into_iter().map(|x| T::from_f64(x.abs()));
            Dataset::regression(inputs, features, targets.collect(), outputs).unwrap()
        }
        Loss::CrossEntropy { .. } => {
            let labels =
                numbers::<f64>(rows, seed + 1).into_iter().map(|x| ((x + 1.0) * 32768.0) as u32 % outputs as u32);
            Dataset::classification(inputs, features, labels.collect(), outputs).unwrap()
        }
    }
}

/// Every kind of loss, with each of its options too, for this many outputs.
pub fn losses(outputs: usize) -> Vec<Loss> {
    let class_weights: Vec<f64> = (0..outputs).map(|class| 0.5 + 0.75 * class as f64).collect();
    let mut losses = Loss::ALL.to_vec();
    losses.push(Loss::CrossEntropy { label_smoothing: 0.1, class_weights: Vec::new() });
    losses.push(Loss::CrossEntropy { label_smoothing: 0.0, class_weights: class_weights.clone() });
    losses.push(Loss::CrossEntropy { label_smoothing: 0.2, class_weights: class_weights.clone() });
    losses.push(Loss::SoftCrossEntropy { label_smoothing: 0.1, class_weights: Vec::new() });
    losses.push(Loss::SoftCrossEntropy { label_smoothing: 0.2, class_weights: class_weights.clone() });
    losses.push(Loss::KlDivergence { log_target: true, mean_of_elements: false });
    losses.push(Loss::KlDivergence { log_target: false, mean_of_elements: true });
    losses.push(Loss::BinaryCrossEntropy { positive_weights: class_weights });
    losses.push(Loss::SmoothL1 { beta: 0.3 });
    losses.push(Loss::Huber { delta: 0.3 });
    losses.push(Loss::Quantile { tau: 0.2 });
    losses
}

/// Every kind of optimizer, with each of its options.
pub fn optimizers() -> Vec<Optimizer> {
    let sgd = Sgd::new(0.1);
    let momentum = sgd.with_momentum(0.9);
    let (adam, adamw) = (Adam::new(0.01), AdamW::new(0.01));
    vec![
        Optimizer::Sgd(sgd),
        Optimizer::Sgd(sgd.with_weight_decay(0.01)),
        Optimizer::Sgd(momentum),
        Optimizer::Sgd(momentum.with_dampening(0.1).with_weight_decay(0.01)),
        Optimizer::Sgd(momentum.with_nesterov(true)),
        Optimizer::Adam(adam),
        Optimizer::Adam(adam.with_weight_decay(0.05)),
        Optimizer::AdamW(adamw),
        Optimizer::AdamW(adamw.with_weight_decay(0.0)),
        adam.with_amsgrad(true).with_weight_decay(0.05).into(),
        adamw.with_amsgrad(true).into(),
        adamw.with_bias_decay(false).into(),
        NAdam::new(0.01).with_weight_decay(0.05).with_bias_decay(false).into(),
        RmsProp::new(0.01).into(),
        RmsProp::new(0.01).with_momentum(0.9).with_weight_decay(0.05).into(),
        RmsProp::new(0.01).with_centred(true).into(),
        RmsProp::new(0.01).with_centred(true).with_momentum(0.9).into(),
        Adagrad::new(0.05).with_learning_rate_decay(0.01).with_initial_sum(0.1).with_weight_decay(0.05).into(),
        Adadelta::new(1.0).with_weight_decay(0.05).into(),
        Adamax::new(0.01).with_weight_decay(0.05).into(),
        NAdam::new(0.01).with_weight_decay(0.05).into(),
        RAdam::new(0.01).with_weight_decay(0.05).into(),
        Lion::new(0.01).with_weight_decay(0.05).into(),
        Rprop::new(0.01).into(),
        Muon::new(0.02).into(),
        Muon::new(0.02).with_nesterov(false).with_match_rms_adamw(true).with_weight_decay(0.0).into(),
    ]
}

/// Copies a row-major matrix without gaps into a view, whose rows may be padded.
pub fn fill<T: Element>(mut to: MatrixMut<'_, T>, from: &[T]) {
    assert_eq!(to.rows() * to.cols(), from.len());
    for (i, row) in from.chunks_exact(to.cols()).enumerate() {
        to.row(i).copy_from_slice(row);
    }
}

/// Each layer's sums and activations, by the plain loops of the reference.
pub fn forward<T: Real>(network: &Network<T>, x: MatrixRef<'_, T>) -> Vec<(Vec<T>, Vec<T>)> {
    let mut layers: Vec<(Vec<T>, Vec<T>)> = Vec::new();
    let mut inputs = x.to_vec();
    for layer in network.layers() {
        let mut z = vec![T::ZERO; x.rows() * layer.fan_out()];
        reference::forward(&inputs, &layer.weights().to_vec(), layer.bias(), x.rows(), &mut z);
        let a: Vec<T> = z.iter().map(|&z| reference::activate(layer.activation(), z)).collect();
        inputs.clone_from(&a);
        layers.push((z, a));
    }
    layers
}

/// The mean loss, in plain loops.
pub fn loss(network: &Network<f64>, loss: &Loss, x: MatrixRef<'_, f64>, targets: Targets<'_, f64>) -> f64 {
    let outputs = forward(network, x).pop().unwrap().1;
    match (loss, targets) {
        (Loss::CrossEntropy { label_smoothing, class_weights }, Targets::Classes(labels)) => {
            let classes = network.outputs();
            let weight = |class: usize| class_weights.get(class).copied().unwrap_or(1.0);
            let (mut sum, mut weights) = (0.0, 0.0);
            for (row, label) in outputs.chunks(classes).zip(labels) {
                let (mut row, label) = (row.to_vec(), *label as usize);
                reference::log_softmax(&mut row);
                let smooth: f64 = row.iter().enumerate().map(|(class, log)| weight(class) * -log).sum();
                sum +=
                    (1.0 - label_smoothing) * weight(label) * -row[label] + label_smoothing / classes as f64 * smooth;
                weights += weight(label);
            }
            sum / weights
        }
        (Loss::SoftCrossEntropy { label_smoothing, class_weights }, Targets::Values(values)) => {
            let classes = network.outputs();
            let mut sum = 0.0;
            for (row, targets) in outputs.chunks(classes).zip(values.to_vec().chunks(classes)) {
                let mut row = row.to_vec();
                reference::log_softmax(&mut row);
                for (class, (log, y)) in row.iter().zip(targets).enumerate() {
                    let smooth = (1.0 - label_smoothing) * y + label_smoothing / classes as f64;
                    sum -= class_weights.get(class).copied().unwrap_or(1.0) * smooth * log;
                }
            }
            sum / x.rows() as f64
        }
        (Loss::BinaryCrossEntropy { positive_weights }, Targets::Values(values)) => {
            // −p·t·ln σ(z) − (1 − t)·ln(1 − σ(z)), with ln σ(z) = −ln(1 + e⁻ᶻ).
            let of = |z: f64, t: f64, p: f64| p * t * (-z).exp().ln_1p() + (1.0 - t) * z.exp().ln_1p();
            let weight = |i: usize| positive_weights.get(i % network.outputs()).copied().unwrap_or(1.0);
            let elements = outputs.iter().zip(values.to_vec()).enumerate().map(|(i, (z, t))| of(*z, t, weight(i)));
            elements.sum::<f64>() / outputs.len() as f64
        }
        (_, Targets::Values(values)) => {
            let elements = outputs.iter().zip(values.to_vec()).map(|(o, t)| element(loss, *o, t));
            let count = match loss {
                Loss::KlDivergence { mean_of_elements: false, .. } => x.rows(),
                _ => outputs.len(),
            };
            elements.sum::<f64>() / count as f64
        }
        (_, Targets::Classes(_)) => unreachable!("only cross-entropy takes labels"),
    }
}

/// The loss of an output o with the target t, as PyTorch's documentation defines it.
fn element(loss: &Loss, o: f64, t: f64) -> f64 {
    let d = (o - t).abs();
    match *loss {
        Loss::MeanSquaredError => d * d,
        Loss::L1 => d,
        Loss::SmoothL1 { beta } if d < beta => 0.5 * d * d / beta,
        Loss::SmoothL1 { beta } => d - 0.5 * beta,
        Loss::Huber { delta } if d <= delta => 0.5 * d * d,
        Loss::Huber { delta } => delta * (d - 0.5 * delta),
        Loss::Quantile { tau } => f64::max(tau * (t - o), (tau - 1.0) * (t - o)),
        Loss::PoissonNll { log_input: true } => o.exp() - t * o,
        Loss::PoissonNll { log_input: false } => o - t * (o + 1e-8).ln(),
        Loss::SoftMargin => (1.0 + (-t * o).exp()).ln(),
        Loss::KlDivergence { log_target: true, .. } => t.exp() * (t - o),
        Loss::KlDivergence { .. } if t == 0.0 => 0.0,
        Loss::KlDivergence { .. } => t * (t.ln() - o),
        Loss::CrossEntropy { .. } | Loss::SoftCrossEntropy { .. } | Loss::BinaryCrossEntropy { .. } | Loss::Sum(_) => {
            unreachable!("they have loops of their own")
        }
    }
}

/// All numbers, layer by layer, weights before biases and running statistics, as bits.
pub fn bits<T: Element>(network: &Network<T>) -> Vec<u64> {
    let parameters = network.layers().flat_map(|layer| {
        let running = [layer.running_mean(), layer.running_variance()];
        [&layer.weights().to_vec(), layer.bias(), running[0], running[1]].concat()
    });
    parameters.map(|w| w.to_bits_u64()).collect()
}
