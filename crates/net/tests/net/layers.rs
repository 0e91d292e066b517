//! Layers as text, and networks of layers that are not all dense ones with biases.

use nxm_kernels::Activation;
use nxm_net::{Checkpoint, Dataset, Layer, LayerError, Network, Optimizer, Training, TrainingOptions, parse_layers};

use crate::support::{bits, cpu, numbers};

/// Layers of every kind that a training may have.
const TEXTS: [&str; 2] = ["7 relu no_bias, 5 gelu, 2", "9, 3 tanh no_bias, 2 no_bias"];

/// A network of these layers on 4 inputs.
fn network(text: &str) -> Network<f64> {
    parse_layers(text)
        .unwrap()
        .into_iter()
        .fold(Network::builder(4).seed(3), |network, layer| network.layer(layer))
        .build()
        .unwrap()
}

fn data() -> Dataset<f64> {
    Dataset::regression(numbers(4 * 20, 1), 4, numbers(2 * 20, 2), 2).unwrap()
}

fn options() -> TrainingOptions {
    TrainingOptions::default().with_optimizer(Optimizer::adam(0.01)).with_batch(6).with_epochs(3).with_seed(5)
}

#[test]
fn what_is_displayed_reads_back() {
    for text in TEXTS {
        let layers = parse_layers(text).unwrap();
        let shown: Vec<String> = layers.iter().map(Layer::to_string).collect();
        assert_eq!(shown.join(", "), text);
    }
    for activation in Activation::ALL {
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
    for (text, place, word) in [("three", 1, "three"), ("3, 4 sine", 2, "sine"), ("-3", 1, "-3")] {
        assert!(matches!(error(text), LayerError::Word { layer, found, .. } if layer == place && found == word));
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
