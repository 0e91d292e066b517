//! Weights of examples: what they mean, that they travel with their examples, and what is refused.

use nxm_kernels::{Activation, MatrixRef};
use nxm_net::{
    Adam, DataError, Dataset, Loss, NetError, Network, Optimizer, OptimizerState, Sgd, Step, Targets, Training,
    TrainingOptions,
};

use crate::support::{bits, cpu, examples, loss as reference_loss, losses, network, numbers};

const SIZES: [usize; 3] = [5, 7, 3];
const OUTPUTS: usize = SIZES[2];

fn a_network(seed: u64) -> Network<f64> {
    network(&SIZES, Activation::Tanh, Activation::Identity, seed)
}

/// Some examples, and a weight for each: some equal, one 0.
fn weighted(loss: &Loss, rows: usize, seed: u64) -> Dataset<f64> {
    let weights: Vec<f64> = numbers::<f64>(rows, seed + 9).iter().map(|x| (4.0 * x.abs()).round() / 2.0).collect();
    let weights = if weights.iter().all(|s| *s == 0.0) { vec![1.0; rows] } else { weights };
    examples(loss, rows, SIZES[0], OUTPUTS, seed).with_weights(weights).unwrap()
}

/// Example i, alone.
fn row<'a>(data: &'a Dataset<f64>, i: usize) -> (MatrixRef<'a, f64>, Targets<'a, f64>) {
    let targets = match data.targets() {
        Targets::Values(values) => Targets::Values(values.block(i, 0, 1, values.cols())),
        Targets::Classes(labels) => Targets::Classes(&labels[i..=i]),
    };
    (data.inputs().block(i, 0, 1, data.features()), targets)
}

/// The weighted mean by its definition, from the losses of single rows in plain loops: Σ sᵢcᵢ·ℓᵢ / Σ sᵢcᵢ, where cᵢ is what the loss says that
/// the row's class weighs, which it has divided ℓᵢ by.
fn by_definition(network: &Network<f64>, loss: &Loss, data: &Dataset<f64>) -> f64 {
    let weights = data.weights().unwrap();
    let (mut sum, mut all) = (0.0, 0.0);
    for (i, s) in weights.iter().enumerate() {
        let (x, targets) = row(data, i);
        let class = match (loss, targets) {
            (Loss::CrossEntropy { class_weights, .. }, Targets::Classes(label)) => {
                class_weights.get(label[0] as usize).copied().unwrap_or(1.0)
            }
            _ => 1.0,
        };
        sum += s * class * reference_loss(network, loss, x, targets);
        all += s * class;
    }
    sum / all
}

/// The loss and all gradients.
fn gradients(network: &Network<f64>, loss: &Loss, data: &Dataset<f64>) -> Vec<f64> {
    let mut step = Step::new(network, loss, data.len()).unwrap();
    let (x, targets) = (data.inputs(), data.targets());
    let loss = match data.weights() {
        Some(weights) => step.gradients_weighted(network, &cpu(), x, targets, weights).unwrap(),
        None => step.gradients(network, &cpu(), x, targets).unwrap(),
    };
    let layers = 0..network.layers().len();
    let gradients = layers.flat_map(|l| [step.weight_gradient(l).to_vec(), step.bias_gradient(l).to_vec()].concat());
    std::iter::once(loss).chain(gradients).collect()
}

#[track_caller]
fn assert_close(got: &[f64], want: &[f64], tolerance: f64, what: &str) {
    assert_eq!(got.len(), want.len());
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        assert!((got - want).abs() <= tolerance * want.abs().max(1.0), "{what}, {i}: {got} for {want}");
    }
}

/// Sums of some ten terms of size 1, each of which rounding changes by some 1e-16.
const ROUNDING: f64 = 1e-14;

#[test]
fn a_weight_of_two_is_the_row_twice() {
    for loss in losses(OUTPUTS) {
        let (network, plain) = (a_network(3), examples::<f64>(&loss, 6, SIZES[0], OUTPUTS, 4));
        let heavy = plain.clone().with_weights(vec![1.0, 2.0, 1.0, 1.0, 3.0, 0.0]).unwrap();
        // Row 1 twice, row 4 three times, row 5 not at all.
        let rows = [0, 1, 1, 2, 3, 4, 4, 4];
        let inputs = rows.iter().flat_map(|i| plain.inputs().row(*i).to_vec()).collect();
        let repeated = match plain.targets() {
            Targets::Values(values) => {
                let targets = rows.iter().flat_map(|i| values.row(*i).to_vec()).collect();
                Dataset::regression(inputs, SIZES[0], targets, OUTPUTS)
            }
            Targets::Classes(labels) => {
                Dataset::classification(inputs, SIZES[0], rows.iter().map(|i| labels[*i]).collect(), OUTPUTS)
            }
        };
        let repeated = repeated.unwrap();
        let what = format!("{loss:?}");
        let want = gradients(&network, &loss, &repeated);
        assert_close(&gradients(&network, &loss, &heavy), &want, ROUNDING, &what);
        let [heavy, repeated] = [&heavy, &repeated].map(|data| network.evaluate(&cpu(), data, &loss).unwrap().loss);
        assert_close(&[heavy], &[repeated], ROUNDING, &what);
    }
}

