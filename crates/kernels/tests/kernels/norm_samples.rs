//! Samples of norms, of products of elements and of running means, and what they compute beside plain loops.

use nxm_kernels::call::Op;
use nxm_kernels::reference::{self, Real};
use nxm_kernels::{Activation, Call, Cpu, Level, ShapeError};

use crate::catalogue::{Buffer, Case, Sample, matrix, outputs, positive, ran};
use crate::support::*;

/// What norms add to a variance, as PyTorch does.
const EPSILON: f64 = 1e-5;

/// The call of such a sample.
pub fn call<T: Float>(sample: &mut Sample<T>) -> Result<Call<'_, T>, ShapeError> {
    match sample {
        Op::Multiply { x, by, to } => Call::multiply(x.view(), by.view(), to.view_mut()),
        Op::Blend { keep, add, x, to } => Call::blend(*keep, *add, x.view(), to.view_mut()),
        Op::ColumnDot { a, b, sum } => Call::column_dot(a.view(), b.view(), sum.view_mut()),
        Op::LayerNorm { x, weights, bias, share, epsilon, normalized, scales, a } => {
            let [x, weights, bias] = [x, weights, bias].map(|buffer| buffer.view());
            let [normalized, scales, a] = [normalized, scales, a].map(Buffer::view_mut);
            Call::layer_norm(x, weights, bias, (*share, *epsilon), normalized, scales, a)
        }
        Op::LayerNormGradient { delta, weights, normalized, scales, share, d } => {
            let [delta, weights, normalized, scales] = [delta, weights, normalized, scales].map(|buffer| buffer.view());
            Call::layer_norm_gradient(delta, weights, normalized, scales, *share, d.view_mut())
        }
        Op::BatchNorm { x, weights, bias, share, epsilon, mean, variance, scales, normalized, a } => {
            let [x, weights, bias] = [x, weights, bias].map(|buffer| buffer.view());
            let statistics = [mean, variance, scales].map(Buffer::view_mut);
            let [normalized, a] = [normalized, a].map(Buffer::view_mut);
            Call::batch_norm(x, weights, bias, (*share, *epsilon), statistics, normalized, a)
        }
        Op::BatchNormGradient { delta, weights, normalized, scales, sums, share, factors, d } => {
            let [delta, weights, normalized, scales] = [delta, weights, normalized, scales].map(|buffer| buffer.view());
            let (sums, [factors, d]) = (sums.each_ref().map(Buffer::view), [factors, d].map(Buffer::view_mut));
            Call::batch_norm_gradient(delta, weights, normalized, scales, sums, *share, factors, d)
        }
        Op::BatchNormEvaluate { x, weights, bias, mean, variance, epsilon, factors, a } => {
            let [x, weights, bias, mean, variance] = [x, weights, bias, mean, variance].map(|buffer| buffer.view());
            let [factors, a] = [factors, a].map(Buffer::view_mut);
            Call::batch_norm_evaluate(x, weights, bias, mean, variance, *epsilon, factors, a)
        }
        other => panic!("{} is no norm", other.name()),
    }
}

