//! What a training step executes and asks for, by layer and phase: sums over the list of its calls.

use std::collections::BTreeMap;

use nxm_kernels::call::Op;
use nxm_kernels::{Operation, Phase, Region};
use nxm_net::{ElementType, Run, operations};

use super::{Requests, Vectors};
use crate::breakdown::{Amount, Breakdown, LayerPhases};
use crate::error::CountError;
use crate::kind::Overflow;
use crate::tally::Tally;
use crate::traffic::Traffic;
use nxm_net::NetworkSpec;

/// What the phases of one layer execute in a step.
///
/// For N inputs, M units and B examples: forward B·N·M fma (N additions for N + 1 terms, as sums start from the bias) and B·M
/// evaluations; activation gradient the activation's derivative, B·M times; weight gradient B·N·M fma; bias gradient B·M additions;
/// input gradient B·N·M fma (of one example B·N·M multiplications, and an addition less for each input), and nothing in the first
/// layer, whose inputs are data; clip the layer's part of the gradients' norm, and their scaling; update the optimizer's rule for each
/// parameter.
pub type LayerFormula = LayerPhases<Tally>;

/// What a training step executes: with S = Σ NₗMₗ, the matrix work on B examples is B·(3·S − N₀·N₁) fma.
pub type StepFormula = StepCosts<Tally>;

/// The bytes that the kernels of a training step ask for.
pub type StepTraffic = StepCosts<Traffic>;

/// What a training step costs, by part, by layer and phase, and by the region under which an executor books it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepCosts<V> {
    costs: Breakdown<V>,
    regions: BTreeMap<Region, V>,
}

impl StepFormula {
    /// The step of `network` on `batch` examples, in `vectors`, by [`Step::train`](nxm_net::Step::train).
    ///
    /// # Errors
    /// [`CountError`] if `batch` is 0 or a count exceeds 128 bits.
    pub fn new(network: &NetworkSpec, batch: u64, vectors: Vectors) -> Result<StepFormula, CountError> {
        StepFormula::of_run(network, batch, vectors, Run::Step)
    }

    /// What another run of the network executes.
    ///
    /// # Errors
    /// [`CountError`] if `batch` is 0 or a count exceeds 128 bits.
    pub fn of_run(network: &NetworkSpec, batch: u64, vectors: Vectors, run: Run) -> Result<StepFormula, CountError> {
        StepCosts::sum(network, vectors.element(), batch, run, |operation| vectors.fused(operation))
    }
}

impl StepTraffic {
    /// The bytes of a step of `network` on `batch` examples, by [`Step::train`](nxm_net::Step::train).
    ///
    /// # Errors
    /// [`CountError`] if `batch` is 0 or a number of bytes exceeds 128 bits.
    pub fn requested(network: &NetworkSpec, batch: u64, requests: Requests) -> Result<StepTraffic, CountError> {
        StepTraffic::requested_by_run(network, batch, requests, Run::Step)
    }

    /// The bytes of another run of the network.
    ///
    /// # Errors
    /// [`CountError`] if `batch` is 0 or a number of bytes exceeds 128 bits.
    pub fn requested_by_run(
        network: &NetworkSpec,
        batch: u64,
        requests: Requests,
        run: Run,
    ) -> Result<StepTraffic, CountError> {
        StepCosts::sum(network, requests.element(), batch, run, |operation| requests.fused(operation))
    }
}

impl<V: Amount> StepCosts<V> {
    /// The sum over the calls that a run makes, of each of which `cost` says what its product costs and what follows it.
    fn sum(
        network: &NetworkSpec,
        element: ElementType,
        batch: u64,
        run: Run,
        cost: impl Fn(&Operation) -> Result<[V; 2], Overflow>,
    ) -> Result<StepCosts<V>, CountError> {
        CountError::not_zero("the batch", batch)?;
        let sizes = network.sizes().windows(2);
        let mut layers: Vec<LayerPhases<V>> = sizes.map(|pair| LayerPhases::new(pair[0], pair[1])).collect();
        let (mut loss, mut regions) = (V::default(), BTreeMap::<Region, V>::new());
        for (region, operation) in operations(network, element, batch, run)? {
            let within = CountError::within(region);
            let parts = cost(&operation).map_err(&within)?;
            for (part, Region { phase, layer }) in parts.iter().zip(phases(region, &operation)) {
                let booked = regions.entry(region).or_default();
                *booked = booked.plus(part).map_err(&within)?;
                match phase {
                    Phase::Loss => loss = loss.plus(part).map_err(&within)?,
                    phase => layers[layer].add(phase, part).map_err(&within)?,
                }
            }
        }
        regions.retain(|_, booked| *booked != V::default());
        let costs = Breakdown::new(loss, layers).map_err(CountError::in_the("the step"))?;
        Ok(StepCosts { costs, regions })
    }

    /// The forward pass of all layers.
    pub fn forward(&self) -> V {
        self.costs.forward
    }
    /// The loss and its gradient with respect to the outputs.
    pub fn loss(&self) -> V {
        self.costs.loss
    }
    /// The gradients of all layers, without the loss's.
    pub fn backward(&self) -> V {
        self.costs.backward
    }
    /// The update of all parameters, with the clipping of their gradients.
    pub fn update(&self) -> V {
        self.costs.update
    }
    /// All of it.
    pub fn total(&self) -> V {
        self.costs.total
    }
    /// Each layer, first to last, by phase: of a kernel that is made of two phases each has its part.
    pub fn layers(&self) -> &[LayerPhases<V>] {
        &self.costs.layers
    }
    /// By part, and by layer and phase.
    pub fn breakdown(&self) -> &Breakdown<V> {
        &self.costs
    }
    /// Each region in which something is executed, as a counting executor books it: what is fused is booked as one.
    pub fn regions(&self) -> impl Iterator<Item = (Region, V)> {
        self.regions.iter().map(|(region, booked)| (*region, *booked))
    }
}

/// Of which phases the two parts of a call are, its product and what follows that: two if kernels are fused.
fn phases(region: Region, operation: &Operation) -> [Region; 2] {
    match operation {
        // The derivative is that of the layer before.
        Op::DenseInputGradient { .. } => {
            [region, Region { phase: Phase::ActivationGradient, layer: region.layer.saturating_sub(1) }]
        }
        Op::DenseUpdate { .. } => [Region { phase: Phase::WeightGradient, ..region }, region],
        _ => [region; 2],
    }
}
