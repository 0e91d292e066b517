//! The optimizer's step: each parameter's update from its gradient, by PyTorch's definitions.

mod constants;
pub(crate) mod rules;

use crate::call::{Call, Op};
use crate::element::{Element, Lane};
use crate::elementwise::JoinedRows;
use crate::executor::Executor;
use crate::layout::ShapeError;
use crate::matrix::{MatrixMut, MatrixRef};
use crate::simd::{Simd, load_some, store_some};
use rules::{Adam, Dampened, Decayed, Decoupled, Momentum, Nesterov, Plain, Update, least_v};

/// How a parameter w follows its gradient g. Everything that changes from step to step only is computed beforehand.
///
/// | rule | formula | per parameter | state |
/// |---|---|---|---|
/// | `Sgd` | w ← w − η·g | 1 fma | none |
/// | `Momentum` | v ← μ·v + g, w ← w − η·v | 2 fma, 1 cmp | v |
/// | `Dampened` | v ← μ·v + (1 − τ)·g, w ← w − η·v | 2 fma, 1 mul, 1 cmp | v |
/// | `Nesterov` | v ← μ·v + g, w ← w − η·(g + μ·v) | 3 fma, 1 cmp | v |
/// | `Adam` | m ← m + (1 − β₁)(g − m), v ← β₂·v + (1 − β₂)·g², w ← w − η/(1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε) | 4 fma, 2 mul, 1 add, 1 sqrt, 1 div, 2 cmp | m, v |
///
/// A state that becomes subnormal becomes 0: that is the comparison. Else each step on a parameter whose gradient stays 0 would take many times as
/// long, for ever. Adam's v stays as it is if ε is below 2⁻⁴⁰, because m is then divided by √v alone.
///
/// Before the rule comes [`Decay::L2`]: g ← g + λ·w (1 fma) or [`Decay::Decoupled`]: w ← w·(1 − η·λ) (1 mul).
///
/// Source: Kingma & Ba 2015 (Adam), Loshchilov & Hutter 2019 (decoupled decay), and `torch.optim` for what they leave open.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule<T> {
    /// Gradient descent.
    Sgd {
        /// η.
        learning_rate: T,
        /// λ.
        decay: Decay<T>,
    },
    /// Gradient descent with momentum.
    Momentum {
        /// η.
        learning_rate: T,
        /// μ.
        momentum: T,
        /// λ.
        decay: Decay<T>,
    },
    /// Gradient descent with dampened momentum.
    Dampened {
        /// η.
        learning_rate: T,
        /// μ.
        momentum: T,
        /// 1 − τ; 1 in the first step, when v becomes g.
        keep: T,
        /// λ.
        decay: Decay<T>,
    },
    /// Gradient descent with Nesterov's momentum.
    Nesterov {
        /// η.
        learning_rate: T,
        /// μ.
        momentum: T,
        /// λ.
        decay: Decay<T>,
    },
    /// Adam, and with [`Decay::Decoupled`] AdamW.
    Adam {
        /// η / (1 − β₁ᵗ) in step t, counted from 1.
        step_size: T,
        /// 1 − β₁.
        one_minus_beta1: T,
        /// β₂.
        beta2: T,
        /// 1 − β₂.
        one_minus_beta2: T,
        /// 1 / √(1 − β₂ᵗ).
        correction: T,
        /// ε.
        epsilon: T,
        /// λ.
        decay: Decay<T>,
    },
}

/// What pulls parameters towards zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Decay<T> {
    /// Nothing.
    None,
    /// λ: λ·w is added to the gradient.
    L2(T),
    /// 1 − η·λ: the parameter is multiplied by it first.
    Decoupled(T),
}

impl<T: Copy> Rule<T> {
    /// How many numbers it keeps for each parameter: 0, 1 or 2.
    pub fn state(&self) -> usize {
        match self {
            Rule::Sgd { .. } => 0,
            Rule::Momentum { .. } | Rule::Dampened { .. } | Rule::Nesterov { .. } => 1,
            Rule::Adam { .. } => 2,
        }
    }

    /// The same rule on other numbers.
    pub fn map<U>(&self, to: impl Fn(T) -> U) -> Rule<U> {
        let to = &to;
        let decay = |decay: Decay<T>| match decay {
            Decay::None => Decay::None,
            Decay::L2(lambda) => Decay::L2(to(lambda)),
            Decay::Decoupled(factor) => Decay::Decoupled(to(factor)),
        };
        match *self {
            Rule::Sgd { learning_rate, decay: d } => Rule::Sgd { learning_rate: to(learning_rate), decay: decay(d) },
            Rule::Momentum { learning_rate, momentum, decay: d } => {
                Rule::Momentum { learning_rate: to(learning_rate), momentum: to(momentum), decay: decay(d) }
            }
            Rule::Dampened { learning_rate, momentum, keep, decay: d } => Rule::Dampened {
                learning_rate: to(learning_rate),
                momentum: to(momentum),
                keep: to(keep),
                decay: decay(d),
            },
            Rule::Nesterov { learning_rate, momentum, decay: d } => {
                Rule::Nesterov { learning_rate: to(learning_rate), momentum: to(momentum), decay: decay(d) }
            }
            Rule::Adam { step_size, one_minus_beta1, beta2, one_minus_beta2, correction, epsilon, decay: d } => {
                Rule::Adam {
                    step_size: to(step_size),
                    one_minus_beta1: to(one_minus_beta1),
                    beta2: to(beta2),
                    one_minus_beta2: to(one_minus_beta2),
                    correction: to(correction),
                    epsilon: to(epsilon),
                    decay: decay(d),
                }
            }
        }
    }
}

