//! L-BFGS: it finds minima, is the same at every level and number of threads, and says what is wrong.

use nxm_kernels::{Activation, Cpu, Element, Level};
use nxm_net::{Lbfgs, LbfgsReport, LbfgsState, Loss, NetError, Network, Step};

use crate::layers;
use crate::support::{bits, cpu, examples, fused_levels, network};

const SIZES: [usize; 3] = [3, 6, 2];
const ROWS: usize = 20;
const MSE: Loss = Loss::MeanSquaredError;

fn a_network<T: Element>() -> Network<T> {
    network(&SIZES, Activation::Tanh, Activation::Identity, 1)
}

/// The network and the reports after so many calls.
fn trained<T: Element>(executor: &Cpu, options: Lbfgs, calls: usize) -> (Network<T>, Vec<LbfgsReport>) {
    let (mut network, data) = (a_network::<T>(), examples::<T>(&MSE, ROWS, SIZES[0], SIZES[2], 2));
    let mut step = Step::new(&network, &MSE, ROWS).unwrap();
    let mut state = LbfgsState::new(options, &network).unwrap();
    let call = |_| state.step(&mut network, executor, &mut step, data.inputs(), data.targets()).unwrap();
    let reports = (0..calls).map(call).collect();
    (network, reports)
}

/// A linear network has one minimum, at which the gradient is 0.
#[test]
fn a_minimum_is_found() {
    let data = examples::<f64>(&MSE, ROWS, SIZES[0], SIZES[2], 2);
    let mut linear = network::<f64>(&[SIZES[0], SIZES[2]], Activation::Identity, Activation::Identity, 3);
    let mut step = Step::new(&linear, &MSE, ROWS).unwrap();
    let options = Lbfgs::default().with_change_tolerance(0.0);
    let mut state = LbfgsState::new(options, &linear).unwrap();
    let mut call = || state.step(&mut linear, &cpu(), &mut step, data.inputs(), data.targets()).unwrap();
    let first = call();
    let last = (0..5).map(|_| call()).find(|report| report.is_optimal).expect("a minimum");
    assert!(last.last_loss < first.loss);
    // At the minimum it makes no iteration more, and changes nothing.
    let again = call();
    assert_eq!((again.iterations.len(), again.is_optimal, again.loss), (0, true, last.last_loss));
    step.gradients(&linear, &cpu(), data.inputs(), data.targets()).unwrap();
    assert!(step.weight_gradient(0).to_vec().iter().all(|g| g.abs() <= options.gradient_tolerance));
}

fn parameters(network: &Network<f64>) -> Vec<f64> {
    network.layers().flat_map(|layer| [layer.weights().to_vec(), layer.bias().to_vec()].concat()).collect()
}

/// With layer norms and without biases: the first iteration moves every parameter by the same share of its gradient, and losses fall.
#[test]
fn layer_norms_and_layers_without_biases_are_fine() {
    let rate = 1e-3;
    for text in ["6 tanh no_bias, layer_norm, 2 no_bias", "7 no_bias, layer_norm tanh, 5 silu, layer_norm eps 0.001, 2"]
    {
        let (mut network, data) = (layers::network(text), layers::data());
        let mut step = Step::new(&network, &MSE, data.len()).unwrap();
        step.gradients(&network, &cpu(), data.inputs(), data.targets()).unwrap();
        let gradients = (0..network.layers().len()).flat_map(|l| [step.weight_gradient(l), step.bias_gradient(l)]);
        let gradient: Vec<f64> = gradients.flat_map(|part| part.to_vec()).collect();
        let before = parameters(&network);
        assert_eq!((before.len(), gradient.len()), (network.parameters(), network.parameters()), "{text}");

        let first = Lbfgs::new(rate).with_max_iterations(1);
        let mut state = LbfgsState::new(first, &network).unwrap();
        let report = state.step(&mut network, &cpu(), &mut step, data.inputs(), data.targets()).unwrap();
        assert!(report.last_loss < report.loss, "{text}");
        let moved: Vec<f64> = parameters(&network).iter().zip(&before).map(|(after, before)| before - after).collect();
        // The length is that of the gradient's largest element, which no rounding touches.
        let largest = (0..gradient.len()).max_by(|i, j| gradient[*i].abs().total_cmp(&gradient[*j].abs())).unwrap();
        let length = moved[largest] / gradient[largest];
        assert!(length > 0.0, "{text}");
        for (moved, g) in moved.iter().zip(&gradient) {
            assert!((moved - length * g).abs() <= 1e-12, "{text}: {moved} by {g}");
        }

        let mut state = LbfgsState::new(Lbfgs::default(), &network).unwrap();
        for _ in 0..3 {
            let report = state.step(&mut network, &cpu(), &mut step, data.inputs(), data.targets()).unwrap();
            assert!(report.last_loss <= report.loss, "{text}");
        }
    }
}

