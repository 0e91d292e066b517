//! Memory as said is memory as allocated.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use nxm_count::{Activation, Clipping, Loss, Memory, NetworkSpec, Optimizer};
use nxm_net::{Adam, Network, OptimizerState, Predictor, Sgd, Step};
use proptest::prelude::*;

thread_local! {
    /// Bytes of this thread's living allocations that are aligned as f32 are: buffers of numbers, and of nothing else here.
    static HELD: Cell<u128> = const { Cell::new(0) };
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

proptest! {
    #[test]
    fn is_what_training_and_inference_allocate(
        sizes in proptest::collection::vec(1u64..40, 2..5),
        [hidden, output] in proptest::array::uniform2(proptest::sample::select(&Activation::ALL)),
        optimizer in proptest::sample::select(vec![
            Optimizer::default(),
            Optimizer::Sgd(Sgd { momentum: 0.9, dampening: 0.0, nesterov: false, weight_decay: 0.0, learning_rate: 0.1 }),
            Optimizer::Adam(Adam { learning_rate: 0.1, beta1: 0.9, beta2: 0.9, epsilon: 0.0, weight_decay: 0.0 }),
        ]),
        clipping in proptest::sample::select(&[Clipping::None, Clipping::Within, Clipping::Scaled][..]),
        loss in 0usize..4,
        batch in 1u64..40,
    ) {
        let loss = losses(sizes[sizes.len() - 1])[loss].clone();
        let spec = NetworkSpec::new(sizes, hidden, output, loss).unwrap();
        let spec = spec.with_optimizer(optimizer).with_clipping(clipping);
        let (said, rows) = (Memory::training::<f32>(&spec, batch).unwrap(), batch as usize);

        let (network, parameters) = held(|| network(&spec));
        prop_assert_eq!(parameters, said.parameters);
        let (state, kept) = held(|| OptimizerState::new(optimizer, &network).unwrap());
        prop_assert_eq!(kept, said.optimizer);
        let (step, buffers) = held(|| {
            let step = Step::new(&network, spec.loss(), rows).unwrap();
            if clipping == Clipping::None { step } else { step.clip_norm(1.0).unwrap() }
        });
        prop_assert_eq!(buffers, said.gradients + said.activations + said.deltas + said.loss);
        prop_assert_eq!(parameters + kept + buffers + said.batch, said.total);
        drop((step, state));

        let said = Memory::inference::<f32>(&spec, batch).unwrap();
        let predictor = Predictor::new(network, rows);
        let (buffers, activations) = held(|| predictor.buffers().unwrap());
        prop_assert_eq!(activations, said.activations);
        prop_assert_eq!(parameters + activations + said.batch, said.total);
        drop(buffers);
    }
}

#[test]
fn more_than_can_be_counted_is_refused() {
    let [relu, identity] = [Activation::Relu, Activation::Identity];
    let huge = NetworkSpec::new([u64::MAX, u64::MAX - 1], relu, identity, Loss::MeanSquaredError).unwrap();
    assert!(Memory::training::<f32>(&huge, 1).unwrap_err().to_string().contains("bytes"));
    assert!(Memory::inference::<f32>(&huge, 0).unwrap_err().to_string().contains("batch"));
}