/// Each of them for B rows of M.
pub fn norms<T: Float>(b: usize, m: usize, r: &mut Random) -> Vec<Sample<T>> {
    let share = |count: usize| T::from_f64(1.0 / count.max(1) as f64);
    let epsilon = T::from_f64(EPSILON);
    vec![
        Op::Activate {
            activation: Activation::Gelu,
            parameters: Activation::Gelu.rounded(),
            sums: Some(matrix(r, b, m)),
            z: matrix(r, b, m),
        },
        Op::Multiply { x: matrix(r, b, m), by: matrix(r, b, m), to: matrix(r, b, m) },
        Op::Blend { keep: T::from_f64(0.9), add: T::from_f64(0.1), x: matrix(r, b, m), to: matrix(r, b, m) },
        Op::ColumnDot { a: matrix(r, b, m), b: matrix(r, b, m), sum: matrix(r, 1, m) },
        Op::LayerNorm {
            x: matrix(r, b, m),
            weights: matrix(r, 1, m),
            bias: matrix(r, 1, m),
            share: share(m),
            epsilon,
            normalized: matrix(r, b, m),
            scales: matrix(r, 1, b),
            a: matrix(r, b, m),
        },
        Op::LayerNormGradient {
            delta: matrix(r, b, m),
            weights: matrix(r, 1, m),
            normalized: matrix(r, b, m),
            scales: positive(r, 1, b),
            share: share(m),
            d: matrix(r, b, m),
        },
        Op::BatchNorm {
            x: matrix(r, b, m),
            weights: matrix(r, 1, m),
            bias: matrix(r, 1, m),
            share: share(b),
            epsilon,
            mean: matrix(r, 1, m),
            variance: matrix(r, 1, m),
            scales: matrix(r, 1, m),
            normalized: matrix(r, b, m),
            a: matrix(r, b, m),
        },
        Op::BatchNormGradient {
            delta: matrix(r, b, m),
            weights: matrix(r, 1, m),
            normalized: matrix(r, b, m),
            scales: positive(r, 1, m),
            sums: [matrix(r, 1, m), matrix(r, 1, m)],
            share: share(b),
            factors: matrix(r, 3, m),
            d: matrix(r, b, m),
        },
        Op::BatchNormEvaluate {
            x: matrix(r, b, m),
            weights: matrix(r, 1, m),
            bias: matrix(r, 1, m),
            mean: matrix(r, 1, m),
            variance: positive(r, 1, m),
            epsilon,
            factors: matrix(r, 2, m),
            a: matrix(r, b, m),
        },
    ]
}

/// Rows and columns: less than a vector, ragged ones, and long ones.
const SIZES: [[usize; 2]; 6] = [[1, 1], [2, 3], [5, 16], [7, 33], [64, 9], [3, 300]];

/// How far a result may be from plain loops that add in another order, beside the largest of them.
fn tolerance<T: Float>() -> f64 {
    if size_of::<T>() == 4 { 2e-5 } else { 1e-13 }
}

