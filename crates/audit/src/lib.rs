//! The last of three numbers: what the compiled machine code of kernels and training steps executes.
//!
//! Formulas say what a kernel costs; `nxm-count` proves that they are what its source executes, counted operation by operation. This
//! crate goes one further: it runs the kernel in a child process, one instruction at a time, decodes each, and counts floating-point
//! operations lane by lane. The total equals useful + padding of the formula, kind by kind: no operation more, for none of the lanes of a
//! vector goes uncounted, and none less, but for those that [`Rewrite`] names.
//!
//! - An instruction counts its lanes, and a masked one those that its mask register picks, when it is executed. A fused multiply-add is
//!   one fma per lane. Moves, permutations, bit operations and integers are nothing. An instruction that is neither known as an
//!   operation nor as nothing is an error.
//! - The constants of an optimizer's rule, computed in f64 once a step, have a formula of their own ([`nxm_count::rule_constants`]). So has what
//!   a training or an evaluation computes beside its kernels ([`nxm_count::step_beside_kernels`]). In f32 the audit tells both apart by
//!   their instructions.
//! - [`coverage()`] says which floating-point instructions of the running program's kernels were stepped, and which were not.
//! - [`assert_costs`] audits a reader's own code, as their own test has compiled it (`examples/own_program.rs`).
//!
//! Element types are arguments and no type parameters, so that all that is audited is compiled once, here.
//!
//! Linux on x86-64 only; elsewhere every audit is [`AuditError::Unavailable`]. It has no part in what is shipped: unsafe code and the
//! decoder stay in this crate.

mod beside;
mod cases;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod classify;
mod costs;
mod coverage;
mod error;
mod finding;
mod machine;
mod rewrite;
mod steps;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod trace;

pub use beside::{audit_evaluation, audit_new_step, audit_training_step};
pub use cases::{Extent, audit_kernels};
pub use costs::{Formula, LaneDifference, assert_costs, compare_costs};
pub use coverage::{Excuse, Gap, LevelCoverage, Unstepped, coverage};
pub use error::AuditError;
pub use finding::Finding;
pub use machine::{Lanes, Machine, Width};
pub use rewrite::Rewrite;
pub use steps::{audit_prediction, audit_step};
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub use trace::{LIMIT, trace, trace_first};

/// What `task` executes when it runs for the first time: not available here.
///
/// # Errors
/// [`AuditError::Unavailable`], always.
///
/// # Safety
/// Nothing is run.
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
pub unsafe fn trace_first(_: impl FnMut()) -> Result<Machine, AuditError> {
    Err(AuditError::Unavailable)
}

/// What `task` executes when it runs for the second time: not available here.
///
/// # Errors
/// [`AuditError::Unavailable`], always.
///
/// # Safety
/// Nothing is run.
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
pub unsafe fn trace(_: impl FnMut()) -> Result<Machine, AuditError> {
    Err(AuditError::Unavailable)
}