/// A dropout would draw a mask for each point of a line search, and a batch norm keep the statistics of all of them.
#[test]
fn dropouts_and_batch_norms_are_refused() {
    for (text, layer, kind) in [
        ("3 tanh, dropout 0.25, 2", 1, "dropout"),
        ("3, layer_norm tanh, batch_norm, 2", 2, "batch_norm"),
        ("3 tanh, 2, dropout 0.0", 2, "dropout"),
    ] {
        let error = LbfgsState::new(Lbfgs::default(), &layers::network(text)).unwrap_err();
        assert_eq!(error, NetError::LineSearch { layer, kind }, "{text}");
        assert!(error.to_string().contains(kind) && error.to_string().contains(&layer.to_string()), "{error}");
    }
}

#[test]
fn losses_fall_within_the_bounds() {
    let options = Lbfgs::default().with_max_iterations(6).with_history(3);
    let (_, reports) = trained::<f32>(&cpu(), options, 5);
    for (i, report) in reports.iter().enumerate() {
        assert!(report.last_loss <= report.loss);
        assert!(report.iterations.len() <= options.max_iterations);
        assert!(report.iterations.iter().all(|iteration| iteration.pairs <= options.history));
        assert_eq!(report.iterations.iter().any(|iteration| iteration.is_first), i == 0);
    }
    assert!(reports.windows(2).all(|pair| pair[1].loss == pair[0].last_loss));
}

#[test]
fn the_same_bits_at_every_level_and_number_of_threads() {
    let one = Cpu::new(Level::named("scalar").unwrap(), 1);
    let (expected, reports) = trained::<f32>(&one, Lbfgs::default(), 3);
    for level in fused_levels() {
        let (found, others) = trained::<f32>(&Cpu::new(level, 3), Lbfgs::default(), 3);
        assert_eq!((bits(&found), &others), (bits(&expected), &reports), "{level}");
    }
}

/// A first step so long that the loss overflows: the line search comes back.
#[test]
fn a_line_search_survives_overflows() {
    let (mut network, data) = (a_network::<f32>(), examples::<f32>(&MSE, ROWS, SIZES[0], SIZES[2], 2));
    let mut step = Step::new(&network, &MSE, ROWS).unwrap();
    let mut state = LbfgsState::new(Lbfgs::new(1e30), &network).unwrap();
    for _ in 0..3 {
        let report = state.step(&mut network, &cpu(), &mut step, data.inputs(), data.targets()).unwrap();
        assert!(report.last_loss <= report.loss, "{report:?}");
        assert!(network.layers().all(|layer| layer.weights().to_vec().iter().all(|w| w.is_finite())));
    }
}

#[test]
fn what_is_wrong_is_named_and_changes_nothing() {
    let mut network = a_network::<f32>();
    for (options, named) in [
        (Lbfgs::new(0.0), "learning rate"),
        (Lbfgs::default().with_max_iterations(0), "the number of iterations in a step"),
        (Lbfgs::default().with_max_evaluations(Some(0)), "the number of evaluations in a step"),
        (Lbfgs::default().with_history(0), "the number of pairs"),
        (Lbfgs::default().with_gradient_tolerance(-1.0), "the gradient tolerance"),
        (Lbfgs::default().with_change_tolerance(f64::NAN), "the change tolerance"),
    ] {
        let error = LbfgsState::new(options, &network).unwrap_err();
        assert!(error.to_string().contains(named), "{error}");
    }
    let data = examples::<f32>(&MSE, ROWS, SIZES[0], SIZES[2], 2);
    let other = crate::support::network::<f32>(&[1, 1], Activation::Tanh, Activation::Identity, 1);
    let mut step = Step::new(&network, &MSE, ROWS).unwrap();
    let mut state = LbfgsState::new(Lbfgs::default(), &other).unwrap();
    let error = state.step(&mut network, &cpu(), &mut step, data.inputs(), data.targets()).unwrap_err();
    assert!(matches!(error, NetError::Network { what: "the state of L-BFGS", .. }), "{error}");
    let mut state = LbfgsState::new(Lbfgs::default(), &network).unwrap();
    network.layer_mut(1).weights_mut().row(0)[0] = f32::MAX;
    let before = bits(&network);
    let error = state.step(&mut network, &cpu(), &mut step, data.inputs(), data.targets()).unwrap_err();
    assert!(matches!(error, NetError::Diverged { what: "the loss", .. }), "{error}");
    assert_eq!((bits(&network), state.iterations(), state.evaluations()), (before, 0, 0));
}