fn close<T: Float>(what: &str, given: &[T], expected: &[T]) {
    assert_eq!(given.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(1.0, |largest: f64, x| largest.max(x.to_f64().abs()));
    for (i, (given, expected)) in given.iter().zip(expected).enumerate() {
        let off = (given.to_f64() - expected.to_f64()).abs();
        assert!(off <= tolerance::<T>() * largest, "{what}, element {i}: {given} for {expected}");
    }
}

/// A norm of x with weights, biases and ε.
type Norm<T> = fn(&[T], &[T], &[T], T, &mut [T]) -> Vec<T>;
/// The gradient of x, with weights, that of the outputs and ε.
type Gradient<T> = fn(&[T], &[T], &[T], T, &mut [T]);

/// A norm and its gradient after each other, at every level.
fn forward_and_backward<T: Real + Case>() {
    let epsilon = T::from_f64(EPSILON);
    for (level, [b, m]) in Level::available().flat_map(|level| SIZES.map(|size| (level, size))) {
        let (cpu, r) = (Cpu::new(level, 1), &mut Random::new((b * m) as u64));
        let row = |r: &mut Random| matrix::<T>(r, 1, m);
        let (x, delta, weights, bias) = (matrix(r, b, m), matrix(r, b, m), row(r), row(r));
        let [by_rows, by_columns] = [m, b].map(|count| T::from_f64(1.0 / count as f64));
        let what = |kernel: &str| format!("{kernel} of {b} × {m} at {level}");
        let expected = |norm: Norm<T>| {
            let mut a = vec![T::ZERO; b * m];
            let normalized = norm(&x.values(), &weights.values(), &bias.values(), epsilon, &mut a);
            (normalized, a)
        };
        let gradient = |norm: Gradient<T>| {
            let mut d = vec![T::ZERO; b * m];
            norm(&x.values(), &weights.values(), &delta.values(), epsilon, &mut d);
            d
        };
        let forward = ran(
            &Op::LayerNorm {
                x: x.clone(),
                weights: weights.clone(),
                bias: bias.clone(),
                share: by_rows,
                epsilon,
                normalized: matrix(r, b, m),
                scales: matrix(r, 1, b),
                a: matrix(r, b, m),
            },
            &cpu,
        );
        let Op::LayerNorm { normalized, scales, a, .. } = forward else { unreachable!() };
        let (of_normalized, of_a) = expected(reference::layer_norm);
        close(&what("layer_norm, normalised"), &normalized.values(), &of_normalized);
        close(&what("layer_norm"), &a.values(), &of_a);
        let backward = Op::LayerNormGradient {
            delta: delta.clone(),
            weights: weights.clone(),
            normalized,
            scales,
            share: by_rows,
            d: matrix(r, b, m),
        };
        let d = outputs(&ran(&backward, &cpu))[0].values();
        // Of a row of one element the scale is 1 / √ε, and the gradient a difference of equal numbers.
        let scale = if m == 1 { 0.0 } else { 1.0 };
        let d: Vec<T> = d.iter().map(|d| T::from_f64(d.to_f64() * scale)).collect();
        let want = gradient(reference::layer_norm_gradient)
            .iter()
            .map(|d| T::from_f64(d.to_f64() * scale))
            .collect::<Vec<T>>();
        close(&what("layer_norm_gradient"), &d, &want);

        let forward = ran(
            &Op::BatchNorm {
                x: x.clone(),
                weights: weights.clone(),
                bias: bias.clone(),
                share: by_columns,
                epsilon,
                mean: row(r),
                variance: row(r),
                scales: row(r),
                normalized: matrix(r, b, m),
                a: matrix(r, b, m),
            },
            &cpu,
        );
        let Op::BatchNorm { mean, variance, scales, normalized, a, .. } = forward else { unreachable!() };
        let (of_normalized, of_a) = expected(reference::batch_norm);
        close(&what("batch_norm, normalised"), &normalized.values(), &of_normalized);
        close(&what("batch_norm"), &a.values(), &of_a);
        let evaluate = Op::BatchNormEvaluate {
            x: x.clone(),
            weights: weights.clone(),
            bias: bias.clone(),
            mean,
            variance,
            epsilon,
            factors: matrix(r, 2, m),
            a: matrix(r, b, m),
        };
        close(&what("batch_norm_evaluate"), &outputs(&ran(&evaluate, &cpu))[1].values(), &of_a);
        let mut of_bias = vec![T::ZERO; m];
        reference::column_sum(&delta.values(), b, &mut of_bias);
        let dots = Op::ColumnDot { a: delta.clone(), b: normalized.clone(), sum: row(r) };
        let of_weights = outputs(&ran(&dots, &cpu)).remove(0);
        let of_columns =
            |j: usize| (0..b).fold(T::ZERO, |sum, i| sum + delta.values()[i * m + j] * normalized.values()[i * m + j]);
        close(&what("column_dot"), &of_weights.values(), &(0..m).map(of_columns).collect::<Vec<T>>());
        if b == 1 {
            continue;
        }
        let backward = Op::BatchNormGradient {
            delta: delta.clone(),
            weights: weights.clone(),
            normalized,
            scales,
            sums: [Buffer::new(&of_bias, of_weights.layout()), of_weights],
            share: by_columns,
            factors: matrix(r, 3, m),
            d: matrix(r, b, m),
        };
        let d = outputs(&ran(&backward, &cpu))[1].values();
        // Of two rows, the inverse root is large where they are near each other, and the gradient a difference of nearly equal numbers.
        if b > 2 {
            close(&what("batch_norm_gradient"), &d, &gradient(reference::batch_norm_gradient));
        }
    }
}

#[test]
fn norms_are_those_of_plain_loops() {
    forward_and_backward::<f32>();
    forward_and_backward::<f64>();
}

/// Products and blends are rounded as their formulas say, and keep what is multiplied by 1.
#[test]
fn products_and_running_means() {
    let (cpu, r) = (Cpu::new(Level::named("scalar").unwrap(), 1), &mut Random::new(5));
    let (x, by, to) = (matrix::<f64>(r, 4, 9), matrix::<f64>(r, 4, 9), matrix::<f64>(r, 4, 9));
    let products = outputs(&ran(&Op::Multiply { x: x.clone(), by: by.clone(), to: to.clone() }, &cpu))[0].values();
    assert_eq!(products, x.values().iter().zip(by.values()).map(|(x, y)| x * y).collect::<Vec<f64>>());
    let (keep, add) = (0.75, 0.25);
    let blended = outputs(&ran(&Op::Blend { keep, add, x: x.clone(), to: to.clone() }, &cpu))[0].values();
    let expected: Vec<f64> = x.values().iter().zip(to.values()).map(|(x, y)| x.mul_add(add, y * keep)).collect();
    close("blend", &blended, &expected);
}
