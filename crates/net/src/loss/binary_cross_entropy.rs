//! Binary cross-entropy of logits: L = Σ ((1 − t)·z + softplus(−z)) / (B·M) and ∂L/∂z = (σ(z) − t) / (B·M).
//!
//! For n = B·M logits: 1 − t (n additions), softplus (n evaluations), their sum (n fma), Σ (n − 1 additions), its mean (1 mul);
//! σ (n evaluations), σ − t (n additions), times 1/(B·M) (n mul).

use nxm_kernels::elementwise::{Elementwise, map_slice};
use nxm_kernels::{Element, Kernel, MatrixRef, Simd, math, reduce};

use super::mean_squared_error::lay_out;

/// The loss of B·M logits.
pub(super) struct BinaryCrossEntropy<'a, T> {
    /// z.
    pub(super) logits: &'a [T],
    /// 1 / (B·M).
    pub(super) mean: T,
    /// The elements' losses: B·M of any value before.
    pub(super) losses: &'a mut [T],
    /// t.
    pub(super) targets: MatrixRef<'a, T>,
    /// Becomes the gradient.
    pub(super) delta: &'a mut [T],
}

impl<T: Element> Kernel<T> for BinaryCrossEntropy<'_, T> {
    type Output = T;
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) -> T {
        let BinaryCrossEntropy { logits, mean, losses, targets, delta } = self;
        lay_out(simd, targets, delta);
        map_slice(simd, ElementLoss, [logits, delta], losses);
        map_slice(simd, Gradient { mean }, [logits], delta);
        simd.one().mul(reduce::sum(simd, losses), mean)
    }
}

/// (1 − t)·z + softplus(−z), from z and t.
#[derive(Clone, Copy)]
struct ElementLoss;

impl<T: Element> Elementwise<T, 2> for ElementLoss {
    const READS_OUT: bool = false;
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, _: S::Vector, [z, t]: [S::Vector; 2]) -> S::Vector {
        let softplus = math::softplus(simd, simd.neg(z));
        simd.mul_add(simd.sub(simd.splat(T::ONE), t), z, softplus)
    }
}

/// t ← (σ(z) − t)·mean.
#[derive(Clone, Copy)]
struct Gradient<T> {
    mean: T,
}

impl<T: Element> Elementwise<T, 1> for Gradient<T> {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, t: S::Vector, [z]: [S::Vector; 1]) -> S::Vector {
        simd.mul(simd.sub(math::sigmoid(simd, z), t), simd.splat(self.mean))
    }
}
