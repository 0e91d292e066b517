//! The checkpoints of a run: the newest, those before it, and the best.

use std::fs;
use std::io::{self, Read, Seek, SeekFrom};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nxm_kernels::Element;

use super::Checkpoint;
use super::container::WORD;
use super::error::CheckpointError;
use super::lock::{BEST, RunLock};
use super::open::open_file;
use super::place::{failed, folder, if_there, is_taken, resolve, sync_folder, with_suffix};
use super::temporary::{begins_as_a_checkpoint, remove_abandoned};
use crate::train::Training;

/// Where a run's checkpoints are, and how many of them: the last one at `path`, those before it at `path.1`, `path.2`, …, and the one
/// of its best epoch at `path.best`.
///
/// Whenever the process or the machine stops, the newest file that can be read is whole, and that of the last
/// [`save`](LockedCheckpoints::save) that returned, or a newer one.
///
/// ```
/// use std::num::NonZeroUsize;
/// use nxm_net::{Activation, CheckpointError, Checkpoints, Cpu, Dataset, Network, Training, TrainingOptions};
///
/// let data = Dataset::regression(vec![0.0f32, 1.0], 1, vec![1.0, 3.0], 1)?;
/// let (cpu, mut network) = (Cpu::detect()?, Network::builder(1).dense(1, Activation::Identity).build()?);
/// let mut training = Training::new(&mut network, &cpu, &data, TrainingOptions::default())?;
/// let path = std::env::temp_dir().join(format!("kept-{}.safetensors", std::process::id()));
///
/// let checkpoints = Checkpoints::new(&path, NonZeroUsize::MIN);
/// let mut run = checkpoints.lock()?;
/// run.save(&training)?;
/// // A second run is refused as long as the first one lives.
/// assert!(matches!(checkpoints.lock(), Err(CheckpointError::Locked { process, .. }) if process == Some(std::process::id())));
/// drop(run);
/// checkpoints.lock()?;
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoints {
    path: PathBuf,
    keep: NonZeroUsize,
}

impl Checkpoints {
    /// The last `keep` checkpoints, the newest at `path`, or where the symbolic link leads that is there. No file is touched yet.
    pub fn new(path: impl AsRef<Path>, keep: NonZeroUsize) -> Self {
        Checkpoints { path: resolve(path.as_ref()), keep }
    }

    /// The newest one's place, then those of the older ones.
    pub fn paths(&self) -> impl Iterator<Item = PathBuf> + '_ {
        (0..self.keep.get()).map(|age| self.place(age))
    }

    /// The place of the best epoch's.
    pub fn best(&self) -> PathBuf {
        with_suffix(&self.path, BEST)
    }

    fn place(&self, age: usize) -> PathBuf {
        if age == 0 { self.path.clone() } else { with_suffix(&self.path, age) }
    }

    /// The ages that have a file, the newest first; `keep` may be larger than anyone wants to count to.
    fn ages(&self) -> Result<Vec<usize>, CheckpointError> {
        let name = self.path.file_name().unwrap_or_default().as_encoded_bytes();
        let folder = folder(&self.path);
        let age = |found: &[u8]| match found.strip_prefix(name)? {
            b"" => Some(0),
            rest => {
                let age: usize = str::from_utf8(rest.strip_prefix(b".")?).ok()?.parse().ok()?;
                // No other number is written so.
                (age > 0 && age < self.keep.get() && rest == format!(".{age}").as_bytes()).then_some(age)
            }
        };
        let entries = fs::read_dir(folder).map_err(failed("read", folder))?;
        let mut ages: Vec<usize> =
            entries.flatten().filter_map(|entry| age(entry.file_name().as_encoded_bytes())).collect();
        ages.sort_unstable();
        Ok(ages)
    }

    /// Locks them for a run: no other process, and no other run of this one, may write them until the lock is dropped or the process
    /// ends, however it ends. The lock is the file `path.lock`, which also lists what the run writes beside `path`. Temporary files that
    /// killed runs left are removed.
    ///
    /// # Errors
    /// [`CheckpointError::Locked`] with the process that has them; [`CheckpointError::NotOurs`] if `path.lock` is a file of something
    /// else; [`CheckpointError::Io`] if it can't be created.
    pub fn lock(&self) -> Result<LockedCheckpoints, CheckpointError> {
        let lock = RunLock::acquire(&self.path)?;
        // The best one may not be written again: what a killed run left there would stay.
        [&self.path, &self.best()].into_iter().try_for_each(|path| remove_abandoned(path))?;
        Ok(LockedCheckpoints { lock, checkpoints: self.clone() })
    }

    /// The newest checkpoint that can be read, and where it is.
    ///
    /// # Errors
    /// If there is none, what is wrong with the one in the newest one's place.
    pub fn load_newest<T: Element>(&self) -> Result<(PathBuf, Checkpoint<T>), CheckpointError> {
        let newest = match Checkpoint::load(&self.path) {
            Ok(checkpoint) => return Ok((self.path.clone(), checkpoint)),
            Err(error) => error,
        };
        for path in self.ages().unwrap_or_default().into_iter().map(|age| self.place(age)) {
            if let Ok(checkpoint) = Checkpoint::load(&path) {
                return Ok((path, checkpoint));
            }
        }
        Err(newest)
    }
}

/// The checkpoints of a run that has locked them.
///
/// Only files that the run wrote are moved, overwritten or removed. A run goes on when it is resumed: `path.lock` remembers its files.
#[derive(Debug)]
pub struct LockedCheckpoints {
    checkpoints: Checkpoints,
    lock: RunLock,
}

impl LockedCheckpoints {
    /// Where they are.
    pub fn checkpoints(&self) -> &Checkpoints {
        &self.checkpoints
    }

