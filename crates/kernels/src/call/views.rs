//! Calls: kernels with views of numbers.

use super::{Op, Operands, Operation, RightLayout, Shapes, Translate};
use crate::element::Element;
use crate::gemm::operand::Operand;
use crate::layout::{Layout, ShapeError};
use crate::matrix::{MatrixMut, MatrixRef};
use crate::update::Rule;

/// Operands that are numbers in memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Views<'a, T>(std::marker::PhantomData<&'a mut [T]>);

impl<'a, T: Element> Operands for Views<'a, T> {
    type In = MatrixRef<'a, T>;
    type Out = MatrixMut<'a, T>;
    type Right = Operand<'a, T>;
    type Singles = &'a [f32];
    type Labels = &'a [u32];
    type Number = T;
    type Rule = Rule<T>;
}

/// A kernel and all that it needs: operands that were checked to fit together.
///
/// Functions such as [`gemm()`](crate::gemm()) make one and run it at once; their `Call::…` twins make one to be run by any
/// [`Executor`](crate::Executor).
#[derive(Debug)]
pub struct Call<'a, T: Element>(pub(crate) Op<Views<'a, T>>);

impl<T: Element> Call<'_, T> {
    /// The call, if its operands fit together.
    #[inline]
    pub(crate) fn checked(op: Op<Views<'_, T>>) -> Result<Call<'_, T>, ShapeError> {
        op.check(&mut Shapes)?;
        Ok(Call(op))
    }

    /// What is called, without its numbers.
    pub fn operation(&self) -> Operation {
        self.0.translate(&mut Shapes)
    }
}

impl<'a, T: Element> Translate<Views<'a, T>, Shapes> for Shapes {
    fn input(&mut self, from: &MatrixRef<'a, T>) -> Layout {
        from.layout()
    }
    fn output(&mut self, from: &MatrixMut<'a, T>) -> Layout {
        from.layout()
    }
    fn right(&mut self, from: &Operand<'a, T>) -> RightLayout {
        from.layout()
    }
    fn singles(&mut self, from: &&'a [f32]) -> usize {
        from.len()
    }
    fn labels(&mut self, from: &&'a [u32]) -> usize {
        from.len()
    }
    fn number(&mut self, from: &T) -> f64 {
        from.to_f64()
    }
    fn rule(&mut self, from: &Rule<T>) -> Rule<f64> {
        from.map(T::to_f64)
    }
}
