//! What the operands of a call are made of, and how operands of one kind become those of another.

use crate::math::Parameters;

/// How the operands of an [`Op`](super::Op) are given.
pub trait Operands {
    /// A matrix that is read; a vector is a matrix of one row.
    type In;
    /// A matrix that is written.
    type Out;
    /// The right factor of a product, which may have been packed beforehand.
    type Right;
    /// A vector of f32 that is read whatever the element type is.
    type Singles;
    /// Class labels, one for each row.
    type Labels;
    /// A number.
    type Number;
    /// An optimizer's rule.
    type Rule;
}

/// Operands of one kind made of another's. Public for this crate's tests.
#[doc(hidden)]
pub trait Translate<From: Operands, To: Operands> {
    /// A matrix that is read.
    fn input(&mut self, from: &From::In) -> To::In;
    /// A matrix that is written.
    fn output(&mut self, from: &From::Out) -> To::Out;
    /// A right factor.
    fn right(&mut self, from: &From::Right) -> To::Right;
    /// A vector of f32.
    fn singles(&mut self, from: &From::Singles) -> To::Singles;
    /// Labels.
    fn labels(&mut self, from: &From::Labels) -> To::Labels;
    /// A number.
    fn number(&mut self, from: &From::Number) -> To::Number;
    /// The parameters of an activation.
    #[inline(always)]
    fn numbers(&mut self, from: &Parameters<From::Number>) -> Parameters<To::Number> {
        from.each_ref().map(|number| self.number(number))
    }
    /// A rule.
    fn rule(&mut self, from: &From::Rule) -> To::Rule;
    /// A matrix that may be missing.
    #[inline(always)]
    fn optional(&mut self, from: &Option<From::Out>) -> Option<To::Out> {
        from.as_ref().map(|from| self.output(from))
    }
}
