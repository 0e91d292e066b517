//! Training in one call: early stopping, the weights it leaves, its history, callbacks, and going on with other data.

use std::ops::ControlFlow;

use nxm_kernels::{Activation, MatrixRef};
use nxm_net::{
    Adam, Dataset, EpochSummary, FitOptions, Goal, Loss, NetError, Network, Optimizer, OptimizerState, Sgd, Stopped,
    Training, TrainingOptions, TrainingState,
};

use crate::errors::said;
use crate::support::{bits, cpu, examples, network, optimizers};

const SIZES: [usize; 3] = [3, 8, 2];
/// So small that the best epoch is none of the first.
const RATE: f64 = 0.01;
const MSE: Loss = Loss::MeanSquaredError;

fn small(seed: u64) -> Network<f32> {
    network(&SIZES, Activation::Tanh, Activation::Identity, seed)
}

/// Targets without a pattern: whoever fits those of one half gets worse on the other.
fn halves() -> (Dataset<f32>, Dataset<f32>) {
    examples(&MSE, 24, SIZES[0], SIZES[2], 3).split_at(12)
}

fn options(epochs: usize) -> TrainingOptions {
    TrainingOptions::new(MSE, Adam::new(RATE)).with_batch(5).with_epochs(epochs).with_seed(7)
}

/// The network after so many epochs of the iterator, and its state.
fn after(epochs: usize, data: &Dataset<f32>) -> (Network<f32>, TrainingState<f32>) {
    let (mut net, cpu) = (small(1), cpu());
    let mut training = Training::new(&mut net, &cpu, data, options(epochs)).unwrap();
    training.by_ref().for_each(|report| assert!(report.is_ok()));
    let state = training.into_state();
    (net, state)
}

#[test]
fn a_fit_is_the_training_of_the_iterator_to_the_bit() {
    let (data, _) = halves();
    for optimizer in optimizers() {
        let schedule = nxm_net::LearningRateSchedule::Step { every: 2, factor: 0.9 };
        let options = options(4).with_optimizer(optimizer).with_schedule(schedule).with_clip_norm(0.5);
        let (mut by_steps, mut by_fit, cpu) = (small(1), small(1), cpu());
        let training = Training::new(&mut by_steps, &cpu, &data, options.clone()).unwrap();
        let reports: Vec<_> = training.map(Result::unwrap).map(|report| (report.epoch, report.loss)).collect();
        let fit = by_fit.fit(&cpu, &data, options).unwrap();
        assert_eq!(bits(&by_fit), bits(&by_steps), "{optimizer:?}");
        assert_eq!(fit.epochs.iter().map(|epoch| (epoch.epoch, epoch.loss)).collect::<Vec<_>>(), reports);
        assert_eq!((fit.stopped, fit.best_epoch, fit.state.progress.epochs), (Stopped::Finished, None, 4));
        let last = fit.epochs[3];
        assert_eq!((last.validation, last.metric, last.is_best), (None, None, false));
        assert!(last.learning_rate < optimizer.learning_rate());
    }
}

#[test]
fn early_stopping_stops_and_leaves_the_best_epoch() {
    const PATIENCE: usize = 4;
    const EPOCHS: usize = 500;
    let (data, held_out) = halves();
    let early = || options(EPOCHS).with_validation(&held_out).with_patience(PATIENCE);
    let (mut best, mut last, cpu) = (small(1), small(1), cpu());
    let fit = best.fit(&cpu, &data, early()).unwrap();
    let best_epoch = fit.best_epoch.unwrap();
    assert_eq!((fit.stopped, fit.epochs.len()), (Stopped::Patience, best_epoch + PATIENCE));
    assert!(best_epoch > 1 && fit.epochs.len() < EPOCHS);

    // The best is the lowest, and what the network is evaluated to.
    let losses: Vec<f64> = fit.epochs.iter().map(|epoch| epoch.validation.unwrap().loss).collect();
    let lowest = losses.iter().copied().fold(f64::INFINITY, f64::min);
    assert_eq!(losses[best_epoch - 1], lowest);
    assert_eq!(best.evaluate(&cpu, &held_out, &MSE).unwrap().loss, lowest);
    assert!(fit.epochs.iter().all(|epoch| epoch.metric == epoch.validation.map(|found| found.loss)));
    let (same, state) = after(best_epoch, &data);
    assert_eq!((bits(&best), &fit.state), (bits(&same), &state), "weights and state belong together");

    let kept_last = last.fit(&cpu, &data, early().with_last()).unwrap();
    assert_eq!((&kept_last.epochs, kept_last.best_epoch), (&fit.epochs, fit.best_epoch));
    let (same, state) = after(fit.epochs.len(), &data);
    assert_eq!((bits(&last), kept_last.state), (bits(&same), state));

    // No gain is large enough: the first epoch stays the best.
    let fit = small(1).fit(&cpu, &data, early().with_min_gain(1e3)).unwrap();
    assert_eq!((fit.best_epoch, fit.epochs.len()), (Some(1), 1 + PATIENCE));
}

