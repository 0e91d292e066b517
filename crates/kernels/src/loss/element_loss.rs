//! Losses that are a mean of one number for each element: `loss` ← mean·Σ ℓ(o, t), δ ← slope·g(o, t). [`Measure`] says what ℓ and g are.
//!
//! For n = B·M outputs: ℓ and g (n times each), Σ (n − 1 additions), its mean (1 mul), times the slope (n mul). Targets stand where the
//! gradient will be, so that g is computed from the outputs and what it overwrites.

use super::lay_out;
use crate::element::Lane;
use crate::elementwise::{Elementwise, map_row};
use crate::matrix::{MatrixMut, MatrixRef};
use crate::simd::{Kernel, Simd};
use crate::{math, reduce};

/// How far an output o is from its target t: ℓ, and g, which its gradient is a multiple of. d = o − t.
///
/// Operations of an element, those of ℓ before those of g (which are one mul more by the slope):
///
/// | measure | ℓ | g |
/// |---|---|---|
/// | squared | 1 addition, 1 mul | 1 addition |
/// | absolute | 1 addition | 1 addition, 1 cmp |
/// | Huber | 1 addition, 1 cmp, 1 fma, 1 mul | 1 addition, 2 cmp |
/// | quantile | 1 addition, 2 mul, 1 cmp | 1 addition, 2 cmp |
/// | Poisson, of logarithms | 1 exp, 1 fma | 1 exp, 1 addition |
/// | Poisson, of rates | 1 addition, 1 log, 1 fma | 2 additions, 1 div |
/// | soft margin | 1 mul, 1 ln(1 + eˣ) | 2 mul, 1 sigmoid |
/// | Kullback-Leibler | 1 log, 1 addition, 1 mul, 2 cmp | none |
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Measure<N> {
    /// ℓ = d², g = d: half of the derivative.
    Squared,
    /// ℓ = |d|, g = the sign of d, 0 where d is.
    Absolute,
    /// ℓ = d²/2 where |d| is below `delta`, else `delta`·(|d| − `delta`/2); g = d, from −`delta` to `delta`.
    Huber {
        /// Where the parabola ends, above 0.
        delta: N,
    },
    /// ℓ = `tau`·|d| where d is below 0, `rest`·|d| above; g = −`tau`, 0 or `rest`. The smallest mean is at the quantile `tau`.
    Quantile {
        /// The quantile, between 0 and 1.
        tau: N,
        /// 1 − `tau`.
        rest: N,
    },
    /// ℓ = eᵒ − t·o, g = eᵒ − t: outputs are logarithms of rates.
    Poisson,
    /// ℓ = o − t·ln(o + `epsilon`), g = 1 − t/(o + `epsilon`): outputs are rates.
    PoissonRate {
        /// A small number, which keeps the logarithm from 0.
        epsilon: N,
    },
    /// ℓ = ln(1 + e^{−t·o}), g = −t·σ(−t·o): targets are −1 and 1.
    SoftMargin,
    /// ℓ = t·(ln t − o), 0 where t is not above 0; g = −t: outputs are logarithms of probabilities, targets probabilities.
    KullbackLeibler,
}

impl<N> Measure<N> {
    /// Its name, as tests and findings say it.
    pub fn name(&self) -> &'static str {
        match self {
            Measure::Squared => "squared",
            Measure::Absolute => "absolute",
            Measure::Huber { .. } => "huber",
            Measure::Quantile { .. } => "quantile",
            Measure::Poisson => "poisson",
            Measure::PoissonRate { .. } => "poisson_rate",
            Measure::SoftMargin => "soft_margin",
            Measure::KullbackLeibler => "kullback_leibler",
        }
    }

    /// The same measure by other numbers.
    #[inline(always)]
    pub fn map<M>(&self, mut number: impl FnMut(&N) -> M) -> Measure<M> {
        match self {
            Measure::Squared => Measure::Squared,
            Measure::Absolute => Measure::Absolute,
            Measure::Huber { delta } => Measure::Huber { delta: number(delta) },
            Measure::Quantile { tau, rest } => Measure::Quantile { tau: number(tau), rest: number(rest) },
            Measure::Poisson => Measure::Poisson,
            Measure::PoissonRate { epsilon } => Measure::PoissonRate { epsilon: number(epsilon) },
            Measure::SoftMargin => Measure::SoftMargin,
            Measure::KullbackLeibler => Measure::KullbackLeibler,
        }
    }
}

