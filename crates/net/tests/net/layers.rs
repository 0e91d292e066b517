//! Layers as text, and networks of layers that are not all dense ones with biases.

use nxm_kernels::{Activation, Cpu, MatrixRef};
use nxm_net::{
    AdamW, Checkpoint, Dataset, Layer, LayerError, Loss, NetError, Network, NetworkSpec, Optimizer, OptimizerState,
    Sgd, SpecError, Step, Targets, Training, TrainingOptions, parse_layers,
};

use crate::support::{bits, cpu, fill, fused_levels, numbers};

/// Layers of every kind that a training may have.
pub const TEXTS: [&str; 7] = [
    "7 relu no_bias, 5 gelu, 2",
    "9, 3 tanh no_bias, 2 no_bias",
    "9 relu, layer_norm, dropout 0.25, 6, layer_norm eps 0.001 gelu, 2",
    "20 tanh, dropout 0.5, 2, dropout 0.1",
    "9 no_bias, batch_norm relu, 6, batch_norm eps 0.001 momentum 0.2 gelu, 2",
    "7 no_bias, batch_norm momentum 0.5, dropout 0.25, layer_norm silu, 2 no_bias, batch_norm",
    "8 no_bias, layer_norm mish, dropout 0.0, layer_norm tanh, 2",
];

/// A network of these layers on 4 inputs.
pub fn network(text: &str) -> Network<f64> {
    parse_layers(text)
        .unwrap()
        .into_iter()
        .fold(Network::builder(4).seed(3), |network, layer| network.layer(layer))
        .build()
        .unwrap()
}

pub fn data() -> Dataset<f64> {
    Dataset::regression(numbers(4 * 20, 1), 4, numbers(2 * 20, 2), 2).unwrap()
}

pub fn options() -> TrainingOptions {
    TrainingOptions::default().with_optimizer(Optimizer::adam(0.01)).with_batch(6).with_epochs(3).with_seed(5)
}

#[test]
fn what_is_displayed_reads_back() {
    for text in TEXTS {
        let layers = parse_layers(text).unwrap();
        let shown: Vec<String> = layers.iter().map(Layer::to_string).collect();
        assert_eq!(shown.join(", "), text);
    }
    for activation in Activation::samples() {
        for layer in [Layer::dense(3, activation), Layer::dense(3, activation).without_bias()] {
            assert_eq!(layer.to_string().parse(), Ok(layer));
        }
    }
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let error = |text: &str| parse_layers(text).unwrap_err();
    assert_eq!(error(""), LayerError::Missing { layer: 1 });
    assert_eq!(error("3,,4"), LayerError::Missing { layer: 2 });
    for units in ["0", "99999999999999999999"] {
        assert_eq!(error(&format!("3, {units}")), LayerError::Units { layer: 2, found: units.to_owned() });
    }
    assert_eq!(error("3 no_bias no_bias"), LayerError::Twice { layer: 1, option: "no_bias" });
    assert_eq!(error("3 relu, 4 relu tanh"), LayerError::Twice { layer: 2, option: "an activation" });
    let setting = |text: &str| match error(text) {
        LayerError::Setting { layer, name, .. } => (layer, name),
        other => panic!("{other}"),
    };
    for rate in ["", "x", "-0.1", "1.0", "nan"] {
        assert_eq!(setting(&format!("3, dropout {rate}")), (2, "the rate of dropout"));
    }
    for epsilon in ["", "x", "0", "-1", "inf"] {
        assert_eq!(setting(&format!("3, layer_norm eps {epsilon}")), (2, "eps"));
        assert_eq!(setting(&format!("3, batch_norm eps {epsilon}")), (2, "eps"));
    }
    for momentum in ["", "x", "-0.1", "1.1", "nan"] {
        assert_eq!(setting(&format!("3, batch_norm momentum {momentum}")), (2, "momentum"));
    }
    for (text, place, word) in
        [("3, dropout 0.1 relu", 2, "relu"), ("layer_norm no_bias", 1, "no_bias"), ("3 eps", 1, "eps")]
    {
        assert!(matches!(error(text), LayerError::Word { layer, found, .. } if layer == place && found == word));
    }
    for (text, place, word) in [("three", 1, "three"), ("3, 4 sine", 2, "sine"), ("-3", 1, "-3")] {
        assert!(matches!(error(text), LayerError::Word { layer, found, .. } if layer == place && found == word));
    }
}