#[test]
fn epochs_are_compared_by_the_accuracy_or_any_function() {
    let loss = Loss::CROSS_ENTROPY;
    let (data, held_out) = examples::<f32>(&loss, 60, SIZES[0], SIZES[2], 5).split_at(40);
    let (cpu, options) = (cpu(), options(12).with_loss(loss));
    let with = || options.clone().with_validation(&held_out);
    let by_accuracy = small(1).fit(&cpu, &data, with().with_accuracy()).unwrap();
    let accuracies: Vec<f64> = by_accuracy.epochs.iter().map(|epoch| epoch.metric.unwrap()).collect();
    let highest = accuracies.iter().copied().fold(0.0, f64::max);
    let first_of_highest = accuracies.iter().position(|accuracy| *accuracy == highest).unwrap();
    assert_eq!(by_accuracy.best_epoch, Some(first_of_highest + 1));

    // Its own number: whether the last epochs are the best, and what the function is given.
    let mut calls = 0.0;
    let fit = small(1).fit(
        &cpu,
        &data,
        with().with_metric(Goal::Maximize, |outputs, targets| {
            assert_eq!((outputs.rows(), outputs.cols()), (held_out.len(), SIZES[2]));
            assert!(matches!(targets, nxm_net::Targets::Classes(labels) if labels.len() == held_out.len()));
            calls += 1.0;
            calls
        }),
    );
    assert_eq!(fit.unwrap().best_epoch, Some(12));
    let nan = small(1).fit(&cpu, &data, with().with_patience(3).with_metric(Goal::Minimize, |_, _| f64::NAN)).unwrap();
    assert_eq!((nan.best_epoch, nan.stopped, nan.epochs.len()), (None, Stopped::Patience, 3));
}

