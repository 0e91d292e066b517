//! Steps, epochs and predictions allocate nothing once they are warm, and evaluations nothing for a further batch.
//!
//! Every allocation of the process is counted. So this is a program without the test harness, whose main thread allocates now and then.

#[path = "net/support.rs"]
#[allow(dead_code, reason = "the other tests use the rest")]
mod support;

use std::alloc::System;
use std::sync::Mutex;

use nxm_kernels::{Activation, Call, Cpu, Element, Executor, Level, MatrixRef, Region, WORTH_A_THREAD};
use nxm_net::{
    EVALUATION_ROWS, FileHeader, Lbfgs, Loss, Optimizer, OptimizerState, Predictor, Step, Training, TrainingOptions,
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region as Allocations, StatsAlloc};
use support::{examples, losses, network, numbers, optimizers};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How often `run` takes memory, moves it and gives it back.
fn count(run: impl FnOnce()) -> [usize; 3] {
    let allocations = Allocations::new(ALLOCATOR);
    run();
    let change = allocations.change();
    [change.allocations, change.reallocations, change.deallocations]
}

/// A file whose header takes more than this many times its own length could end a program by it.
const HEADER_SHARE: usize = 16;
/// The longest header that is read.
const LONGEST_HEADER: usize = 8 << 20;

