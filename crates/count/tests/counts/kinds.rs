//! The layers, losses and optimizers that steps are counted with, each with its options.

use nxm_kernels::Activation;
use nxm_net::{
    Adadelta, Adagrad, Adam, AdamW, Adamax, Layer, Lion, Loss, Muon, NAdam, Optimizer, RAdam, RmsProp, Rprop, Sgd,
};
use proptest::prelude::*;

/// Sizes around those of vectors and panels, and others.
pub fn size() -> impl Strategy<Value = u64> {
    prop_oneof![proptest::sample::select(vec![1u64, 7, 8, 9, 15, 16, 17, 31, 33, 48, 64, 65]), 1u64..50]
}

/// Any activation.
fn activation() -> impl Strategy<Value = Activation> {
    proptest::sample::select(Activation::samples())
}

/// Dense layers, each with an activation of its own; one in four has no biases.
pub fn dense_layers() -> impl Strategy<Value = Layer> {
    (size(), activation(), proptest::bool::weighted(0.75)).prop_map(|(units, activation, bias)| {
        let layer = Layer::dense(units, activation);
        if bias { layer } else { layer.without_bias() }
    })
}

/// Layers of every kind, as they may stand behind a dense one.
pub fn any_layers() -> impl Strategy<Value = Layer> {
    let norm = (any::<bool>(), activation()).prop_map(|(by_rows, activation)| {
        let norm = if by_rows { Layer::layer_norm() } else { Layer::batch_norm() };
        norm.with_activation(activation)
    });
    prop_oneof![4 => dense_layers(), 2 => norm, 1 => Just(Layer::dropout(0.25)),
        1 => proptest::sample::select(&[Layer::Softmax, Layer::LogSoftmax][..])]
}

/// Every loss, with each of its options.
pub fn losses(outputs: usize) -> Vec<Loss> {
    let class_weights: Vec<f64> = (0..outputs).map(|class| 1.0 + class as f64).collect();
    let mut losses = Loss::ALL.to_vec();
    losses.push(Loss::CrossEntropy { label_smoothing: 0.1, class_weights: Vec::new() });
    losses.push(Loss::CrossEntropy { label_smoothing: 0.0, class_weights: class_weights.clone() });
    losses.push(Loss::CrossEntropy { label_smoothing: 0.1, class_weights: class_weights.clone() });
    losses.push(Loss::SoftCrossEntropy { label_smoothing: 0.1, class_weights: class_weights.clone() });
    losses.push(Loss::KlDivergence { log_target: true, mean_of_elements: true });
    losses.push(Loss::BinaryCrossEntropy { positive_weights: class_weights });
    losses.push(Loss::SmoothL1 { beta: 0.3 });
    losses
}

/// This loss, or another one if it is refused behind these layers: a loss of logits behind a softmax.
pub fn behind(layers: &[Layer], loss: Loss) -> Loss {
    let last = layers.iter().rev().find(|layer| !matches!(layer, Layer::Dropout { .. }));
    match loss.of_mean() {
        Loss::CrossEntropy { .. } | Loss::SoftCrossEntropy { .. } | Loss::BinaryCrossEntropy { .. }
            if last == Some(&Layer::Softmax) =>
        {
            Loss::MeanSquaredError
        }
        _ => loss,
    }
}

/// Whether a loss may be a sum.
pub fn summable(loss: &Loss) -> bool {
    !(loss.takes_labels() && loss.is_weighted())
}

/// Every optimizer with each of its options.
pub fn optimizers() -> Vec<Optimizer> {
    let momentum = Sgd::default().with_momentum(0.9);
    vec![
        Optimizer::Sgd(Sgd::default()),
        Optimizer::Sgd(Sgd::default().with_weight_decay(0.01)),
        Optimizer::Sgd(momentum),
        Optimizer::Sgd(momentum.with_dampening(0.1)),
        Optimizer::Sgd(momentum.with_nesterov(true).with_weight_decay(0.01)),
        Sgd::default().with_weight_decay(0.01).with_bias_decay(false).into(),
        Optimizer::Adam(Adam::default()),
        Optimizer::Adam(Adam::default().with_weight_decay(0.01)),
        Optimizer::AdamW(AdamW::default()),
        Optimizer::AdamW(AdamW::default().with_weight_decay(0.0)),
        Adam::default().with_amsgrad(true).into(),
        AdamW::default().with_bias_decay(false).into(),
        AdamW::default().with_amsgrad(true).into(),
        NAdam::default().with_weight_decay(0.01).with_bias_decay(false).into(),
        RmsProp::default().into(),
        RmsProp::default().with_momentum(0.9).into(),
        RmsProp::default().with_centred(true).into(),
        RmsProp::default().with_centred(true).with_momentum(0.9).with_weight_decay(0.1).into(),
        Adagrad::default().into(),
        Adadelta::default().into(),
        Adamax::default().into(),
        NAdam::default().into(),
        RAdam::default().with_weight_decay(0.1).into(),
        Lion::default().into(),
        Rprop::default().into(),
        Muon::default().into(),
        Muon::default().with_nesterov(false).with_weight_decay(0.0).with_iterations(1).into(),
    ]
}
