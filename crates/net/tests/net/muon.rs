//! Muon: what its directions are, what it keeps of which parameters, and what is out of range.

use nxm_kernels::{Activation, Element, MatrixRef};
use nxm_net::{
    AdamW, Checkpoint, FileHeader, Loss, Muon, NetError, Network, Optimizer, OptimizerState, Step, Targets, Training,
    TrainingOptions,
};

use crate::support::{bits, cpu, examples, network};

const MSE: Loss = Loss::MeanSquaredError;

/// A step of 1 without decay moves W by the direction itself, times the factor of its shape.
fn direction<T: Element>(muon: Muon, sizes: [usize; 2]) -> Vec<f64> {
    let mut net: Network<T> = network(&sizes, Activation::Identity, Activation::Identity, 1);
    let data = examples::<T>(&MSE, 40, sizes[0], sizes[1], 2);
    let mut step = Step::new(&net, &MSE, 40).unwrap();
    let before = net.layer(0).weights().to_vec();
    let mut state = OptimizerState::new(muon.with_weight_decay(0.0).into(), &net).unwrap();
    step.train(&mut net, &cpu(), data.inputs(), data.targets(), &mut state).unwrap();
    before.iter().zip(net.layer(0).weights().to_vec()).map(|(w, after)| w.to_f64() - after.to_f64()).collect()
}

/// Σ of the squares of all singular values is the number of them, if each is about 1: Newton–Schulz leaves them between 0.7 and 1.2 or so.
#[test]
fn directions_are_about_orthogonal() {
    for sizes @ [n, m] in [[6, 4], [4, 6], [5, 5], [1, 7], [7, 1], [1, 1]] {
        let (smaller, larger) = (n.min(m), n.max(m));
        let check = |found: Vec<f64>, factor: f64, what: &str| {
            let squares: f64 = found.iter().map(|x| (x / factor).powi(2)).sum();
            let mean = squares / smaller as f64;
            assert!((0.4..1.5).contains(&mean), "{what} {n} × {m}: {mean}");
        };
        // M units of N inputs are M rows of N in PyTorch.
        check(direction::<f64>(Muon::new(1.0), sizes), (m as f64 / n as f64).max(1.0).sqrt(), "original");
        let muon = Muon::new(1.0).with_match_rms_adamw(true).with_nesterov(false);
        check(direction::<f32>(muon, sizes), 0.2 * (larger as f64).sqrt(), "match_rms_adamw");
    }
}

/// A gradient of 0 has a direction of 0: weights decay, and nothing is NaN.
#[test]
fn no_gradient_no_direction() {
    let mut net: Network<f32> = network(&[3, 2], Activation::Identity, Activation::Identity, 1);
    let (x, before) = ([0.0f32; 12], net.layer(0).weights().to_vec());
    let x = MatrixRef::new(&x, 4, 3).unwrap();
    let outputs = net.predict(&cpu(), x).unwrap();
    let targets = Targets::Values(MatrixRef::new(&outputs, 4, 2).unwrap());
    let (rate, decay) = (0.5, 0.25);
    let muon = Muon::new(rate).with_weight_decay(decay).with_bias_weight_decay(0.0);
    let mut state = OptimizerState::new(muon.into(), &net).unwrap();
    Step::new(&net, &MSE, 4).unwrap().train(&mut net, &cpu(), x, targets, &mut state).unwrap();
    let kept = (1.0 - rate * decay) as f32;
    let expected: Vec<f32> = before.iter().map(|w| w * kept).collect();
    assert_eq!(net.layer(0).weights().to_vec(), expected);
}

/// Biases follow AdamW as if all parameters did.
#[test]
fn biases_follow_adamw() {
    let (muon, adamw) = (Muon::new(0.02).with_bias_learning_rate(0.005), AdamW::new(0.005));
    assert_eq!(Optimizer::from(muon).of_biases(), Some(adamw.into()));
    let bias = |optimizer: Optimizer| {
        let mut net: Network<f64> = network(&[3, 2], Activation::Tanh, Activation::Tanh, 1);
        let data = examples::<f64>(&MSE, 5, 3, 2, 2);
        let options = TrainingOptions::new(MSE, optimizer).with_batch(5);
        net.fit(&cpu(), &data, options).unwrap();
        net.layer(0).bias().to_vec()
    };
    assert_eq!(bias(muon.into()), bias(adamw.into()), "their first step, which no weight is in");
}

/// Of weights it keeps one number, of all else two; that is what a file has.
#[test]
fn it_keeps_one_number_of_a_weight() {
    let mut net: Network<f32> =
        Network::builder(3).dense(4, Activation::Tanh).dense(2, Activation::Identity).build().unwrap();
    let data = examples::<f32>(&MSE, 10, 3, 2, 2);
    let options = TrainingOptions::new(MSE, Muon::new(0.02)).with_batch(4).with_epochs(2);
    let cpu = cpu();
    let mut training = Training::new(&mut net, &cpu, &data, options).unwrap();
    training.next().unwrap().unwrap();
    let lens: Vec<_> = training
        .state()
        .optimizer
        .layers()
        .iter()
        .map(|layer| [&layer.weights, &layer.bias].map(|kept| kept.each_ref().map(Vec::len)))
        .collect();
    assert_eq!(lens, [[[12, 0, 0], [4, 4, 0]], [[8, 0, 0], [2, 2, 0]]]);
    let bytes = training.checkpoint().to_bytes().unwrap();
    let text = String::from_utf8_lossy(&bytes);
    for (name, there) in [
        ("optimizer.0.weights.momentum", true),
        ("optimizer.0.weights.second_moment", false),
        ("optimizer.1.bias.momentum", true),
        ("optimizer.1.bias.second_moment", true),
    ] {
        assert_eq!(text.contains(&format!("\"{name}\"")), there, "{name}");
    }
    FileHeader::from_start(&bytes, bytes.len() as u64).unwrap();
    let mut read = Checkpoint::<f32>::from_bytes(&bytes).unwrap();
    let mut resumed = read.resume(&cpu, &data).unwrap();
    resumed.next().unwrap().unwrap();
    training.next().unwrap().unwrap();
    assert_eq!(bits(resumed.network()), bits(training.network()));
}

#[test]
fn settings_that_are_out_of_range_are_named() {
    let net: Network<f32> = network(&[3, 2], Activation::Tanh, Activation::Tanh, 1);
    for (muon, named) in [
        (Muon::new(0.0), "the learning rate is 0"),
        (Muon::new(0.1).with_momentum(1.0), "momentum is 1"),
        (Muon::new(0.1).with_iterations(0), "the number of Newton–Schulz iterations is 0"),
        (Muon::new(0.1).with_iterations(100), "the number of Newton–Schulz iterations is 100"),
        (Muon::new(0.1).with_epsilon(0.0), "epsilon is 0"),
        (Muon::new(0.1).with_a(f64::NAN), "coefficient a of Newton–Schulz is NaN"),
        (Muon::new(0.1).with_bias_learning_rate(0.0), "the learning rate of biases and norms is 0"),
        (Muon::new(0.1).with_bias_weight_decay(-1.0), "the weight decay of biases and norms is -1"),
    ] {
        let error: NetError = OptimizerState::new(muon.into(), &net).unwrap_err();
        assert!(error.to_string().starts_with(named), "{error}");
    }
}
