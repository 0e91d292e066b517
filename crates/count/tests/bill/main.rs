//! The bill beside the operations: memory against what is allocated, bytes by hand, and rules of thumb against exact counts.

mod memory;
mod symbolic;
mod thumb;
mod traffic;