/// However a header is made, it takes a bounded share of memory. All bytes that are ever taken are at least those at the peak.
fn headers() {
    let filled = |start: &str, piece: &dyn Fn(usize) -> String, end: &str| {
        let mut text = start.to_owned();
        for i in 0.. {
            let piece = piece(i);
            if text.len() + piece.len() + end.len() > LONGEST_HEADER {
                return text + end;
            }
            text += &piece;
        }
        unreachable!("the text grows")
    };
    let same = |text: &'static str| move |_: usize| text.to_owned();
    let tensor = r#"{"data_offsets":[0,0],"dtype":"F","shape":[0]}"#;
    let texts = [
        ("tensors", filled("{", &|i| format!("\"{i:x}\":{tensor},"), &format!("\"\":{tensor}}}"))),
        ("strings", filled("{\"__metadata__\":{", &|i| format!("\"{i:x}\":\"\","), "\"\":\"\"}}")),
        ("one string", filled("{\"__metadata__\":{\"\":\"", &same("\\n"), "\"}}")),
        ("one key", filled("{\"", &same("\\\\"), &format!("\":{tensor}}}"))),
        ("one type", filled("{\"a\":{\"dtype\":\"", &same("F"), "\"}}")),
        ("a shape", filled("{\"a\":{\"shape\":[", &same("1,"), "1]}}")),
        (
            "shapes",
            filled(
                "{",
                &|i| format!("\"{i:x}\":{{\"data_offsets\":[0,0],\"dtype\":\"\",\"shape\":[{}1]}},", "1,".repeat(60)),
                &format!("\"\":{tensor}}}"),
            ),
        ),
        ("lists", filled("{\"__metadata__\":{\"\":[", &same("[],"), "[]]}}")),
        ("objects", filled("{\"a\":[", &same("{},"), "{}]}")),
        ("lists in lists", filled("", &same("["), "")),
        ("objects in objects", filled("", &same("{\"a\":"), "")),
        ("another field", filled("{\"a\":{\"b\":[", &same("{\"\":[0]},"), "0]}}")),
    ];
    for (what, text) in texts {
        let start = [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat();
        let allocations = Allocations::new(ALLOCATOR);
        let read = FileHeader::from_start(&start, start.len() as u64);
        let taken = allocations.change().bytes_allocated;
        let share = taken as f64 / text.len() as f64;
        println!("{what}: {:.1} times {} bytes, {}", share, text.len(), if read.is_ok() { "read" } else { "refused" });
        assert!(taken <= HEADER_SHARE * text.len(), "{what}: {taken} bytes for {}", text.len());
    }
}

fn main() {
    headers();
    for level in Level::available() {
        let one = Cpu::new(level, 1);
        every_kind_of_training::<f32>(&one);
        every_kind_of_training::<f64>(&one);
        steps_in_two_parts::<f32>(&one);
        steps_in_two_parts::<f64>(&one);
        predictions(&one);
        evaluations(&one);
        line_searches(&one);
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("a pool of two threads");
    let fastest = Level::detect().expect("a level");
    // Each thread's first kernels may take memory, and chance decides which thread runs which part of a later one.
    pool.broadcast(|_| split_training(&Cpu::new(fastest, 1)));
    let counts = pool.install(|| split_training(&Cpu::new(fastest, 2)));
    assert_eq!(counts, [[0; 3]; 3], "two threads: each epoch's memory taken, moved, given back");
    println!("what is warm does not allocate: ok");
}

fn options() -> TrainingOptions {
    let (loss, optimizer) = (Loss::CROSS_ENTROPY, Optimizer::sgd(0.3));
    TrainingOptions::new(loss, optimizer).with_batch(4).with_epochs(5).with_seed(7)
}

/// Epochs after the first: steps, a short one among them, the next epoch's order, and the report.
fn epochs<T: Element>(
    sizes: &[usize],
    activation: Activation,
    rows: usize,
    options: TrainingOptions,
    cpu: &Cpu,
) -> Vec<[usize; 3]> {
    let mut network = network::<T>(sizes, activation, Activation::Identity, 1);
    let data = examples::<T>(&options.loss, rows, network.inputs(), network.outputs(), 1);
    assert!(rows > options.batch && !rows.is_multiple_of(options.batch), "a short last batch");
    let mut training = Training::new(&mut network, cpu, &data, options).expect("a training");
    let mut epoch = || {
        training.next().expect("an epoch").expect("a finite loss");
    };
    epoch();
    (0..3).map(|_| count(&mut epoch)).collect()
}

fn every_kind_of_training<T: Element>(cpu: &Cpu) {
    let check = |activation, options: TrainingOptions| {
        let counts = epochs::<T>(&[30, 30, 10], activation, 22, options.clone(), cpu);
        assert_eq!(counts, [[0; 3]; 3], "{}, {cpu:?}, {activation}, {options:?}", T::NAME);
    };
    for activation in Activation::samples() {
        check(activation, options());
    }
    for loss in losses(10) {
        check(Activation::Silu, options().with_loss(loss));
    }
    for optimizer in optimizers() {
        for clip_norm in [None, Some(1e-3), Some(1e3)] {
            check(Activation::Sigmoid, options().with_optimizer(optimizer).with_clip_norm(clip_norm));
        }
        check(Activation::Sigmoid, options().with_optimizer(optimizer).with_clip_value(1e-3));
        check(Activation::Sigmoid, options().with_optimizer(optimizer).with_batch(4).with_accumulate(2));
    }
}

/// A training with products that are worth several threads.
fn split_training(cpu: &Cpu) -> [[usize; 3]; 3] {
    let options = options().with_batch(64);
    const { assert!(64 * 600 * 200 >= 2 * WORTH_A_THREAD) };
    epochs::<f32>(&[600, 200, 10], Activation::Tanh, 150, options, cpu).try_into().expect("three epochs")
}

/// Gradients and updates, on whole and short batches in turns, with whole steps in between.
fn steps_in_two_parts<T: Element>(cpu: &Cpu) {
    for max_norm in [None, Some(1e-3)] {
        let mut network = network::<T>(&[30, 30, 10], Activation::Gelu, Activation::Identity, 1);
        let data = examples::<T>(&Loss::CROSS_ENTROPY, 9, 30, 10, 1);
        let mut step = Step::new(&network, &Loss::CROSS_ENTROPY, 6).expect("a step");
        if let Some(max_norm) = max_norm {
            step = step.clip_norm(max_norm).expect("a norm");
        }
        let mut state = OptimizerState::new(Optimizer::adam(0.01), &network).expect("a state");
        let (whole, short) = data.split_at(6);
        let mut round = || {
            for part in [&whole, &short] {
                let (x, targets) = (part.inputs(), part.targets());
                step.gradients(&network, cpu, x, targets).expect("gradients");
                step.update(&mut network, cpu, &mut state).expect("an update");
                step.train(&mut network, cpu, x, targets, &mut state).expect("a step");
            }
        };
        round();
        for _ in 0..3 {
            assert_eq!(count(&mut round), [0; 3], "{}, {cpu:?}, {max_norm:?}", T::NAME);
        }
    }
}

/// As many numbers of rows in turns as programs are kept.
fn predictions(cpu: &Cpu) {
    let network = network::<f32>(&[30, 20, 7], Activation::Gelu, Activation::Sigmoid, 1);
    let x = numbers::<f32>(16 * 30, 2);
    let x = MatrixRef::new(&x, 16, 30).expect("examples");
    let predictor = Predictor::new(network, 16);
    let mut buffers = predictor.buffers().expect("buffers");
    let mut round = || {
        for rows in 1..=16 {
            predictor.predict(cpu, x.block(0, 0, rows, 30), &mut buffers).expect("outputs");
        }
    };
    round();
    assert_eq!(count(&mut round), [0; 3], "{cpu:?}");
}

/// Runs calls on a processor, and keeps how many bytes had been taken by the first call and by the last one.
struct Watched<'a> {
    cpu: &'a Cpu,
    taken: Mutex<Option<[usize; 2]>>,
}

impl Watched<'_> {
    fn look(&self) {
        let now = ALLOCATOR.stats().bytes_allocated;
        let mut taken = self.taken.lock().expect("one thread");
        let [first, _] = taken.unwrap_or([now; 2]);
        *taken = Some([first, now]);
    }
}

