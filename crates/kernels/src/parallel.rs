//! Splitting a kernel's outputs between threads.
//!
//! Only outputs are split, never a sum, so the bits do not depend on the number of parts. Parts are cut at multiples of
//! a `grain` (a whole vector), so the padding does not depend on it either.

/// Multiply-adds that make a task worth handing to another thread: a fork and join takes 6 to 17 µs (measured by the peers bench), in
/// which one core with AVX-512 does 0.7 to 2 million. Half as many paid on an idle machine, and cost a third wherever the other thread
/// woke late.
pub const WORTH_A_THREAD: usize = 1 << 21;

/// Elements, each evaluated at, updated or added to, that make a task worth handing to another thread.
pub const EVALUATIONS_WORTH_A_THREAD: usize = 3 << 18;

/// Elements of a matrix, each read once for one multiply-add, that make a task worth handing to another thread.
///
/// From a cache one thread reads nearly as fast as two, and rayon hands the parts to its threads in any order, so that each finds the
/// other's part in its own L2: measured by the peers bench, two threads lose on 1 and 2 million elements and win where memory is read.
pub const ELEMENTS_WORTH_A_THREAD: usize = 1 << 22;

/// Threads of rayon's current pool.
pub(crate) fn default_threads() -> usize {
    rayon::current_num_threads()
}

/// Into how many parts `work` is worth splitting when there are `threads` threads and at most `pieces` pieces.
#[inline]
pub(crate) fn parts(threads: usize, work: usize, pieces: usize) -> usize {
    limited(threads, work, WORTH_A_THREAD, pieces)
}

/// Into how many parts it is worth splitting a kernel that does something with each of `elements`.
#[inline]
pub(crate) fn parts_of_evaluations(threads: usize, elements: usize, pieces: usize) -> usize {
    limited(threads, elements, EVALUATIONS_WORTH_A_THREAD, pieces)
}

/// Into how many parts it is worth splitting a kernel that does little more than read `elements`.
#[inline]
pub(crate) fn parts_of_elements(threads: usize, elements: usize, pieces: usize) -> usize {
    limited(threads, elements, ELEMENTS_WORTH_A_THREAD, pieces)
}

/// One part for each `worth` of the work, no more than there are threads or pieces.
#[inline]
fn limited(threads: usize, work: usize, worth: usize, pieces: usize) -> usize {
    if threads <= 1 {
        return 1;
    }
    threads.min(work / worth).min(pieces).max(1)
}

/// Something that can be cut in two at an index.
pub(crate) trait Split: Sized + Send {
    /// Its length.
    fn len(&self) -> usize;
    /// The first `at`, and the rest.
    fn split(self, at: usize) -> (Self, Self);
}

/// Cuts `work` into at most `parts` parts at multiples of `grain` and runs `task` on each, in parallel.
#[inline(always)]
pub(crate) fn for_each_part<W: Split>(work: W, parts: usize, grain: usize, task: &(impl Fn(W) + Sync)) {
    // Told apart here: a small kernel takes less time than moving its operands about.
    if parts <= 1 { task(work) } else { cut(work, parts, grain, task) }
}

#[inline(never)]
fn cut<W: Split>(work: W, parts: usize, grain: usize, task: &(impl Fn(W) + Sync)) {
    let halves = parts / 2;
    let at = match halves {
        0 => 0,
        // The first `halves` of `parts` even shares.
        _ => (work.len() / grain * halves).div_ceil(parts) * grain,
    };
    if at == 0 || at >= work.len() {
        return task(work);
    }
    let (first, second) = work.split(at);
    rayon::join(|| cut(first, halves, grain, task), || cut(second, parts - halves, grain, task));
}

impl<A: Send> Split for &mut [A] {
    #[inline]
    fn len(&self) -> usize {
        (**self).len()
    }
    #[inline]
    fn split(self, at: usize) -> (Self, Self) {
        self.split_at_mut(at)
    }
}

impl<A: Sync> Split for &[A] {
    #[inline]
    fn len(&self) -> usize {
        (**self).len()
    }
    #[inline]
    fn split(self, at: usize) -> (Self, Self) {
        self.split_at(at)
    }
}

/// Cut together; their lengths must be equal.
impl<A: Split, B: Split> Split for (A, B) {
    #[inline]
    fn len(&self) -> usize {
        debug_assert_eq!(self.0.len(), self.1.len());
        self.0.len()
    }
    #[inline]
    fn split(self, at: usize) -> (Self, Self) {
        let (a, b) = (self.0.split(at), self.1.split(at));
        ((a.0, b.0), (a.1, b.1))
    }
}
