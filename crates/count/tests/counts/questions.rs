//! Questions that aren't about one step: training runs, enormous networks, forecasts, bad input, and the serialised form.

use std::time::Duration;

use crate::cases::with_room;
use nxm_count::{
    CONVENTIONS, CountError, Counted, Formulas, Kind, Kinds, MemoryUse, NetworkSpec, Ops, Overflow, RunError,
    SpecError, Tally, TrainingLength, forecast, verify,
};
use nxm_kernels::{Activation, Cpu, Level, Phase};
use nxm_net::{Dataset, LearningRateSchedule, Loss, Network, Optimizer, Training, TrainingOptions};
use serde_json::{Value, json};

fn network(sizes: &[u64], loss: Loss) -> NetworkSpec {
    NetworkSpec::new(sizes, Activation::Relu, Activation::Identity, loss).unwrap()
}

fn level() -> Level {
    Level::detect().unwrap()
}

#[test]
fn a_batch_is_no_larger_than_the_data() {
    let options = TrainingOptions::default();
    let [short, long] = [10, 1000].map(|examples| TrainingLength::of(&options, examples));
    assert_eq!((short.examples, short.epochs, short.batch), (10, options.epochs as u64, 10));
    assert_eq!((long.examples, long.epochs, long.batch), (1000, options.epochs as u64, options.batch as u64));
}

/// A whole training run, short last batches too, executes its formula: 3 epochs of 10 examples in batches of 4.
#[test]
fn a_training_run_executes_its_formula() {
    let numbers = |n: usize| (0..n).map(|i| (i * 7 % 11) as f32 / 11.0).collect::<Vec<_>>();
    let data = Dataset::regression(numbers(50), 5, numbers(20), 2).unwrap();
    let mut trained =
        Network::builder(5).dense(9, Activation::Relu).dense(2, Activation::Identity).seed(1).build().unwrap();
    let counted = Counted::new(Cpu::new(level(), 2));
    let options = TrainingOptions::default().with_batch(4).with_epochs(3);
    let train = || Training::new(&mut trained, &counted, &data, options).unwrap().map(Result::unwrap).count();
    assert_eq!(with_room(train), 3);

    let spec = network(&[5, 9, 2], Loss::MeanSquaredError);
    let length = TrainingLength::new(10).with_epochs(3).with_batch(4);
    let formula = Formulas::of::<f32>(level()).training(&spec, length).unwrap();
    assert_eq!(length.steps(), 9);
    assert_eq!(counted.total(), formula);

    // By Adam, whose first step has other constants, and a length, which costs nothing.
    let counted = Counted::new(Cpu::new(level(), 2));
    let rate = LearningRateSchedule::Cosine { steps: 9, minimum: 1e-4 };
    let optimizer = Optimizer::adam(0.01);
    let options = TrainingOptions::default().with_optimizer(optimizer).with_schedule(rate).with_batch(4).with_epochs(3);
    let train = || Training::new(&mut trained, &counted, &data, options).unwrap().map(Result::unwrap).count();
    assert_eq!(with_room(train), 3);
    let formula = Formulas::of::<f32>(level()).training(&spec.with_optimizer(optimizer), length).unwrap();
    assert_eq!(counted.total(), formula);
}

/// A short last batch counts as what it is; a batch larger than the examples is one short batch.
#[test]
fn short_batches() {
    let spec = network(&[5, 9, 2], Loss::CROSS_ENTROPY);
    let formulas = Formulas::textbook::<f64>();
    let step = |rows| formulas.step(&spec, rows).unwrap().total;
    let length = |examples, epochs, batch| TrainingLength::new(examples).with_epochs(epochs).with_batch(batch);
    let training = |examples, epochs, batch| formulas.training(&spec, length(examples, epochs, batch)).unwrap();
    let expected = Tally::sum([step(4), step(4), step(2)]).unwrap().times(3).unwrap();
    assert_eq!(training(10, 3, 4), expected);
    assert_eq!((training(10, 2, 99), length(10, 2, 99).steps()), (step(10).times(2).unwrap(), 2));
    assert_eq!(training(8, 1, 4), step(4).times(2).unwrap());
}

/// A layer's costs are booked to it, and its sizes beside them: 2·B·M multiplications for the derivatives of M sigmoids.
#[test]
fn costs_of_a_layer_are_its_own() {
    let (sizes, rows, sigmoid) = ([7, 5, 3, 2], 4, Activation::Sigmoid);
    let spec = NetworkSpec::new(sizes, sigmoid, sigmoid, Loss::MeanSquaredError).unwrap();
    let step = Formulas::textbook::<f32>().step(&spec, rows).unwrap();
    assert_eq!(step.layers.len(), sizes.len() - 1);
    for (layer, sides) in step.layers.iter().zip(sizes.windows(2)) {
        assert_eq!([layer.fan_in, layer.fan_out], sides);
        let expected = u128::from(2 * rows * layer.fan_out);
        assert_eq!(layer[Phase::ActivationGradient].useful.multiplications(), expected, "{sides:?}");
    }
}

