//! The checks of a program: when it is made, and before it runs.

use std::convert::Infallible;
use std::ops::Range;

use super::bindings::Bindings;
use super::error::ProgramError;
use super::place::{Instruction, Place, Places, ShapesOf, Slot, WRITABLE};
use crate::call::{Op, Operation, RightLayout, Shapes, Translate};
use crate::element::Element;
use crate::executor::Region;
use crate::layout::{Layout, ShapeError};
use crate::matrix::MatrixRef;
use crate::update::{Decay, Rule};

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
    /// The first instruction that fuses a rule with a product.
    fuses_rule: Option<usize>,
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
            fuses_rule: None,
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
        if matches!(op, Op::DenseUpdate { .. }) && self.fuses_rule.is_none() {
            self.fuses_rule = Some(i);
        }
        self.work = self.work.max(work);
        Ok(())
    }

    /// The instructions, first to last.
    pub fn instructions(&self) -> &[Instruction<T>] {
        &self.instructions
    }

    /// Whether one of the first `end` instructions changes parameters.
    pub(super) fn changes_parameters(&self, end: usize) -> bool {
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

    /// Checks what the instructions in `range` need of `bindings` besides the memories' lengths: the shapes of data, labels, the rule.
    pub(super) fn check_bindings(&self, range: &Range<usize>, bindings: &Bindings<'_, T>) -> Result<(), ProgramError> {
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
        if let Some(first) = self.fuses_rule
            && range.end > first
            && !bindings.rule.is_fused()
        {
            return Err(ProgramError::NotFused { instruction: first });
        }
        Ok(())
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
    fn number(&mut self, _: &T) -> f64 {
        0.0
    }
    fn rule(&mut self, _: &()) -> Rule<f64> {
        self.follows_rule = true;
        NO_RULE
    }
}

/// Stands for any rule where only places are looked at, as 0 does for any number.
const NO_RULE: Rule<f64> = Rule::Sgd { learning_rate: 0.0, decay: Decay::None };
