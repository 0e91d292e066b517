//! `nxm train`: a network learns from a file, and never loses what it has learned.

mod cost;
mod events;
mod folds;
mod foresee;
mod interrupt;
mod job;
mod learn;
mod listener;
mod logs;
mod outcome;
mod place;
mod progress;
mod watch;

pub use interrupt::{Interrupt, watch};
pub use job::{TrainJob, quoted};
pub use listener::Listener;
pub use outcome::HeldOut;
pub use watch::{WATCH, Watch};

use std::io::Write;

use nxm_kernels::{Cpu, Executor};

use crate::args::TrainArgs;
use crate::failure::Failure;
use crate::format::plural;
use cost::Costs;
use events::Talk;
use foresee::TrialForecast;
use logs::Logs;

/// Trains, and says before what it will take and afterwards what came of it.
pub fn run(args: &TrainArgs, cpu: Cpu, out: &mut impl Write) -> Result<(), Failure> {
    let cpu = args.machine.of(cpu);
    if let Some(folds) = args.folds {
        return folds::run(args, folds, cpu, out);
    }
    logs::check(args)?;
    let mut job = match (&args.resume, &args.fine_tune) {
        (None, None) => TrainJob::new(args)?,
        (Some(path), _) => TrainJob::resumed(args, path, &cpu)?,
        (None, Some(path)) => TrainJob::tuned(args, path, &cpu)?,
    };
    let mut logs = Logs::open(args, &job)?;
    let interrupt = watch()?;
    let quiet = args.quiet;
    if job.place.is_none() {
        return train(&mut job, &cpu, &interrupt, &mut logs, &mut Talk { result: out, quiet });
    }
    // Its other effect, the checkpoint, is wanted even if nobody reads what it says.
    let mut listener = Listener::new(out);
    train(&mut job, &cpu, &interrupt, &mut logs, &mut Talk { result: &mut listener, quiet })?;
    Ok(listener.end()?)
}

fn train(
    job: &mut TrainJob,
    cpu: &Cpu,
    interrupt: &Interrupt,
    logs: &mut Logs,
    out: &mut Talk<impl Write>,
) -> Result<(), Failure> {
    // What can't be trained or kept says so here, before anything is printed.
    let costs = Costs::new(job, cpu)?;
    let write = job.first_write(cpu)?;
    let forecast = TrialForecast::new(job, cpu, write)?;
    write!(out, "{}{job}", job.description)?;
    writeln!(out, "On {}, {}.", cpu.level(), plural(cpu.threads() as u64, "thread"))?;
    writeln!(out, "{costs}")?;
    if let Some(forecast) = forecast {
        writeln!(out, "{forecast}")?;
    }
    out.flush()?;
    logs.voice.start(job, None, cpu, &costs, forecast);
    logs.forecast = forecast.map(|forecast| forecast.seconds());
    learn::run(job, cpu, interrupt, logs, out)
}
