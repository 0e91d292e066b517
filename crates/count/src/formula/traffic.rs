//! Bytes that a training step must move at least, by layer and phase.

use nxm_kernels::{Kept, Phase, Region};
use nxm_net::{Clipping, Loss, NetworkSpec};

use crate::breakdown::{Breakdown, LayerPhases};
use crate::error::CountError;
use crate::kind::Overflow;
use crate::traffic::Traffic;

/// Bytes of a label.
const LABEL: u128 = 4;

/// Bytes of one layer's phases in a step.
pub type LayerTraffic = LayerPhases<Traffic>;

/// What a step of `network` on `batch` examples must read and write, in elements of `size` bytes: the compulsory traffic.
///
/// - forward: X, W and b read; A written, and Z where the derivative is of z.
/// - loss: outputs, targets or labels, and class weights read; the gradient of the outputs written.
/// - activation gradient: what f' is made of read; in the last layer δ too, read and written. Nothing for the identity.
/// - weight gradient: X and δ read; the gradient written only if it is clipped, for else it is used up as it is made.
/// - bias gradient: δ read, M written.
/// - input gradient: δ and W read, the gradient of X written; nothing in the first layer.
/// - clip: the gradients read; if they are scaled, read again and written.
/// - update: parameters and what the optimizer keeps read and written; gradients read, but for the weights' that are used up as they are
///   made.
///
/// # Errors
/// [`CountError`] if `batch` is 0 or a number of bytes exceeds 128 bits.
pub fn compulsory_traffic(network: &NetworkSpec, batch: u64, size: u128) -> Result<Breakdown<Traffic>, CountError> {
    CountError::not_zero("the batch", batch)?;
    let layers = (0..network.layers()).map(|layer| {
        let region = Region { phase: Phase::Forward, layer };
        layer_traffic(network, layer, batch.into(), size).map_err(CountError::within(region))
    });
    let layers = layers.collect::<Result<_, _>>()?;
    let last = network.layers() - 1;
    let loss = loss_traffic(network.loss(), batch.into(), network.sizes()[last + 1].into(), size);
    let loss = loss.map_err(CountError::within(Region { phase: Phase::Loss, layer: last }))?;
    Breakdown::new(loss, layers).map_err(CountError::in_the("the step"))
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
    let mut traffic = LayerPhases::new(network.sizes()[layer], network.sizes()[layer + 1]);
    let clipped_weights = if clipped { weights } else { 0 };
    traffic.add(Phase::Forward, &of(&[inputs, weights, m], &[units, keeps_sums])?)?;
    if activation.function().is_some() {
        // Before the last layer δ is at hand: the product before has just made it.
        let [read, written]: [&[u128]; 2] = if last { [&[units, units], &[units]] } else { [&[units], &[]] };
        traffic.add(Phase::ActivationGradient, &of(read, written)?)?;
    }
    traffic.add(Phase::WeightGradient, &of(&[inputs, units], &[clipped_weights])?)?;
    traffic.add(Phase::BiasGradient, &of(&[units], &[m])?)?;
    if layer > 0 {
        traffic.add(Phase::InputGradient, &of(&[units, weights], &[inputs])?)?;
    }
    let clip = match network.clipping() {
        Clipping::None => Traffic::NONE,
        Clipping::Within => of(&[parameters], &[])?,
        Clipping::Scaled => of(&[parameters, parameters], &[parameters])?,
    };
    traffic.add(Phase::Clip, &clip)?;
    traffic.add(Phase::Update, &of(&[parameters, state, m, clipped_weights], &[parameters, state])?)?;
    Ok(traffic)
}
