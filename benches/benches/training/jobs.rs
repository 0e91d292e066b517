//! What is measured: networks, how they are trained, and on what.

use nxm_kernels::{Activation, Cpu, Executor, MatrixRef};
use nxm_net::{
    Dataset, Loss, Network, Optimizer, OptimizerState, Predictor, Sgd, Step, Targets, Training, TrainingOptions,
};

use crate::phases::Phases;

/// The embedded digits, as CSV: 64 pixels from 0 to 16, and a label.
const DIGITS: &str = include_str!("../../../crates/cli/data/digits.csv");

/// Makes a job.
pub type Maker = fn() -> Job;
/// A run that is profiled.
pub type Profiled = Box<dyn FnMut(&Phases)>;

/// Something that is run again and again.
pub struct Job {
    /// Thread counts it is measured on.
    pub threads: &'static [usize],
    /// Runs it so often at a time.
    pub repeats: usize,
    /// Flops of the products of one run.
    pub flops: f64,
    pub run: Box<dyn FnMut(&Cpu)>,
    /// One run whose phases are long enough to be measured.
    pub profiled: Option<Profiled>,
}

/// All of them by name, small ones first; each is made when its turn comes.
pub const ALL: [(&str, Maker); 9] = [
    ("30-30-30 sigmoid mse sgd, a step, batch 1", || small_step(1, 20_000)),
    ("30-30-30 sigmoid mse sgd, a step, batch 32", || small_step(32, 3_000)),
    ("digits 64-128-64-10 relu adam, batch 32, 20 epochs", digits),
    ("64-128-10 relu adam, a step, batch 32, inputs alive", || adam_steps(false)),
    ("64-128-10 relu adam, a step, batch 32, inputs that died", || adam_steps(true)),
    ("784-512-256-10 relu momentum, batch 128, 60,000 examples", epoch),
    ("1024-4096-4096-1000 relu adam, a step, batch 256", large_step),
    ("784-128-10 relu, inference, batch 1", || inference(&[784, 128, 10])),
    ("64-64-64-10 relu, inference, batch 1", || inference(&[64, 64, 64, 10])),
];

/// Numbers in [−1, 1) without a pattern.
fn numbers(len: usize) -> Vec<f32> {
    (0..len as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 23) as f32 - 1.0).collect()
}

fn network(sizes: &[usize], hidden: Activation, output: Activation) -> Network {
    let (last, between) = sizes[1..].split_last().expect("layers");
    let builder = between.iter().fold(Network::builder(sizes[0]), |builder, units| builder.dense(*units, hidden));
    builder.dense(*last, output).seed(1).build().expect("a network")
}

/// Flops of the products of a step: 2·B·(3S − N₀N₁).
fn step_flops(sizes: &[usize], batch: usize) -> f64 {
    let s: usize = sizes.windows(2).map(|pair| pair[0] * pair[1]).sum();
    2.0 * batch as f64 * (3 * s - sizes[0] * sizes[1]) as f64
}

fn small_step(batch: usize, repeats: usize) -> Job {
    let sizes = [30, 30, 30];
    let mut network = network(&sizes, Activation::Sigmoid, Activation::Sigmoid);
    let mut step = Step::new(&network, &Loss::MeanSquaredError, batch).expect("a step");
    let mut state = OptimizerState::new(Optimizer::sgd(0.5), &network).expect("a state");
    let (x, y) = (numbers(batch * 30), numbers(batch * 30).iter().map(|y| y.abs()).collect::<Vec<_>>());
    let run = move |cpu: &Cpu| {
        let x = MatrixRef::new(&x, batch, 30).expect("a batch");
        let y = Targets::Values(MatrixRef::new(&y, batch, 30).expect("a batch"));
        for _ in 0..repeats {
            step.train(&mut network, cpu, x, y, &mut state).expect("a step");
        }
    };
    Job { threads: &[1], repeats, flops: step_flops(&sizes, batch), run: Box::new(run), profiled: None }
}

/// A whole training of a new network each time.
fn training(executor: &dyn Executor, network: &Network, data: &Dataset<f32>, options: &TrainingOptions) {
    let mut network = network.clone();
    let training = Training::new(&mut network, executor, data, options.clone()).expect("a training");
    training.for_each(|report| assert!(report.expect("an epoch").loss.is_finite()));
}

fn training_job(threads: &'static [usize], sizes: &[usize], data: Dataset<f32>, options: TrainingOptions) -> Job {
    let network = network(sizes, Activation::Relu, Activation::Identity);
    let flops = step_flops(sizes, data.len()) * options.epochs as f64;
    let (again, same_data, same_options) = (network.clone(), data.clone(), options.clone());
    Job {
        threads,
        repeats: 1,
        flops,
        run: Box::new(move |cpu| training(cpu, &network, &data, &options)),
        profiled: Some(Box::new(move |phases| training(phases, &again, &same_data, &same_options))),
    }
}

