//! Every kernel as the plain loop a person would write: obviously right, and what the fast ones are measured against.
//!
//! Multiplications and additions are separate here and sums run from left to right, so results agree with the kernels
//! to rounding, not to the bit. Shapes are not checked beyond slice bounds. Matrices are row-major without gaps.

use std::ops::{Add, Div, Mul, Neg, Sub};

use crate::activation::Activation;
use crate::element::Element;
use crate::math::Function;
use crate::math::selu::{SELU_BELOW, SELU_SCALE};

/// An element with the operators and functions of the language.
pub trait Real:
    Element + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self> + Neg<Output = Self>
{
    /// eˣ by the C library.
    fn exp(self) -> Self;
    /// ln x by the C library.
    fn ln(self) -> Self;
    /// tanh x by the C library.
    fn tanh(self) -> Self;
    /// eˣ − 1 by the C library.
    fn exp_m1(self) -> Self;
    /// ln(1 + x) by the C library.
    fn ln_1p(self) -> Self;
}

impl Real for f32 {
    fn exp(self) -> Self {
        self.exp()
    }
    fn ln(self) -> Self {
        self.ln()
    }
    fn tanh(self) -> Self {
        self.tanh()
    }
    fn exp_m1(self) -> Self {
        self.exp_m1()
    }
    fn ln_1p(self) -> Self {
        self.ln_1p()
    }
}

impl Real for f64 {
    fn exp(self) -> Self {
        self.exp()
    }
    fn ln(self) -> Self {
        self.ln()
    }
    fn tanh(self) -> Self {
        self.tanh()
    }
    fn exp_m1(self) -> Self {
        self.exp_m1()
    }
    fn ln_1p(self) -> Self {
        self.ln_1p()
    }
}

/// Σ xᵢ·yᵢ.
pub fn dot<T: Real>(x: &[T], y: &[T]) -> T {
    let mut sum = T::ZERO;
    for i in 0..x.len() {
        sum = sum + x[i] * y[i];
    }
    sum
}

/// Σ xᵢ·yᵢ of f32, in f64.
pub fn dot_in_f64(x: &[f32], y: &[f32]) -> f64 {
    let mut sum = 0.0;
    for i in 0..x.len() {
        sum += f64::from(x[i]) * f64::from(y[i]);
    }
    sum
}

/// y ← α·x + y.
pub fn axpy<T: Real>(alpha: T, x: &[T], y: &mut [T]) {
    for i in 0..y.len() {
        y[i] = alpha * x[i] + y[i];
    }
}

/// y ← A·x, A of y.len() × x.len().
pub fn gemv<T: Real>(a: &[T], x: &[T], y: &mut [T]) {
    let m = x.len();
    for i in 0..y.len() {
        y[i] = dot(&a[i * m..(i + 1) * m], x);
    }
}

/// y ← Aᵀ·x, A of x.len() × y.len().
pub fn gemv_transposed<T: Real>(a: &[T], x: &[T], y: &mut [T]) {
    let m = y.len();
    y.fill(T::ZERO);
    for i in 0..x.len() {
        for j in 0..m {
            y[j] = y[j] + x[i] * a[i * m + j];
        }
    }
}

/// A ← A + α·x·yᵀ, A of x.len() × y.len().
pub fn ger<T: Real>(alpha: T, x: &[T], y: &[T], a: &mut [T]) {
    let m = y.len();
    for i in 0..x.len() {
        for j in 0..m {
            a[i * m + j] = a[i * m + j] + alpha * x[i] * y[j];
        }
    }
}

/// A layer's forward pass before its activation: Z ← X·W + b, X of rows × N, W of N × M, b of M.
pub fn forward<T: Real>(x: &[T], w: &[T], bias: &[T], rows: usize, z: &mut [T]) {
    let m = bias.len();
    let n = w.len().checked_div(m).unwrap_or(0);
    for r in 0..rows {
        for j in 0..m {
            let mut sum = bias[j];
            for i in 0..n {
                sum = sum + x[r * n + i] * w[i * m + j];
            }
            z[r * m + j] = sum;
        }
    }
}

/// A layer's weight gradient: D ← Xᵀ·δ, X of rows × n, δ of rows × m, D of n × m.
pub fn weight_gradient<T: Real>(x: &[T], delta: &[T], rows: usize, n: usize, m: usize, d: &mut [T]) {
    for i in 0..n {
        for j in 0..m {
            let mut sum = T::ZERO;
            for r in 0..rows {
                sum = sum + x[r * n + i] * delta[r * m + j];
            }
            d[i * m + j] = sum;
        }
    }
}

