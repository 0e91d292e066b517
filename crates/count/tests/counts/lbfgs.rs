//! Counts of L-BFGS: what its steps execute is what the formula says of their reports.

use nxm_count::{Counted, Formulas, NetworkSpec};
use nxm_kernels::{Activation, Cpu, Element, Level, MatrixRef};
use nxm_net::{Layer, Lbfgs, LbfgsState, Loss, Network, Step, Targets};
use proptest::prelude::*;

use crate::cases::{numbers, with_room};
use crate::kinds::{any_layers, dense_layers};

/// Three calls, so that the first iteration of all is one of many, and pairs are forgotten.
fn check<T: Element>(inputs: u64, layers: &[Layer], rows: usize, options: Lbfgs, level: Level, threads: usize) {
    let spec = NetworkSpec::with_layers(inputs, layers, Loss::MeanSquaredError).unwrap();
    let mut network: Network<T> = spec.build(7).unwrap();
    let mut step = Step::new(&network, spec.loss(), rows).unwrap();
    let mut state = LbfgsState::new(options, &network).unwrap();
    let (x, y) = (numbers::<T>(rows * network.inputs(), 1), numbers::<T>(rows * network.outputs(), 2));
    let x = MatrixRef::new(&x, rows, network.inputs()).unwrap();
    let targets = Targets::Values(MatrixRef::new(&y, rows, network.outputs()).unwrap());
    for _ in 0..3 {
        let counted = Counted::new(Cpu::new(level, threads));
        let report = state.step(&mut network, &counted, &mut step, x, targets).unwrap();
        assert!(report.last_loss <= report.loss && report.iterations.len() <= options.max_iterations);
        let formula = Formulas::of::<T>(level).lbfgs(&spec, rows as u64, &report).unwrap();
        assert_eq!(counted.total(), formula, "{layers:?} {level} {report:?}");
    }
    assert!(state.pairs() <= options.history);
}

/// Layers that a line search may have, of smooth activations and fewer than 20 units: dense ones, with and without biases, and layer norms.
fn layers() -> impl Strategy<Value = Vec<Layer>> {
    let small = |layer: Layer| match layer {
        Layer::Dense { units, .. } => layer.with_units(1 + units % 19).with_activation(Activation::Tanh),
        other => other.with_activation(Activation::Tanh),
    };
    let fit = any_layers().prop_filter("no dropout, no batch norm", |layer| {
        matches!(layer, Layer::Dense { .. } | Layer::LayerNorm { .. })
    });
    let parts = (dense_layers(), proptest::collection::vec(fit, 0..=2), proptest::option::of(dense_layers()));
    parts.prop_map(move |(first, between, end)| {
        let layers = [first].into_iter().chain(between).map(small);
        layers.chain(end.map(|end| small(end).with_activation(Activation::Identity))).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn steps_of_l_bfgs(
        inputs in 1u64..20,
        layers in layers(),
        rows in 1usize..20,
        (iterations, history) in (1usize..8, 1usize..6),
        rate in proptest::sample::select(vec![0.01, 1.0, 30.0]),
    ) {
        let options =
            Lbfgs::new(rate).with_max_iterations(iterations).with_history(history);
        for level in Level::available() {
            with_room(|| check::<f32>(inputs, &layers, rows, options, level, 1));
            with_room(|| check::<f64>(inputs, &layers, rows, options, level, 2));
        }
    }
}
