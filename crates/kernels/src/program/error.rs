//! Why a program can't be made or run.

use std::fmt;

use super::place::Slot;
use crate::layout::ShapeError;

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
    /// The program fuses the rule with a product, and the rule of this step needs a gradient in memory.
    NotFused {
        /// Which instruction, from 0.
        instruction: usize,
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
            ProgramError::NotFused { instruction } => write!(
                f,
                "instruction {instruction}: it fuses the rule with a product, and this step's rule needs a gradient in memory"
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
