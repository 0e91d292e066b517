//! The memory that a program runs on.

use crate::element::Element;
use crate::matrix::MatrixRef;
use crate::update::{Decay, Rule};

/// Memory for a program.
#[derive(Debug)]
#[non_exhaustive]
pub struct Bindings<'a, T> {
    /// The parameters.
    pub parameters: ParameterMemory<'a, T>,
    /// What the optimizer keeps first, or nothing.
    pub first: &'a mut [T],
    /// What the optimizer keeps second, or nothing.
    pub second: &'a mut [T],
    /// What the optimizer keeps third, or nothing.
    pub third: &'a mut [T],
    /// Everything that is computed.
    pub work: &'a mut [T],
    /// The examples.
    pub inputs: MatrixRef<'a, T>,
    /// Their targets; ignored by a program that has none.
    pub targets: MatrixRef<'a, T>,
    /// Their labels; ignored by a program that has none.
    pub labels: &'a [u32],
    /// The rule of this step; ignored by a program without updates.
    pub rule: Rule<T>,
}

/// The memory of the parameters, which a program may change, or not.
#[derive(Debug)]
pub enum ParameterMemory<'a, T> {
    /// It may not.
    Shared(&'a [T]),
    /// It may.
    Exclusive(&'a mut [T]),
}

impl<'a, T: Element> Bindings<'a, T> {
    /// The parameters, memory for everything that is computed, and the examples. There is no optimizer's state, no target, no label and
    /// a rule that changes nothing.
    pub fn new(parameters: ParameterMemory<'a, T>, work: &'a mut [T], inputs: MatrixRef<'a, T>) -> Self {
        // A rule in f64, made one in `T`, would be a conversion, which is executed in each run.
        let rule = Rule::Sgd { learning_rate: T::ZERO, decay: Decay::None };
        let targets = MatrixRef::from_row(&[]);
        Bindings {
            parameters,
            first: &mut [],
            second: &mut [],
            third: &mut [],
            work,
            inputs,
            targets,
            labels: &[],
            rule,
        }
    }
    /// With what the optimizer keeps first and second; a slice that the rule does not use may be empty.
    #[must_use]
    pub fn with_state(self, first: &'a mut [T], second: &'a mut [T]) -> Self {
        Bindings { first, second, ..self }
    }
    /// With what the optimizer keeps third.
    #[must_use]
    pub fn with_third(self, third: &'a mut [T]) -> Self {
        Bindings { third, ..self }
    }
    /// With a row of targets for each example.
    #[must_use]
    pub fn with_targets(self, targets: MatrixRef<'a, T>) -> Self {
        Bindings { targets, ..self }
    }
    /// With a label for each example.
    #[must_use]
    pub fn with_labels(self, labels: &'a [u32]) -> Self {
        Bindings { labels, ..self }
    }
    /// With the rule of this step.
    #[must_use]
    pub fn with_rule(self, rule: Rule<T>) -> Self {
        Bindings { rule, ..self }
    }
}
