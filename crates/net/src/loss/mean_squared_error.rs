//! Mean squared error: L = Σ d² / (B·M) and ∂L/∂o = 2d / (B·M), where d = o − t.
//!
//! For n = B·M outputs: d takes n additions, Σ d² as a dot product n multiplications and n − 1 additions, its mean 1 mul, the
//! gradient n mul. 2n + 1 multiplications and 2n − 1 additions in all.
//!
//! It runs on one thread, as all losses do ([`super::cross_entropy`] says why).

use nxm_kernels::dot::dot_body;
use nxm_kernels::elementwise::{Elementwise, map_slice};
use nxm_kernels::softmax::Scale;
use nxm_kernels::{Element, Kernel, MatrixRef, Simd};

/// The loss of B·M outputs.
pub(super) struct MeanSquaredError<'a, T> {
    /// o.
    pub(super) outputs: &'a [T],
    /// 1 / (B·M).
    pub(super) mean: T,
    /// 2 / (B·M).
    pub(super) slope: T,
    /// t.
    pub(super) targets: MatrixRef<'a, T>,
    /// Becomes the gradient.
    pub(super) delta: &'a mut [T],
}

impl<T: Element> Kernel<T> for MeanSquaredError<'_, T> {
    type Output = T;
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) -> T {
        let MeanSquaredError { outputs, mean, slope, targets, delta } = self;
        lay_out(simd, targets, delta);
        map_slice(simd, Difference, [outputs], delta);
        let sum = dot_body(simd, delta, delta);
        map_slice(simd, Scale { by: slope }, [], delta);
        simd.one().mul(sum, mean)
    }
}

/// Lays the targets out as the outputs are, whatever their strides.
#[inline(always)]
pub(super) fn lay_out<T: Element, S: Simd<T>>(simd: S, targets: MatrixRef<'_, T>, to: &mut [T]) {
    let one = simd.one();
    for (i, to) in to.chunks_exact_mut(targets.cols()).enumerate() {
        if targets.col_stride() == 1 {
            simd.copy(targets.row(i), to);
        } else {
            for (j, to) in to.chunks_mut(1).enumerate() {
                one.store(one.broadcast(&targets.at(i, j)), to);
            }
        }
    }
}

/// t ← o − t.
#[derive(Clone, Copy)]
pub(super) struct Difference;

impl<T: Element> Elementwise<T, 1> for Difference {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, t: S::Vector, [o]: [S::Vector; 1]) -> S::Vector {
        simd.sub(o, t)
    }
}