/// The loss of B·M outputs.
pub(crate) struct ElementLoss<'a, T> {
    pub(crate) measure: Measure<T>,
    /// o.
    pub(crate) outputs: MatrixRef<'a, T>,
    /// t.
    pub(crate) targets: MatrixRef<'a, T>,
    /// What Σ ℓ is multiplied by.
    pub(crate) mean: T,
    /// What g is multiplied by.
    pub(crate) slope: T,
    /// The elements' losses: B × M of any value before.
    pub(crate) losses: MatrixMut<'a, T>,
    /// Becomes the gradient.
    pub(crate) delta: MatrixMut<'a, T>,
    /// Becomes the loss.
    pub(crate) loss: MatrixMut<'a, T>,
}

impl<T: Lane> Kernel<T> for ElementLoss<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let ElementLoss { measure, outputs, targets, mean, slope, losses, mut delta, mut loss } = self;
        for i in 0..delta.rows() {
            lay_out(simd, targets, i, delta.row(i));
        }
        // Rows without gaps are one row, of which fewer vectors are ragged.
        let (outputs, mut losses, mut delta) =
            match outputs.is_without_gaps() && losses.is_without_gaps() && delta.is_without_gaps() {
                true => (outputs.into_one_row(), losses.into_one_row(), delta.into_one_row()),
                false => (outputs, losses, delta),
            };
        let (one, n) = (simd.one(), delta.cols());
        let [of_outputs, of_delta, of_losses] =
            [outputs.touched(S::LANES), delta.touched(S::LANES), losses.touched(S::LANES)];
        let mut sum = None;
        for i in 0..delta.rows() {
            let (o, row) = (outputs.padded_row(i, of_outputs), delta.padded_row(i, of_delta));
            let of_row = simd.call(OfRow { measure, n, o, row, slope, losses: losses.padded_row(i, of_losses) });
            sum = Some(sum.map_or(of_row, |sum| one.add(sum, of_row)));
        }
        one.store(one.mul(sum.unwrap_or(T::ZERO), mean), loss.row(0));
    }
}

/// The losses of n outputs, and their gradient: returns the sum of the losses. A function of its own, as in `cross_entropy.rs`.
struct OfRow<'a, T> {
    measure: Measure<T>,
    n: usize,
    /// o.
    o: &'a [T],
    /// t, which becomes the gradient.
    row: &'a mut [T],
    slope: T,
    losses: &'a mut [T],
}

impl<T: Lane> Kernel<T> for OfRow<'_, T> {
    type Output = T;
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) -> T {
        let OfRow { measure, n, o, row, slope, losses } = self;
        let of = ByPoint { n, o, row, slope, losses: &mut *losses };
        match measure {
            Measure::Squared => of.run(simd, Squared),
            Measure::Absolute => of.run(simd, Absolute),
            Measure::Huber { delta } => of.run(simd, Huber { delta }),
            Measure::Quantile { tau, rest } => of.run(simd, Quantile { tau, rest }),
            Measure::Poisson => of.run(simd, Poisson),
            Measure::PoissonRate { epsilon } => of.run(simd, PoissonRate { epsilon }),
            Measure::SoftMargin => of.run(simd, SoftMargin),
            Measure::KullbackLeibler => of.run(simd, KullbackLeibler),
        }
        reduce::call_sum(simd, &losses[..n])
    }
}

