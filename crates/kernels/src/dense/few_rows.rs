//! Weights updated from a batch of a few rows: each vector of the gradient is a handful of fma, so that the machinery of a product's
//! tiles would cost several times as much.

use crate::element::Element;
use crate::executor::Executor;
use crate::gemm::epilogue::Epilogue;
use crate::matrix::{MatrixMut, MatrixRef};
use crate::parallel::{Split, for_each_part, parts};
use crate::scratch::Scratch;
use crate::simd::{Kernel, Simd, load_some, store_some};
use crate::update::Rule;

/// Batches of at most so many rows are updated so.
pub(super) const FEW_ROWS: usize = 4;
/// Elements of the gradient that are made at a time: they and the weights they belong to stay in L1.
const GRADIENT: usize = 1024;

/// One thread's part: W's rows, and the columns of X that belong to them.
pub(super) struct FewRows<'a, T> {
    /// B × N.
    pub(super) x: MatrixRef<'a, T>,
    /// B × M, rows contiguous.
    pub(super) delta: MatrixRef<'a, T>,
    /// N × M.
    pub(super) weights: MatrixMut<'a, T>,
    pub(super) rule: Rule<T>,
    /// As many as the rule keeps, N × M.
    pub(super) state: [Option<MatrixMut<'a, T>>; 2],
}

/// W ← W updated by the rule from Xᵀ·δ, in the order of operations of a product and the rule after it. The shapes were checked.
pub(super) fn run<T: Element>(executor: &impl Executor, work: FewRows<'_, T>) {
    let (rows, n, m) = (work.x.rows(), work.weights.rows(), work.weights.cols());
    let parts = parts(executor.threads(), n.saturating_mul(m).saturating_mul(rows), n);
    for_each_part(work, parts, 1, &|work| executor.run(work));
}

impl<T: Element> Split for FewRows<'_, T> {
    fn len(&self) -> usize {
        self.weights.rows()
    }
    fn split(self, at: usize) -> (Self, Self) {
        let FewRows { x, delta, weights, rule, state } = self;
        let (b, n) = (x.rows(), x.cols());
        let (w1, w2) = weights.split_at_row(at);
        let [(m1, m2), (v1, v2)] = state.map(|matrix| matrix.map(|m| m.split_at_row(at)).unzip());
        (
            FewRows { x: x.block(0, 0, b, at), delta, weights: w1, rule, state: [m1, v1] },
            FewRows { x: x.block(0, at, b, n - at), delta, weights: w2, rule, state: [m2, v2] },
        )
    }
}

impl<T: Element> Kernel<T> for FewRows<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let FewRows { x, delta, mut weights, rule, state } = self;
        let (n, m) = (weights.rows(), weights.cols());
        let mut epilogue = Epilogue::Update { rule, state };
        let mut scratch = Scratch::take();
        let gradient = scratch.slice(GRADIENT);
        for j in (0..m).step_by(GRADIENT) {
            let cols = GRADIENT.min(m - j);
            for i in (0..n).step_by(GRADIENT / cols) {
                let rows = (GRADIENT / cols).min(n - i);
                for (r, row) in gradient.chunks_exact_mut(cols).enumerate().take(rows) {
                    gradient_row(simd, x, delta, (i + r, j), row);
                }
                let sums = MatrixMut::new(gradient, rows, cols).expect("so many were asked for");
                epilogue.block(i, j, rows, cols).run(simd, weights.block(i, j, rows, cols), sums);
            }
        }
    }
}

/// Xᵀ·δ's elements of row i from column j on: a fma for each row of the batch.
#[inline(always)]
fn gradient_row<T: Element, S: Simd<T>>(
    simd: S,
    x: MatrixRef<'_, T>,
    delta: MatrixRef<'_, T>,
    (i, j): (usize, usize),
    to: &mut [T],
) {
    let cols = to.len();
    for (v, to) in to.chunks_mut(S::LANES).enumerate() {
        let simd = simd.narrow(to.len());
        let mut sum = simd.splat(T::ZERO);
        for r in 0..x.rows() {
            let delta = &delta.row(r)[j..j + cols][v * S::LANES..][..to.len()];
            sum = simd.mul_add(simd.splat(x.at(r, i)), load_some(simd, delta), sum);
        }
        store_some(simd, sum, to);
    }
}
