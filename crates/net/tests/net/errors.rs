//! Every error names what was wrong, where and what was expected, and leaves everything as it was.

use nxm_kernels::{Activation, MatrixRef};
use nxm_net::{
    Adagrad, Adam, AdamW, DataError, Dataset, LearningRateSchedule, Lion, Loss, NetError, Network, Optimizer,
    OptimizerState, RmsProp, Rprop, Sgd, Step, Targets, Training, TrainingOptions,
};

use crate::support::{cpu, examples, network};

pub fn said(error: impl std::error::Error) -> String {
    error.to_string()
}

#[test]
fn networks_that_can_not_be_built() {
    let build = |inputs, units: &[usize]| {
        let builder = Network::<f32>::builder(inputs);
        let builder = units.iter().fold(builder, |builder, &units| builder.dense(units, Activation::Relu));
        builder.build().unwrap_err()
    };
    assert_eq!(build(0, &[3]), NetError::NoInputs);
    assert_eq!(build(3, &[]), NetError::NoLayers);
    assert_eq!(build(3, &[2, 0, 4]), NetError::NoUnits { layer: 1 });
    assert_eq!(said(build(3, &[2, 0, 4])), "layer 1 (counted from 0) has 0 units: at least one is needed");
    // The product overflows; the elements are few enough and their bytes too many; and both in a later layer.
    let (huge, half) = (usize::MAX / 2, isize::MAX as usize / 3);
    assert_eq!(build(huge, &[3]), NetError::TooLarge { what: "weights", rows: huge, cols: 3 });
    assert_eq!(build(half, &[1]), NetError::TooLarge { what: "weights", rows: half, cols: 1 });
    assert_eq!(build(2, &[2, huge]), NetError::TooLarge { what: "weights", rows: 2, cols: huge });
    // Addressable, but more than any machine's virtual memory (2⁴⁷ bytes and more).
    #[cfg(target_pointer_width = "64")]
    {
        let (rows, cols) = (1 << 30, 1 << 28);
        let bytes = (1 << 60) + (1 << 30);
        assert_eq!(build(rows, &[cols]), NetError::OutOfMemory { what: "weights and biases", bytes });
        assert_eq!(said(build(rows, &[cols])), "could not allocate 1152921505680588800 bytes for weights and biases");
    }
}

#[test]
fn data_that_can_not_be_trained_on() {
    let regression = |x: &[f64], n, t: &[f64], m| Dataset::regression(x.to_vec(), n, t.to_vec(), m).unwrap_err();
    assert_eq!(regression(&[1.0], 0, &[1.0], 1), DataError::NoFeatures);
    assert_eq!(regression(&[1.0], 1, &[1.0], 0), DataError::NoOutputs);
    assert_eq!(regression(&[1.0; 5], 2, &[1.0], 1), DataError::Ragged { what: "inputs", len: 5, cols: 2 });
    assert_eq!(regression(&[1.0; 4], 2, &[1.0; 3], 2), DataError::Ragged { what: "targets", len: 3, cols: 2 });
    assert_eq!(regression(&[1.0; 4], 2, &[1.0; 3], 1), DataError::Rows { examples: 2, targets: 3 });
    let nan = regression(&[1.0, 1.0, 1.0, f64::NAN], 2, &[1.0; 2], 1);
    assert_eq!(said(nan), "inputs, row 1, column 1 (counted from 0): NaN is not a finite number");
    let infinite = regression(&[1.0; 2], 1, &[0.0, 0.0, f64::INFINITY, 0.0], 2);
    assert_eq!(infinite, DataError::NotFinite { what: "targets", row: 1, column: 0, value: f64::INFINITY });

    let classification =
        |x: &[f32], labels: &[u32], classes| Dataset::classification(x.to_vec(), 2, labels.to_vec(), classes);
    assert_eq!(classification(&[0.0; 4], &[0, 1], 0).unwrap_err(), DataError::NoOutputs);
    assert_eq!(classification(&[0.0; 4], &[0], 2).unwrap_err(), DataError::Rows { examples: 2, targets: 1 });
    let stray = classification(&[0.0; 4], &[1, 2], 2).unwrap_err();
    assert_eq!(said(stray), "row 1 (counted from 0) has label 2: with 2 classes, labels are 0 to 1");
    let nan = classification(&[0.0, f32::NEG_INFINITY, 0.0, 0.0], &[0, 1], 2).unwrap_err();
    assert_eq!(nan, DataError::NotFinite { what: "inputs", row: 0, column: 1, value: f64::NEG_INFINITY });
    assert!(Dataset::classification(vec![0f32], 0, vec![], 2).is_err());
}

