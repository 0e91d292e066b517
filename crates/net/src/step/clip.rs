//! Clipping of gradients by their norm: all of them times max / (‖g‖ + 1e-6) where that is below 1, as PyTorch does.

use nxm_kernels::elementwise::elementwise;
use nxm_kernels::softmax::Scale;
use nxm_kernels::{Element, Executor, Kernel, Region, Simd, dot};

use super::Gradient;
use crate::check::{check_learning_rate, is_finite};
use crate::error::NetError;
use crate::region;

/// What is added to the norm before it divides.
const EPSILON: f64 = 1e-6;

/// The largest norm, and the norm found last.
#[derive(Clone, Debug)]
pub(super) struct Clip<T> {
    max_norm: T,
    norm: T,
}

/// A norm to clip to must be a finite number above 0 in `T`.
pub(crate) fn check_max_norm<T: Element>(max_norm: f64) -> Result<(), NetError> {
    let name = "the largest norm of gradients";
    let expected = "a finite number above 0";
    check_learning_rate(T::from_f64(max_norm)).map_err(|_| NetError::Setting { name, value: max_norm, expected })
}

impl<T: Element> Clip<T> {
    /// Clips to `max_norm`, a finite number above 0 in `T`.
    pub(super) fn new(max_norm: f64) -> Result<Self, NetError> {
        check_max_norm::<T>(max_norm)?;
        Ok(Clip { max_norm: T::from_f64(max_norm), norm: T::ZERO })
    }

    /// ‖g‖ before clipping.
    pub(super) fn norm(&self) -> T {
        self.norm
    }

    /// Clips them. If their norm is not finite nothing is changed; then the error is the first layer whose part of it is not, or the
    /// last one, if only the sum is too large for `T`.
    pub(super) fn run(&mut self, executor: &impl Executor, gradients: &mut [Gradient<T>]) -> Result<(), usize> {
        let mut squares = T::ZERO;
        let mut not_finite = None;
        for (l, gradient) in gradients.iter().enumerate() {
            executor.enter(Region { name: region::CLIP, layer: l });
            for part in [&gradient.weights, &gradient.bias] {
                let of_part = dot(executor, part, part).expect("a vector is as long as itself");
                squares = executor.run(Sum(squares, of_part));
            }
            if not_finite.is_none() && !is_finite(squares) {
                not_finite = Some(l);
            }
        }
        let (norm, scale) = executor.run(NormAndScale { squares, max_norm: self.max_norm });
        self.norm = norm;
        if let Some(layer) = not_finite {
            return Err(layer);
        }
        // Both are positive: so are the integers that their bits are, in the same order.
        if scale.to_bits_u64() < T::ONE.to_bits_u64() {
            for (l, gradient) in gradients.iter_mut().enumerate() {
                executor.enter(Region { name: region::CLIP, layer: l });
                elementwise(executor, Scale { by: scale }, [], &mut gradient.weights);
                elementwise(executor, Scale { by: scale }, [], &mut gradient.bias);
            }
        }
        Ok(())
    }
}

/// The sum of two numbers.
struct Sum<T>(T, T);

impl<T: Element> Kernel<T> for Sum<T> {
    type Output = T;
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) -> T {
        simd.one().add(self.0, self.1)
    }
}

/// (√squares, max / (√squares + ε)): 1 sqrt, 1 addition, 1 division.
struct NormAndScale<T> {
    squares: T,
    max_norm: T,
}

impl<T: Element> Kernel<T> for NormAndScale<T> {
    type Output = (T, T);
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) -> (T, T) {
        let one = simd.one();
        let norm = one.sqrt(self.squares);
        (norm, one.div(self.max_norm, one.add(norm, T::from_f64(EPSILON))))
    }
}
