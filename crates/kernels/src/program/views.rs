//! Operands become views without another check: those of a call that is used up, and those of a checked program's instructions.

use std::convert::Infallible;
use std::ops::Range;
use std::ptr::NonNull;

use super::bindings::{Bindings, ParameterMemory};
use super::checked::Program;
use super::error::ProgramError;
use super::place::{Instruction, Place, Places, Slot, WRITABLE};
use crate::call::{Call, Translate, Views};
use crate::element::Element;
use crate::execute::execute;
use crate::executor::{Executor, Region, Runner};
use crate::gemm::operand::Operand;
use crate::matrix::{MatrixMut, MatrixRef};
use crate::update::Rule;

/// Runs instructions of a program, after `Program::check_bindings` has checked their data and their rule.
pub(super) fn run_instructions<T: Element>(
    program: &Program<T>,
    range: Range<usize>,
    executor: &dyn Executor,
    bindings: &mut Bindings<'_, T>,
) -> Result<(), ProgramError> {
    let mut bound = Bound::new(program, bindings, range.end)?;
    let instructions = &program.instructions()[range];
    let mut run = || T::run_program(executor, Instructions { instructions, bound: &mut bound });
    // Only a large program is worth a look at the threads.
    if executor.threads() > 1 {
        executor.sequence(program.work(), &mut run)
    } else {
        run()
    }
    Ok(())
}

/// Some instructions of a program, with the memory they work on.
pub struct Instructions<'p, 'm, T: Element> {
    /// Some of those that `bound` was made for: only `run_instructions` makes this struct.
    instructions: &'p [Instruction<T>],
    bound: &'p mut Bound<'m, T>,
}

impl<T: Element> Instructions<'_, '_, T> {
    /// Has `run` run the call of each, one after the other.
    pub fn for_each(&mut self, mut run: impl FnMut(Call<'_, T>, Region)) {
        for instruction in self.instructions {
            // SAFETY: `run_instructions` made `bound` for these instructions.
            run(unsafe { self.bound.call(instruction) }, instruction.region);
        }
    }

    /// Runs them, as [`Call::execute`] does, without making calls of them.
    pub fn execute(self, runner: &impl Runner) {
        for instruction in self.instructions {
            // SAFETY: `run_instructions` made `bound` for these instructions.
            unsafe { self.bound.execute(instruction, runner) };
        }
    }
}

/// Memory that is as long as a checked program needs: the program's places become views without another check.
struct Bound<'a, T> {
    memories: [NonNull<T>; WRITABLE],
    inputs: MatrixRef<'a, T>,
    targets: MatrixRef<'a, T>,
    labels: &'a [u32],
    rule: Rule<T>,
}

// SAFETY: a `Bound` holds exclusive borrows of numbers, and shared ones, as slices and views do, which are `Send` if `T` is `Send` and
// `Sync`.
unsafe impl<T: Send + Sync> Send for Bound<'_, T> {}

impl<'a, T: Element> Bound<'a, T> {
    /// The memories, each at least as long as `program` needs, for its first `end` instructions. If they change parameters, those must be
    /// exclusive.
    fn new(program: &Program<T>, bindings: &'a mut Bindings<'_, T>, end: usize) -> Result<Self, ProgramError> {
        let (parameters, len) = match &mut bindings.parameters {
            ParameterMemory::Shared(_) if program.changes_parameters(end) => return Err(ProgramError::ReadOnly),
            ParameterMemory::Shared(memory) => (NonNull::from(*memory).cast(), memory.len()),
            ParameterMemory::Exclusive(memory) => (NonNull::from(&mut **memory).cast(), memory.len()),
        };
        let lens = [len, bindings.first.len(), bindings.second.len(), bindings.third.len(), bindings.work.len()];
        let slots = [Slot::Parameters, Slot::First, Slot::Second, Slot::Third, Slot::Work];
        for (slot, found) in slots.into_iter().zip(lens) {
            let needed = program.needed(slot);
            if needed > found {
                return Err(ProgramError::Memory { slot, needed, found });
            }
        }
        let memories = [
            parameters,
            NonNull::from(&mut *bindings.first).cast(),
            NonNull::from(&mut *bindings.second).cast(),
            NonNull::from(&mut *bindings.third).cast(),
            NonNull::from(&mut *bindings.work).cast(),
        ];
        let Bindings { inputs, targets, labels, rule, .. } = *bindings;
        Ok(Bound { memories, inputs, targets, labels, rule })
    }

