//! The instructions of the layers: the forward pass and all gradients.

use nxm_kernels::beside::{div, rounded, whole};
use nxm_kernels::call::Op;
use nxm_kernels::program::Place;
use nxm_kernels::{Element, Kept, Phase};

use super::{Purpose, Results, Writer, state_of, update};
use crate::dropout::Mask;
use crate::layers::Layer;
use crate::layout::LayerLayout;

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
                    self.push(Phase::Forward, l, Op::DenseForward { x, weights, bias, activation, sums, a });
                    results.outputs.push(a);
                    results.kept.push(sums.unwrap_or(a));
                    results.norms.push(None);
                }
                Layer::LayerNorm { epsilon, .. } => {
                    let [normalized, a] = [(); 2].map(|()| self.room.place(self.rows, layer.fan_out));
                    let scales = self.room.place(1, self.rows);
                    let (weights, bias) = (layer.weights, self.bias(results, layer));
                    let (share, epsilon) = (share(layer.fan_out), rounded(epsilon));
                    let op = Op::LayerNorm { x, weights, bias, share, epsilon, normalized, scales, a };
                    self.push(Phase::Forward, l, op);
                    results.norms.push(Some([normalized, scales]));
                    self.activate(results, l, a, trains);
                }
                // Nothing but another name of its inputs.
                Layer::Dropout { .. } if !trains => {
                    results.outputs.push(x);
                    results.kept.push(x);
                    results.norms.push(None);
                }
                Layer::Dropout { rate } => {
                    let [mask, a] = [(); 2].map(|()| self.room.place(self.rows, layer.fan_out));
                    self.push(Phase::Forward, l, Op::Multiply { x, by: mask, to: a });
                    results.masks.push(Mask::new(l, mask, rate));
                    results.outputs.push(a);
                    results.kept.push(a);
                    // The mask is needed again for the gradient.
                    results.norms.push(Some([mask; 2]));
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
            self.push(Phase::Forward, l, Op::Activate { activation, sums, z: a });
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
            match (layer.layer, results.norms[l]) {
                (Layer::Dense { .. }, _) => self.dense_gradients(results, l, [delta, d], state),
                (Layer::Dropout { .. }, Some([mask, _])) => {
                    self.push(Phase::InputGradient, l, Op::Multiply { x: delta, by: mask, to: d });
                    self.derive_below(results, l, d);
                }
                (_, Some(kept)) => self.norm_gradients(results, l, [delta, d], kept, state),
                (_, None) => unreachable!("all layers that are not dense keep something"),
            }
            (here, before) = (before, here);
        }
    }

    /// δ ← δ ⊙ f'(z) of layer `l`, unless f is the identity.
    fn derive(&mut self, results: &Results<T>, l: usize, delta: Place) {
        let activation = self.layout.layers[l].layer.activation();
        if activation.function().is_some() {
            self.push(Phase::ActivationGradient, l, Op::Derive { activation, kept: results.kept[l], delta });
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
            self.push(Phase::InputGradient, l, Op::DenseInputGradient { delta, weights, activation, kept, d });
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
        let sum = results.bias_gradients[l];
        if let Some(sum) = sum {
            self.push(Phase::BiasGradient, l, Op::ColumnSum { a: delta, sum });
        }
        match results.weight_gradients[l] {
            Some(gradient) => self.push(Phase::WeightGradient, l, gradient_of(gradient)),
            None => {
                let (weights, [first, second, _]) = (layer.weights, state_of(layer.weights, state));
                let state_of_weights = [first, second];
                self.push(Phase::Update, l, Op::DenseUpdate { x, delta, rule: (), weights, state: state_of_weights });
                if let (Some(sum), Some(bias)) = (sum, layer.bias) {
                    self.push(Phase::Update, l, update(sum, bias, state));
                }
            }
        }
    }

    /// The gradients of a norm: those of γ and β are sums over the rows.
    fn norm_gradients(
        &mut self,
        results: &Results<T>,
        l: usize,
        [delta, d]: [Place; 2],
        [normalized, scales]: [Place; 2],
        state: usize,
    ) {
        let layer = &self.layout.layers[l];
        let partial = results.partial.get(l).copied();
        let places = partial.unwrap_or_else(|| results.gradients(l));
        let [Some(of_weights), Some(of_bias)] = places else { unreachable!("a norm has weights and biases") };
        self.push(Phase::BiasGradient, l, Op::ColumnSum { a: delta, sum: of_bias });
        self.push(Phase::WeightGradient, l, Op::ColumnDot { a: delta, b: normalized, sum: of_weights });
        let (weights, share) = (layer.weights, share(layer.fan_out));
        let op = Op::LayerNormGradient { delta, weights, normalized, scales, share, d };
        self.push(Phase::InputGradient, l, op);
        self.derive_below(results, l, d);
        // In a fused step the update stands here, behind all that needs the weights of the forward pass.
        match (partial, results.gradients(l)) {
            (Some(_), [Some(weights), Some(bias)]) => {
                self.push(Phase::BiasGradient, l, update(of_bias, bias, 0));
                self.push(Phase::WeightGradient, l, update(of_weights, weights, 0));
            }
            _ if self.fused => {
                self.push(Phase::Update, l, update(of_weights, layer.weights, state));
                if let Some(bias) = layer.bias {
                    self.push(Phase::Update, l, update(of_bias, bias, state));
                }
            }
            _ => {}
        }
    }
}

/// 1/n: 1 div and 2 conversions, in f64 1.
fn share<T: Element>(n: usize) -> T {
    rounded(div(1.0, whole(n as u64)))
}
