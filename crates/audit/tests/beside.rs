//! Machine code executes beside the kernels what the formulas say: in steps of a training, at the end of an epoch, in evaluations.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use nxm_audit::{Finding, audit_evaluation, audit_new_step, audit_training_step};
use nxm_count::{Activation, Kind, Level, Loss, NetworkSpec, Optimizer};
use nxm_net::{
    Adadelta, Adagrad, Adam, AdamW, Adamax, ElementType, LearningRateSchedule, Lion, Muon, NAdam, PhaseShape, RAdam,
    RmsProp, Rprop, TrainingOptions, parse_layers,
};

const ELEMENTS: [ElementType; 2] = [ElementType::F32, ElementType::F64];

fn assert_agrees(finding: &Finding) {
    let Finding { name, level, element, machine, .. } = finding;
    assert!(finding.agrees(), "{name}, {level}, {element}: {:#?} {machine:#?}", finding.differences());
}

fn network(loss: Loss) -> NetworkSpec {
    NetworkSpec::new([3, 4, 3], Activation::Relu, Activation::Identity, loss).unwrap()
}

/// Every loss with its options.
fn losses() -> [Loss; 18] {
    let weighted = |label_smoothing, class_weights| Loss::CrossEntropy { label_smoothing, class_weights };
    let soft = |label_smoothing, class_weights| Loss::SoftCrossEntropy { label_smoothing, class_weights };
    [
        Loss::MeanSquaredError,
        Loss::CROSS_ENTROPY,
        weighted(0.1, vec![]),
        weighted(0.0, vec![1.0, 2.5, 0.5]),
        weighted(0.1, vec![1.0, 2.5, 0.5]),
        Loss::BINARY_CROSS_ENTROPY,
        Loss::BinaryCrossEntropy { positive_weights: vec![1.0, 2.5, 0.5] },
        Loss::L1,
        Loss::SmoothL1 { beta: 0.5 },
        Loss::Huber { delta: 0.5 },
        Loss::Quantile { tau: 0.25 },
        Loss::PoissonNll { log_input: true },
        Loss::SoftMargin,
        Loss::KL_DIVERGENCE,
        Loss::KlDivergence { log_target: true, mean_of_elements: true },
        Loss::SOFT_CROSS_ENTROPY,
        soft(0.1, vec![]),
        soft(0.1, vec![1.0, 2.5, 0.5]),
    ]
}

/// Five examples in batches of two: steps 3 and 6 are short and end an epoch.
#[test]
fn steps_of_a_training() {
    let cycle = |rise| LearningRateSchedule::OneCycle {
        steps: 6,
        rise,
        start_divisor: 25.0,
        end_divisor: 1e4,
        shape: PhaseShape::Linear,
    };
    let schedules = [
        LearningRateSchedule::Constant,
        LearningRateSchedule::Step { every: 1, factor: 0.5 },
        LearningRateSchedule::Milestones { at: vec![1, 3, 4], factor: 0.5 },
        LearningRateSchedule::Linear { start: 0.5, end: 1.0, steps: 3 },
        LearningRateSchedule::Exponential { factor: 0.5 },
        LearningRateSchedule::Polynomial { steps: 9, power: 1.0 },
        cycle(0.0),
        cycle(1.0),
        LearningRateSchedule::Exponential { factor: 0.5 }.after_warm_up(3, 0.5),
    ];
    // Steps 3, 5 and 6: one of RAdam's is rectified, and two are not.
    let optimizers = [
        Optimizer::sgd(0.1),
        Optimizer::adamw(0.01),
        RAdam::default().with_weight_decay(0.1).into(),
        Adam::default().with_amsgrad(true).into(),
        NAdam::default().into(),
        RmsProp::default().with_momentum(0.9).into(),
        Adagrad::default().into(),
        Adadelta::default().into(),
        Adamax::default().into(),
        Lion::default().into(),
        Rprop::default().into(),
        AdamW::default().with_amsgrad(true).into(),
        Muon::default().into(),
        Muon::default().with_nesterov(false).with_weight_decay(0.0).with_match_rms_adamw(true).into(),
    ];
    let many = optimizers.len();
    let mut divisions = Vec::new();
    for (i, (schedule, loss)) in schedules.into_iter().cycle().zip(losses().into_iter().cycle()).take(many).enumerate()
    {
        let options = TrainingOptions::new(loss.clone(), optimizers[i]).with_schedule(schedule).with_batch(2);
        let level = Level::available().nth(i % Level::available().count()).unwrap();
        let of_f32 = [3, 5, 6].map(|step| (ElementType::F32, step));
        for (element, step) in of_f32.into_iter().chain([(ElementType::F64, 3)]) {
            let finding = audit_training_step(&network(loss.clone()), &options, 5, step, level, element).unwrap();
            assert_agrees(&finding);
            divisions.push(finding.constants.get(Kind::Div));
            if element == ElementType::F64 || step == 3 {
                let weighted = network(loss.clone()).with_example_weights();
                assert_agrees(&audit_training_step(&weighted, &options, 5, step, level, element).unwrap());
            }
        }
    }
    // With a constant rate and gradient descent: the first short batch (twice the constants of its loss) that ends an epoch; neither; the end.
    assert_eq!(divisions[..3], [2 * 2 + 1, 0, 1]);
}