/// A layer's input gradient: D ← δ·Wᵀ, δ of rows × m, W of n × m, D of rows × n.
pub fn input_gradient<T: Real>(delta: &[T], w: &[T], rows: usize, n: usize, m: usize, d: &mut [T]) {
    for r in 0..rows {
        for i in 0..n {
            let mut sum = T::ZERO;
            for j in 0..m {
                sum = sum + delta[r * m + j] * w[i * m + j];
            }
            d[r * n + i] = sum;
        }
    }
}

/// sumⱼ ← Σ over rows i of `A[i][j]`.
pub fn column_sum<T: Real>(a: &[T], rows: usize, sum: &mut [T]) {
    let m = sum.len();
    for j in 0..m {
        sum[j] = T::ZERO;
        for r in 0..rows {
            sum[j] = sum[j] + a[r * m + j];
        }
    }
}

/// f(z).
pub fn activate<T: Real>(activation: Activation, z: T) -> T {
    match activation {
        Activation::Identity => z,
        Activation::Relu => {
            if z < T::ZERO {
                T::ZERO
            } else {
                z
            }
        }
        Activation::LeakyRelu { slope } => {
            if z > T::ZERO {
                z
            } else {
                T::from_f64(slope) * z
            }
        }
        Activation::Sigmoid => T::ONE / (T::ONE + (-z).exp()),
        Activation::Tanh => z.tanh(),
        Activation::Softplus { beta, threshold } => {
            let scaled = T::from_f64(beta) * z;
            if scaled > T::from_f64(threshold) {
                z
            } else if scaled > T::ZERO {
                (scaled + (-scaled).exp().ln_1p()) / T::from_f64(beta)
            } else {
                scaled.exp().ln_1p() / T::from_f64(beta)
            }
        }
        Activation::Elu { alpha } => {
            if z > T::ZERO {
                z
            } else {
                T::from_f64(alpha) * z.exp_m1()
            }
        }
        Activation::Celu { alpha } => {
            if z > T::ZERO {
                z
            } else {
                T::from_f64(alpha) * (z / T::from_f64(alpha)).exp_m1()
            }
        }
        _ => activation.function().map_or(z, |function| defined(function, z)),
    }
}

/// f(x) by its definition in f64.
fn defined<T: Real>(function: Function, x: T) -> T {
    T::from_f64(function.definition(x.to_f64()))
}

/// f'(z), given `kept`, which is f(z), or z, as [`Activation::kept`] says.
pub fn derivative<T: Real>(activation: Activation, kept: T) -> T {
    match activation {
        Activation::Identity => T::ONE,
        Activation::Relu => {
            if kept > T::ZERO {
                T::ONE
            } else {
                T::ZERO
            }
        }
        Activation::LeakyRelu { slope } => {
            if kept > T::ZERO {
                T::ONE
            } else {
                T::from_f64(slope)
            }
        }
        Activation::Sigmoid => kept * (T::ONE - kept),
        Activation::Tanh => T::ONE - kept * kept,
        Activation::Softplus { beta, threshold } => {
            let scaled = T::from_f64(beta) * kept;
            if scaled > T::from_f64(threshold) { T::ONE } else { T::ONE / (T::ONE + (-scaled).exp()) }
        }
        Activation::Elu { alpha } => {
            if kept > T::ZERO {
                T::ONE
            } else {
                kept + T::from_f64(alpha)
            }
        }
        Activation::Celu { alpha } => {
            if kept > T::ZERO {
                T::ONE
            } else {
                kept / T::from_f64(alpha) + T::ONE
            }
        }
        Activation::Relu6 => between(T::ZERO, kept, T::from_f64(6.0), T::ONE),
        Activation::HardTanh => between(-T::ONE, kept, T::ONE, T::ONE),
        Activation::HardSigmoid => between(T::ZERO, kept, T::ONE, T::from_f64(1.0 / 6.0)),
        Activation::HardSwish => {
            let three = T::from_f64(3.0);
            if kept >= three { T::ONE } else { between(-three, kept, three, T::from_f64(kept.to_f64() / 3.0 + 0.5)) }
        }
        Activation::LogSigmoid => -kept.exp_m1(),
        Activation::Selu => {
            if kept > T::ZERO {
                T::from_f64(SELU_SCALE)
            } else {
                kept + T::from_f64(SELU_BELOW)
            }
        }
        Activation::Softsign => {
            let rest = T::ONE - if kept < T::ZERO { -kept } else { kept };
            rest * rest
        }
        _ => activation.derivative_function().map_or(T::ONE, |function| defined(function, kept)),
    }
}

/// `slope` where low < x < high, else 0.
fn between<T: Real>(low: T, x: T, high: T, slope: T) -> T {
    if x > low && x < high { slope } else { T::ZERO }
}

/// softmax(z) of one row, in place.
pub fn softmax<T: Real>(z: &mut [T]) {
    log_softmax(z);
    for z in z {
        *z = z.exp();
    }
}