/// Parameters of an activation stand in parentheses, where a comma ends no layer and a space no word.
#[test]
fn activations_have_parameters_in_parentheses() {
    let layers =
        parse_layers("128 softplus(2,3), 64 leaky_relu(0.2) no_bias, layer_norm celu( 0.7 ), 10 softplus(1, 20)");
    let expected = [
        Layer::dense(128, Activation::softplus(2.0, 3.0)),
        Layer::dense(64, Activation::leaky_relu(0.2)).without_bias(),
        Layer::layer_norm().with_activation(Activation::celu(0.7)),
        Layer::dense(10, Activation::SOFTPLUS),
    ];
    assert_eq!(layers, Ok(expected.to_vec()));
    let shown: Vec<String> = expected.iter().map(Layer::to_string).collect();
    assert_eq!(shown.join(", "), "128 softplus(2,3), 64 leaky_relu(0.2) no_bias, layer_norm celu(0.7), 10 softplus");
    for (text, place, part) in [
        ("3, 4 leaky_relu(-1)", 2, "the slope of leaky_relu is -1; expected a number from 0 to 1e30"),
        ("3 celu(0)", 1, "the alpha of celu is 0; expected a number from 1e-30 to 1e30"),
        ("3 softplus(2)", 1, "softplus(beta,threshold)"),
        ("3, 4 elu(x, 5 relu", 2, "elu(alpha)"),
    ] {
        let error = parse_layers(text).unwrap_err();
        assert!(matches!(error, LayerError::Activation { layer, .. } if layer == place), "{error}");
        assert!(error.to_string().contains(part), "{error}");
    }
}

/// Parameters out of their ranges are refused before there is a network.
#[test]
fn networks_with_impossible_activations_are_refused() {
    for activation in [Activation::leaky_relu(f64::NAN), Activation::elu(-1.0), Activation::celu(0.0)] {
        let error = activation.check().unwrap_err();
        let expected = LayerError::Activation { layer: 2, error };
        let built = Network::<f32>::builder(4).dense(3, Activation::Relu).dense(2, activation).build();
        assert_eq!(built.unwrap_err(), NetError::Layers(expected.clone()));
        let layers = [Layer::dense(3, Activation::Relu), Layer::dense(2, activation)];
        let spec = NetworkSpec::with_layers(4, layers, Loss::MeanSquaredError);
        assert_eq!(spec.unwrap_err(), SpecError::Layers(expected.clone()));
        let spec = NetworkSpec::new([4, 3, 2], Activation::Relu, activation, Loss::MeanSquaredError);
        assert_eq!(spec.unwrap_err(), SpecError::Layers(expected));
    }
}

#[test]
fn a_resumed_training_ends_as_one_that_was_not_interrupted() {
    for text in TEXTS {
        let (data, executor) = (data(), cpu());
        let mut whole = network(text);
        Training::new(&mut whole, &executor, &data, options()).unwrap().for_each(|epoch| _ = epoch.unwrap());
        let mut begun = network(text);
        let mut training = Training::new(&mut begun, &executor, &data, options()).unwrap();
        for _ in 0..5 {
            training.step().unwrap().unwrap();
        }
        let bytes = training.checkpoint().to_bytes().unwrap();
        let mut read = Checkpoint::<f64>::from_bytes(&bytes).unwrap();
        assert_eq!(read.to_bytes().unwrap(), bytes);
        read.resume(&executor, &data).unwrap().for_each(|epoch| _ = epoch.unwrap());
        assert_eq!(bits(&read.network), bits(&whole), "{text}");
    }
}

