//! Formulas of a training step, by layer and phase.

use std::collections::BTreeMap;

use nxm_kernels::Region;
use nxm_net::region;

use super::Vectors;
use crate::kind::{Kind, Overflow};
use crate::ops::Ops;
use crate::spec::{Clipping, CountError, NetworkSpec};
use crate::tally::Tally;

/// What one layer of N inputs and M units executes in a step on B examples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerFormula {
    /// N.
    pub fan_in: u64,
    /// M.
    pub fan_out: u64,
    /// X·W + b and its activations: B·N·M fma (N additions for N + 1 terms, as sums start from the bias) and B·M evaluations.
    pub forward: Tally,
    /// ∂L/∂z from ∂L/∂a: the activation's derivative, B·M times. In all layers but the last it is made together with the input
    /// gradient of the layer behind.
    pub activation_gradient: Tally,
    /// Xᵀ·δ: B·N·M fma.
    pub weight_gradient: Tally,
    /// Column sums of δ: B·M additions.
    pub bias_gradient: Tally,
    /// δ·Wᵀ: B·N·M fma; nothing in the first layer, whose inputs are data.
    pub input_gradient: Tally,
    /// The part of the gradients' norm, and their scaling; nothing unless gradients are clipped.
    pub clip: Tally,
    /// The optimizer's rule for each parameter; for weights it is made together with their gradient unless gradients are clipped.
    pub update: Tally,
}

impl LayerFormula {
    /// The phases that a layer has, by name.
    pub fn phases(&self) -> [(&'static str, Tally); 7] {
        [
            (region::FORWARD, self.forward),
            (region::ACTIVATION_GRADIENT, self.activation_gradient),
            (region::WEIGHT_GRADIENT, self.weight_gradient),
            (region::BIAS_GRADIENT, self.bias_gradient),
            (region::INPUT_GRADIENT, self.input_gradient),
            (region::CLIP, self.clip),
            (region::UPDATE, self.update),
        ]
    }
}

/// Whether weights are updated as their gradients are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parts {
    /// They are: [`Step::train`](nxm_net::Step::train) of gradients that are not clipped.
    Fused,
    /// All gradients are made, and then all updates: [`Step::gradients`](nxm_net::Step::gradients) and
    /// [`Step::update`](nxm_net::Step::update).
    Apart,
}

impl Parts {
    /// Of a step by [`Step::train`](nxm_net::Step::train).
    pub fn of(network: &NetworkSpec) -> Parts {
        match network.clipping() {
            Clipping::None => Parts::Fused,
            Clipping::Within | Clipping::Scaled => Parts::Apart,
        }
    }
}

/// What a training step on B examples executes: with S = Σ NₗMₗ, the matrix work is B·(3·S − N₀·N₁) fma.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepFormula {
    layers: Vec<LayerFormula>,
    parts: Parts,
    forward: Tally,
    loss: Tally,
    backward: Tally,
    update: Tally,
    total: Tally,
}

impl StepFormula {
    /// The step of `network` on `batch` examples, in `vectors`.
    ///
    /// # Errors
    /// [`CountError`] if `batch` is 0 or a count exceeds 128 bits.
    pub fn new(network: &NetworkSpec, batch: u64, vectors: Vectors) -> Result<StepFormula, CountError> {
        StepFormula::of_parts(network, batch, vectors, Parts::of(network))
    }

    /// The same step, made in these parts. (Where gradients are clipped they are always apart.)
    ///
    /// # Errors
    /// [`CountError`] if `batch` is 0 or a count exceeds 128 bits.
    pub fn of_parts(
        network: &NetworkSpec,
        batch: u64,
        vectors: Vectors,
        parts: Parts,
    ) -> Result<StepFormula, CountError> {
        CountError::not_zero("the batch", batch)?;
        let layers = (0..network.layers())
            .map(|layer| layer_formula(network, layer, batch.into(), vectors, parts))
            .collect::<Result<Vec<_>, _>>()?;
        let last = network.layers() - 1;
        let loss = vectors
            .loss(network.loss(), batch.into(), network.sizes()[last + 1].into())
            .map_err(CountError::within(Region { name: region::LOSS, layer: last }))?;

        let sum = |part: fn(&LayerFormula) -> Result<Tally, Overflow>| {
            layers
                .iter()
                .try_fold(Tally::NONE, |sum, layer| sum.plus(&part(layer)?))
                .map_err(CountError::in_the("the step"))
        };
        let forward = sum(|layer| Ok(layer.forward))?;
        let backward = sum(|layer| {
            let products = [layer.weight_gradient, layer.bias_gradient, layer.input_gradient];
            Tally::sum(products)?.plus(&layer.activation_gradient)
        })?;
        let update = sum(|layer| layer.clip.plus(&layer.update))?;
        let total = Tally::sum([forward, loss, backward, update]).map_err(CountError::in_the("the step"))?;
        Ok(StepFormula { layers, parts, forward, loss, backward, update, total })
    }