#[test]
fn equal_weights_are_none() {
    for loss in losses(OUTPUTS) {
        let (network, plain) = (a_network(5), examples::<f64>(&loss, 7, SIZES[0], OUTPUTS, 6));
        for weight in [1.0, 0.25, 3.0] {
            let equal = plain.clone().with_weights(vec![weight; 7]).unwrap();
            let [got, want] = [&equal, &plain].map(|data| gradients(&network, &loss, data));
            assert_close(&got, &want, ROUNDING, &format!("{loss:?}, {weight}"));
        }
    }
}

#[test]
fn weighted_gradients_are_those_of_differences_of_the_definition() {
    // As in `gradients`: what the difference leaves out and rounds is below 1e-8.
    const H: f64 = 1e-5;
    const TOLERANCE: f64 = 1e-8;
    for loss in losses(OUTPUTS) {
        let (network, data) = (a_network(7), weighted(&loss, 5, 8));
        let found = gradients(&network, &loss, &data);
        let moved = |by: f64| {
            let mut moved = network.clone();
            *moved.layer_mut(1).weights_mut().at(2, 1) += by;
            moved.layer_mut(0).bias_mut()[3] += by;
            by_definition(&moved, &loss, &data)
        };
        assert_close(&found[..1], &[by_definition(&network, &loss, &data)], ROUNDING, &format!("{loss:?}"));
        // Two parameters that are moved at once: their derivatives add up. The loss comes first, then the layers.
        let bias = 1 + SIZES[0] * SIZES[1] + 3;
        let weight = 1 + SIZES[0] * SIZES[1] + SIZES[1] + 2 * OUTPUTS + 1;
        let difference = (moved(H) - moved(-H)) / (2.0 * H);
        assert_close(&[found[bias] + found[weight]], &[difference], TOLERANCE, &format!("{loss:?}"));
    }
}

#[test]
fn evaluation_weighs_across_its_batches() {
    for loss in losses(OUTPUTS) {
        // Two whole batches and a short one.
        let (network, data) = (a_network(9), weighted(&loss, 2 * nxm_net::EVALUATION_ROWS + 37, 10));
        let found = network.evaluate(&cpu(), &data, &loss).unwrap();
        let expected = by_definition(&network, &loss, &data);
        // A mean of some 550 terms errs by at most 550 · 1.1e-16 of it, here and there.
        assert!((found.loss - expected).abs() <= 2e-13 * expected.abs(), "{loss:?}: {} for {expected}", found.loss);
        let plain = examples::<f64>(&loss, data.len(), SIZES[0], OUTPUTS, 10);
        assert_eq!(found.accuracy, network.evaluate(&cpu(), &plain, &loss).unwrap().accuracy);
    }
}

#[test]
fn an_epoch_s_loss_is_weighed_by_its_batches_weights() {
    for loss in Loss::ALL {
        let data = weighted(&loss, 23, 12);
        let mut network = a_network(11);
        let expected = network.evaluate(&cpu(), &data, &loss).unwrap().loss;
        // So small a step that no parameter changes: all steps of the epoch see the same network.
        let options = TrainingOptions::new(loss.clone(), Sgd::new(1e-300)).with_batch(4);
        let cpu = cpu();
        let mut training = Training::new(&mut network, &cpu, &data, options).unwrap();
        assert_eq!(training.loss_so_far(), None);
        // The mean of two steps, by their weights.
        let mut steps = [(); 2].map(|()| training.step().unwrap().unwrap().loss);
        let so_far = training.loss_so_far().unwrap();
        steps.sort_by(f64::total_cmp);
        assert!(steps[0] <= so_far && so_far <= steps[1], "{so_far} of {steps:?}");
        let report = training.next().unwrap().unwrap();
        assert_eq!(training.loss_so_far(), None);
        assert_close(&[report.loss], &[expected], ROUNDING, &format!("{loss:?}"));
        assert_eq!(report.steps, 6);
    }
}

