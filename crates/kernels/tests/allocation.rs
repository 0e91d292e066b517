//! A warm kernel allocates nothing: every allocation of the process is counted, so this file holds one test.

use std::alloc::System;

use nxm_kernels::reference::Real;
use nxm_kernels::*;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region as Allocations, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Sides of products: a single row, small ones, those whose operands are packed, and one for two threads.
const SHAPES: [[usize; 3]; 6] =
    [[1, 30, 30], [16, 64, 64], [7, 200, 130], [128, 784, 256], [300, 300, 300], [1, 900, 900]];

#[test]
fn warm_kernels_do_not_allocate() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("a pool of two threads");
    for level in Level::available() {
        for threads in [1, 2] {
            let cpu = Cpu::new(level, threads);
            pool.install(|| {
                check::<f32>(&pool, &cpu);
                check::<f64>(&pool, &cpu);
            });
        }
    }
}

fn check<T: Real>(pool: &rayon::ThreadPool, cpu: &Cpu) {
    for shape in SHAPES {
        // Every thread's first call may take memory: which of them does which part of a later one is left to chance.
        pool.broadcast(|_| run_all::<T>(&mut Data::new(shape), &Cpu::new(cpu.level(), 1), &mut |_, kernel| kernel()));
        let mut data = Data::<T>::new(shape);
        run_all(&mut data, cpu, &mut |_, kernel| kernel());
        run_all(&mut data, cpu, &mut |name, kernel| {
            let allocations = Allocations::new(ALLOCATOR);
            kernel();
            let change = allocations.change();
            let memory = [change.allocations, change.reallocations, change.deallocations];
            let (level, threads) = (cpu.level().name(), Executor::threads(cpu));
            assert_eq!(memory, [0; 3], "{name} of {shape:?}, {level}, {threads} threads: taken, moved, given back");
        });
    }
}

/// Operands of a layer of N inputs and M units, for B examples.
struct Data<T> {
    shape: [usize; 3],
    x: Vec<T>,
    w: Vec<T>,
    delta: Vec<T>,
    bias: Vec<T>,
    outputs: Vec<T>,
    sums: Vec<T>,
    inputs: Vec<T>,
    state: [Vec<T>; 2],
    packed: PackedMatrix<T>,
}

impl<T: Real> Data<T> {
    fn new([rows, fan_in, fan_out]: [usize; 3]) -> Self {
        let ones = |len| vec![T::ONE; len];
        let w = ones(fan_in * fan_out);
        Data {
            shape: [rows, fan_in, fan_out],
            x: ones(rows * fan_in),
            delta: ones(rows * fan_out),
            bias: ones(fan_out),
            outputs: ones(rows * fan_out),
            sums: ones(rows * fan_out),
            inputs: ones(rows * fan_in),
            state: [ones(fan_in * fan_out), ones(fan_in * fan_out)],
            packed: PackedMatrix::new(MatrixRef::new(&w, fan_in, fan_out).expect("weights")).expect("memory"),
            w,
        }
    }
}

