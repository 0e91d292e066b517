//! Formulas of a training step, by layer and phase.

use nxm_kernels::Region;
use nxm_net::region;

use super::Vectors;
use crate::kind::Overflow;
use crate::spec::{CountError, NetworkSpec};
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
    /// ∂L/∂z from ∂L/∂a: the activation's derivative, B·M times.
    pub activation_gradient: Tally,
    /// Xᵀ·δ: B·N·M fma.
    pub weight_gradient: Tally,
    /// Column sums of δ: B·M additions.
    pub bias_gradient: Tally,
    /// δ·Wᵀ: B·N·M fma; nothing in the first layer, whose inputs are data.
    pub input_gradient: Tally,
    /// w ← w − η·g: 1 fma per parameter.
    pub update: Tally,
}

impl LayerFormula {
    /// The phases that a layer has, by the name of their region.
    pub fn phases(&self) -> [(&'static str, Tally); 6] {
        [
            (region::FORWARD, self.forward),
            (region::ACTIVATION_GRADIENT, self.activation_gradient),
            (region::WEIGHT_GRADIENT, self.weight_gradient),
            (region::BIAS_GRADIENT, self.bias_gradient),
            (region::INPUT_GRADIENT, self.input_gradient),
            (region::UPDATE, self.update),
        ]
    }
}

/// What a training step on B examples executes: with S = Σ NₗMₗ, the matrix work is B·(3·S − N₀·N₁) fma.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepFormula {
    layers: Vec<LayerFormula>,
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
        CountError::not_zero("the batch", batch)?;
        let layers = (0..network.layers())
            .map(|layer| layer_formula(network, layer, batch.into(), vectors))
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
        let update = sum(|layer| Ok(layer.update))?;
        let total = Tally::sum([forward, loss, backward, update]).map_err(CountError::in_the("the step"))?;
        Ok(StepFormula { layers, forward, loss, backward, update, total })
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
    /// The update of all parameters.
    pub fn update(&self) -> Tally {
        self.update
    }
    /// All of it.
    pub fn total(&self) -> Tally {
        self.total
    }

    /// Each region in which something is executed, as a counting executor books it.
    pub fn regions(&self) -> impl Iterator<Item = (Region, Tally)> {
        let last = self.layers.len() - 1;
        let loss = (Region { name: region::LOSS, layer: last }, self.loss);
        let phases = |(layer, formula): (usize, &LayerFormula)| {
            formula.phases().map(|(name, tally)| (Region { name, layer }, tally))
        };
        let regions = self.layers.iter().enumerate().flat_map(phases).chain([loss]);
        regions.filter(|(_, tally)| *tally != Tally::NONE)
    }
}

fn layer_formula(
    network: &NetworkSpec,
    layer: usize,
    batch: u128,
    vectors: Vectors,
) -> Result<LayerFormula, CountError> {
    let [fan_in, fan_out] = [network.sizes()[layer], network.sizes()[layer + 1]];
    let [n, m] = [u128::from(fan_in), u128::from(fan_out)];
    let activation = network.activation(layer);
    let within = |name| CountError::within(Region { name, layer });
    let units = batch.checked_mul(m).expect("two 64-bit numbers have a 128-bit product");
    let forward = || vectors.gemm(batch, n, m)?.plus(&vectors.activation_forward(activation, units)?);
    let update = || vectors.sgd(n * m)?.plus(&vectors.sgd(m)?);
    Ok(LayerFormula {
        fan_in,
        fan_out,
        forward: forward().map_err(within(region::FORWARD))?,
        activation_gradient: vectors
            .activation_backward(activation, units)
            .map_err(within(region::ACTIVATION_GRADIENT))?,
        weight_gradient: vectors.gemm(n, batch, m).map_err(within(region::WEIGHT_GRADIENT))?,
        bias_gradient: vectors.column_sum(batch, m).map_err(within(region::BIAS_GRADIENT))?,
        input_gradient: match layer {
            0 => Tally::NONE,
            _ => vectors.gemm(batch, m, n).map_err(within(region::INPUT_GRADIENT))?,
        },
        update: update().map_err(within(region::UPDATE))?,
    })
}
