//! Calls whose operands are places in memory.

use std::convert::Infallible;

use crate::call::{Op, Operands, Operation, RightLayout, Shapes, Translate};
use crate::element::Element;
use crate::executor::Region;
use crate::layout::{Layout, Strides};
use crate::update::Rule;

/// A memory that a program works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Slot {
    /// The parameters of a network.
    Parameters,
    /// What an optimizer keeps first for each parameter, laid out as they are.
    First,
    /// What it keeps second.
    Second,
    /// What it keeps third.
    Third,
    /// Everything that is computed.
    Work,
    /// The examples, a matrix of any strides; it is only read.
    Inputs,
    /// Their targets, a matrix of any strides; it is only read.
    Targets,
}

/// Memories that a program may write to.
pub(super) const WRITABLE: usize = 5;

impl Slot {
    /// Whether it is data, which may have other strides than a place says and are only read.
    pub(super) fn is_data(self) -> bool {
        matches!(self, Slot::Inputs | Slot::Targets)
    }
}

/// Where a matrix stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// In which memory.
    pub slot: Slot,
    /// How many elements stand before it.
    pub offset: usize,
    /// Its shape, strides and padding. (Examples and targets may have other strides and no padding.)
    pub layout: Layout,
}

/// Operands that are places. A rule is that of the step the program is run for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Places<T>(std::marker::PhantomData<T>);

impl<T: Element> Operands for Places<T> {
    type In = Place;
    type Out = Place;
    type Right = Place;
    type Singles = Infallible;
    /// As many labels as this are bound.
    type Labels = usize;
    type Number = T;
    type Rule = ();
}

/// A call of a program.
#[derive(Clone, Debug, PartialEq)]
pub struct Instruction<T: Element> {
    /// What it is a part of.
    pub region: Region,
    /// What it does, and where.
    pub op: Op<Places<T>>,
}

/// Places seen as shapes alone.
pub(super) struct ShapesOf<'a> {
    rule: &'a Rule<f64>,
    /// How the examples and targets are laid out that stand at a place of this layout.
    data: fn(Layout) -> Layout,
}

impl<'a> ShapesOf<'a> {
    /// Examples and targets as the program says.
    pub(super) fn program(rule: &'a Rule<f64>) -> Self {
        ShapesOf { rule, data: |layout| layout }
    }
    /// Examples and targets in the worst case: no elements of a row stand side by side.
    pub(super) fn any_data(rule: &'a Rule<f64>) -> Self {
        ShapesOf { rule, data: |layout| Layout { strides: Strides { row: 0, col: 2 }, ..layout } }
    }
}

impl<T: Element> Translate<Places<T>, Shapes> for ShapesOf<'_> {
    fn input(&mut self, from: &Place) -> Layout {
        if from.slot.is_data() { (self.data)(from.layout) } else { from.layout }
    }
    fn output(&mut self, from: &Place) -> Layout {
        from.layout
    }
    fn right(&mut self, from: &Place) -> RightLayout {
        RightLayout::Matrix(Translate::<Places<T>, Shapes>::input(self, from))
    }
    fn singles(&mut self, from: &Infallible) -> usize {
        match *from {}
    }
    fn labels(&mut self, from: &usize) -> usize {
        *from
    }
    fn number(&mut self, from: &T) -> f64 {
        crate::beside::widened(*from)
    }
    fn rule(&mut self, _: &()) -> Rule<f64> {
        *self.rule
    }
}

impl<T: Element> Instruction<T> {
    /// The call without its numbers, by a rule of this kind.
    pub fn operation(&self, rule: &Rule<f64>) -> Operation {
        self.op.translate(&mut ShapesOf::program(rule))
    }
}
