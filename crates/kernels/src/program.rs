//! Programs: lists of calls on places in memory, checked once and run again and again.
//!
//! A [`Program`] knows of each call what it does ([`Op`]), for which part of a larger computation ([`Region`]), and where its operands
//! stand ([`Place`]). That they fit together, lie inside their memory and do not overlap is checked when the program is made. To run it,
//! memory is bound to it ([`Bindings`]), whose lengths are compared once; then nothing is checked again.
//!
//! What reads a program instead of running it (a counter's formulas, a forecast) asks for its [operations](Program::operations).

use std::convert::Infallible;
use std::fmt;
use std::ops::Range;

use crate::call::{Op, Operands, Operation, RightLayout, Shapes, Translate};
use crate::element::Element;
use crate::executor::{Executor, Region};
use crate::layout::{Layout, ShapeError, Strides};
pub use crate::matrix::Instructions;
use crate::matrix::{MatrixRef, run_instructions};
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
    /// Everything that is computed.
    Work,
    /// The examples, a matrix of any strides; it is only read.
    Inputs,
    /// Their targets, a matrix of any strides; it is only read.
    Targets,
}

/// Memories that a program may write to.
pub(crate) const WRITABLE: usize = 4;

impl Slot {
    /// Whether it is data, which may have other strides than a place says and are only read.
    fn is_data(self) -> bool {
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
struct ShapesOf<'a> {
    rule: &'a Rule<f64>,
    /// How the examples and targets are laid out that stand at a place of this layout.
    data: fn(Layout) -> Layout,
}

impl<'a> ShapesOf<'a> {
    /// Examples and targets as the program says.
    fn program(rule: &'a Rule<f64>) -> Self {
        ShapesOf { rule, data: |layout| layout }
    }
    /// Examples and targets in the worst case: no elements of a row stand side by side.
    fn any_data(rule: &'a Rule<f64>) -> Self {
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
        from.to_f64()
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

/// What an instruction works on.
#[derive(Default)]
struct Collected {
    read: Vec<Place>,
    written: Vec<Place>,
    /// Whether it follows a rule.
    follows_rule: bool,
}

impl<T: Element> Translate<Places<T>, Shapes> for Collected {
    fn input(&mut self, from: &Place) -> Layout {
        self.read.push(*from);
        from.layout
    }
    fn output(&mut self, from: &Place) -> Layout {
        self.written.push(*from);
        from.layout
    }
    fn right(&mut self, from: &Place) -> RightLayout {
        self.read.push(*from);
        RightLayout::Matrix(from.layout)
    }
    fn singles(&mut self, from: &Infallible) -> usize {
        match *from {}
    }
    fn labels(&mut self, from: &usize) -> usize {
        *from
    }
    fn number(&mut self, from: &T) -> f64 {
        from.to_f64()
    }
    fn rule(&mut self, _: &()) -> Rule<f64> {
        self.follows_rule = true;
        NO_RULE
    }
}

/// Stands for any rule where only places are looked at.
const NO_RULE: Rule<f64> = Rule::Sgd { learning_rate: 0.0, decay: crate::update::Decay::None };

/// Why a list of instructions is no program, or why it can't run on these memories.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProgramError {
    /// The operands of an instruction do not fit together.
    Shapes {
        /// Which instruction, from 0.
        instruction: usize,
        /// What does not fit.
        error: ShapeError,
    },
    /// A place reaches beyond what a machine can address.
    TooLarge {
        /// Which instruction, from 0.
        instruction: usize,
    },
    /// The padding of a row reaches into the next row, or rows have padding whose elements do not stand side by side.
    Padding {
        /// Which instruction, from 0.
        instruction: usize,
    },
    /// What an instruction writes overlaps with another of its operands, or is memory that is only read.
    Overlap {
        /// Which instruction, from 0.
        instruction: usize,
    },
    /// A memory is shorter than the program needs.
    Memory {
        /// Which one.
        slot: Slot,
        /// Elements that are needed.
        needed: usize,
        /// Elements that it has.
        found: usize,
    },
    /// The program writes to parameters that may only be read.
    ReadOnly,
    /// The rule of this step keeps more or fewer matrices of state than the one that the program was made for.
    Rule {
        /// Matrices of state that the program has.
        expected: usize,
        /// Matrices that the rule keeps.
        found: usize,
    },
    /// A label is no class.
    Label {
        /// Its row, from 0.
        row: usize,
        /// What it is.
        label: u32,
        /// How many classes there are.
        classes: usize,
    },
    /// Examples or targets have another shape, or there are more or fewer labels.
    Data {
        /// Which.
        slot: Slot,
        /// Rows and columns that the program was made for.
        expected: (usize, usize),
        /// Rows and columns that there are.
        found: (usize, usize),
    },
}

impl fmt::Display for ProgramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProgramError::Shapes { instruction, error } => write!(f, "instruction {instruction}: {error}"),
            ProgramError::TooLarge { instruction } => {
                write!(f, "instruction {instruction}: an operand is larger than this machine can address")
            }
            ProgramError::Padding { instruction } => {
                write!(f, "instruction {instruction}: the padding of an operand's row reaches beyond that row")
            }
            ProgramError::Overlap { instruction } => {
                write!(f, "instruction {instruction}: what it writes overlaps with another operand or may only be read")
            }
            ProgramError::Memory { slot, needed, found } => {
                write!(f, "{slot:?}: the program needs {needed} elements, and there are {found}")
            }
            ProgramError::ReadOnly => f.write_str("the program changes parameters, and these may only be read"),
            ProgramError::Rule { expected, found } => write!(
                f,
                "the program was made for a rule with {expected} matrices of state, and this step's rule keeps {found}"
            ),
            ProgramError::Label { row, label, classes } => {
                write!(f, "row {row}: label {label} is not below the number of classes, {classes}")
            }
            ProgramError::Data { slot, expected, found } => {
                write!(
                    f,
                    "{slot:?}: the program was made for {}×{}, and this is {}×{}",
                    expected.0, expected.1, found.0, found.1
                )
            }
        }
    }
}

