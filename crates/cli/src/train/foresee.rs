//! How long the training will take: its own first steps, timed on a copy.

use std::io::Write;
use std::time::{Duration, Instant};

use nxm_kernels::Cpu;

use super::job::Job;
use crate::failure::Failure;
use crate::format::{plural, seconds};
use crate::model::Score;

/// How long is measured at most, but for the first two steps.
const BUDGET: Duration = Duration::from_millis(200);
/// No more than this part of the training is run for its forecast.
const PART: usize = 10;

/// Measures and writes what will come; nothing about a training that fails in its first steps, which will say so itself.
pub fn write(job: &Job, cpu: &Cpu, out: &mut impl Write) -> Result<(), Failure> {
    let mut copy = job.checkpoint.clone();
    let mut training = copy.resume(cpu, &job.seen).map_err(Failure::usage)?;
    let left = training.steps_per_epoch().saturating_mul(job.checkpoint.options.epochs) - training.steps();
    // The first step warms up caches and threads.
    if !matches!(training.step(), Some(Ok(_))) {
        return Ok(());
    }
    let (start, mut measured) = (Instant::now(), 0);
    while measured == 0 || measured < left / PART && start.elapsed() < BUDGET {
        match training.step() {
            Some(Ok(_)) => measured += 1,
            Some(Err(_)) => return Ok(()),
            None => break,
        }
    }
    if measured == 0 {
        return Ok(()); // It was the last one.
    }
    let step = start.elapsed().as_secs_f64() / measured as f64;
    let epochs = left.div_ceil(training.steps_per_epoch());
    let start = Instant::now();
    if let Some(held_out) = &job.held_out {
        Score::new(training.network(), cpu, held_out, &job.checkpoint.options.loss)?;
    }
    let judging = start.elapsed().as_secs_f64() * epochs as f64;
    writeln!(
        out,
        "Forecast: {} of {} each: {}.",
        plural(left as u64, "step"),
        seconds(step),
        seconds(step * left as f64 + judging)
    )?;
    Ok(())
}
