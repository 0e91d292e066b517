//! What the tests share: every way to run a kernel, counted, and shapes where kernels change their ways.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use nxm_count::{Counted, Ops, Requests, Tally, Traffic, Vectors};
use nxm_kernels::{Activation, Cpu, Element, Executor, Function, Kernel, Level};
use proptest::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// Thread counts: one, and an even one, an odd one or more than there are cores, as `draw` has it.
pub fn thread_counts(draw: usize) -> [usize; 2] {
    [1, [2, 3, 8][draw % 3]]
}

/// Numbers in [−1, 1) from a seed.
pub fn numbers<T: Element>(len: usize, seed: u64) -> Vec<T> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as f64 / (1u64 << 30) as f64 - 1.0
    };
    (0..len).map(|_| T::from_f64(next())).collect()
}

/// What a case's numbers are drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draw {
    /// Numbers in [−1, 1).
    Usual,
    /// Zeros of both signs, infinities, NaN, subnormal, tiny and huge numbers, and usual ones.
    Extreme,
}

impl Draw {
    /// Such numbers from a seed.
    pub fn numbers<T: Element>(self, len: usize, seed: u64) -> Vec<T> {
        let usual = numbers(len, seed);
        if self == Draw::Usual {
            return usual;
        }
        let [tiny, huge] = if T::NAME == "f32" { [1e-42, 3e38] } else { [1e-310, 1e308] };
        let extremes = [0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, tiny, -tiny, huge, -huge, 1e-30, 1e30];
        let extreme = |i: usize| extremes.get((i * 7 + seed as usize) % (extremes.len() + 3)).map(|x| T::from_f64(*x));
        usual.into_iter().enumerate().map(|(i, x)| extreme(i).unwrap_or(x)).collect()
    }
}

/// The lengths at which kernels change their ways: nothing, one, a vector, a tile's columns, a block of a reduction and
/// four of them, and the same give or take one; and any other up to a hundred.
pub fn side() -> impl Strategy<Value = usize> {
    let edges: Vec<usize> = [1, 2, 4, 8, 16, 24, 32, 48, 64, 128].iter().flat_map(|n| [n - 1, *n, n + 1]).collect();
    prop_oneof![2 => proptest::sample::select(edges), 2 => 0usize..100, 1 => 100usize..300]
}

/// A side that isn't empty and keeps a product of three of them cheap.
pub fn short_side() -> impl Strategy<Value = usize> {
    let edges: Vec<usize> = [2, 4, 8, 16, 32].iter().flat_map(|n| [n - 1, *n, n + 1]).collect();
    prop_oneof![proptest::sample::select(edges), 1usize..50]
}

/// A count as a textbook has it, whether or not multiply-adds are fused.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Textbook {
    /// mul + fma.
    pub multiplications: u128,
    /// add + fma.
    pub additions: u128,
    /// Divisions.
    pub div: u128,
    /// Square roots.
    pub sqrt: u128,
    /// Comparisons.
    pub cmp: u128,
    /// Conversions.
    pub convert: u128,
    /// Evaluations, none of them 0, in the order of `Function::ALL`.
    pub functions: Vec<(Function, u128)>,
}

impl Textbook {
    /// The same of a count.
    pub fn of(ops: &Ops) -> Textbook {
        Textbook {
            multiplications: ops.multiplications(),
            additions: ops.additions(),
            div: ops.own().div(),
            sqrt: ops.own().sqrt(),
            cmp: ops.own().cmp(),
            convert: ops.own().convert(),
            functions: ops.functions().collect(),
        }
    }
}

/// The function that an activation's derivative evaluates, if it does.
pub fn derivative_function(activation: Activation) -> Option<Function> {
    match activation {
        Activation::Gelu => Some(Function::GeluDerivative),
        Activation::GeluTanh => Some(Function::GeluTanhDerivative),
        Activation::Silu => Some(Function::SiluDerivative),
        Activation::Softplus => Some(Function::ExpM1),
        _ => None,
    }
}

