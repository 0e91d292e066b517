//! Losses that are sums: as many times the mean as it is over, in steps, epochs, evaluations and files.

use nxm_kernels::Activation;
use nxm_net::{Checkpoint, Loss, NetError, Network, Sgd, Step, Training, TrainingOptions};

use crate::support::{cpu, examples, losses, network};

const SIZES: [usize; 3] = [4, 5, 3];
const ROWS: usize = 7;

fn a_network() -> Network<f64> {
    network(&SIZES, Activation::Tanh, Activation::Identity, 1)
}

/// All that may be sums.
fn means() -> Vec<Loss> {
    losses(SIZES[2]).into_iter().filter(|loss| !(loss.takes_labels() && loss.is_weighted())).collect()
}

/// What the mean of so many rows is divided by.
fn over(loss: &Loss, rows: usize) -> f64 {
    let each = match loss {
        Loss::CrossEntropy { .. }
        | Loss::SoftCrossEntropy { .. }
        | Loss::KlDivergence { mean_of_elements: false, .. } => 1,
        _ => SIZES[2],
    };
    (rows * each) as f64
}

fn assert_close(found: f64, expected: f64, what: &Loss) {
    // Some ten roundings.
    assert!((found - expected).abs() <= 1e-14 * expected.abs().max(1.0), "{what}: {found} for {expected}");
}

#[test]
fn a_sum_and_its_gradient_are_n_means() {
    for mean in means() {
        let data = examples::<f64>(&mean, ROWS, SIZES[0], SIZES[2], 2);
        let (network, n) = (a_network(), over(&mean, ROWS));
        let sum = mean.clone().summed();
        let mut of = [&mean, &sum].map(|loss| Step::new(&network, loss, ROWS).unwrap());
        let [one, all] =
            of.each_mut().map(|step| step.gradients(&network, &cpu(), data.inputs(), data.targets()).unwrap());
        assert_close(all, n * one, &sum);
        for l in 0..2 {
            let [one, all] =
                of.each_ref().map(|step| [step.weight_gradient(l).to_vec(), step.bias_gradient(l).to_vec()].concat());
            one.iter().zip(all).for_each(|(one, all)| assert_close(all, n * one, &sum));
        }
    }
}

/// Evaluations and epochs add up their batches.
#[test]
fn evaluations_and_epochs_are_sums() {
    for mean in means() {
        let (sum, rows) = (mean.clone().summed(), nxm_net::EVALUATION_ROWS + ROWS);
        let data = examples::<f64>(&mean, rows, SIZES[0], SIZES[2], 3);
        let (mut network, executor) = (a_network(), cpu());
        let [one, all] = [&mean, &sum].map(|loss| network.evaluate(&executor, &data, loss).unwrap());
        let n = over(&mean, rows);
        assert!((all.loss - n * one.loss).abs() <= 1e-12 * all.loss.abs(), "{sum}: {} for {}", all.loss, n * one.loss);
        assert_eq!(all.accuracy, one.accuracy);
        // So small a step that no parameter changes.
        let options = TrainingOptions::new(sum.clone(), Sgd::new(1e-300)).with_batch(ROWS);
        let mut training = Training::new(&mut network, &executor, &data, options).unwrap();
        assert_eq!(training.loss_so_far(), None);
        let first = training.step().unwrap().unwrap().loss;
        assert_close(training.loss_so_far().unwrap(), first, &sum);
        let report = training.next().unwrap().unwrap();
        assert!((report.loss - all.loss).abs() <= 1e-12 * all.loss.abs(), "{sum}: {} for {}", report.loss, all.loss);
    }
}

#[test]
fn a_sum_comes_back_from_a_file() {
    for mean in means() {
        let sum = mean.summed();
        let data = examples::<f64>(&sum, ROWS, SIZES[0], SIZES[2], 4);
        let (mut network, executor) = (a_network(), cpu());
        let options = TrainingOptions::new(sum.clone(), Sgd::new(1e-3)).with_batch(2);
        let mut training = Training::new(&mut network, &executor, &data, options).unwrap();
        training.step().unwrap().unwrap();
        let checkpoint = training.checkpoint();
        let read = Checkpoint::from_bytes(&checkpoint.to_bytes().unwrap()).unwrap();
        assert_eq!((&read, read.options.loss.to_string()), (&checkpoint, format!("sum of {}", sum.name())));
    }
}

#[test]
fn what_has_no_sum_is_refused() {
    let network = a_network();
    for loss in losses(SIZES[2]).into_iter().filter(|loss| loss.takes_labels() && loss.is_weighted()) {
        let error = Step::new(&network, &loss.summed(), 1).unwrap_err();
        assert!(matches!(error, NetError::OptionNeeds { option: "the sum of cross-entropies", .. }), "{error}");
    }
    let sum = Loss::MeanSquaredError.summed();
    let data = examples::<f64>(&sum, 2, SIZES[0], SIZES[2], 5);
    let mut step = Step::new(&network, &sum, 2).unwrap();
    let error = step.gradients_weighted(&network, &cpu(), data.inputs(), data.targets(), &[1.0; 2]).unwrap_err();
    assert!(matches!(error, NetError::OptionNeeds { option: "the sum of losses", .. }), "{error}");
    let error = network.evaluate(&cpu(), &data.with_weights(vec![1.0; 2]).unwrap(), &sum).unwrap_err();
    assert!(matches!(error, NetError::OptionNeeds { option: "the sum of losses", .. }), "{error}");
    assert!(Loss::MeanSquaredError.summed().summed().check(1).is_ok());
}
