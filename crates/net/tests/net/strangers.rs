//! Steps, optimizer states and buffers refuse a network that they were not made for: the error names the first difference, and nothing
//! has changed.

use nxm_kernels::{Activation, MatrixRef};
use nxm_net::{
    Loss, NetError, Network, Optimizer, OptimizerState, Predictor, Step, Training, TrainingOptions, TrainingState,
};

use crate::errors::{refused, said};
use crate::support::{cpu, examples, network};

/// Networks that differ from `original`, and how they differ first.
fn strangers(what: &'static str) -> Vec<(Network<f32>, NetError)> {
    let tanh = |sizes: &[usize]| network::<f32>(sizes, Activation::Tanh, Activation::Tanh, 1);
    let size = |layer, expected, found| NetError::Network { what, layer, expected, found };
    let activation = |layer, found| NetError::Activation { what, layer, expected: Activation::Tanh, found };
    vec![
        (tanh(&[3, 5, 2]), size(0, Some((3, 4)), Some((3, 5)))),
        (tanh(&[2, 4, 2]), size(0, Some((3, 4)), Some((2, 4)))),
        (tanh(&[3, 4, 3]), size(1, Some((4, 2)), Some((4, 3)))),
        (tanh(&[3, 4, 2, 2]), size(2, None, Some((2, 2)))),
        (tanh(&[3, 4]), size(1, Some((4, 2)), None)),
        (network(&[3, 4, 2], Activation::Tanh, Activation::Gelu, 1), activation(1, Activation::Gelu)),
        // The first difference is named, be it of an activation or of a size.
        (network(&[3, 4, 9], Activation::Relu, Activation::Tanh, 1), activation(0, Activation::Relu)),
        (network(&[3, 9, 2], Activation::Relu, Activation::Tanh, 1), size(0, Some((3, 4)), Some((3, 9)))),
    ]
}

fn original() -> Network<f32> {
    network(&[3, 4, 2], Activation::Tanh, Activation::Tanh, 1)
}

#[test]
fn networks_that_a_step_was_not_made_for() {
    let data = examples::<f32>(&Loss::CROSS_ENTROPY, 2, 3, 2, 1);
    let mut step = Step::new(&original(), &Loss::CROSS_ENTROPY, 2).unwrap();
    let strangers = strangers("the step");
    for (other, expected) in &strangers {
        assert_eq!(&refused(&mut step, other, data.inputs(), data.targets()), expected);
        let error = step.gradients(other, &cpu(), data.inputs(), data.targets()).unwrap_err();
        assert_eq!(&error, expected);
    }
    // An update by gradients of the right network, which stay as they are.
    step.gradients(&original(), &cpu(), data.inputs(), data.targets()).unwrap();
    let before = (step.weight_gradient(0).to_vec(), step.bias_gradient(1).to_vec());
    for (mut other, expected) in strangers {
        let (same, mut state) = (other.clone(), OptimizerState::new(Optimizer::adam(0.1), &other).unwrap());
        assert_eq!(step.update(&mut other, &cpu(), &mut state), Err(expected));
        assert_eq!((&other, state.steps()), (&same, 0));
        assert_eq!((step.weight_gradient(0).to_vec(), step.bias_gradient(1).to_vec()), before);
    }
    let [layers, none, activation] = [0, 4, 5].map(|i| self::strangers("the step").swap_remove(i).1);
    assert_eq!(
        said(layers),
        "layer 0 (counted from 0): the step was made for 3 inputs and 4 units, the network has 3 inputs and 5 units"
    );
    assert_eq!(
        said(none),
        "layer 1 (counted from 0): the step was made for 4 inputs and 2 units, the network has no such layer"
    );
    assert_eq!(said(activation), "layer 1 (counted from 0): the step was made for tanh, the network has gelu");
}

#[test]
fn optimizer_states_of_other_networks() {
    let data = examples::<f32>(&Loss::MeanSquaredError, 2, 3, 2, 1);
    let (x, targets) = (data.inputs(), data.targets());
    let mut step = Step::new(&original(), &Loss::MeanSquaredError, 2).unwrap();
    step.gradients(&original(), &cpu(), x, targets).unwrap();
    for optimizer in [Optimizer::sgd(0.1), Optimizer::adam(0.1)] {
        // What the state was made for is expected, and what the network has is found.
        let turned = |error| match error {
            NetError::Network { what, layer, expected, found } => {
                NetError::Network { what, layer, expected: found, found: expected }
            }
            NetError::Activation { what, layer, expected, found } => {
                NetError::Activation { what, layer, expected: found, found: expected }
            }
            other => other,
        };
        for (other, expected) in strangers("the optimizer's state") {
            let (mut network, expected) = (original(), turned(expected));
            let mut state = OptimizerState::new(optimizer, &other).unwrap();
            let before = state.clone();
            assert_eq!(step.update(&mut network, &cpu(), &mut state), Err(expected.clone()));
            assert_eq!(step.train(&mut network, &cpu(), x, targets, &mut state), Err(expected.clone()));
            assert_eq!((&network, &state), (&original(), &before));

            let options = TrainingOptions::default().with_optimizer(optimizer);
            let state = TrainingState::new(state);
            let resumed = Training::resume(&mut network, &cpu(), &data, options, state).map(drop);
            assert_eq!((resumed, &network), (Err(expected), &original()));
        }
    }
}

#[test]
fn buffers_of_other_predictors() {
    let predictor = Predictor::new(original(), 4);
    let x = [0.5f32; 12];
    let x = MatrixRef::new(&x, 4, 3).unwrap();
    let outputs = original().predict(&cpu(), x).unwrap();
    for (other, expected) in strangers("the predictor's memory") {
        let other = Predictor::new(other, 4);
        let mut buffers = predictor.buffers().unwrap();
        assert_eq!(predictor.predict(&cpu(), x, &mut buffers).unwrap().to_vec(), outputs);
        let width = other.network().inputs();
        let narrow = x.block(0, 0, 4, width);
        assert_eq!(other.predict(&cpu(), narrow, &mut buffers).map(|_| ()), Err(expected));
        assert_eq!(predictor.predict(&cpu(), x, &mut buffers).unwrap().to_vec(), outputs);
    }
    // More rows than the predictor was made for, and more than the buffers were made for.
    let one = Predictor::new(original(), 1);
    let mut buffers = one.buffers().unwrap();
    let too_large = |batch| Err(NetError::BatchTooLarge { rows: 4, batch });
    assert_eq!(one.predict(&cpu(), x, &mut predictor.buffers().unwrap()).map(|_| ()), too_large(1));
    assert_eq!(predictor.predict(&cpu(), x, &mut buffers).map(|_| ()), too_large(1));
    assert_eq!(said(too_large(1).unwrap_err()), "the batch has 4 rows: at most 1 were planned for");
    // Buffers of a larger one, and no rows at all.
    let mut buffers = predictor.buffers().unwrap();
    let first = one.predict(&cpu(), x.block(0, 0, 1, 3), &mut buffers).unwrap().to_vec();
    assert_eq!(first, outputs[..2]);
    let none = predictor.predict(&cpu(), x.block(0, 0, 0, 3), &mut buffers).unwrap();
    assert_eq!((none.rows(), none.to_vec()), (0, Vec::new()));
    let mut wide = Predictor::new(original(), 0).buffers().unwrap();
    let none = predictor.predict(&cpu(), x.block(0, 0, 0, 3), &mut wide).unwrap();
    assert_eq!(none.rows(), 0);
}
