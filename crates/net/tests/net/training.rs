//! Training runs: they learn, they are repeatable, and they stop when told to.

use nxm_kernels::{Activation, MatrixRef};
use nxm_net::{Dataset, Loss, NetError, Network, Optimizer, OptimizerState, Step, Targets, Training, TrainingOptions};

use crate::support::{bits, cpu, examples, fill, network};

fn options() -> TrainingOptions {
    let (loss, optimizer) = (Loss::CROSS_ENTROPY, Optimizer::sgd(0.3));
    TrainingOptions::new(loss, optimizer).with_batch(4).with_epochs(5).with_seed(7)
}

fn exclusive_or() -> Dataset<f32> {
    let inputs = vec![0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0];
    Dataset::classification(inputs, 2, vec![0, 1, 1, 0], 2).unwrap()
}

#[test]
fn exclusive_or_is_learnt() {
    let data = exclusive_or();
    let mut network = network::<f32>(&[2, 16, 2], Activation::Tanh, Activation::Identity, 1);
    let options = options().with_epochs(500);
    let losses: Vec<f64> =
        Training::new(&mut network, &cpu(), &data, options).unwrap().map(|report| report.unwrap().loss).collect();
    assert!(losses[499] < 0.05 * losses[0], "{} after {}", losses[499], losses[0]);
    assert_eq!(network.evaluate(&cpu(), &data, &Loss::CROSS_ENTROPY).unwrap().accuracy, Some(1.0));
}

#[test]
fn a_step_goes_down_the_gradient() {
    for loss in Loss::ALL {
        let mut network = network::<f64>(&[3, 5, 2], Activation::Sigmoid, Activation::Identity, 2);
        let before = network.clone();
        let data = examples(&loss, 6, 3, 2, 3);
        let mut step = Step::new(&network, &loss, 6).unwrap();
        let mut state = OptimizerState::new(Optimizer::sgd(0.25), &network).unwrap();
        step.gradients(&network, &cpu(), data.inputs(), data.targets()).unwrap();
        let gradients = [0, 1].map(|l| (step.weight_gradient(l).to_vec(), step.bias_gradient(l).to_vec()));
        let first = step.train(&mut network, &cpu(), data.inputs(), data.targets(), &mut state).unwrap();
        for (l, (old, new)) in before.layers().zip(network.layers()).enumerate() {
            // w − η·g is one fma, and η a power of two: η·g is exact, so the plain formula rounds the same.
            let moved = |w: &[f64], g: &[f64]| w.iter().zip(g).map(|(w, g)| w - 0.25 * g).collect::<Vec<_>>();
            assert_eq!(new.weights().to_vec(), moved(&old.weights().to_vec(), &gradients[l].0));
            assert_eq!(new.bias(), moved(old.bias(), &gradients[l].1));
        }
        let second = step.gradients(&network, &cpu(), data.inputs(), data.targets()).unwrap();
        assert!(second < first, "{loss}: {second} after {first}");
        assert_eq!(network.evaluate(&cpu(), &data, &loss).unwrap().loss, second);
    }
}

#[test]
fn runs_repeat_and_depend_on_the_seed() {
    let data = examples::<f32>(&Loss::CROSS_ENTROPY, 23, 4, 3, 1);
    let run = |seed| {
        let mut network = network::<f32>(&[4, 6, 3], Activation::Relu, Activation::Identity, 1);
        let options = options().with_seed(seed);
        let reports: Vec<_> =
            Training::new(&mut network, &cpu(), &data, options).unwrap().collect::<Result<_, _>>().unwrap();
        (bits(&network), reports)
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1).0, run(2).0);
}

#[test]
fn a_run_that_is_dropped_early_leaves_what_it_has_learnt() {
    let data = examples::<f32>(&Loss::CROSS_ENTROPY, 23, 4, 3, 1);
    let start = network::<f32>(&[4, 6, 3], Activation::Relu, Activation::Identity, 1);
    let (mut stopped, mut whole) = (start.clone(), start);
    let reports = Training::new(&mut stopped, &cpu(), &data, options()).unwrap().take(2).count();
    let options = options().with_epochs(2);
    let executor = cpu();
    let mut training = Training::new(&mut whole, &executor, &data, options).unwrap();
    assert_eq!((reports, training.by_ref().count()), (2, 2));
    assert!(training.next().is_none() && training.step().is_none());
    assert_eq!(bits(&stopped), bits(&whole));
}

