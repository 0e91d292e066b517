//! Kernels whose work is proportional to what they read or write.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};
use nxm_kernels::{
    Activation, Cpu, MatrixMut, MatrixRef, axpy, column_sum, dot, gemv, gemv_transposed, ger, log_softmax, reference,
    sgd, softmax,
};

use crate::cpus;
use crate::operands::{ALPHA, mixed, outputs_and_gradients, sums};

/// (rows, columns) in L1, L2, L3 and memory; vectors are as long as rows × columns.
const SIZES: [(usize, usize); 4] = [(32, 32), (128, 256), (1024, 1024), (4096, 4096)];

/// A kernel: its plain loop and itself, on operands (x, y, out).
struct KernelBench {
    name: &'static str,
    operands: fn(usize, usize) -> [Vec<f32>; 3],
    plain: PlainLoop,
    kernel: OnCpu,
}

/// Takes rows, columns, x, y and out.
type PlainLoop = fn(usize, usize, &[f32], &[f32], &mut [f32]);
type OnCpu = fn(&Cpu, usize, usize, &[f32], &[f32], &mut [f32]);

fn view(data: &[f32], rows: usize, cols: usize) -> MatrixRef<'_, f32> {
    MatrixRef::new(data, rows, cols).unwrap()
}

fn view_mut(data: &mut [f32], rows: usize, cols: usize) -> MatrixMut<'_, f32> {
    MatrixMut::new(data, rows, cols).unwrap()
}

const KERNELS: [KernelBench; 9] = [
    KernelBench {
        name: "dot",
        operands: |rows, cols| [mixed(rows * cols), mixed(rows * cols), vec![0.0]],
        plain: |_, _, x, y, out| out[0] = reference::dot(x, y),
        kernel: |cpu, _, _, x, y, out| out[0] = dot(cpu, x, y).unwrap(),
    },
    KernelBench {
        name: "axpy",
        operands: |rows, cols| [mixed(rows * cols), vec![], mixed(rows * cols)],
        plain: |_, _, x, _, out| reference::axpy(ALPHA, x, out),
        kernel: |cpu, _, _, x, _, out| axpy(cpu, ALPHA, x, out).unwrap(),
    },
    KernelBench {
        name: "gemv",
        operands: |rows, cols| [mixed(rows * cols), mixed(cols), vec![0.0; rows]],
        plain: |_, _, x, y, out| reference::gemv(x, y, out),
        kernel: |cpu, rows, cols, x, y, out| gemv(cpu, view(x, rows, cols), y, out).unwrap(),
    },
    KernelBench {
        name: "gemv_transposed",
        operands: |rows, cols| [mixed(rows * cols), mixed(rows), vec![0.0; cols]],
        plain: |_, _, x, y, out| reference::gemv_transposed(x, y, out),
        kernel: |cpu, rows, cols, x, y, out| gemv_transposed(cpu, view(x, rows, cols), y, out).unwrap(),
    },
    KernelBench {
        name: "ger",
        operands: |rows, cols| [mixed(rows), mixed(cols), mixed(rows * cols)],
        plain: |_, _, x, y, out| reference::ger(ALPHA, x, y, out),
        kernel: |cpu, rows, cols, x, y, out| ger(cpu, ALPHA, x, y, view_mut(out, rows, cols)).unwrap(),
    },
    KernelBench {
        name: "column_sum",
        operands: |rows, cols| [mixed(rows * cols), vec![], vec![0.0; cols]],
        plain: |rows, _, x, _, out| reference::column_sum(x, rows, out),
        kernel: |cpu, rows, cols, x, _, out| column_sum(cpu, view(x, rows, cols), out).unwrap(),
    },
    KernelBench {
        name: "softmax",
        operands: |rows, cols| [vec![], vec![], mixed(rows * cols)],
        plain: |_, cols, _, _, out| out.chunks_mut(cols).for_each(reference::softmax),
        kernel: |cpu, rows, cols, _, _, out| softmax(cpu, view_mut(out, rows, cols)).unwrap(),
    },
    KernelBench {
        name: "log_softmax",
        operands: |rows, cols| [vec![], vec![], mixed(rows * cols)],
        plain: |_, cols, _, _, out| out.chunks_mut(cols).for_each(reference::log_softmax),
        kernel: |cpu, rows, cols, _, _, out| log_softmax(cpu, view_mut(out, rows, cols)).unwrap(),
    },
    KernelBench {
        name: "sgd",
        operands: |rows, cols| [mixed(rows * cols), vec![], mixed(rows * cols)],
        plain: |_, _, x, _, out| reference::sgd(ALPHA, x, out),
        kernel: |cpu, _, _, x, _, out| sgd(cpu, ALPHA, x, out).unwrap(),
    },
];

/// Benches `name` at one size: `plain`, then `kernel` at each level.
fn contest(c: &mut Criterion, name: &str, elements: usize, mut plain: impl FnMut(), mut kernel: impl FnMut(&Cpu)) {
    let mut group = c.benchmark_group(format!("{name} (elements)"));
    group.throughput(Throughput::Elements(elements as u64)).sampling_mode(SamplingMode::Flat);
    group.bench_function(BenchmarkId::new(elements.to_string(), "plain"), |b| b.iter(&mut plain));
    for (level, cpu) in cpus() {
        group.bench_function(BenchmarkId::new(elements.to_string(), level), |b| b.iter(|| kernel(&cpu)));
    }
    group.finish();
}

/// All of them, then each activation forward and backward.
pub fn bench(c: &mut Criterion) {
    for (rows, cols) in SIZES {
        for case in &KERNELS {
            let [x, y, out] = (case.operands)(rows, cols);
            let mut outs = [out.clone(), out];
            let [plain_out, out] = &mut outs;
            contest(
                c,
                case.name,
                rows * cols,
                || (case.plain)(rows, cols, black_box(&x), black_box(&y), black_box(plain_out)),
                |cpu| (case.kernel)(cpu, rows, cols, black_box(&x), black_box(&y), black_box(out)),
            );
        }
        // The identity does nothing.
        for activation in Activation::ALL.into_iter().filter(|activation| *activation != Activation::Identity) {
            bench_activation(c, activation, rows * cols);
        }
    }
}

fn bench_activation(c: &mut Criterion, activation: Activation, len: usize) {
    let mut plain_z = sums(activation, len);
    let mut z = plain_z.clone();
    contest(
        c,
        &format!("{activation} forward"),
        len,
        || black_box(&mut plain_z).iter_mut().for_each(|z| *z = reference::activate(activation, *z)),
        |cpu| activation.forward(cpu, black_box(&mut z)),
    );
    let (a, mut plain_delta) = outputs_and_gradients(activation, len);
    let mut delta = plain_delta.clone();
    contest(
        c,
        &format!("{activation} backward"),
        len,
        || {
            let both = black_box(&mut plain_delta).iter_mut().zip(black_box(&a));
            both.for_each(|(delta, a)| *delta *= reference::derivative(activation, *a));
        },
        |cpu| activation.backward(cpu, black_box(&a), black_box(&mut delta)).unwrap(),
    );
}
