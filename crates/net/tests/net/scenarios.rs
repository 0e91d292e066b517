//! What scikit-learn asks of every estimator, asked of a network.

use nxm_kernels::Activation;
use nxm_net::{
    Adam, Cpu, Dataset, Loss, NetError, Network, Optimizer, OptimizerState, Targets, TrainingOptions, TrainingState,
    shuffle_rows,
};

use crate::support::{bits, cpu, examples, fill, network, optimizers};

const ENTROPY: Loss = Loss::CROSS_ENTROPY;

/// 1,797 images of 8×8 pixels of 0 to 16, which the program comes with.
fn digits() -> Dataset<f32> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../cli/data/digits.csv")).unwrap();
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for line in text.lines().skip(1) {
        let (image, label) = line.rsplit_once(',').unwrap();
        pixels.extend(image.split(',').map(|pixel| pixel.parse::<f32>().unwrap() / 16.0));
        labels.push(label.parse().unwrap());
    }
    Dataset::classification(pixels, 64, labels, 10).unwrap()
}

#[test]
fn digits_are_told_apart_in_a_few_lines() {
    let (held_out, train) = digits().shuffled(1).split_at(360);
    let mut network: Network =
        Network::builder(64).dense(64, Activation::Relu).dense(10, Activation::Identity).build().unwrap();
    let options = TrainingOptions::new(ENTROPY, Adam::new(0.003)).with_epochs(20);
    network.fit(&cpu(), &train, options).unwrap();
    let accuracy = network.evaluate(&cpu(), &held_out, &ENTROPY).unwrap().accuracy.unwrap();
    assert!(accuracy > 0.95, "{accuracy}");
    let right = network.predict_classes(&cpu(), held_out.inputs()).unwrap();
    let Targets::Classes(labels) = held_out.targets() else { unreachable!("labels") };
    let right = right.iter().zip(labels).filter(|(class, label)| class == label).count();
    assert_eq!(right as f64 / held_out.len() as f64, accuracy);
}

#[test]
fn permuting_rows_and_undoing_it_changes_no_bit() {
    const ROWS: usize = 300;
    let data = examples::<f32>(&ENTROPY, ROWS, 5, 3, 1);
    let mut rows: Vec<usize> = (0..ROWS).collect();
    shuffle_rows(&mut rows, 9);
    let permuted = data.shuffled(9);
    let mut net = network::<f32>(&[5, 16, 3], Activation::Gelu, Activation::Identity, 1);
    net.fit(&cpu(), &data, TrainingOptions::new(ENTROPY, Adam::new(0.01)).with_epochs(2)).unwrap();
    // What stood in row `from` stands in row `to`.
    let undone = |outputs: &[f32]| {
        let mut back = vec![0u32; outputs.len()];
        for (to, from) in rows.iter().enumerate() {
            (0..3).for_each(|j| back[from * 3 + j] = outputs[to * 3 + j].to_bits());
        }
        back
    };
    let given = |outputs: Vec<f32>| outputs.into_iter().map(f32::to_bits).collect::<Vec<_>>();
    assert_eq!(
        undone(&net.predict(&cpu(), permuted.inputs()).unwrap()),
        given(net.predict(&cpu(), data.inputs()).unwrap())
    );
    let probabilities = |data: &Dataset<f32>| net.predict_probabilities(&cpu(), data.inputs(), &ENTROPY).unwrap();
    assert_eq!(undone(&probabilities(&permuted)), given(probabilities(&data)));
    let classes = net.predict_classes(&cpu(), data.inputs()).unwrap();
    let of_permuted = net.predict_classes(&cpu(), permuted.inputs()).unwrap();
    assert!(rows.iter().zip(of_permuted).all(|(row, class)| classes[*row] == class));
}

