//! Gradients against central differences of a loss computed in plain loops, in f64.

use nxm_kernels::Activation;
use nxm_net::{LayerMut, Loss, Network, Step, Targets};
use proptest::prelude::*;

use crate::support::{cpu, examples, forward, loss as reference_loss, losses, network};

/// The difference's step. Rounding of the loss (about 100 operations of 1.1e-16) divided by 2h is below 1e-9; what is
/// left out, h²/6 · |f'''|, is below 1e-9 where the third derivative is below 60.
const H: f64 = 1e-5;
/// Relative to gradients above 1.
const TOLERANCE: f64 = 1e-8;
/// No sum of a ReLU (leaky or not) or ELU, and no output's distance to its target, may stand closer to a kink than this: a step of H moves
/// none as far.
const KINK: f64 = 1e-3;

/// Changes one parameter of a layer.
type Change = fn(LayerMut<'_, f64>, usize, f64);

fn change_weight(mut layer: LayerMut<'_, f64>, i: usize, by: f64) {
    let units = layer.as_ref().fan_out();
    *layer.weights_mut().at(i / units, i % units) += by;
}

fn change_bias(mut layer: LayerMut<'_, f64>, i: usize, by: f64) {
    layer.bias_mut()[i] += by;
}

/// Compares all gradients of a batch; None if a sum stands at a kink.
pub fn check(network: &Network<f64>, loss: &Loss, rows: usize, seed: u64) -> Option<()> {
    let data = examples(loss, rows, network.inputs(), network.outputs(), seed);
    let (x, targets) = (data.inputs(), data.targets());
    let kink = |a: Activation| match a {
        Activation::Relu | Activation::LeakyRelu { .. } | Activation::Elu { .. } | Activation::Celu { .. } => Some(0.0),
        // It jumps there.
        Activation::Softplus { beta, threshold } => Some(threshold / beta),
        _ => None,
    };
    let sums = forward(network, x);
    let near = |kink: f64, sums: &[f64]| sums.iter().any(|z| (z - kink).abs() < KINK);
    if network.layers().zip(&sums).any(|(l, (z, _))| kink(l.activation()).is_some_and(|kink| near(kink, z))) {
        return None;
    }

    let bend = match *loss {
        Loss::L1 | Loss::Quantile { .. } => Some(0.0),
        Loss::SmoothL1 { beta: bend } | Loss::Huber { delta: bend } => Some(bend),
        _ => None,
    };
    if let (Some(bend), Targets::Values(values)) = (bend, targets) {
        let outputs = &sums.last().unwrap().1;
        let distances = outputs.iter().zip(values.to_vec()).map(|(o, t)| (o - t).abs());
        if distances.into_iter().any(|d| (d - bend).abs() < KINK) {
            return None;
        }
    }

    let mut step = Step::new(network, loss, rows).unwrap();
    let given = step.gradients(network, &cpu(), x, targets).unwrap();
    let expected = reference_loss(network, loss, x, targets);
    // Both are sums of at most 100 terms that err by a few 1.1e-16 each.
    assert!((given - expected).abs() <= 1e-13 * expected.abs().max(1.0), "{loss:?}: {given} for {expected}");

    for l in 0..network.layers().len() {
        let groups: [(&str, Change, Vec<f64>); 2] = [
            ("weight", change_weight, step.weight_gradient(l).to_vec()),
            ("bias", change_bias, step.bias_gradient(l).to_vec()),
        ];
        for (name, change, gradient) in groups {
            for (i, given) in gradient.into_iter().enumerate() {
                let moved = |by: f64| {
                    let mut moved = network.clone();
                    change(moved.layer_mut(l), i, by);
                    reference_loss(&moved, loss, x, targets)
                };
                let expected = (moved(H) - moved(-H)) / (2.0 * H);
                assert!(
                    (given - expected).abs() <= TOLERANCE * expected.abs().max(1.0),
                    "{loss:?}, {}: layer {l}, {name} {i}: {given} for {expected}",
                    network.layer(l).activation()
                );
            }
        }
    }
    Some(())
}

#[test]
fn every_activation_with_every_loss_has_the_gradient_of_its_differences() {
    for activation in Activation::samples() {
        for loss in losses(4) {
            let checked = (0..8).filter_map(|seed| {
                let network = network(&[5, 7, 4], activation, activation, seed);
                check(&network, &loss, 3, seed)
            });
            assert!(checked.count() >= 4, "{activation}, {loss:?}: too many examples at a kink");
        }
    }
}

/// Poisson rates that are outputs are above 0 by their activation.
#[test]
fn poisson_rates_have_the_gradient_of_their_differences() {
    for seed in 0..8 {
        let network = network(&[5, 7, 4], Activation::Tanh, Activation::SOFTPLUS, seed);
        check(&network, &Loss::PoissonNll { log_input: false }, 3, seed).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_small_network_has_the_gradient_of_its_differences(
        sizes in prop::collection::vec(1usize..6, 2..5),
        rows in 1usize..6,
        hidden in prop::sample::select(Activation::samples()),
        output in prop::sample::select(Activation::samples()),
        kind in 0..losses(1).len(),
        seed in 0u64..1000,
    ) {
        let network = network(&sizes, hidden, output, seed);
        let loss = &losses(network.outputs())[kind];
        prop_assume!(check(&network, loss, rows, seed).is_some());
    }
}