#[test]
fn a_callback_sees_each_epoch_and_may_stop() {
    let (data, held_out) = halves();
    let (mut net, mut seen) = (small(1), Vec::<EpochSummary>::new());
    let options = FitOptions::from(options(10)).with_callback(|epoch| {
        seen.push(*epoch);
        if epoch.epoch == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let fit = net.fit(&cpu(), &data, options).unwrap();
    assert_eq!((fit.stopped, &seen), (Stopped::Callback, &fit.epochs));
    assert_eq!(bits(&net), bits(&after(3, &data).0));

    let fit = net.fit(&cpu(), &data, self::options(1).with_validation(&held_out)).unwrap();
    let line = fit.epochs[0].to_string();
    assert!(line.starts_with("epoch 1: loss 0.") && line.ends_with(" (best)"), "{line}");
}

#[test]
fn partial_fit_twice_is_one_longer_fit() {
    let (data, other) = halves();
    for optimizer in optimizers() {
        let schedule = nxm_net::LearningRateSchedule::Linear { start: 1.0, end: 0.1, steps: 14 };
        let options = |epochs| options(epochs).with_optimizer(optimizer).with_schedule(schedule.clone());
        let (mut longer, mut twice, cpu) = (small(1), small(1), cpu());
        let fit = longer.fit(&cpu, &data, options(6)).unwrap();
        let mut state = TrainingState::new(OptimizerState::new(optimizer, &twice).unwrap());
        let mut epochs = twice.partial_fit(&cpu, &data, options(2), &mut state).unwrap();
        epochs.extend(twice.partial_fit(&cpu, &data, options(4), &mut state).unwrap());
        assert_eq!((bits(&twice), &epochs, &state), (bits(&longer), &fit.epochs, &fit.state), "{optimizer:?}");

        // A fit is a beginning, too; and other data may follow, whose epochs have another number of steps.
        let mut begun = small(1);
        let mut state = begun.fit(&cpu, &data, options(2)).unwrap().state;
        begun.partial_fit(&cpu, &data, options(4), &mut state).unwrap();
        assert_eq!((bits(&begun), &state), (bits(&longer), &fit.state));
        let steps = state.optimizer.steps();
        begun.partial_fit(&cpu, &other.split_at(5).0, options(1), &mut state).unwrap();
        assert_eq!((state.optimizer.steps(), state.progress.epochs), (steps + 1, 7));
        assert_eq!(begun.partial_fit(&cpu, &data, options(1), &mut state).unwrap()[0].epoch, 8);
    }
}

/// An epoch of two steps of one example each is two calls with an example each, in the order that the epoch draws.
#[test]
fn partial_fit_batch_by_batch_is_an_epoch() {
    let (pair, optimizer) = (halves().0.split_at(2).0, Optimizer::adam(RATE));
    let (first, second) = pair.split_at(1);
    let (mut whole, cpu) = (small(1), cpu());
    whole.fit(&cpu, &pair, options(1).with_batch(1)).unwrap();
    let in_order = [[&first, &second], [&second, &first]].map(|batches| {
        let mut net = small(1);
        let mut state = TrainingState::new(OptimizerState::new(optimizer, &net).unwrap());
        for batch in batches {
            net.partial_fit(&cpu, batch, options(1), &mut state).unwrap();
        }
        bits(&net)
    });
    assert_ne!(in_order[0], in_order[1]);
    assert!(in_order.contains(&bits(&whole)));
}

#[test]
fn a_training_that_diverges_leaves_the_last_good_epoch() {
    let (data, _) = halves();
    // Gradient descent far beyond its stable rate: the weights grow by a factor in each step until the loss overflows.
    let wild = |epochs| options(epochs).with_optimizer(Sgd::new(50.0)).with_batch(usize::MAX);
    let linear = || network::<f32>(&[SIZES[0], SIZES[2]], Activation::Identity, Activation::Identity, 1);
    let (mut net, cpu, mut seen) = (linear(), cpu(), 0);
    let counting = FitOptions::from(wild(1000)).with_callback(|epoch| {
        seen = epoch.epoch;
        ControlFlow::Continue(())
    });
    let error = net.fit(&cpu, &data, counting).unwrap_err();
    let NetError::Diverged { step, layer: 0, .. } = error else { panic!("{error}") };
    assert!(seen > 2 && step as usize == seen + 1, "{error} after {seen} epochs");
    let mut good = linear();
    good.fit(&cpu, &data, wild(seen)).unwrap();
    assert_eq!(bits(&net), bits(&good));

    // The state of a partial fit goes with the network; and in the first epoch nothing has changed.
    let mut net = linear();
    let mut state = TrainingState::new(OptimizerState::new(wild(1).optimizer, &net).unwrap());
    assert_eq!(net.partial_fit(&cpu, &data, wild(1000), &mut state).unwrap_err(), error);
    assert_eq!((bits(&net), state.progress.epochs), (bits(&good), seen));
    let before = (bits(&net), state.clone());
    assert_eq!(net.partial_fit(&cpu, &data, wild(9), &mut state).unwrap_err(), error);
    assert_eq!((bits(&net), state), before);
}

#[test]
fn options_that_do_not_fit_are_named_before_anything_changes() {
    let (data, held_out) = halves();
    let mut net = small(1);
    let before = net.clone();
    let mut refused = |options: FitOptions<'_, f32>| said(net.fit(&cpu(), &data, options).map(drop).unwrap_err());
    let plain = || FitOptions::<f32>::from(options(3));
    let needs = "needs validation data (FitOptions::with_validation)";
    assert_eq!(refused(plain().with_patience(3)), format!("the patience {needs}"));
    assert_eq!(refused(plain().with_min_gain(0.1)), format!("the least gain {needs}"));
    assert_eq!(refused(plain().with_accuracy()), format!("the metric {needs}"));
    assert_eq!(refused(plain().with_metric(Goal::Maximize, |_, _| 1.0)), format!("the metric {needs}"));
    let with = || plain().with_validation(&held_out);
    let expected = "the patience is 0: a whole number of epochs, at least 1 is needed";
    assert_eq!(refused(with().with_patience(0)), expected);
    for gain in [-1.0, f64::NAN, f64::INFINITY] {
        assert!(refused(with().with_min_gain(gain)).starts_with(&format!("the least gain is {gain}: a finite number")));
    }
    assert_eq!(refused(with().with_accuracy()), "the accuracy needs class labels as targets");
    let labels = examples(&Loss::CROSS_ENTROPY, 4, SIZES[0], SIZES[2], 1);
    assert!(refused(plain().with_validation(&labels)).starts_with("loss mse needs values as targets"));
    let wide = examples(&MSE, 4, SIZES[0] + 1, SIZES[2], 1);
    assert_eq!(refused(plain().with_validation(&wide)), "examples have 4 features: the network has 3 inputs");
    assert_eq!(refused(plain().with_validation(&data.split_at(0).0)), said(NetError::NoExamples));
    assert_eq!(refused(options(3).with_batch(0).into()), said(NetError::NoBatch));
    assert_eq!(net, before);
}

#[test]
fn states_that_partial_fit_can_not_go_on_from() {
    let (data, _) = halves();
    let (mut net, cpu) = (small(1), cpu());
    let mut refused = |mut state: TrainingState<f32>| {
        let before = (net.clone(), state.clone());
        let error = net.partial_fit(&cpu, &data, options(1), &mut state).unwrap_err();
        assert_eq!((&net, &state), (&before.0, &before.1));
        said(error)
    };
    let state = |optimizer| TrainingState::new(OptimizerState::new(optimizer, &small(1)).unwrap());
    let adam = options(1).optimizer;
    assert!(refused(state(Optimizer::sgd(0.1))).contains("the optimizer of its state"));
    let place = nxm_net::Progress::default();
    let within = state(adam).with_progress(place.with_steps(1, 0.5));
    assert!(refused(within).contains("the number of steps in its epoch is 1, and 0 is needed"));
    let untaken = state(adam).with_progress(place.with_epochs(usize::MAX));
    assert!(refused(untaken).contains("the number of its epochs"));
    let other = network::<f32>(&[3, 2], Activation::Tanh, Activation::Identity, 1);
    let other = TrainingState::new(OptimizerState::new(adam, &other).unwrap());
    assert!(refused(other).starts_with("layer 0 (counted from 0): the optimizer's state was made for"));
}

#[test]
fn classes_and_probabilities_are_what_the_outputs_mean() {
    let (net, cpu) = (small(1), cpu());
    let data = examples::<f32>(&Loss::CROSS_ENTROPY, 300, SIZES[0], SIZES[2], 5);
    let outputs = net.predict(&cpu, data.inputs()).unwrap();
    let rows = || outputs.chunks_exact(SIZES[2]);
    let classes = net.predict_classes(&cpu, data.inputs()).unwrap();
    assert_eq!(classes, rows().map(|row| nxm_net::argmax(row).unwrap() as u32).collect::<Vec<_>>());

    // Against f64; a few rounding errors of f32.
    let close = |found: &[f32], expected: Vec<f64>| {
        assert_eq!(found.len(), expected.len());
        found
            .iter()
            .zip(expected)
            .for_each(|(x, y)| assert!((f64::from(*x) - y).abs() < 4.0 * f64::from(f32::EPSILON)));
    };
    let softmax = net.predict_probabilities(&cpu, data.inputs(), &Loss::CROSS_ENTROPY).unwrap();
    let expected = rows().flat_map(|row| {
        let powers: Vec<f64> = row.iter().map(|z| f64::from(*z).exp()).collect();
        let sum: f64 = powers.iter().sum();
        powers.into_iter().map(move |power| power / sum)
    });
    close(&softmax, expected.collect());
    let sigmoid = net.predict_probabilities(&cpu, data.inputs(), &Loss::BINARY_CROSS_ENTROPY).unwrap();
    close(&sigmoid, outputs.iter().map(|z| 1.0 / (1.0 + (-f64::from(*z)).exp())).collect());

    let error = net.predict_probabilities(&cpu, data.inputs(), &MSE).unwrap_err();
    assert_eq!(
        said(error),
        "the outputs of loss mse are no probabilities: cross_entropy, soft_cross_entropy, binary_cross_entropy or a last layer softmax is needed"
    );
    let narrow = MatrixRef::new(&[0.0f32; 4], 2, 2).unwrap();
    let features = NetError::Features { expected: SIZES[0], found: 2 };
    assert_eq!(net.predict_classes(&cpu, narrow).unwrap_err(), features);
    assert_eq!(net.predict_probabilities(&cpu, narrow, &Loss::CROSS_ENTROPY).unwrap_err(), features);
    let single = network::<f32>(&[3, 1], Activation::Tanh, Activation::Identity, 1);
    assert_eq!(single.predict_classes(&cpu, data.inputs()).unwrap_err(), NetError::OneOutput);
    let strange = [0.0, 0.0, 0.0, 0.0, f32::NAN, 0.0];
    let error = net.predict_classes(&cpu, MatrixRef::new(&strange, 2, 3).unwrap()).unwrap_err();
    assert_eq!(error, NetError::NoClass { row: 1 });
}

#[test]
fn a_summary_is_the_network() {
    let net = small(1);
    let summary = net.summary();
    assert_eq!(summary.parameters(), net.parameters());
    assert_eq!(summary.multiply_adds(), SIZES.windows(2).map(|pair| pair[0] * pair[1]).sum::<usize>());
    let text = summary.to_string();
    assert_eq!(text.lines().count(), 2 + summary.layers.len());
    assert!(text.lines().all(|line| line.len() == text.lines().next().unwrap().len()), "{text}");
}
