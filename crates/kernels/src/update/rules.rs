//! The rules, one type each, so that the choice among them stands outside of the loop.

use crate::element::Lane;
use crate::simd::Simd;

/// A rule: the new parameter, and the new state.
pub(crate) trait Update<T: Lane>: Copy + Send + Sync {
    /// Numbers kept for each parameter.
    const STATE: usize;
    /// w's new value from g and the first `STATE` numbers of the state, which are updated.
    fn update<S: Simd<T>>(self, simd: S, g: S::Vector, w: S::Vector, state: &mut [S::Vector; 3]) -> S::Vector;
}

/// x, or 0 where x is subnormal: 1 cmp. NaN stays NaN.
///
/// The state of a parameter whose gradient has become 0 (of a dead unit, of a pixel that is always black) shrinks by a factor at each step
/// until it is subnormal, and stays so for ever: rounding to nearest never lets it reach 0. Most processors take 20 times as long for an
/// operation on such a number, and no parameter moves by it.
#[inline(always)]
pub(super) fn flush<T: Lane, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    flush_below(simd, T::MIN_POSITIVE, x)
}

/// x, or 0 where |x| is below `least`: 1 cmp.
#[inline(always)]
pub(super) fn flush_below<T: Lane, S: Simd<T>>(simd: S, least: T, x: S::Vector) -> S::Vector {
    simd.select(simd.lt(simd.abs(x), simd.splat(least)), simd.splat(T::ZERO), x)
}

/// m + (1 − β)·(g − m), flushed.
#[inline(always)]
pub(super) fn mean<T: Lane, S: Simd<T>>(simd: S, rest: T, g: S::Vector, m: S::Vector) -> S::Vector {
    flush(simd, simd.mul_add(simd.splat(rest), simd.sub(g, m), m))
}

/// β·v + (1 − β)·g·g, or 0 where that is below `least`.
#[inline(always)]
pub(super) fn mean_square<T: Lane, S: Simd<T>>(
    simd: S,
    [beta, rest, least]: [T; 3],
    g: S::Vector,
    v: S::Vector,
) -> S::Vector {
    let (scaled, old) = (simd.mul(simd.splat(rest), g), simd.mul(simd.splat(beta), v));
    flush_below(simd, least, simd.mul_add(scaled, g, old))
}

/// √v · correction + ε: what Adam and its kin divide by.
#[inline(always)]
pub(super) fn divisor<T: Lane, S: Simd<T>>(simd: S, v: S::Vector, correction: T, epsilon: T) -> S::Vector {
    simd.mul_add(simd.sqrt(v), simd.splat(correction), simd.splat(epsilon))
}

/// w − η·g.
#[derive(Clone, Copy)]
pub(crate) struct Plain<T> {
    pub(crate) learning_rate: T,
}

impl<T: Lane> Update<T> for Plain<T> {
    const STATE: usize = 0;
    #[inline(always)]
    fn update<S: Simd<T>>(self, simd: S, g: S::Vector, w: S::Vector, _: &mut [S::Vector; 3]) -> S::Vector {
        simd.neg_mul_add(simd.splat(self.learning_rate), g, w)
    }
}

/// v ← μ·v + g; w − η·v.
#[derive(Clone, Copy)]
pub(crate) struct Momentum<T> {
    pub(crate) learning_rate: T,
    pub(crate) momentum: T,
}

impl<T: Lane> Update<T> for Momentum<T> {
    const STATE: usize = 1;
    #[inline(always)]
    fn update<S: Simd<T>>(self, simd: S, g: S::Vector, w: S::Vector, [v, ..]: &mut [S::Vector; 3]) -> S::Vector {
        *v = flush(simd, simd.mul_add(simd.splat(self.momentum), *v, g));
        simd.neg_mul_add(simd.splat(self.learning_rate), *v, w)
    }
}

/// v ← μ·v + (1 − τ)·g; w − η·v.
#[derive(Clone, Copy)]
pub(crate) struct Dampened<T> {
    pub(crate) learning_rate: T,
    pub(crate) momentum: T,
    pub(crate) keep: T,
}

