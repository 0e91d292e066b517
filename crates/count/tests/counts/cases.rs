//! What the tests share: every way to run a kernel, counted, and shapes where kernels change their ways.

use std::sync::{Mutex, OnceLock};

pub use crate::draw::{Draw, Numbers, numbers};

use nxm_count::{Counted, Formulas, Ops, Tally, Traffic};
use nxm_kernels::{Activation, Call, Cpu, Element, Executor, Function, Layout, Level, Operation, Region, Strides};
use proptest::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// Thread counts: one, and an even one, an odd one or more than there are cores, as `draw` has it.
pub fn thread_counts(draw: usize) -> [usize; 2] {
    [1, [2, 3, 8][draw % 3]]
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
    /// With a product's multiplications and additions.
    pub fn plus(self, [multiplications, additions]: [u128; 2]) -> Textbook {
        let (multiplications, additions) = (self.multiplications + multiplications, self.additions + additions);
        Textbook { multiplications, additions, ..self }
    }

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

/// What an activation's derivative takes for each of n units.
pub fn derivative(activation: Activation, n: u128) -> Textbook {
    let [multiplications, additions, cmp] = match activation {
        Activation::Identity => [0, 0, 0],
        Activation::Relu => [0, 0, 1],
        Activation::LeakyRelu { .. } => [1, 0, 1],
        Activation::Sigmoid | Activation::Tanh => [2, 1, 0],
        Activation::Selu => [1, 1, 1],
        Activation::Elu { .. } | Activation::Celu { .. } => [2, 1, 1],
        Activation::Softplus { .. } => [2, 0, 1],
        Activation::Relu6 => [0, 0, 2],
        Activation::HardTanh => [0, 0, 1],
        Activation::HardSigmoid => [1, 0, 2],
        Activation::HardSwish => [2, 1, 2],
        Activation::Softsign => [2, 1, 0],
        // δ times the derivative, which is evaluated.
        _ => [1, 0, 0],
    };
    let functions = activation.derivative_function().map(|f| (f, n)).into_iter().filter(|(_, n)| *n > 0).collect();
    let [multiplications, additions, cmp] = [multiplications, additions, cmp].map(|each| each * n);
    Textbook { multiplications, additions, cmp, functions, ..Textbook::default() }
}

/// How the rows of a matrix are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Laid {
    /// Row after row.
    Plain,
    /// Padded to whole blocks of 64 bytes, as in networks.
    Padded,
    /// With something else in between.
    Gaps,
    /// With less padding than a vector wants, and something else behind it.
    Short,
}

/// All of them.
pub const LAID: [Laid; 4] = [Laid::Plain, Laid::Padded, Laid::Gaps, Laid::Short];

/// Any of them.
pub fn laid() -> impl Strategy<Value = Laid> {
    proptest::sample::select(&LAID)
}

impl Laid {
    /// The layout of rows × cols.
    pub fn layout<T: Element>(self, rows: usize, cols: usize) -> Layout {
        let row = cols + 3;
        match self {
            Laid::Plain => Layout::row_major(rows, cols),
            Laid::Padded => Layout::padded(rows, cols, T::BLOCK),
            Laid::Gaps => Layout::strided(rows, cols, Strides { row, col: 1 }),
            Laid::Short => Layout { width: cols + 1, ..Layout::strided(rows, cols, Strides { row, col: 1 }) },
        }
    }
}

impl Laid {
    /// Whether a matrix of so many columns is a single one whose elements stand side by side: then its rows do, and its columns do.
    pub fn is_column(self, cols: usize) -> bool {
        cols == 1 && matches!(self, Laid::Plain | Laid::Padded)
    }
}

/// A kernel, run by the executor it is given.
pub trait Case<T: Element> {
    /// Runs it; returns all that it computed.
    fn run(&self, executor: &dyn Executor, draw: Draw) -> Vec<T>;
    /// Its useful operations, written down without this crate's formulas.
    fn textbook(&self) -> Textbook;
}

/// An executor that keeps a list of the calls that another one runs.
pub struct Recording<'a> {
    executor: &'a dyn Executor,
    operations: Mutex<Vec<Operation>>,
}

