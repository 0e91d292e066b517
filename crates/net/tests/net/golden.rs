//! Trajectories that PyTorch computed: 50 steps of plain gradient descent on a 30-30-30 sigmoid network, at batch 1 and 4.
//!
//! In the files, step s trains on `x[s mod 8]` and `y[s mod 8]`; parameters are called by the layer's place among layers
//! and activations (0 and 2); weights are [out, in], the transpose of ours; `loss64` and `final64` come from a run in
//! f64 that starts from f32 parameters.

use nxm_kernels::{Activation, MatrixRef};
use nxm_net::{Loss, Network, Step, Targets};
use safetensors::SafeTensors;
use serde_json::Value;

use crate::support::cpu;

/// 50 steps of sums of 30 terms in another order: PyTorch's own files ask for 1e-9 relative.
const TOLERANCE: f64 = 1e-9;
/// Matrices of inputs and of targets in a file.
const CYCLE: usize = 8;

#[test]
fn pytorch_s_trajectory_at_batch_1() {
    follow(include_bytes!("golden/sigmoid_30_30_30.b1.safetensors"), 1);
}

#[test]
fn pytorch_s_trajectory_at_batch_4() {
    follow(include_bytes!("golden/sigmoid_30_30_30.b4.safetensors"), 4);
}

fn follow(file: &[u8], batch: usize) {
    let (_, header) = SafeTensors::read_metadata(file).unwrap();
    let config: Value = serde_json::from_str(&header.metadata().as_ref().unwrap()["config"]).unwrap();
    assert_eq!((config["optimizer"]["name"].as_str(), config["loss"]["name"].as_str()), (Some("sgd"), Some("mse")));
    assert_eq!(config["optimizer"].as_object().unwrap().len(), 2, "only a name and a learning rate");
    assert_eq!(config["batch"].as_u64(), Some(batch as u64));
    let learning_rate = config["optimizer"]["lr"].as_f64().unwrap();

    let file = SafeTensors::deserialize(file).unwrap();
    let mut network = with_parameters(&file, "init");
    let (x, y) = (numbers(&file, "x"), numbers(&file, "y"));
    let losses = numbers(&file, "loss64");
    let mut step = Step::new(&network, Loss::MeanSquaredError, batch).unwrap();
    for (s, expected) in losses.iter().enumerate() {
        let part = s % CYCLE * batch * 30;
        let x = MatrixRef::new(&x[part..], batch, 30).unwrap();
        let y = Targets::Values(MatrixRef::new(&y[part..], batch, 30).unwrap());
        if s == 0 {
            close("out0", &network.predict(&cpu(), x).unwrap(), &numbers(&file, "out0"));
        }
        let loss = step.train(&mut network, &cpu(), x, y, learning_rate).unwrap();
        close(&format!("loss of step {s}"), &[loss], &[*expected]);
        if s == 0 {
            for l in 0..2 {
                let name = 2 * l;
                let weights = transposed(&numbers(&file, &format!("grad0.{name}.weight")));
                close("first weight gradient", step.weight_gradient(l), &weights);
                close("first bias gradient", step.bias_gradient(l), &numbers(&file, &format!("grad0.{name}.bias")));
            }
        }
    }
    assert_eq!(losses.len(), 50);
    let expected = with_parameters(&file, "final64");
    for (layer, expected) in network.layers().iter().zip(expected.layers()) {
        close("final weights", layer.weights(), expected.weights());
        close("final biases", layer.bias(), expected.bias());
    }
    let x = MatrixRef::new(&x, batch, 30).unwrap();
    close("eval_out", &network.predict(&cpu(), x).unwrap(), &numbers(&file, "eval_out"));
}

/// The network whose parameters the file has under `prefix`.
fn with_parameters(file: &SafeTensors<'_>, prefix: &str) -> Network<f64> {
    let mut network =
        Network::builder(30).dense(30, Activation::Sigmoid).dense(30, Activation::Sigmoid).build().unwrap();
    for (l, layer) in network.layers_mut().iter_mut().enumerate() {
        let weights = transposed(&numbers(file, &format!("{prefix}.{}.weight", 2 * l)));
        layer.weights_mut().copy_from_slice(&weights);
        layer.bias_mut().copy_from_slice(&numbers(file, &format!("{prefix}.{}.bias", 2 * l)));
    }
    network
}

/// A tensor's numbers, f32 widened.
fn numbers(file: &SafeTensors<'_>, name: &str) -> Vec<f64> {
    let tensor = file.tensor(name).unwrap();
    match tensor.dtype() {
        safetensors::Dtype::F32 => {
            let numbers = tensor.data().as_chunks().0.iter();
            numbers.map(|bytes| f64::from(f32::from_le_bytes(*bytes))).collect()
        }
        safetensors::Dtype::F64 => tensor.data().as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect(),
        other => panic!("{name} is {other:?}"),
    }
}

/// The transpose of a 30 × 30 matrix.
fn transposed(matrix: &[f64]) -> Vec<f64> {
    (0..30).flat_map(|i| (0..30).map(move |j| matrix[j * 30 + i])).collect()
}

/// Each number within the tolerance of the expected one, relative to it or to the largest if it is small beside that.
fn close(what: &str, given: &[f64], expected: &[f64]) {
    assert_eq!(given.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(0f64, |largest, x| largest.max(x.abs()));
    for (i, (given, expected)) in given.iter().zip(expected).enumerate() {
        let scale = expected.abs().max(1e-3 * largest);
        assert!((given - expected).abs() <= TOLERANCE * scale, "{what}, element {i}: {given} for {expected}");
    }
}
