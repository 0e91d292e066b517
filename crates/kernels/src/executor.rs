//! Who runs a kernel, on which level and on how many threads.

use crate::element::Element;
use crate::level::{Level, LevelError};
use crate::parallel::{default_threads, parts};
use crate::simd::Kernel;

/// Runs kernels. [`Cpu`] is the one in production; one that counts or profiles wraps another.
pub trait Executor: Sync {
    /// Runs `kernel`.
    fn run<T: Element, K: Kernel<T>>(&self, kernel: K) -> K::Output;
    /// The level kernels run on.
    fn level(&self) -> Level;
    /// How many tasks a kernel may be split into.
    fn threads(&self) -> usize;
    /// Told which part of a larger computation the following kernels belong to. Does nothing unless overridden.
    #[inline(always)]
    fn enter(&self, region: Region) {
        let _ = region;
    }
    /// Runs `task`, a sequence of kernels of which the largest has `work` multiply-adds, where they can be split between threads at
    /// little cost. One that wraps another hands this on.
    #[inline(always)]
    fn sequence<R: Send>(&self, work: usize, task: impl FnOnce() -> R + Send) -> R {
        let _ = work;
        task()
    }
}

/// A named part of a larger computation: what a counter or profiler books kernels under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Region {
    /// What is done, as "forward" or "weight_gradient".
    pub name: &'static str,
    /// In which layer, from 0.
    pub layer: usize,
}

/// This machine's processor: a level, and a number of threads.
///
/// Tasks run on rayon's current pool: the global one, or the one whose `install` the call is in. The result's bits
/// depend neither on the thread count nor, wherever multiply-adds are fused, on the level.
#[derive(Clone, Copy, Debug)]
pub struct Cpu {
    level: Level,
    threads: usize,
}

impl Cpu {
    /// The fastest level (or the one `NXM_LEVEL` pins) on as many threads as rayon's current pool has.
    ///
    /// # Errors
    /// [`LevelError`] if `NXM_LEVEL` names a level that this processor lacks.
    pub fn detect() -> Result<Cpu, LevelError> {
        Ok(Cpu { level: Level::detect()?, threads: default_threads() })
    }

    /// This level on at most `threads` threads (0 counts as 1).
    pub fn new(level: Level, threads: usize) -> Cpu {
        Cpu { level, threads: threads.max(1) }
    }

    /// The same level on at most `threads` threads (0 counts as 1).
    pub fn with_threads(self, threads: usize) -> Cpu {
        Cpu::new(self.level, threads)
    }
}

impl Executor for Cpu {
    #[inline]
    fn run<T: Element, K: Kernel<T>>(&self, kernel: K) -> K::Output {
        self.level.dispatch(kernel)
    }
    #[inline]
    fn level(&self) -> Level {
        self.level
    }
    #[inline]
    fn threads(&self) -> usize {
        self.threads
    }
    /// Enters rayon's pool once, if a kernel of the sequence will be split: from outside, every split would wake the pool and wait for
    /// it. A sequence of small kernels stays on the calling thread.
    #[inline]
    fn sequence<R: Send>(&self, work: usize, task: impl FnOnce() -> R + Send) -> R {
        if parts(self.threads, work, usize::MAX) > 1 { rayon::scope(|_| task()) } else { task() }
    }
}
