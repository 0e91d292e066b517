//! Softmax and log-softmax as layers, and the losses that go with them.

use nxm_kernels::{Activation, MatrixRef, reference};
use nxm_net::{
    Checkpoint, Dataset, Layer, Loss, NetError, Network, Sgd, Step, Targets, Training, TrainingOptions, parse_layers,
};

use crate::support::{bits, cpu, examples, losses, numbers};

const INPUTS: usize = 4;
const CLASSES: usize = 3;
const ROWS: usize = 7;

fn network(text: &str) -> Network<f64> {
    let builder = Network::builder(INPUTS).seed(5);
    parse_layers(text).unwrap().into_iter().fold(builder, |network, layer| network.layer(layer)).build().unwrap()
}

/// Probabilities of classes as targets.
fn soft(loss: &Loss) -> Dataset<f64> {
    examples(loss, ROWS, INPUTS, CLASSES, 2)
}

/// Loss, then all gradients of the first layer.
fn gradients(network: &Network<f64>, loss: &Loss, data: &Dataset<f64>) -> Vec<f64> {
    let mut step = Step::new(network, loss, ROWS).unwrap();
    let loss = step.gradients(network, &cpu(), data.inputs(), data.targets()).unwrap();
    [vec![loss], step.weight_gradient(0).to_vec(), step.bias_gradient(0).to_vec()].concat()
}

#[track_caller]
fn assert_close(given: &[f64], expected: &[f64]) {
    assert_eq!(given.len(), expected.len());
    for (given, expected) in given.iter().zip(expected) {
        assert!((given - expected).abs() <= 1e-13 * expected.abs().max(1.0), "{given} for {expected}");
    }
}

#[test]
fn outputs_are_those_of_plain_loops() {
    let x = numbers::<f64>(ROWS * INPUTS, 1);
    let x = MatrixRef::new(&x, ROWS, INPUTS).unwrap();
    let plain = network("5 tanh, 3").predict(&cpu(), x).unwrap();
    for (text, of_row) in [
        ("5 tanh, 3, softmax", reference::softmax as fn(&mut [f64])),
        ("5 tanh, 3, log_softmax", reference::log_softmax as fn(&mut [f64])),
    ] {
        let mut expected = plain.clone();
        expected.chunks_mut(CLASSES).for_each(of_row);
        assert_close(&network(text).predict(&cpu(), x).unwrap(), &expected);
    }
}

/// Cross-entropy behind a log-softmax is the negative log-likelihood: it is that of the logits, with the same gradients.
#[test]
fn cross_entropy_behind_a_log_softmax_is_that_of_the_logits() {
    for loss in losses(CLASSES) {
        if !matches!(loss, Loss::CrossEntropy { .. } | Loss::SoftCrossEntropy { .. }) {
            continue;
        }
        let data = soft(&loss);
        let [given, expected] =
            ["5 tanh, 3, log_softmax", "5 tanh, 3"].map(|text| gradients(&network(text), &loss, &data));
        assert_close(&given, &expected);
    }
}

/// Rows of a single 1 are labels; and as a sum they may have class weights and label smoothing.
#[test]
fn rows_of_a_single_one_are_labels() {
    let network = network("5 tanh, 3");
    let data = soft(&Loss::CROSS_ENTROPY);
    let Targets::Classes(labels) = data.targets() else { unreachable!() };
    let ones =
        labels.iter().flat_map(|label| (0..CLASSES as u32).map(move |class| f64::from(u8::from(class == *label))));
    let hot = Dataset::regression(data.inputs().to_vec(), INPUTS, ones.collect(), CLASSES).unwrap();
    assert_close(
        &gradients(&network, &Loss::SOFT_CROSS_ENTROPY, &hot),
        &gradients(&network, &Loss::CROSS_ENTROPY, &data),
    );
    let class_weights = vec![0.5, 1.0, 3.0];
    let sum_of_weights: f64 = labels.iter().map(|label| class_weights[*label as usize]).sum();
    let of_labels = Loss::CrossEntropy { label_smoothing: 0.2, class_weights: class_weights.clone() };
    let of_rows = Loss::SoftCrossEntropy { label_smoothing: 0.2, class_weights }.summed();
    let mean: Vec<f64> =
        gradients(&network, &of_labels, &data).into_iter().map(|number| number * sum_of_weights).collect();
    assert_close(&gradients(&network, &of_rows, &hot), &mean);
}

/// Divergence and cross-entropy differ by what depends on the targets alone: gradients are the same.
#[test]
fn the_divergence_of_a_log_softmax_has_the_gradient_of_soft_cross_entropy() {
    let data = soft(&Loss::SOFT_CROSS_ENTROPY);
    let divergence = gradients(&network("5 tanh, 3, log_softmax"), &Loss::KL_DIVERGENCE, &data);
    let cross_entropy = gradients(&network("5 tanh, 3"), &Loss::SOFT_CROSS_ENTROPY, &data);
    assert_close(&divergence[1..], &cross_entropy[1..]);
}

