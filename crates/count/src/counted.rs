//! The counting executor: runs calls as the processor does, and counts them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use nxm_kernels::{Call, Cpu, Executor, Kernel, Lane, Level, Region, Runner};

use crate::counting::CountingKernel;
use crate::tally::Tally;
use crate::traffic::Traffic;

/// A [`Cpu`], counted.
///
/// Each kernel is wrapped in one that wraps the token it is given, so dispatch, inlining and threads stay as they are in production, and so
/// do the results' bits. What a call costs is booked under its region.
///
/// ```
/// use nxm_count::Counted;
/// use nxm_kernels::{Cpu, dot};
///
/// let counted = Counted::new(Cpu::detect()?);
/// dot(&counted, &[1.0f32; 30], &[2.0; 30])?;
/// let ops = counted.total().useful;
/// assert_eq!((ops.multiplications(), ops.additions()), (30, 29));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Counted {
    cpu: Cpu,
    booked: Mutex<BTreeMap<Option<Region>, Booked>>,
}

/// What calls cost.
#[derive(Clone, Copy, Debug, Default)]
struct Booked {
    tally: Tally,
    requested: Traffic,
    tasks: u64,
}

impl Counted {
    /// Counts what `cpu` runs.
    pub fn new(cpu: Cpu) -> Counted {
        Counted { cpu, booked: Mutex::default() }
    }

    /// What was counted since the last call, by region (none: calls that are part of none), and begins anew, with bytes and tasks too.
    pub fn take(&self) -> BTreeMap<Option<Region>, Tally> {
        let booked = std::mem::take(&mut *self.lock());
        booked.into_iter().map(|(region, booked)| (region, booked.tally)).collect()
    }

    /// The bytes that loads and stores have asked for since [`Counted::take`], by region.
    pub fn requested(&self) -> BTreeMap<Option<Region>, Traffic> {
        self.lock().iter().map(|(region, booked)| (*region, booked.requested)).collect()
    }

    /// Into how many tasks calls were split since [`Counted::take`], by region: one each, where threads did not share them.
    pub fn tasks(&self) -> BTreeMap<Option<Region>, u64> {
        self.lock().iter().map(|(region, booked)| (*region, booked.tasks)).collect()
    }

    /// What has been counted since [`Counted::take`], in all.
    pub fn total(&self) -> Tally {
        Tally::sum(self.lock().values().map(|booked| booked.tally)).expect(FITS)
    }

    /// The bytes that loads and stores have asked for since then, in all.
    pub fn total_requested(&self) -> Traffic {
        Traffic::sum(self.lock().values().map(|booked| booked.requested)).expect(FITS)
    }

    /// The tasks that were run since then, in all.
    pub fn total_tasks(&self) -> u64 {
        self.lock().values().map(|booked| booked.tasks).sum()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Option<Region>, Booked>> {
        // A kernel that panicked was not booked; what is there is whole.
        self.booked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why sums of counts need no error.
const FITS: &str = "operations and bytes that were counted one by one are fewer than 2¹²⁷";

/// Runs the tasks of one call, and books them under its region.
struct Booking<'a> {
    counted: &'a Counted,
    region: Option<Region>,
}

impl Runner for Booking<'_> {
    fn run<T: Lane, K: Kernel<T>>(&self, kernel: K) -> K::Output {
        let (output, counts) = self.counted.cpu.level().dispatch(CountingKernel::new(kernel));
        let mut all = self.counted.lock();
        let booked = all.entry(self.region).or_default();
        booked.tally = booked.tally.plus(&counts.tally()).expect(FITS);
        booked.requested = booked.requested.plus(&counts.requested()).expect(FITS);
        booked.tasks += 1;
        output
    }
    fn threads(&self) -> usize {
        Executor::threads(&self.counted.cpu)
    }
}

/// Every kernel is compiled with its counts here, and nowhere else.
impl Executor for Counted {
    fn level(&self) -> Level {
        self.cpu.level()
    }
    fn threads(&self) -> usize {
        Executor::threads(&self.cpu)
    }
    fn run_f32(&self, call: Call<'_, f32>, region: Option<Region>) {
        call.execute(&Booking { counted: self, region });
    }
    fn run_f64(&self, call: Call<'_, f64>, region: Option<Region>) {
        call.execute(&Booking { counted: self, region });
    }
    fn sequence(&self, work: usize, task: &mut (dyn FnMut() + Send)) {
        self.cpu.sequence(work, task);
    }
}