/// The rest of [`OfRow`].
struct ByPoint<'a, T> {
    n: usize,
    o: &'a [T],
    row: &'a mut [T],
    slope: T,
    losses: &'a mut [T],
}

impl<T: Lane> ByPoint<'_, T> {
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S, point: impl Point<T>) {
        let ByPoint { n, o, row, slope, losses } = self;
        map_row(simd, LossOf(point), n, [o, row], losses);
        map_row(simd, GradientOf { point, slope }, n, [o], row);
    }
}

/// What a [`Measure`] computes for a vector of elements.
trait Point<T: Lane>: Copy + Send + Sync {
    /// ℓ.
    fn loss<S: Simd<T>>(self, simd: S, o: S::Vector, t: S::Vector) -> S::Vector;
    /// g.
    fn gradient<S: Simd<T>>(self, simd: S, o: S::Vector, t: S::Vector) -> S::Vector;
}

/// ℓ(o, t), from o and t.
#[derive(Clone, Copy)]
struct LossOf<P>(P);

impl<T: Lane, P: Point<T>> Elementwise<T, 2> for LossOf<P> {
    const READS_OUT: bool = false;
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, _: S::Vector, [o, t]: [S::Vector; 2]) -> S::Vector {
        self.0.loss(simd, o, t)
    }
}

/// t ← g(o, t)·slope.
#[derive(Clone, Copy)]
struct GradientOf<T, P> {
    point: P,
    slope: T,
}

impl<T: Lane, P: Point<T>> Elementwise<T, 1> for GradientOf<T, P> {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, t: S::Vector, [o]: [S::Vector; 1]) -> S::Vector {
        simd.mul(self.point.gradient(simd, o, t), simd.splat(self.slope))
    }
}

#[derive(Clone, Copy)]
struct Squared;

impl<T: Lane> Point<T> for Squared {
    #[inline(always)]
    fn loss<S: Simd<T>>(self, simd: S, o: S::Vector, t: S::Vector) -> S::Vector {
        let d = simd.sub(o, t);
        simd.mul(d, d)
    }
    #[inline(always)]
    fn gradient<S: Simd<T>>(self, simd: S, o: S::Vector, t: S::Vector) -> S::Vector {
        simd.sub(o, t)
    }
}

#[derive(Clone, Copy)]
struct Absolute;

impl<T: Lane> Point<T> for Absolute {
    #[inline(always)]
    fn loss<S: Simd<T>>(self, simd: S, o: S::Vector, t: S::Vector) -> S::Vector {
        simd.abs(simd.sub(o, t))
    }
    #[inline(always)]
    fn gradient<S: Simd<T>>(self, simd: S, o: S::Vector, t: S::Vector) -> S::Vector {
        let d = simd.sub(o, t);
        // 0 and NaN stay what they are.
        let is_apart = simd.lt(simd.splat(T::ZERO), simd.abs(d));
        simd.select(is_apart, simd.copy_sign(simd.splat(T::ONE), d), d)
    }
}

#[derive(Clone, Copy)]
struct Huber<T> {
    delta: T,
}

impl<T: Lane> Point<T> for Huber<T> {
    /// m·(|d| − m/2) with m = min(|d|, delta), which is both of its parts.
    #[inline(always)]
    fn loss<S: Simd<T>>(self, simd: S, o: S::Vector, t: S::Vector) -> S::Vector {
        let d = simd.abs(simd.sub(o, t));
        // In this order NaN stays NaN.
        let m = simd.min(simd.splat(self.delta), d);
        simd.mul(m, simd.neg_mul_add(simd.splat(T::CONSTANTS.half), m, d))
    }
    #[inline(always)]
    fn gradient<S: Simd<T>>(self, simd: S, o: S::Vector, t: S::Vector) -> S::Vector {
        let (d, most) = (simd.sub(o, t), simd.splat(self.delta));
        simd.max(simd.neg(most), simd.min(most, d))
    }
}

