//! The exponential moving average of weights: by its definition, in a fit, in checkpoints, and its errors.

use nxm_kernels::Element;
use nxm_net::{
    Adam, Checkpoint, CheckpointSummary, NetError, Network, OptimizerState, Training, TrainingOptions, TrainingState,
    WeightAverage,
};

use crate::checkpoint::Folder;
use crate::layers;
use crate::resume::{job, steps};
use crate::support::{bits, cpu};

const DECAY: f64 = 0.75;
/// In the middle of an epoch of 6 steps.
const CUT: usize = 9;
const STEPS: usize = 16;

fn numbers<T: Element>(network: &Network<T>) -> Vec<f64> {
    network
        .layers()
        .flat_map(|layer| [layer.weights().to_vec(), layer.bias().to_vec()].concat())
        .map(T::to_f64)
        .collect()
}

/// The average is that of the weights after each step; the training itself does not see it.
#[test]
fn an_average_is_what_its_definition_says() {
    let (start, data, options) = job::<f64>(Adam::new(0.01).into(), None);
    let (executor, mut network, mut plain) = (cpu(), start.clone(), start);
    let mut training = Training::new(&mut network, &executor, &data, options.clone().with_ema(DECAY)).unwrap();
    let mut without = Training::new(&mut plain, &executor, &data, options).unwrap();
    assert!(training.state().averaged().is_none());
    assert_eq!(training.evaluated(), training.network());
    let mut expected: Vec<f64> = Vec::new();
    for step in 1..=STEPS {
        assert_eq!(steps(&mut training, 1), steps(&mut without, 1));
        assert_eq!(bits(training.network()), bits(without.network()));
        let weights = numbers(training.network());
        expected = match step {
            1 => weights,
            _ => expected.iter().zip(weights).map(|(mean, w)| mean + (1.0 - DECAY) * (w - mean)).collect(),
        };
        let found = numbers(training.state().averaged().unwrap());
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            // Two roundings a step.
            assert!((found - expected).abs() <= STEPS as f64 * f64::EPSILON * expected.abs().max(1e-3), "{step}");
        }
        assert_eq!(training.state().average.as_ref().unwrap().updates(), step as u64);
    }
    assert_eq!(training.evaluated(), training.state().averaged().unwrap());
}

/// Parameters of every kind of layer are averaged: scale and shift of norms too, and no biases where there are none. The running statistics of
/// batch norms are those of the network at the last update, as with PyTorch's `use_buffers=False`. A checkpoint keeps all of it.
#[test]
fn an_average_of_every_kind_of_layer() {
    for text in layers::TEXTS {
        let (data, executor, options) = (layers::data(), cpu(), layers::options().with_ema(DECAY));
        let (mut whole, mut parted) = (layers::network(text), layers::network(text));
        let mut training = Training::new(&mut whole, &executor, &data, options.clone()).unwrap();
        let mut expected: Vec<f64> = Vec::new();
        let total = options.epochs * training.steps_per_epoch();
        for step in 1..=total {
            steps(&mut training, 1);
            let weights = numbers(training.network());
            assert_eq!(weights.len(), training.network().parameters());
            expected = match step {
                1 => weights,
                _ => expected.iter().zip(weights).map(|(mean, w)| mean + (1.0 - DECAY) * (w - mean)).collect(),
            };
            let average = training.state().averaged().unwrap();
            for (found, expected) in numbers(average).iter().zip(&expected) {
                let off = (found - expected).abs();
                // Two roundings a step, of numbers that may have been a tenth on their way to zero.
                assert!(off <= total as f64 * f64::EPSILON * expected.abs().max(0.1), "{text}, {step}");
            }
            for (one, other) in average.layers().zip(training.network().layers()) {
                assert_eq!(one.running_mean(), other.running_mean(), "{text}, {step}");
                assert_eq!(one.running_variance(), other.running_variance(), "{text}, {step}");
            }
        }
        let state = training.into_state();

        let mut training = Training::new(&mut parted, &executor, &data, options).unwrap();
        steps(&mut training, 5);
        let checkpoint = training.checkpoint();
        let bytes = checkpoint.to_bytes().unwrap();
        let mut read = Checkpoint::<f64>::from_bytes(&bytes).unwrap();
        assert_eq!(read, checkpoint, "{text}");
        assert_eq!(read.to_bytes().unwrap(), bytes, "{text}");
        let mut training = read.resume(&executor, &data).unwrap();
        steps(&mut training, total - 5);
        assert_eq!(training.state(), &state, "{text}");
        assert_eq!(bits(training.evaluated()), bits(state.averaged().unwrap()), "{text}");
    }
}