/// A feature that is 0 in every row is as if it were not there: no other weight has another bit, whatever the optimizer.
#[test]
fn a_feature_that_is_always_zero_changes_nothing() {
    const ROWS: usize = 20;
    const FEATURES: usize = 3;
    let data = examples::<f32>(&ENTROPY, ROWS, FEATURES, 2, 1);
    let Targets::Classes(labels) = data.targets() else { unreachable!("labels") };
    let inputs = (0..ROWS).flat_map(|row| data.inputs().row(row).iter().copied().chain([0.0]).collect::<Vec<_>>());
    let wider = Dataset::classification(inputs.collect(), FEATURES + 1, labels.to_vec(), 2).unwrap();
    // Muon's step depends on all weights of a layer, and on how many rows they have.
    for optimizer in optimizers().into_iter().filter(|optimizer| !matches!(optimizer, Optimizer::Muon(_))) {
        let mut net = network::<f32>(&[FEATURES, 8, 2], Activation::Tanh, Activation::Identity, 1);
        let mut wide = network::<f32>(&[FEATURES + 1, 8, 2], Activation::Tanh, Activation::Identity, 1);
        let weights = net.layer(0).weights().to_vec();
        fill(wide.layer_mut(0).weights_mut(), &[&weights[..], &[0.5; 8]].concat());
        wide.layer_mut(0).bias_mut().copy_from_slice(net.layer(0).bias());
        let last = net.layer(1).weights().to_vec();
        fill(wide.layer_mut(1).weights_mut(), &last);
        wide.layer_mut(1).bias_mut().copy_from_slice(net.layer(1).bias());

        let options = TrainingOptions::new(ENTROPY, optimizer).with_batch(6).with_epochs(5);
        let [plain, with_zero] = [net.fit(&cpu(), &data, options.clone()), wide.fit(&cpu(), &wider, options)];
        assert_eq!(plain.unwrap().epochs, with_zero.unwrap().epochs, "{optimizer:?}");
        let left = [wide.layer(0).weights().block(0, 0, FEATURES, 8).to_vec(), wide.layer(0).bias().to_vec()].concat();
        assert_eq!(left, [net.layer(0).weights().to_vec(), net.layer(0).bias().to_vec()].concat(), "{optimizer:?}");
    }
}

/// A feature that is the same in every row is another bias: training stays finite, and learns from the others.
#[test]
fn a_constant_feature_does_no_harm() {
    let xs: Vec<f32> = (0..80).flat_map(|i| [i as f32 / 40.0 - 1.0, 3.0]).collect();
    let labels = (0..80).map(|i| u32::from(i >= 40)).collect();
    let data = Dataset::classification(xs, 2, labels, 2).unwrap();
    let mut net = network::<f32>(&[2, 8, 2], Activation::Tanh, Activation::Identity, 1);
    net.fit(&cpu(), &data, TrainingOptions::new(ENTROPY, Adam::new(0.02)).with_epochs(200)).unwrap();
    assert!(net.evaluate(&cpu(), &data, &ENTROPY).unwrap().accuracy > Some(0.95));
}

#[test]
fn one_class_only_is_an_error_of_a_fit_and_none_of_a_part() {
    let one = Dataset::classification(vec![0.5f32; 6], 2, vec![1; 3], 2).unwrap();
    let mut net = network::<f32>(&[2, 2], Activation::Relu, Activation::Identity, 1);
    let (before, options) = (bits(&net), TrainingOptions::new(ENTROPY, Adam::new(0.02)));
    let error = net.fit(&cpu(), &one, options.clone()).unwrap_err();
    assert_eq!(error, NetError::OneClass { label: 1, examples: 3 });
    assert_eq!(error.to_string(), "all 3 examples have label 1: at least two classes are needed to tell apart");
    assert_eq!(bits(&net), before);
    // The next part may hold others.
    let mut state = TrainingState::new(OptimizerState::new(options.optimizer, &net).unwrap());
    net.partial_fit(&cpu(), &one, options, &mut state).unwrap();
    assert_ne!(bits(&net), before);
}

/// Fitting twice from the same weights gives the same bits, at any number of threads.
#[test]
fn fitting_again_gives_the_same_bits() {
    let data = examples::<f32>(&ENTROPY, 100, 20, 3, 1);
    let of = |threads| {
        let mut net = network::<f32>(&[20, 130, 3], Activation::Tanh, Activation::Identity, 1);
        let options = TrainingOptions::new(ENTROPY, Adam::new(0.02)).with_epochs(3).with_batch(50);
        net.fit(&Cpu::new(nxm_kernels::Executor::level(&cpu()), threads), &data, options.with_validation(&data))
            .unwrap();
        bits(&net)
    };
    assert_eq!(of(1), of(1));
    assert_eq!(of(1), of(4));
}
