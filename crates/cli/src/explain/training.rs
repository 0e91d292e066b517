//! The training: how many steps, how many multiplications, and how long they take here.

use std::time::Duration;

use nxm_count::{Formulas, NetworkSpec, RunError, TrainingLength, forecast};
use nxm_kernels::{Cpu, Executor};

use super::page::Page;
use crate::failure::Failure;
use crate::format::{count, plural, seconds, significant};

/// How long is measured.
const BUDGET: Duration = Duration::from_millis(500);

/// Writes the last section.
pub fn explain(network: &NetworkSpec, length: TrainingLength, cpu: &Cpu, page: &mut Page) -> Result<(), Failure> {
    let TrainingLength { examples, epochs, batch, .. } = length;
    let textbook = Formulas::textbook::<f32>();
    let training = textbook.training(network, length).map_err(Failure::usage)?.useful;
    page.heading("The training: again and again");
    page.paragraph(&[
        format!(
            "Training sees {} in {}, {} at a time.",
            plural(examples, "example"),
            plural(epochs, "epoch"),
            count(batch.min(examples))
        ),
        format!(
            "That makes {}, and the network learns {} times from an example.",
            plural(length.steps(), "step"),
            count(u128::from(examples).saturating_mul(u128::from(epochs)))
        ),
        format!(
            "All of it takes {} and {}.",
            plural(training.multiplications(), "multiplication"),
            plural(training.additions(), "addition")
        ),
    ]);
    page.heading("The time on this machine");
    match forecast::<f32>(network, length, cpu, BUDGET) {
        Ok(forecast) => page.paragraph(&[
            format!(
                "One step takes {} here ({}, {}): the median of {} measured steps on random data.",
                seconds(forecast.seconds_per_step),
                cpu.level(),
                plural(cpu.threads() as u64, "thread"),
                count(forecast.measured_steps)
            ),
            format!("That is {} billion operations a second.", significant(forecast.flops_per_second / 1e9)),
            format!("At this rate the training takes {}.", seconds(forecast.seconds)),
        ]),
        // The counts stand whether or not this machine can run a step.
        Err(error @ (RunError::TooLarge { .. } | RunError::TooSlow { .. })) => {
            page.paragraph(&[format!("No step was measured here: {error}.")]);
        }
        Err(error) => return Err(Failure::usage(error)),
    }
    Ok(())
}