/// What a step says to a batch, after which network and gradients must be untouched.
pub fn refused(
    step: &mut Step<f32>,
    network: &Network<f32>,
    x: MatrixRef<'_, f32>,
    targets: Targets<'_, f32>,
) -> NetError {
    let mut trained = network.clone();
    let mut state = OptimizerState::new(Optimizer::adam(0.1), network).unwrap();
    let before = state.clone();
    let error = step.train(&mut trained, &cpu(), x, targets, &mut state).unwrap_err();
    assert_eq!((&trained, &state), (network, &before));
    assert!(step.bias_gradient(0).to_vec().is_empty());
    error
}

#[test]
fn batches_that_do_not_fit() {
    let net = network::<f32>(&[3, 4, 2], Activation::Tanh, Activation::Identity, 1);
    let mut mse = Step::new(&net, &Loss::MeanSquaredError, 4).unwrap();
    let mut entropy = Step::new(&net, &Loss::CROSS_ENTROPY, 4).unwrap();
    let numbers = [0.5f32; 32];
    let matrix = |rows, cols| MatrixRef::new(&numbers, rows, cols).unwrap();
    let values = |rows, cols| Targets::Values(matrix(rows, cols));

    let error = refused(&mut mse, &net, matrix(2, 4), values(2, 2));
    assert_eq!(said(error), "examples have 4 features: the network has 3 inputs");
    let error = refused(&mut mse, &net, matrix(2, 3), values(2, 3));
    assert_eq!(error, NetError::Outputs { expected: 2, found: 3 });
    let error = refused(&mut mse, &net, matrix(2, 3), values(3, 2));
    assert_eq!(error, NetError::TargetRows { expected: 2, found: 3 });
    let error = refused(&mut entropy, &net, matrix(2, 3), Targets::Classes(&[0]));
    assert_eq!(error, NetError::TargetRows { expected: 2, found: 1 });
    assert_eq!(refused(&mut mse, &net, matrix(0, 3), values(0, 2)), NetError::NoBatch);
    let error = refused(&mut mse, &net, matrix(5, 3), values(5, 2));
    assert_eq!(error, NetError::BatchTooLarge { rows: 5, batch: 4 });
    let error = refused(&mut entropy, &net, matrix(3, 3), Targets::Classes(&[0, 1, 2]));
    assert_eq!(error, NetError::Label { row: 2, label: 2, classes: 2 });
    let error = refused(&mut mse, &net, matrix(2, 3), Targets::Classes(&[0, 1]));
    assert_eq!(said(error), "loss mse needs values as targets, and these are class labels");
    let error = refused(&mut entropy, &net, matrix(2, 3), values(2, 2));
    assert_eq!(said(error), "loss cross_entropy needs class labels as targets, and these are values");

    assert_eq!(Step::new(&net, &Loss::CROSS_ENTROPY, 0).unwrap_err(), NetError::NoBatch);
    let error = Step::new(&net, &Loss::MeanSquaredError, usize::MAX).unwrap_err();
    assert!(matches!(error, NetError::TooLarge { rows: usize::MAX, cols: 6, .. }), "{error}");
}

