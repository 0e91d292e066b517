//! The losses and optimizers that steps are counted with, each with its options.

use nxm_net::{Adadelta, Adagrad, Adam, AdamW, Adamax, Lion, Loss, NAdam, Optimizer, RAdam, RmsProp, Rprop, Sgd};

/// Every loss, with each of its options.
pub fn losses(outputs: usize) -> Vec<Loss> {
    let class_weights: Vec<f64> = (0..outputs).map(|class| 1.0 + class as f64).collect();
    let mut losses = Loss::ALL.to_vec();
    losses.push(Loss::CrossEntropy { label_smoothing: 0.1, class_weights: Vec::new() });
    losses.push(Loss::CrossEntropy { label_smoothing: 0.0, class_weights: class_weights.clone() });
    losses.push(Loss::CrossEntropy { label_smoothing: 0.1, class_weights: class_weights.clone() });
    losses.push(Loss::BinaryCrossEntropy { positive_weights: class_weights });
    losses.push(Loss::SmoothL1 { beta: 0.3 });
    losses
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
    ]
}
