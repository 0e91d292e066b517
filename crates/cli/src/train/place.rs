//! Where a training is kept, and when it is written.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nxm_kernels::Cpu;
use nxm_net::{Checkpoint, CheckpointError, Checkpoints, Dataset, LockedCheckpoints, Training};

use crate::args::{CheckpointEvery, TrainArgs};
use crate::failure::Failure;
use nxm_data::Foreign;

/// At the end of an epoch, a training is written at most once in this time, unless `--checkpoint-every` asks for more. A write waits for
/// the disk, for 30 to 100 ms on a slow one: this bounds them to one percent, and what a kill costs to this time and an epoch.
pub const AT_MOST_ONCE_IN: Duration = Duration::from_secs(10);

/// The checkpoints of a training, locked for its run, and when they are written.
#[derive(Debug)]
pub struct CheckpointFiles {
    /// The newest checkpoint, as it was named.
    pub path: PathBuf,
    run: LockedCheckpoints,
    every: Option<CheckpointEvery>,
    written: Instant,
    /// The best epoch, if it is not written yet.
    best: Option<Checkpoint<f32>>,
}

impl CheckpointFiles {
    /// Locked from here to the end of the run.
    pub fn lock(args: &TrainArgs, path: &Path) -> Result<CheckpointFiles, Failure> {
        let run = Checkpoints::new(path, args.keep).lock().map_err(Failure::usage)?;
        let (path, every) = (path.to_owned(), args.checkpoint_every);
        Ok(CheckpointFiles { path, run, every, written: Instant::now(), best: None })
    }

    /// The same for a training that is not there yet. What is there, older checkpoints of another training too, must not be lost.
    pub fn begin(args: &TrainArgs, path: &Path) -> Result<CheckpointFiles, Failure> {
        let mut place = CheckpointFiles::lock(args, path)?;
        match place.run.begin() {
            Ok(()) => Ok(place),
            Err(CheckpointError::Taken { path }) => {
                let path = Foreign::path(&path);
                let advice = format!("go on with it by --resume {path}, or name another file");
                Err(Failure::Usage(format!("{path} is there already: {advice}")))
            }
            Err(error) => Err(Failure::usage(error)),
        }
    }

    /// The training that is there goes on; `best` says whether its best epoch is kept.
    pub fn go_on(&mut self, best: bool) -> Result<(), Failure> {
        self.run.go_on(best).map_err(Failure::usage)
    }

    /// Where the network of the best epoch is kept.
    pub fn best(&self) -> PathBuf {
        self.run.checkpoints().best()
    }

    /// How long a write takes: that of the training as it begins, or one for trial if that is there already. That nothing can be written
    /// is better known now than after an epoch.
    pub fn first_write(&mut self, training: &Training<'_, f32>) -> Result<Duration, Failure> {
        if self.path.exists() {
            return self.run.time_a_save(training).map_err(Failure::usage);
        }
        let start = Instant::now();
        self.save(training).map_err(Failure::usage)?;
        Ok(start.elapsed())
    }

    /// Writes this training for trial, and leaves nothing behind.
    pub fn try_write(
        &mut self,
        checkpoint: &mut Checkpoint<f32>,
        cpu: &Cpu,
        seen: &Dataset<f32>,
    ) -> Result<(), Failure> {
        let training = checkpoint.resume(cpu, seen).map_err(Failure::usage)?;
        self.run.time_a_save(&training).map(drop).map_err(Failure::usage)
    }

    /// The epoch that has just ended is the best so far: it is in its place before the training is written the next time.
    pub fn keep_best(&mut self, best: Checkpoint<f32>) {
        self.best = Some(best);
    }

    /// A step has ended, and with it perhaps an epoch or the training.
    pub fn after_step(&mut self, training: &Training<'_, f32>, ended: bool) -> Result<(), CheckpointError> {
        let epoch = training.state().progress.steps == 0;
        let due = match self.every {
            None => epoch && self.written.elapsed() >= AT_MOST_ONCE_IN,
            Some(CheckpointEvery::Epoch) => epoch,
            Some(CheckpointEvery::Steps(every)) => epoch || (training.steps() as u64).is_multiple_of(every),
        };
        if due || ended { self.save(training) } else { Ok(()) }
    }

    /// Writes the training now; before it the best epoch, which the training says was the best.
    pub fn save(&mut self, training: &Training<'_, f32>) -> Result<(), CheckpointError> {
        if let Some(best) = &self.best {
            self.run.save_best(best)?;
            self.best = None;
        }
        self.run.save(training)?;
        self.written = Instant::now();
        Ok(())
    }

    /// How often a training of so many steps, epochs and seconds is written at most, its best epoch not counted.
    pub fn writes(&self, steps: usize, epochs: usize, seconds: f64) -> u64 {
        let (steps, epochs) = (steps as u64, epochs as u64);
        match self.every {
            // The last one is always written.
            None => epochs.min(((seconds / AT_MOST_ONCE_IN.as_secs_f64()) as u64).saturating_add(1)),
            Some(CheckpointEvery::Epoch) => epochs,
            Some(CheckpointEvery::Steps(every)) => epochs.saturating_add(steps.checked_div(every).unwrap_or(0)),
        }
    }
}