#[test]
fn examples_that_weigh_nothing_have_no_loss_and_no_gradient() {
    for loss in losses(OUTPUTS) {
        let data = examples::<f64>(&loss, 4, SIZES[0], OUTPUTS, 13);
        let mut network = a_network(14);
        let before = bits(&network);
        let mut step = Step::new(&network, &loss, 4).unwrap();
        let mut optimizer = OptimizerState::new(Optimizer::from(Adam::new(0.1)), &network).unwrap();
        let (x, targets, weights) = (data.inputs(), data.targets(), [0.0; 4]);
        let found = step.train_weighted(&mut network, &cpu(), x, targets, &weights, &mut optimizer).unwrap();
        assert_eq!((found, optimizer.steps()), (0.0, 1), "{loss:?}");
        assert_eq!(bits(&network), before, "{loss:?}");
        // In two parts, too.
        let found = step.gradients_weighted(&network, &cpu(), x, targets, &weights).unwrap();
        step.update(&mut network, &cpu(), &mut optimizer).unwrap();
        assert_eq!((found, bits(&network)), (0.0, before), "{loss:?}");
        assert!(step.weight_gradient(0).to_vec().iter().all(|g| *g == 0.0), "{loss:?}");
    }
}

/// A step in one part and one in two parts, clipped and not, whole and short batches in one `Step`, with weights and without in turn.
#[test]
fn weighted_steps_in_two_parts_are_those_in_one() {
    for (loss, max_norm) in losses(OUTPUTS).into_iter().flat_map(|loss| [None, Some(0.05)].map(|m| (loss.clone(), m))) {
        let data = weighted(&loss, 6, 15);
        let mut networks = [a_network(16), a_network(16)];
        let mut optimizers = [(); 2].map(|()| OptimizerState::new(Optimizer::adam(0.01), &networks[0]).unwrap());
        let mut steps = [(); 2].map(|()| {
            let step = Step::new(&networks[0], &loss, 6).unwrap();
            max_norm.map_or(Ok(step.clone()), |max_norm| step.clip_norm(max_norm)).unwrap()
        });
        for (i, rows) in [6, 6, 4, 6, 4].into_iter().enumerate() {
            let part = data.split_at(rows).0;
            let (x, targets, weights) = (part.inputs(), part.targets(), part.weights().unwrap());
            let [whole, apart] = &mut steps;
            let [first, second] = &mut networks;
            let [one, two] = &mut optimizers;
            let losses = if i == 3 {
                let whole = whole.train(first, &cpu(), x, targets, one).unwrap();
                (whole, apart.gradients(second, &cpu(), x, targets).unwrap())
            } else {
                let whole = whole.train_weighted(first, &cpu(), x, targets, weights, one).unwrap();
                (whole, apart.gradients_weighted(second, &cpu(), x, targets, weights).unwrap())
            };
            apart.update(second, &cpu(), two).unwrap();
            assert_eq!(losses.0.to_bits(), losses.1.to_bits(), "{loss:?} {max_norm:?} {i}");
            assert_eq!(bits(first), bits(second), "{loss:?} {max_norm:?} {i}");
        }
    }
}

#[test]
fn weights_travel_with_their_examples() {
    // Each example's weight is its first feature.
    let inputs: Vec<f32> = (0..40).map(|i| i as f32).collect();
    let weights: Vec<f32> = (0..20).map(|i| 2.0 * i as f32).collect();
    let data = Dataset::regression(inputs, 2, vec![0.0; 20], 1).unwrap().with_weights(weights).unwrap();
    let check = |data: &Dataset<f32>| {
        let weights = data.weights().unwrap();
        assert_eq!(weights.len(), data.len());
        assert!((0..data.len()).all(|i| data.inputs().row(i)[0] == weights[i]));
    };
    let (first, rest) = data.split_at(7);
    [&first, &rest, &data.shuffled(3), &rest.shuffled(4)].into_iter().for_each(check);
    assert_ne!(data.shuffled(3).weights(), data.weights());
}