/// Norms and dropouts need sums of their own first: a network begins with a dense layer, and all settings are in their ranges.
#[test]
fn layers_that_do_not_fit_are_refused() {
    for layers in [vec![Layer::layer_norm(), Layer::dense(2, Activation::Identity)], vec![Layer::dropout(0.5)]] {
        let expected = LayerError::First { found: layers[0].kind() };
        let built = layers.iter().fold(Network::<f32>::builder(4), |network, layer| network.layer(*layer)).build();
        assert_eq!(built.unwrap_err(), NetError::Layers(expected.clone()));
        let spec = NetworkSpec::with_layers(4, layers, Loss::MeanSquaredError);
        assert_eq!(spec.unwrap_err(), SpecError::Layers(expected));
    }
    for wrong in [Layer::dropout(1.0), Layer::dropout(f64::NAN), Layer::layer_norm().with_epsilon(0.0)] {
        let built = Network::<f32>::builder(4).dense(3, Activation::Relu).layer(wrong).build();
        assert!(matches!(built, Err(NetError::Layers(LayerError::Setting { layer: 2, .. }))), "{wrong}");
    }
}

/// In training, an output is dropped or scaled by 1 / (1 − rate), and so is its gradient; evaluation and prediction leave dropout out.
#[test]
fn dropout_is_what_its_definition_says() {
    let (rows, units, rate) = (64, 50, 0.25);
    // All outputs of the first layer are 1: its weights are 0 and its biases 1.
    let mut network: Network<f64> = Network::builder(3)
        .dense(units, Activation::Identity)
        .layer(Layer::dropout(rate))
        .dense(1, Activation::Identity)
        .build()
        .unwrap();
    let zeros = vec![0.0; 3 * units];
    fill(network.layer_mut(0).weights_mut(), &zeros);
    network.layer_mut(0).bias_mut().fill(1.0);
    fill(network.layer_mut(2).weights_mut(), &vec![1.0; units]);
    let x = numbers(rows * 3, 1);
    let x = MatrixRef::new(&x, rows, 3).unwrap();
    let outputs = network.predict(&cpu(), x).unwrap();
    assert!(outputs.iter().all(|output| *output == units as f64));
    // With targets far away, the loss's gradient is the same for all rows, so that of a bias says how often its unit was kept.
    let targets = vec![0.0; rows];
    let targets = Targets::Values(MatrixRef::new(&targets, rows, 1).unwrap());
    let mut step = Step::new(&network, &Loss::L1, rows).unwrap().with_seed(7);
    let loss = step.gradients(&network, &cpu(), x, targets).unwrap();
    let scale = 1.0 / (1.0 - rate);
    let kept: Vec<f64> = step.bias_gradient(0).to_vec().iter().map(|g| g * rows as f64 / scale).collect();
    assert!(kept.iter().all(|kept| (kept - kept.round()).abs() < 1e-9), "{kept:?}");
    let share = kept.iter().sum::<f64>() / (rows * units) as f64;
    assert!((share - (1.0 - rate)).abs() < 5.0 * (rate * (1.0 - rate) / (rows * units) as f64).sqrt(), "{share}");
    // The mean of |o| is that of the sums of the kept, and the gradient of the last layer's weights is how often each was.
    assert!((loss - kept.iter().sum::<f64>() * scale / rows as f64).abs() < 1e-9);
    let gradient = step.weight_gradient(2).to_vec();
    assert!(gradient.iter().zip(&kept).all(|(g, kept)| (g * rows as f64 / scale - kept).abs() < 1e-9));
    // The next step has another mask, the same step the same.
    let again = Step::new(&network, &Loss::L1, rows).unwrap().with_seed(7).gradients(&network, &cpu(), x, targets);
    assert_eq!(again.unwrap(), loss);
    let mut next = Step::new(&network, &Loss::L1, rows).unwrap().with_seed(7).after_steps(1);
    assert_ne!(next.gradients(&network, &cpu(), x, targets).unwrap(), loss);
}

