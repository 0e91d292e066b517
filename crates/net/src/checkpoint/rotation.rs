//! The last few checkpoints of a run.

use std::fs;
use std::io::{self, Read, Seek, SeekFrom};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use nxm_kernels::Element;

use super::Checkpoint;
use super::container::WORD;
use super::error::CheckpointError;
use super::open::open_file;
use super::place::{failed, if_there, with_suffix};
use crate::train::Training;

/// Where a run's checkpoints are, and how many of them: the last one at `path`, those before it at `path.1`, `path.2`, ….
///
/// Whenever the process or the machine stops, the newest file that can be read is whole, and that of the last
/// [`save`](Self::save) that returned, or a newer one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoints {
    path: PathBuf,
    keep: NonZeroUsize,
}

impl Checkpoints {
    /// The last `keep` checkpoints, the newest at `path`. No file is touched yet.
    pub fn new(path: impl Into<PathBuf>, keep: NonZeroUsize) -> Self {
        Checkpoints { path: path.into(), keep }
    }

    /// The newest one's place, then those of the older ones.
    pub fn paths(&self) -> impl Iterator<Item = PathBuf> + '_ {
        (0..self.keep.get()).map(|age| self.place(age))
    }

    fn place(&self, age: usize) -> PathBuf {
        if age == 0 { self.path.clone() } else { with_suffix(&self.path, age) }
    }

    /// Writes the training's checkpoint to the newest one's place. The older ones move on by one place, the oldest is lost.
    ///
    /// # Errors
    /// [`CheckpointError`] as [`Training::save`]. Then no file is lost.
    pub fn save<T: Element>(&self, training: &Training<'_, T>) -> Result<(), CheckpointError> {
        let written = super::write(training.parts(), &self.path, &self.path)?;
        if self.keep.get() > 1 {
            self.make_room()?;
        }
        written.put()
    }

    /// Gives what is in the newest one's place a second name, that of the one before.
    fn make_room(&self) -> Result<(), CheckpointError> {
        let (newest, before) = (self.place(0), self.place(1));
        let there = if_there(checksum(&newest)).map_err(failed("read", &newest))?;
        // Nothing to keep; or a process was killed when it had made room already.
        if there.is_none() || checksum(&before).ok() == there {
            return Ok(());
        }
        for age in (1..self.keep.get() - 1).rev() {
            let (from, to) = (self.place(age), self.place(age + 1));
            if_there(fs::rename(&from, &to)).map_err(failed("rename", &from))?;
        }
        if_there(fs::remove_file(&before)).map_err(failed("remove", &before))?;
        // Where a file can't have two names, there is a moment in which it has the older one alone.
        fs::hard_link(&newest, &before).or_else(|_| fs::rename(&newest, &before)).map_err(failed("rename", &newest))
    }

    /// The newest checkpoint that can be read, and where it is.
    ///
    /// # Errors
    /// If there is none, what is wrong with the one in the newest one's place.
    pub fn load_newest<T: Element>(&self) -> Result<(PathBuf, Checkpoint<T>), CheckpointError> {
        let mut first = None;
        for path in self.paths() {
            match Checkpoint::load(&path) {
                Ok(checkpoint) => return Ok((path, checkpoint)),
                Err(error) => first = first.or(Some(error)),
            }
        }
        Err(first.expect("at least one checkpoint is kept"))
    }
}

/// The checksum at the end of a file, unproved; none if it is too short for one.
fn checksum(path: &Path) -> io::Result<Option<[u8; WORD]>> {
    let mut file = open_file(path)?;
    if file.metadata()?.len() < WORD as u64 {
        return Ok(None);
    }
    file.seek(SeekFrom::End(-(WORD as i64)))?;
    let mut checksum = [0; WORD];
    file.read_exact(&mut checksum)?;
    Ok(Some(checksum))
}