/// Sums: their constants, their steps and their evaluations.
#[test]
fn sums_of_losses() {
    let level = Level::available().last().unwrap();
    for (loss, element) in losses().into_iter().flat_map(|loss| ELEMENTS.map(|element| (loss.clone(), element))) {
        if loss.takes_labels() && loss.is_weighted() {
            continue;
        }
        let network = network(loss.clone().summed());
        assert_agrees(&audit_new_step(&network, level, element).unwrap());
        let options = TrainingOptions::new(loss.summed(), Optimizer::sgd(1e-3)).with_batch(2);
        assert_agrees(&audit_training_step(&network, &options, 5, 3, level, element).unwrap());
        assert_agrees(&audit_evaluation(&network, 257, level, element).unwrap());
    }
}

#[test]
fn new_steps() {
    for (loss, element) in losses().into_iter().flat_map(|loss| ELEMENTS.map(|element| (loss.clone(), element))) {
        let finding = audit_new_step(&network(loss), Level::named("scalar").unwrap(), element).unwrap();
        assert_agrees(&finding);
        assert!(element == ElementType::F64 || !finding.constants.is_none(), "{}", finding.name);
    }
}

#[test]
fn evaluations() {
    for (i, loss) in losses().into_iter().enumerate() {
        let level = Level::available().nth(i % Level::available().count()).unwrap();
        for element in ELEMENTS {
            assert_agrees(&audit_evaluation(&network(loss.clone()), 3, level, element).unwrap());
            let weighted = network(loss.clone()).with_example_weights();
            assert_agrees(&audit_evaluation(&weighted, 3, level, element).unwrap());
        }
    }
    // Two batches: one of 256 rows, one of 1.
    let finding =
        audit_evaluation(&network(losses()[3].clone()), 257, Level::available().last().unwrap(), ElementType::F32);
    let finding = finding.unwrap();
    assert_agrees(&finding);
    // 255 of the first batch's weights, 2 for each batch, and the constants of the loss: 3 in the class shares, 5 times 2.
    assert_eq!(finding.constants.get(Kind::Add), 255 + 2 * 2 + 3 + 5 * 2);
}

/// Steps, new steps and evaluations of a network with layers of every kind: seven examples in batches of four, so that step 2 is short and ends
/// an epoch. Masks are drawn by integers alone, and an average copies running statistics.
#[test]
fn layers_of_every_kind() {
    let text = "4 celu(0.5) no_bias, batch_norm leaky_relu(0.2), dropout 0.25, 5 softplus(2,3), layer_norm elu, 3 gelu, dropout 0.5";
    let network = NetworkSpec::with_layers(3, parse_layers(text).unwrap(), Loss::MeanSquaredError).unwrap();
    let options = TrainingOptions::new(Loss::MeanSquaredError, Optimizer::adam(0.01)).with_batch(4);
    let apart = AdamW::new(0.01).with_weight_decay(0.1).with_bias_decay(false);
    let averaged = options.clone().with_optimizer(apart).with_ema(0.75);
    // Each level with one element, and each step at two levels: single steps take long, and the kernels' own cases are at all of them.
    for (i, level) in Level::available().enumerate() {
        let element = ELEMENTS[i % 2];
        for step in [1 + i % 3, 1 + (i + 1) % 3] {
            assert_agrees(&audit_training_step(&network, &options, 7, step as u64, level, element).unwrap());
        }
        assert_agrees(&audit_evaluation(&network, 3, level, element).unwrap());
    }
    for element in ELEMENTS {
        let level = Level::available().last().unwrap();
        assert_agrees(&audit_training_step(&network, &averaged, 7, 2, level, element).unwrap());
        assert_agrees(&audit_new_step(&network, level, element).unwrap());
    }
}
