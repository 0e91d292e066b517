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
struct Options {
    functions: Vec<Function>,
    stride: u32,
    f64_points: Option<u64>,
}

impl Options {
    fn parse(arguments: impl Iterator<Item = String>) -> Result<Options, String> {
        let mut options = Options { functions: Vec::new(), stride: 1, f64_points: None };
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            if argument == "--stride" {
                let n = arguments.next().ok_or("--stride needs a number")?;
                options.stride = n.parse().ok().filter(|&n| n > 0).ok_or(format!("--stride: {n:?} is no stride"))?;
            } else if argument == "--f64" {
                let n = arguments.next().ok_or("--f64 needs a number of points")?;
                options.f64_points = Some(n.parse().map_err(|_| format!("--f64: {n:?} is no number of points"))?);
            } else {
                let found = functions().find(|function| function.name() == argument);
                let names: Vec<_> = functions().map(Function::name).collect();
                options
                    .functions
                    .push(found.ok_or(format!("no function is called {argument:?}; there are {}", names.join(", ")))?);
            }
        }
        if options.functions.is_empty() {
            options.functions = functions().collect();
        }
        Ok(options)
    }
}

fn main() -> ExitCode {
    let mut options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("{error}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match options.f64_points {
        Some(points) => {
            // The derivatives are the same body; their reference is f64's.
            options.functions.retain(|&function| matches!(function.accuracy(), Accuracy::Ulp(_)));
            sampled::table(&options.functions, points);
        }
        None => exhaustive::table(&options.functions, options.stride),
    }
    ExitCode::SUCCESS
}