/// A training ends with the same bits at every level and number of threads; and a step in two parts is one step.
#[test]
fn bits_do_not_depend_on_levels_and_threads() {
    for text in TEXTS {
        let data = data();
        let trained = |cpu: &Cpu| {
            let mut network = network(text);
            Training::new(&mut network, cpu, &data, options()).unwrap().for_each(|epoch| _ = epoch.unwrap());
            bits(&network)
        };
        let expected = trained(&cpu());
        for (level, threads) in fused_levels().into_iter().flat_map(|level| [1, 3].map(|threads| (level, threads))) {
            assert_eq!(trained(&Cpu::new(level, threads)), expected, "{text} at {level} on {threads}");
        }
        let mut parts = network(text);
        let mut whole = network(text);
        let mut state = OptimizerState::new(Optimizer::adam(0.01), &parts).unwrap();
        let mut other = state.clone();
        let [mut one, mut two] = [(); 2].map(|()| Step::new(&parts, &Loss::MeanSquaredError, 20).unwrap().with_seed(9));
        for _ in 0..3 {
            one.gradients(&parts, &cpu(), data.inputs(), data.targets()).unwrap();
            one.update(&mut parts, &cpu(), &mut state).unwrap();
            two.train(&mut whole, &cpu(), data.inputs(), data.targets(), &mut other).unwrap();
        }
        assert_eq!(bits(&parts), bits(&whole), "{text}");
    }
}

/// Where biases do not decay, scale and shift of norms do not either, as in PyTorch's group of parameters with `weight_decay=0`: after a step they
/// are those of a training without decay, and weights of dense layers are not. In one part and in two.
#[test]
fn biases_and_norms_stay_out_of_weight_decay() {
    const DECAY: f64 = 0.5;
    let (sgd, adamw) = (Sgd::new(0.1), AdamW::new(0.01));
    let pairs: [(Optimizer, Optimizer); 2] = [
        (sgd.with_weight_decay(DECAY).with_bias_decay(false).into(), sgd.into()),
        (adamw.with_weight_decay(DECAY).with_bias_decay(false).into(), adamw.with_weight_decay(0.0).into()),
    ];
    for (text, (decaying, without), in_two) in TEXTS
        .into_iter()
        .flat_map(|text| pairs.map(|(one, other)| [false, true].map(|two| (text, (one, other), two))))
        .flatten()
    {
        let [decayed, plain] = [decaying, without].map(|optimizer| {
            let (mut network, data) = (network(text), data());
            let mut step = Step::new(&network, &Loss::MeanSquaredError, 20).unwrap();
            let mut state = OptimizerState::new(optimizer, &network).unwrap();
            match in_two {
                false => _ = step.train(&mut network, &cpu(), data.inputs(), data.targets(), &mut state).unwrap(),
                true => {
                    step.gradients(&network, &cpu(), data.inputs(), data.targets()).unwrap();
                    step.update(&mut network, &cpu(), &mut state).unwrap();
                }
            }
            network
        });
        for (one, other) in decayed.layers().zip(plain.layers()) {
            assert_eq!(one.bias(), other.bias(), "{text}, {decaying:?}");
            let [weights, of_plain] = [one, other].map(|layer| layer.weights().to_vec());
            assert_eq!(weights != of_plain, one.layer().is_dense(), "{}, {text}, {decaying:?}", one.layer());
        }
    }
}

/// Gradients are central differences of the loss of the same step, whose masks are the same.
#[test]
fn gradients_are_central_differences() {
    const H: f64 = 1e-5;
    // Without kinks.
    for text in [
        "7 tanh no_bias, 5 gelu, 2",
        "9 silu, layer_norm, dropout 0.25, 6, layer_norm eps 0.001 gelu, 2, dropout 0.1",
        "9 silu, batch_norm, dropout 0.25, 6 no_bias, batch_norm eps 0.001 gelu, 2, batch_norm tanh",
    ] {
        let (mut network, data) = (network(text), data());
        let loss_of = |network: &Network<f64>| {
            let mut step = Step::new(network, &Loss::MeanSquaredError, 20).unwrap().with_seed(3);
            let loss = step.gradients(network, &cpu(), data.inputs(), data.targets()).unwrap();
            (loss, step)
        };
        let layers = network.layers().len();
        for l in 0..layers {
            let mut layer = network.layer_mut(l);
            for (j, bias) in layer.bias_mut().iter_mut().enumerate() {
                *bias += 0.1 * (j as f64).sin();
            }
            if layer.as_ref().weights().rows() == 1 {
                layer.weights_mut().row(0).iter_mut().enumerate().for_each(|(j, w)| *w += 0.1 * (j as f64).cos());
            }
        }
        let (_, step) = loss_of(&network);
        for l in 0..layers {
            let [weights, bias] = [step.weight_gradient(l).to_vec(), step.bias_gradient(l).to_vec()];
            let cols = network.layer(l).weights().cols();
            let given = weights.iter().chain(&bias).copied().enumerate();
            for (i, given) in given {
                let moved = |by: f64| {
                    let mut moved = network.clone();
                    let mut layer = moved.layer_mut(l);
                    match i.checked_sub(weights.len()) {
                        None => *layer.weights_mut().at(i / cols, i % cols) += by,
                        Some(i) => layer.bias_mut()[i] += by,
                    }
                    loss_of(&moved).0
                };
                let expected = (moved(H) - moved(-H)) / (2.0 * H);
                let off = (given - expected).abs();
                assert!(off <= 1e-7 * expected.abs().max(1.0), "{text}, layer {l}, {i}: {given} for {expected}");
            }
        }
    }
}

