//! Bytes of a training step, by layer and phase; and of these what is compulsory.

use nxm_kernels::{Kept, Region};
use nxm_net::{Loss, region};

use super::step::{Parts, booked};
use crate::kind::Overflow;
use crate::spec::{Clipping, CountError, NetworkSpec};
use crate::traffic::Traffic;

/// Bytes of a label.
const LABEL: u128 = 4;

/// Bytes of one layer's phases in a step on B examples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerTraffic {
    /// f(X·W + b).
    pub forward: Traffic,
    /// ∂L/∂z from ∂L/∂a.
    pub activation_gradient: Traffic,
    /// Xᵀ·δ.
    pub weight_gradient: Traffic,
    /// Column sums of δ.
    pub bias_gradient: Traffic,
    /// δ·Wᵀ.
    pub input_gradient: Traffic,
    /// The gradients' norm, and their scaling.
    pub clip: Traffic,
    /// The optimizer's rule.
    pub update: Traffic,
}

impl LayerTraffic {
    /// The phases that a layer has, by name, as [`LayerFormula::phases`](super::LayerFormula::phases).
    pub fn phases(&self) -> [(&'static str, Traffic); 7] {
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

/// Bytes of a training step: those that it must read and write ([`StepTraffic::compulsory`]), or those that its kernels ask for
/// ([`StepTraffic::requested`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepTraffic {
    layers: Vec<LayerTraffic>,
    loss: Traffic,
    total: Traffic,
    parts: Parts,
}

impl StepTraffic {
    /// What a step of `network` on `batch` examples must read and write, in elements of `size` bytes.
    ///
    /// - forward: X, W and b read; A written, and Z where the derivative is of z.
    /// - loss: outputs, targets or labels, and class weights read; the gradient of the outputs written.
    /// - activation gradient: what f' is made of read; in the last layer δ too, read and written. Nothing for the identity.
    /// - weight gradient: X and δ read; the gradient written only if it is clipped, for else it is used up as it is made.
    /// - bias gradient: δ read, M written.
    /// - input gradient: δ and W read, the gradient of X written; nothing in the first layer.
    /// - clip: the gradients read; if they are scaled, read again and written.
    /// - update: parameters and what the optimizer keeps read and written; gradients read, but for the weights' that are used up as they
    ///   are made.
    ///
    /// # Errors
    /// [`CountError`] if `batch` is 0 or a number of bytes exceeds 128 bits.
    pub fn compulsory(network: &NetworkSpec, batch: u64, size: u128) -> Result<StepTraffic, CountError> {
        CountError::not_zero("the batch", batch)?;
        let layers = (0..network.layers()).map(|layer| {
            let region = Region { name: "bytes", layer };
            layer_traffic(network, layer, batch.into(), size).map_err(CountError::within(region))
        });
        let layers = layers.collect::<Result<_, _>>()?;
        let last = network.layers() - 1;
        let loss = loss_traffic(network.loss(), batch.into(), network.sizes()[last + 1].into(), size);
        let loss = loss.map_err(CountError::within(Region { name: region::LOSS, layer: last }))?;
        StepTraffic::new(layers, loss, Parts::of(network))
    }

    /// From its parts, if their sum fits.
    pub(super) fn new(layers: Vec<LayerTraffic>, loss: Traffic, parts: Parts) -> Result<StepTraffic, CountError> {
        let phases = layers.iter().flat_map(|layer| layer.phases().map(|(_, traffic)| traffic));
        let total = phases.into_iter().try_fold(loss, |sum, traffic| sum.plus(&traffic));
        let total = total.map_err(CountError::in_the("the step"))?;
        Ok(StepTraffic { layers, loss, total, parts })
    }

    /// All of it.
    pub fn total(&self) -> Traffic {
        self.total
    }

    /// Each layer, first to last.
    pub fn layers(&self) -> &[LayerTraffic] {
        &self.layers
    }
    /// The loss and its gradient.
    pub fn loss(&self) -> Traffic {
        self.loss
    }

    /// Each region in which a counting executor books bytes: what is fused is booked as one.
    pub fn regions(&self) -> impl Iterator<Item = (Region, Traffic)> {
        let layers: Vec<_> = self.layers.iter().map(LayerTraffic::phases).collect();
        let plus = |one: Traffic, other: Traffic| one.plus(&other).expect("a part of a total that fits");
        booked(&layers, self.loss, self.parts, plus).into_iter()
    }
}

/// rows × cols.
fn elements(rows: u128, cols: u128) -> u128 {
    rows.checked_mul(cols).expect("two 64-bit numbers have a 128-bit product")
}

fn loss_traffic(loss: &Loss, batch: u128, outputs: u128, size: u128) -> Result<Traffic, Overflow> {
    let all = elements(batch, outputs);
    match loss {
        Loss::MeanSquaredError | Loss::BinaryCrossEntropy => Traffic::of(size, &[all, all], &[all]),
        Loss::CrossEntropy { class_weights, .. } => {
            let labels = Traffic::of(LABEL, &[batch], &[])?;
            Traffic::of(size, &[all, class_weights.len() as u128], &[all])?.plus(&labels)
        }
    }
}

fn layer_traffic(network: &NetworkSpec, layer: usize, batch: u128, size: u128) -> Result<LayerTraffic, Overflow> {
    let [n, m] = [network.sizes()[layer], network.sizes()[layer + 1]].map(u128::from);
    let [weights, inputs, units] = [elements(n, m), elements(batch, n), elements(batch, m)];
    let parameters = weights + m;
    let activation = network.activation(layer);
    let keeps_sums = if activation.kept() == Kept::Sums { units } else { 0 };
    let of = |read: &[u128], written: &[u128]| Traffic::of(size, read, written);
    let last = layer + 1 == network.layers();
    let state = elements(network.optimizer().state_names().len() as u128, m).saturating_mul(n + 1);
    let clipped = network.clipping() != Clipping::None;
    Ok(LayerTraffic {
        forward: of(&[inputs, weights, m], &[units, keeps_sums])?,
        activation_gradient: match (activation.function().is_some(), last) {
            (false, _) => Traffic::NONE,
            (true, true) => of(&[units, units], &[units])?,
            // δ is at hand: the product before has just made it.
            (true, false) => of(&[units], &[])?,
        },
        weight_gradient: of(&[inputs, units], &[if clipped { weights } else { 0 }])?,
        bias_gradient: of(&[units], &[m])?,
        input_gradient: if layer == 0 { Traffic::NONE } else { of(&[units, weights], &[inputs])? },
        clip: match network.clipping() {
            Clipping::None => Traffic::NONE,
            Clipping::Within => of(&[parameters], &[])?,
            Clipping::Scaled => of(&[parameters, parameters], &[parameters])?,
        },
        update: of(&[parameters, state, m, if clipped { weights } else { 0 }], &[parameters, state])?,
    })
}