/// A kernel, run by the executor it is given, and its count's formula.
pub trait Case<T: Element> {
    /// Runs it; returns all that it computed.
    fn run(&self, executor: &impl Executor, draw: Draw) -> Vec<T>;
    /// Its formula.
    fn formula(&self, vectors: Vectors) -> Tally;
    /// The bytes that its loads and stores ask for.
    fn requested(&self, requests: Requests) -> Traffic;
    /// Its useful operations, written down without this crate's formulas.
    fn textbook(&self) -> Textbook;
}

/// Runs `task` where there is room: unoptimised, the function that knows all epilogues needs megabytes of stack.
pub fn with_room<R: Send>(task: impl FnOnce() -> R + Send) -> R {
    static POOL: OnceLock<ThreadPool> = OnceLock::new();
    let pool = || ThreadPoolBuilder::new().num_threads(4).stack_size(64 << 20).build().expect("four threads");
    POOL.get_or_init(pool).install(task)
}

/// At every level, on one thread and on more: useful, padding and bytes are what their formulas say, useful is the textbook's, and the
/// result's bits are those of an uncounted run.
pub fn check<T: Element>(case: &(impl Case<T> + Sync)) {
    let draw = case.textbook().multiplications % 3;
    with_room(|| check_at(case, &thread_counts(draw as usize)));
}

fn check_at<T: Element>(case: &impl Case<T>, thread_counts: &[usize]) {
    for level in Level::available() {
        let formula = case.formula(Vectors::of::<T>(level));
        assert_eq!(Textbook::of(&formula.useful), case.textbook(), "the formula, {} {level}", T::NAME);
        if level.shape::<T>().fused {
            assert_eq!(formula.useful, case.formula(Vectors::textbook::<T>()).useful, "{} {level}", T::NAME);
        }
        for &threads in thread_counts {
            let cpu = Cpu::new(level, threads);
            let counted = Counted::new(cpu);
            let result = case.run(&counted, Draw::Usual);
            let tally = counted.total();
            assert_eq!(tally.useful, formula.useful, "useful, {} {level} {threads}", T::NAME);
            assert_eq!(tally.padding, formula.padding, "padding, {} {level} {threads}", T::NAME);
            let requested = case.requested(Requests::of::<T>(level, threads));
            assert_eq!(counted.total_requested(), requested, "bytes, {} {level} {threads}", T::NAME);
            assert_eq!(bits(&result), bits(&case.run(&cpu, Draw::Usual)), "bits, {} {level} {threads}", T::NAME);
        }
        // No count depends on the data.
        let counted = Counted::new(Cpu::new(level, thread_counts[0]));
        case.run(&counted, Draw::Extreme);
        assert_eq!(counted.total(), formula, "of extreme numbers, {} {level}", T::NAME);
        assert_eq!(counted.total_requested(), case.requested(Requests::of::<T>(level, thread_counts[0])));
    }
}

/// [`check`] of a case that is large enough to be split between threads, and that it is: on one thread and on as many as pay.
pub fn check_split<T: Element>(case: &(impl Case<T> + Sync)) {
    let level = Level::available().last().expect("scalar and wide are everywhere");
    let runs = |threads| {
        let runs = Runs(Counted::new(Cpu::new(level, threads)), AtomicUsize::new(0));
        case.run(&runs, Draw::Usual);
        runs.1.into_inner()
    };
    with_room(|| {
        assert!(runs(3) > runs(1), "not split between threads");
        check_at(case, &[1, 3]);
    });
}

/// How many kernels are run. It wraps the counting executor and no other, so that no kernel is compiled for it.
struct Runs(Counted<Cpu>, AtomicUsize);

impl Executor for Runs {
    fn run<T: Element, K: Kernel<T>>(&self, kernel: K) -> K::Output {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.run(kernel)
    }
    fn level(&self) -> Level {
        self.0.level()
    }
    fn threads(&self) -> usize {
        self.0.threads()
    }
}

/// The bits of numbers, so that NaN equals itself and −0 is not 0.
pub fn bits<T: Element>(numbers: &[T]) -> Vec<u64> {
    numbers.iter().map(|x| x.to_bits_u64()).collect()
}
