//! The FMA peak: multiply-adds on registers alone.

use std::hint::black_box;

use nxm_kernels::{Cpu, Executor, Kernel, Simd};

/// Multiply-adds in each chain: some hundred microseconds in all.
const LENGTH: usize = 100_000;

/// GFLOP/s of independent chains of fma.
pub fn gigaflops(cpu: &Cpu) -> f64 {
    let mut lanes = 0;
    let seconds = crate::clock::seconds(|| lanes = cpu.run(Chains { a: black_box(0.999), b: black_box(0.001) }));
    2.0 * (lanes * LENGTH) as f64 / seconds / 1e9
}

/// acc ← acc·a + b, which tends to b/(1 − a) = 1. Returns the lanes of all chains.
struct Chains {
    a: f32,
    b: f32,
}

impl Kernel<f32> for Chains {
    type Output = usize;
    #[inline(always)]
    fn run<S: Simd<f32>>(self, simd: S) -> usize {
        // Two units of four cycles' latency need eight chains; the registers hold more, and that evens out the rest.
        if S::REGISTERS >= 32 { chains::<S, 24>(simd, self.a, self.b) } else { chains::<S, 12>(simd, self.a, self.b) }
    }
}

#[inline(always)]
fn chains<S: Simd<f32>, const N: usize>(simd: S, a: f32, b: f32) -> usize {
    let (a, b) = (simd.splat(a), simd.splat(b));
    let mut sums = [simd.splat(0.5); N];
    for _ in 0..LENGTH {
        for sum in &mut sums {
            *sum = simd.mul_add(*sum, a, b);
        }
    }
    for sum in sums {
        black_box(simd.reduce_add(sum));
    }
    N * S::LANES
}