impl Executor for Watched<'_> {
    fn level(&self) -> Level {
        Executor::level(self.cpu)
    }
    fn threads(&self) -> usize {
        1
    }
    fn run_f32(&self, call: Call<'_, f32>, region: Option<Region>) {
        self.look();
        self.cpu.run_f32(call, region);
    }
    fn run_f64(&self, call: Call<'_, f64>, region: Option<Region>) {
        self.look();
        self.cpu.run_f64(call, region);
    }
}

/// A step of L-BFGS takes all its memory before its first call. So it never ends between two points for want of memory.
fn line_searches(cpu: &Cpu) {
    let mut network = network::<f32>(&[100, 60, 10], Activation::Tanh, Activation::Identity, 1);
    let data = examples::<f32>(&Loss::CROSS_ENTROPY, 30, 100, 10, 1);
    let mut step = Step::new(&network, &Loss::CROSS_ENTROPY, 30).expect("a step");
    let optimizer = Lbfgs::default().with_max_iterations(5).with_history(7);
    let mut state = OptimizerState::new(optimizer.into(), &network).expect("a state");
    let vector = network.parameters() * size_of::<f32>();
    for _ in 0..3 {
        let watched = Watched { cpu, taken: Mutex::new(None) };
        step.train(&mut network, &watched, data.inputs(), data.targets(), &mut state).expect("a step");
        let [first, last] = watched.taken.into_inner().expect("one thread").expect("calls");
        assert!(last - first < vector, "{} bytes after the first call, {cpu:?}", last - first);
    }
    let pairs = state.lbfgs().expect("L-BFGS").pairs();
    assert_eq!(pairs, optimizer.history, "old pairs make room for new ones");
}

/// They take memory once for all batches, whole and short.
fn evaluations(cpu: &Cpu) {
    let network = network::<f32>(&[5, 6, 3], Activation::Tanh, Activation::Identity, 1);
    for loss in losses(3) {
        let data = [2, 6].map(|whole| examples::<f32>(&loss, whole * EVALUATION_ROWS + 3, 5, 3, 1));
        let counts =
            [&data[0], &data[0], &data[1]].map(|data| count(|| assert!(network.evaluate(cpu, data, &loss).is_ok())));
        // The first one is there to warm the kernels.
        assert_eq!(counts[1], counts[2], "evaluation, {loss:?}, {cpu:?}");
        let counts = data.each_ref().map(|data| count(|| drop(network.predict(cpu, data.inputs()).expect("outputs"))));
        assert_eq!(counts[0], counts[1], "prediction, {cpu:?}");
    }
}
