//! What the tests share: the program, run.
#![allow(dead_code, reason = "each test file uses its own part of it")]

use std::process::{Command, Output};

/// The program, without a pinned level.
pub fn nxm() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nxm"));
    command.env_remove("NXM_LEVEL");
    command
}

/// Its output when called with `args`.
pub fn run(args: &[&str]) -> Output {
    nxm().args(args).output().expect("the program starts")
}

/// What it prints when called with `args`, which must succeed.
pub fn printed(args: &[&str]) -> String {
    let output = run(args);
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8(bytes.clone()).expect("UTF-8"));
    assert_eq!((output.status.code(), err.as_str()), (Some(0), ""), "{args:?}");
    out
}
