//! The same bits at any level with fused multiply-add, at any number of threads.

use nxm_kernels::{Activation, Cpu, Element, Level};
use nxm_net::{Loss, Optimizer, OptimizerState, Step, Training, TrainingOptions};
use proptest::prelude::*;

use crate::support::{bits, examples, fused_levels, losses, network, optimizers};

/// A network, and how it is trained.
struct Case<'a> {
    sizes: &'a [usize],
    activation: Activation,
    loss: Loss,
    optimizer: Optimizer,
    clip_norm: Option<f64>,
    rows: usize,
}

impl Case<'_> {
    /// The loss's and all parameters' bits after some steps.
    fn trained<T: Element>(&self, cpu: &Cpu) -> Vec<u64> {
        let output = if self.loss == Loss::MeanSquaredError { self.activation } else { Activation::Identity };
        let mut network = network::<T>(self.sizes, self.activation, output, 1);
        let data = examples::<T>(&self.loss, self.rows, network.inputs(), network.outputs(), 2);
        let mut step = Step::new(&network, &self.loss, self.rows).unwrap();
        if let Some(max_norm) = self.clip_norm {
            step = step.clip_norm(max_norm).unwrap();
        }
        let mut state = OptimizerState::new(self.optimizer, &network).unwrap();
        let mut last = T::ZERO;
        for _ in 0..3 {
            last = step.train(&mut network, cpu, data.inputs(), data.targets(), &mut state).unwrap();
        }
        let mut bits = bits(&network);
        bits.push(last.to_bits_u64());
        bits
    }

    /// The same step in two.
    fn trained_apart<T: Element>(&self, cpu: &Cpu) -> Vec<u64> {
        let output = if self.loss == Loss::MeanSquaredError { self.activation } else { Activation::Identity };
        let mut network = network::<T>(self.sizes, self.activation, output, 1);
        let data = examples::<T>(&self.loss, self.rows, network.inputs(), network.outputs(), 2);
        let mut step = Step::new(&network, &self.loss, self.rows).unwrap();
        if let Some(max_norm) = self.clip_norm {
            step = step.clip_norm(max_norm).unwrap();
        }
        let mut state = OptimizerState::new(self.optimizer, &network).unwrap();
        let mut last = T::ZERO;
        for _ in 0..3 {
            last = step.gradients(&network, cpu, data.inputs(), data.targets()).unwrap();
            step.update(&mut network, cpu, &mut state).unwrap();
        }
        let mut bits = bits(&network);
        bits.push(last.to_bits_u64());
        bits
    }

    fn same_everywhere<T: Element>(&self) {
        let expected = self.trained::<T>(&Cpu::new(Level::named("scalar").unwrap(), 1));
        for level in fused_levels() {
            for threads in [1, 2, 3, 8] {
                let cpu = Cpu::new(level, threads);
                let differ = |given: Vec<u64>| given.iter().zip(&expected).filter(|(a, b)| a != b).count();
                let place = format!("{:?}, {} at {level} on {threads} threads", self.optimizer, T::NAME);
                assert_eq!(differ(self.trained::<T>(&cpu)), 0, "{place}");
                assert_eq!(differ(self.trained_apart::<T>(&cpu)), 0, "in two, {place}");
            }
        }
    }
}

#[test]
fn products_large_enough_to_be_split_have_the_same_bits() {
    // 67 · 1300 · 200 multiply-adds are worth 8 threads.
    let case = Case {
        sizes: &[1300, 200, 10],
        activation: Activation::Sigmoid,
        loss: Loss::CROSS_ENTROPY,
        optimizer: Optimizer::adam(0.01),
        clip_norm: None,
        rows: 67,
    };
    case.same_everywhere::<f32>();
    Case { activation: Activation::Gelu, clip_norm: Some(0.1), ..case }.same_everywhere::<f32>();
    let (loss, optimizer) = (Loss::MeanSquaredError, Optimizer::sgd(0.1));
    Case { activation: Activation::Tanh, loss, optimizer, sizes: &[1300, 200, 10], clip_norm: None, rows: 67 }
        .same_everywhere::<f64>();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn small_networks_have_the_same_bits(
        sizes in prop::collection::vec(1usize..40, 2..4),
        rows in 1usize..20,
        activation in prop::sample::select(Activation::samples()),
        kind in 0..losses(1).len(),
        optimizer in prop::sample::select(optimizers()),
        clip_norm in prop::sample::select(&[None, Some(1e-3), Some(1e6)][..]),
    ) {
        let loss = losses(sizes[sizes.len() - 1])[kind].clone();
        let case = Case { sizes: &sizes, activation, loss, optimizer, clip_norm, rows };
        case.same_everywhere::<f32>();
        case.same_everywhere::<f64>();
    }
}

#[test]
fn a_whole_run_has_the_same_bits() {
    let run = |cpu: &Cpu| {
        let mut network = network::<f32>(&[13, 21, 5], Activation::Relu, Activation::Identity, 3);
        let data = examples(&Loss::CROSS_ENTROPY, 50, 13, 5, 4);
        let options =
            TrainingOptions::new(Loss::CROSS_ENTROPY, Optimizer::adam(0.01)).with_batch(8).with_epochs(3).with_seed(5);
        let losses: Vec<u64> = Training::new(&mut network, cpu, &data, options)
            .unwrap()
            .map(|report| report.unwrap().loss.to_bits())
            .collect();
        let evaluation = network.evaluate(cpu, &data, &Loss::CROSS_ENTROPY).unwrap();
        (bits(&network), losses, evaluation.loss.to_bits())
    };
    let expected = run(&Cpu::new(Level::named("scalar").unwrap(), 1));
    for level in fused_levels() {
        assert_eq!(run(&Cpu::new(level, 2)), expected, "{level}");
    }
}