#[test]
fn targets_that_are_logarithms_give_the_same_divergence() {
    let network = network("5 tanh, 3, log_softmax");
    let targets: Vec<f64> = numbers::<f64>(ROWS * CLASSES, 3).iter().map(|x| 0.1 + x.abs()).collect();
    let logs = targets.iter().map(|t| t.ln()).collect();
    let inputs = numbers(ROWS * INPUTS, 1);
    let [plain, logs] =
        [targets, logs].map(|targets| Dataset::regression(inputs.clone(), INPUTS, targets, CLASSES).unwrap());
    for mean_of_elements in [false, true] {
        let of = |log_target| Loss::KlDivergence { log_target, mean_of_elements };
        assert_close(&gradients(&network, &of(true), &logs), &gradients(&network, &of(false), &plain));
    }
    let [batch, elements] = [false, true].map(|mean_of_elements| {
        gradients(&network, &Loss::KlDivergence { log_target: false, mean_of_elements }, &plain)
    });
    assert_close(&elements.iter().map(|number| number * CLASSES as f64).collect::<Vec<f64>>(), &batch);
}

/// A softmax before a loss that has its own is refused, by its last layer's name, before anything is allocated or changed.
#[test]
fn a_loss_of_logits_behind_a_softmax_is_refused() {
    let mut network = self::network("5 tanh, 3, softmax");
    for loss in [Loss::CROSS_ENTROPY, Loss::SOFT_CROSS_ENTROPY, Loss::BINARY_CROSS_ENTROPY] {
        for loss in [loss.clone(), loss.summed()] {
            let error = NetError::SoftmaxTwice { loss: loss.name() };
            assert_eq!(Step::new(&network, &loss, 1).map(|_| ()), Err(error.clone()));
            let data = soft(&loss);
            assert_eq!(network.evaluate(&cpu(), &data, &loss), Err(error.clone()));
            let options = TrainingOptions::new(loss, Sgd::new(0.1));
            assert_eq!(Training::new(&mut network, &cpu(), &data, options).map(|_| ()), Err(error));
        }
    }
    assert!(Step::new(&network, &Loss::MeanSquaredError, 1).is_ok());
    // Elsewhere than at the end it is a layer like others.
    assert!(Step::new(&self::network("5, softmax, 3"), &Loss::CROSS_ENTROPY, 1).is_ok());
}

/// Outputs of a softmax are probabilities already, those of a log-softmax their logarithms, whatever the loss is.
#[test]
fn probabilities_are_not_softmaxed_twice() {
    let x = numbers::<f64>(ROWS * INPUTS, 1);
    let x = MatrixRef::new(&x, ROWS, INPUTS).unwrap();
    let of = |text: &str, loss: &Loss| network(text).predict_probabilities(&cpu(), x, loss);
    let expected = of("5 tanh, 3", &Loss::CROSS_ENTROPY).unwrap();
    assert_close(&of("5 tanh, 3", &Loss::SOFT_CROSS_ENTROPY).unwrap(), &expected);
    assert_close(&of("5 tanh, 3", &Loss::CROSS_ENTROPY.summed()).unwrap(), &expected);
    for loss in [Loss::MeanSquaredError, Loss::KL_DIVERGENCE] {
        assert_close(&of("5 tanh, 3, softmax", &loss).unwrap(), &expected);
        assert_close(&of("5 tanh, 3, log_softmax", &loss).unwrap(), &expected);
        assert_eq!(of("5 tanh, 3", &loss), Err(NetError::NoProbabilities { loss: loss.name() }));
    }
}

/// A file has the layers and the loss, with all their options.
#[test]
fn files_have_softmaxes_and_their_losses() {
    for (text, loss) in [
        ("5 tanh, softmax, 3, log_softmax", Loss::KlDivergence { log_target: true, mean_of_elements: true }),
        ("5 tanh, 3, log_softmax", Loss::KL_DIVERGENCE),
        ("5 tanh, 3, softmax", Loss::MeanSquaredError),
        ("5 tanh, 3", Loss::SoftCrossEntropy { label_smoothing: 0.1, class_weights: vec![1.0, 2.0, 0.5] }),
    ] {
        let (mut network, data, executor) = (network(text), soft(&loss), cpu());
        let options = TrainingOptions::new(loss.clone(), Sgd::new(0.1).with_momentum(0.9)).with_batch(3).with_epochs(2);
        let mut training = Training::new(&mut network, &executor, &data, options).unwrap();
        training.step().unwrap().unwrap();
        let checkpoint = training.checkpoint();
        let mut read = Checkpoint::<f64>::from_bytes(&checkpoint.to_bytes().unwrap()).unwrap();
        assert_eq!(read, checkpoint);
        assert_eq!(read.options.loss, loss);
        drop(checkpoint);
        training.for_each(|epoch| _ = epoch.unwrap());
        read.resume(&executor, &data).unwrap().for_each(|epoch| _ = epoch.unwrap());
        assert_eq!(bits(&read.network), bits(&network), "{text}");
    }
}

#[test]
fn a_summary_names_them() {
    let network = network("5 tanh, 3, softmax");
    assert_eq!(network.layer(2).layer(), Layer::Softmax);
    assert_eq!((network.layer(2).parameters(), network.layer(2).activation()), (0, Activation::Identity));
    assert!(network.summary().to_string().contains("2 softmax"));
}
