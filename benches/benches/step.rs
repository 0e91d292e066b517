//! Whole training steps on one thread at each level: forward, loss, backward and update.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use nxm_kernels::{Activation, Cpu, Level, MatrixRef};
use nxm_net::{Loss, Network, Optimizer, OptimizerState, Step, Targets};

/// Benches one step of `network` on `batch` examples at each level.
fn bench_step(c: &mut Criterion, name: &str, network: &Network, loss: &Loss, batch: usize) {
    let (inputs, outputs, sizes) = (network.inputs(), network.outputs(), network.sizes());
    let x: Vec<f32> = (0..batch * inputs).map(|i| (i % 17) as f32 / 17.0).collect();
    let values: Vec<f32> = (0..batch * outputs).map(|i| (i % 5) as f32 / 5.0).collect();
    let classes: Vec<u32> = (0..batch).map(|i| (i % outputs) as u32).collect();
    let x = MatrixRef::new(&x, batch, inputs).unwrap();
    let targets = || match loss.takes_labels() {
        false => Targets::Values(MatrixRef::new(&values, batch, outputs).unwrap()),
        true => Targets::Classes(&classes),
    };
    // Three products for each layer, and no input gradient in the first.
    let products: usize = sizes.windows(2).map(|pair| 3 * pair[0] * pair[1]).sum::<usize>() - sizes[0] * sizes[1];
    let mut group = c.benchmark_group(format!("step {name} (flops of its products)"));
    group.throughput(Throughput::Elements(2 * (batch * products) as u64));
    for level in Level::available() {
        let cpu = Cpu::new(level, 1);
        let mut network = network.clone();
        let mut step = Step::new(&network, loss, batch).unwrap();
        // A learning rate so small that the network stays what it is.
        let mut state = OptimizerState::new(Optimizer::sgd(1e-9), &network).unwrap();
        group.bench_function(BenchmarkId::new(format!("batch {batch}"), level), |b| {
            b.iter(|| step.train(&mut network, &cpu, black_box(x), black_box(targets()), &mut state).unwrap());
        });
    }
    group.finish();
}

fn bench(c: &mut Criterion) {
    let sigmoid = Activation::Sigmoid;
    let small = Network::builder(30).dense(30, sigmoid).dense(30, sigmoid).seed(1).build().unwrap();
    bench_step(c, "30-30-30 sigmoid mse", &small, &Loss::MeanSquaredError, 1);
    bench_step(c, "30-30-30 sigmoid mse", &small, &Loss::MeanSquaredError, 32);
    let digits = Network::builder(784).dense(128, Activation::Relu).dense(10, Activation::Identity);
    let digits = digits.seed(1).build().unwrap();
    bench_step(c, "784-128-10 relu cross_entropy", &digits, &Loss::CROSS_ENTROPY, 32);
}

fn short() -> Criterion {
    Criterion::default().warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1))
}

criterion_group! { name = benches; config = short(); targets = bench }
criterion_main!(benches);
