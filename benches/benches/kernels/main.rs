//! Every kernel in f32 on one thread: the plain loop, the Scalar level, each SIMD level.

mod operands;
mod products;
mod vectors;

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use nxm_kernels::{Cpu, Executor, Level};

/// Short, as there are hundreds of them: `benches/peers` measures differences of a few per cent.
fn short() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(400))
        .sample_size(10)
        .nresamples(1000)
}

/// One thread on each level of this processor.
fn cpus() -> impl Iterator<Item = (&'static str, Cpu)> {
    Level::available().map(|level| Cpu::new(level, 1)).map(|cpu| (cpu.level().name(), cpu))
}

criterion_group! { name = benches; config = short(); targets = vectors::bench, products::bench }
criterion_main!(benches);
