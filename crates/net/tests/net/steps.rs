//! A step in two parts is the whole step, and a step on one example, which has kernels of its own, is as right as any other.

use nxm_kernels::{Activation, Cpu, Element, Level};
use nxm_net::{Dataset, Loss, Network, Optimizer, OptimizerState, Step, Targets};

use crate::gradients::check;
use crate::support::{bits, cpu, examples, fused_levels, losses, network, optimizers};

/// A step in one part or in two; returns the loss.
type Take<T> = fn(&mut Step<T>, &mut Network<T>, &Cpu, &Dataset<T>, &mut OptimizerState<T>) -> T;

fn whole<T: Element>(
    step: &mut Step<T>,
    network: &mut Network<T>,
    cpu: &Cpu,
    batch: &Dataset<T>,
    state: &mut OptimizerState<T>,
) -> T {
    step.train(network, cpu, batch.inputs(), batch.targets(), state).unwrap()
}

fn in_two<T: Element>(
    step: &mut Step<T>,
    network: &mut Network<T>,
    cpu: &Cpu,
    batch: &Dataset<T>,
    state: &mut OptimizerState<T>,
) -> T {
    let loss = step.gradients(network, cpu, batch.inputs(), batch.targets()).unwrap();
    step.update(network, cpu, state).unwrap();
    loss
}

/// How a network is trained.
struct Case {
    loss: Loss,
    optimizer: Optimizer,
    clip_norm: Option<f64>,
    /// Rows of each step's batch.
    batches: &'static [usize],
}

impl Case {
    /// Losses and parameters as bits, after steps that are taken by each of `takes` in turns.
    fn trained<T: Element>(&self, cpu: &Cpu, takes: &[Take<T>]) -> Vec<u64> {
        let output = if self.loss == Loss::MeanSquaredError { Activation::SOFTPLUS } else { Activation::Identity };
        let mut network = network::<T>(&[30, 17, 9, 5], Activation::Gelu, output, 1);
        let mut step = Step::new(&network, &self.loss, *self.batches.iter().max().unwrap()).unwrap();
        if let Some(max_norm) = self.clip_norm {
            step = step.clip_norm(max_norm).unwrap();
        }
        let mut state = OptimizerState::new(self.optimizer, &network).unwrap();
        let mut trained = Vec::new();
        for (i, (&rows, take)) in self.batches.iter().zip(takes.iter().cycle()).enumerate() {
            let batch = examples::<T>(&self.loss, rows, 30, 5, i as u64);
            trained.push(take(&mut step, &mut network, cpu, &batch, &mut state).to_bits_u64());
        }
        trained.extend(bits(&network));
        trained
    }

    fn parts_are_the_whole<T: Element>(&self, cpu: &Cpu) {
        let expected = self.trained::<T>(cpu, &[whole]);
        for (takes, name) in [
            (&[in_two as Take<T>][..], "in two parts"),
            (&[whole, in_two], "in one part and in two, in turns"),
            (&[in_two, in_two, whole], "in two parts twice, then in one"),
        ] {
            let Case { loss, optimizer, clip_norm, .. } = self;
            let given = self.trained::<T>(cpu, takes);
            assert!(given == expected, "{name}: {}, {loss:?}, {optimizer:?}, clipped to {clip_norm:?}", T::NAME);
        }
    }
}

/// Norms that clip no gradients, all of them to almost nothing, and none.
const NORMS: [Option<f64>; 3] = [None, Some(1e-3), Some(1e6)];

#[test]
fn gradients_and_updates_are_whole_steps_on_whole_and_short_batches() {
    for clip_norm in NORMS {
        for optimizer in optimizers() {
            let case = Case { loss: Loss::CROSS_ENTROPY, optimizer, clip_norm, batches: &[8, 3, 8, 8, 3, 1, 8, 3] };
            case.parts_are_the_whole::<f32>(&cpu());
            case.parts_are_the_whole::<f64>(&cpu());
        }
        for loss in losses(5) {
            let case = Case { loss, optimizer: Optimizer::adam(0.01), clip_norm, batches: &[8, 3, 8, 1, 8] };
            case.parts_are_the_whole::<f32>(&cpu());
            case.parts_are_the_whole::<f64>(&cpu());
        }
    }
}

/// Every loss and way of clipping, one example in each step.
fn one_by_one() -> impl Iterator<Item = Case> {
    let optimizer = Optimizer::adamw(0.01);
    losses(5).into_iter().flat_map(move |loss| {
        NORMS.map(|clip_norm| Case { loss: loss.clone(), optimizer, clip_norm, batches: &[1; 6] })
    })
}

#[test]
fn steps_on_one_example_are_the_same_at_every_level_and_number_of_threads() {
    fn same<T: Element>(case: &Case) {
        let expected = case.trained::<T>(&Cpu::new(Level::named("scalar").unwrap(), 1), &[whole]);
        for level in fused_levels() {
            for threads in [1, 3] {
                let given = case.trained::<T>(&Cpu::new(level, threads), &[whole]);
                assert!(given == expected, "{:?}, {} at {level}, {threads} threads", case.loss, T::NAME);
            }
        }
    }
    for case in one_by_one() {
        case.parts_are_the_whole::<f32>(&cpu());
        case.parts_are_the_whole::<f64>(&cpu());
        same::<f32>(&case);
        same::<f64>(&case);
    }
}

