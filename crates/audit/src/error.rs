//! Why an audit has no result.

/// Why machine code could not be audited.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// Somewhere else than on Linux on x86-64.
    #[error("the audit of machine code is available on Linux on x86-64 only")]
    Unavailable,
    /// A system call failed.
    #[error(
        "{call} failed: {reason} (the audit single-steps a child process with ptrace; containers and security modules may forbid that)"
    )]
    System {
        /// Which.
        call: &'static str,
        /// What the system says.
        reason: String,
    },
    /// The child process ended or stopped where it should not.
    #[error("the audited process {how}")]
    Child {
        /// How.
        how: String,
    },
    /// An instruction that may be floating-point arithmetic, or may be not.
    #[error("unclassified instruction {name} at {address:#x}")]
    Unclassified {
        /// Its name.
        name: String,
        /// Where it is.
        address: u64,
    },
    /// The program's own file can't be read as one with symbols.
    #[error("the kernels of the running program were not found: {0}")]
    Program(String),
    /// Its count or its network.
    #[error("{0}")]
    Case(String),
}

/// A network, a batch or data that can't be audited.
pub(crate) fn case(error: impl std::error::Error) -> AuditError {
    AuditError::Case(error.to_string())
}
