//! Requests of a training step, by layer and phase.

use nxm_kernels::{Following, Kept, Region};
use nxm_net::region;

use super::product::Sums;
use super::{Requests, times};
use crate::formula::step::Parts;
use crate::formula::traffic::{LayerTraffic, StepTraffic};
use crate::kind::Overflow;
use crate::spec::{Clipping, CountError, NetworkSpec};
use crate::traffic::Traffic;

impl StepTraffic {
    /// The bytes that the kernels ask for in a step of `network` on `batch` examples.
    ///
    /// # Errors
    /// [`CountError`] if `batch` is 0 or a number of bytes exceeds 128 bits.
    pub fn requested(network: &NetworkSpec, batch: u64, requests: Requests) -> Result<StepTraffic, CountError> {
        StepTraffic::requested_by_parts(network, batch, requests, Parts::of(network))
    }

    /// The same of a step made in these parts.
    ///
    /// # Errors
    /// [`CountError`] if `batch` is 0 or a number of bytes exceeds 128 bits.
    pub fn requested_by_parts(
        network: &NetworkSpec,
        batch: u64,
        requests: Requests,
        parts: Parts,
    ) -> Result<StepTraffic, CountError> {
        CountError::not_zero("the batch", batch)?;
        let layers = (0..network.layers()).map(|layer| {
            let region = Region { name: "requested bytes", layer };
            layer_requests(network, layer, batch, requests, parts).map_err(CountError::within(region))
        });
        let layers = layers.collect::<Result<_, _>>()?;
        let last = network.layers() - 1;
        let loss = requests.loss(network.loss(), batch.into(), network.sizes()[last + 1].into());
        let loss = loss.map_err(CountError::within(Region { name: region::LOSS, layer: last }))?;
        StepTraffic::new(layers, loss, parts)
    }
}

fn layer_requests(
    network: &NetworkSpec,
    layer: usize,
    batch: u64,
    requests: Requests,
    parts: Parts,
) -> Result<LayerTraffic, Overflow> {
    let shape = [batch, network.sizes()[layer], network.sizes()[layer + 1]];
    let [rows, n, m] = shape.map(u128::from);
    let [weights, units] = [times(n, m)?, times(rows, m)?];
    let activation = network.activation(layer);
    let sums = if activation.kept() == Kept::Sums { Sums::Kept } else { Sums::Forgotten };
    let rule = network.optimizer().rule::<f64>(network.optimizer().learning_rate(), 1);
    let following = match parts {
        Parts::Fused => Following::Update,
        Parts::Apart => Following::Nothing,
    };
    let gradients = requests.dot(weights)?.plus(&requests.dot(m)?)?;
    let scaled = requests.apply(weights)?.plus(&requests.apply(m)?)?;
    Ok(LayerTraffic {
        forward: requests.dense_forward(shape, activation, sums)?,
        activation_gradient: requests.activation_backward(activation, units)?,
        weight_gradient: requests.weight_gradient(shape, following)?,
        bias_gradient: requests.column_sum(rows, m)?,
        input_gradient: if layer == 0 { Traffic::NONE } else { requests.input_gradient(shape)? },
        clip: match network.clipping() {
            Clipping::None => Traffic::NONE,
            Clipping::Within => gradients,
            Clipping::Scaled => gradients.plus(&scaled)?,
        },
        update: requests.update(&rule, weights)?.plus(&requests.update(&rule, m)?)?,
    })
}
