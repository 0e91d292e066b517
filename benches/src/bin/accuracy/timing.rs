//! Time per element.

use std::hint::black_box;
use std::time::Instant;

use nxm_kernels::{Cpu, Element, Function, Level, apply};

/// Elements of an array that fits the first cache.
const N: usize = 4096;

/// Nanoseconds per f32, the best of many passes over an array in the first cache.
pub fn f32(function: Function, level: Level) -> f64 {
    time(function, level, &mut [0.0f32; N])
}

/// The same of f64.
pub fn f64(function: Function, level: Level) -> f64 {
    time(function, level, &mut [0.0f64; N])
}

fn time<T: Element>(function: Function, level: Level, buffer: &mut [T; N]) -> f64 {
    // As activations have them, from −8 to 8; logarithms want positive numbers.
    let positive = matches!(function, Function::Log | Function::Log1P);
    let inputs: [T; N] = std::array::from_fn(|i| {
        let x = (i * 2_654_435_761 % 65_536) as f64 / 4096.0;
        T::from_f64(if positive { x + 0.01 } else { x - 8.0 })
    });
    let cpu = Cpu::new(level, 1);
    let mut best = f64::INFINITY;
    for _ in 0..200 {
        buffer.copy_from_slice(&inputs);
        let start = Instant::now();
        apply(&cpu, function, black_box(&mut buffer[..]));
        best = best.min(start.elapsed().as_secs_f64());
    }
    best * 1e9 / N as f64
}
