//! Section 3: the training itself.

use std::io::{IsTerminal, Write, stdout};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use nxm_count::Forecast;
use nxm_net::{EpochReport, Training};

use super::Broken;
use super::job::DemoJob;
use crate::failure::Failure;
use crate::format::{count, percent, seconds};

/// The share of held-out digits that must be told right.
const PROMISED: f64 = 0.97;

/// Trains, and writes how well and how long.
pub fn write(job: &DemoJob, forecast: &Forecast, out: &mut impl Write) -> Result<Broken, Failure> {
    let mut network = job.network.clone();
    let mut training = Training::new(&mut network, &job.cpu, &job.seen, job.options.clone()).map_err(Failure::usage)?;
    let bar = progress_bar(training.steps_per_epoch().saturating_mul(job.options.epochs) as u64);
    let mut epochs: Vec<EpochReport> = Vec::new();
    let start = Instant::now();
    while let Some(step) = training.step() {
        step.map_err(Failure::usage)?;
        bar.inc(1);
        if training.last_epoch() != epochs.last().copied() {
            epochs.extend(training.last_epoch());
        }
    }
    let taken = start.elapsed().as_secs_f64();
    bar.finish_and_clear();

    let evaluation = network.evaluate(&job.cpu, &job.held_out, &job.options.loss).map_err(Failure::usage)?;
    let accuracy = evaluation.accuracy.expect("digits are classes");
    if let [first, .., last] = epochs[..] {
        writeln!(out, "Mean loss: {:.3} in epoch 1, {:.5} in epoch {}.", first.loss, last.loss, last.epoch)?;
    }
    let [share, missed_by] = [percent(accuracy), difference(forecast.seconds / taken)];
    let [taken, foreseen] = [taken, forecast.seconds].map(seconds);
    writeln!(
        out,
        "Of the {} digits held out, which it has never seen, it tells {share} right.\n\
         The training took {taken}; the forecast was {foreseen}, {missed_by}.",
        count(job.held_out.len() as u64)
    )?;
    if accuracy >= PROMISED {
        return Ok(None);
    }
    let missed = format!("{share} of the held-out digits is less than {}", percent(PROMISED));
    writeln!(out, "{missed}.")?;
    Ok(Some(missed))
}

/// How far a ratio is from 1: "12 % less".
fn difference(ratio: f64) -> String {
    let percent = 100.0 * (ratio - 1.0);
    match percent.abs() {
        small if small < 1.0 => "within 1 %".to_owned(),
        large => format!("{large:.0} % {}", if percent < 0.0 { "less" } else { "more" }),
    }
}

/// A bar on the terminal; none where the output goes elsewhere.
fn progress_bar(steps: u64) -> ProgressBar {
    let target = if stdout().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let style = ProgressStyle::with_template("{bar:40} {pos} of {len} steps, {eta} left").expect("a valid template");
    ProgressBar::with_draw_target(Some(steps), target).with_style(style)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nxm_kernels::Cpu;
    use nxm_net::Optimizer;

    const FORECAST: Forecast =
        Forecast { seconds: 1.0, seconds_per_step: 1e-3, flops_per_second: 1e9, measured_steps: 1 };

    #[test]
    fn it_learns_what_is_promised() {
        let mut out = Vec::new();
        let job = DemoJob::new(Cpu::detect().unwrap()).unwrap();
        assert_eq!(write(&job, &FORECAST, &mut out).unwrap(), None);
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("360 digits held out") && text.contains("the forecast was 1.00 s"), "{text}");
    }

    #[test]
    fn too_little_learning_breaks_the_promise() {
        let mut job = DemoJob::new(Cpu::detect().unwrap()).unwrap();
        job.options.optimizer = Optimizer::sgd(1e-6);
        job.options.epochs = 1;
        let broken = write(&job, &FORECAST, &mut Vec::new()).unwrap().expect("a broken promise");
        assert!(broken.contains("is less than 97.00 %"), "{broken}");
    }

    #[test]
    fn differences_are_said_in_words() {
        for (ratio, words) in [(1.0, "within 1 %"), (0.991, "within 1 %"), (0.88, "12 % less"), (1.5, "50 % more")] {
            assert_eq!(difference(ratio), words);
        }
    }
}