    /// A new run begins: nothing may be where it will write.
    ///
    /// # Errors
    /// [`CheckpointError::Taken`] names the first file that is there.
    pub fn begin(&mut self) -> Result<(), CheckpointError> {
        let best = self.checkpoints.best();
        let first = self.checkpoints.ages()?.first().map(|age| self.checkpoints.place(*age));
        match first.or_else(|| is_taken(&best).then_some(best)) {
            Some(path) => Err(CheckpointError::Taken { path }),
            None => self.lock.disown_all(),
        }
    }

    /// A run goes on: what is where it will write must be its own. `best` says whether it will write that one.
    ///
    /// # Errors
    /// [`CheckpointError::NotOurs`] names the first file that is not.
    pub fn go_on(&mut self, best: bool) -> Result<(), CheckpointError> {
        let ages = self.checkpoints.ages()?;
        ages.into_iter().filter(|age| *age > 0).try_for_each(|age| self.check_own(&age))?;
        if best { self.check_own(&BEST) } else { Ok(()) }
    }

    /// What stands beside the checkpoint with this behind its name, if anything, must be a checkpoint that the run wrote.
    fn check_own(&self, suffix: &dyn std::fmt::Display) -> Result<(), CheckpointError> {
        let path = with_suffix(&self.checkpoints.path, suffix);
        let own = || {
            self.lock.owns(&format!(".{suffix}"))
                // Somebody may have put another file there.
                && fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file())
                && open_file(&path).is_ok_and(|file| begins_as_a_checkpoint(&file))
        };
        if !is_taken(&path) || own() { Ok(()) } else { Err(CheckpointError::NotOurs { path }) }
    }

    /// Writes the training's checkpoint to the newest one's place. The older ones move on by one place, the oldest is lost.
    ///
    /// # Errors
    /// [`CheckpointError`] as [`Training::save`], and [`CheckpointError::NotOurs`] if an older one's place has a file that the run did
    /// not write. Then no file is lost.
    pub fn save<T: Element>(&mut self, training: &Training<'_, T>) -> Result<(), CheckpointError> {
        let path = &self.checkpoints.path;
        let written = super::write(training.parts(), path, path)?;
        if self.checkpoints.keep.get() > 1 {
            self.make_room()?;
        }
        written.put()
    }

    /// Writes a checkpoint to the best one's place.
    ///
    /// # Errors
    /// As [`save`](Self::save).
    pub fn save_best<T: Element>(&mut self, best: &Checkpoint<T>) -> Result<(), CheckpointError> {
        let path = self.checkpoints.best();
        self.check_own(&BEST)?;
        // Who may not read the one may not read the other.
        let like = if is_taken(&path) { &path } else { &self.checkpoints.path };
        let written = super::write(best.parts(), &path, like)?;
        self.lock.own(&format!(".{BEST}"))?;
        written.put()
    }

    /// How long a [`save`](Self::save) takes here: writes a file beside the newest one's place, down to the disk, and removes it.
    ///
    /// # Errors
    /// As [`save`](Self::save).
    pub fn time_a_save<T: Element>(&self, training: &Training<'_, T>) -> Result<Duration, CheckpointError> {
        let (start, path) = (Instant::now(), &self.checkpoints.path);
        let written = super::write(training.parts(), path, path)?;
        sync_folder(folder(path))?;
        let time = start.elapsed();
        drop(written);
        Ok(time)
    }

    /// Gives what is in the newest one's place a second name, that of the one before.
    fn make_room(&mut self) -> Result<(), CheckpointError> {
        let (newest, before) = (self.checkpoints.place(0), self.checkpoints.place(1));
        let there = if_there(checksum(&newest)).map_err(failed("read", &newest))?;
        // Nothing to keep; or a process was killed when it had made room already.
        if there.is_none() || self.lock.owns(".1") && checksum(&before).ok() == there {
            return Ok(());
        }
        let ages = self.checkpoints.ages()?;
        // Those that stand side by side; a gap, where a process was killed, is filled.
        let mut last = 0usize;
        for (expected, age) in
            (1..).zip(ages.into_iter().filter(|age| *age > 0)).filter(|(expected, age)| expected == age)
        {
            self.check_own(&age)?;
            last = expected;
        }
        let most = self.checkpoints.keep.get().saturating_sub(2);
        for age in (1..=last.min(most)).rev() {
            let next = age.saturating_add(1);
            let (from, to) = (self.checkpoints.place(age), self.checkpoints.place(next));
            self.make_own(next)?;
            fs::rename(&from, &to).map_err(failed("rename", &from))?;
        }
        self.make_own(1)?;
        if_there(fs::remove_file(&before)).map_err(failed("remove", &before))?;
        // Where a file can't have two names, there is a moment in which it has the older one alone.
        fs::hard_link(&newest, &before).or_else(|_| fs::rename(&newest, &before)).map_err(failed("rename", &newest))
    }

    /// The place of this age is about to be written: it is free, or the run's.
    fn make_own(&mut self, age: usize) -> Result<(), CheckpointError> {
        self.check_own(&age)?;
        self.lock.own(&format!(".{age}"))
    }
}

/// The checksum at the end of a file, unproved; none if it is too short for one.
fn checksum(path: &Path) -> io::Result<Option<[u8; WORD]>> {
    let mut file = open_file(path)?;
    if file.metadata()?.len() < WORD as u64 {
        return Ok(None);
    }
    file.seek(SeekFrom::End((WORD as i64).saturating_neg()))?;
    let mut checksum = [0; WORD];
    file.read_exact(&mut checksum)?;
    Ok(Some(checksum))
}
