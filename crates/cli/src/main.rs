//! The `nxm` program.
fn main() {}
