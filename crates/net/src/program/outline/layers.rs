//! The instructions of the layers: the forward pass and all gradients.

use nxm_kernels::beside::{div, mul, rounded, sub, whole};
use nxm_kernels::call::Op;
use nxm_kernels::program::Place;
use nxm_kernels::{Element, Kept, Phase};

use super::{Purpose, Results, Writer, state_of, update};
use crate::dropout::Mask;
use crate::layers::Layer;
use crate::layout::LayerLayout;

/// What a layer keeps of its forward pass for its gradient, beside its outputs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Inside {
    /// Nothing: a dense layer.
    Nothing,
    /// The mask of a dropout.
    Mask(Place),
    /// X̂ of a layer norm, and the inverses of the divisors.
    Rows { normalized: Place, scales: Place },
    /// The same of a batch norm, its means and variances, and memory for three rows.
    Columns { normalized: Place, scales: Place, statistics: [Place; 2], factors: Place },
}

impl<T: Element> Writer<'_, T> {
    /// a₀ = f(x·W₀ + b₀), a₁ = f(a₀·W₁ + b₁), …
    pub(super) fn forward(&mut self, results: &mut Results<T>, purpose: Purpose<T>) {
        let trains = purpose.mode().is_some();
        for (l, layer) in self.layout.layers.iter().enumerate() {
            let x = self.inputs(results, l);
            match layer.layer {
                Layer::Dense { activation, .. } => {
                    let a = self.room.place(self.rows, layer.fan_out);
                    let keeps = trains && activation.kept() == Kept::Sums;
                    let sums = keeps.then(|| self.room.place(self.rows, layer.fan_out));
                    let (weights, bias) = (layer.weights, self.bias(results, layer));
                    let parameters = activation.rounded();
                    let op = Op::DenseForward { x, weights, bias, activation, parameters, sums, a };
                    self.push(Phase::Forward, l, op);
                    results.outputs.push(a);
                    results.kept.push(sums.unwrap_or(a));
                    results.inside.push(Inside::Nothing);
                }
                Layer::LayerNorm { epsilon, .. } => {
                    let [normalized, a] = [(); 2].map(|()| self.room.place(self.rows, layer.fan_out));
                    let scales = self.room.place(1, self.rows);
                    let (weights, bias) = (layer.weights, self.bias(results, layer));
                    let (share, epsilon) = (share(layer.fan_out), rounded(epsilon));
                    let op = Op::LayerNorm { x, weights, bias, share, epsilon, normalized, scales, a };
                    self.push(Phase::Forward, l, op);
                    results.inside.push(Inside::Rows { normalized, scales });
                    self.activate(results, l, a, trains);
                }
                Layer::BatchNorm { epsilon, .. } if !trains => {
                    let (a, factors) = (self.room.place(self.rows, layer.fan_out), self.room.place(2, layer.fan_out));
                    let [mean, variance] = layer.running.expect("a batch norm has running statistics");
                    let (weights, bias, epsilon) = (layer.weights, self.bias(results, layer), rounded(epsilon));
                    let op = Op::BatchNormEvaluate { x, weights, bias, mean, variance, epsilon, factors, a };
                    self.push(Phase::Forward, l, op);
                    results.inside.push(Inside::Nothing);
                    self.activate(results, l, a, trains);
                }
                Layer::BatchNorm { epsilon, .. } => {
                    let [normalized, a] = [(); 2].map(|()| self.room.place(self.rows, layer.fan_out));
                    let [mean, variance, scales] = [(); 3].map(|()| self.room.place(1, layer.fan_out));
                    let factors = self.room.place(3, layer.fan_out);
                    let (weights, bias) = (layer.weights, self.bias(results, layer));
                    let (share, epsilon) = (share(self.rows), rounded(epsilon));
                    let op = Op::BatchNorm { x, weights, bias, share, epsilon, mean, variance, scales, normalized, a };
                    self.push(Phase::Forward, l, op);
                    results.inside.push(Inside::Columns { normalized, scales, statistics: [mean, variance], factors });
                    self.activate(results, l, a, trains);
                }
                // Nothing but another name of its inputs.
                Layer::Dropout { .. } if !trains => {
                    results.outputs.push(x);
                    results.kept.push(x);
                    results.inside.push(Inside::Nothing);
                }
                Layer::Dropout { rate } => {
                    let [mask, a] = [(); 2].map(|()| self.room.place(self.rows, layer.fan_out));
                    self.push(Phase::Forward, l, Op::Multiply { x, by: mask, to: a });
                    results.masks.push(Mask::new(l, mask, rate));
                    results.outputs.push(a);
                    results.kept.push(a);
                    // It is needed again for the gradient.
                    results.inside.push(Inside::Mask(mask));
                }
            }
        }
    }

    /// The biases of a layer, or a row of as many zeros.
    fn bias(&self, results: &Results<T>, layer: &LayerLayout) -> Place {
        layer.bias.unwrap_or_else(|| {
            let zeros = results.zeros.expect("there are zeros if a dense layer has no biases");
            self.room.place_at(zeros.offset, 1, layer.fan_out)
        })
    }

    /// a ← f(a) behind a norm.
    fn activate(&mut self, results: &mut Results<T>, l: usize, a: Place, trains: bool) {
        let activation = self.layout.layers[l].layer.activation();
        let keeps = trains && activation.kept() == Kept::Sums;
        let sums = keeps.then(|| self.room.place(a.layout.rows, a.layout.cols));
        if activation.function().is_some() {
            self.push(Phase::Forward, l, Op::Activate { activation, parameters: activation.rounded(), sums, z: a });
        }
        results.outputs.push(a);
        results.kept.push(sums.unwrap_or(a));
    }

    /// All gradients, from the last layer to the first. If gradients of a dense layer's weights have no places, each is computed within its update.
    pub(super) fn backward(&mut self, results: &Results<T>, delta: [usize; 2], state: usize) {
        let [mut here, mut before] = delta;
        let layout = self.layout;
        let last = layout.layers.len() - 1;
        self.derive(results, last, self.delta(here, layout.outputs()));
        for (l, layer) in layout.layers.iter().enumerate().rev() {
            let (delta, d) = (self.delta(here, layer.fan_out), self.delta(before, layer.fan_in));
            match results.inside[l] {
                Inside::Nothing => self.dense_gradients(results, l, [delta, d], state),
                Inside::Mask(mask) => {
                    self.push(Phase::InputGradient, l, Op::Multiply { x: delta, by: mask, to: d });
                    self.derive_below(results, l, d);
                }
                norm => self.norm_gradients(results, l, [delta, d], norm),
            }
            (here, before) = (before, here);
        }
    }

    /// δ ← δ ⊙ f'(z) of layer `l`, unless f is the identity.
    fn derive(&mut self, results: &Results<T>, l: usize, delta: Place) {
        let activation = self.layout.layers[l].layer.activation();
        if activation.function().is_some() {
            let (parameters, kept) = (activation.rounded(), results.kept[l]);
            self.push(Phase::ActivationGradient, l, Op::Derive { activation, parameters, kept, delta });
        }
    }

    /// The same of the layer below `l`, whose outputs have the gradient `d`.
    fn derive_below(&mut self, results: &Results<T>, l: usize, d: Place) {
        if let Some(below) = l.checked_sub(1) {
            self.derive(results, below, d);
        }
    }

    /// The gradients of a dense layer: `d` is that of the layer below.
    fn dense_gradients(&mut self, results: &Results<T>, l: usize, [delta, d]: [Place; 2], state: usize) {
        let (layout, layer) = (self.layout, &self.layout.layers[l]);
        // This stands before the update, because it needs the weights of the forward pass.
        if let Some(below) = l.checked_sub(1) {
            let (weights, kept) = (layer.weights, results.kept[below]);
            let activation = layout.layers[below].layer.activation();
            let parameters = activation.rounded();
            let op = Op::DenseInputGradient { delta, weights, activation, parameters, kept, d };
            self.push(Phase::InputGradient, l, op);
        }
        let x = self.inputs(results, l);
        let gradient_of = |gradient| Op::DenseWeightGradient { x, delta, gradient };
        if let Some(&[gradient, sum]) = results.partial.get(l) {
            let [of_weights, of_bias] = results.gradients(l);
            if let (Some(sum), Some(bias)) = (sum, of_bias) {
                self.push(Phase::BiasGradient, l, Op::ColumnSum { a: delta, sum });
                self.push(Phase::BiasGradient, l, update(sum, bias, 0));
            }
            if let (Some(gradient), Some(weights)) = (gradient, of_weights) {
                self.push(Phase::WeightGradient, l, gradient_of(gradient));
                self.push(Phase::WeightGradient, l, update(gradient, weights, 0));
            }
            return;
        }
        if let Some(sum) = results.bias_gradients[l] {
            self.push(Phase::BiasGradient, l, Op::ColumnSum { a: delta, sum });
        }
        match results.weight_gradients[l] {
            Some(gradient) => self.push(Phase::WeightGradient, l, gradient_of(gradient)),
            None => {
                let (weights, [first, second, _]) = (layer.weights, state_of(layer.weights, state));
                let state_of_weights = [first, second];
                self.push(Phase::Update, l, Op::DenseUpdate { x, delta, rule: (), weights, state: state_of_weights });
            }
        }
    }

    /// The gradients of a norm: those of γ and β are sums over the rows.
    fn norm_gradients(&mut self, results: &Results<T>, l: usize, [delta, d]: [Place; 2], norm: Inside) {
        let layer = &self.layout.layers[l];
        let partial = results.partial.get(l).copied();
        let places = partial.unwrap_or_else(|| results.gradients(l));
        let [Some(of_weights), Some(of_bias)] = places else { unreachable!("a norm has weights and biases") };
        let weights = layer.weights;
        let (normalized, op) = match norm {
            Inside::Rows { normalized, scales } => {
                let share = share(layer.fan_out);
                (normalized, Op::LayerNormGradient { delta, weights, normalized, scales, share, d })
            }
            Inside::Columns { normalized, scales, factors, .. } => {
                let (sums, share) = ([of_bias, of_weights], share(self.rows));
                (normalized, Op::BatchNormGradient { delta, weights, normalized, scales, sums, share, factors, d })
            }
            Inside::Nothing | Inside::Mask(_) => unreachable!("it is a norm"),
        };
        self.push(Phase::BiasGradient, l, Op::ColumnSum { a: delta, sum: of_bias });
        self.push(Phase::WeightGradient, l, Op::ColumnDot { a: delta, b: normalized, sum: of_weights });
        self.push(Phase::InputGradient, l, op);
        self.derive_below(results, l, d);
        if let (Some(_), [Some(weights), Some(bias)]) = (partial, results.gradients(l)) {
            self.push(Phase::BiasGradient, l, update(of_bias, bias, 0));
            self.push(Phase::WeightGradient, l, update(of_weights, weights, 0));
        }
    }
}

