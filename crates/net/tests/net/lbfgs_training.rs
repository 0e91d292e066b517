//! L-BFGS as the optimizer of a training: in `fit`, over a stop and a resume, in a file; and what it does not go with.

use nxm_kernels::{Activation, Element, MatrixRef};
use nxm_net::{
    Checkpoint, CheckpointSummary, ContentError, Dataset, FileHeader, Lbfgs, LbfgsState, LearningRateSchedule, Loss,
    NetError, Network, Optimizer, OptimizerState, Step, Stopped, Targets, Training, TrainingOptions, TrainingState,
};

use crate::layers;
use crate::support::{bits, cpu, examples, network};

const SIZES: [usize; 3] = [3, 6, 2];
const ROWS: usize = 20;
const EPOCHS: usize = 7;
const MSE: Loss = Loss::MeanSquaredError;

/// So few iterations and pairs that it does not end early, and pairs are forgotten.
fn lbfgs() -> Lbfgs {
    Lbfgs::default().with_max_iterations(3).with_history(4)
}

fn job<T: Element>() -> (Network<T>, Dataset<T>, TrainingOptions) {
    let options = TrainingOptions::new(MSE, lbfgs()).with_batch(ROWS).with_epochs(EPOCHS);
    (network(&SIZES, Activation::Tanh, Activation::Identity, 1), examples(&MSE, ROWS, SIZES[0], SIZES[2], 2), options)
}

/// An epoch of `fit` is a step on all examples as they stand.
#[test]
fn fit_is_a_loop_of_steps() {
    let (mut fitted, data, options) = job::<f64>();
    let mut looped = fitted.clone();
    let fit = fitted.fit(&cpu(), &data, options).unwrap();
    assert_eq!((fit.stopped, fit.epochs.len()), (Stopped::Finished, EPOCHS));

    let mut step = Step::new(&looped, &MSE, ROWS).unwrap();
    let mut state = LbfgsState::new(lbfgs(), &looped).unwrap();
    for epoch in &fit.epochs {
        let report = state.step(&mut looped, &cpu(), &mut step, data.inputs(), data.targets()).unwrap();
        assert!((epoch.loss - report.loss).abs() <= f64::EPSILON * report.loss, "a mean of the sum of all rows");
    }
    assert_eq!(bits(&fitted), bits(&looped));
    assert_eq!(fit.state.optimizer.lbfgs(), Some(&state));
    assert_eq!((state.pairs(), fit.state.optimizer.steps()), (lbfgs().history, EPOCHS as u64));
}

/// Twice half of the epochs is all of them; on another number of examples it goes on, too.
#[test]
fn partial_fit_goes_on() {
    let (mut whole, data, options) = job::<f32>();
    let mut parted = whole.clone();
    let all = whole.fit(&cpu(), &data, options.clone()).unwrap();
    let mut state = TrainingState::new(OptimizerState::new(options.optimizer, &parted).unwrap());
    for epochs in [EPOCHS / 2, EPOCHS - EPOCHS / 2] {
        parted.partial_fit(&cpu(), &data, options.clone().with_epochs(epochs), &mut state).unwrap();
    }
    assert_eq!((bits(&parted), &state), (bits(&whole), &all.state));
    let (fewer, _) = data.split_at(ROWS / 2);
    parted.partial_fit(&cpu(), &fewer, options.with_epochs(1), &mut state).unwrap();
}

fn stops_and_goes_on<T: Element>() {
    let (start, data, options) = job::<T>();
    let options = options.with_ema(0.9).with_schedule(LearningRateSchedule::Exponential { factor: 0.9 });
    let mut whole = start.clone();
    let cpu = cpu();
    let mut training = Training::new(&mut whole, &cpu, &data, options.clone()).unwrap();
    let mut files = vec![training.checkpoint().to_bytes().unwrap()];
    while let Some(report) = training.next() {
        report.unwrap();
        files.push(training.checkpoint().to_bytes().unwrap());
    }
    // Every file is one that a training goes on from, to the bit; the first one is from before the first step.
    for (epoch, file) in files.iter().enumerate() {
        let mut checkpoint = Checkpoint::<T>::from_bytes(file).unwrap();
        assert_eq!(&checkpoint.to_bytes().unwrap(), file, "{epoch}");
        let summary =
            CheckpointSummary::from_header(&FileHeader::from_start(file, file.len() as u64).unwrap()).unwrap();
        let found = checkpoint.state.optimizer.lbfgs().unwrap().progress();
        assert_eq!((summary.lbfgs, found.iterations > 0), (found, epoch > 0));
        let mut resumed = checkpoint.resume(&cpu, &data).unwrap();
        for report in resumed.by_ref() {
            report.unwrap();
        }
        assert_eq!(resumed.checkpoint().to_bytes().unwrap(), *files.last().unwrap(), "{epoch}");
        assert_eq!(bits(&checkpoint.network), bits(&whole), "{epoch}");
    }
}

#[test]
fn a_file_holds_all_that_it_needs() {
    stops_and_goes_on::<f32>();
    stops_and_goes_on::<f64>();
}

