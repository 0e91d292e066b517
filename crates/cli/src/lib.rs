//! The `nxm` program: what does my network cost, how long will it take here, train it.
//!
//! A library that `main.rs` calls: a library is compiled beside the kernels, a program only after them.
#![forbid(unsafe_code)]
// What is computed with comes from files and flags: an overflow is an error or a bound, in release builds, too.
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

mod args;
mod audit;
mod count;
mod data;
mod demo;
mod digits;
mod evaluate;
mod explain;
mod failure;
mod format;
mod model;
mod optimizer;
mod predict;
mod search;
mod show;
mod table;
mod threads;
mod train;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use nxm_kernels::{Cpu, LEVEL_VARIABLE};

use args::{Cli, Command};
use failure::Failure;

/// Does what the command line asks for; returns what the process exits with.
pub fn main() -> ExitCode {
    let done = match Cli::try_parse() {
        Ok(cli) => run(&cli),
        Err(error) if is_printable() => error.exit(),
        // It repeats an argument, which a terminal would obey.
        Err(error) => Err(Failure::arguments(&error)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// Whether all arguments are: a pattern of a shell may name files as anybody called them.
fn is_printable() -> bool {
    std::env::args_os().all(|argument| {
        let text = argument.to_string_lossy();
        nxm_net::printable(&text) == text
    })
}

fn run(cli: &Cli) -> Result<(), Failure> {
    if cli.command.as_ref().is_some_and(Command::says_json) {
        failure::say_json();
    }
    // Before anything else asks the pool how many threads it has.
    threads::build_pool(cli.command.as_ref().and_then(Command::threads))?;
    // A level that this machine lacks is an error of every command, before anything is written.
    let cpu = Cpu::detect().map_err(|error| Failure::Usage(format!("{LEVEL_VARIABLE}: {error}")))?;
    let mut out = io::stdout().lock();
    match &cli.command {
        None => demo::run(cpu, &mut out)?,
        Some(Command::Count(args)) => count::run(args, cpu, &mut out)?,
        Some(Command::Explain(args)) => explain::run(args, &cpu, &mut out)?,
        Some(Command::Audit(args)) => audit::run(args, &mut out)?,
        Some(Command::Train(args)) => train::run(args, cpu, &mut out)?,
        Some(Command::Search(args)) => search::run(args, cpu, &mut out)?,
        Some(Command::Predict(args)) => predict::run(args, cpu, &mut out)?,
        Some(Command::Evaluate(args)) => evaluate::run(args, cpu, &mut out)?,
        Some(Command::Show(args)) => show::run(args, &cpu, &mut out)?,
    }
    Ok(out.flush()?)
}

/// The examples in the pages of this repository: `cargo test` compiles and runs them. This crate depends on all that they use.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../../README.md")]
    struct Readme;
    #[doc = include_str!("../../../docs/adding-a-kernel.md")]
    struct AddingAKernel;
    #[doc = include_str!("../../../docs/architecture.md")]
    struct Architecture;
    #[doc = include_str!("../../../docs/benchmarks.md")]
    struct Benchmarks;
    #[doc = include_str!("../../../docs/counting.md")]
    struct Counting;
    #[doc = include_str!("../../../docs/data.md")]
    struct Data;
    #[doc = include_str!("../../../docs/numerics.md")]
    struct Numerics;
    #[doc = include_str!("../../../docs/safety.md")]
    struct Safety;
    #[doc = include_str!("../../../docs/training.md")]
    struct Training;
}
