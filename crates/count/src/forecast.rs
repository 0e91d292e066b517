//! Foresight: how long a training run will take here, from its count and a short measurement.

use std::time::{Duration, Instant};

use nxm_kernels::{Element, Executor};
use nxm_net::NetworkSpec;
use serde::Serialize;

use crate::formula::{Formulas, TrainingLength};
use crate::ops::Ops;
use crate::rehearsal::{Rehearsal, RunError};

/// How long a training run will take, and what that is built on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Forecast {
    /// Seconds of the whole training.
    pub seconds: f64,
    /// Seconds of a step on a whole batch: the median of the measurement.
    pub seconds_per_step: f64,
    /// Useful flops, inside functions too, of a second of that step.
    pub flops_per_second: f64,
    /// Steps that were measured.
    pub measured_steps: u64,
}

/// Forecasts the training of `network` for `length` on `executor`, in elements of `T`.
///
/// The training's own step is run on random data of the same shape for about `budget`, and timed. Its count gives
/// operations per second, and the training's count, short last batches and all, seconds. Loading, shuffling and
/// evaluation are not part of it.
///
/// # Errors
/// [`RunError`] if a number is 0, if the step needs more than 2 GiB, or if a single step takes longer than `budget`.
pub fn forecast<T: Element>(
    network: &NetworkSpec,
    length: TrainingLength,
    executor: &dyn Executor,
    budget: Duration,
) -> Result<Forecast, RunError> {
    let textbook = Formulas::textbook::<T>();
    let training = textbook.training(network, length)?;
    let rows = length.batch.min(length.examples);
    let step = textbook.step(network, rows)?;
    let mut rehearsal = Rehearsal::<T>::new(network, rows)?;
    warm_up(&mut rehearsal, executor, budget)?;
    let (seconds_per_step, measured_steps) = measure(&mut rehearsal, executor, budget)?;

    let flops_per_second = flops(&step.total.useful) / seconds_per_step;
    let seconds = flops(&training.useful) / flops_per_second;
    Ok(Forecast { seconds, seconds_per_step, flops_per_second, measured_steps })
}

/// Flops, inside functions too.
fn flops(ops: &Ops) -> f64 {
    ops.flops() as f64 + ops.inside().flops() as f64
}

/// Steps on 1, 2, 4, … examples and at last on all: caches and threads warm up, and a step that would take too long is
/// noticed before it is run.
fn warm_up<T: Element>(
    rehearsal: &mut Rehearsal<T>,
    executor: &dyn Executor,
    budget: Duration,
) -> Result<(), RunError> {
    let start = Instant::now();
    let batch = rehearsal.batch();
    let mut rows = 1;
    while rows < batch {
        rehearsal.step(executor, rows)?;
        let taken = start.elapsed();
        if taken > budget {
            let (seconds, budget) = (taken.as_secs_f64(), budget.as_secs_f64());
            return Err(RunError::TooSlow { rows, batch, seconds, budget });
        }
        rows *= 2;
    }
    rehearsal.step(executor, batch)?;
    Ok(())
}

/// Parts of the budget whose times a median is taken of, so that an interruption does not count.
const CHUNKS: u32 = 20;

/// Seconds of a step, and how many steps were measured. At least one step is run.
fn measure<T: Element>(
    rehearsal: &mut Rehearsal<T>,
    executor: &dyn Executor,
    budget: Duration,
) -> Result<(f64, u64), RunError> {
    let rows = rehearsal.batch();
    let (mut per_step, mut measured, mut chunk) = (Vec::new(), 0, 1u64);
    let start = Instant::now();
    while per_step.is_empty() || start.elapsed() < budget {
        let chunk_start = Instant::now();
        for _ in 0..chunk {
            rehearsal.step(executor, rows)?;
        }
        let taken = chunk_start.elapsed();
        if taken < budget / (2 * CHUNKS) && start.elapsed() < budget {
            chunk *= 2; // short enough for the clock itself to matter
            continue;
        }
        per_step.push(taken.as_secs_f64() / chunk as f64);
        measured += chunk;
    }
    per_step.sort_by(f64::total_cmp);
    // A clock too coarse to see a step must not make it free.
    Ok((per_step[per_step.len() / 2].max(1e-9), measured))
}
