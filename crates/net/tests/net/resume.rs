//! A training that is stopped and taken up again ends with the same bits as one that is not.

use nxm_kernels::{Activation, Cpu, Element, Level};
use nxm_net::{
    Checkpoint, Dataset, LayerState, LearningRateSchedule, Loss, NetError, Network, Optimizer, OptimizerState, Plateau,
    Progress, Training, TrainingOptions, TrainingState,
};
use proptest::prelude::*;

use crate::support::{bits, cpu, examples, fused_levels, network, optimizers};

/// 23 examples in batches of 4: 6 steps an epoch, the last one short.
pub fn job<T: Element>(optimizer: Optimizer, clip_norm: Option<f64>) -> (Network<T>, Dataset<T>, TrainingOptions) {
    let loss = Loss::CROSS_ENTROPY;
    let network = network(&[4, 9, 3], Activation::Gelu, Activation::Identity, 1);
    let data = examples(&loss, 23, 4, 3, 1);
    let schedule = LearningRateSchedule::Linear { start: 0.1, end: 1.0, steps: 30 };
    let options = TrainingOptions::new(loss, optimizer).with_schedule(schedule).with_clip_norm(clip_norm);
    (network, data, options.with_batch(4).with_epochs(10).with_seed(5))
}

/// What a file would hold of a state: its numbers, in new memory.
fn copied<T: Element>(state: &TrainingState<T>, network: &Network<T>) -> TrainingState<T> {
    let old = &state.optimizer;
    let optimizer = OptimizerState::restore(*old.optimizer(), network, old.steps(), &old.layers()).unwrap();
    TrainingState::new(optimizer).with_progress(state.progress).with_plateau(state.plateau)
}

/// Takes so many steps; gives the bits of their losses.
pub fn steps<T: Element>(training: &mut Training<'_, T>, count: usize) -> Vec<u64> {
    (0..count).map(|_| training.step().unwrap().unwrap().loss.to_bits()).collect()
}

fn forty_is_twice_twenty<T: Element>(optimizer: Optimizer, clip_norm: Option<f64>, cut: usize) {
    let (start, data, options) = job::<T>(optimizer, clip_norm);
    parted_is_whole((start, data, options), cut);
}

fn parted_is_whole<T: Element>((start, data, options): (Network<T>, Dataset<T>, TrainingOptions), cut: usize) {
    let optimizer = options.optimizer;
    let one = Cpu::new(Level::named("scalar").unwrap(), 1);
    let mut whole = start.clone();
    let mut training = Training::new(&mut whole, &one, &data, options.clone()).unwrap();
    let losses = steps(&mut training, 40);
    let (last_epoch, state) = (training.last_epoch(), training.into_state());

    for level in fused_levels() {
        let mut parted = start.clone();
        let mut training = Training::new(&mut parted, &one, &data, options.clone()).unwrap();
        let mut parts = steps(&mut training, cut);
        let saved = copied(training.state(), training.network());
        let mut parted = training.network().clone();

        let other = Cpu::new(level, 3);
        let mut training = Training::resume(&mut parted, &other, &data, options.clone(), saved).unwrap();
        assert_eq!(training.steps(), cut);
        parts.extend(steps(&mut training, 40 - cut));
        let place = format!("{optimizer:?}, cut at {cut}, {level}");
        assert_eq!(parts, losses, "{place}");
        assert_eq!(training.state(), &state, "{place}");
        assert_eq!(training.last_epoch(), last_epoch, "{place}");
        assert_eq!(bits(&parted), bits(&whole), "{place}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn forty_steps_are_some_and_the_rest(
        optimizer in prop::sample::select(optimizers()),
        clip_norm in prop::sample::select(&[None, Some(0.05)][..]),
        // Before the last epoch that ends within 40 steps, in epochs and between them.
        cut in 0usize..=35,
    ) {
        forty_is_twice_twenty::<f32>(optimizer, clip_norm, cut);
        forty_is_twice_twenty::<f64>(optimizer, clip_norm, cut);
    }
}

/// Steps of three micro-batches: of 12 and 11 examples of 23, two an epoch, the last of them with a short one.
#[test]
fn accumulated_gradients_are_taken_up_again() {
    for optimizer in optimizers() {
        let (start, data, options) = job::<f32>(optimizer, None);
        let options = options.with_accumulate(3).with_clip_value(0.02).with_epochs(25);
        assert_eq!(options.steps_per_epoch(data.len()), 2);
        parted_is_whole((start, data, options), 13);
    }
}

/// A plateau falls after the second epoch that is no better. A training that is taken up in between, from the bytes of a checkpoint, goes on
/// as one that is not.
#[test]
fn a_plateau_is_taken_up_again() {
    let (start, data, options) = job::<f32>(Optimizer::sgd(0.1), None);
    let schedule = LearningRateSchedule::from(Plateau::new().with_factor(0.5).with_patience(1)).after_warm_up(3, 0.1);
    let options = options.with_schedule(schedule);
    let metrics = [1.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.4, 0.4];
    let cpu = cpu();
    let train = |cut: usize| {
        let mut network = start.clone();
        let mut training = Training::new(&mut network, &cpu, &data, options.clone()).unwrap();
        let mut rates = Vec::new();
        let mut epoch = |training: &mut Training<'_, f32>, metric: f64| {
            training.next().unwrap().unwrap();
            let falls = training.report_metric(metric);
            rates.push((training.state().optimizer.learning_rate(), falls));
        };
        metrics[..cut].iter().for_each(|metric| epoch(&mut training, *metric));
        let mut checkpoint = Checkpoint::<f32>::from_bytes(&training.checkpoint().to_bytes().unwrap()).unwrap();
        assert_eq!(checkpoint, training.checkpoint(), "cut at {cut}");
        let mut training = checkpoint.resume(&cpu, &data).unwrap();
        metrics[cut..].iter().for_each(|metric| epoch(&mut training, *metric));
        (rates, bits(training.network()))
    };
    let (rates, expected) = train(0);
    assert_eq!(
        rates.iter().map(|(rate, _)| *rate).collect::<Vec<_>>(),
        [0.1, 0.1, 0.1, 0.05, 0.05, 0.025, 0.025, 0.025]
    );
    assert_eq!(rates.iter().filter(|(_, falls)| *falls).count(), 2);
    for cut in 1..metrics.len() {
        assert!(train(cut) == (rates.clone(), expected.clone()), "cut at {cut}");
    }
    // A training with another schedule has no plateau, and refuses the state of one.
    let mut network = start.clone();
    let mut training = Training::new(&mut network, &cpu, &data, options.clone()).unwrap();
    training.report_metric(1.0);
    let state = training.into_state();
    let other = options.with_schedule(LearningRateSchedule::Constant);
    let error = Training::resume(&mut network, &cpu, &data, other.clone(), state).map(drop).unwrap_err();
    assert!(matches!(error, NetError::Resume { what: "the plateau of its schedule", .. }), "{error}");
    assert!(!Training::new(&mut network, &cpu, &data, other).unwrap().report_metric(1.0));
}