impl<T: Lane> Update<T> for Dampened<T> {
    const STATE: usize = 1;
    #[inline(always)]
    fn update<S: Simd<T>>(self, simd: S, g: S::Vector, w: S::Vector, [v, ..]: &mut [S::Vector; 3]) -> S::Vector {
        *v = flush(simd, simd.mul_add(simd.splat(self.momentum), *v, simd.mul(simd.splat(self.keep), g)));
        simd.neg_mul_add(simd.splat(self.learning_rate), *v, w)
    }
}

/// v ← μ·v + g; w − η·(g + μ·v).
#[derive(Clone, Copy)]
pub(crate) struct Nesterov<T> {
    pub(crate) learning_rate: T,
    pub(crate) momentum: T,
}

impl<T: Lane> Update<T> for Nesterov<T> {
    const STATE: usize = 1;
    #[inline(always)]
    fn update<S: Simd<T>>(self, simd: S, g: S::Vector, w: S::Vector, [v, ..]: &mut [S::Vector; 3]) -> S::Vector {
        let momentum = simd.splat(self.momentum);
        *v = flush(simd, simd.mul_add(momentum, *v, g));
        let ahead = simd.mul_add(momentum, *v, g);
        simd.neg_mul_add(simd.splat(self.learning_rate), ahead, w)
    }
}

/// m ← m + (1 − β₁)(g − m); v ← β₂·v + (1 − β₂)·g·g; w − step size · m / (√v · correction + ε).
#[derive(Clone, Copy)]
pub(crate) struct Adam<T> {
    pub(crate) step_size: T,
    pub(crate) one_minus_beta1: T,
    pub(crate) beta2: T,
    pub(crate) one_minus_beta2: T,
    pub(crate) correction: T,
    pub(crate) epsilon: T,
    /// A v below this becomes 0: see [`least_v`].
    pub(crate) least_v: T,
}

/// The least v of Adam that is kept: the smallest that is not subnormal, but any if ε is below 2⁻⁴⁰. Then √v is what m is divided by, however
/// small it is, and 0 would make the quotient infinite. Told by the bits, for this is not an operation of the rule.
#[inline(always)]
pub(crate) fn least_v<T: Lane>(epsilon: T) -> T {
    let exponent = |x: T| x.to_bits_u64() >> T::MANTISSA;
    if exponent(epsilon) >= exponent(T::ONE) - 40 { T::MIN_POSITIVE } else { T::ZERO }
}

impl<T: Lane> Update<T> for Adam<T> {
    const STATE: usize = 2;
    #[inline(always)]
    fn update<S: Simd<T>>(self, simd: S, g: S::Vector, w: S::Vector, [m, v, _]: &mut [S::Vector; 3]) -> S::Vector {
        *m = mean(simd, self.one_minus_beta1, g, *m);
        *v = mean_square(simd, [self.beta2, self.one_minus_beta2, self.least_v], g, *v);
        let divisor = divisor(simd, *v, self.correction, self.epsilon);
        simd.neg_mul_add(simd.splat(self.step_size), simd.div(*m, divisor), w)
    }
}

/// g ← g + λ·w, then the rule.
#[derive(Clone, Copy)]
pub(crate) struct Decayed<U, T> {
    pub(crate) rule: U,
    pub(crate) lambda: T,
}

impl<T: Lane, U: Update<T>> Update<T> for Decayed<U, T> {
    const STATE: usize = U::STATE;
    #[inline(always)]
    fn update<S: Simd<T>>(self, simd: S, g: S::Vector, w: S::Vector, state: &mut [S::Vector; 3]) -> S::Vector {
        self.rule.update(simd, simd.mul_add(simd.splat(self.lambda), w, g), w, state)
    }
}

/// w ← w·(1 − η·λ), then the rule.
#[derive(Clone, Copy)]
pub(crate) struct Decoupled<U, T> {
    pub(crate) rule: U,
    pub(crate) factor: T,
}

impl<T: Lane, U: Update<T>> Update<T> for Decoupled<U, T> {
    const STATE: usize = U::STATE;
    #[inline(always)]
    fn update<S: Simd<T>>(self, simd: S, g: S::Vector, w: S::Vector, state: &mut [S::Vector; 3]) -> S::Vector {
        self.rule.update(simd, g, simd.mul(simd.splat(self.factor), w), state)
    }
}