/// A training on weighted examples is that on repeated ones, step by step, while each step sees all of them.
#[test]
fn a_training_on_weights_is_one_on_repeated_rows() {
    let plain = examples::<f64>(&Loss::CROSS_ENTROPY, 9, SIZES[0], OUTPUTS, 17);
    let Targets::Classes(labels) = plain.targets() else { unreachable!() };
    let rows: Vec<usize> = (0..9).flat_map(|i| vec![i; i % 3]).collect();
    let inputs = rows.iter().flat_map(|i| plain.inputs().row(*i).to_vec()).collect();
    let labels = rows.iter().map(|i| labels[*i]).collect();
    let repeated = Dataset::classification(inputs, SIZES[0], labels, OUTPUTS).unwrap();
    let heavy = plain.clone().with_weights((0..9).map(|i| (i % 3) as f64).collect()).unwrap();
    let trained = [heavy, repeated].map(|data| {
        let mut network = a_network(18);
        let momentum = Sgd::new(0.3).with_momentum(0.9);
        let options = TrainingOptions::new(Loss::CROSS_ENTROPY, momentum).with_batch(rows.len()).with_epochs(20);
        let losses: Vec<f64> =
            Training::new(&mut network, &cpu(), &data, options).unwrap().map(|report| report.unwrap().loss).collect();
        (losses, network.layers().flat_map(|layer| layer.weights().to_vec()).collect::<Vec<_>>())
    });
    // Each of 20 steps makes rounding errors some times larger.
    assert_close(&trained[0].0, &trained[1].0, 1e-11, "losses");
    assert_close(&trained[0].1, &trained[1].1, 1e-11, "weights");
}

#[test]
fn weights_that_are_none_are_refused() {
    let data = examples::<f32>(&Loss::MeanSquaredError, 3, 2, 1, 1);
    let refused = |weights: &[f32]| data.clone().with_weights(weights.to_vec()).unwrap_err();
    assert_eq!(refused(&[1.0, 2.0]), DataError::Weights { examples: 3, weights: 2 });
    assert_eq!(refused(&[1.0, -1.0, 2.0]), DataError::Weight { row: 1, weight: -1.0 });
    assert!(matches!(refused(&[1.0, 1.0, f32::NAN]), DataError::Weight { row: 2, weight } if weight.is_nan()));
    assert_eq!(refused(&[f32::INFINITY, 1.0, 1.0]), DataError::Weight { row: 0, weight: f64::INFINITY });
    assert_eq!(refused(&[0.0, -0.0, 0.0]), DataError::WeightSum { sum: 0.0, element: "f32" });
    let sum = 2.0 * f64::from(f32::MAX);
    assert_eq!(refused(&[f32::MAX, f32::MAX, 0.0]), DataError::WeightSum { sum, element: "f32" });
    assert!(refused(&[0.0; 3]).to_string().contains("add up to 0"));

    let mut network = network::<f32>(&[2, 1], Activation::Identity, Activation::Identity, 1);
    let before = bits(&network);
    let mut step = Step::new(&network, &Loss::MeanSquaredError, 3).unwrap();
    let mut optimizer = OptimizerState::new(Optimizer::sgd(0.1), &network).unwrap();
    let (x, targets) = (data.inputs(), data.targets());
    let mut train =
        |weights: &[f32]| step.train_weighted(&mut network, &cpu(), x, targets, weights, &mut optimizer).unwrap_err();
    assert_eq!(train(&[1.0; 4]), NetError::Weights { expected: 3, found: 4 });
    assert_eq!(train(&[1.0, -2.0, 1.0]), NetError::Weight { row: 1, weight: -2.0 });
    assert_eq!(bits(&network), before);
}

/// A part of a data set may have none of the rows that weigh something: it has no mean.
#[test]
fn parts_that_weigh_nothing_are_refused() {
    let data = examples::<f64>(&Loss::MeanSquaredError, 4, SIZES[0], OUTPUTS, 1);
    let (light, heavy) = data.with_weights(vec![0.0, 0.0, 0.0, 1.0]).unwrap().split_at(3);
    let mut network = a_network(1);
    assert_eq!(network.evaluate(&cpu(), &light, &Loss::MeanSquaredError), Err(NetError::NoWeight));
    let options = TrainingOptions::default();
    assert_eq!(Training::new(&mut network, &cpu(), &light, options.clone()).err(), Some(NetError::NoWeight));
    assert!(Training::new(&mut network, &cpu(), &heavy, options).is_ok());
}

#[test]
fn positive_weights_that_do_not_fit_are_refused() {
    let network = a_network(1);
    let refused = |positive_weights: &[f64]| {
        let loss = Loss::BinaryCrossEntropy { positive_weights: positive_weights.to_vec() };
        Step::new(&network, &loss, 1).unwrap_err()
    };
    assert_eq!(refused(&[1.0]), NetError::PositiveWeights { expected: OUTPUTS, found: 1 });
    assert_eq!(refused(&[1.0, -0.5, 1.0]), NetError::PositiveWeight { output: 1, weight: -0.5 });
    assert_eq!(refused(&[1.0, 1.0, f64::INFINITY]), NetError::PositiveWeight { output: 2, weight: f64::INFINITY });
}
