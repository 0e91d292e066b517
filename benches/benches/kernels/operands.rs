//! Data that stays what it is while a kernel runs in place on it, a million times.
//!
//! A gradient that shrinks with each run would soon be subnormal, and subnormal numbers are slow: such benches measure
//! something else. So each operand is a fixed point, or moves by amounts that don't matter.

use nxm_kernels::Activation;

/// `len` numbers in [−1, 1), far from zero and in no order.
pub fn mixed(len: usize) -> Vec<f32> {
    (0..len as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 23) as f32 - 1.0 + 1e-9).collect()
}

/// A small α: y + α·x stays near y.
pub const ALPHA: f32 = 1e-9;

/// Sums z that an activation leaves as they are, or brings to a fixed point far from zero.
pub fn sums(activation: Activation, len: usize) -> Vec<f32> {
    match activation {
        // 0.01·(−0) = −0.
        Activation::LeakyRelu { .. } => mixed(len).iter().map(|z| if *z < 0.0 { -0.0 } else { *z }).collect(),
        _ => mixed(len),
    }
}

/// Outputs a and gradients δ with δ·f'(z) = ±δ.
pub fn outputs_and_gradients(activation: Activation, len: usize) -> (Vec<f32>, Vec<f32>) {
    let (a, delta) = (mixed(len), mixed(len));
    match activation {
        Activation::Identity | Activation::Relu => (a, delta),
        Activation::LeakyRelu { .. } => {
            let delta = delta.iter().zip(&a).map(|(d, a)| if *a > 0.0 { *d } else { 0.0 }).collect();
            (a, delta)
        }
        // a·(1 − a) = −1 for the golden ratio.
        Activation::Sigmoid => (vec![1.618_034; len], delta),
        Activation::Tanh => (vec![0.0; len], delta),
        // a + 1 = 1.
        Activation::Elu { .. } | Activation::Celu { .. } => (vec![0.0; len], delta),
        // The others' derivatives are 1 where z is large.
        _ => (vec![50.0; len], delta),
    }
}
