//! Samples of softmaxes of another matrix and of their gradients, and what they compute beside plain loops.

use nxm_kernels::call::Op;
use nxm_kernels::reference;
use nxm_kernels::{Call, Cpu, EVALUATIONS_WORTH_A_THREAD, Level, ShapeError};

use crate::catalogue::{Buffer, Case, Sample, matrix, outputs, ran};
use crate::support::*;

/// The call of such a sample.
pub fn call<T: Float>(sample: &mut Sample<T>) -> Result<Call<'_, T>, ShapeError> {
    match sample {
        Op::Softmax { x: None, z } => Call::softmax(z.view_mut()),
        Op::Softmax { x: Some(x), z } => Call::softmax_of(x.view(), z.view_mut()),
        Op::LogSoftmax { x: None, z } => Call::log_softmax(z.view_mut()),
        Op::LogSoftmax { x: Some(x), z } => Call::log_softmax_of(x.view(), z.view_mut()),
        Op::SoftmaxGradient { outputs, delta, d } => Call::softmax_gradient(outputs.view(), delta.view(), d.view_mut()),
        Op::LogSoftmaxGradient { outputs, delta, d } => {
            Call::log_softmax_gradient(outputs.view(), delta.view(), d.view_mut())
        }
        other => panic!("{} is no softmax", other.name()),
    }
}

/// Each of them for B rows of M.
pub fn softmaxes<T: Float>(b: usize, m: usize, r: &mut Random) -> Vec<Sample<T>> {
    vec![
        Op::Softmax { x: Some(matrix(r, b, m)), z: matrix(r, b, m) },
        Op::LogSoftmax { x: Some(matrix(r, b, m)), z: matrix(r, b, m) },
        Op::SoftmaxGradient { outputs: matrix(r, b, m), delta: matrix(r, b, m), d: matrix(r, b, m) },
        Op::LogSoftmaxGradient { outputs: matrix(r, b, m), delta: matrix(r, b, m), d: matrix(r, b, m) },
    ]
}

fn forward<T: Case>(cpu: &Cpu, log: bool, x: &Buffer<T>, z: &Buffer<T>) -> Buffer<T> {
    let (x, z) = (Some(x.clone()), z.clone());
    let sample = if log { Op::LogSoftmax { x, z } } else { Op::Softmax { x, z } };
    outputs(&ran(&sample, cpu)).remove(0)
}

/// Of another matrix they are what they are in place, at every level and on several threads.
#[test]
fn softmaxes_of_another_matrix_are_those_in_place() {
    let cols = 301;
    let rows = 2 * EVALUATIONS_WORTH_A_THREAD / cols + 3;
    for ([b, m], threads) in [([1, 1], 1), ([3, 33], 1), ([rows, cols], 3)] {
        let r = &mut Random::new(b as u64);
        let (x, z) = (matrix::<f32>(r, b, m), matrix::<f32>(r, b, m));
        for cpu in Level::available().map(|level| Cpu::new(level, threads)) {
            for (log, in_place) in
                [(false, Op::Softmax { x: None, z: x.clone() }), (true, Op::LogSoftmax { x: None, z: x.clone() })]
            {
                let expected = outputs(&ran(&in_place, &cpu))[0].values();
                assert_same(&forward(&cpu, log, &x, &z).values(), &expected, &format!("{b} × {m}, log: {log}"));
            }
        }
    }
}

/// Gradients of Σ c·a, of which δ = c, are central differences.
#[test]
fn gradients_of_softmaxes_are_differences() {
    const H: f64 = 1e-5;
    for (log, level) in [false, true].into_iter().flat_map(|log| Level::available().map(move |level| (log, level))) {
        let (cpu, r, [b, m]) = (Cpu::new(level, 1), &mut Random::new(3), [3, 19]);
        let [x, delta, z] = [(); 3].map(|()| matrix::<f64>(r, b, m));
        let outputs_of = forward(&cpu, log, &x, &z);
        let (delta_of, d) = (delta.clone(), z.clone());
        let sample = match log {
            false => Op::SoftmaxGradient { outputs: outputs_of, delta: delta_of, d },
            true => Op::LogSoftmaxGradient { outputs: outputs_of, delta: delta_of, d },
        };
        let given = outputs(&ran(&sample, &cpu))[0].values();
        let weighed = |at: usize, by: f64| {
            let mut values = x.values();
            values[at] += by;
            let row = at / m;
            let row_of = &mut values[row * m..][..m];
            if log {
                reference::log_softmax(row_of)
            } else {
                reference::softmax(row_of)
            }
            row_of.iter().zip(&delta.values()[row * m..]).map(|(a, c)| a * c).sum::<f64>()
        };
        for (at, given) in given.into_iter().enumerate() {
            let expected = (weighed(at, H) - weighed(at, -H)) / (2.0 * H);
            // A rounding of some 1e-16 over 2e-5, and a third derivative below 10.
            assert!((given - expected).abs() < 1e-9, "log: {log}, {level}, {at}: {given} for {expected}");
        }
    }
}
