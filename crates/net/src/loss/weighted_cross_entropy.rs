//! Cross-entropy with label smoothing ε and class weights w, and its gradient.
//!
//! A row with label t has own = (1 − ε)·wₜ, and every row spreadⱼ = ε/M·wⱼ; these are computed beforehand. Per row of M logits: the
//! maximum (M − 1 cmp), z − max (M additions), Σ spreadⱼ·(zⱼ − max) (M multiplications, M − 1 additions), e^{z − max} (M exp), their
//! sum (M − 1 additions), its logarithm (1 log); the row's loss own·(ln sum − (zₜ − max)) + Σ spread·ln sum − Σ spreadⱼ·(zⱼ − max) (1
//! addition, 2 fma); the factor (own + Σ spread)/Σ wₜ/sum (1 add, 1 mul, 1 div), times the exponentials (M mul), less spread/Σ wₜ (M
//! fma), less own/Σ wₜ at the label (1 fma). For the batch: Σ wₜ (B − 1 additions), its inverse (1 div), the sum of the rows'
//! losses (B − 1 additions), times that (1 mul).

use nxm_kernels::dot::dot_body;
use nxm_kernels::elementwise::{Elementwise, map_slice};
use nxm_kernels::softmax::{Exp, Shift};
use nxm_kernels::{Element, Kernel, Simd, math, reduce};

use crate::buffer::zeros;
use crate::error::NetError;

/// What is computed of smoothing and weights beforehand, for each class.
#[derive(Clone, Debug)]
pub(super) struct ClassWeights<T> {
    /// w.
    weights: Vec<T>,
    /// (1 − ε)·w.
    own: Vec<T>,
    /// ε/M·w.
    spread: Vec<T>,
    /// Σ ε/M·w.
    spread_sum: T,
    /// wₜ of each row.
    of_rows: Vec<T>,
}

impl<T: Element> ClassWeights<T> {
    /// For at most `batch` rows of `classes` logits; no weights are weights of 1.
    pub(super) fn new(smoothing: f64, weights: &[f64], classes: usize, batch: usize) -> Result<Self, NetError> {
        let weight = |class: usize| weights.get(class).copied().unwrap_or(1.0);
        let of_classes = |scale: f64| {
            let mut numbers = zeros("the weights of classes", 1, classes)?;
            numbers.iter_mut().enumerate().for_each(|(class, to)| *to = T::from_f64(scale * weight(class)));
            Ok::<Vec<T>, NetError>(numbers)
        };
        let share = smoothing / classes as f64;
        Ok(ClassWeights {
            weights: of_classes(1.0)?,
            own: of_classes(1.0 - smoothing)?,
            spread: of_classes(share)?,
            spread_sum: T::from_f64((0..classes).map(|class| share * weight(class)).sum()),
            of_rows: zeros("the weights of a batch", batch, 1)?,
        })
    }
}

/// The loss of B rows; writes the rows' losses and the gradient.
pub(super) struct WeightedCrossEntropy<'a, T> {
    /// B × M.
    pub(super) logits: &'a [T],
    /// B labels below M.
    pub(super) labels: &'a [u32],
    /// Of M classes.
    pub(super) classes: &'a mut ClassWeights<T>,
    /// B.
    pub(super) row_losses: &'a mut [T],
    /// B × M.
    pub(super) delta: &'a mut [T],
}

impl<T: Element> Kernel<T> for WeightedCrossEntropy<'_, T> {
    type Output = T;
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) -> T {
        let ClassWeights { weights, own, spread, spread_sum, of_rows } = self.classes;
        let (rows, classes) = (self.labels.len(), spread.len());
        let one = simd.one();
        let of_rows = &mut of_rows[..rows];
        for (to, label) in of_rows.chunks_mut(1).zip(self.labels) {
            one.store(one.broadcast(&weights[*label as usize]), to);
        }
        let inverse = one.div(T::ONE, reduce::sum(simd, of_rows));
        for i in 0..rows {
            let row = &mut self.delta[i * classes..][..classes];
            simd.copy(&self.logits[i * classes..][..classes], row);
            let label = self.labels[i] as usize;
            let own = one.broadcast(&own[label]);
            map_slice(simd, Shift { by: reduce::max(simd, row) }, [], row);
            let at_label = one.broadcast(&row[label]);
            let spread_logits = dot_body(simd, spread, row);
            map_slice(simd, Exp, [], row);
            let sum = reduce::sum(simd, row);
            let log = math::log(one, sum);
            let spread_loss = one.mul_add(*spread_sum, log, one.neg(spread_logits));
            one.store(one.mul_add(own, one.sub(log, at_label), spread_loss), &mut self.row_losses[i..]);
            let factor = one.div(one.mul(one.add(own, *spread_sum), inverse), sum);
            map_slice(simd, Gradient { factor, inverse }, [spread], row);
            one.store(one.neg_mul_add(own, inverse, one.broadcast(&row[label])), &mut row[label..]);
        }
        one.mul(reduce::sum(simd, self.row_losses), inverse)
    }
}

/// e·factor − spread·inverse.
#[derive(Clone, Copy)]
struct Gradient<T> {
    factor: T,
    inverse: T,
}

impl<T: Element> Elementwise<T, 1> for Gradient<T> {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, e: S::Vector, [spread]: [S::Vector; 1]) -> S::Vector {
        simd.neg_mul_add(spread, simd.splat(self.inverse), simd.mul(e, simd.splat(self.factor)))
    }
}