/// A batch norm has no variance of one example: a training with a batch of one is refused before it begins, also where it is an epoch's last.
#[test]
fn batch_norm_on_one_example_is_refused() {
    let (mut network, data) = (network("3 tanh, batch_norm, 2"), data());
    let executor = cpu();
    let error = NetError::OneExample { layer: 1 };
    let before = network.clone();
    for batch in [1, 19] {
        let training = Training::new(&mut network, &executor, &data, options().with_batch(batch));
        assert_eq!(training.map(|_| ()).unwrap_err(), error, "batches of {batch}");
    }
    assert!(Training::new(&mut network, &executor, &data, options().with_batch(20)).is_ok());
    let mut step = Step::new(&network, &Loss::MeanSquaredError, 20).unwrap();
    let (one, rest) = data.split_at(1);
    let mut state = OptimizerState::new(Optimizer::adam(0.01), &network).unwrap();
    let trained = step.train(&mut network, &executor, one.inputs(), one.targets(), &mut state);
    assert_eq!(trained.unwrap_err(), error);
    assert_eq!(step.accumulate(&mut network, &executor, one.inputs(), one.targets(), 2).unwrap_err(), error);
    assert_eq!(network, before);
    assert!(step.train(&mut network, &executor, rest.inputs(), rest.targets(), &mut state).is_ok());
    // To evaluate and to predict one is fine.
    assert!(network.evaluate(&executor, &one, &Loss::MeanSquaredError).is_ok());
}

/// The running statistics move with each micro-batch; nothing else of the network does before the update.
#[test]
fn micro_batches_move_running_statistics() {
    let (mut network, data) = (network("3 tanh, batch_norm momentum 0.25, 2"), data());
    let (first, second) = data.split_at(8);
    let mut step = Step::new(&network, &Loss::MeanSquaredError, 20).unwrap();
    let begun = network.clone();
    let mut expected = begun.layer(1).running_mean().to_vec();
    for part in [&first, &second] {
        step.accumulate(&mut network, &cpu(), part.inputs(), part.targets(), 2).unwrap();
        // The mean of the layer below, by a prediction of a network that ends there.
        let mut below: Network<f64> = Network::builder(4).dense(3, Activation::Tanh).build().unwrap();
        fill(below.layer_mut(0).weights_mut(), &begun.layer(0).weights().to_vec());
        let outputs = below.predict(&cpu(), part.inputs()).unwrap();
        for (j, expected) in expected.iter_mut().enumerate() {
            let mean = outputs.iter().skip(j).step_by(3).sum::<f64>() / part.len() as f64;
            *expected = 0.75 * *expected + 0.25 * mean;
        }
        let given = network.layer(1);
        assert!(given.running_mean().iter().zip(&expected).all(|(given, expected)| (given - expected).abs() < 1e-12));
        assert_eq!(given.weights().to_vec(), begun.layer(1).weights().to_vec());
    }
    let moved = network.layer(1).running_mean().to_vec();
    let mut state = OptimizerState::new(Optimizer::sgd(0.1), &network).unwrap();
    step.update(&mut network, &cpu(), &mut state).unwrap();
    assert_eq!(network.layer(1).running_mean(), moved);
    assert_ne!(network.layer(1).weights().to_vec(), begun.layer(1).weights().to_vec());
}
