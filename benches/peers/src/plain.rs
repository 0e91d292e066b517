//! Vector kernels as a person writes them, compiled for this machine's instruction set.

use crate::library::Number;
use crate::vector::{KernelOperands, VectorKernel};

/// The loop, with the widest instructions that the processor has and the compiler can use.
pub fn run<T: Number>(kernel: VectorKernel, operands: &mut KernelOperands<T>) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::is_x86_feature_detected as has;
        if has!("avx512f") && has!("avx512vl") && has!("avx512bw") && has!("avx512dq") && has!("fma") {
            // SAFETY: the processor has these features.
            return unsafe { on_avx512(kernel, operands) };
        }
        if has!("avx2") && has!("fma") {
            // SAFETY: the processor has these features.
            return unsafe { on_avx2(kernel, operands) };
        }
    }
    body(kernel, operands);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,fma")]
fn on_avx512<T: Number>(kernel: VectorKernel, operands: &mut KernelOperands<T>) {
    body(kernel, operands);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn on_avx2<T: Number>(kernel: VectorKernel, operands: &mut KernelOperands<T>) {
    body(kernel, operands);
}

#[inline(always)]
fn dot<T: Number>(x: &[T], y: &[T]) -> T {
    x.iter().zip(y).fold(T::default(), |sum, (x, y)| sum + *x * *y)
}

#[inline(always)]
fn axpy<T: Number>(alpha: T, x: &[T], y: &mut [T]) {
    for (x, y) in x.iter().zip(y) {
        *y += alpha * *x;
    }
}

#[inline(always)]
fn body<T: Number>(kernel: VectorKernel, operands: &mut KernelOperands<T>) {
    let KernelOperands { cols, a, x, y, out, alpha, .. } = operands;
    match kernel {
        VectorKernel::Dot => out[0] = dot(x, y),
        VectorKernel::Axpy => axpy(*alpha, x, out),
        VectorKernel::Gemv => a.chunks_exact(*cols).zip(out).for_each(|(row, out)| *out = dot(row, x)),
        VectorKernel::GemvTransposed => {
            out.fill(T::default());
            a.chunks_exact(*cols).zip(x).for_each(|(row, x)| axpy(*x, row, out));
        }
        VectorKernel::Ger => out.chunks_exact_mut(*cols).zip(x).for_each(|(row, x)| axpy(*alpha * *x, y, row)),
    }
}
