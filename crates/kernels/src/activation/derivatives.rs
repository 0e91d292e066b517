//! What each activation's derivative multiplies δ by, in a vector: [`derive`](super::Activation::backward) and what follows products run these.

use crate::element::Lane;
use crate::elementwise::Elementwise;
use crate::math::{self, Parameters, evaluate};
use crate::simd::Simd;

#[derive(Clone, Copy)]
pub(super) struct Relu;

impl<T: Lane> Elementwise<T, 1> for Relu {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, delta: S::Vector, [a]: [S::Vector; 1]) -> S::Vector {
        simd.keep(simd.lt(simd.splat(T::ZERO), a), delta)
    }
}

#[derive(Clone, Copy)]
pub(super) struct LeakyRelu<T>(pub(super) Parameters<T>);

impl<T: Lane> Elementwise<T, 1> for LeakyRelu<T> {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, delta: S::Vector, [a]: [S::Vector; 1]) -> S::Vector {
        // A choice between the factors and not the products: LLVM makes a masked store of "the old value or a new one".
        let slope = simd.splat(self.0[0]);
        simd.mul(simd.select(simd.lt(simd.splat(T::ZERO), a), simd.splat(T::ONE), slope), delta)
    }
}

#[derive(Clone, Copy)]
pub(super) struct Sigmoid;

impl<T: Lane> Elementwise<T, 1> for Sigmoid {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, delta: S::Vector, [a]: [S::Vector; 1]) -> S::Vector {
        simd.mul(delta, simd.mul(a, simd.sub(simd.splat(T::ONE), a)))
    }
}

#[derive(Clone, Copy)]
pub(super) struct Tanh;

impl<T: Lane> Elementwise<T, 1> for Tanh {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, delta: S::Vector, [a]: [S::Vector; 1]) -> S::Vector {
        simd.mul(delta, simd.neg_mul_add(a, a, simd.splat(T::ONE)))
    }
}

/// δ·f'(z), f' the function whose discriminant is F.
#[derive(Clone, Copy)]
pub(super) struct By<const F: usize>;

impl<T: Lane, const F: usize> Elementwise<T, 1> for By<F> {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, delta: S::Vector, [z]: [S::Vector; 1]) -> S::Vector {
        simd.mul(delta, evaluate::<T, S, F>(simd, z, [T::ZERO; 3]))
    }
}

#[derive(Clone, Copy)]
pub(super) struct Softplus<T>(pub(super) Parameters<T>);

impl<T: Lane> Elementwise<T, 1> for Softplus<T> {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, delta: S::Vector, [z]: [S::Vector; 1]) -> S::Vector {
        let [beta, _, threshold] = self.0;
        let scaled = simd.mul(simd.splat(beta), z);
        let slope = math::sigmoid(simd, scaled);
        simd.mul(delta, simd.select(simd.lt(simd.splat(threshold), scaled), simd.splat(T::ONE), slope))
    }
}

#[derive(Clone, Copy)]
pub(super) struct Elu<T>(pub(super) Parameters<T>);

impl<T: Lane> Elementwise<T, 1> for Elu<T> {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, delta: S::Vector, [a]: [S::Vector; 1]) -> S::Vector {
        let [alpha, ..] = self.0;
        let below = simd.mul_add(delta, a, simd.mul(simd.splat(alpha), delta));
        simd.select(simd.lt(simd.splat(T::ZERO), a), delta, below)
    }
}

#[derive(Clone, Copy)]
pub(super) struct Celu<T>(pub(super) Parameters<T>);

impl<T: Lane> Elementwise<T, 1> for Celu<T> {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, delta: S::Vector, [a]: [S::Vector; 1]) -> S::Vector {
        let [_, inverse, _] = self.0;
        let below = simd.mul_add(simd.mul(simd.splat(inverse), delta), a, delta);
        simd.select(simd.lt(simd.splat(T::ZERO), a), delta, below)
    }
}

#[derive(Clone, Copy)]
pub(super) struct Relu6;

impl<T: Lane> Elementwise<T, 1> for Relu6 {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, delta: S::Vector, [a]: [S::Vector; 1]) -> S::Vector {
        let below = simd.keep(simd.lt(a, simd.splat(T::CONSTANTS.six)), delta);
        simd.keep(simd.lt(simd.splat(T::ZERO), a), below)
    }
}

#[derive(Clone, Copy)]
pub(super) struct HardTanh;

impl<T: Lane> Elementwise<T, 1> for HardTanh {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, delta: S::Vector, [a]: [S::Vector; 1]) -> S::Vector {
        simd.keep(simd.lt(simd.abs(a), simd.splat(T::ONE)), delta)
    }
}

#[derive(Clone, Copy)]
pub(super) struct HardSigmoid;

impl<T: Lane> Elementwise<T, 1> for HardSigmoid {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, delta: S::Vector, [a]: [S::Vector; 1]) -> S::Vector {
        let below = simd.keep(simd.lt(a, simd.splat(T::ONE)), simd.splat(T::CONSTANTS.sixth));
        simd.mul(simd.keep(simd.lt(simd.splat(T::ZERO), a), below), delta)
    }
}

#[derive(Clone, Copy)]
pub(super) struct HardSwish;

impl<T: Lane> Elementwise<T, 1> for HardSwish {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, delta: S::Vector, [z]: [S::Vector; 1]) -> S::Vector {
        let c = &T::CONSTANTS;
        let slope = simd.mul_add(z, simd.splat(c.third), simd.splat(c.half));
        let slope = simd.select(simd.lt(z, simd.splat(c.three)), slope, simd.splat(T::ONE));
        simd.mul(simd.keep(simd.lt(simd.splat(c.minus_three), z), slope), delta)
    }
}

#[derive(Clone, Copy)]
pub(super) struct LogSigmoid;

impl<T: Lane> Elementwise<T, 1> for LogSigmoid {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, delta: S::Vector, [a]: [S::Vector; 1]) -> S::Vector {
        // σ(−z) = 1 − eᵃ, to full precision where it is small too.
        simd.mul(delta, simd.neg(math::exp_m1(simd, a)))
    }
}

#[derive(Clone, Copy)]
pub(super) struct Selu;

impl<T: Lane> Elementwise<T, 1> for Selu {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, delta: S::Vector, [a]: [S::Vector; 1]) -> S::Vector {
        let c = &T::CONSTANTS;
        let below = simd.add(a, simd.splat(c.selu_below));
        simd.mul(simd.select(simd.lt(simd.splat(T::ZERO), a), simd.splat(c.selu_scale), below), delta)
    }
}

#[derive(Clone, Copy)]
pub(super) struct Softsign;

impl<T: Lane> Elementwise<T, 1> for Softsign {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, delta: S::Vector, [a]: [S::Vector; 1]) -> S::Vector {
        let rest = simd.sub(simd.splat(T::ONE), simd.abs(a));
        simd.mul(delta, simd.mul(rest, rest))
    }
}
