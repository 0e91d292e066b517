//! The rules that are never fused with a product: one type each, of constants that are computed once a step.
//!
//! Their weight decay is a number that each of them multiplies by, 0 or 1 where there is none. So each rule is compiled once, and not once
//! for each sort of decay.

use super::rules::{Update, divisor, flush, flush_below, mean, mean_square};
use crate::element::Lane;
use crate::simd::Simd;

/// g + λ·w.
#[inline(always)]
fn decayed<T: Lane, S: Simd<T>>(simd: S, lambda: T, g: S::Vector, w: S::Vector) -> S::Vector {
    simd.mul_add(simd.splat(lambda), w, g)
}

/// The sign of x as 1 or −1; 0 where x is 0: 1 cmp.
#[inline(always)]
fn sign<T: Lane, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    simd.keep(simd.lt(simd.splat(T::ZERO), simd.abs(x)), simd.copy_sign(simd.splat(T::ONE), x))
}

/// m and v of Adam, and the largest v̂ of all v; w·(1 − η·λ) − step size · m / (√v̂ · correction + ε).
#[derive(Clone, Copy)]
pub(crate) struct AmsGrad<T> {
    pub(crate) step_size: T,
    pub(crate) one_minus_beta1: T,
    pub(crate) beta2: T,
    pub(crate) one_minus_beta2: T,
    pub(crate) correction: T,
    pub(crate) epsilon: T,
    pub(crate) lambda: T,
    pub(crate) keep: T,
    pub(crate) least: T,
}

impl<T: Lane> Update<T> for AmsGrad<T> {
    const STATE: usize = 3;
    #[inline(always)]
    fn update<S: Simd<T>>(self, simd: S, g: S::Vector, w: S::Vector, [m, v, most]: &mut [S::Vector; 3]) -> S::Vector {
        let g = decayed(simd, self.lambda, g, w);
        *m = mean(simd, self.one_minus_beta1, g, *m);
        *v = mean_square(simd, [self.beta2, self.one_minus_beta2, self.least], g, *v);
        *most = simd.max(*most, *v);
        let divisor = divisor(simd, *most, self.correction, self.epsilon);
        let w = simd.mul(simd.splat(self.keep), w);
        simd.neg_mul_add(simd.splat(self.step_size), simd.div(*m, divisor), w)
    }
}

/// v ← α·v + (1 − α)·g²; centred m ← m + (1 − α)(g − m) and s = max(v − m², 0), else s = v; w − η·g/(√s + ε), or with momentum
/// b ← μ·b + g/(√s + ε), w − η·b. The state is v, then m, then b.
#[derive(Clone, Copy)]
pub(crate) struct RmsProp<T, const CENTRED: bool, const MOMENTUM: bool> {
    pub(crate) learning_rate: T,
    pub(crate) alpha: T,
    pub(crate) one_minus_alpha: T,
    pub(crate) epsilon: T,
    pub(crate) momentum: T,
    pub(crate) lambda: T,
    pub(crate) least: T,
}

impl<T, const CENTRED: bool, const MOMENTUM: bool> RmsProp<T, CENTRED, MOMENTUM> {
    /// The same constants for another sort.
    #[inline(always)]
    pub(crate) fn with<const C: bool, const M: bool>(self) -> RmsProp<T, C, M> {
        let RmsProp { learning_rate, alpha, one_minus_alpha, epsilon, momentum, lambda, least } = self;
        RmsProp { learning_rate, alpha, one_minus_alpha, epsilon, momentum, lambda, least }
    }
}

