//! The lock of a run, and the list of the files that it wrote beside its checkpoint.
//!
//! `FILE.lock` stands beside `FILE`. The operating system locks it for the run that has it open, and unlocks it when that process ends,
//! however it ends: a killed run leaves a file, but no lock. The file says which process has it, and which files are the run's:
//!
//! ```text
//! nxm lock 1, process 0000012345
//! .1
//! .best
//! ```
//!
//! `.1` says that `FILE.1` is the run's. A line is written, and on the disk, before the file that it names. `-.1` takes it back.
//! The process is written in place and lines are appended, each by one call: whoever is killed in between leaves all lines whole.
//!
//! A run that wrote nothing beside `FILE` removes `FILE.lock` when it ends.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::error::CheckpointError;
use super::open::{open_file, open_with};
use super::place::{failed, folder, is_at, sync_folder, with_suffix};

/// Behind the name of a checkpoint.
pub(super) const SUFFIX: &str = "lock";
/// What stands before the process.
const HEAD: &str = "nxm lock 1, process ";
/// Digits of a process, and the end of its line: the line always has the same length.
const PROCESS: usize = 10;
/// The longest list that is read: as many lines as there are checkpoints that anybody keeps.
const MOST: u64 = 1 << 24;

/// Behind the name of a checkpoint: its run's best epoch.
pub(super) const BEST: &str = "best";
/// What a line begins with that takes another one back.
const TAKEN_BACK: char = '-';

/// The lock of one checkpoint; dropped, it is open to others.
#[derive(Debug)]
pub(super) struct RunLock {
    path: PathBuf,
    file: File,
    /// What stands behind the checkpoint's name in the names of the run's files, with the dot.
    own: BTreeSet<String>,
}

impl RunLock {
    /// Locks the checkpoint at `place`. What another run wrote there beside its own checkpoint, it no longer owns.
    pub(super) fn acquire(place: &Path) -> Result<RunLock, CheckpointError> {
        let lock = RunLock::of(place)?;
        let Some((base, suffix)) = base(place) else { return Ok(lock) };
        let path = with_suffix(&base, SUFFIX);
        if !path.is_file() {
            return Ok(lock);
        }
        // To resume k.nxm.1 makes that file a checkpoint of its own: the run of k.nxm must not move it any more.
        match RunLock::of(&base) {
            Ok(mut other) if other.owns(&suffix) => other.disown(&suffix)?,
            Err(CheckpointError::Locked { process, .. }) if owned_in(&path).contains(&suffix) => {
                return Err(CheckpointError::Locked { path: place.to_owned(), process });
            }
            // The list does not name this file, or it is no list of ours.
            _ => {}
        }
        Ok(lock)
    }

    fn of(place: &Path) -> Result<RunLock, CheckpointError> {
        let path = with_suffix(place, SUFFIX);
        loop {
            let mut options = File::options();
            options.read(true).write(true).create(true).truncate(false);
            let mut file = open_with(&path, &mut options).map_err(failed("open", &path))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    let process = read(&mut file).ok().and_then(|text| process(&text));
                    return Err(CheckpointError::Locked { path: place.to_owned(), process });
                }
                Err(TryLockError::Error(error)) => return Err(failed("lock", &path)(error)),
            }
            // A run that just ended may have removed the file between the opening and the lock.
            if !is_at(&file, &path) {
                continue;
            }
            let text = read(&mut file).map_err(failed("read", &path))?;
            let begun = HEAD.starts_with(&*text) || text.len() < head(0).len() && text.starts_with(HEAD);
            if !begun && process(&text).is_none() {
                return Err(CheckpointError::NotOurs { path });
            }
            let own = if begun { BTreeSet::new() } else { owned(&text) };
            let whole = if begun { 0 } else { text.rfind('\n').map_or(0, |end| end.saturating_add(1)) };
            file.set_len(whole as u64)
                .and_then(|()| write(&mut file, SeekFrom::Start(0), &head(std::process::id())))
                .map_err(failed("write", &path))?;
            return Ok(RunLock { path, file, own });
        }
    }

    /// Whether the run wrote `FILE` with this behind its name.
    pub(super) fn owns(&self, suffix: &str) -> bool {
        self.own.contains(suffix)
    }

    /// The run is about to write `FILE` with this behind its name, where nothing is yet.
    pub(super) fn own(&mut self, suffix: &str) -> Result<(), CheckpointError> {
        if !self.owns(suffix) {
            self.append(&format!("{suffix}\n"))?;
            self.own.insert(suffix.to_owned());
        }
        Ok(())
    }

    fn disown(&mut self, suffix: &str) -> Result<(), CheckpointError> {
        self.append(&format!("{TAKEN_BACK}{suffix}\n"))?;
        self.own.remove(suffix);
        Ok(())
    }

    /// Nothing beside the checkpoint is the run's.
    pub(super) fn disown_all(&mut self) -> Result<(), CheckpointError> {
        self.file.set_len(head(0).len() as u64).map_err(failed("write", &self.path))?;
        self.own.clear();
        Ok(())
    }

    /// A line, down to the disk.
    fn append(&mut self, line: &str) -> Result<(), CheckpointError> {
        write(&mut self.file, SeekFrom::End(0), line)
            .and_then(|()| self.file.sync_all())
            .map_err(failed("write", &self.path))?;
        sync_folder(folder(&self.path))
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        // Still locked: whoever opened the file before it is removed finds out after it is unlocked.
        if cfg!(unix) && self.own.is_empty() && is_at(&self.file, &self.path) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The first line of the run of a process.
fn head(process: u32) -> String {
    format!("{HEAD}{process:0PROCESS$}\n")
}

/// What the first line says.
fn process(text: &str) -> Option<u32> {
    text.strip_prefix(HEAD)?.get(..PROCESS)?.parse().ok()
}

/// What the other lines say, as far as they are whole.
fn owned(text: &str) -> BTreeSet<String> {
    let mut own = BTreeSet::new();
    for line in text.split_inclusive('\n').skip(1).filter_map(|line| line.strip_suffix('\n')) {
        match line.strip_prefix(TAKEN_BACK) {
            Some(suffix) => own.remove(suffix),
            None => own.insert(line.to_owned()),
        };
    }
    own
}

/// The same of a file that another process has locked.
fn owned_in(path: &Path) -> BTreeSet<String> {
    open_file(path).and_then(|mut file| read(&mut file)).map(|text| owned(&text)).unwrap_or_default()
}

fn read(file: &mut File) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.take(MOST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// By one call, which is done or not when a process is killed.
fn write(file: &mut File, at: SeekFrom, line: &str) -> io::Result<()> {
    file.seek(at)?;
    file.write_all(line.as_bytes())
}

/// The checkpoint whose run gave a file this name, if one did: "k.nxm" and ".1" of "k.nxm.1".
fn base(place: &Path) -> Option<(PathBuf, String)> {
    let suffix = place.extension()?.to_str()?;
    let given = suffix == BEST || !suffix.is_empty() && suffix.bytes().all(|byte| byte.is_ascii_digit());
    given.then(|| (place.with_extension(""), format!(".{suffix}")))
}
