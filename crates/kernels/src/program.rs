//! Programs: lists of calls on places in memory, checked once and run again and again.
//!
//! A [`Program`] knows of each call what it does ([`Op`](crate::call::Op)), for which part of a larger computation
//! ([`Region`](crate::Region)), and where its operands stand ([`Place`]). That they fit together, lie inside their memory and do not overlap
//! is checked when the program is made. To run it, memory is bound to it ([`Bindings`]), whose lengths are compared once; then nothing is
//! checked again.
//!
//! What reads a program instead of running it (a counter's formulas, a forecast) asks for its [operations](Program::operations).

mod bindings;
mod checked;
mod error;
mod place;
mod run;
mod views;

pub use bindings::{Bindings, ParameterMemory};
pub use checked::Program;
pub use error::ProgramError;
pub use place::{Instruction, Place, Places, Slot};
pub use views::Instructions;
