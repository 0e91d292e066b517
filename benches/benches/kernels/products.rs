//! The three products of a layer's training: B examples, N inputs, M units, B·N·M fma each.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};
use nxm_kernels::{Cpu, Init, MatrixMut, MatrixRef, gemm, reference};

use crate::cpus;
use crate::operands::mixed;

/// (B, N, M): small, the digits network's first layer, and two large ones.
const SIZES: [(usize, usize, usize); 4] = [(32, 30, 30), (128, 784, 512), (512, 512, 512), (128, 1024, 1024)];
/// The plain loop of a larger product than this takes seconds and says nothing new.
const PLAIN_UP_TO: usize = 128 * 784 * 512;

/// A layer's operands, and room for any of the three results.
struct Layer {
    rows: usize,
    fan_in: usize,
    fan_out: usize,
    x: Vec<f32>,
    w: Vec<f32>,
    bias: Vec<f32>,
    delta: Vec<f32>,
    out: Vec<f32>,
}

/// A product: its name, its plain loop and itself.
type ProductBench = (&'static str, fn(&mut Layer), fn(&mut Layer, &Cpu));

const PRODUCTS: [ProductBench; 3] = [
    (
        "gemm forward X·W + b",
        |l| reference::forward(&l.x, &l.w, &l.bias, l.rows, &mut l.out),
        |l, cpu| {
            let (x, w) = (MatrixRef::new(&l.x, l.rows, l.fan_in), MatrixRef::new(&l.w, l.fan_in, l.fan_out));
            let z = MatrixMut::new(&mut l.out, l.rows, l.fan_out);
            gemm(cpu, x.unwrap(), w.unwrap(), Init::Bias(&l.bias), z.unwrap()).unwrap();
        },
    ),
    (
        "gemm weight gradient Xᵀ·δ",
        |l| reference::weight_gradient(&l.x, &l.delta, l.rows, l.fan_in, l.fan_out, &mut l.out),
        |l, cpu| {
            let (x, delta) = (MatrixRef::new(&l.x, l.rows, l.fan_in), MatrixRef::new(&l.delta, l.rows, l.fan_out));
            let dw = MatrixMut::new(&mut l.out, l.fan_in, l.fan_out);
            gemm(cpu, x.unwrap().transpose(), delta.unwrap(), Init::Zero, dw.unwrap()).unwrap();
        },
    ),
    (
        "gemm input gradient δ·Wᵀ",
        |l| reference::input_gradient(&l.delta, &l.w, l.rows, l.fan_in, l.fan_out, &mut l.out),
        |l, cpu| {
            let (delta, w) = (MatrixRef::new(&l.delta, l.rows, l.fan_out), MatrixRef::new(&l.w, l.fan_in, l.fan_out));
            let dx = MatrixMut::new(&mut l.out, l.rows, l.fan_in);
            gemm(cpu, delta.unwrap(), w.unwrap().transpose(), Init::Zero, dx.unwrap()).unwrap();
        },
    ),
];

/// The three forms at every size.
pub fn bench(c: &mut Criterion) {
    for (rows, fan_in, fan_out) in SIZES {
        let fma = rows * fan_in * fan_out;
        let mut layer = Layer {
            rows,
            fan_in,
            fan_out,
            x: mixed(rows * fan_in),
            w: mixed(fan_in * fan_out),
            bias: mixed(fan_out),
            delta: mixed(rows * fan_out),
            out: vec![0.0; (rows * fan_in).max(fan_in * fan_out).max(rows * fan_out)],
        };
        let size = format!("{rows}x{fan_in}x{fan_out}");
        for (name, plain, product) in PRODUCTS {
            let mut group = c.benchmark_group(format!("{name} (flops)"));
            group.throughput(Throughput::Elements(2 * fma as u64)).sampling_mode(SamplingMode::Flat);
            if fma <= PLAIN_UP_TO {
                group.bench_function(BenchmarkId::new(&size, "plain"), |b| b.iter(|| plain(black_box(&mut layer))));
            }
            for (level, cpu) in cpus() {
                group.bench_function(BenchmarkId::new(&size, level), |b| {
                    b.iter(|| product(black_box(&mut layer), &cpu))
                });
            }
            group.finish();
        }
    }
}
