//! Predictions and evaluations against the plain loops of the reference.

use nxm_kernels::reference::Real;
use nxm_kernels::{Activation, Cpu, Element, Kept, Level, MatrixRef};
use nxm_net::{Dataset, EVALUATION_ROWS, Loss, Network, Predictor};
use proptest::prelude::*;

use crate::support::{cpu, examples, fill, forward, loss as reference_loss, losses, network, numbers};

/// How far outputs may be from the reference's, per output, in f64.
///
/// A sum of n + 1 terms errs by at most γ·Σ|x||w|, γ = (n + 2)·u/(1 − (n + 2)·u) (Higham 2002, lemma 3.1), here and there; errors
/// of its inputs reach it through |w|; an activation enlarges an error by |f'| at most (1.13 for GELU and SiLU, else 1), and adds at
/// most 8 ULP of its own; GELU and SiLU 64 without fused multiply-add, and those of the plain loop 1e-13 of the sum.
fn bound<T: Element>(network: &Network<T>, x: &[f64], layers: &[(Vec<f64>, Vec<f64>)]) -> Vec<f64> {
    let mut inputs = x.to_vec();
    let mut errors = vec![0.0; x.len()];
    for (layer, (z, a)) in network.layers().zip(layers) {
        let smooth = layer.activation().kept() == Kept::Sums;
        let (slope, ulps, plain) = if smooth { (1.13, 64.0, 1e-13) } else { (1.0, 8.0, 0.0) };
        let (n, m) = (layer.fan_in(), layer.fan_out());
        let k = (n + 2) as f64 * T::UNIT_ROUNDOFF;
        let gamma = k / (1.0 - k);
        let mut next = Vec::new();
        for (r, (z, a)) in z.chunks(m).zip(a.chunks(m)).enumerate() {
            for (j, (z, a)) in z.iter().zip(a).enumerate() {
                let (mut size, mut error) = (layer.bias()[j].to_f64().abs(), 0.0);
                for i in 0..n {
                    let w = layer.weights().at(i, j).to_f64().abs();
                    size += w * (inputs[r * n + i].abs() + errors[r * n + i]);
                    error += w * errors[r * n + i];
                }
                let own = 2.0 * ulps * 2.0 * T::UNIT_ROUNDOFF * a.abs() + plain * z.abs();
                next.push(slope * (error + 2.0 * gamma * size) + own);
            }
        }
        inputs.clone_from(a);
        errors = next;
    }
    errors
}