/// Formulas are those of one thread unless others are asked for, and no thread is one.
#[test]
fn formulas_of_one_thread() {
    let of = Formulas::of::<f32>(level());
    assert_eq!([of.on_threads(1), of.on_threads(0)], [of; 2]);
    assert_ne!(of.on_threads(2), of);
}

/// The textbook's formulas are those of the level without vectors.
#[test]
fn the_textbook_has_no_vectors() {
    let scalar = Level::named("scalar").unwrap();
    assert_eq!(Formulas::textbook::<f32>(), Formulas::of::<f32>(scalar));
    assert_eq!(Formulas::textbook::<f64>(), Formulas::of::<f64>(scalar));
}

/// A trillion parameters times a trillion examples is a legal question, with an exact answer.
#[test]
fn a_trillion_times_a_trillion() {
    let spec = network(&[1_000_000, 1_000_000], Loss::MeanSquaredError);
    assert_eq!(spec.parameters(), 1_000_001_000_000);
    let length = TrainingLength::new(1_000_000_000_000).with_epochs(10).with_batch(1_000_000);
    let total = Formulas::textbook::<f32>().training(&spec, length).unwrap().useful;
    // Forward and weight gradient: 10¹² fma for each of 10¹³ examples; each of 10⁷ steps updates all parameters, and has
    // the 10¹² − 64 fma of a sum of 10¹² squares in 64 lanes.
    let expected = 2 * 10u128.pow(12 + 13) + 10u128.pow(7) * (spec.parameters() + 10u128.pow(12) - 64);
    assert_eq!(total.own().fma(), expected);
    assert!(serde_json::to_string(&total).unwrap().contains(&total.own().fma().to_string()));
}

/// What exceeds 128 bits is an error that says what and where, not a smaller number.
#[test]
fn overflow_is_an_error() {
    let max = u64::MAX;
    let spec = network(&[max, max], Loss::MeanSquaredError);
    let error = Formulas::textbook::<f32>().step(&spec, max).unwrap_err();
    assert_eq!(error.to_string(), "forward of layer 0: the number of flops exceeds 2¹²⁸ − 1");
    let length = TrainingLength::new(max).with_epochs(max).with_batch(1);
    let error = Formulas::textbook::<f32>().training(&network(&[30, 30], Loss::CROSS_ENTROPY), length);
    assert!(matches!(error, Err(CountError::Overflow { .. })), "{error:?}");
    let error = NetworkSpec::new([max; 4], Activation::Relu, Activation::Relu, Loss::CROSS_ENTROPY).unwrap_err();
    assert_eq!(error.to_string(), "the network: the number of parameters exceeds 2¹²⁸ − 1");

    // Each kind fits, and what is derived from them would not.
    assert_eq!(Kinds::new([(Kind::Fma, 1 << 127)]), Err(Overflow { what: "flops" }));
    assert_eq!(Kinds::new([(Kind::Mul, u128::MAX), (Kind::Div, 1)]), Err(Overflow { what: "flops" }));
    assert_eq!(Ops::one(Kind::Add).times(u128::MAX).unwrap().flops(), u128::MAX);
    assert_eq!(Ops::one(Kind::Convert).times(u128::MAX).unwrap().flops(), 0);
}

#[test]
fn bad_input() {
    let new = |sizes: &[u64]| NetworkSpec::new(sizes, Activation::Relu, Activation::Relu, Loss::CROSS_ENTROPY);
    let error = NetworkSpec::with_activations([3, 2, 1], [Activation::Tanh], Loss::CROSS_ENTROPY).unwrap_err();
    assert_eq!(error.to_string(), "a network of 2 layers has an activation for each, and this one has 1");
    assert_eq!(new(&[30]), Err(SpecError::TooFewSizes { found: 1 }));
    assert_eq!(new(&[]), Err(SpecError::TooFewSizes { found: 0 }));
    assert_eq!(new(&[3, 0, 2]).unwrap_err().to_string(), "size 2 of the network must be at least 1, and is 0");
    let spec = new(&[3, 2]).unwrap();
    let formulas = Formulas::textbook::<f32>();
    assert!(matches!(formulas.step(&spec, 0), Err(CountError::Zero { .. })));
    for zero in 0..3 {
        let number = |i| u64::from(i != zero);
        let length = TrainingLength::new(number(0)).with_epochs(number(1)).with_batch(number(2));
        assert!(matches!(formulas.training(&spec, length), Err(CountError::Zero { .. })), "{zero}");
        assert_eq!(length.steps(), 0, "{zero}");
    }
}

