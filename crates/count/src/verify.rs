//! The proof on demand: one real training step, counted, against its formula.

use std::collections::{BTreeMap, BTreeSet};

use nxm_kernels::{Cpu, Element, Level, Region};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::counted::Counted;
use crate::formula::{StepFormula, Vectors};
use crate::ops::Ops;
use crate::rehearsal::{Rehearsal, RunError};
use crate::spec::{CountError, NetworkSpec};
use crate::tally::Tally;

/// Operations that a step may execute to be counted: at the scalar level that many take some ten seconds.
const OPERATIONS: u128 = 1 << 35;

/// What one training step executed, beside its formula.
#[derive(Clone, Debug, PartialEq)]
pub struct Verification {
    level: Level,
    threads: usize,
    counted: Tally,
    differences: Vec<Difference>,
}

/// A region in which a step executed something else than its formula says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where; none if it was before any region was entered.
    pub region: Option<Region>,
    /// What was executed.
    pub counted: Tally,
    /// What the formula says.
    pub formula: Tally,
}

/// Runs one training step of `network` on `batch` random examples in elements of `T`, counts what is executed and compares
/// it with the formula, region by region. It runs on rayon's current pool, which must have as many threads.
///
/// # Errors
/// [`RunError`] if the step is too large to run (above 2 GiB or 2³⁵ operations), if there are fewer threads, or if a number is 0.
pub fn verify<T: Element>(
    network: &NetworkSpec,
    batch: u64,
    level: Level,
    threads: usize,
) -> Result<Verification, RunError> {
    CountError::not_zero("the number of threads", threads as u64)?;
    let found = rayon::current_num_threads();
    if threads > found {
        return Err(RunError::Threads { asked: threads, found });
    }
    let formula = StepFormula::new(network, batch, Vectors::of::<T>(level))?;
    let total = formula.total().useful;
    let needed = total.flops().saturating_add(total.inside().flops());
    if needed > OPERATIONS {
        return Err(RunError::TooLarge { what: "operations", needed, limit: OPERATIONS });
    }
    let mut rehearsal = Rehearsal::<T>::new(network, batch)?;
    let counted = Counted::new(Cpu::new(level, threads));
    rehearsal.step(&counted, rehearsal.batch())?;

    let total = counted.total();
    let formulas = formula.regions().map(|(region, tally)| (Some(region), tally)).collect();
    let differences = differences(&counted.take(), &formulas);
    Ok(Verification { level, threads, counted: total, differences })
}

/// Counts by region; none: before any was entered.
type Regions = BTreeMap<Option<Region>, Tally>;

/// Regions that aren't the same in both.
fn differences(counted: &Regions, formulas: &Regions) -> Vec<Difference> {
    let at = |tallies: &Regions, region| tallies.get(&region).copied().unwrap_or_default();
    let regions: BTreeSet<Option<Region>> = counted.keys().chain(formulas.keys()).copied().collect();
    let differences = regions.into_iter().map(|region| Difference {
        region,
        counted: at(counted, region),
        formula: at(formulas, region),
    });
    differences.filter(|difference| difference.counted != difference.formula).collect()
}

impl Verification {
    /// The level it ran on.
    pub fn level(&self) -> Level {
        self.level
    }
    /// The number of threads it ran on.
    pub fn threads(&self) -> usize {
        self.threads
    }
    /// Operations that were executed and whose result was used.
    pub fn useful(&self) -> &Ops {
        &self.counted.useful
    }
    /// Operations that were executed beside them.
    pub fn padding(&self) -> &Ops {
        &self.counted.padding
    }
    /// Whether each region executed what its formula says, useful and padding, kind by kind.
    pub fn agrees(&self) -> bool {
        self.differences.is_empty()
    }
    /// The regions that did not.
    pub fn differences(&self) -> &[Difference] {
        &self.differences
    }
}

/// A map of `level`, `threads`, `useful`, `padding` and `agrees`.
impl Serialize for Verification {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("level", self.level.name())?;
        map.serialize_entry("threads", &self.threads)?;
        map.serialize_entry("useful", self.useful())?;
        map.serialize_entry("padding", self.padding())?;
        map.serialize_entry("agrees", &self.agrees())?;
        map.end()
    }
}