#[test]
fn the_last_batch_may_be_short_and_every_example_counts_the_same() {
    let data = examples::<f64>(&Loss::MeanSquaredError, 10, 3, 2, 1);
    let start = network::<f64>(&[3, 4, 2], Activation::Tanh, Activation::Identity, 1);
    let options = options().with_loss(Loss::MeanSquaredError).with_epochs(2);

    let mut by_step = start.clone();
    let executor = cpu();
    let mut training = Training::new(&mut by_step, &executor, &data, options.clone()).unwrap();
    assert_eq!(training.steps_per_epoch(), 3);
    let mut steps = Vec::new();
    while let Some(step) = training.step() {
        steps.push(step.unwrap());
    }
    let last = training.last_epoch().unwrap();
    assert_eq!(steps.iter().map(|step| step.rows).collect::<Vec<_>>(), [4, 4, 2, 4, 4, 2]);
    assert_eq!(steps.iter().map(|step| step.step).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    assert_eq!((last.epoch, last.steps), (2, 3));
    assert_eq!(last.loss, steps[3..].iter().map(|step| step.loss * step.rows as f64).sum::<f64>() / 10.0);

    let mut by_epoch = start.clone();
    let reports: Vec<_> =
        Training::new(&mut by_epoch, &executor, &data, options.clone()).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(reports[1], last);
    assert_eq!(bits(&by_step), bits(&by_epoch));

    // A step and then epochs: the iterator finishes the epoch that was begun.
    let mut mixed = start;
    let mut training = Training::new(&mut mixed, &executor, &data, options).unwrap();
    training.step().unwrap().unwrap();
    assert_eq!(training.collect::<Result<Vec<_>, _>>().unwrap(), reports);
    assert_eq!(bits(&mixed), bits(&by_epoch));
}

#[test]
fn an_epoch_uses_every_example_once_in_an_order_of_its_own() {
    // With one weight, no update to speak of, and target 0, a step's loss tells which example it had: x².
    let inputs: Vec<f64> = (1..=20).map(f64::from).collect();
    let data = Dataset::regression(inputs, 1, vec![0.0; 20], 1).unwrap();
    let mut network = Network::builder(1).dense(1, Activation::Identity).build().unwrap();
    *network.layer_mut(0).weights_mut().at(0, 0) = 1.0;
    let (optimizer, loss) = (Optimizer::sgd(1e-12), Loss::MeanSquaredError);
    let options = TrainingOptions::new(loss, optimizer).with_batch(1).with_epochs(3).with_seed(1);
    let executor = cpu();
    let mut training = Training::new(&mut network, &executor, &data, options).unwrap();
    let mut seen = Vec::new();
    while let Some(step) = training.step() {
        seen.push(step.unwrap().loss.sqrt().round() as u32);
    }
    let orders: Vec<&[u32]> = seen.chunks(20).collect();
    assert!(orders[0] != orders[1] && orders[1] != orders[2]);
    for order in orders {
        let mut order = order.to_vec();
        assert!(!order.is_sorted());
        order.sort_unstable();
        assert_eq!(order, (1..=20).collect::<Vec<_>>());
    }
}

#[test]
fn gradients_are_those_made_last_or_there_are_none() {
    let start = network::<f64>(&[3, 5, 2], Activation::Tanh, Activation::Identity, 1);
    let data = examples::<f64>(&Loss::MeanSquaredError, 6, 3, 2, 3);
    let (x, targets) = (data.inputs(), data.targets());
    let none = |step: &Step<f64>| {
        let empty = |gradient: MatrixRef<'_, f64>| gradient.to_vec().is_empty();
        (0..2).all(|l| empty(step.weight_gradient(l)) && empty(step.bias_gradient(l)))
    };
    for max_norm in [None, Some(1e-3)] {
        let (mut network, mut step) = (start.clone(), Step::new(&start, &Loss::MeanSquaredError, 6).unwrap());
        if let Some(max_norm) = max_norm {
            step = step.clip_norm(max_norm).unwrap();
        }
        let mut state = OptimizerState::new(Optimizer::adam(0.1), &network).unwrap();
        assert!(none(&step) && step.gradient_norm().is_none());
        assert_eq!(step.update(&mut network, &cpu(), &mut state), Err(NetError::NoGradients));

        // The norm belongs to the update that clips, and to no gradients made later.
        step.gradients(&network, &cpu(), x, targets).unwrap();
        assert!(!none(&step) && step.gradient_norm().is_none());
        step.update(&mut network, &cpu(), &mut state).unwrap();
        assert!(!none(&step) && step.gradient_norm().is_some() == max_norm.is_some());

        // A fused step overwrites gradients, and makes none that stay. A clipped step's do.
        step.train(&mut network, &cpu(), x, targets, &mut state).unwrap();
        assert_eq!((none(&step), step.gradient_norm().is_some()), (max_norm.is_none(), max_norm.is_some()));
        if max_norm.is_none() {
            let before = network.clone();
            assert_eq!(step.update(&mut network, &cpu(), &mut state), Err(NetError::NoGradients));
            assert_eq!((&network, state.steps()), (&before, 2));
        }
    }
}

#[test]
fn a_step_that_has_seen_many_numbers_of_rows_is_as_good_as_a_new_one() {
    // More programs than are kept: those for gradients and those for updates, on 1 to 20 rows, and again.
    let start = network::<f32>(&[3, 5, 2], Activation::Tanh, Activation::Identity, 1);
    let data = examples::<f32>(&Loss::CROSS_ENTROPY, 20, 3, 2, 3);
    let make = |max_norm: Option<f64>| {
        let step = Step::new(&start, &Loss::CROSS_ENTROPY, 20).unwrap();
        max_norm.map_or(step.clone(), |max_norm| step.clip_norm(max_norm).unwrap())
    };
    for max_norm in [None, Some(1e-3)] {
        let (mut old, mut new, mut used) = (start.clone(), start.clone(), make(max_norm));
        let mut states = [(); 2].map(|()| OptimizerState::new(Optimizer::adam(0.1), &start).unwrap());
        for rows in (1..=20).chain([1, 20, 7, 7]) {
            let few = data.split_at(rows).0;
            let take = |step: &mut Step<f32>, network: &mut Network<f32>, state: &mut OptimizerState<f32>| {
                let loss = step.gradients(network, &cpu(), few.inputs(), few.targets()).unwrap();
                let gradients = (step.weight_gradient(0).to_vec(), step.bias_gradient(1).to_vec());
                step.update(network, &cpu(), state).unwrap();
                (loss, gradients, step.weight_gradient(1).to_vec(), step.gradient_norm())
            };
            let expected = take(&mut make(max_norm), &mut new, &mut states[0]);
            assert_eq!(take(&mut used, &mut old, &mut states[1]), expected, "{rows} rows, {max_norm:?}");
        }
        assert_eq!(bits(&old), bits(&new));
    }
}

#[test]
fn buffers_for_a_larger_batch_change_nothing() {
    for loss in Loss::ALL {
        let start = network::<f32>(&[5, 7, 3], Activation::Tanh, Activation::Identity, 1);
        let data = examples::<f32>(&loss, 9, 5, 3, 2);
        let (few, rest) = data.split_at(2);
        let gradients = |step: &mut Step<f32>| {
            let loss = step.gradients(&start, &cpu(), few.inputs(), few.targets()).unwrap();
            (loss, step.weight_gradient(0).to_vec(), step.bias_gradient(1).to_vec())
        };
        let mut exact = Step::new(&start, &loss, 2).unwrap();
        let mut large = Step::new(&start, &loss, 9).unwrap();
        large.gradients(&start, &cpu(), rest.inputs(), rest.targets()).unwrap();
        assert_eq!(gradients(&mut exact), gradients(&mut large), "{loss}");
    }
}

#[test]
fn targets_may_have_any_strides() {
    let start = network::<f32>(&[3, 4, 2], Activation::Tanh, Activation::Sigmoid, 1);
    let data = examples::<f32>(&Loss::MeanSquaredError, 5, 3, 2, 2);
    let Targets::Values(rows) = data.targets() else { unreachable!("regression has values") };
    let columns: Vec<f32> = (0..2).flat_map(|j| (0..5).map(move |i| rows.at(i, j))).collect();
    let columns = MatrixRef::new(&columns, 2, 5).unwrap().transpose();
    let mut step = Step::new(&start, &Loss::MeanSquaredError, 5).unwrap();
    let mut gradients = |targets| {
        let loss = step.gradients(&start, &cpu(), data.inputs(), targets).unwrap();
        (loss, step.weight_gradient(1).to_vec())
    };
    assert_eq!(gradients(Targets::Values(rows)), gradients(Targets::Values(columns)));
}

#[test]
fn f32_follows_f64() {
    for loss in Loss::ALL {
        let mut single = network::<f32>(&[6, 10, 4], Activation::Tanh, Activation::Identity, 1);
        let mut double = network::<f64>(&[6, 10, 4], Activation::Tanh, Activation::Identity, 1);
        let (few, many) = (examples::<f32>(&loss, 8, 6, 4, 2), examples::<f64>(&loss, 8, 6, 4, 2));
        let mut step = (Step::new(&single, &loss, 8).unwrap(), Step::new(&double, &loss, 8).unwrap());
        let sgd = Optimizer::sgd(0.1);
        let mut state = (OptimizerState::new(sgd, &single).unwrap(), OptimizerState::new(sgd, &double).unwrap());
        for _ in 0..20 {
            step.0.train(&mut single, &cpu(), few.inputs(), few.targets(), &mut state.0).unwrap();
            step.1.train(&mut double, &cpu(), many.inputs(), many.targets(), &mut state.1).unwrap();
        }
        // 20 steps, in each of which a weight of size 1 takes up the rounding (6e-8) of a chain of about 40 operations
        // times the learning rate, and its own: 20 · 6e-8 · (0.1 · 40 + 1) = 6e-6.
        for (single, double) in single.layers().zip(double.layers()) {
            for (s, d) in single.weights().to_vec().into_iter().zip(double.weights().to_vec()) {
                assert!((f64::from(s) - d).abs() < 6e-6, "{loss}: {s} for {d}");
            }
        }
    }
}

/// One weight, target 0: loss w²x², gradient 2wx².
fn one_weight(x: f32) -> (Network<f32>, Dataset<f32>) {
    let mut network = Network::builder(1).dense(1, Activation::Identity).build().unwrap();
    *network.layer_mut(0).weights_mut().at(0, 0) = 1.0;
    (network, Dataset::regression(vec![x], 1, vec![0.0], 1).unwrap())
}

#[test]
fn a_run_that_diverges_says_where_and_keeps_the_last_good_weights() {
    // Each step multiplies the output, the sum of weight and bias, by 1 − 4·10⁶: in the third step the square of 1.6·10¹³ is finite in
    // f32, in the fourth that of 6.4·10¹⁹ is not.
    let (mut network, data) = one_weight(1.0);
    let options = TrainingOptions::default().with_optimizer(Optimizer::sgd(1e6)).with_epochs(9);
    let executor = cpu();
    let mut training = Training::new(&mut network, &executor, &data, options).unwrap();
    let good = training.by_ref().take_while(Result::is_ok).count();
    assert_eq!(good, 3);
    let weight = training.network().layer(0).weights().at(0, 0);
    assert!(weight.is_finite() && weight.abs() > 1e19, "{weight}");
    assert!(training.check_finite().is_ok() && training.next().is_none() && training.step().is_none());
    assert_eq!(training.state().optimizer.steps(), 3);

    let (mut again, state) = (training.network().clone(), training.into_state());
    let options = TrainingOptions::default().with_optimizer(Optimizer::sgd(1e6)).with_epochs(9);
    let mut training = Training::resume(&mut again, &executor, &data, options, state).unwrap();
    let error = training.step().unwrap().unwrap_err();
    assert_eq!(error, NetError::Diverged { step: 4, layer: 0, what: "the loss" });
    assert_eq!(error.to_string(), "training diverged in step 4: the loss of layer 0 (counted from 0) is not finite");
}

#[test]
fn what_diverged_is_named() {
    let diverged = |layer, what| Err(NetError::Diverged { step: 1, layer, what });
    let data = examples::<f32>(&Loss::MeanSquaredError, 4, 3, 2, 1);
    let first_step = |change: fn(&mut Network<f32>), clip: Option<f64>| {
        let mut network = network::<f32>(&[3, 4, 2], Activation::Identity, Activation::Identity, 1);
        change(&mut network);
        let before = bits(&network);
        let mut step = Step::new(&network, &Loss::MeanSquaredError, 4).unwrap();
        if let Some(max_norm) = clip {
            step = step.clip_norm(max_norm).unwrap();
        }
        let mut state = OptimizerState::new(Optimizer::adam(0.1), &network).unwrap();
        let kept = state.clone();
        let result = step.train(&mut network, &cpu(), data.inputs(), data.targets(), &mut state).map(drop);
        assert_eq!((bits(&network), state), (before, kept));
        result
    };
    for clip in [None, Some(1.0)] {
        assert_eq!(
            first_step(|net| *net.layer_mut(1).weights_mut().at(1, 1) = f32::NAN, clip),
            diverged(1, "a weight")
        );
        assert_eq!(first_step(|net| net.layer_mut(0).bias_mut()[1] = f32::INFINITY, clip), diverged(0, "a weight"));
        let huge = |net: &mut Network<f32>| {
            net.layer_mut(0).bias_mut().fill(10.0);
            fill(net.layer_mut(1).weights_mut(), &[1e38; 8]);
        };
        assert_eq!(first_step(huge, clip), diverged(1, "an activation"));
    }
    // Outputs of some 1e15 have squares below 1e38, but the gradient of the first layer is 1e15 times as large as that of the outputs.
    let steep = |net: &mut Network<f32>| fill(net.layer_mut(1).weights_mut(), &[1e15; 8]);
    assert_eq!(first_step(steep, Some(1.0)), diverged(0, "a gradient"));
}

#[test]
fn clipping_scales_gradients_that_are_too_large_and_no_others() {
    let start = network::<f64>(&[3, 5, 2], Activation::Tanh, Activation::Identity, 1);
    let data = examples::<f64>(&Loss::MeanSquaredError, 6, 3, 2, 3);
    let gradients = |step: &Step<f64>| -> Vec<f64> {
        (0..2).flat_map(|l| [step.weight_gradient(l).to_vec(), step.bias_gradient(l).to_vec()].concat()).collect()
    };
    let mut free = Step::new(&start, &Loss::MeanSquaredError, 6).unwrap();
    free.gradients(&start, &cpu(), data.inputs(), data.targets()).unwrap();
    let norm = gradients(&free).iter().map(|g| g * g).sum::<f64>().sqrt();
    for (max_norm, factor) in
        [(norm / 2.0, norm / 2.0 / (norm + 1e-6)), (norm * 2.0, 1.0), (norm, norm / (norm + 1e-6))]
    {
        let mut step = Step::new(&start, &Loss::MeanSquaredError, 6).unwrap().clip_norm(max_norm).unwrap();
        let mut state = OptimizerState::new(Optimizer::sgd(0.1), &start).unwrap();
        step.train(&mut start.clone(), &cpu(), data.inputs(), data.targets(), &mut state).unwrap();
        assert!((step.gradient_norm().unwrap() / norm - 1.0).abs() < 1e-14);
        for (given, free) in gradients(&step).iter().zip(gradients(&free)) {
            assert!((given - factor * free).abs() <= 1e-14 * free.abs(), "{given} for {factor} · {free}");
        }
    }
}
