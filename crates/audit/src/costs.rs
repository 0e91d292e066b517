//! The audit of a user's own code, in their own test.

use std::fmt;

use nxm_count::{Kind, Kinds, Tally};

use crate::error::AuditError;
use crate::finding::{everything, overflow};

/// What a piece of code must execute: [`Kinds`], or a [`Tally`] that the formulas of `nxm-count` give.
pub trait Formula {
    /// Lanes of each kind, padding and what is inside functions included: what the machine executes.
    ///
    /// # Errors
    /// [`AuditError::Case`] if a count exceeds 128 bits.
    fn lanes(&self) -> Result<Kinds, AuditError>;
}

impl Formula for Kinds {
    fn lanes(&self) -> Result<Kinds, AuditError> {
        Ok(*self)
    }
}

impl Formula for Tally {
    fn lanes(&self) -> Result<Kinds, AuditError> {
        everything(&self.executed().map_err(overflow)?)
    }
}

/// A kind of operation of which machine code executes more or less than its formula says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneDifference {
    /// The kind.
    pub kind: Kind,
    /// Lanes that were executed.
    pub executed: u128,
    /// Lanes by the formula.
    pub formula: u128,
    /// The instructions of this kind that were executed, and the lanes of each.
    pub instructions: Vec<(String, u64)>,
}

impl fmt::Display for LaneDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LaneDifference { kind, executed, formula, .. } = self;
        let (by, which) = match executed > formula {
            true => (executed - formula, "more"),
            false => (formula - executed, "fewer"),
        };
        write!(f, "{kind}: {executed} executed, {formula} by formula, {by} {which}")?;
        let instructions: Vec<String> = self.instructions.iter().map(|(name, n)| format!("{n} in {name}")).collect();
        if instructions.is_empty() { Ok(()) } else { write!(f, " ({})", instructions.join(", ")) }
    }
}

/// Single-steps the second run of `task`, and returns each kind of operation of which it executes more or less than `formula`; nothing if
/// they are equal.
///
/// `task` runs twice in a fork of this process that has the calling thread alone. It must not need another thread, nor a lock that one may hold.
/// Lanes of both precisions count.
///
/// # Errors
/// [`AuditError::Unavailable`] on other systems than Linux on x86-64, [`AuditError::System`] if the system forbids ptrace,
/// [`AuditError::Unclassified`] if `task` executes an instruction that is not known, and [`AuditError::Child`] if it panics or does not end.
pub fn compare_costs(formula: impl Formula, task: impl FnMut()) -> Result<Vec<LaneDifference>, AuditError> {
    let formula = formula.lanes()?;
    // SAFETY: `task` is safe code, for which threads that never go on are nothing new: what they hold or change stays behind their locks. If it
    // waits for one, it is ended. What it calls in the system's library may allocate, and glibc's allocator unlocks itself in a fork.
    let machine = unsafe { crate::trace(task) }?;
    let executed = machine.kinds(|_| true);
    let differ = Kind::ALL.into_iter().filter(|kind| executed.get(*kind) != formula.get(*kind));
    Ok(differ
        .map(|kind| {
            let named = machine.by_name().filter(|(lanes, ..)| lanes.kind == kind);
            let instructions = named.map(|(_, name, n)| (name.to_owned(), n)).collect();
            LaneDifference { kind, executed: executed.get(kind), formula: formula.get(kind), instructions }
        })
        .collect())
}

/// Asserts that the machine code of `task`, as this build has compiled it, executes exactly `formula`, kind by kind.
///
/// A debug build compiles other machine code than a release build. A formula of a step does not have the constants of the optimizer's rule
/// ([`nxm_count::rule_constants`]). At level `wide` compilers leave some operations out ([`Rewrite`](crate::Rewrite)). `task` must run on the
/// calling thread alone: see [`compare_costs`].
///
/// ```
/// # #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
/// # {
/// use std::hint::black_box;
///
/// use nxm_audit::assert_costs;
/// use nxm_count::{Kind, Kinds};
///
/// let (x, mut y) = (black_box(1.5f32), 0.0);
/// // y = x·x + 1: one multiplication, one addition.
/// let formula = Kinds::new([(Kind::Mul, 1), (Kind::Add, 1)])?;
/// assert_costs(formula, || y = black_box(black_box(x * x) + 1.0));
/// # }
/// # Ok::<(), nxm_count::Overflow>(())
/// ```
///
/// # Panics
/// If a kind differs: the message names it, both numbers and the instructions. If the code can't be audited: the message is that of the
/// [`AuditError`].
#[track_caller]
pub fn assert_costs(formula: impl Formula, task: impl FnMut()) {
    match compare_costs(formula, task) {
        Ok(differences) if differences.is_empty() => {}
        Ok(differences) => {
            let lines: Vec<String> = differences.iter().map(LaneDifference::to_string).collect();
            panic!("machine code differs from its formula\n  {}", lines.join("\n  "));
        }
        Err(error) => panic!("could not audit the machine code: {error}"),
    }
}
