//! What machine code executed, beside its formula.

use nxm_count::{Kind, Kinds, Ops, Overflow, Tally};
use nxm_kernels::{Element, Level};

use crate::error::AuditError;
use crate::machine::{Machine, is_double};
use crate::rewrite::{Rewrite, left_out, pinned};

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
    /// Which it is: of the rewrites that this build makes, those of functions that are evaluated here.
    pub rewrites: Vec<Rewrite>,
    /// What is computed in f64 beside the kernels, by its formula: of a step the constants of the optimizer's rule
    /// ([`nxm_count::rule_constants`]), of a training or an evaluation the rest too ([`nxm_count::step_beside_kernels`]).
    pub constants: Kinds,
    /// What was executed.
    pub machine: Machine,
}

impl Finding {
    /// Runs `task` under the audit; `counted` is its formula, to which `constants` come.
    pub(crate) fn new<T: Element>(
        name: String,
        level: Level,
        (counted, constants): (Tally, Kinds),
        task: impl FnMut(),
    ) -> Result<Finding, AuditError> {
        let executed = counted.executed().map_err(overflow)?;
        let mut rewrites = pinned::<T>(level)?;
        rewrites.retain(|rewrite| executed.evaluations(rewrite.function) > 0);
        Ok(Finding {
            name,
            level,
            element: T::NAME,
            formula: everything(&executed)?,
            left_out: left_out(&executed, &rewrites).map_err(overflow)?,
            rewrites,
            constants,
            // SAFETY: this crate's tasks are kernels, steps and predictions. On one thread, or in a pool of one, they need no other.
            machine: unsafe { crate::trace(task) }?,
        })
    }

    /// What was executed in the elements' own type; in f64, that is the constants too.
    pub fn executed(&self) -> Kinds {
        self.machine.kinds(|name| self.element == "f64" || !is_double(name))
    }

    /// What was executed in f64 beside a computation in f32.
    fn beside(&self) -> Kinds {
        self.machine.kinds(|name| self.element != "f64" && is_double(name))
    }

    /// Where machine code is not its formula but for what is left out, each kind with both numbers; empty if it is, lane by lane.
    ///
    /// The constants of an f32 step are compared on their own, for their instructions are those of f64.
    pub fn differences(&self) -> Vec<String> {
        let (executed, beside) = (self.executed(), self.beside());
        let is_double = self.element == "f64";
        let mut differences = Vec::new();
        for kind in Kind::ALL {
            let constants = self.constants.get(kind);
            let formula =
                (self.formula.get(kind) + if is_double { constants } else { 0 }).checked_sub(self.left_out.get(kind));
            if Some(executed.get(kind)) != formula {
                let formula = formula.map_or("fewer than none".to_owned(), |formula| formula.to_string());
                differences.push(format!("{} {kind} executed, {formula} by formula", executed.get(kind)));
            }
            if !is_double && beside.get(kind) != constants {
                differences.push(format!("{} {kind} executed in f64, {constants} by formula", beside.get(kind)));
            }
        }
        differences
    }

    /// Whether there are none.
    pub fn agrees(&self) -> bool {
        self.differences().is_empty()
    }
}

/// Its own operations and those inside functions.
pub(crate) fn everything(ops: &Ops) -> Result<Kinds, AuditError> {
    ops.own().plus(ops.inside()).map_err(overflow)
}

pub(crate) fn overflow(error: Overflow) -> AuditError {
    AuditError::Case(error.to_string())
}
