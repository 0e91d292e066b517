//! The same bits at any level with fused multiply-add, at any number of threads.

use nxm_kernels::{Activation, Cpu, Element, Level};
use nxm_net::{Loss, Step, Training, TrainingOptions};
use proptest::prelude::*;

use crate::support::{bits, cpu, examples, fused_levels, network, numbers};

/// The loss's and all parameters' bits after some steps.
fn trained<T: Element>(cpu: &Cpu, sizes: &[usize], activation: Activation, loss: Loss, rows: usize) -> Vec<u64> {
    let output = match loss {
        Loss::MeanSquaredError => activation,
        Loss::CrossEntropy => Activation::Identity,
    };
    let mut network = network::<T>(sizes, activation, output, 1);
    let data = examples::<T>(loss, rows, network.inputs(), network.outputs(), 2);
    let mut step = Step::new(&network, loss, rows).unwrap();
    let mut last = T::ZERO;
    for _ in 0..3 {
        last = step.train(&mut network, cpu, data.inputs(), data.targets(), T::from_f64(0.1)).unwrap();
    }
    let mut bits = bits(&network);
    bits.push(last.to_bits_u64());
    bits
}

fn same_everywhere<T: Element>(sizes: &[usize], activation: Activation, loss: Loss, rows: usize) {
    let expected = trained::<T>(&Cpu::new(Level::named("scalar").unwrap(), 1), sizes, activation, loss, rows);
    for level in fused_levels() {
        for threads in [1, 2, 3, 8] {
            let given = trained::<T>(&Cpu::new(level, threads), sizes, activation, loss, rows);
            let differ = given.iter().zip(&expected).filter(|(a, b)| a != b).count();
            assert_eq!(differ, 0, "{} of {} at {level} on {threads} threads", T::NAME, expected.len());
        }
    }
}

#[test]
fn products_large_enough_to_be_split_have_the_same_bits() {
    // 67 · 500 · 200 multiply-adds are worth 25 threads.
    same_everywhere::<f32>(&[500, 200, 10], Activation::Sigmoid, Loss::CrossEntropy, 67);
    same_everywhere::<f64>(&[500, 200, 10], Activation::Tanh, Loss::MeanSquaredError, 67);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn small_networks_have_the_same_bits(
        sizes in prop::collection::vec(1usize..40, 2..4),
        rows in 1usize..20,
        activation in prop::sample::select(&Activation::ALL[..]),
        loss in prop::sample::select(&Loss::ALL[..]),
    ) {
        same_everywhere::<f32>(&sizes, activation, loss, rows);
        same_everywhere::<f64>(&sizes, activation, loss, rows);
    }
}

#[test]
fn a_whole_run_has_the_same_bits() {
    let run = |cpu: &Cpu| {
        let mut network = network::<f32>(&[13, 21, 5], Activation::Relu, Activation::Identity, 3);
        let data = examples(Loss::CrossEntropy, 50, 13, 5, 4);
        let options = TrainingOptions { loss: Loss::CrossEntropy, learning_rate: 0.1, batch: 8, epochs: 3, seed: 5 };
        let losses: Vec<u64> = Training::new(&mut network, cpu, &data, options)
            .unwrap()
            .map(|report| report.unwrap().loss.to_bits())
            .collect();
        let evaluation = network.evaluate(cpu, &data, Loss::CrossEntropy).unwrap();
        (bits(&network), losses, evaluation.loss.to_bits())
    };
    let expected = run(&Cpu::new(Level::named("scalar").unwrap(), 1));
    for level in fused_levels() {
        assert_eq!(run(&Cpu::new(level, 2)), expected, "{level}");
    }
}

#[test]
fn rows_do_not_depend_on_the_batch_they_are_in() {
    // More rows than are predicted at a time.
    let network = network::<f32>(&[7, 9, 3], Activation::Tanh, Activation::Sigmoid, 1);
    let x = numbers::<f32>(600 * 7, 2);
    let matrix = nxm_kernels::MatrixRef::new(&x, 600, 7).unwrap();
    let all = network.predict(&cpu(), matrix).unwrap();
    for row in [0, 255, 256, 511, 512, 599] {
        let one = network.predict(&cpu(), matrix.block(row, 0, 1, 7)).unwrap();
        assert_eq!(one, all[row * 3..][..3], "row {row}");
    }
}