    /// The call of an instruction.
    ///
    /// # Safety
    /// The instruction must be one of those that `Bound::new` made this for.
    unsafe fn call(&mut self, instruction: &Instruction<T>) -> Call<'_, T> {
        // SAFETY: the caller promises that it is such an instruction. `Op::translate` makes one view of each operand. They borrow `self`
        // exclusively until the call is gone.
        Call(instruction.op.translate(&mut unsafe { Resolve::new(self) }))
    }

    /// Runs an instruction.
    ///
    /// # Safety
    /// As of `call`.
    #[inline(always)]
    unsafe fn execute(&mut self, instruction: &Instruction<T>, runner: &impl Runner) {
        // SAFETY: the caller promises that it is such an instruction. `execute` makes at most one view of each operand, and keeps none.
        execute(&instruction.op, &mut unsafe { Resolve::new(self) }, runner);
    }
}

impl<T: Element> Call<'_, T> {
    /// Runs it. Generic over who runs its tasks, so that every kernel is compiled once for each [`Runner`].
    pub fn execute(self, runner: &impl Runner) {
        // SAFETY: `execute` takes each operand at most once. The call is used up, so nobody else takes them.
        execute(&self.0, &mut unsafe { Consumed::new() }, runner);
    }
}

/// Operands of a call that is used up: each is taken once, and is then no longer there.
struct Consumed(());

impl Consumed {
    /// For the one use that a call has.
    ///
    /// # Safety
    /// It must translate the operands of one call. Each is translated at most once, and used by nobody else.
    #[inline(always)]
    unsafe fn new() -> Self {
        Consumed(())
    }
}

impl<'a, T: Element> Translate<Views<'a, T>, Views<'a, T>> for Consumed {
    #[inline(always)]
    fn input(&mut self, from: &MatrixRef<'a, T>) -> MatrixRef<'a, T> {
        *from
    }
    #[inline(always)]
    fn output(&mut self, from: &MatrixMut<'a, T>) -> MatrixMut<'a, T> {
        // SAFETY: who made `self` promised that nobody else uses `from`: the view is moved (see `Consumed::new`).
        unsafe { from.duplicate() }
    }
    #[inline(always)]
    fn right(&mut self, from: &Operand<'a, T>) -> Operand<'a, T> {
        *from
    }
    #[inline(always)]
    fn singles(&mut self, from: &&'a [f32]) -> &'a [f32] {
        from
    }
    #[inline(always)]
    fn labels(&mut self, from: &&'a [u32]) -> &'a [u32] {
        from
    }
    #[inline(always)]
    fn number(&mut self, from: &T) -> T {
        *from
    }
    #[inline(always)]
    fn rule(&mut self, from: &Rule<T>) -> Rule<T> {
        *from
    }
}

/// Places made views for one call, which borrows the memories exclusively.
struct Resolve<'b, 'a, T>(&'b Bound<'a, T>);

impl<'b, 'a, T: Element> Resolve<'b, 'a, T> {
    /// For the operands of one instruction.
    ///
    /// # Safety
    /// It must translate the operands of one instruction, each at most once. The instruction must be one of those that `bound` was made for. No
    /// other view of the memories may exist as long as those made here.
    #[inline(always)]
    unsafe fn new(bound: &'b mut Bound<'a, T>) -> Self {
        Resolve(bound)
    }

    #[inline(always)]
    fn first(&self, place: &Place) -> NonNull<T> {
        // SAFETY: `Resolve::new` asks for a place of the program. `Bound::new` compared the memory of this slot with what the program needs,
        // which `Program::new` computed from all its places: the place lies inside.
        unsafe { self.0.memories[place.slot as usize].add(place.offset) }
    }
}

impl<'c, T: Element> Translate<Places<T>, Views<'c, T>> for Resolve<'_, 'c, T> {
    #[inline(always)]
    fn input(&mut self, place: &Place) -> MatrixRef<'c, T> {
        match place.slot {
            Slot::Inputs => return self.0.inputs,
            Slot::Targets => return self.0.targets,
            _ => {}
        }
        // SAFETY: the place lies inside its memory, which `Bound` borrows for longer than the call lives, and `Program::new` checked that
        // no place that the same call writes overlaps with it.
        unsafe { MatrixRef::from_raw(self.first(place), place.layout) }
    }
    #[inline(always)]
    fn output(&mut self, place: &Place) -> MatrixMut<'c, T> {
        // SAFETY: the place lies inside its memory, which is exclusive (see `Resolve::new`), and `Program::new` checked that its elements are
        // distinct, and that no other place of the same call overlaps with it.
        unsafe { MatrixMut::from_raw(self.first(place), place.layout) }
    }
    #[inline(always)]
    fn right(&mut self, place: &Place) -> Operand<'c, T> {
        self.input(place).into()
    }
    fn singles(&mut self, from: &Infallible) -> &'c [f32] {
        match *from {}
    }
    #[inline(always)]
    fn labels(&mut self, _: &usize) -> &'c [u32] {
        self.0.labels
    }
    #[inline(always)]
    fn number(&mut self, from: &T) -> T {
        *from
    }
    #[inline(always)]
    fn rule(&mut self, _: &()) -> Rule<T> {
        self.0.rule
    }
}