#[test]
fn options_out_of_their_range() {
    let mut net = network::<f32>(&[3, 2], Activation::Tanh, Activation::Identity, 1);
    let before = net.clone();
    let data = examples::<f32>(&Loss::MeanSquaredError, 4, 3, 2, 1);
    let mut refused = |options: TrainingOptions| Training::new(&mut net, &cpu(), &data, options).map(drop).unwrap_err();
    // 1e-60 is 0 in f32, and 1e60 infinite.
    for learning_rate in [0.0, -0.0, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e-60, 1e60] {
        for optimizer in [Optimizer::sgd(learning_rate), Optimizer::adam(learning_rate)] {
            let NetError::LearningRate { learning_rate: named, element: "f32" } =
                refused(TrainingOptions::default().with_optimizer(optimizer))
            else {
                panic!("{learning_rate}")
            };
            assert_eq!(named.to_bits(), learning_rate.to_bits());
        }
    }
    let (sgd, adam, adamw) = (Sgd::default(), Adam::default(), AdamW::default());
    let nesterov = sgd.with_momentum(0.9).with_nesterov(true);
    for (optimizer, name, value) in [
        (Optimizer::Sgd(sgd.with_momentum(-0.1)), "momentum", -0.1),
        (Optimizer::Sgd(nesterov.with_momentum(0.0)), "momentum", 0.0),
        (Optimizer::Sgd(nesterov.with_dampening(0.5)), "dampening", 0.5),
        (Optimizer::Sgd(sgd.with_dampening(1e60)), "dampening", 1e60),
        (Optimizer::Sgd(sgd.with_weight_decay(-1.0)), "weight decay", -1.0),
        (Optimizer::Adam(adam.with_betas(1.0, adam.beta2)), "beta1", 1.0),
        (Optimizer::Adam(adam.with_betas(adam.beta1, -0.5)), "beta2", -0.5),
        (Optimizer::AdamW(adamw.with_epsilon(-1e-8)), "epsilon", -1e-8),
        (Optimizer::AdamW(adamw.with_weight_decay(1e60)), "weight decay", 1e60),
        (RmsProp::default().with_alpha(1.5).into(), "alpha", 1.5),
        (Adagrad::default().with_initial_sum(-1.0).into(), "the initial sum of squares", -1.0),
        (Rprop::default().with_smaller(1.0).into(), "the factor of smaller steps", 1.0),
        (Rprop::default().with_least_step(99.0).into(), "the smallest step size", 99.0),
        (Lion::default().with_beta2(1.0).into(), "beta2", 1.0),
    ] {
        let error = refused(TrainingOptions::default().with_optimizer(optimizer));
        assert!(
            matches!(error, NetError::Setting { name: named, value: found, .. } if (named, found) == (name, value)),
            "{error}"
        );
    }
    for max_norm in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-60] {
        let error = refused(TrainingOptions::default().with_clip_value(max_norm));
        assert!(matches!(error, NetError::Setting { name: "the largest value of gradients", .. }), "{error}");
        let error = refused(TrainingOptions::default().with_clip_norm(max_norm));
        assert!(said(error).starts_with("the largest norm of gradients is "), "{max_norm}");
    }
    let schedule = LearningRateSchedule::Step { every: 0, factor: 0.5 };
    let error = refused(TrainingOptions::default().with_schedule(schedule));
    assert_eq!(said(error), "the schedule's interval is 0: a whole number, at least 1 is needed");
    assert_eq!(net, before);
}

#[test]
fn losses_out_of_their_range() {
    let net = network::<f32>(&[3, 2], Activation::Tanh, Activation::Identity, 1);
    let refused = |label_smoothing, class_weights: &[f64]| {
        let loss = Loss::CrossEntropy { label_smoothing, class_weights: class_weights.to_vec() };
        Step::new(&net, &loss, 4).map(drop).unwrap_err()
    };
    for smoothing in [-0.1, 1.1, f64::NAN] {
        assert!(matches!(refused(smoothing, &[]), NetError::Setting { name: "label smoothing", .. }));
    }
    assert_eq!(refused(0.0, &[1.0; 3]), NetError::ClassWeights { expected: 2, found: 3 });
    assert_eq!(refused(0.0, &[1.0, -1.0]), NetError::ClassWeight { class: 1, weight: -1.0 });
    assert_eq!(refused(0.0, &[f64::INFINITY, 1.0]), NetError::ClassWeight { class: 0, weight: f64::INFINITY });
    assert_eq!(refused(0.0, &[0.0; 2]), NetError::ClassWeight { class: 0, weight: 0.0 });
}

