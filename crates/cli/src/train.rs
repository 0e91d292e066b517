//! `nxm train`: a network learns from a file, and never loses what it has learned.

mod cost;
mod foresee;
mod interrupt;
mod job;
mod learn;
mod place;
mod progress;
mod watch;

use std::io::Write;

use nxm_kernels::{Cpu, Executor};

use crate::args::TrainArgs;
use crate::failure::Failure;
use crate::format::plural;
use cost::Costs;
use foresee::TrialForecast;
use job::TrainJob;

/// Trains, and says before what it will take and afterwards what came of it.
pub fn run(args: &TrainArgs, cpu: Cpu, out: &mut impl Write) -> Result<(), Failure> {
    let cpu = args.machine.of(cpu);
    let mut job = match &args.resume {
        None => TrainJob::new(args)?,
        Some(path) => TrainJob::resumed(args, path)?,
    };
    let interrupt = interrupt::watch()?;
    // What can't be trained or kept says so here, before anything is printed.
    let costs = Costs::new(&job, &cpu)?;
    let write = job.first_write(&cpu)?;
    let forecast = TrialForecast::new(&job, &cpu, write)?;
    write!(out, "{job}")?;
    writeln!(out, "On {}, {}.", cpu.level(), plural(cpu.threads() as u64, "thread"))?;
    writeln!(out, "{costs}")?;
    if let Some(forecast) = forecast {
        writeln!(out, "{forecast}")?;
    }
    out.flush()?;
    learn::run(&mut job, &cpu, &interrupt, out)
}
