//! Running a program.

use std::ops::Range;

use super::bindings::Bindings;
use super::checked::Program;
use super::error::ProgramError;
use super::views::run_instructions;
use crate::element::Element;
use crate::executor::Executor;

impl<T: Element> Program<T> {
    /// Runs the instructions in `range`, one after the other. Data that none of them reads may have any shape.
    ///
    /// # Errors
    /// [`ProgramError`] if a memory is too short, may only be read and is to be written, if data have another shape than the program was
    /// made for, if a label is no class, or if the rule keeps other state; before anything is changed.
    ///
    /// # Panics
    /// If there are no such instructions.
    pub fn run(
        &self,
        range: Range<usize>,
        executor: &dyn Executor,
        bindings: &mut Bindings<'_, T>,
    ) -> Result<(), ProgramError> {
        self.check_bindings(&range, bindings)?;
        run_instructions(self, range, executor, bindings)
    }
}