impl<T: Lane> Rule<T> {
    /// The rule as a type, handed to `visitor`: the choice is made once, outside of the loop over parameters.
    #[inline(always)]
    pub(crate) fn visit<V: Visitor<T>>(self, visitor: V) {
        match self {
            Rule::Sgd { learning_rate, decay } => with_decay(Plain { learning_rate }, decay, visitor),
            Rule::Momentum { learning_rate, momentum, decay } => {
                with_decay(Momentum { learning_rate, momentum }, decay, visitor)
            }
            Rule::Dampened { learning_rate, momentum, keep, decay } => {
                with_decay(Dampened { learning_rate, momentum, keep }, decay, visitor)
            }
            Rule::Nesterov { learning_rate, momentum, decay } => {
                with_decay(Nesterov { learning_rate, momentum }, decay, visitor)
            }
            Rule::Adam { step_size, one_minus_beta1, beta2, one_minus_beta2, correction, epsilon, decay } => {
                let least_v = least_v(epsilon);
                let adam = Adam { step_size, one_minus_beta1, beta2, one_minus_beta2, correction, epsilon, least_v };
                with_decay(adam, decay, visitor)
            }
        }
    }
}

/// Something to do with a rule, whichever it is.
pub(crate) trait Visitor<T: Lane> {
    /// Does it.
    fn visit<U: Update<T>>(self, rule: U);
}

#[inline(always)]
fn with_decay<T: Lane, U: Update<T>, V: Visitor<T>>(rule: U, decay: Decay<T>, visitor: V) {
    match decay {
        Decay::None => visitor.visit(rule),
        Decay::L2(lambda) => visitor.visit(Decayed { rule, lambda }),
        Decay::Decoupled(factor) => visitor.visit(Decoupled { rule, factor }),
    }
}

/// Parameters beside what a [`Rule`] keeps for each: as many slices are used as [`Rule::state`] says, of the parameters'
/// length; the others may be empty.
#[derive(Debug)]
#[non_exhaustive]
pub struct Parameters<'a, T> {
    /// w.
    pub weights: &'a mut [T],
    /// v, or Adam's m.
    pub first: &'a mut [T],
    /// Adam's v.
    pub second: &'a mut [T],
}

impl<'a, T> Parameters<'a, T> {
    /// Parameters w, beside which nothing is kept: enough for a rule without momentum.
    pub fn new(weights: &'a mut [T]) -> Self {
        Parameters { weights, first: &mut [], second: &mut [] }
    }
    /// With what the rule keeps first: v, or Adam's m.
    #[must_use]
    pub fn with_first(self, first: &'a mut [T]) -> Self {
        Parameters { first, ..self }
    }
    /// With what the rule keeps second: Adam's v.
    #[must_use]
    pub fn with_second(self, second: &'a mut [T]) -> Self {
        Parameters { second, ..self }
    }
}

/// Updates each parameter from its gradient by `rule`.
///
/// # Errors
/// [`ShapeError`] if the gradient or a slice of the state that the rule uses is not as long as the weights.
pub fn update<T: Element>(
    executor: &dyn Executor,
    rule: Rule<T>,
    gradient: &[T],
    parameters: Parameters<'_, T>,
) -> Result<(), ShapeError> {
    let Parameters { weights, first, second } = parameters;
    let kept = rule.state();
    let state = [(kept > 0).then(|| MatrixMut::from_row(first)), (kept > 1).then(|| MatrixMut::from_row(second))];
    let call = Call::update(rule, MatrixRef::from_row(gradient), MatrixMut::from_row(weights), state)?;
    T::run(executor, call, None);
    Ok(())
}

/// Stochastic gradient descent: w ← w − η·g, one fma per parameter.
///
/// # Errors
/// [`ShapeError`] if `gradient` and `weights` differ in length.
pub fn sgd<T: Element>(
    executor: &dyn Executor,
    learning_rate: T,
    gradient: &[T],
    weights: &mut [T],
) -> Result<(), ShapeError> {
    update(executor, Rule::Sgd { learning_rate, decay: Decay::None }, gradient, Parameters::new(weights))
}