#[test]
fn gradients_of_one_example_are_those_of_its_differences() {
    for activation in Activation::samples() {
        for loss in losses(5) {
            let checked = (0..8).filter_map(|seed| {
                let network = network(&[6, 17, 9, 5], activation, Activation::Identity, seed);
                check(&network, &loss, 1, seed)
            });
            assert!(checked.count() >= 2, "{activation}, {loss:?}: too many examples at a kink");
        }
    }
}

#[test]
fn gradients_of_one_example_in_f32_follow_those_in_f64() {
    /// All gradients of the first example, layer by layer.
    fn gradients<T: Element>(activation: Activation, loss: &Loss) -> Vec<f64> {
        let network = network::<T>(&[30, 17, 9, 5], activation, Activation::Identity, 3);
        let data = examples::<T>(loss, 1, 30, 5, 4);
        let mut step = Step::new(&network, loss, 1).unwrap();
        step.gradients(&network, &cpu(), data.inputs(), data.targets()).unwrap();
        let of = |l| [step.weight_gradient(l).to_vec(), step.bias_gradient(l).to_vec()].concat();
        (0..3).flat_map(of).map(T::to_f64).collect()
    }
    // A gradient comes of some 120 operations one after the other: three layers' sums of 31, 18 and 10 terms forward, two layers' of 5 and
    // 9 backward, and their functions. Each rounds a number below 4, weights among them, by 2⁻²⁴ of it at most.
    let tolerance = 120.0 * 4.0 * 2f64.powi(-24);
    for activation in Activation::samples() {
        for loss in losses(5) {
            let (single, double) = (gradients::<f32>(activation, &loss), gradients::<f64>(activation, &loss));
            assert_eq!((single.len(), double.len()), (739, 739));
            assert!(double.iter().any(|g| g.abs() > 1e-2), "{activation}, {loss:?}: gradients that say something");
            for (i, (s, d)) in single.iter().zip(&double).enumerate() {
                assert!((s - d).abs() < tolerance, "{activation}, {loss:?}, gradient {i}: {s} for {d}");
            }
        }
    }
}

/// Gradients of two micro-batches added up are those of both batches at once, but for rounding; and the first call after an update begins
/// anew.
#[test]
fn accumulated_gradients_are_those_of_all_examples() {
    for loss in losses(5) {
        let weighted = matches!(&loss, Loss::CrossEntropy { class_weights, .. } if !class_weights.is_empty());
        if weighted {
            // Its mean is over the weights of a batch, and a mean of means is another one.
            continue;
        }
        for max_norm in NORMS {
            let start = network::<f64>(&[30, 17, 5], Activation::Gelu, Activation::Identity, 1);
            let both = examples::<f64>(&loss, 8, 30, 5, 1);
            let new = || {
                let step = Step::new(&start, &loss, 8).unwrap();
                max_norm.map_or(step.clone(), |max_norm| step.clip_norm(max_norm).unwrap())
            };
            let (mut whole, mut parts) = (new(), new());
            let mut networks = [start.clone(), start.clone()];
            let mut states = [(); 2].map(|()| OptimizerState::new(Optimizer::adam(0.01), &start).unwrap());
            for _ in 0..3 {
                let [expected, given] = &mut networks;
                let loss_of_both = in_two(&mut whole, expected, &cpu(), &both, &mut states[0]);
                let mut sum = 0.0;
                for row in [0, 4] {
                    let x = both.inputs().block(row, 0, 4, 30);
                    let targets = match both.targets() {
                        Targets::Values(values) => Targets::Values(values.block(row, 0, 4, 5)),
                        Targets::Classes(labels) => Targets::Classes(&labels[row..row + 4]),
                    };
                    sum += parts.accumulate(given, &cpu(), x, targets, 2).unwrap();
                }
                assert!((sum / 2.0 - loss_of_both).abs() < 1e-12, "{loss:?}");
                parts.update(given, &cpu(), &mut states[1]).unwrap();
                for (a, b) in expected.layers().zip(given.layers()) {
                    let pairs = a.weights().to_vec().into_iter().zip(b.weights().to_vec());
                    assert!(pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-9), "{loss:?}, {max_norm:?}");
                }
            }
            assert!(parts.update(&mut networks[1], &cpu(), &mut states[1]).is_ok(), "the gradients still stand there");
        }
    }
}

#[test]
fn no_step_has_no_micro_batches() {
    let mut network = network::<f32>(&[3, 2], Activation::Identity, Activation::Identity, 1);
    let mut step = Step::new(&network, &Loss::MeanSquaredError, 4).unwrap();
    let batch = examples::<f32>(&Loss::MeanSquaredError, 4, 3, 2, 1);
    let error = step.accumulate(&mut network, &cpu(), batch.inputs(), batch.targets(), 0).unwrap_err();
    assert!(error.to_string().starts_with("the number of micro-batches in a step is 0"), "{error}");
}
