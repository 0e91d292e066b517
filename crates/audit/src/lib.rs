//! The last of three numbers: what the compiled machine code executes.
mod classify;
mod error;
mod machine;
mod rewrite;
mod trace;
pub use error::AuditError;
pub use machine::{Lanes, Machine, Width};
pub use rewrite::{Rewrite, rewrites, expected};
pub use trace::trace;
