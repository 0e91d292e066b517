//! How long the training will take: its own first steps, timed on a copy, and what its checkpoints take.

use std::fmt;
use std::time::{Duration, Instant};

use nxm_kernels::Cpu;

use super::events::ForecastFacts;
use super::job::TrainJob;
use crate::failure::Failure;
use crate::format::{plural, seconds};

/// How long is measured at most, but for the first two steps.
const BUDGET: Duration = Duration::from_millis(200);
/// No more than this part of the training is run for its forecast.
const PART: usize = 10;

/// How long a training will take, by its own first steps.
#[derive(Clone, Copy, Debug)]
pub struct TrialForecast {
    steps: usize,
    seconds_per_step: f64,
    /// How many checkpoints are written at most, and how long each takes.
    writes: Option<(u64, f64)>,
    /// What judging the epochs takes.
    judging: f64,
    seconds: f64,
}

impl TrialForecast {
    /// Measures; nothing of a training that fails in its first steps, which will say so itself.
    /// A checkpoint takes `write`.
    pub fn new(job: &TrainJob, cpu: &Cpu, write: Option<Duration>) -> Result<Option<TrialForecast>, Failure> {
        let mut copy = job.checkpoint.clone();
        let mut training = copy.resume(cpu, &job.seen).map_err(Failure::usage)?;
        let all = training.steps_per_epoch().saturating_mul(training.options().epochs);
        let steps = all.saturating_sub(training.steps());
        // The first step warms up caches and threads.
        if !matches!(training.step(), Some(Ok(_))) {
            return Ok(None);
        }
        let (start, mut measured) = (Instant::now(), 0usize);
        while measured == 0 || measured < steps / PART && start.elapsed() < BUDGET {
            match training.step() {
                Some(Ok(_)) => measured = measured.saturating_add(1),
                // It was the last one, or it failed.
                None | Some(Err(_)) => return Ok(None),
            }
        }
        let seconds_per_step = start.elapsed().as_secs_f64() / measured as f64;
        let start = Instant::now();
        if let Some(held_out) = &job.held_out {
            let (rows, metric) = ((&held_out.data, &held_out.values), job.watch.metric);
            job.schema.score(cpu, training.evaluated(), rows, &job.checkpoint.options.loss, metric)?;
        }
        let epochs = steps.div_ceil(training.steps_per_epoch());
        let judging = start.elapsed().as_secs_f64() * epochs as f64;
        let seconds = seconds_per_step * steps as f64 + judging;
        let writes = job.place.as_ref().zip(write).map(|(place, write)| {
            // Each of them may follow one of the best epoch.
            let files = if job.watch.keep_best { 2 } else { 1 };
            (place.writes(steps, epochs, seconds).saturating_mul(files), write.as_secs_f64())
        });
        let seconds = seconds + writes.map_or(0.0, |(count, each)| count as f64 * each);
        Ok(Some(TrialForecast { steps, seconds_per_step, writes, judging, seconds }))
    }
}

impl TrialForecast {
    /// How long it will take.
    pub fn seconds(&self) -> f64 {
        self.seconds
    }

    /// For programs.
    pub fn facts(&self) -> ForecastFacts {
        let TrialForecast { steps, seconds_per_step, seconds, .. } = *self;
        ForecastFacts { steps, seconds_per_step, seconds }
    }

    /// Of so many trainings that are like this one, have so many steps together, and are not kept.
    pub fn of_folds(self, folds: usize, steps: usize) -> TrialForecast {
        let judging = self.judging * folds as f64;
        let seconds = self.seconds_per_step * steps as f64 + judging;
        TrialForecast { steps, judging, seconds, ..self }
    }
}

impl fmt::Display for TrialForecast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [each, all] = [self.seconds_per_step, self.seconds].map(seconds);
        write!(f, "Forecast: {} of {each} each", plural(self.steps as u64, "step"))?;
        if let Some((count, each)) = self.writes {
            write!(f, ", {} of a checkpoint of {} each", plural(count, "write"), seconds(each))?;
        }
        write!(f, ": {all}.")
    }
}