/// What is too large to run is refused before anything is allocated; what is too slow is noticed early.
#[test]
fn too_large_to_run() {
    let cpu = Cpu::new(level(), 1);
    let (second, length) = (Duration::from_secs(1), TrainingLength::new(1).with_epochs(1).with_batch(1));
    let large = network(&[40_000, 40_000], Loss::MeanSquaredError);
    let error = verify::<f32>(&network(&[2, 1], Loss::MeanSquaredError), 1, level(), 0).unwrap_err();
    assert_eq!(error.to_string(), "the number of threads must be at least 1, and is 0");
    let small = network(&[2, 1], Loss::MeanSquaredError);
    let error = with_room(|| verify::<f32>(&small, 1, level(), 5)).unwrap_err();
    assert_eq!(error, RunError::Threads { asked: 5, found: 4 });
    assert_eq!(error.to_string(), "5 threads are asked for, and the thread pool here has 4");
    let error = verify::<f32>(&large, 1, level(), 1).unwrap_err();
    let needed = MemoryUse::training::<f32>(&large, 1).unwrap().total;
    assert!(
        error.to_string().starts_with(&format!("the step is too large to run: it needs {needed} bytes")),
        "{error}"
    );
    assert!(matches!(forecast::<f32>(&large, length, &cpu, second), Err(RunError::TooLarge { what: "bytes", .. })));
    let long = network(&[1000, 1000], Loss::MeanSquaredError);
    assert!(matches!(verify::<f32>(&long, 50_000, level(), 1), Err(RunError::TooLarge { what: "operations", .. })));
    let length = TrainingLength::new(4096).with_epochs(length.epochs).with_batch(4096);
    assert!(matches!(
        with_room(|| forecast::<f32>(&long, length, &cpu, Duration::from_micros(1))),
        Err(RunError::TooSlow { rows: 1, batch: 4096, .. })
    ));
}

/// A forecast is the training's count over the measured rate.
#[test]
fn forecasts() {
    let spec = network(&[20, 40, 5], Loss::CROSS_ENTROPY);
    let length = TrainingLength::new(100).with_epochs(7).with_batch(32);
    let budget = Duration::from_millis(60);
    let forecast = with_room(|| forecast::<f32>(&spec, length, &Cpu::new(level(), 1), budget)).unwrap();
    let flops = |ops: Ops| (ops.flops() + ops.inside().flops()) as f64;
    let step = flops(Formulas::textbook::<f32>().step(&spec, 32).unwrap().total.useful);
    let training = flops(Formulas::textbook::<f32>().training(&spec, length).unwrap().useful);
    assert!(forecast.measured_steps > 0 && forecast.seconds_per_step > 0.0);
    // Three roundings in each way of computing them.
    let equal = |a: f64, b: f64| (a / b - 1.0).abs() < 8.0 * f64::EPSILON;
    assert!(equal(forecast.flops_per_second, step / forecast.seconds_per_step));
    assert!(equal(forecast.seconds, forecast.seconds_per_step * training / step));
    // 21 whole batches and 7 of 4 examples: between the two.
    assert!(forecast.seconds > 21.0 * forecast.seconds_per_step && forecast.seconds < 28.0 * forecast.seconds_per_step);
}

/// The serialised form is an interface.
#[test]
fn serialised() {
    let sigmoid = Activation::Sigmoid;
    let spec = NetworkSpec::new([30, 30, 30], sigmoid, sigmoid, Loss::MeanSquaredError).unwrap();
    let step = Formulas::textbook::<f32>().step(&spec, 1).unwrap();
    let expected = json!({
        "multiplications": 1800, "additions": 1800, "flops": 3600,
        "fma": 1800, "mul": 0, "add": 0, "div": 0, "sqrt": 0, "cmp": 0, "convert": 0,
        "functions": {"sigmoid": 60},
        "inside_functions": {
            "multiplications": 840, "additions": 1200, "flops": 2280,
            "fma": 720, "mul": 120, "add": 480, "div": 60, "sqrt": 0, "cmp": 180, "convert": 0,
        },
    });
    assert_eq!(serde_json::to_value(step.forward.useful).unwrap(), expected);

    let verification = with_room(|| verify::<f32>(&spec, 1, Level::named("scalar").unwrap(), 2)).unwrap();
    let Value::Object(map) = serde_json::to_value(&verification).unwrap() else { panic!("a map") };
    assert_eq!(
        map.keys().collect::<Vec<_>>(),
        ["agrees", "bytes_loaded", "bytes_stored", "level", "padding", "tasks", "threads", "useful"]
    );
    assert_eq!((&map["level"], &map["threads"], &map["agrees"]), (&json!("scalar"), &json!(2), &json!(true)));
    let names: std::collections::BTreeSet<_> = CONVENTIONS.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), CONVENTIONS.len());
}

/// Verified at every level and at several thread counts, in both element types.
#[test]
fn verified() {
    let spec = network(&[37, 21, 5], Loss::CROSS_ENTROPY);
    for level in Level::available() {
        for threads in [1, 3] {
            let verifications = with_room(|| {
                [verify::<f32>(&spec, 33, level, threads), verify::<f64>(&spec, 33, level, threads)].map(Result::unwrap)
            });
            for verification in verifications {
                assert!(verification.agrees(), "{:?}", verification.differences());
                assert_eq!((verification.level(), verification.threads()), (level, threads));
                assert_eq!(
                    verification.padding().own().fma() == 0,
                    level.shape::<f32>().lanes == 1 || !level.shape::<f32>().fused
                );
            }
        }
    }
}