/// A weight of 2 is the row twice.
#[test]
fn examples_may_have_weights() {
    let (mut weighted, data, options) = job::<f64>();
    let mut doubled = weighted.clone();
    let weights: Vec<f64> = (0..ROWS).map(|i| 1.0 + (i % 2) as f64).collect();
    let (x, Targets::Values(y)) = (data.inputs(), data.targets()) else { unreachable!("numbers are learned") };
    let twice = |m: MatrixRef<'_, f64>| {
        let rows = (0..ROWS).flat_map(|i| std::iter::repeat_n(m.row(i).to_vec(), 1 + i % 2));
        rows.flatten().collect::<Vec<f64>>()
    };
    let more = Dataset::regression(twice(x), SIZES[0], twice(y), SIZES[2]).unwrap();
    let options = options.with_batch(usize::MAX).with_epochs(2);
    let data = data.clone().with_weights(weights).unwrap();
    let first = weighted.fit(&cpu(), &data, options.clone()).unwrap();
    let second = doubled.fit(&cpu(), &more, options).unwrap();
    for (one, other) in first.epochs.iter().zip(&second.epochs) {
        assert!((one.loss - other.loss).abs() < 1e-9 * one.loss, "{one}, {other}");
    }
}

/// What it does not go with is named, and nothing has changed.
#[test]
fn what_it_does_not_go_with_is_named() {
    let (mut net, data, good) = job::<f32>();
    let before = bits(&net);
    for (options, named, needed) in [
        (good.clone().with_batch(ROWS - 1), "the batch is 19", "all 20 examples"),
        (good.clone().with_accumulate(2), "the number of micro-batches in a step is 2", "1"),
        (good.clone().with_clip_norm(0.5), "the largest norm of gradients is 0.5", "not clipped"),
        (good.clone().with_clip_value(0.5), "the largest value of gradients is 0.5", "not clipped"),
    ] {
        let error = net.fit(&cpu(), &data, options.clone()).unwrap_err();
        assert!(matches!(error, NetError::WithLbfgs { .. }), "{error}");
        let text = error.to_string();
        assert!(text.starts_with(named) && text.contains(needed), "{text}");
        let state = TrainingState::new(OptimizerState::new(options.optimizer, &net).unwrap());
        let refused = Checkpoint::new(net.clone(), options, state, ROWS).to_bytes().unwrap_err();
        assert_eq!(refused, ContentError::from(error));
    }
    for text in ["3 tanh, dropout 0.25, 2", "3, batch_norm, 2"] {
        let options = good.clone().with_batch(usize::MAX);
        let error = layers::network(text).fit(&cpu(), &layers::data(), options).unwrap_err();
        assert!(matches!(error, NetError::LineSearch { layer: 1, .. }), "{error}");
    }

    let mut step = Step::new(&net, &MSE, ROWS).unwrap();
    let optimizer = Optimizer::from(lbfgs());
    let mut state = OptimizerState::new(optimizer, &net).unwrap();
    step.gradients(&net, &cpu(), data.inputs(), data.targets()).unwrap();
    assert_eq!(step.update(&mut net, &cpu(), &mut state), Err(NetError::WholeSteps));
    let mut clipped = step.clone().clip_norm(1.0).unwrap();
    let error = clipped.train(&mut net, &cpu(), data.inputs(), data.targets(), &mut state).unwrap_err();
    assert!(matches!(error, NetError::WithLbfgs { .. }), "{error}");
    let error = OptimizerState::restore(optimizer, &net, 3, &state.layers()).unwrap_err();
    assert!(error.to_string().contains("checkpoint"), "{error}");
    assert_eq!((bits(&net), state.steps()), (before, 0));

    // The whole step leaves no gradients, which would be of the last point that it tried.
    step.train(&mut net, &cpu(), data.inputs(), data.targets(), &mut state).unwrap();
    assert_eq!((state.steps(), step.weight_gradient(0).cols()), (1, 0));
    net.layer_mut(1).weights_mut().row(0)[0] = f32::MAX;
    let before = bits(&net);
    let error = step.train(&mut net, &cpu(), data.inputs(), data.targets(), &mut state).unwrap_err();
    assert!(matches!(error, NetError::Diverged { step: 2, what: "the loss", .. }), "{error}");
    assert_eq!((bits(&net), state.steps()), (before, 1));
}

/// A file whose numbers of L-BFGS can't be.
#[test]
fn a_file_that_lies_is_refused() {
    let (mut net, data, options) = job::<f32>();
    let cpu = cpu();
    let mut training = Training::new(&mut net, &cpu, &data, options).unwrap();
    for _ in 0..2 {
        training.next().unwrap().unwrap();
    }
    let bytes = training.checkpoint().to_bytes().unwrap();
    let found = training.state().optimizer.lbfgs().unwrap().progress();
    let pairs: Vec<String> = found.inverses.iter().map(|inverse| format!("{inverse:?}")).collect();
    assert!(pairs.len() > 1, "{found:?}");
    let field = |name: &str, value: &str| format!("\"optimizer.{name}\":\"{value}\"");
    for (name, before, after) in [
        ("iterations", found.iterations.to_string(), "0".to_owned()),
        ("iterations", found.iterations.to_string(), (found.evaluations + 1).to_string()),
        ("inverses", pairs.join(" "), pairs[1..].join(" ")),
        ("inverses", pairs.join(" "), format!("{} 1.0 1.0 1.0", pairs.join(" "))),
        ("inverses", pairs.join(" "), pairs.join(" ").replace(&pairs[0], "NaN")),
        ("length", format!("{:?}", found.length), "inf".to_owned()),
        ("history", "4".to_owned(), "1".to_owned()),
    ] {
        let lie = crate::checkpoint_damage::with_header(&bytes, |text| {
            let there = field(name, &before);
            assert!(text.contains(&there), "{there} in {text}");
            text.replace(&there, &field(name, &after))
        });
        assert!(Checkpoint::<f32>::from_bytes(&lie).is_err(), "{name} from {before} to {after}");
    }
}
