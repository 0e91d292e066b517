//! The counting executor: runs kernels as another executor does, and counts them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use nxm_kernels::{Element, Executor, Kernel, Level, Region};

use crate::counting::CountingKernel;
use crate::tally::Tally;
use crate::traffic::Traffic;

/// The executor `E`, counted.
///
/// Each kernel is wrapped in a kernel that wraps the token it is given, so dispatch, inlining and threads stay as they
/// are in production, and so do the results' bits. A kernel's operations are booked under the region entered last.
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
pub struct Counted<E> {
    executor: E,
    booked: Mutex<Booked>,
}

#[derive(Debug, Default)]
struct Booked {
    region: Option<Region>,
    tallies: BTreeMap<Option<Region>, Tally>,
    requested: BTreeMap<Option<Region>, Traffic>,
}

impl<E> Counted<E> {
    /// Counts what `executor` runs.
    pub fn new(executor: E) -> Self {
        Counted { executor, booked: Mutex::default() }
    }

    /// What was counted since the last call, by region (`None`: before any was entered), and begins anew, with the bytes too.
    pub fn take(&self) -> BTreeMap<Option<Region>, Tally> {
        std::mem::take(&mut *self.lock()).tallies
    }

    /// The bytes that loads and stores have asked for since [`Counted::take`], by region.
    pub fn requested(&self) -> BTreeMap<Option<Region>, Traffic> {
        self.lock().requested.clone()
    }

    /// The same in all.
    pub fn total_requested(&self) -> Traffic {
        let all = self.requested();
        all.values().try_fold(Traffic::NONE, |sum, traffic| sum.plus(traffic)).expect(FITS)
    }

    /// What has been counted since [`Counted::take`], in all.
    pub fn total(&self) -> Tally {
        Tally::sum(self.lock().tallies.values().copied()).expect(FITS)
    }

    fn lock(&self) -> MutexGuard<'_, Booked> {
        // A kernel that panicked was not booked; what is there is whole.
        self.booked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why sums of counts need no error.
const FITS: &str = "operations and bytes that were counted one by one are fewer than 2¹²⁷";

impl<E: Executor> Executor for Counted<E> {
    #[inline]
    fn run<T: Element, K: Kernel<T>>(&self, kernel: K) -> K::Output {
        let (output, counts) = self.executor.run(CountingKernel::new(kernel));
        let mut shared = self.lock();
        let region = shared.region;
        let tally = shared.tallies.entry(region).or_default();
        *tally = tally.plus(&counts.tally()).expect(FITS);
        let requested = shared.requested.entry(region).or_default();
        *requested = requested.plus(&counts.requested()).expect(FITS);
        output
    }
    fn level(&self) -> Level {
        self.executor.level()
    }
    fn threads(&self) -> usize {
        self.executor.threads()
    }
    fn enter(&self, region: Region) {
        self.lock().region = Some(region);
        self.executor.enter(region);
    }
    fn sequence<R: Send>(&self, work: usize, task: impl FnOnce() -> R + Send) -> R {
        self.executor.sequence(work, task)
    }
}
