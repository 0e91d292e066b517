//! Training steps against the textbook: the same operations, and the same parameters after several steps.

use crate::cases::{Textbook, with_room};
use crate::textbook::{Answers, Machine, Trainer};
use nxm_count::{Clipping, Counted, Formulas, NetworkSpec};
use nxm_kernels::{Activation, Cpu, Executor, Level, MatrixRef};
use nxm_net::{
    Adadelta, Adagrad, Adam, AdamW, Adamax, Layer, Lion, Loss, NAdam, Network, Optimizer, OptimizerState, RAdam,
    RmsProp, Rprop, Sgd, Step, Targets,
};
use proptest::prelude::*;

/// A training: rows of each step, of which the last is a short one, and the norm to clip to.
#[derive(Clone, Debug)]
struct Training {
    spec: NetworkSpec,
    batch: usize,
    rows: Vec<usize>,
    max_norm: Option<f64>,
    /// One number in so many is a zero, and so is one row in so many; 0: none.
    zeros: usize,
    seed: u64,
}

/// Numbers in [−1, 1) from a seed.
fn random(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

/// What a training made: the loss of each step, and the parameters after the last one.
struct Made {
    losses: Vec<f64>,
    parameters: Vec<f64>,
}

impl Training {
    /// The inputs of a step, the values that are wanted, and the labels.
    fn batch(&self, step: usize) -> (Vec<f64>, Vec<f64>, Vec<u32>) {
        let [inputs, outputs] = [self.spec.sizes()[0], self.spec.sizes()[self.spec.layers()]].map(|size| size as usize);
        let (rows, mut next) = (self.rows[step], random(self.seed + step as u64));
        let is_zero =
            |i: usize| self.zeros > 0 && (i.is_multiple_of(self.zeros) || (i / inputs + 1).is_multiple_of(self.zeros));
        // Zeros of both signs.
        let x = (0..rows * inputs).map(|i| if is_zero(i) { 0.0 * next() } else { next() }).collect();
        let values = (0..rows * outputs).map(|_| (next() + 1.0) / 2.0).collect();
        let labels = (0..rows).map(|_| ((next() + 1.0) / 2.0 * outputs as f64) as u32).collect();
        (x, values, labels)
    }

    /// What the examples of a batch weigh, if they have weights; some are 0.
    fn weights(&self) -> Option<Vec<f64>> {
        self.spec.has_example_weights().then(|| (0..self.batch).map(|i| ((i + 1) % 4) as f64 / 2.0).collect())
    }

    /// By the steps that ship; `seen` gets what each step executed.
    fn by_step(&self, executor: &dyn Executor, mut seen: impl FnMut(usize)) -> Made {
        let mut network: Network<f64> = self.spec.build(self.seed).unwrap();
        let mut step = Step::new(&network, self.spec.loss(), self.batch).unwrap();
        if let Some(max_norm) = self.max_norm {
            step = step.clip_norm(max_norm).unwrap();
        }
        let mut optimizer = OptimizerState::new(*self.spec.optimizer(), &network).unwrap();
        let mut losses = Vec::new();
        for (s, &rows) in self.rows.iter().enumerate() {
            let (x, values, labels) = self.batch(s);
            let targets = match self.spec.loss().takes_labels() {
                true => Targets::Classes(&labels),
                false => Targets::Values(MatrixRef::new(&values, rows, network.outputs()).unwrap()),
            };
            let x = MatrixRef::new(&x, rows, network.inputs()).unwrap();
            losses.push(match self.weights() {
                Some(weights) => {
                    let weights = &weights[..rows];
                    step.train_weighted(&mut network, executor, x, targets, weights, &mut optimizer).unwrap()
                }
                None => step.train(&mut network, executor, x, targets, &mut optimizer).unwrap(),
            });
            seen(s);
        }
        Made { losses, parameters: parameters(&network).concat() }
    }

    /// By the textbook, with the count of each step and whether it scaled its gradients.
    fn by_textbook(&self) -> (Made, Vec<Textbook>) {
        let begin = parameters(&self.spec.build(self.seed).unwrap());
        let mut trainer = Trainer::new(&self.spec, |layer, i| begin[layer][i]);
        trainer.max_norm = self.max_norm;
        trainer.weights = self.weights();
        let (mut losses, mut counts) = (Vec::new(), Vec::new());
        for s in 0..self.rows.len() {
            let (x, values, labels) = self.batch(s);
            let answers = match self.spec.loss().takes_labels() {
                true => Answers::Classes(&labels),
                false => Answers::Values(&values),
            };
            let mut machine = Machine::default();
            losses.push(trainer.step(&mut machine, &x, answers));
            counts.push(machine.count());
        }
        (Made { losses, parameters: trainer.parameters().collect() }, counts)
    }

    /// Steps, formula and textbook: one count; and steps and textbook: one result.
    fn check(&self) {
        let (expected, counts) = self.by_textbook();
        for level in Level::available() {
            let counted = Counted::new(Cpu::new(level, 1));
            let mut executed = Vec::new();
            let made = with_room(|| {
                self.by_step(&counted, |_| {
                    executed.push(counted.total().useful);
                    counted.take();
                })
            });
            let formulas = Formulas::of::<f64>(level);
            for (s, (executed, textbook)) in executed.iter().zip(&counts).enumerate() {
                assert_eq!(Textbook::of(executed), *textbook, "step {s} of {self:?} at {level}");
                let ways = match self.max_norm {
                    None => &[Clipping::None][..],
                    Some(_) => &[Clipping::Within, Clipping::Scaled],
                };
                let formula = |way: &Clipping| {
                    let spec = self.spec.clone().with_clipping(*way);
                    formulas.step(&spec, self.rows[s] as u64).unwrap().total.useful
                };
                assert!(ways.iter().any(|way| formula(way) == *executed), "step {s} of {self:?} at {level}");
            }
            self.compare(&made, &expected, level);
        }
    }

    /// How far numbers may be apart. Both sides round in f64, to 10⁻¹⁶, in another order, and sums have at most some hundred terms. Adam
    /// divides by √v + ε with ε = 10⁻⁸, which can raise an error of a gradient near zero by a factor of 10⁸·η.
    fn tolerance(&self) -> f64 {
        if matches!(self.spec.optimizer(), Optimizer::Sgd(_)) { 1e-12 } else { 1e-10 }
    }

    fn compare(&self, made: &Made, expected: &Made, level: Level) {
        let tolerance = self.tolerance() * self.rows.len() as f64;
        assert_eq!((made.losses.len(), made.parameters.len()), (self.rows.len(), expected.parameters.len()));
        let pairs = made.losses.iter().zip(&expected.losses).chain(made.parameters.iter().zip(&expected.parameters));
        for (i, (made, expected)) in pairs.enumerate() {
            let error = (made - expected).abs() / expected.abs().max(1.0);
            assert!(error <= tolerance, "number {i} is {made}, not {expected}: {self:?} at {level}");
        }
    }
}

/// Weights, then biases of each layer.
fn parameters(network: &Network<f64>) -> Vec<Vec<f64>> {
    network.layers().map(|layer| [layer.weights().to_vec(), layer.bias().to_vec()].concat()).collect()
}

const EPSILON: f64 = 1e-2;

/// Every optimizer with each of its options.
fn optimizers() -> Vec<Optimizer> {
    let (plain, momentum) = (Sgd::new(0.1), Sgd::new(0.05).with_momentum(0.9));
    vec![
        plain.into(),
        plain.with_weight_decay(0.1).into(),
        momentum.into(),
        momentum.with_dampening(0.4).into(),
        momentum.with_dampening(0.4).with_weight_decay(0.1).into(),
        momentum.with_nesterov(true).into(),
        momentum.with_nesterov(true).with_weight_decay(0.1).into(),
        Adam::new(0.01).into(),
        Adam::new(0.01).with_betas(0.8, 0.9).with_weight_decay(0.1).into(),
        AdamW::new(0.01).with_weight_decay(0.1).into(),
        AdamW::new(0.01).with_weight_decay(0.0).into(),
        // Biases, and scale and shift of norms, do not decay.
        plain.with_weight_decay(0.1).with_bias_decay(false).into(),
        AdamW::new(0.01).with_weight_decay(0.1).with_bias_decay(false).into(),
        Adam::new(0.01).with_amsgrad(true).with_weight_decay(0.1).into(),
        AdamW::new(0.01).with_amsgrad(true).into(),
        // A larger ε than by default: an error of a gradient near zero is raised by η/ε.
        RmsProp::new(0.01).with_epsilon(EPSILON).into(),
        RmsProp::new(0.01).with_epsilon(EPSILON).with_momentum(0.9).with_weight_decay(0.1).into(),
        RmsProp::new(0.01).with_epsilon(EPSILON).with_centred(true).into(),
        RmsProp::new(0.01).with_epsilon(EPSILON).with_centred(true).with_momentum(0.9).into(),
        Adagrad::new(0.05).with_epsilon(EPSILON).with_learning_rate_decay(0.1).with_initial_sum(0.1).into(),
        Adadelta::new(1.0).with_epsilon(EPSILON).with_weight_decay(0.1).into(),
        Adamax::new(0.01).with_epsilon(EPSILON).with_weight_decay(0.1).into(),
        NAdam::new(0.01).with_epsilon(EPSILON).with_weight_decay(0.1).into(),
        RAdam::new(0.01).with_betas(0.9, 0.9).with_epsilon(EPSILON).into(),
        RAdam::new(0.01).with_epsilon(EPSILON).with_weight_decay(0.1).into(),
        // Steps by signs are as large for an error as for a gradient, and small here.
        Lion::new(1e-13).with_weight_decay(0.1).into(),
        Rprop::new(1e-13).with_least_step(1e-14).into(),
    ]
}

/// Every loss with each of its options, for so many outputs.
fn losses(outputs: usize) -> Vec<Loss> {
    let weights: Vec<f64> = (0..outputs).map(|class| 0.5 + class as f64).collect();
    let smooth = |label_smoothing, class_weights| Loss::CrossEntropy { label_smoothing, class_weights };
    vec![
        Loss::MeanSquaredError,
        Loss::BINARY_CROSS_ENTROPY,
        Loss::BinaryCrossEntropy { positive_weights: weights.clone() },
        Loss::CROSS_ENTROPY,
        smooth(0.1, Vec::new()),
        smooth(0.0, weights.clone()),
        smooth(0.2, weights),
        Loss::L1,
        Loss::SmoothL1 { beta: 0.3 },
        Loss::Huber { delta: 0.3 },
        Loss::Quantile { tau: 0.2 },
        Loss::PoissonNll { log_input: true },
        Loss::SoftMargin,
        Loss::KlDivergence,
    ]
}

/// Norms to clip to: far below a gradient's norm, about as large, and far above.
const NORMS: [Option<f64>; 4] = [None, Some(0.01), Some(0.5), Some(1e6)];

fn trainings() -> impl Strategy<Value = Training> {
    // A norm stands behind one layer in four, and one in four has no biases.
    let quarter = || proptest::bool::weighted(0.25);
    let layer = (1u64..12, proptest::sample::select(Activation::samples()), [quarter(), quarter()]);
    let layers = proptest::collection::vec(layer, 1..=3);
    let weighted = any::<bool>();
    let kinds =
        (0..losses(1).len(), proptest::sample::select(optimizers()), proptest::sample::select(&NORMS), weighted);
    (1u64..12, layers, kinds, 1usize..10, (0usize..4, any::<u32>())).prop_map(
        |(inputs, layers, (loss, optimizer, max_norm, weighted), batch, (zeros, seed))| {
            let mut layers = layers;
            let outputs = &mut layers.last_mut().expect("a layer").0;
            if losses(1)[loss].takes_labels() {
                // The softmax of one class is 1, so its gradient is nothing but rounding errors. Adam divides them by their own size, and
                // no tolerance holds.
                *outputs = 2.max(*outputs);
            }
            let loss = losses(*outputs as usize)[loss].clone();
            let layers = layers.into_iter().flat_map(|(units, activation, [norm, bare])| {
                let dense = Layer::dense(units, activation);
                let dense = if bare { dense.without_bias() } else { dense };
                if norm { vec![dense, Layer::layer_norm().with_activation(activation)] } else { vec![dense] }
            });
            let spec = NetworkSpec::with_layers(inputs, layers.collect::<Vec<_>>(), loss).unwrap();
            let spec = spec.with_optimizer(optimizer);
            let spec = if weighted { spec.with_example_weights() } else { spec };
            // Whole batches and a short one, and one more with what the short one left.
            let rows = vec![batch, batch, batch.div_ceil(2), batch];
            Training { spec, batch, rows, max_norm, zeros, seed: seed.into() }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn steps_are_the_textbooks(training in trainings()) {
        training.check();
    }
}

/// Every optimizer, clipped and not: both cases of clipping come up.
#[test]
fn every_optimizer_is_the_textbooks() {
    let (tanh, identity) = (Activation::Tanh, Activation::Identity);
    let mut seen = [0; 2];
    for optimizer in optimizers() {
        for max_norm in NORMS {
            let spec =
                NetworkSpec::new([5, 9, 3], tanh, identity, Loss::CROSS_ENTROPY).unwrap().with_optimizer(optimizer);
            let training = Training { spec, batch: 6, rows: vec![6, 6, 5, 6], max_norm, zeros: 0, seed: 3 };
            training.check();
            if max_norm.is_some() {
                let parameters = training.spec.parameters();
                let plain = Training { max_norm: None, ..training.clone() }.by_textbook().1;
                for (clipped, plain) in training.by_textbook().1.iter().zip(plain) {
                    let more = clipped.multiplications - plain.multiplications;
                    seen[usize::from(more == 2 * parameters)] += 1;
                }
            }
        }
    }
    assert!(seen.iter().all(|times| *times > 20), "within the norm and beyond it: {seen:?}");
}

/// Every activation, in a hidden layer and in the last one, and every loss.
#[test]
fn every_activation_and_loss_is_the_textbooks() {
    let sgd = Sgd::new(0.1).with_momentum(0.9);
    for activation in Activation::samples() {
        for loss in losses(3) {
            let plain = NetworkSpec::new([4, 6, 3], activation, activation, loss).unwrap().with_optimizer(sgd);
            for spec in [plain.clone().with_example_weights(), plain] {
                Training { spec, batch: 3, rows: vec![3, 3, 1], max_norm: None, zeros: 4, seed: 5 }.check();
            }
        }
    }
}