/// A training that goes on from the bytes of a checkpoint ends with the same average, to the bit.
#[test]
fn an_average_is_taken_up_again() {
    let folder = Folder::new("averages");
    for parts in [1, 3] {
        for cut in [0, 1, CUT] {
            let (start, data, options) = job::<f32>(Adam::new(0.01).into(), Some(0.5));
            let (executor, options) = (cpu(), options.with_ema(DECAY).with_accumulate(parts).with_epochs(20));
            let (mut whole, mut parted) = (start.clone(), start);
            let mut training = Training::new(&mut whole, &executor, &data, options.clone()).unwrap();
            steps(&mut training, STEPS);
            let (state, path) = (training.into_state(), folder.path().join("run"));
            let mut training = Training::new(&mut parted, &executor, &data, options.clone()).unwrap();
            steps(&mut training, cut);
            training.save(&path).unwrap();
            assert_eq!(training.checkpoint(), Checkpoint::load(&path).unwrap());
            assert_eq!(CheckpointSummary::load(&path).unwrap().average_updates, cut as u64);

            let mut checkpoint = Checkpoint::<f32>::load(&path).unwrap();
            let expected = if cut == 0 { &checkpoint.network } else { checkpoint.state.averaged().unwrap() };
            assert_eq!(checkpoint.evaluated(), expected);
            let mut training = checkpoint.resume(&executor, &data).unwrap();
            steps(&mut training, STEPS - cut);
            assert_eq!(training.state(), &state);
            assert_eq!(bits(training.state().averaged().unwrap()), bits(state.averaged().unwrap()));
        }
    }
}

/// A fit judges the averaged network, and returns the one of its best epoch.
#[test]
fn a_fit_judges_the_averaged_network() {
    let (start, data, options) = job::<f32>(Adam::new(0.05).into(), None);
    let (held_out, data) = data.split_at(8);
    let (executor, loss, options) = (cpu(), options.loss.clone(), options.with_ema(DECAY));
    let mut network = start.clone();
    let fit = network.fit(&executor, &data, options.clone().with_validation(&held_out)).unwrap();
    let best = &fit.epochs[fit.best_epoch.unwrap() - 1];
    let judged = fit.averaged().unwrap().evaluate(&executor, &held_out, &loss).unwrap();
    assert_eq!(best.validation, Some(judged));
    assert_ne!(network.evaluate(&executor, &held_out, &loss).unwrap().loss, judged.loss);
    // Two fits are one longer one, the average included.
    let (mut one, mut two) = (start.clone(), start.clone());
    let whole = one.fit(&executor, &data, options.clone().with_epochs(4)).unwrap();
    let mut state = two.fit(&executor, &data, options.clone().with_epochs(2)).unwrap().state;
    two.partial_fit(&executor, &data, options.with_epochs(2), &mut state).unwrap();
    assert_eq!(state, whole.state);
    assert!(
        start.clone().fit(&executor, &data, TrainingOptions::default().with_loss(loss)).unwrap().averaged().is_none()
    );
}

#[test]
fn what_is_no_average_is_an_error() {
    let (mut network, data, options) = job::<f32>(Adam::new(0.01).into(), None);
    let executor = cpu();
    for decay in [-0.1, 1.1, f64::NAN] {
        let error = options.clone().with_ema(decay).check::<f32>().unwrap_err();
        assert!(error.to_string().contains("the decay of the average of weights"), "{error}");
    }
    let other: Network<f32> = Network::builder(1).dense(1, nxm_kernels::Activation::Identity).build().unwrap();
    let mut average = WeightAverage::new(&other, DECAY).unwrap();
    let before = average.clone();
    let error = average.update(&network, &executor).unwrap_err();
    assert!(matches!(error, NetError::Network { what: "the average of weights", layer: 0, .. }), "{error}");
    assert_eq!(average, before);

    // A state's average is that of the options, or none.
    let average = WeightAverage::new(&network, DECAY).unwrap();
    let state = TrainingState::new(OptimizerState::new(options.optimizer, &network).unwrap());
    let state = state.with_average(average);
    for ema in [None, Some(0.5)] {
        let options = options.clone().with_ema(ema);
        let error = Training::resume(&mut network, &executor, &data, options, state.clone()).map(drop).unwrap_err();
        assert!(error.to_string().contains("average of weights"), "{error}");
    }
    let options = options.with_ema(DECAY);
    assert!(Training::resume(&mut network, &executor, &data, options.clone(), state.clone()).is_ok());
    // A file must have what its options ask for.
    let mut updated = state.clone();
    updated.average.as_mut().unwrap().update(&network, &executor).unwrap();
    let without = TrainingState::new(state.optimizer.clone());
    for state in [without, updated] {
        let error = Checkpoint::new(network.clone(), options.clone(), state, data.len()).to_bytes().unwrap_err();
        assert!(error.to_string().contains("average of weights"), "{error}");
    }
    assert!(Checkpoint::new(network.clone(), options, state, data.len()).to_bytes().is_ok());
}
