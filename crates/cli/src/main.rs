//! The `nxm` program: see `lib.rs`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    nxm_cli::main()
}
