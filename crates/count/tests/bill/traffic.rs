//! Bytes worked out by hand, and sums of bills.

use nxm_count::{
    Activation, Bill, Clipping, Cost, Cpu, Formulas, Level, Loss, NetworkSpec, Run, Traffic, TrainingLength,
};
use nxm_kernels::call::{Op, RightLayout};
use nxm_kernels::{Executor, Init, Layout, Operation, Phase};
use proptest::prelude::*;

/// 30-30-30 with sigmoids and squared errors on one example: 30 numbers are 120 bytes, a layer's parameters 930.
#[test]
fn thirty_thirty_thirty() {
    let sigmoid = Activation::Sigmoid;
    let spec = NetworkSpec::new([30, 30, 30], sigmoid, sigmoid, Loss::MeanSquaredError).unwrap();
    let cpu = Cpu::detect().unwrap();
    let bytes = |read: u128, written: u128| Traffic { read: 4 * read, written: 4 * written };
    let length = TrainingLength::new(1).with_epochs(1).with_batch(1);
    let bill = Bill::new::<f32>(&spec, length, &cpu).unwrap();
    let step = &bill.step;
    assert_eq!(step.forward.traffic, bytes(2 * (30 + 930), 2 * 30));
    assert_eq!(step.loss.traffic, bytes(60, 30));
    let [first, last] = &step.layers[..] else { panic!("two layers") };
    assert_eq!(last[Phase::ActivationGradient].traffic, bytes(60, 30));
    assert_eq!(first[Phase::ActivationGradient].traffic, bytes(30, 0));
    assert_eq!(last[Phase::WeightGradient].traffic, bytes(60, 0));
    assert_eq!(last[Phase::InputGradient].traffic, bytes(930, 30));
    assert_eq!(
        (first[Phase::InputGradient].traffic, first[Phase::BiasGradient].traffic),
        (Traffic::NONE, bytes(30, 30))
    );
    assert_eq!(step.update.traffic, bytes(2 * (930 + 30), 2 * 930));

    let clipped = Bill::new::<f32>(&spec.with_clipping(Clipping::Scaled), length, &cpu).unwrap();
    let last = &clipped.step.layers[1];
    assert_eq!((last[Phase::Clip].traffic, last[Phase::WeightGradient].traffic), (bytes(1860, 930), bytes(60, 900)));
    assert_eq!(last[Phase::Update].traffic, bytes(1860, 930));
}

/// Labels are 4 bytes each, whatever the element type is; class weights and smoothing read a number for each class besides.
#[test]
fn losses_of_labels() {
    let [relu, identity] = [Activation::Relu, Activation::Identity];
    let weighted = Loss::CrossEntropy { label_smoothing: 0.1, class_weights: vec![1.0; 10] };
    for (loss, classes) in [(Loss::CROSS_ENTROPY, 0), (weighted, 10)] {
        let spec = NetworkSpec::new([5, 10], relu, identity, loss).unwrap();
        let step = |size| match size {
            4 => Formulas::textbook::<f32>().cost(&spec, 3, Run::Step).unwrap(),
            _ => Formulas::textbook::<f64>().cost(&spec, 3, Run::Step).unwrap(),
        };
        for size in [4, 8] {
            let expected = Traffic { read: size * (30 + classes) + 4 * 3, written: size * 30 };
            assert_eq!(step(size).loss.traffic, expected, "{classes} {size}");
        }
    }
}

proptest! {
    /// A short last batch is what it is, in each part, and parts and layers add up.
    #[test]
    fn epochs_are_their_steps(examples in 1u64..100, batch in 1u64..40, epochs in 1u64..5) {
        let spec = NetworkSpec::new([7, 5, 3], Activation::Gelu, Activation::Identity, Loss::CROSS_ENTROPY).unwrap();
        let cpu = Cpu::detect().unwrap();
        let bill = Bill::new::<f64>(&spec, TrainingLength::new(examples).with_epochs(epochs).with_batch(batch), &cpu).unwrap();
        let step = |rows| Formulas::of::<f64>(cpu.level()).on_threads(cpu.threads()).cost(&spec, rows, Run::Step).unwrap();
        let whole = step(batch).total.times((examples / batch).into()).unwrap();
        let rest = if examples % batch > 0 { step(examples % batch).total } else { Cost::default() };
        prop_assert_eq!(bill.epoch.total, whole.plus(&rest).unwrap());
        prop_assert_eq!(bill.training.total, bill.epoch.total.times(epochs.into()).unwrap());
        prop_assert_eq!(bill.steps, u128::from(examples.div_ceil(batch) * epochs));
        for costs in [&bill.step, &bill.epoch, &bill.training] {
            let phases = costs.layers.iter().flat_map(|layer| layer.phases().map(|(_, cost)| *cost));
            prop_assert_eq!(Cost::sum(phases.chain([costs.loss])).unwrap(), costs.total);
        }
    }
}

/// Requests worked out by hand: of 16 rows in tiles of 8 rows × 48 columns, or 4 × 24, or 4 × 3.
#[test]
fn requests_by_hand() {
    for (level, height, across) in [("scalar", 4, 8), ("avx2", 4, 1), ("avx512", 8, 1)] {
        let Ok(level) = Level::named(level) else { continue };
        let formulas = Formulas::of::<f32>(level);
        // 16 × 10 by 10 × 24: for each of 10 terms, A once for each tile across, B once for each tile below another; the bias for each tile.
        let below = 16 / height;
        let loaded = 10 * (16 * across + below * 24) + below * 24;
        let traffic = formulas.requested(&gemm([16, 10, 24], Init::Bias(Layout::row_major(1, 24)))).unwrap();
        assert_eq!(traffic, Traffic { read: 4 * loaded, written: 4 * 16 * 24 }, "{level}");
    }
    let formulas = Formulas::of::<f64>(Level::named("scalar").unwrap());
    let [one, row] = [1, 30].map(|cols| Layout::row_major(1, cols));
    let dot = Op::Dot { x: row, y: row, to: one };
    assert_eq!(formulas.requested(&dot).unwrap(), Traffic { read: 8 * 60, written: 8 });
    let [x, y, a] = [(1, 3), (1, 5), (3, 5)].map(|(rows, cols)| Layout::row_major(rows, cols));
    let ger = Op::Ger { alpha: 0.5, x, y, a };
    assert_eq!(formulas.requested(&ger).unwrap(), Traffic { read: 8 * (3 + 15 + 15), written: 8 * 15 });
    let error = formulas.requested(&gemm([usize::MAX; 3], Init::Zero)).unwrap_err();
    assert_eq!(error.to_string(), "the number of bytes exceeds 2¹²⁸ − 1");
}

/// C ← A·B, rows without gaps.
fn gemm([rows, inner, cols]: [usize; 3], init: Init<Layout>) -> Operation {
    let [a, b, c] = [(rows, inner), (inner, cols), (rows, cols)].map(|(rows, cols)| Layout::row_major(rows, cols));
    Op::Gemm { a, b: RightLayout::Matrix(b), init, c }
}