#[derive(Clone, Copy)]
struct Quantile<T> {
    tau: T,
    rest: T,
}

impl<T: Lane> Point<T> for Quantile<T> {
    /// The larger of rest·d and −tau·d.
    #[inline(always)]
    fn loss<S: Simd<T>>(self, simd: S, o: S::Vector, t: S::Vector) -> S::Vector {
        let d = simd.sub(o, t);
        let below = simd.mul(simd.neg(d), simd.splat(self.tau));
        simd.max(below, simd.mul(d, simd.splat(self.rest)))
    }
    #[inline(always)]
    fn gradient<S: Simd<T>>(self, simd: S, o: S::Vector, t: S::Vector) -> S::Vector {
        let (d, zero) = (simd.sub(o, t), simd.splat(T::ZERO));
        // 0 and NaN stay what they are.
        let below = simd.select(simd.lt(d, zero), simd.neg(simd.splat(self.tau)), d);
        simd.select(simd.lt(zero, d), simd.splat(self.rest), below)
    }
}

#[derive(Clone, Copy)]
struct Poisson;

impl<T: Lane> Point<T> for Poisson {
    #[inline(always)]
    fn loss<S: Simd<T>>(self, simd: S, o: S::Vector, t: S::Vector) -> S::Vector {
        simd.neg_mul_add(t, o, math::exp(simd, o))
    }
    #[inline(always)]
    fn gradient<S: Simd<T>>(self, simd: S, o: S::Vector, t: S::Vector) -> S::Vector {
        simd.sub(math::exp(simd, o), t)
    }
}

#[derive(Clone, Copy)]
struct PoissonRate<T> {
    epsilon: T,
}

impl<T: Lane> Point<T> for PoissonRate<T> {
    #[inline(always)]
    fn loss<S: Simd<T>>(self, simd: S, o: S::Vector, t: S::Vector) -> S::Vector {
        let log = math::log(simd, simd.add(o, simd.splat(self.epsilon)));
        simd.neg_mul_add(t, log, o)
    }
    #[inline(always)]
    fn gradient<S: Simd<T>>(self, simd: S, o: S::Vector, t: S::Vector) -> S::Vector {
        let share = simd.div(t, simd.add(o, simd.splat(self.epsilon)));
        simd.sub(simd.splat(T::ONE), share)
    }
}

#[derive(Clone, Copy)]
struct SoftMargin;

impl<T: Lane> Point<T> for SoftMargin {
    #[inline(always)]
    fn loss<S: Simd<T>>(self, simd: S, o: S::Vector, t: S::Vector) -> S::Vector {
        math::log_1p_exp(simd, simd.neg(simd.mul(t, o)))
    }
    #[inline(always)]
    fn gradient<S: Simd<T>>(self, simd: S, o: S::Vector, t: S::Vector) -> S::Vector {
        simd.mul(simd.neg(t), math::sigmoid(simd, simd.neg(simd.mul(t, o))))
    }
}

#[derive(Clone, Copy)]
struct KullbackLeibler;

impl<T: Lane> Point<T> for KullbackLeibler {
    #[inline(always)]
    fn loss<S: Simd<T>>(self, simd: S, o: S::Vector, t: S::Vector) -> S::Vector {
        // A t of 0 counts for nothing, and log 0 is −∞. The operands are bounded and the product not masked: a compiler would make a masked
        // multiplication of that, which executes fewer lanes.
        let log = math::log(simd, simd.max(t, simd.splat(T::MIN_POSITIVE)));
        simd.mul(simd.max(t, simd.splat(T::ZERO)), simd.sub(log, o))
    }
    #[inline(always)]
    fn gradient<S: Simd<T>>(self, simd: S, _: S::Vector, t: S::Vector) -> S::Vector {
        simd.neg(t)
    }
}
