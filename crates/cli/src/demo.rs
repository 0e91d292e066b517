//! The main job: a question answered, a training foreseen, run and proven, and its kernels measured.

mod foresee;
mod job;
mod learn;
mod prove;
mod question;
mod speed;

use std::io::{self, Write};

use nxm_kernels::{Cpu, Executor};

use crate::failure::Failure;
use crate::format::plural;
use job::DemoJob;

/// A promise that a section found not kept, in words.
type Broken = Option<String>;

/// Runs all five sections on `cpu`. Promises that are not kept are said where that is found, and once more at the end.
pub fn run(cpu: Cpu, out: &mut impl Write) -> Result<(), Failure> {
    let job = DemoJob::new(cpu)?;
    let threads = plural(cpu.threads() as u64, "thread");
    let version = env!("CARGO_PKG_VERSION");
    writeln!(
        out,
        "N×M {version}: what a network costs, how long it takes here, and proof. On {}, {threads}.",
        cpu.level()
    )?;
    title(1, "What does a network cost?", out)?;
    question::write(out)?;
    title(2, "How long will training take here?", out)?;
    let forecast = foresee::write(&job, out)?;
    title(3, "Training on handwritten digits", out)?;
    let learned = learn::write(&job, &forecast, out)?;
    title(4, "Is the count true?", out)?;
    let proven = prove::write(&job, out)?;
    title(5, "How fast are the kernels?", out)?;
    speed::write(job.largest_layer(), out)?;
    match learned.into_iter().chain(proven).reduce(|all, next| format!("{all}; {next}")) {
        None => Ok(()),
        Some(broken) => Err(Failure::BrokenPromise(broken)),
    }
}

fn title(number: u32, text: &str, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "\n{number}. {text}")
}
