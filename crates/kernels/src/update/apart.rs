//! The update of a matrix of weights by a rule that is never fused with a product: one function for each rule and level.
//!
//! It takes rows as the kernels of [`follow`](crate::gemm::follow) do: all as one where no matrix has gaps between its rows, or where all
//! have the same padding.

use super::rules::Update;
use super::{Rule, Visitor, update_row};
use crate::element::Lane;
use crate::elementwise::JoinedRows;
use crate::executor::Runner;
use crate::matrix::{MatrixMut, MatrixRef};
use crate::parallel::{Split, for_each_part, parts_of_evaluations};
use crate::simd::{Kernel, Simd};

/// Weights, their gradient, what the rule keeps, and the rule.
pub(crate) struct Apart<'a, T> {
    pub(crate) rule: Rule<T>,
    pub(crate) gradient: MatrixRef<'a, T>,
    pub(crate) weights: MatrixMut<'a, T>,
    pub(crate) state: [Option<MatrixMut<'a, T>>; 3],
}

impl<T: Lane> Apart<'_, T> {
    /// The same on one row, if no matrix has gaps between its rows: fewer vectors are ragged.
    fn into_one_row(self) -> Self {
        let Apart { rule, gradient, weights, state } = self;
        let without_gaps = weights.rows() > 1
            && weights.is_without_gaps()
            && gradient.is_without_gaps()
            && state.iter().flatten().all(MatrixMut::is_without_gaps);
        if !without_gaps {
            return Apart { rule, gradient, weights, state };
        }
        let state = state.map(|kept| kept.map(MatrixMut::into_one_row));
        Apart { rule, gradient: gradient.into_one_row(), weights: weights.into_one_row(), state }
    }
}

impl<T: Lane> Kernel<T> for Apart<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(mut self, simd: S) {
        self.rule.visit_apart(OnMatrix { simd, of: &mut self });
    }
}

/// Waiting for a rule.
struct OnMatrix<'x, 'a, T, S> {
    simd: S,
    of: &'x mut Apart<'a, T>,
}

impl<T: Lane, S: Simd<T>> Visitor<T> for OnMatrix<'_, '_, T, S> {
    #[inline(always)]
    fn visit<U: Update<T>>(self, rule: U) {
        self.simd.call(ByRule { rule, of: self.of });
    }
}

/// The update by a rule: a function of its own.
struct ByRule<'x, 'a, T, U> {
    rule: U,
    of: &'x mut Apart<'a, T>,
}

impl<T: Lane, U: Update<T>> Kernel<T> for ByRule<'_, '_, T, U> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let ByRule { rule, of: Apart { gradient, weights, state, .. } } = self;
        let cols = weights.cols();
        // As many elements of a row as all matrices have: whole vectors, if all are padded.
        let mut len = weights.touched(S::LANES).min(gradient.touched(S::LANES));
        for kept in state.iter().flatten() {
            len = len.min(kept.touched(S::LANES));
        }
        // Rows of whole vectors that follow each other with their padding are one long row.
        let flat = len.is_multiple_of(S::LANES)
            && weights.is_flat(len)
            && gradient.is_flat(len)
            && state.iter().flatten().all(|kept| kept.is_flat(len));
        let (count, rows) = match flat {
            true => (1, JoinedRows { cols, stride: len }),
            false => (weights.rows(), JoinedRows::one(cols)),
        };
        for i in 0..count {
            let gradients = if flat { gradient.flat(len) } else { gradient.padded_row(i, len) };
            let weights = if flat { weights.lines() } else { weights.padded_row(i, len) };
            let kept = state.each_mut().map(|kept| row_of(kept, flat, i, len));
            update_row(simd, rule, rows, gradients, weights, kept);
        }
    }
}

/// The first `len` elements of row i, or all rows; nothing if there is no such matrix.
#[inline(always)]
fn row_of<'x, T: Lane>(kept: &'x mut Option<MatrixMut<'_, T>>, all: bool, i: usize, len: usize) -> &'x mut [T] {
    match kept {
        None => &mut [],
        Some(kept) => {
            if all {
                kept.lines()
            } else {
                kept.padded_row(i, len)
            }
        }
    }
}

/// Updates on as many threads as pay.
pub(crate) fn run<T: Lane>(runner: &impl Runner, apart: Apart<'_, T>) {
    let elements = apart.weights.rows().saturating_mul(apart.weights.cols());
    if elements == 0 {
        return;
    }
    let apart = apart.into_one_row();
    if apart.weights.rows() == 1 {
        let parts = parts_of_evaluations(runner.threads(), elements, elements / T::BLOCK);
        for_each_part(ByColumns(apart), parts, T::BLOCK, &|part| runner.run(part.0));
    } else {
        let parts = parts_of_evaluations(runner.threads(), elements, apart.weights.rows());
        for_each_part(ByRows(apart), parts, 1, &|part| runner.run(part.0));
    }
}

/// Cut between columns.
struct ByColumns<'a, T>(Apart<'a, T>);
/// Cut between rows.
struct ByRows<'a, T>(Apart<'a, T>);

/// What is kept, each matrix of it cut in two.
fn cut<'a, T>(
    state: [Option<MatrixMut<'a, T>>; 3],
    at: impl Fn(MatrixMut<'a, T>) -> (MatrixMut<'a, T>, MatrixMut<'a, T>),
) -> [[Option<MatrixMut<'a, T>>; 3]; 2] {
    let [a, b, c] = state.map(|kept| kept.map(&at).unzip());
    [[a.0, b.0, c.0], [a.1, b.1, c.1]]
}

impl<T: Lane> Split for ByColumns<'_, T> {
    fn len(&self) -> usize {
        self.0.weights.cols()
    }
    fn split(self, at: usize) -> (Self, Self) {
        let Apart { rule, gradient, weights, state } = self.0;
        let (rows, cols) = (gradient.rows(), gradient.cols());
        let gradients = [gradient.block(0, 0, rows, at), gradient.block(0, at, rows, cols - at)];
        let (first, second) = weights.split_at_col(at);
        let [of_first, of_second] = cut(state, |kept| kept.split_at_col(at));
        (
            ByColumns(Apart { rule, gradient: gradients[0], weights: first, state: of_first }),
            ByColumns(Apart { rule, gradient: gradients[1], weights: second, state: of_second }),
        )
    }
}

impl<T: Lane> Split for ByRows<'_, T> {
    fn len(&self) -> usize {
        self.0.weights.rows()
    }
    fn split(self, at: usize) -> (Self, Self) {
        let Apart { rule, gradient, weights, state } = self.0;
        let (rows, cols) = (gradient.rows(), gradient.cols());
        let gradients = [gradient.block(0, 0, at, cols), gradient.block(at, 0, rows - at, cols)];
        let (first, second) = weights.split_at_row(at);
        let [of_first, of_second] = cut(state, |kept| kept.split_at_row(at));
        (
            ByRows(Apart { rule, gradient: gradients[0], weights: first, state: of_first }),
            ByRows(Apart { rule, gradient: gradients[1], weights: second, state: of_second }),
        )
    }
}