impl<'a, T: Element> Call<'a, T> {
    /// A matrix of weights, updated by a rule from their gradient: see [`update()`]. As many matrices of state as the rule keeps.
    ///
    /// # Errors
    /// [`ShapeError`] if a matrix has another shape than the weights, or if there are more or fewer than the rule keeps.
    pub fn update(
        rule: Rule<T>,
        gradient: MatrixRef<'a, T>,
        weights: MatrixMut<'a, T>,
        state: [Option<MatrixMut<'a, T>>; 2],
    ) -> Result<Self, ShapeError> {
        Call::checked(Op::Update { rule, gradient, weights, state })
    }
}

/// Where the gradients of parameters come from.
pub(crate) trait Gradients<T: Lane, S: Simd<T>>: Copy {
    /// The first `len` of them.
    fn first(self, len: usize) -> Self;
    /// Those of parameters i to i + LANES. Panics if there are fewer.
    fn whole(self, simd: S, i: usize) -> S::Vector;
    /// Those of `lanes` parameters from i on, at most a vector.
    fn some(self, simd: S, i: usize, lanes: usize) -> S::Vector;
}

/// They stand in memory.
impl<T: Lane, S: Simd<T>> Gradients<T, S> for &[T] {
    #[inline(always)]
    fn first(self, len: usize) -> Self {
        &self[..len]
    }
    #[inline(always)]
    fn whole(self, simd: S, i: usize) -> S::Vector {
        simd.load(&self[i..i + S::LANES])
    }
    #[inline(always)]
    fn some(self, simd: S, i: usize, lanes: usize) -> S::Vector {
        load_some(simd, &self[i..i + lanes])
    }
}

/// They are a row of an outer product: x·δ, each a chain of one fma from zero.
#[derive(Clone, Copy)]
pub(crate) struct OuterRow<'a, T, V> {
    /// x in every lane.
    pub(crate) x: V,
    /// δ.
    pub(crate) delta: &'a [T],
}

impl<T: Lane, S: Simd<T>> Gradients<T, S> for OuterRow<'_, T, S::Vector> {
    #[inline(always)]
    fn first(self, len: usize) -> Self {
        OuterRow { delta: &self.delta[..len], ..self }
    }
    #[inline(always)]
    fn whole(self, simd: S, i: usize) -> S::Vector {
        simd.mul_add(self.x, simd.load(&self.delta[i..i + S::LANES]), simd.splat(T::ZERO))
    }
    #[inline(always)]
    fn some(self, simd: S, i: usize, lanes: usize) -> S::Vector {
        simd.mul_add(self.x, load_some(simd, &self.delta[i..i + lanes]), simd.splat(T::ZERO))
    }
}

/// The body: as many parameters as there are gradients and weights, which are one or several rows with their padding. Of the state, as
/// many slices as the rule keeps are touched.
#[inline(always)]
pub(crate) fn update_row<T: Lane, S: Simd<T>, U: Update<T>>(
    simd: S,
    rule: U,
    rows: JoinedRows,
    gradients: impl Gradients<T, S>,
    weights: &mut [T],
    [first, second]: [&mut [T]; 2],
) {
    let n = weights.len();
    let gradients = gradients.first(n);
    let first = if U::STATE > 0 { &mut first[..n] } else { first };
    let second = if U::STATE > 1 { &mut second[..n] } else { second };
    let mut i = 0;
    while i + S::LANES <= n {
        let simd = simd.narrow(rows.lanes(i, S::LANES));
        let at = i..i + S::LANES;
        let mut kept = [simd.splat(T::ZERO); 2];
        if U::STATE > 0 {
            kept[0] = simd.load(&first[at.clone()]);
        }
        if U::STATE > 1 {
            kept[1] = simd.load(&second[at.clone()]);
        }
        let w = rule.update(simd, gradients.whole(simd, i), simd.load(&weights[at.clone()]), &mut kept);
        simd.store(w, &mut weights[at.clone()]);
        if U::STATE > 0 {
            simd.store(kept[0], &mut first[at.clone()]);
        }
        if U::STATE > 1 {
            simd.store(kept[1], &mut second[at]);
        }
        i += S::LANES;
    }
    // Said once more, so that a compiler makes no loads of whole vectors here, and nothing at all for vectors of one lane.
    if S::LANES > 1 && i < n {
        assert!(n - i < S::LANES);
        let (simd, at) = (simd.narrow(rows.lanes(i, S::LANES)), i..n);
        let mut kept = [simd.splat(T::ZERO); 2];
        if U::STATE > 0 {
            kept[0] = load_some(simd, &first[at.clone()]);
        }
        if U::STATE > 1 {
            kept[1] = load_some(simd, &second[at.clone()]);
        }
        let w = rule.update(simd, gradients.some(simd, i, n - i), load_some(simd, &weights[at.clone()]), &mut kept);
        store_some(simd, w, &mut weights[at.clone()]);
        if U::STATE > 0 {
            store_some(simd, kept[0], &mut first[at.clone()]);
        }
        if U::STATE > 1 {
            store_some(simd, kept[1], &mut second[at]);
        }
    }
}
