//! The optimizer's step.

use crate::element::Element;
use crate::elementwise::{Elementwise, elementwise};
use crate::executor::Executor;
use crate::matrix::{ShapeError, check};
use crate::simd::Simd;

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
    elementwise(executor, Sgd { learning_rate }, [gradient], weights);
    Ok(())
}

#[derive(Clone, Copy)]
struct Sgd<T> {
    learning_rate: T,
}

impl<T: Element> Elementwise<T, 1> for Sgd<T> {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, w: S::Vector, [g]: [S::Vector; 1]) -> S::Vector {
        simd.neg_mul_add(simd.splat(self.learning_rate), g, w)
    }
}