impl<T: Lane, const CENTRED: bool, const MOMENTUM: bool> Update<T> for RmsProp<T, CENTRED, MOMENTUM> {
    const STATE: usize = 1 + CENTRED as usize + MOMENTUM as usize;
    #[inline(always)]
    fn update<S: Simd<T>>(self, simd: S, g: S::Vector, w: S::Vector, state: &mut [S::Vector; 3]) -> S::Vector {
        let g = decayed(simd, self.lambda, g, w);
        state[0] = mean_square(simd, [self.alpha, self.one_minus_alpha, self.least], g, state[0]);
        let mut square = state[0];
        if CENTRED {
            state[1] = mean(simd, self.one_minus_alpha, g, state[1]);
            // v is at least m², but for rounding.
            square = simd.max(simd.splat(T::ZERO), simd.neg_mul_add(state[1], state[1], square));
        }
        let divisor = simd.add(simd.sqrt(square), simd.splat(self.epsilon));
        let mut step = simd.div(g, divisor);
        if MOMENTUM {
            let buffer = &mut state[1 + CENTRED as usize];
            *buffer = flush(simd, simd.mul_add(simd.splat(self.momentum), *buffer, step));
            step = *buffer;
        }
        simd.neg_mul_add(simd.splat(self.learning_rate), step, w)
    }
}

/// s ← s + g²; w − η·g/(√s + ε).
#[derive(Clone, Copy)]
pub(crate) struct Adagrad<T> {
    pub(crate) learning_rate: T,
    pub(crate) epsilon: T,
    pub(crate) lambda: T,
    pub(crate) least: T,
}

impl<T: Lane> Update<T> for Adagrad<T> {
    const STATE: usize = 1;
    #[inline(always)]
    fn update<S: Simd<T>>(self, simd: S, g: S::Vector, w: S::Vector, [sum, ..]: &mut [S::Vector; 3]) -> S::Vector {
        let g = decayed(simd, self.lambda, g, w);
        *sum = flush_below(simd, self.least, simd.mul_add(g, g, *sum));
        let divisor = simd.add(simd.sqrt(*sum), simd.splat(self.epsilon));
        simd.neg_mul_add(simd.splat(self.learning_rate), simd.div(g, divisor), w)
    }
}

/// v ← ρ·v + (1 − ρ)·g²; δ = √(u + ε)/√(v + ε)·g; u ← ρ·u + (1 − ρ)·δ²; w − η·δ.
#[derive(Clone, Copy)]
pub(crate) struct Adadelta<T> {
    pub(crate) learning_rate: T,
    pub(crate) rho: T,
    pub(crate) one_minus_rho: T,
    pub(crate) epsilon: T,
    pub(crate) lambda: T,
    pub(crate) least: T,
}

impl<T: Lane> Update<T> for Adadelta<T> {
    const STATE: usize = 2;
    #[inline(always)]
    fn update<S: Simd<T>>(self, simd: S, g: S::Vector, w: S::Vector, [v, u, _]: &mut [S::Vector; 3]) -> S::Vector {
        let (factors, epsilon) = ([self.rho, self.one_minus_rho, self.least], simd.splat(self.epsilon));
        let g = decayed(simd, self.lambda, g, w);
        *v = mean_square(simd, factors, g, *v);
        let divisor = simd.sqrt(simd.add(*v, epsilon));
        let step = simd.mul(simd.div(simd.sqrt(simd.add(*u, epsilon)), divisor), g);
        *u = mean_square(simd, factors, step, *u);
        simd.neg_mul_add(simd.splat(self.learning_rate), step, w)
    }
}

/// m ← m + (1 − β₁)(g − m); u ← max(β₂·u, |g| + ε); w − step size · m/u.
#[derive(Clone, Copy)]
pub(crate) struct Adamax<T> {
    pub(crate) step_size: T,
    pub(crate) one_minus_beta1: T,
    pub(crate) beta2: T,
    pub(crate) epsilon: T,
    pub(crate) lambda: T,
}

impl<T: Lane> Update<T> for Adamax<T> {
    const STATE: usize = 2;
    #[inline(always)]
    fn update<S: Simd<T>>(self, simd: S, g: S::Vector, w: S::Vector, [m, u, _]: &mut [S::Vector; 3]) -> S::Vector {
        let g = decayed(simd, self.lambda, g, w);
        *m = mean(simd, self.one_minus_beta1, g, *m);
        let size = simd.add(simd.abs(g), simd.splat(self.epsilon));
        // At least ε, so it is never flushed: m is divided by it.
        *u = simd.max(simd.mul(simd.splat(self.beta2), *u), size);
        simd.neg_mul_add(simd.splat(self.step_size), simd.div(*m, *u), w)
    }
}

