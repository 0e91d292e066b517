//! What a run costs: sums over the list of its calls, by layer and phase, or by the region under which an executor books them.

use std::collections::BTreeMap;

use nxm_kernels::call::Op;
use nxm_kernels::{Operation, Phase, Region};
use nxm_net::{ElementType, NetworkSpec, Run, operations};

use crate::breakdown::{Amount, Breakdown, LayerPhases};
use crate::error::CountError;
use crate::kind::Overflow;
use crate::tally::Tally;
use crate::traffic::Traffic;

/// The sum over the calls of a run by layer and phase. `cost` says of each call what its product costs and what follows that.
pub(super) fn by_phase<V: Amount>(
    network: &NetworkSpec,
    element: ElementType,
    rows: u64,
    run: Run,
    cost: impl Fn(&Operation) -> Result<[V; 2], Overflow>,
) -> Result<Breakdown<V>, CountError> {
    CountError::not_zero("the batch", rows)?;
    let sizes = network.sizes();
    let mut layers: Vec<LayerPhases<V>> = sizes.windows(2).map(|pair| LayerPhases::new(pair[0], pair[1])).collect();
    let mut loss = V::default();
    for (region, operation) in operations(network, element, rows, run)? {
        let within = CountError::within(region);
        let parts = cost(&operation).map_err(&within)?;
        for (part, Region { phase, layer }) in parts.iter().zip(phases(region, &operation)) {
            match phase {
                Phase::Loss => loss = loss.plus(part).map_err(&within)?,
                phase => layers[layer].add(phase, part).map_err(&within)?,
            }
        }
    }
    Breakdown::new(loss, layers).map_err(CountError::in_the("the step"))
}

/// The same by region, of operations and bytes. Regions in which nothing happens are left out.
pub(super) fn by_region(
    network: &NetworkSpec,
    element: ElementType,
    rows: u64,
    run: Run,
    cost: impl Fn(&Operation) -> Result<(Tally, Traffic), Overflow>,
) -> Result<BTreeMap<Region, (Tally, Traffic)>, CountError> {
    CountError::not_zero("the batch", rows)?;
    let mut regions = BTreeMap::<Region, (Tally, Traffic)>::new();
    for (region, operation) in operations(network, element, rows, run)? {
        let within = CountError::within(region);
        let (tally, traffic) = cost(&operation).map_err(&within)?;
        let booked = regions.entry(region).or_default();
        *booked = (booked.0.plus(&tally).map_err(&within)?, booked.1.plus(&traffic).map_err(&within)?);
    }
    regions.retain(|_, booked| *booked != (Tally::NONE, Traffic::NONE));
    Ok(regions)
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