#[test]
fn twenty_and_twenty_are_forty_for_every_optimizer() {
    for optimizer in optimizers() {
        // 20 = 3 epochs and 2 steps.
        forty_is_twice_twenty::<f32>(optimizer, None, 20);
    }
}

#[test]
fn a_finished_run_goes_on_when_it_is_given_more_epochs() {
    let (start, data, options) = job::<f32>(Optimizer::adam(0.01), None);
    let executor = cpu();
    let run = |network: &mut Network<f32>, epochs, state: Option<TrainingState<f32>>| {
        let options = options.clone().with_epochs(epochs);
        let mut training = match state {
            None => Training::new(network, &executor, &data, options).unwrap(),
            Some(state) => Training::resume(network, &executor, &data, options, state).unwrap(),
        };
        assert!(training.by_ref().all(|report| report.is_ok()));
        training.into_state()
    };
    let (mut parted, mut whole) = (start.clone(), start);
    let state = run(&mut parted, 3, None);
    let state = run(&mut parted, 5, Some(state));
    assert_eq!(state, run(&mut whole, 5, None));
    assert_eq!(parted, whole);
}

#[test]
fn states_that_do_not_fit_are_refused() {
    let (start, data, options) = job::<f32>(Optimizer::adam(0.01), None);
    let executor = cpu();
    let mut network = start.clone();
    let mut training = Training::new(&mut network, &executor, &data, options.clone()).unwrap();
    steps(&mut training, 8);
    let state = training.into_state();
    let refused = |options: &TrainingOptions, change: fn(&mut TrainingState<f32>)| {
        let mut state = state.clone();
        change(&mut state);
        Training::resume(&mut start.clone(), &executor, &data, options.clone(), state).map(drop).unwrap_err()
    };
    let what = |error| match error {
        NetError::Resume { what, .. } => what,
        other => panic!("{other}"),
    };
    let other = options.clone().with_optimizer(Optimizer::adam(0.02));
    assert_eq!(what(refused(&other, |_| {})), "the optimizer of its state");
    let smaller = options.clone().with_batch(3);
    assert_eq!(what(refused(&smaller, |_| {})), "the number of the optimizer's steps");
    let error = refused(&options, |state| state.progress.steps = 6);
    assert_eq!(
        error.to_string(),
        "the training can't be resumed: the number of steps in its epoch is 6, and less than 6 is needed"
    );
    assert_eq!(
        what(refused(&options, |state| state.progress.epochs = usize::MAX)),
        "the number of the optimizer's steps"
    );
    assert_eq!(what(refused(&options, |state| state.progress.loss = f64::NAN)), "the loss of its epoch so far");
    let between =
        |state: &mut TrainingState<f32>| state.progress = Progress::default().with_epochs(1).with_steps(0, 0.5);
    assert!(matches!(refused(&options, between), NetError::Resume { .. }));

    let layers = state.optimizer.layers();
    let restored = |optimizer, layers: &[LayerState<f32>]| {
        OptimizerState::restore(optimizer, &start, 8, layers).map(drop).unwrap_err()
    };
    let adam = options.optimizer;
    let error = restored(adam, &layers[..1]);
    assert_eq!(error, NetError::State { layer: 1, what: "layers", expected: 2, found: 1 });
    let mut short = layers.clone();
    short[1].bias[1].pop();
    assert_eq!(restored(adam, &short), NetError::State { layer: 1, what: "biases", expected: 3, found: 2 });
    let error = restored(Optimizer::sgd(0.1), &layers);
    assert_eq!(error, NetError::State { layer: 0, what: "weights", expected: 0, found: 36 });
    let mut infinite = layers;
    infinite[1].weights[0][2] = f32::INFINITY;
    assert_eq!(restored(adam, &infinite), NetError::StateNotFinite { layer: 1 });
}