fn digits() -> Job {
    let (mut inputs, mut labels) = (Vec::new(), Vec::new());
    for line in DIGITS.lines().skip(1) {
        let mut fields: Vec<f32> = line.split(',').map(|field| field.parse().expect("a number")).collect();
        labels.push(fields.pop().expect("a label") as u32);
        inputs.extend(fields.iter().map(|pixel| pixel / 16.0));
    }
    let data = Dataset::classification(inputs, 64, labels, 10).expect("digits");
    let (loss, optimizer) = (Loss::CROSS_ENTROPY, Optimizer::adam(0.001));
    let options = TrainingOptions::new(loss, optimizer).with_epochs(20);
    training_job(&[1, 2], &[64, 128, 64, 10], data, options)
}

/// Steps after a hundred on live inputs. If the inputs die then, Adam's first moments of their weights decay by a tenth each step, and are below
/// the normal numbers after 830 more: such steps must take no longer than others.
fn adam_steps(die: bool) -> Job {
    let (sizes, batch, repeats) = ([64, 128, 10], 32, 1_000);
    let mut network = network(&sizes, Activation::Relu, Activation::Identity);
    let mut step = Step::new(&network, &Loss::CROSS_ENTROPY, batch).expect("a step");
    let mut state = OptimizerState::new(Optimizer::adam(0.001), &network).expect("a state");
    let labels: Vec<u32> = (0..batch as u32).map(|i| i * 7 % 10).collect();
    let mut train = move |cpu: &Cpu, x: &[f32], steps: usize| {
        let x = MatrixRef::new(x, batch, 64).expect("a batch");
        for _ in 0..steps {
            step.train(&mut network, cpu, x, Targets::Classes(&labels), &mut state).expect("a step");
        }
    };
    let alive = numbers(batch * 64);
    train(&Cpu::detect().expect("a level"), &alive, 100);
    let x = if die { vec![0.0; batch * 64] } else { alive };
    let run = Box::new(move |cpu: &Cpu| train(cpu, &x, repeats));
    Job { threads: &[1], repeats, flops: step_flops(&sizes, batch), run, profiled: None }
}

fn epoch() -> Job {
    let examples = 60_000;
    let labels = (0..examples).map(|i| i as u32 * 7 % 10).collect();
    let data = Dataset::classification(numbers(examples * 784), 784, labels, 10).expect("examples");
    let optimizer = Sgd::new(0.01).with_momentum(0.9);
    let options = TrainingOptions::new(Loss::CROSS_ENTROPY, optimizer).with_batch(128);
    training_job(&[1, 2], &[784, 512, 256, 10], data, options)
}

fn large_step() -> Job {
    let (batch, steps) = (256, 2);
    let sizes = [1024, 4096, 4096, 1000];
    let labels = (0..batch * steps).map(|i| i as u32 * 7 % 1000).collect();
    let data = Dataset::classification(numbers(batch * steps * 1024), 1024, labels, 1000).expect("examples");
    let (loss, optimizer) = (Loss::CROSS_ENTROPY, Optimizer::adam(0.001));
    let mut first = network(&sizes, Activation::Relu, Activation::Identity);
    let options = TrainingOptions::new(loss.clone(), optimizer).with_batch(batch);
    let mut second = first.clone();
    let mut step = Step::new(&first, &loss, batch).expect("a step");
    let mut state = OptimizerState::new(optimizer, &first).expect("a state");
    let same_data = data.clone();
    let run = move |cpu: &Cpu| {
        let Targets::Classes(labels) = data.targets() else { unreachable!("classes") };
        for s in 0..steps {
            let x = data.inputs().block(s * batch, 0, batch, 1024);
            let targets = Targets::Classes(&labels[s * batch..][..batch]);
            step.train(&mut first, cpu, x, targets, &mut state).expect("a step");
        }
    };
    Job {
        threads: &[1, 2],
        repeats: steps,
        flops: step_flops(&sizes, batch),
        run: Box::new(run),
        profiled: Some(Box::new(move |phases| {
            let training = Training::new(&mut second, phases, &same_data, options.clone()).expect("a training");
            assert_eq!(training.filter(Result::is_ok).count(), 1);
        })),
    }
}

fn inference(sizes: &'static [usize]) -> Job {
    let network = network(sizes, Activation::Relu, Activation::Identity);
    let repeats = 10_000;
    let x = numbers(sizes[0]);
    let flops = 2.0 * sizes.windows(2).map(|pair| pair[0] * pair[1]).sum::<usize>() as f64;
    let predictor = Predictor::new(network, 1);
    let mut buffers = predictor.buffers().expect("memory");
    let run = move |cpu: &Cpu| {
        let x = MatrixRef::new(&x, 1, sizes[0]).expect("a row");
        for _ in 0..repeats {
            std::hint::black_box(predictor.predict(cpu, std::hint::black_box(x), &mut buffers).expect("outputs"));
        }
    };
    Job { threads: &[1], repeats, flops, run: Box::new(run), profiled: None }
}
