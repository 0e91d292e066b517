//! The FMA peak: multiply-adds on registers alone.

use std::hint::black_box;
use std::marker::PhantomData;

use nxm_kernels::{Cpu, Element, Executor, Kernel, Simd};

/// Multiply-adds in each chain: some ten microseconds in all.
const LENGTH: usize = 10_000;

/// GFLOP/s of f32 on one thread, an fma being two.
pub fn gigaflops(cpu: &Cpu) -> f64 {
    let mut fma = 0;
    let seconds = crate::clock::seconds(|| fma = (0..10).map(|_| cpu.level().dispatch(Peak::<f32>::default())).sum());
    2.0 * fma as f64 / seconds / 1e9
}

/// acc ← acc·a + b, which tends to b/(1 − a) = 1, in as many independent chains as the units can take. Returns the multiply-adds.
pub struct Peak<T>(PhantomData<T>);

impl<T> Default for Peak<T> {
    fn default() -> Self {
        Peak(PhantomData)
    }
}

impl<T: Element> Kernel<T> for Peak<T> {
    type Output = usize;
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) -> usize {
        // Two units of four cycles' latency need eight chains; the registers hold more, and that evens out the rest.
        if S::REGISTERS >= 32 { chains::<T, S, 24>(simd) } else { chains::<T, S, 12>(simd) }
    }
}

#[inline(always)]
fn chains<T: Element, S: Simd<T>, const N: usize>(simd: S) -> usize {
    let (a, b) = (simd.splat(black_box(T::from_f64(0.999))), simd.splat(black_box(T::from_f64(0.001))));
    let mut sums = [simd.splat(T::from_f64(0.5)); N];
    for _ in 0..LENGTH {
        for sum in &mut sums {
            *sum = simd.mul_add(*sum, a, b);
        }
    }
    for sum in sums {
        black_box(simd.reduce_add(sum));
    }
    N * S::LANES * LENGTH
}