impl std::error::Error for ProgramError {}

/// Instructions that were checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Program<T: Element> {
    instructions: Vec<Instruction<T>>,
    /// Elements that are touched of each memory that may be written.
    needed: [usize; WRITABLE],
    /// The first instruction that changes parameters.
    writes_parameters: Option<usize>,
    /// The first instruction that follows a rule, and how many matrices of state that keeps.
    follows_rule: Option<(usize, usize)>,
    /// Rows and columns of the examples.
    inputs: Option<(usize, usize)>,
    /// Rows and columns of the targets.
    targets: Option<(usize, usize)>,
    /// How many labels there are, and of how many classes.
    labels: Option<(usize, usize)>,
    /// How many instructions there are up to the last one that reads examples, targets or labels.
    data_end: usize,
    /// How many there are up to the last one that reads labels.
    labels_end: usize,
    /// Multiply-adds of the largest product.
    work: usize,
}

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
        // `NO_RULE` in `T` would be a conversion, which is executed in each run.
        let rule = Rule::Sgd { learning_rate: T::ZERO, decay: crate::update::Decay::None };
        let targets = MatrixRef::from_row(&[]);
        Bindings { parameters, first: &mut [], second: &mut [], work, inputs, targets, labels: &[], rule }
    }
    /// With what the optimizer keeps first and second; a slice that the rule does not use may be empty.
    #[must_use]
    pub fn with_state(self, first: &'a mut [T], second: &'a mut [T]) -> Self {
        Bindings { first, second, ..self }
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

impl<T: Element> Program<T> {
    /// Checks that the operands of each instruction fit together, lie in memory that can be addressed, and that what it writes overlaps
    /// with none of its other operands. All instructions see examples, targets and labels of the same shape, and do with any strides of
    /// the examples and targets. `rule` stands for those of all steps, which keep as many matrices of state.
    ///
    /// # Errors
    /// [`ProgramError`] names the first instruction that is wrong.
    pub fn new(instructions: Vec<Instruction<T>>, rule: &Rule<f64>) -> Result<Program<T>, ProgramError> {
        let mut program = Program {
            instructions,
            needed: [0; WRITABLE],
            writes_parameters: None,
            follows_rule: None,
            inputs: None,
            targets: None,
            labels: None,
            data_end: 0,
            labels_end: 0,
            work: 0,
        };
        for i in 0..program.instructions.len() {
            program.check(i, rule)?;
        }
        Ok(program)
    }

    fn check(&mut self, i: usize, rule: &Rule<f64>) -> Result<(), ProgramError> {
        let op = &self.instructions[i].op;
        let shapes = |error| ProgramError::Shapes { instruction: i, error };
        // A copy that is too large is reported only if its operands are not.
        let copies = match op.check(&mut ShapesOf::any_data(rule)) {
            Err(error @ ShapeError::TooLarge { .. }) => Err(shapes(error)),
            checked => Ok(checked.map_err(shapes)?),
        };
        let mut places = Collected::default();
        op.translate(&mut places);
        let labels = match op {
            Op::CrossEntropy { labels, logits, .. } | Op::WeightedCrossEntropy { labels, logits, .. } => {
                Some((*labels, logits.layout.cols))
            }
            _ => None,
        };
        let work = match op {
            Op::DenseForward { x, a, .. } => x.layout.cols.saturating_mul(a.layout.cols).saturating_mul(x.layout.rows),
            _ => 0,
        };
        let Collected { read, written, follows_rule } = places;
        let overlap = ProgramError::Overlap { instruction: i };
        for place in read.iter().chain(&written) {
            let end = place.layout.span().and_then(|span| span.checked_add(place.offset));
            let end = end.filter(|end| isize::try_from(end.saturating_mul(size_of::<T>())).is_ok());
            let end = end.ok_or(ProgramError::TooLarge { instruction: i })?;
            if !place.layout.has_own_padding() {
                return Err(ProgramError::Padding { instruction: i });
            }
            let sides = (place.layout.rows, place.layout.cols);
            match place.slot {
                Slot::Inputs => same("the examples", &mut self.inputs, sides).map_err(shapes)?,
                Slot::Targets => same("the targets", &mut self.targets, sides).map_err(shapes)?,
                slot => self.needed[slot as usize] = self.needed[slot as usize].max(end),
            }
        }
        copies?;
        if let Some(labels) = labels {
            same("the labels, and their classes", &mut self.labels, labels).map_err(shapes)?;
        }
        for (w, place) in written.iter().enumerate() {
            let mut others = read.iter().chain(written[..w].iter());
            let writable = !place.slot.is_data() && place.layout.is_distinct();
            if !writable || others.any(|other| overlaps(place, other)) {
                return Err(overlap);
            }
            if place.slot == Slot::Parameters && self.writes_parameters.is_none() {
                self.writes_parameters = Some(i);
            }
        }
        if labels.is_some() {
            self.labels_end = i + 1;
        }
        if labels.is_some() || read.iter().any(|place| place.slot.is_data()) {
            self.data_end = i + 1;
        }
        if follows_rule && self.follows_rule.is_none() {
            self.follows_rule = Some((i, rule.state()));
        }
        self.work = self.work.max(work);
        Ok(())
    }

    /// The instructions, first to last.
    pub fn instructions(&self) -> &[Instruction<T>] {
        &self.instructions
    }

    /// Whether one of the first `end` instructions changes parameters.
    pub(crate) fn changes_parameters(&self, end: usize) -> bool {
        self.writes_parameters.is_some_and(|first| end > first)
    }

    /// Multiply-adds of the largest product.
    pub fn work(&self) -> usize {
        self.work
    }

    /// Elements that the program needs of a memory; 0 of examples and targets, which have their own shapes.
    pub fn needed(&self, slot: Slot) -> usize {
        self.needed.get(slot as usize).copied().unwrap_or(0)
    }

    /// The calls without their numbers, and what each is a part of.
    pub fn operations(&self, rule: &Rule<f64>) -> impl Iterator<Item = (Region, Operation)> {
        self.instructions.iter().map(|instruction| (instruction.region, instruction.operation(rule)))
    }

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
        if range.start < self.data_end {
            self.check_data(bindings)?;
        }
        if range.start < self.labels_end {
            self.check_labels(bindings.labels)?;
        }
        if let Some((first, expected)) = self.follows_rule
            && range.end > first
            && expected != bindings.rule.state()
        {
            return Err(ProgramError::Rule { expected, found: bindings.rule.state() });
        }
        run_instructions(self, range, executor, bindings)
    }

    fn check_data(&self, bindings: &Bindings<'_, T>) -> Result<(), ProgramError> {
        let data = |slot, expected: Option<(usize, usize)>, found: MatrixRef<'_, T>| match expected {
            Some(expected) if expected != (found.rows(), found.cols()) => {
                Err(ProgramError::Data { slot, expected, found: (found.rows(), found.cols()) })
            }
            _ => Ok(()),
        };
        data(Slot::Inputs, self.inputs, bindings.inputs)?;
        data(Slot::Targets, self.targets, bindings.targets)
    }

    fn check_labels(&self, labels: &[u32]) -> Result<(), ProgramError> {
        let Some((rows, classes)) = self.labels else { return Ok(()) };
        if rows != labels.len() {
            return Err(ProgramError::Data { slot: Slot::Targets, expected: (rows, 1), found: (labels.len(), 1) });
        }
        match labels.iter().position(|label| *label as usize >= classes) {
            None => Ok(()),
            Some(row) => Err(ProgramError::Label { row, label: labels[row], classes }),
        }
    }
}

/// Keeps the sides of data that an instruction sees first; those of later ones must be the same.
fn same(what: &'static str, kept: &mut Option<(usize, usize)>, found: (usize, usize)) -> Result<(), ShapeError> {
    match *kept.get_or_insert(found) {
        expected if expected == found => Ok(()),
        expected => Err(ShapeError::Shape { what, expected, found }),
    }
}

/// Whether two places share an element, or may do so: where the spans between their first and last elements meet.
fn overlaps(a: &Place, b: &Place) -> bool {
    let end = |place: &Place| place.layout.span().and_then(|span| span.checked_add(place.offset)).unwrap_or(usize::MAX);
    a.slot == b.slot && a.offset < end(b) && b.offset < end(a)
}
