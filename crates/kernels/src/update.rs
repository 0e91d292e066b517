//! The optimizer's step: each parameter's update from its gradient, by PyTorch's definitions.

mod adaptive;
pub(crate) mod apart;
mod constants;
mod rule;
pub(crate) mod rules;
mod visit;

use crate::call::{Call, Op};
use crate::element::{Element, Lane};
use crate::elementwise::JoinedRows;
use crate::executor::Executor;
use crate::layout::ShapeError;
use crate::matrix::{MatrixMut, MatrixRef};
use crate::simd::{Simd, load_some, store_some};
use rules::Update;

pub use rule::{Decay, MOST_STATE, Rule};
pub(crate) use visit::Visitor;

/// Parameters beside what a [`Rule`] keeps for each: as many slices are used as [`Rule::state`] says, of the parameters'
/// length; the others may be empty.
#[derive(Debug)]
#[non_exhaustive]
pub struct Parameters<'a, T> {
    /// w.
    pub weights: &'a mut [T],
    /// What the table of [`Rule`] names first: v, or Adam's m.
    pub first: &'a mut [T],
    /// What it names second: Adam's v.
    pub second: &'a mut [T],
    /// What it names third.
    pub third: &'a mut [T],
}

impl<'a, T> Parameters<'a, T> {
    /// Parameters w, beside which nothing is kept: enough for a rule without momentum.
    pub fn new(weights: &'a mut [T]) -> Self {
        Parameters { weights, first: &mut [], second: &mut [], third: &mut [] }
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
    /// With what the rule keeps third.
    #[must_use]
    pub fn with_third(self, third: &'a mut [T]) -> Self {
        Parameters { third, ..self }
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
    let Parameters { weights, first, second, third } = parameters;
    let kept = rule.state();
    let state = [
        (kept > 0).then(|| MatrixMut::from_row(first)),
        (kept > 1).then(|| MatrixMut::from_row(second)),
        (kept > 2).then(|| MatrixMut::from_row(third)),
    ];
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
        state: [Option<MatrixMut<'a, T>>; MOST_STATE],
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
    [first, second, third]: [&mut [T]; MOST_STATE],
) {
    let n = weights.len();
    let gradients = gradients.first(n);
    let first = if U::STATE > 0 { &mut first[..n] } else { first };
    let second = if U::STATE > 1 { &mut second[..n] } else { second };
    let third = if U::STATE > 2 { &mut third[..n] } else { third };
    let mut i = 0;
    while i + S::LANES <= n {
        let simd = simd.narrow(rows.lanes(i, S::LANES));
        let at = i..i + S::LANES;
        let mut kept = [simd.splat(T::ZERO); MOST_STATE];
        if U::STATE > 0 {
            kept[0] = simd.load(&first[at.clone()]);
        }
        if U::STATE > 1 {
            kept[1] = simd.load(&second[at.clone()]);
        }
        if U::STATE > 2 {
            kept[2] = simd.load(&third[at.clone()]);
        }
        let w = rule.update(simd, gradients.whole(simd, i), simd.load(&weights[at.clone()]), &mut kept);
        simd.store(w, &mut weights[at.clone()]);
        if U::STATE > 0 {
            simd.store(kept[0], &mut first[at.clone()]);
        }
        if U::STATE > 1 {
            simd.store(kept[1], &mut second[at.clone()]);
        }
        if U::STATE > 2 {
            simd.store(kept[2], &mut third[at]);
        }
        i += S::LANES;
    }
    // Said once more, so that a compiler makes no loads of whole vectors here, and nothing at all for vectors of one lane.
    if S::LANES > 1 && i < n {
        assert!(n - i < S::LANES);
        let (simd, at) = (simd.narrow(rows.lanes(i, S::LANES)), i..n);
        let mut kept = [simd.splat(T::ZERO); MOST_STATE];
        if U::STATE > 0 {
            kept[0] = load_some(simd, &first[at.clone()]);
        }
        if U::STATE > 1 {
            kept[1] = load_some(simd, &second[at.clone()]);
        }
        if U::STATE > 2 {
            kept[2] = load_some(simd, &third[at.clone()]);
        }
        let w = rule.update(simd, gradients.some(simd, i, n - i), load_some(simd, &weights[at.clone()]), &mut kept);
        store_some(simd, w, &mut weights[at.clone()]);
        if U::STATE > 0 {
            store_some(simd, kept[0], &mut first[at.clone()]);
        }
        if U::STATE > 1 {
            store_some(simd, kept[1], &mut second[at.clone()]);
        }
        if U::STATE > 2 {
            store_some(simd, kept[2], &mut third[at]);
        }
    }
}