/// ln softmax(z) of one row, in place.
pub fn log_softmax<T: Real>(z: &mut [T]) {
    let mut max = T::NEG_INFINITY;
    for z in z.iter() {
        if *z > max {
            max = *z;
        }
    }
    let mut sum = T::ZERO;
    for z in z.iter() {
        sum = sum + (*z - max).exp();
    }
    for z in z {
        *z = *z - max - sum.ln();
    }
}

/// w ← w − η·g.
pub fn sgd<T: Real>(learning_rate: T, gradient: &[T], weights: &mut [T]) {
    for i in 0..weights.len() {
        weights[i] = weights[i] - learning_rate * gradient[i];
    }
}

/// A ← γ·X̂ + β by rows of γ.len(), X̂ = (x − mean) / √(variance + ε), with the variance of Σ (x − mean)² / M. Returns X̂.
pub fn layer_norm<T: Real>(x: &[T], weights: &[T], bias: &[T], epsilon: T, a: &mut [T]) -> Vec<T> {
    let m = weights.len();
    let mut normalized = Vec::new();
    for row in x.chunks(m) {
        normalized.extend(standardise(row, epsilon));
    }
    affine(&normalized, weights, bias, a);
    normalized
}

/// D ← the gradient of a layer norm's inputs x from δ, that of its outputs.
pub fn layer_norm_gradient<T: Real>(x: &[T], weights: &[T], delta: &[T], epsilon: T, d: &mut [T]) {
    let m = weights.len();
    for ((x, delta), d) in x.chunks(m).zip(delta.chunks(m)).zip(d.chunks_mut(m)) {
        let g: Vec<T> = delta.iter().zip(weights).map(|(delta, weight)| *delta * *weight).collect();
        d.copy_from_slice(&standardised_gradient(x, &g, epsilon));
    }
}

/// A ← γ·X̂ + β by columns, X̂ = (x − mean) / √(variance + ε), with the variance of Σ (x − mean)² / B. Returns X̂.
pub fn batch_norm<T: Real>(x: &[T], weights: &[T], bias: &[T], epsilon: T, a: &mut [T]) -> Vec<T> {
    let m = weights.len();
    let mut normalized = vec![T::ZERO; x.len()];
    for j in 0..m {
        let column: Vec<T> = x.iter().skip(j).step_by(m).copied().collect();
        let standardised = standardise(&column, epsilon);
        normalized.iter_mut().skip(j).step_by(m).zip(standardised).for_each(|(to, x)| *to = x);
    }
    affine(&normalized, weights, bias, a);
    normalized
}

/// D ← the gradient of a batch norm's inputs x from δ, that of its outputs.
pub fn batch_norm_gradient<T: Real>(x: &[T], weights: &[T], delta: &[T], epsilon: T, d: &mut [T]) {
    let m = weights.len();
    for (j, weight) in weights.iter().enumerate() {
        let column: Vec<T> = x.iter().skip(j).step_by(m).copied().collect();
        let g: Vec<T> = delta.iter().skip(j).step_by(m).map(|delta| *delta * *weight).collect();
        let gradient = standardised_gradient(&column, &g, epsilon);
        d.iter_mut().skip(j).step_by(m).zip(gradient).for_each(|(to, x)| *to = x);
    }
}

/// x·γ + β of each row.
fn affine<T: Real>(x: &[T], weights: &[T], bias: &[T], a: &mut [T]) {
    let m = weights.len();
    for i in 0..x.len() {
        a[i] = x[i] * weights[i % m] + bias[i % m];
    }
}

/// The mean of some numbers, and 1 / √(variance + ε).
fn moments<T: Real>(x: &[T], epsilon: T) -> (T, T) {
    let count = T::from_f64(x.len() as f64);
    let mean = x.iter().fold(T::ZERO, |sum, x| sum + *x) / count;
    let squares = x.iter().fold(T::ZERO, |sum, x| sum + (*x - mean) * (*x - mean));
    (mean, T::from_f64(1.0 / (squares / count + epsilon).to_f64().sqrt()))
}

/// (x − mean) / √(variance + ε).
fn standardise<T: Real>(x: &[T], epsilon: T) -> Vec<T> {
    let (mean, scale) = moments(x, epsilon);
    x.iter().map(|x| (*x - mean) * scale).collect()
}

/// The gradient of x, of which x̂ has the gradient g.
fn standardised_gradient<T: Real>(x: &[T], g: &[T], epsilon: T) -> Vec<T> {
    let (count, scale) = (T::from_f64(x.len() as f64), moments(x, epsilon).1);
    let normalized = standardise(x, epsilon);
    let mean = g.iter().fold(T::ZERO, |sum, g| sum + *g) / count;
    let along = dot(g, &normalized) / count;
    g.iter().zip(&normalized).map(|(g, x)| (*g - mean - *x * along) * scale).collect()
}