    /// Each layer, first to last.
    pub fn layers(&self) -> &[LayerFormula] {
        &self.layers
    }
    /// The forward pass of all layers.
    pub fn forward(&self) -> Tally {
        self.forward
    }
    /// The loss and its gradient with respect to the outputs.
    pub fn loss(&self) -> Tally {
        self.loss
    }
    /// The gradients of all layers, without the loss's.
    pub fn backward(&self) -> Tally {
        self.backward
    }
    /// The update of all parameters, with the clipping of their gradients.
    pub fn update(&self) -> Tally {
        self.update
    }
    /// All of it.
    pub fn total(&self) -> Tally {
        self.total
    }

    /// Each region in which something is executed, as a counting executor books it: what is fused is booked as one.
    pub fn regions(&self) -> impl Iterator<Item = (Region, Tally)> {
        let layers: Vec<_> = self.layers.iter().map(LayerFormula::phases).collect();
        let plus = |one: Tally, other: Tally| one.plus(&other).expect("a part of a total that fits");
        booked(&layers, self.loss, self.parts, plus).into_iter()
    }
}

/// Where a counting executor books what a step's phases and its loss cost, as far as it is more than nothing: what is fused is booked
/// as one.
pub(super) fn booked<V: Copy + Default + PartialEq>(
    layers: &[[(&'static str, V); 7]],
    loss: V,
    parts: Parts,
    plus: impl Fn(V, V) -> V,
) -> BTreeMap<Region, V> {
    let mut regions = BTreeMap::new();
    let last = layers.len() - 1;
    let mut book = |name, layer, cost: V| {
        let booked: &mut V = regions.entry(Region { name, layer }).or_default();
        *booked = plus(*booked, cost);
    };
    book(region::LOSS, last, loss);
    for (l, phases) in layers.iter().enumerate() {
        for (name, cost) in *phases {
            match name {
                region::ACTIVATION_GRADIENT if l < last => book(region::INPUT_GRADIENT, l + 1, cost),
                region::WEIGHT_GRADIENT if parts == Parts::Fused => book(region::UPDATE, l, cost),
                _ => book(name, l, cost),
            }
        }
    }
    regions.retain(|_, cost| *cost != V::default());
    regions
}

fn layer_formula(
    network: &NetworkSpec,
    layer: usize,
    batch: u128,
    vectors: Vectors,
    parts: Parts,
) -> Result<LayerFormula, CountError> {
    let [fan_in, fan_out] = [network.sizes()[layer], network.sizes()[layer + 1]];
    let [n, m] = [u128::from(fan_in), u128::from(fan_out)];
    let activation = network.activation(layer);
    let within = |name| CountError::within(Region { name, layer });
    let units = batch.checked_mul(m).expect("two 64-bit numbers have a 128-bit product");
    let last = layer + 1 == network.layers();
    // What follows a product in its blocks may have a row's padding; what is done apart runs over all elements.
    let activation_gradient = || match last {
        true => vectors.activation_backward(activation, units),
        // The product before it sums over the next layer's units.
        false => vectors.followed([batch, m], network.sizes()[layer + 2].into(), |units| {
            vectors.activation_backward(activation, units)
        }),
    };
    // All steps cost the same, the first one too, and in f32 as in f64.
    let rule = network.optimizer().rule::<f64>(network.optimizer().learning_rate(), 1);
    let update = || {
        let weights = match parts {
            Parts::Fused => vectors.followed([n, m], batch, |weights| vectors.update(&rule, weights))?,
            Parts::Apart => vectors.update(&rule, n * m)?,
        };
        weights.plus(&vectors.update(&rule, m)?)
    };
    Ok(LayerFormula {
        fan_in,
        fan_out,
        forward: vectors.dense_forward(batch, n, m, activation).map_err(within(region::FORWARD))?,
        activation_gradient: activation_gradient().map_err(within(region::ACTIVATION_GRADIENT))?,
        weight_gradient: vectors.gemm(n, batch, m).map_err(within(region::WEIGHT_GRADIENT))?,
        bias_gradient: vectors.column_sum(batch, m).map_err(within(region::BIAS_GRADIENT))?,
        input_gradient: match layer {
            0 => Tally::NONE,
            _ => vectors.gemm(batch, m, n).map_err(within(region::INPUT_GRADIENT))?,
        },
        clip: clip(network.clipping(), [n * m, m], last, vectors).map_err(within(region::CLIP))?,
        update: update().map_err(within(region::UPDATE))?,
    })
}

/// A layer's part of clipping: the squares of its gradients, each summed and added to the sum so far; after the last layer the root, its
/// sum with ε, and the quotient; and the scaling, if it comes to that.
fn clip(clipping: Clipping, gradients: [u128; 2], last: bool, vectors: Vectors) -> Result<Tally, Overflow> {
    if clipping == Clipping::None {
        return Ok(Tally::NONE);
    }
    let [add, sqrt, div, mul] = [Kind::Add, Kind::Sqrt, Kind::Div, Kind::Mul].map(Ops::one);
    let mut tally = Tally::NONE;
    for len in gradients {
        tally = tally.plus(&vectors.dot(len)?)?.plus(&vectors.scalar(add, 1)?)?;
        if clipping == Clipping::Scaled {
            tally = tally.plus(&vectors.map(mul, len)?)?;
        }
    }
    match last {
        false => Ok(tally),
        true => Tally::sum([tally, vectors.scalar(sqrt, 1)?, vectors.scalar(add, 1)?, vectors.scalar(div, 1)?]),
    }
}