#[test]
fn runs_that_can_not_begin() {
    let mut net = network::<f32>(&[3, 2], Activation::Tanh, Activation::Identity, 1);
    let good = || TrainingOptions::default().with_batch(2);
    let data = examples::<f32>(&Loss::MeanSquaredError, 4, 3, 2, 1);
    let mut begin = |data: &Dataset<f32>, options| Training::new(&mut net, &cpu(), data, options).map(drop);
    assert_eq!(begin(&data, good()), Ok(()));
    assert_eq!(begin(&data, good().with_batch(0)), Err(NetError::NoBatch));
    // A batch larger than the data is a whole epoch.
    assert_eq!(begin(&data, good().with_batch(usize::MAX)), Ok(()));
    assert_eq!(begin(&data.split_at(0).0, good()), Err(NetError::NoExamples));
    let wrong = good().with_loss(Loss::CROSS_ENTROPY);
    assert!(matches!(begin(&data, wrong), Err(NetError::Targets { loss: "cross_entropy", .. })));
    let wide = examples(&Loss::MeanSquaredError, 4, 5, 2, 1);
    assert_eq!(begin(&wide, good()), Err(NetError::Features { expected: 3, found: 5 }));
    let tall = examples(&Loss::MeanSquaredError, 4, 3, 1, 1);
    assert_eq!(begin(&tall, good()), Err(NetError::Outputs { expected: 2, found: 1 }));
}

#[test]
fn predictions_and_evaluations_that_can_not_be_made() {
    let net = network::<f32>(&[3, 4, 2], Activation::Tanh, Activation::Identity, 1);
    let x = [0.0f32; 8];
    let error = net.predict(&cpu(), MatrixRef::new(&x, 2, 4).unwrap()).unwrap_err();
    assert_eq!(error, NetError::Features { expected: 3, found: 4 });
    let data = examples::<f32>(&Loss::CROSS_ENTROPY, 4, 3, 2, 1);
    let error = net.evaluate(&cpu(), &data.split_at(4).1, &Loss::CROSS_ENTROPY).unwrap_err();
    assert_eq!(error, NetError::NoExamples);
    let error = net.evaluate(&cpu(), &data, &Loss::MeanSquaredError).unwrap_err();
    assert!(matches!(error, NetError::Targets { loss: "mse", .. }));
    let many = examples::<f32>(&Loss::CROSS_ENTROPY, 40, 3, 9, 1);
    let error = net.evaluate(&cpu(), &many, &Loss::CROSS_ENTROPY).unwrap_err();
    assert!(matches!(error, NetError::Outputs { expected: 2, found: 9 }), "{error}");
}

#[test]
fn losses_have_names() {
    for loss in Loss::ALL {
        assert_eq!(format!("{loss:>25}").len(), 25);
        assert_eq!(loss.name().parse(), Ok(loss));
    }
    let error = "l3".parse::<Loss>().unwrap_err();
    assert_eq!((error.kind, &*error.found), ("loss", "l3"));
    let names = Loss::ALL.map(|loss| loss.name().to_owned()).join(", ");
    assert_eq!(said(error), format!("no loss is called \"l3\"; expected one of {names}"));
}

#[test]
fn settings_of_losses_that_are_out_of_range_are_refused() {
    let network = network::<f32>(&[2, 1], Activation::Identity, Activation::Identity, 1);
    let refused = |loss: Loss| match Step::new(&network, &loss, 1).unwrap_err() {
        NetError::Setting { name, value, .. } => (name, value.to_bits()),
        other => panic!("{other}"),
    };
    for value in [0.0, -1.0, f64::INFINITY] {
        assert_eq!(refused(Loss::SmoothL1 { beta: value }), ("beta of smooth_l1", value.to_bits()));
        assert_eq!(refused(Loss::Huber { delta: value }), ("delta of huber", value.to_bits()));
    }
    for value in [0.0, 1.0, -0.5, 1.5, f64::NAN] {
        assert_eq!(refused(Loss::Quantile { tau: value }), ("tau of quantile", value.to_bits()));
    }
}