/// m and v of Adam; w − (a·g + b·m)/(√v · correction + ε).
#[derive(Clone, Copy)]
pub(crate) struct NAdam<T> {
    pub(crate) of_gradient: T,
    pub(crate) of_moment: T,
    pub(crate) one_minus_beta1: T,
    pub(crate) beta2: T,
    pub(crate) one_minus_beta2: T,
    pub(crate) correction: T,
    pub(crate) epsilon: T,
    pub(crate) lambda: T,
    pub(crate) least: T,
}

impl<T: Lane> Update<T> for NAdam<T> {
    const STATE: usize = 2;
    #[inline(always)]
    fn update<S: Simd<T>>(self, simd: S, g: S::Vector, w: S::Vector, [m, v, _]: &mut [S::Vector; 3]) -> S::Vector {
        let g = decayed(simd, self.lambda, g, w);
        *m = mean(simd, self.one_minus_beta1, g, *m);
        *v = mean_square(simd, [self.beta2, self.one_minus_beta2, self.least], g, *v);
        let divisor = divisor(simd, *v, self.correction, self.epsilon);
        let ahead = simd.mul_add(simd.splat(self.of_gradient), g, simd.mul(simd.splat(self.of_moment), *m));
        simd.sub(w, simd.div(ahead, divisor))
    }
}

/// c = m + (1 − β₁)(g − m); w·(1 − η·λ) − η·sign(c); m ← m + (1 − β₂)(g − m).
#[derive(Clone, Copy)]
pub(crate) struct Lion<T> {
    pub(crate) learning_rate: T,
    pub(crate) one_minus_beta1: T,
    pub(crate) one_minus_beta2: T,
    pub(crate) keep: T,
}

impl<T: Lane> Update<T> for Lion<T> {
    const STATE: usize = 1;
    #[inline(always)]
    fn update<S: Simd<T>>(self, simd: S, g: S::Vector, w: S::Vector, [m, ..]: &mut [S::Vector; 3]) -> S::Vector {
        let change = simd.sub(g, *m);
        let direction = simd.mul_add(simd.splat(self.one_minus_beta1), change, *m);
        *m = flush(simd, simd.mul_add(simd.splat(self.one_minus_beta2), change, *m));
        let w = simd.mul(simd.splat(self.keep), w);
        // A difference whose second number may be 0 is a masked one at some levels, which executes less than is counted.
        simd.neg_mul_add(simd.splat(self.learning_rate), sign(simd, direction), w)
    }
}

/// s ← s·η₊ where g·p > 0, s·η₋ where g·p < 0, within its bounds; g ← 0 where g·p < 0; w − s·sign(g); p ← g. The state is p, then s.
#[derive(Clone, Copy)]
pub(crate) struct Rprop<T> {
    pub(crate) smaller: T,
    pub(crate) larger: T,
    pub(crate) least: T,
    pub(crate) most: T,
}

impl<T: Lane> Update<T> for Rprop<T> {
    const STATE: usize = 2;
    #[inline(always)]
    fn update<S: Simd<T>>(self, simd: S, g: S::Vector, w: S::Vector, state: &mut [S::Vector; 3]) -> S::Vector {
        let [before, step, _] = state;
        let (zero, product) = (simd.splat(T::ZERO), simd.mul(g, *before));
        let one = simd.splat(T::ONE);
        let smaller = simd.select(simd.lt(product, zero), simd.splat(self.smaller), one);
        let factor = simd.select(simd.lt(zero, product), simd.splat(self.larger), smaller);
        let within = simd.max(simd.splat(self.least), simd.mul(*step, factor));
        *step = simd.min(simd.splat(self.most), within);
        // Compared once more, for a compiler may compare twice where a mask is used twice.
        *before = simd.select(simd.lt(smaller, one), zero, g);
        simd.neg_mul_add(*step, sign(simd, *before), w)
    }
}
