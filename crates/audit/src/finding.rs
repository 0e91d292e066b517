//! What machine code executed, beside its formula.

use nxm_count::{Kind, Kinds, Ops, Overflow, Tally};
use nxm_kernels::{Element, Level};

use crate::error::AuditError;
use crate::machine::{Lanes, Machine, Width, is_double};
use crate::rewrite::{Rewrite, left_out, rewrites};

/// One audited piece of code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub name: String,
    /// The level it ran on.
    pub level: Level,
    /// Element type, "f32" or "f64".
    pub element: &'static str,
    /// Useful + padding by its formula, inside functions too.
    pub formula: Kinds,
    /// What the compiler leaves out of that, in all.
    pub left_out: Kinds,
    /// Which it is: those of the functions that are evaluated here.
    pub rewrites: Vec<Rewrite>,
    /// What was executed.
    pub machine: Machine,
    /// What was executed in f64 beside a computation in f32: the constants of an optimizer's rule.
    pub constants: Kinds,
}

/// Whether machine code executes its formula.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Lane by lane.
    Exact,
    /// At the scalar level, of which the compiler has put single operations into vectors, with room to spare: so many lanes of those
    /// were idle.
    Idle(u128),
    /// No.
    Differs,
}

impl Finding {
    /// Runs `task` under the audit; `counted` is its formula.
    pub(crate) fn new<T: Element>(
        name: String,
        level: Level,
        counted: Tally,
        task: impl FnMut(),
    ) -> Result<Finding, AuditError> {
        let executed = counted.executed().map_err(overflow)?;
        let rewrites = rewrites(level, level.shape::<T>());
        let rewrites: Vec<Rewrite> =
            rewrites.iter().copied().filter(|rewrite| executed.evaluations(rewrite.function) > 0).collect();
        let machine = crate::trace(task)?;
        let is_single = T::NAME == "f32";
        Ok(Finding {
            name,
            level,
            element: T::NAME,
            formula: everything(&executed)?,
            left_out: left_out(&executed, &rewrites).map_err(overflow)?,
            rewrites,
            constants: machine.kinds(|name| is_single && is_double(name)),
            machine,
        })
    }

    /// What was executed, but for constants.
    pub fn executed(&self) -> Kinds {
        self.machine.kinds(|name| self.element == "f64" || !is_double(name))
    }

    /// Whether that is the formula but for what is left out.
    pub fn verdict(&self) -> Verdict {
        let executed = self.executed();
        let (mut idle, mut may_be_idle) = (0, true);
        for kind in Kind::ALL {
            let expected = self.formula.get(kind) - self.left_out.get(kind);
            if executed.get(kind) == expected {
                continue;
            }
            let in_vectors: u64 =
                Width::ALL[1..].iter().map(|width| self.machine.lanes(Lanes { kind, width: *width })).sum();
            // Of four lanes two or three were used, or it would have stayed a single operation.
            match executed.get(kind).checked_sub(expected) {
                Some(more) if matches!(self.level, Level::Scalar(_)) && 2 * more <= in_vectors.into() => idle += more,
                _ => may_be_idle = false,
            }
        }
        match (idle, may_be_idle) {
            (_, false) => Verdict::Differs,
            (0, true) => Verdict::Exact,
            (idle, true) => Verdict::Idle(idle),
        }
    }
}

/// Its own operations and those inside functions.
fn everything(ops: &Ops) -> Result<Kinds, AuditError> {
    ops.own().plus(ops.inside()).map_err(overflow)
}

pub(crate) fn overflow(error: Overflow) -> AuditError {
    AuditError::Case(error.to_string())
}
