//! How exact and how fast the vector functions are.
//!
//! `cargo run --release -p nxm-benches --bin accuracy [FUNCTION…] [--stride N]` tests every f32 there is (with a stride,
//! every Nth) against a reference in f64, on two threads, and prints one table: about ten minutes for all.
//! With `--f64 POINTS` it tests that many f64 against a reference in double-double instead.

#![forbid(unsafe_code)]

mod double_double;
mod exhaustive;
mod reference_f64;
mod sampled;
mod timing;
mod ulp;

use std::process::ExitCode;

use nxm_kernels::{Accuracy, Function};

const USAGE: &str = "usage: accuracy [FUNCTION…] [--stride N | --f64 POINTS]";

/// What is tested: all functions that round.
fn functions() -> impl Iterator<Item = Function> {
    Function::ALL.into_iter().filter(|function| function.accuracy() != Accuracy::Exact)
}

/// What the command line asks for.
struct Arguments {
    functions: Vec<Function>,
    stride: u32,
    f64_points: Option<u64>,
}

impl Arguments {
    fn parse(words: impl Iterator<Item = String>) -> Result<Arguments, String> {
        let mut arguments = Arguments { functions: Vec::new(), stride: 1, f64_points: None };
        let mut words = words;
        while let Some(argument) = words.next() {
            if argument == "--stride" {
                let n = words.next().ok_or("--stride needs a number")?;
                arguments.stride = n.parse().ok().filter(|&n| n > 0).ok_or(format!("--stride: {n:?} is no stride"))?;
            } else if argument == "--f64" {
                let n = words.next().ok_or("--f64 needs a number of points")?;
                arguments.f64_points = Some(n.parse().map_err(|_| format!("--f64: {n:?} is no number of points"))?);
            } else {
                let found = functions().find(|function| function.name() == argument);
                let names: Vec<_> = functions().map(Function::name).collect();
                arguments
                    .functions
                    .push(found.ok_or(format!("no function is called {argument:?}; there are {}", names.join(", ")))?);
            }
        }
        if arguments.functions.is_empty() {
            arguments.functions = functions().collect();
        }
        Ok(arguments)
    }
}

fn main() -> ExitCode {
    let mut arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("{error}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match arguments.f64_points {
        Some(points) => {
            // The derivatives are the same body; their reference is f64's.
            arguments.functions.retain(|&function| matches!(function.accuracy(), Accuracy::Ulp(_)));
            sampled::table(&arguments.functions, points);
        }
        None => exhaustive::table(&arguments.functions, arguments.stride),
    }
    ExitCode::SUCCESS
}