/// Hands every kernel that needs scratch memory, or a choice of threads, to `measure`.
fn run_all<T: Real>(data: &mut Data<T>, cpu: &Cpu, measure: &mut dyn FnMut(&str, &mut dyn FnMut())) {
    let Data { shape: [rows, fan_in, fan_out], x, w, delta, bias, outputs, sums, inputs, state, packed } = data;
    let [b, n, m] = [*rows, *fan_in, *fan_out];
    let x = MatrixRef::new(x, b, n).expect("inputs");
    let delta = MatrixRef::new(delta, b, m).expect("deltas");
    let relu = Activation::Relu;
    // Each is called with views of its own, so that nothing but the kernel stands between two readings of the counter.
    macro_rules! kernel {
        ($name:literal, $call:expr) => {
            measure($name, &mut || $call.expect($name))
        };
    }
    macro_rules! view {
        ($data:expr, $rows:expr, $cols:expr) => {
            MatrixMut::new($data, $rows, $cols).expect("a view")
        };
    }
    let weights = MatrixRef::new(w, n, m).expect("weights");
    kernel!("forward", gemm(cpu, x, weights, Init::Bias(bias), view!(outputs, b, m)));
    kernel!("forward, packed", gemm(cpu, x, &*packed, Init::Bias(bias), view!(outputs, b, m)));
    kernel!("fused forward", dense_forward(cpu, x, weights, bias, relu, view!(outputs, b, m)));
    kernel!("keeping", dense_forward_keeping(cpu, x, weights, bias, relu, view!(sums, b, m), view!(outputs, b, m)));
    kernel!("input gradient", gemm(cpu, delta, weights.transpose(), Init::Zero, view!(inputs, b, n)));
    kernel!("fused input gradient", dense_input_gradient(cpu, delta, weights, relu, x, view!(inputs, b, n)));
    kernel!("weight gradient", gemm(cpu, x.transpose(), delta, Init::Zero, view!(&mut state[0], n, m)));
    // C with rows of its own stride, C by columns, C of two strides.
    let half = weights.block(0, 0, n, m / 2);
    kernel!("scaled", gemm_scaled(cpu, T::ONE + T::ONE, x, weights, T::ONE + T::ONE, view!(outputs, b, m)));
    kernel!("by columns", gemm_scaled(cpu, T::ONE, x, weights, T::ONE, view!(outputs, m, b).transpose()));
    kernel!("strided", {
        let c = MatrixMut::with_strides(outputs, b, m / 2, m, 2).expect("every other column");
        gemm(cpu, x, half, Init::Zero, c)
    });
    kernel!("gemv", gemv(cpu, weights, bias, &mut inputs[..n]));
    kernel!("transposed gemv", gemv_transposed(cpu, weights, &inputs[..n], &mut outputs[..m]));
    kernel!("ger", ger(cpu, T::ONE, &inputs[..n], &outputs[..m], view!(w, n, m)));
    kernel!("axpy", axpy(cpu, T::ONE, &state[0], w));
    kernel!("column sum", column_sum(cpu, delta, bias));
    measure("dot", &mut || {
        dot(cpu, &state[0], &state[1]).expect("dot");
    });
    kernel!("softmax", softmax(cpu, view!(outputs, b, m)));
    kernel!("log-softmax", log_softmax(cpu, view!(outputs, b, m)));
    kernel!("log-sum-exp", log_sum_exp(cpu, delta, &mut inputs[..b]));
    for function in Function::ALL {
        measure("a function", &mut || apply(cpu, function, sums));
    }
    let lion = Rule::Lion { learning_rate: T::ONE, one_minus_beta1: T::ONE, one_minus_beta2: T::ONE, keep: T::ONE };
    let [gradient, first] = &mut *state;
    kernel!("an update apart", update(cpu, lion, gradient, Parameters::new(w).with_first(first)));
    for rule in rules() {
        let [first, second] = state;
        let state = [(rule.state() > 0).then_some(&mut **first), (rule.state() > 1).then_some(&mut **second)];
        let state = state.map(|matrix| matrix.map(|data| view!(data, n, m)));
        let (mut state, mut weights) = (Some(state), Some(view!(w, n, m)));
        measure("fused update", &mut || {
            let (weights, state) = (weights.take().expect("weights"), state.take().expect("state"));
            dense_update(cpu, x, delta, rule, weights, state).expect("fused update");
        });
    }
}

fn rules<T: Real>() -> [Rule<T>; 4] {
    let (one, decay) = (T::ONE, Decay::L2(T::ONE));
    [
        Rule::Sgd { learning_rate: one, decay },
        Rule::Momentum { learning_rate: one, momentum: one, decay },
        Rule::Nesterov { learning_rate: one, momentum: one, decay },
        Rule::Adam {
            step_size: one,
            one_minus_beta1: one,
            beta2: one,
            one_minus_beta2: one,
            correction: one,
            epsilon: one,
            decay: Decay::Decoupled(one),
        },
    ]
}