impl<T: Element> Writer<'_, T> {
    /// The running statistics of batch norms: r ← (1 − μ)·r + μ·s of the means, and of the variances without bias, s·B / (B − 1).
    ///
    /// Constants of each: 1 addition, 1 mul, 1 div and 5 conversions, in f64 2.
    pub(super) fn statistics(&mut self, results: &Results<T>) {
        for (l, layer) in self.layout.layers.iter().enumerate() {
            let Inside::Columns { statistics: [mean, variance], .. } = results.inside[l] else { continue };
            let (Layer::BatchNorm { momentum, .. }, Some([of_mean, of_variance])) = (layer.layer, layer.running) else {
                continue;
            };
            let keep = rounded(sub(1.0, momentum));
            let unbiased = div(mul(momentum, whole(self.rows as u64)), whole((self.rows as u64).saturating_sub(1)));
            self.push(Phase::Update, l, Op::Blend { keep, add: rounded(momentum), x: mean, to: of_mean });
            self.push(Phase::Update, l, Op::Blend { keep, add: rounded(unbiased), x: variance, to: of_variance });
        }
    }
}

/// 1/n: 1 div and 2 conversions, in f64 1.
fn share<T: Element>(n: usize) -> T {
    rounded(div(1.0, whole(n as u64)))
}
