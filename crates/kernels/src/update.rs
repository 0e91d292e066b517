//! The optimizer's step: each parameter's update from its gradient, by PyTorch's definitions.

pub(crate) mod rules;

use crate::element::Element;
use crate::executor::Executor;
use crate::matrix::{ShapeError, check};
use crate::parallel::{Split, for_each_part, parts_of_evaluations};
use crate::simd::{Kernel, Simd, load_some, store_some};
use rules::{Adam, Dampened, Decayed, Decoupled, Momentum, Nesterov, Plain, Update};

/// How a parameter w follows its gradient g. Everything that changes from step to step only is computed beforehand.
///
/// | rule | formula | per parameter | state |
/// |---|---|---|---|
/// | `Sgd` | w ← w − η·g | 1 fma | none |
/// | `Momentum` | v ← μ·v + g, w ← w − η·v | 2 fma | v |
/// | `Dampened` | v ← μ·v + (1 − τ)·g, w ← w − η·v | 2 fma, 1 mul | v |
/// | `Nesterov` | v ← μ·v + g, w ← w − η·(g + μ·v) | 3 fma | v |
/// | `Adam` | m ← m + (1 − β₁)(g − m), v ← β₂·v + (1 − β₂)·g², w ← w − η/(1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε) | 4 fma, 2 mul, 1 add, 1 sqrt, 1 div | m, v |
///
/// with, before it, [`Decay::L2`]: g ← g + λ·w (1 fma) or [`Decay::Decoupled`]: w ← w·(1 − η·λ) (1 mul).
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

impl<T: Element> Rule<T> {
    /// How many numbers it keeps for each parameter: 0, 1 or 2.
    pub fn state(&self) -> usize {
        match self {
            Rule::Sgd { .. } => 0,
            Rule::Momentum { .. } | Rule::Dampened { .. } | Rule::Nesterov { .. } => 1,
            Rule::Adam { .. } => 2,
        }
    }

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
                let adam = Adam { step_size, one_minus_beta1, beta2, one_minus_beta2, correction, epsilon };
                with_decay(adam, decay, visitor)
            }
        }
    }
}

/// Something to do with a rule, whichever it is.
pub(crate) trait Visitor<T: Element> {
    /// Does it.
    fn visit<U: Update<T>>(self, rule: U);
}

#[inline(always)]
fn with_decay<T: Element, U: Update<T>, V: Visitor<T>>(rule: U, decay: Decay<T>, visitor: V) {
    match decay {
        Decay::None => visitor.visit(rule),
        Decay::L2(lambda) => visitor.visit(Decayed { rule, lambda }),
        Decay::Decoupled(factor) => visitor.visit(Decoupled { rule, factor }),
    }
}

/// Parameters beside what a [`Rule`] keeps for each: as many slices are used as [`Rule::state`] says, of the parameters'
/// length; the others may be empty.
#[derive(Debug)]
pub struct Parameters<'a, T> {
    /// w.
    pub weights: &'a mut [T],
    /// v, or Adam's m.
    pub first: &'a mut [T],
    /// Adam's v.
    pub second: &'a mut [T],
}

/// Updates each parameter from its gradient by `rule`.
///
/// # Errors
/// [`ShapeError`] if the gradient or a slice of the state that the rule uses is not as long as the weights.
pub fn update<T: Element>(
    executor: &impl Executor,
    rule: Rule<T>,
    gradient: &[T],
    parameters: Parameters<'_, T>,
) -> Result<(), ShapeError> {
    let n = parameters.weights.len();
    check("update: length of the gradient against the weights", n, gradient.len())?;
    let Parameters { weights, first, second } = parameters;
    let mut state = [first, second];
    for (used, slice) in state.iter_mut().enumerate() {
        if used < rule.state() {
            check("update: length of the state against the weights", n, slice.len())?;
        } else {
            *slice = &mut [];
        }
    }
    let [first, second] = state;
    let parts = parts_of_evaluations(executor.threads(), n, n / T::BLOCK);
    let work = Work { gradient, parameters: Parameters { weights, first, second } };
    for_each_part(work, parts, T::BLOCK, &|work| rule.visit(OnSlices { executor, work }));
    Ok(())
}

/// Stochastic gradient descent: w ← w − η·g, one fma per parameter.
///
/// # Errors
/// [`ShapeError`] if `gradient` and `weights` differ in length.
pub fn sgd<T: Element>(
    executor: &impl Executor,
    learning_rate: T,
    gradient: &[T],
    weights: &mut [T],
) -> Result<(), ShapeError> {
    check("sgd: length of the gradient against the weights", weights.len(), gradient.len())?;
    let parameters = Parameters { weights, first: &mut [], second: &mut [] };
    update(executor, Rule::Sgd { learning_rate, decay: Decay::None }, gradient, parameters)
}

/// One thread's parameters.
struct Work<'a, T> {
    gradient: &'a [T],
    parameters: Parameters<'a, T>,
}

impl<T: Element> Split for Work<'_, T> {
    fn len(&self) -> usize {
        self.gradient.len()
    }
    fn split(self, at: usize) -> (Self, Self) {
        let Parameters { weights, first, second } = self.parameters;
        let (g1, g2) = self.gradient.split_at(at);
        let (w1, w2) = weights.split_at_mut(at);
        // State that the rule does not use is empty.
        let (first_at, second_at) = (at.min(first.len()), at.min(second.len()));
        let (m1, m2) = first.split_at_mut(first_at);
        let (v1, v2) = second.split_at_mut(second_at);
        (
            Work { gradient: g1, parameters: Parameters { weights: w1, first: m1, second: v1 } },
            Work { gradient: g2, parameters: Parameters { weights: w2, first: m2, second: v2 } },
        )
    }
}

struct OnSlices<'a, T, E> {
    executor: &'a E,
    work: Work<'a, T>,
}

impl<T: Element, E: Executor> Visitor<T> for OnSlices<'_, T, E> {
    #[inline(always)]
    fn visit<U: Update<T>>(self, rule: U) {
        self.executor.run(UpdateSlices { rule, work: self.work });
    }
}

struct UpdateSlices<'a, T, U> {
    rule: U,
    work: Work<'a, T>,
}

impl<T: Element, U: Update<T>> Kernel<T> for UpdateSlices<'_, T, U> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Parameters { weights, first, second } = self.work.parameters;
        update_row(simd, self.rule, self.work.gradient, weights, [first, second]);
    }
}

/// The body, for slices as for a row of a tile. Of the state, as many slices as the rule keeps are touched.
#[inline(always)]
pub(crate) fn update_row<T: Element, S: Simd<T>, U: Update<T>>(
    simd: S,
    rule: U,
    gradient: &[T],
    weights: &mut [T],
    mut state: [&mut [T]; 2],
) {
    let n = weights.len();
    let mut i = 0;
    while i < n {
        let lanes = S::LANES.min(n - i);
        let simd = simd.narrow(lanes);
        let mut kept = [simd.splat(T::ZERO); 2];
        for (kept, state) in kept.iter_mut().zip(&state).take(U::STATE) {
            *kept = load_some(simd, &state[i..i + lanes]);
        }
        let g = load_some(simd, &gradient[i..i + lanes]);
        let w = rule.update(simd, g, load_some(simd, &weights[i..i + lanes]), &mut kept);
        store_some(simd, w, &mut weights[i..i + lanes]);
        for (kept, state) in kept.iter().zip(&mut state).take(U::STATE) {
            store_some(simd, *kept, &mut state[i..i + lanes]);
        }
        i += lanes;
    }
}
