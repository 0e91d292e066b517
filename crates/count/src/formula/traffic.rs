//! Compulsory traffic of a training step, by layer and phase.

use nxm_kernels::{Kept, Region};
use nxm_net::{Loss, region};

use crate::kind::Overflow;
use crate::spec::{Clipping, CountError, NetworkSpec};
use crate::traffic::Traffic;

/// Bytes of a label.
const LABEL: u128 = 4;

/// What one layer of N inputs and M units must read and write in a step on B examples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerTraffic {
    /// X, W and b read; A written, and Z where the derivative is of z.
    pub forward: Traffic,
    /// What f' is made of read; in the last layer δ too, read and written. Nothing for the identity.
    pub activation_gradient: Traffic,
    /// X and δ read; the gradient written only if it is clipped, for else it is used up as it is made.
    pub weight_gradient: Traffic,
    /// δ read, M written.
    pub bias_gradient: Traffic,
    /// δ and W read, the gradient of X written; nothing in the first layer.
    pub input_gradient: Traffic,
    /// The gradients read; if they are scaled, read again and written.
    pub clip: Traffic,
    /// Parameters and what the optimizer keeps read and written; gradients read, but for the weights' that are used up as they are made.
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

/// What a training step must read and write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepTraffic {
    layers: Vec<LayerTraffic>,
    loss: Traffic,
}

impl StepTraffic {
    /// The step of `network` on `batch` examples, in elements of `size` bytes.
    ///
    /// # Errors
    /// [`CountError`] if `batch` is 0 or a number of bytes exceeds 128 bits.
    pub fn new(network: &NetworkSpec, batch: u64, size: u128) -> Result<StepTraffic, CountError> {
        CountError::not_zero("the batch", batch)?;
        let layers = (0..network.layers()).map(|layer| {
            let region = Region { name: "bytes", layer };
            layer_traffic(network, layer, batch.into(), size).map_err(CountError::within(region))
        });
        let layers = layers.collect::<Result<_, _>>()?;
        let last = network.layers() - 1;
        let loss = loss_traffic(network.loss(), batch.into(), network.sizes()[last + 1].into(), size);
        let loss = loss.map_err(CountError::within(Region { name: region::LOSS, layer: last }))?;
        Ok(StepTraffic { layers, loss })
    }

    /// Each layer, first to last.
    pub fn layers(&self) -> &[LayerTraffic] {
        &self.layers
    }
    /// Outputs, targets or labels, and class weights read; the gradient of the outputs written.
    pub fn loss(&self) -> Traffic {
        self.loss
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
