//! Memory as said is memory as allocated.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::thread;

use nxm_count::{Activation, Clipping, Cpu, Level, Loss, MemoryUse, NetworkSpec, Optimizer};
use nxm_kernels::{Element, MatrixRef};
use nxm_net::{Adam, OptimizerState, Predictor, Sgd, Step, Targets};
use proptest::prelude::*;

thread_local! {
    /// Bytes of this thread's living allocations that are aligned to cache lines: memory for numbers, and what threads keep for packing.
    static HELD: Cell<u128> = const { Cell::new(0) };
    /// The most of it since [`peak`] began to watch.
    static PEAK: Cell<u128> = const { Cell::new(0) };
}

struct Watching;

// SAFETY: all is left to the system's allocator, which is one.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        book(layout, 1);
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        book(layout, -1);
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(at, layout) }
    }
}

/// Nothing if the thread is about to end.
fn book(layout: Layout, sign: i128) {
    if layout.align() == 64 {
        let _ = HELD.try_with(|held| held.set(held.get().wrapping_add_signed(sign * layout.size() as i128)));
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(HELD.get())));
    }
}

#[global_allocator]
static WATCHING: Watching = Watching;

/// Bytes that `make` leaves allocated.
fn held<R>(make: impl FnOnce() -> R) -> (R, u128) {
    let before = HELD.get();
    let made = make();
    (made, HELD.get() - before)
}

/// Bytes that `run` allocates at most beside what is held before.
fn peak(run: impl FnOnce()) -> u128 {
    PEAK.set(HELD.get());
    let before = HELD.get();
    run();
    PEAK.get() - before
}

fn losses(outputs: u64) -> Vec<Loss> {
    let class_weights = vec![1.0; outputs as usize];
    let weighted = Loss::CrossEntropy { label_smoothing: 0.0, class_weights };
    Loss::ALL.into_iter().chain([weighted]).collect()
}

/// What is said is what is made, and no more is held while it runs.
fn check<T: Element>(spec: &NetworkSpec, batch: u64) {
    let (said, rows) = (MemoryUse::training::<T>(spec, batch).unwrap(), batch as usize);

    let (mut network, parameters) = held(|| spec.build::<T>(0).unwrap());
    assert_eq!(parameters, said.parameters);
    let (mut state, kept) = held(|| OptimizerState::new(*spec.optimizer(), &network).unwrap());
    assert_eq!(kept, said.optimizer);
    let make = || {
        let step = Step::new(&network, spec.loss(), rows).unwrap();
        let mut step = match spec.clipping() {
            Clipping::None => step,
            Clipping::ByValue => step.clip_value(1.0).unwrap(),
            Clipping::Within | Clipping::Scaled => step.clip_norm(1.0).unwrap(),
        };
        step.reserve(&state, 1).unwrap();
        step
    };
    let (mut step, work) = held(make);
    assert_eq!(work, said.gradients + said.activations + said.deltas + said.loss);
    assert_eq!(parameters + kept + work + said.batch, said.total);
    // Micro-batches have gradients of their own beside those that they are added to.
    let (mut parts, accumulated) = (make(), MemoryUse::accumulation::<T>(spec, batch).unwrap());
    let ((), more) = held(|| parts.reserve(&state, 2).unwrap());
    assert_eq!(
        work + more,
        accumulated.gradients + accumulated.activations + accumulated.deltas + accumulated.loss,
        "accumulated"
    );
    drop(parts);
    // And no more while it runs, once the buffers that this thread keeps for packing, which may change places, are as large as they get.
    let cpu = Cpu::new(Level::detect().unwrap(), 1);
    let (inputs, outputs) = (network.inputs(), network.outputs());
    let (half, labels) = (T::from_f64(0.5), vec![0; rows]);
    let (x, values) = (vec![half; rows * inputs], vec![half; rows * outputs]);
    let targets = match spec.loss().takes_labels() {
        true => Targets::Classes(&labels),
        false => Targets::Values(MatrixRef::new(&values, rows, outputs).unwrap()),
    };
    let x = MatrixRef::new(&x, rows, inputs).unwrap();
    let (mut warm, mut other, mut of_other) = (make(), network.clone(), state.clone());
    for _ in 0..3 {
        warm.train(&mut other, &cpu, x, targets, &mut of_other).unwrap();
    }
    for _ in 0..2 {
        let beside = peak(|| {
            step.train(&mut network, &cpu, x, targets, &mut state).unwrap();
        });
        assert_eq!(beside, 0);
    }
    drop((step, state));

    let said = MemoryUse::inference::<T>(spec, batch).unwrap();
    let predictor = Predictor::new(network, rows);
    let (mut buffers, work) = held(|| predictor.buffers().unwrap());
    let beside = peak(|| {
        predictor.predict(&cpu, x, &mut buffers).unwrap();
    });
    assert_eq!(beside, 0);
    assert_eq!(work, said.activations + said.loss);
    assert_eq!((said.parameters, said.optimizer, said.gradients, said.deltas), (parameters, 0, 0, 0));
    assert_eq!(parameters + work + said.batch, said.total);
}

proptest! {
    #[test]
    fn is_what_training_and_inference_allocate(
        sizes in proptest::collection::vec(1u64..80, 2..5),
        [hidden, output] in proptest::array::uniform2(proptest::sample::select(Activation::samples())),
        optimizer in proptest::sample::select(vec![
            Optimizer::default(),
            Optimizer::Sgd(Sgd::new(0.1).with_momentum(0.9)),
            Optimizer::Adam(Adam::new(0.1).with_betas(0.9, 0.9)),
            Optimizer::Adam(Adam::new(0.1).with_amsgrad(true)),
        ]),
        clipping in proptest::sample::select(&[Clipping::None, Clipping::Within, Clipping::Scaled, Clipping::ByValue][..]),
        loss in 0usize..4,
        batch in 1u64..40,
    ) {
        let loss = losses(sizes[sizes.len() - 1])[loss].clone();
        let spec = NetworkSpec::new(sizes, hidden, output, loss).unwrap();
        let spec = spec.with_optimizer(optimizer).with_clipping(clipping);
        // Unoptimised, the function that knows all epilogues needs megabytes of stack.
        for check in [check::<f32>, check::<f64>] {
            let room = thread::Builder::new().stack_size(64 << 20);
            let checked = thread::scope(|scope| room.spawn_scoped(scope, || check(&spec, batch)).unwrap().join());
            prop_assert!(checked.is_ok());
        }
    }
}

#[test]
fn more_than_can_be_counted_is_refused() {
    let [relu, identity] = [Activation::Relu, Activation::Identity];
    let huge = NetworkSpec::new([u64::MAX, u64::MAX - 1], relu, identity, Loss::MeanSquaredError).unwrap();
    assert!(MemoryUse::training::<f32>(&huge, 1).unwrap_err().to_string().contains("bytes"));
    assert!(MemoryUse::inference::<f32>(&huge, 0).unwrap_err().to_string().contains("batch"));
}
