//! Memory as said is memory as allocated.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::thread;

use nxm_count::{Activation, Clipping, Cpu, Loss, Memory, NetworkSpec, Optimizer};
use nxm_kernels::MatrixRef;
use nxm_net::{Adam, Network, OptimizerState, Predictor, Sgd, Step, Targets};
use proptest::prelude::*;

thread_local! {
    /// Bytes of this thread's living allocations that are aligned as f32 are: buffers of numbers, and of nothing else here.
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
    if layout.align() == align_of::<f32>() {
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

fn network(spec: &NetworkSpec) -> Network<f32> {
    let sizes: Vec<usize> = spec.sizes().iter().map(|size| *size as usize).collect();
    let layers = sizes[1..].iter().enumerate();
    let builder = layers.fold(Network::builder(sizes[0]), |b, (l, units)| b.dense(*units, spec.activation(l)));
    builder.build().unwrap()
}

fn losses(outputs: u64) -> Vec<Loss> {
    let class_weights = vec![1.0; outputs as usize];
    let weighted = Loss::CrossEntropy { label_smoothing: 0.0, class_weights };
    Loss::ALL.into_iter().chain([weighted]).collect()
}

/// What is said is what is made, and no more is held while it runs.
fn check(spec: &NetworkSpec, batch: u64) {
    let (said, rows) = (Memory::training::<f32>(spec, batch).unwrap(), batch as usize);

    let (mut network, parameters) = held(|| network(spec));
    assert_eq!(parameters, said.parameters);
    let (mut state, kept) = held(|| OptimizerState::new(*spec.optimizer(), &network).unwrap());
    assert_eq!(kept, said.optimizer);
    let (mut step, buffers) = held(|| {
        let step = Step::new(&network, spec.loss(), rows).unwrap();
        if spec.clipping() == Clipping::None { step } else { step.clip_norm(1.0).unwrap() }
    });
    assert_eq!(buffers, said.gradients + said.activations + said.deltas + said.loss);
    assert_eq!(parameters + kept + buffers + said.batch, said.total);
    // And no more while it runs.
    let cpu = Cpu::detect().unwrap();
    let (inputs, outputs) = (network.inputs(), network.outputs());
    let (x, values, labels) = (vec![0.5; rows * inputs], vec![0.5; rows * outputs], vec![0; rows]);
    let targets = match spec.loss().takes_labels() {
        true => Targets::Classes(&labels),
        false => Targets::Values(MatrixRef::new(&values, rows, outputs).unwrap()),
    };
    let x = MatrixRef::new(&x, rows, inputs).unwrap();
    for _ in 0..2 {
        let beside = peak(|| {
            step.train(&mut network, &cpu, x, targets, &mut state).unwrap();
        });
        assert_eq!(beside, 0);
    }
    drop((step, state));

    let said = Memory::inference::<f32>(spec, batch).unwrap();
    let predictor = Predictor::new(network, rows);
    let (mut buffers, activations) = held(|| predictor.buffers().unwrap());
    let beside = peak(|| {
        predictor.predict(&cpu, x, &mut buffers).unwrap();
    });
    assert_eq!(beside, 0);
    assert_eq!(activations, said.activations);
    assert_eq!(parameters + activations + said.batch, said.total);
    drop(buffers);
}

proptest! {
    #[test]
    fn is_what_training_and_inference_allocate(
        sizes in proptest::collection::vec(1u64..40, 2..5),
        [hidden, output] in proptest::array::uniform2(proptest::sample::select(&Activation::ALL)),
        optimizer in proptest::sample::select(vec![
            Optimizer::default(),
            Optimizer::Sgd(Sgd { momentum: 0.9, dampening: 0.0, nesterov: false, weight_decay: 0.0, learning_rate: 0.1 }),
            Optimizer::Adam(Adam { learning_rate: 0.1, beta1: 0.9, beta2: 0.9, epsilon: 1e-8, weight_decay: 0.0 }),
        ]),
        clipping in proptest::sample::select(&[Clipping::None, Clipping::Within, Clipping::Scaled][..]),
        loss in 0usize..4,
        batch in 1u64..40,
    ) {
        let loss = losses(sizes[sizes.len() - 1])[loss].clone();
        let spec = NetworkSpec::new(sizes, hidden, output, loss).unwrap();
        let spec = spec.with_optimizer(optimizer).with_clipping(clipping);
        // Unoptimised, the function that knows all epilogues needs megabytes of stack.
        let room = thread::Builder::new().stack_size(64 << 20);
        let checked = thread::scope(|scope| room.spawn_scoped(scope, || check(&spec, batch)).unwrap().join());
        prop_assert!(checked.is_ok());
    }
}

#[test]
fn more_than_can_be_counted_is_refused() {
    let [relu, identity] = [Activation::Relu, Activation::Identity];
    let huge = NetworkSpec::new([u64::MAX, u64::MAX - 1], relu, identity, Loss::MeanSquaredError).unwrap();
    assert!(Memory::training::<f32>(&huge, 1).unwrap_err().to_string().contains("bytes"));
    assert!(Memory::inference::<f32>(&huge, 0).unwrap_err().to_string().contains("batch"));
}
