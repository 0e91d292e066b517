//! The proof on demand: one real training step, counted, against its formula.

use std::collections::{BTreeMap, BTreeSet};

use nxm_kernels::{Cpu, Element, Executor, Level, Region};
use nxm_net::{ElementType, NetworkSpec, Run};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::counted::Counted;
use crate::error::CountError;
use crate::formula::Formulas;
use crate::ops::Ops;
use crate::rehearsal::{Rehearsal, RunError};
use crate::tally::Tally;
use crate::traffic::Traffic;

/// Operations that a step may execute to be counted: at the scalar level that many take some ten seconds.
const OPERATIONS: u128 = 1 << 35;

/// What one training step executed, beside its formula.
#[derive(Clone, Debug, PartialEq)]
pub struct Verification {
    level: Level,
    threads: usize,
    counted: Tally,
    requested: Traffic,
    tasks: u64,
    differences: Vec<Difference>,
}

/// A region in which a step executed something else than its formula says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where; none: in calls that are part of no region.
    pub region: Option<Region>,
    /// What was executed.
    pub counted: Tally,
    /// What the formula says.
    pub formula: Tally,
    /// The bytes that loads and stores asked for.
    pub requested: Traffic,
    /// What the formula says of them.
    pub formula_of_requests: Traffic,
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
    let counted = Counted::new(Cpu::new(level, threads));
    verify_on::<T>(network, batch, &counted, &counted)
}

/// [`verify`] of a step that `executor` runs, which has `counted` run its calls. An executor that wraps `counted` can do something else
/// than it is asked: this is how the tests see that [`Verification::agrees`] can fail.
///
/// # Errors
/// As [`verify`], but for the number of threads.
pub fn verify_on<T: Element>(
    network: &NetworkSpec,
    batch: u64,
    counted: &Counted,
    executor: &dyn Executor,
) -> Result<Verification, RunError> {
    let (level, threads) = (counted.level(), counted.threads());
    let formulas = Formulas::of::<T>(level).on_threads(threads);
    let total = formulas.step(network, batch)?.total.useful;
    let needed = total.flops().saturating_add(total.inside().flops());
    if needed > OPERATIONS {
        return Err(RunError::TooLarge { what: "operations", needed, limit: OPERATIONS });
    }
    let mut rehearsal = Rehearsal::<T>::new(network, batch)?;
    rehearsal.step(executor, rehearsal.batch())?;

    let (total, total_requested, tasks) = (counted.total(), counted.total_requested(), counted.total_tasks());
    let requested = counted.requested();
    let counted = counted.take();
    let formulas = formulas.regions(network, batch, Run::Step)?;
    let formulas: Regions<_> = formulas.into_iter().map(|(region, costs)| (Some(region), costs)).collect();
    let regions: BTreeSet<_> = counted.keys().chain(requested.keys()).chain(formulas.keys()).copied().collect();
    let differences = regions.into_iter().map(|region| {
        let (formula, formula_of_requests) = at(&formulas, region);
        let (counted, requested) = (at(&counted, region), at(&requested, region));
        Difference { region, counted, formula, requested, formula_of_requests }
    });
    let differences = differences.filter(Difference::is_one).collect();
    Ok(Verification { level, threads, counted: total, requested: total_requested, tasks, differences })
}

/// [`verify`] in elements that are known when the program runs. It is compiled here, and so once for all who call it.
///
/// # Errors
/// As [`verify`].
pub fn verify_in(
    element: ElementType,
    network: &NetworkSpec,
    batch: u64,
    level: Level,
    threads: usize,
) -> Result<Verification, RunError> {
    match element {
        ElementType::F32 => verify::<f32>(network, batch, level, threads),
        ElementType::F64 => verify::<f64>(network, batch, level, threads),
    }
}

/// By region; none: calls that are part of none.
type Regions<V> = BTreeMap<Option<Region>, V>;

/// What was booked in a region.
fn at<V: Copy + Default>(booked: &Regions<V>, region: Option<Region>) -> V {
    booked.get(&region).copied().unwrap_or_default()
}

impl Difference {
    /// Whether anything differs.
    fn is_one(&self) -> bool {
        self.counted != self.formula || self.requested != self.formula_of_requests
    }
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
    /// The bytes that loads and stores asked for.
    pub fn requested(&self) -> Traffic {
        self.requested
    }
    /// How many tasks ran: one for each call, and more where threads shared one.
    pub fn tasks(&self) -> u64 {
        self.tasks
    }
    /// Whether each region executed what its formula says, useful and padding, kind by kind, and asked for the bytes that it says.
    pub fn agrees(&self) -> bool {
        self.differences.is_empty()
    }
    /// The regions that did not.
    pub fn differences(&self) -> &[Difference] {
        &self.differences
    }
}

/// A map of `level`, `threads`, `useful`, `padding`, `bytes_loaded`, `bytes_stored`, `tasks` and `agrees`.
impl Serialize for Verification {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("level", self.level.name())?;
        map.serialize_entry("threads", &self.threads)?;
        map.serialize_entry("useful", self.useful())?;
        map.serialize_entry("padding", self.padding())?;
        map.serialize_entry("bytes_loaded", &self.requested.read)?;
        map.serialize_entry("bytes_stored", &self.requested.written)?;
        map.serialize_entry("tasks", &self.tasks)?;
        map.serialize_entry("agrees", &self.agrees())?;
        map.end()
    }
}
