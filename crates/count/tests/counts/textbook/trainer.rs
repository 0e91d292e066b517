//! The trainer: forward, loss, backward, clipping, update, one number after the other. Norms are in a file of their own.

use super::Machine;
use super::activations::Activation;
use super::losses::{self, Parts};
use super::muon;
use super::norms::{self, Normalised};
use super::optimizers;
use super::softmaxes;
use nxm_count::{Loss, NetworkSpec, Optimizer};
use nxm_net::AdamW;

/// A layer. A dense one has weights by input and unit, and a bias for each unit; a norm has a weight and a bias for each of its numbers.
struct Layer {
    inputs: usize,
    units: usize,
    activation: Activation,
    kind: nxm_net::Layer,
    /// Whether there are biases.
    bias: bool,
    /// Weight (i, j) at i·units + j, then the biases.
    parameters: Vec<f64>,
    /// The running means and variances of a batch norm.
    running: [Vec<f64>; 2],
    /// What the optimizer keeps of each.
    kept: Vec<[f64; 3]>,
}

/// What the outputs should be.
#[derive(Clone, Copy)]
pub enum Answers<'a> {
    Values(&'a [f64]),
    Classes(&'a [u32]),
}

/// A network and its optimizer.
pub struct Trainer {
    layers: Vec<Layer>,
    loss: Loss,
    optimizer: Optimizer,
    steps: i32,
    /// The norm that gradients are clipped to.
    pub max_norm: Option<f64>,
    /// What the examples of a batch weigh, if they have weights: at least as many as a batch has rows.
    pub weights: Option<Vec<f64>>,
    /// The decay of an average of all parameters, if one is kept, and the average, which begins as 0.
    pub average: Option<(f64, Vec<f64>)>,
    /// The value that gradients are clipped to.
    pub max_value: Option<f64>,
}

impl Trainer {
    /// The network of a specification; parameter i of a layer (weights, then biases) is `parameter(layer, i)`.
    pub fn new(spec: &NetworkSpec, parameter: impl Fn(usize, usize) -> f64) -> Trainer {
        let sizes = spec.sizes();
        let layer = |(l, pair): (usize, &[u64])| {
            let [inputs, units] = [pair[0], pair[1]].map(|size| size as usize);
            let kind = spec.layer_list()[l];
            let (rows, bias) = match kind {
                nxm_net::Layer::Dense { bias, .. } => (inputs, bias),
                nxm_net::Layer::Dropout { .. } | nxm_net::Layer::Softmax | nxm_net::Layer::LogSoftmax => (0, false),
                _ => (1, true),
            };
            let count = (rows + usize::from(bias)) * units;
            let parameters = (0..count).map(|i| parameter(l, i)).collect();
            let activation = Activation::of(spec.activation(l));
            let running = [vec![0.0; units], vec![1.0; units]];
            Layer { inputs, units, activation, kind, bias, parameters, running, kept: vec![[0.0; 3]; count] }
        };
        let layers = sizes.windows(2).enumerate().map(layer).collect();
        let (loss, optimizer) = (spec.loss().clone(), *spec.optimizer());
        Trainer { layers, loss, optimizer, steps: 0, max_norm: None, max_value: None, weights: None, average: None }
    }

    /// Inputs of the network.
    pub fn inputs(&self) -> usize {
        self.layers[0].inputs
    }
    /// Outputs of the network.
    pub fn outputs(&self) -> usize {
        self.layers[self.layers.len() - 1].units
    }
    /// All parameters, layer by layer: weights, then biases.
    pub fn parameters(&self) -> impl Iterator<Item = f64> {
        self.layers.iter().flat_map(|layer| layer.parameters.iter().copied())
    }

    /// One step on the rows of x. Returns the loss before it.
    pub fn step(&mut self, machine: &mut Machine, x: &[f64], answers: Answers<'_>) -> f64 {
        let rows = x.len() / self.inputs();
        // Of each layer its inputs and its sums; then the outputs.
        let (mut inputs, mut sums, mut kept) = (vec![x.to_vec()], Vec::new(), Vec::new());
        for layer in &self.layers {
            let (z, of_norm) = layer.sums(machine, &inputs[inputs.len() - 1], rows);
            kept.push(of_norm);
            inputs.push(z.iter().map(|z| layer.activation.forward(machine, *z)).collect());
            sums.push(z);
        }
        let (loss, mut delta) = self.loss(machine, &inputs[self.layers.len()], answers);
        let mut gradients = Vec::new();
        for (l, layer) in self.layers.iter().enumerate().rev() {
            let of_unit = delta.iter().zip(&sums[l]).zip(&inputs[l + 1]);
            delta = of_unit.map(|((d, z), a)| layer.activation.backward(machine, *z, *a, *d)).collect();
            let gradient = layer.gradient(machine, &inputs[l], &delta, rows, &kept[l]);
            // Nobody asks for the gradient of the data.
            if l > 0 {
                delta = layer.input_gradient(machine, &delta, rows, &gradient, &kept[l], &inputs[l + 1]);
            }
            gradients.push(gradient);
        }
        gradients.reverse();
        if let Some(max_norm) = self.max_norm {
            clip(machine, &mut gradients, max_norm);
        }
        if let Some(max_value) = self.max_value {
            // As torch.nn.utils.clip_grad_value_.
            for g in gradients.iter_mut().flatten() {
                let above = machine.max(*g, -max_value);
                *g = -machine.max(-above, -max_value);
            }
        }
        for (layer, kept) in self.layers.iter_mut().zip(&kept) {
            if let nxm_net::Layer::BatchNorm { momentum, .. } = layer.kind {
                norms::run_on(machine, &mut layer.running, kept, momentum, rows);
            }
        }
        self.steps += 1;
        let of_biases = of_biases(self.optimizer);
        for (layer, gradient) in self.layers.iter_mut().zip(gradients) {
            // PyTorch's usual groups: what has one dimension, biases and all of a norm, does not decay.
            let weights = if layer.kind.is_dense() { layer.inputs * layer.units } else { 0 };
            let by_matrix = matches!(self.optimizer, Optimizer::Muon(_)) as usize * weights;
            if let (Optimizer::Muon(muon), true) = (&self.optimizer, weights > 0) {
                let (w, kept) = (&mut layer.parameters[..weights], &mut layer.kept[..weights]);
                muon::update(machine, muon, w, &gradient[..weights], kept, layer.units);
            }
            let parameters = layer.parameters.iter_mut().zip(&mut layer.kept).zip(gradient).enumerate();
            for (i, ((w, kept), g)) in parameters.skip(by_matrix) {
                let optimizer = if i < weights { &self.optimizer } else { &of_biases };
                *w = optimizers::update(machine, optimizer, self.steps, *w, g, kept);
            }
        }
        self.take_in(machine);
        loss
    }

    /// ā ← ā + (1 − d)·(w − ā) of all parameters, in the first step ā ← w. Its difference is a sum with −1·ā, which counts as a multiplication.
    fn take_in(&mut self, machine: &mut Machine) {
        let parameters: Vec<f64> = self.parameters().collect();
        let Some((decay, averages)) = &mut self.average else { return };
        averages.resize(parameters.len(), 0.0);
        let rate = if self.steps == 1 { 1.0 } else { 1.0 - *decay };
        for (average, w) in averages.iter_mut().zip(parameters) {
            let away = machine.fma(-1.0, *average, w);
            *average = machine.fma(rate, away, *average);
        }
    }

    /// The loss of a batch, and its gradient; weighted, if examples have weights.
    fn loss(&self, machine: &mut Machine, outputs: &[f64], answers: Answers<'_>) -> (f64, Vec<f64>) {
        if let Loss::Sum(loss) = &self.loss {
            // The factor 1/n of the mean is 1: the operations are the same.
            let (loss, gradient, _) = self.plain_loss(machine, loss, outputs, answers);
            return (loss, gradient);
        }
        let (loss, gradient, parts) = self.plain_loss(machine, &self.loss, outputs, answers);
        match &self.weights {
            Some(weights) => {
                let rows = outputs.len() / self.outputs();
                losses::weigh(machine, &self.loss, (loss, gradient), &parts, &weights[..rows])
            }
            None => (loss, gradient),
        }
    }

    fn plain_loss(
        &self,
        machine: &mut Machine,
        loss: &Loss,
        outputs: &[f64],
        answers: Answers<'_>,
    ) -> (f64, Vec<f64>, Parts) {
        let classes = self.outputs();
        match (loss, answers) {
            (Loss::MeanSquaredError, Answers::Values(targets)) => match self.weights {
                // With weights the losses of elements are kept.
                Some(_) => losses::squared_elements(machine, outputs, targets),
                None => {
                    let (loss, gradient) = losses::mean_squared_error(machine, outputs, targets);
                    (loss, gradient, Parts { losses: Vec::new(), shares: None })
                }
            },
            (Loss::BinaryCrossEntropy { positive_weights }, Answers::Values(targets)) => {
                match positive_weights.is_empty() {
                    true => losses::binary_cross_entropy(machine, outputs, targets),
                    false => losses::weighted_binary_cross_entropy(machine, outputs, targets, positive_weights),
                }
            }
            (Loss::CrossEntropy { label_smoothing, class_weights }, Answers::Classes(labels)) => {
                if *label_smoothing == 0.0 && class_weights.is_empty() {
                    return losses::cross_entropy(machine, outputs, classes, labels);
                }
                let equal = vec![1.0; classes];
                let weights = if class_weights.is_empty() { &equal } else { class_weights };
                losses::weighted_cross_entropy(machine, outputs, weights, *label_smoothing, labels)
            }
            (Loss::SoftCrossEntropy { label_smoothing, class_weights }, Answers::Values(targets)) => {
                let equal = vec![1.0; classes];
                let weights = if class_weights.is_empty() { &equal } else { class_weights };
                let of_classes = loss.is_weighted().then_some((*label_smoothing, &weights[..]));
                losses::soft_cross_entropy(machine, outputs, targets, classes, of_classes)
            }
            (Loss::CrossEntropy { .. }, Answers::Values(_)) | (_, Answers::Classes(_)) => {
                panic!("classes for cross-entropy, values for other losses")
            }
            (loss, Answers::Values(targets)) => {
                losses::elements(machine, loss, outputs.len() / classes, outputs, targets)
            }
        }
    }
}

impl Layer {
    /// b + Σᵢ xᵢ·Wᵢⱼ: N multiplications and N additions for each unit. Of another layer what it makes of its inputs, and what it keeps.
    fn sums(&self, machine: &mut Machine, x: &[f64], rows: usize) -> (Vec<f64>, Normalised) {
        let (n, m) = (self.inputs, self.units);
        let (weights, bias) = self.parameters.split_at(self.parameters.len().min(m));
        match self.kind {
            nxm_net::Layer::Dense { .. } => {}
            nxm_net::Layer::LayerNorm { epsilon, .. } => return norms::by_rows(machine, x, weights, bias, epsilon),
            nxm_net::Layer::BatchNorm { epsilon, .. } => return norms::by_columns(machine, x, weights, bias, epsilon),
            nxm_net::Layer::Softmax => return (softmaxes::softmax(machine, x, m), Normalised::default()),
            nxm_net::Layer::LogSoftmax => return (softmaxes::log_softmax(machine, x, m), Normalised::default()),
            // Its masks are drawn: any number stands for one.
            _ => return (x.iter().map(|x| machine.mul(*x, 2.0)).collect(), Normalised::default()),
        }
        let mut z = Vec::new();
        for row in 0..rows {
            for j in 0..m {
                let bias = if self.bias { self.parameters[n * m + j] } else { 0.0 };
                z.push((0..n).fold(bias, |sum, i| machine.fma(x[row * n + i], self.parameters[i * m + j], sum)));
            }
        }
        (z, Normalised::default())
    }

    /// Σ over rows of xᵢ·δⱼ for the weights, and of δⱼ for the biases. Both start from zero. Of a norm the inputs are its normalised numbers.
    fn gradient(&self, machine: &mut Machine, x: &[f64], delta: &[f64], rows: usize, kept: &Normalised) -> Vec<f64> {
        let (n, m) = (self.inputs, self.units);
        let mut gradient = Vec::new();
        let n = if self.kind.is_dense() { n } else { 0 };
        if !self.kind.is_dense() && self.bias {
            gradient.extend((0..m).map(|j| {
                (0..rows).fold(0.0, |sum, row| machine.fma(kept.numbers[row * m + j], delta[row * m + j], sum))
            }));
        }
        for i in 0..n {
            for j in 0..m {
                gradient.push((0..rows).fold(0.0, |sum, row| machine.fma(x[row * n + i], delta[row * m + j], sum)));
            }
        }
        let biases = if self.bias { 0..m } else { 0..0 };
        gradient.extend(biases.map(|j| (0..rows).fold(0.0, |sum, row| machine.add(sum, delta[row * m + j]))));
        gradient
    }

    /// Σⱼ δⱼ·Wᵢⱼ, from zero. For one example of several units these are dot products, by convention, which start from their first product.
    fn input_gradient(
        &self,
        machine: &mut Machine,
        delta: &[f64],
        rows: usize,
        gradient: &[f64],
        kept: &Normalised,
        outputs: &[f64],
    ) -> Vec<f64> {
        let (n, m) = (self.inputs, self.units);
        match self.kind {
            nxm_net::Layer::Dense { .. } => {}
            nxm_net::Layer::LayerNorm { .. } => {
                return norms::gradient_by_rows(machine, delta, &self.parameters[..m], kept);
            }
            nxm_net::Layer::BatchNorm { .. } => {
                return norms::gradient_by_columns(machine, delta, &self.parameters[..m], gradient, kept);
            }
            nxm_net::Layer::Softmax => return softmaxes::softmax_gradient(machine, outputs, delta, m),
            nxm_net::Layer::LogSoftmax => return softmaxes::log_softmax_gradient(machine, outputs, delta, m),
            _ => return delta.iter().map(|d| machine.mul(*d, 2.0)).collect(),
        }
        let mut gradient = Vec::new();
        for row in 0..rows {
            for i in 0..n {
                let terms = (0..m).map(|j| (delta[row * m + j], self.parameters[i * m + j]));
                gradient.push(match rows == 1 && m > 1 {
                    true => machine.dot(terms),
                    false => terms.fold(0.0, |sum, (d, w)| machine.fma(d, w, sum)),
                });
            }
        }
        gradient
    }
}

/// What biases and norms follow: where they do not decay, PyTorch's group of parameters with `weight_decay=0`. Of Muon AdamW.
fn of_biases(mut optimizer: Optimizer) -> Optimizer {
    if let Optimizer::Muon(muon) = optimizer {
        return AdamW::new(muon.bias_learning_rate).with_weight_decay(muon.bias_weight_decay).into();
    }
    if optimizer.settings().contains(&("bias_decay", false.to_string())) {
        optimizer.set("weight_decay", "0").expect("an optimizer with decay");
    }
    optimizer
}

/// As torch.nn.utils.clip_grad_norm_: all gradients times max/(‖g‖ + 10⁻⁶), if that is below 1.
fn clip(machine: &mut Machine, gradients: &mut [Vec<f64>], max_norm: f64) {
    let squares = gradients.iter().flatten().fold(0.0, |sum, g| machine.fma(*g, *g, sum));
    let norm = machine.sqrt(squares);
    let beside = machine.add(norm, 1e-6);
    let scale = machine.div(max_norm, beside);
    // Which case it is, is decided by bits and is no operation of the step.
    if scale < 1.0 {
        gradients.iter_mut().flatten().for_each(|g| *g = machine.mul(*g, scale));
    }
}