fn compare<T: Real>(sizes: &[usize], activation: Activation, rows: usize, seed: u64) {
    let network = network::<T>(sizes, activation, activation, seed);
    let x = numbers::<T>(rows * sizes[0], seed);
    let x = MatrixRef::new(&x, rows, sizes[0]).unwrap();
    let wide = |values: &[T]| values.iter().map(|v| v.to_f64()).collect::<Vec<f64>>();
    let layers: Vec<(Vec<f64>, Vec<f64>)> = forward(&network, x).iter().map(|(z, a)| (wide(z), wide(a))).collect();
    let bound = bound(&network, &wide(&x.to_vec()), &layers);
    // All levels: one without fused multiply-add rounds a product, too, as the reference does.
    for level in Level::available() {
        let given = network.predict(&Cpu::new(level, 1), x).unwrap();
        assert_eq!(given.len(), bound.len());
        for ((given, expected), bound) in given.iter().zip(&layers[layers.len() - 1].1).zip(&bound) {
            let error = (given.to_f64() - expected).abs();
            assert!(error <= *bound, "{} at {level}: {given} for {expected}: off by {error} > {bound}", T::NAME);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn predictions_are_the_reference_s_within_rounding(
        sizes in prop::collection::vec(1usize..50, 2..5),
        rows in 0usize..40,
        activation in prop::sample::select(Activation::samples()),
        seed in 0u64..1000,
    ) {
        compare::<f32>(&sizes, activation, rows, seed);
        compare::<f64>(&sizes, activation, rows, seed);
    }
}

#[test]
fn any_strides_are_predicted_alike() {
    let network = network::<f32>(&[4, 6, 2], Activation::Tanh, Activation::Identity, 1);
    let data = numbers::<f32>(4 * 9, 3);
    let columns = MatrixRef::new(&data, 4, 9).unwrap().transpose();
    let rows = columns.to_vec();
    assert_eq!(
        network.predict(&cpu(), columns).unwrap(),
        network.predict(&cpu(), MatrixRef::new(&rows, 9, 4).unwrap()).unwrap()
    );
}

#[test]
fn evaluation_is_the_mean_over_all_examples() {
    // 600 examples make two whole batches and a short one.
    for loss in losses(3) {
        let network = network::<f64>(&[6, 8, 3], Activation::Tanh, Activation::Identity, 1);
        let data = examples(&loss, 600, 6, 3, 2);
        let evaluation = network.evaluate(&cpu(), &data, &loss).unwrap();
        let expected = reference_loss(&network, &loss, data.inputs(), data.targets());
        // A mean of 600 terms errs by at most 600 · 1.1e-16 of it, here and there.
        assert!(
            (evaluation.loss - expected).abs() <= 2e-13 * expected.abs(),
            "{loss:?}: {} for {expected}",
            evaluation.loss
        );
        assert_eq!(evaluation.accuracy.is_some(), loss.takes_labels());
    }
}

#[test]
fn evaluation_and_prediction_at_once_are_both() {
    for loss in losses(3) {
        let network = network::<f32>(&[6, 8, 3], Activation::Tanh, Activation::Identity, 1);
        let data = examples(&loss, 2 * EVALUATION_ROWS + 88, 6, 3, 2);
        let (evaluation, outputs) = network.evaluate_and_predict(&cpu(), &data, &loss).unwrap();
        assert_eq!(evaluation, network.evaluate(&cpu(), &data, &loss).unwrap());
        assert_eq!(outputs, network.predict(&cpu(), data.inputs()).unwrap());
    }
}

#[test]
fn batches_whose_classes_weigh_nothing_have_their_share_of_the_loss() {
    // All rows of the first and the third batch weigh nothing, and label smoothing gives each of them a share of the loss.
    let loss = Loss::CrossEntropy { label_smoothing: 0.1, class_weights: vec![0.0, 2.0, 0.5] };
    let network = network::<f64>(&[6, 8, 3], Activation::Tanh, Activation::Identity, 1);
    let (whole, len) = (EVALUATION_ROWS, 3 * EVALUATION_ROWS + 40);
    let labels = (0..len).map(|i| if i / whole % 2 == 0 && i < 3 * whole { 0 } else { i as u32 % 3 }).collect();
    let data = Dataset::classification(numbers(len * 6, 2), 6, labels, 3).unwrap();
    let evaluation = network.evaluate(&cpu(), &data, &loss).unwrap();
    let expected = reference_loss(&network, &loss, data.inputs(), data.targets());
    // As above, of 808 terms.
    assert!((evaluation.loss - expected).abs() <= 2e-13 * expected, "{} for {expected}", evaluation.loss);
    let unweighted = network.evaluate(&cpu(), &data, &Loss::CROSS_ENTROPY).unwrap();
    assert_eq!(evaluation.accuracy, unweighted.accuracy);
}

#[test]
fn accuracy_is_the_share_of_rows_with_the_largest_output_at_the_label() {
    // Weights of the unit matrix: the logits are the inputs.
    let mut network = Network::<f32>::builder(3).dense(3, Activation::Identity).build().unwrap();
    fill(network.layer_mut(0).weights_mut(), &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
    let inputs = vec![3.0, 1.0, 2.0, 0.0, 5.0, 5.0, 0.0, 5.0, 5.0, -1.0, -3.0, -0.5];
    let data = Dataset::classification(inputs, 3, vec![0, 1, 2, 1], 3).unwrap();
    // Row 0 is right, row 1 too (the first of equal outputs counts), row 2 and row 3 are wrong.
    assert_eq!(network.evaluate(&cpu(), &data, &Loss::CROSS_ENTROPY).unwrap().accuracy, Some(0.5));
}

#[test]
fn a_predictor_says_what_its_network_says_from_several_threads() {
    let network = network::<f32>(&[30, 20, 7], Activation::Gelu, Activation::Sigmoid, 1);
    let x = numbers::<f32>(5 * 30, 2);
    let x = MatrixRef::new(&x, 5, 30).unwrap();
    let expected = network.predict(&cpu(), x).unwrap();
    let predictor = Predictor::new(network, 5);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut buffers = predictor.buffers().unwrap();
                for row in (0..5).rev() {
                    let one = predictor.predict(&cpu(), x.block(row, 0, 1, 30), &mut buffers).unwrap();
                    assert_eq!(one.to_vec(), expected[row * 7..][..7]);
                }
                let all = predictor.predict(&cpu(), x, &mut buffers).unwrap();
                assert_eq!(all.to_vec(), expected);
            });
        }
    });
}