impl<'a> Recording<'a> {
    /// Of the calls that `executor` runs.
    pub fn new(executor: &'a dyn Executor) -> Recording<'a> {
        Recording { executor, operations: Mutex::default() }
    }
    /// The calls.
    pub fn operations(self) -> Vec<Operation> {
        self.operations.into_inner().unwrap()
    }
}

impl Executor for Recording<'_> {
    fn level(&self) -> Level {
        self.executor.level()
    }
    fn threads(&self) -> usize {
        self.executor.threads()
    }
    fn run_f32(&self, call: Call<'_, f32>, region: Option<Region>) {
        self.operations.lock().unwrap().push(call.operation());
        self.executor.run_f32(call, region);
    }
    fn run_f64(&self, call: Call<'_, f64>, region: Option<Region>) {
        self.operations.lock().unwrap().push(call.operation());
        self.executor.run_f64(call, region);
    }
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
    with_room(|| {
        check_at(case, &thread_counts(draw as usize));
        check_extremes(case);
    });
}

/// [`check`] in both element types.
pub fn check_both<C: Case<f32> + Case<f64> + Sync>(case: C) {
    check::<f32>(&case);
    check::<f64>(&case);
}

/// At every level, on these numbers of threads.
pub fn check_at<T: Element>(case: &impl Case<T>, thread_counts: &[usize]) {
    for level in Level::available() {
        thread_counts.iter().for_each(|threads| _ = check_on(case, level, *threads));
    }
}

/// At a level, on so many threads. Returns into how many tasks it was split.
fn check_on<T: Element>(case: &impl Case<T>, level: Level, threads: usize) -> u64 {
    let formulas = Formulas::of::<T>(level);
    let cpu = Cpu::new(level, threads);
    let counted = Counted::new(cpu);
    let recording = Recording::new(&counted);
    let result = case.run(&recording, Draw::Usual);
    let operations = recording.operations();
    let formula = executed(formulas, &operations);
    assert_eq!(Textbook::of(&formula.useful), case.textbook(), "the formula, {} {level}", T::NAME);
    if level.shape::<T>().fused {
        let textbook = executed(Formulas::textbook::<T>(), &operations);
        assert_eq!(formula.useful, textbook.useful, "{} {level}", T::NAME);
    }
    let tally = counted.total();
    assert_eq!(tally.useful, formula.useful, "useful, {} {level} {threads}", T::NAME);
    assert_eq!(tally.padding, formula.padding, "padding, {} {level} {threads}", T::NAME);
    let requested = requested(formulas.on_threads(threads), &operations);
    assert_eq!(counted.total_requested(), requested, "bytes, {} {level} {threads}", T::NAME);
    assert_eq!(bits(&result), bits(&case.run(&cpu, Draw::Usual)), "bits, {} {level} {threads}", T::NAME);
    counted.total_tasks()
}

/// No count depends on the data.
fn check_extremes<T: Element>(case: &impl Case<T>) {
    for level in Level::available() {
        let formulas = Formulas::of::<T>(level);
        let counted = Counted::new(Cpu::new(level, 1));
        let recording = Recording::new(&counted);
        case.run(&recording, Draw::Extreme);
        let operations = recording.operations();
        assert_eq!(counted.total(), executed(formulas, &operations), "of extreme numbers, {} {level}", T::NAME);
        assert_eq!(
            counted.total_requested(),
            requested(formulas, &operations),
            "of extreme numbers, {} {level}",
            T::NAME
        );
    }
}

fn executed(formulas: Formulas, operations: &[Operation]) -> Tally {
    Tally::sum(operations.iter().map(|operation| formulas.executed(operation).unwrap())).unwrap()
}

fn requested(formulas: Formulas, operations: &[Operation]) -> Traffic {
    Traffic::sum(operations.iter().map(|operation| formulas.requested(operation).unwrap())).unwrap()
}

/// [`check`] of a case that is large enough to be split between threads, and that it is: on one thread and on as many as pay. At the level without
/// vectors, which takes most of the time, only its parts.
pub fn check_split<T: Element>(case: &(impl Case<T> + Sync)) {
    with_room(|| {
        for level in Level::available() {
            let shared = check_on(case, level, 3);
            if level.shape::<T>().lanes > 1 {
                assert!(shared > check_on(case, level, 1), "not split between threads, {} {level}", T::NAME);
            }
        }
    });
}

/// The bits of numbers, so that NaN equals itself and −0 is not 0.
pub fn bits<T: Element>(numbers: &[T]) -> Vec<u64> {
    numbers.iter().map(|x| x.to_bits_u64()).collect()
}
