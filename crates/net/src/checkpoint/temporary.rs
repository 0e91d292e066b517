//! Files that are whole whenever one looks, and the disk has them when the call returns.
//!
//! A file is written beside its place under another name, flushed to the disk, and renamed; then the folder is flushed. Whoever is
//! killed in between leaves the old file, and a temporary one that the next to write there removes.

use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use super::container::{BEGINNING, WORD};
use super::error::CheckpointError;
use super::open::open_file;
use super::place::{create_like, failed, folder, is_at, sync_folder};

/// What stands between a file's name and the random digits of its temporary name. Nobody else names files so.
const MARK: &str = ".nxm-";
const EXTENSION: &str = ".tmp";
/// Hexadecimal digits of a temporary name.
const DIGITS: usize = 16;
/// Names that are tried. Each has 64 random bits: a second try is rare, and a third one means that something is wrong.
const TRIES: usize = 16;

/// A whole file beside its place. Dropped without [`put`](Self::put), it is removed.
#[derive(Debug)]
pub(super) struct Temporary {
    place: PathBuf,
    path: PathBuf,
    /// Open, and so locked, until it is in its place.
    _file: File,
}

impl Temporary {
    /// Writes a file that is to stand at `place`, down to the disk. Who may read `like`, if that is there, may read it.
    pub(super) fn write(
        place: &Path,
        like: &Path,
        content: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
    ) -> Result<Self, CheckpointError> {
        let temporary = Temporary::create(place, like, random)?;
        let mut buffered = BufWriter::with_capacity(1 << 16, &temporary._file);
        content(&mut buffered)
            .and_then(|()| buffered.flush())
            .and_then(|()| temporary._file.sync_all())
            .map_err(failed("write", place))?;
        drop(buffered);
        Ok(temporary)
    }

    /// An empty file under a name of its own: two runs that write to one place by mistake must not write into one file.
    fn create(place: &Path, like: &Path, mut random: impl FnMut() -> u64) -> Result<Self, CheckpointError> {
        let Some(name) = place.file_name() else {
            return Err(failed("write", place)(io::Error::new(io::ErrorKind::InvalidInput, "no name of a file")));
        };
        remove_abandoned(place)?;
        let like = fs::metadata(like).ok().filter(fs::Metadata::is_file);
        let mut error = io::Error::from(io::ErrorKind::AlreadyExists);
        let mut path = place.to_owned();
        for _ in 0..TRIES {
            let mut own = name.to_owned();
            own.push(format!("{MARK}{:0DIGITS$x}{EXTENSION}", random()));
            path = place.with_file_name(own);
            let file = match create_like(&path, like.as_ref()) {
                Ok(file) => file,
                Err(taken) if taken.kind() == io::ErrorKind::AlreadyExists => {
                    error = taken;
                    continue;
                }
                Err(error) => return Err(failed("create", &path)(error)),
            };
            // The lock says that its writer lives. Where there are no locks, abandoned files stay.
            let lost = matches!(file.try_lock(), Err(fs::TryLockError::WouldBlock));
            // Before it was locked, another writer may have taken it for abandoned.
            if !lost && is_at(&file, &path) {
                return Ok(Temporary { place: place.to_owned(), path, _file: file });
            }
        }
        Err(failed("create", &path)(error))
    }

    /// Puts it in its place, instead of what is there.
    pub(super) fn put(self) -> Result<(), CheckpointError> {
        fs::rename(&self.path, &self.place).map_err(failed("write", &self.place))?;
        sync_folder(folder(&self.place))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // Renamed, it is no longer there; and an error in removing it would hide the one that led here.
        let _ = fs::remove_file(&self.path);
    }
}

/// 64 bits from the operating system. A process id is no name: in containers, every process has the same.
fn random() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

/// Removes what writers of `place` that were killed left behind, and nothing else: files of such a name, that begin as a checkpoint
/// does, and that nobody has locked.
pub(super) fn remove_abandoned(place: &Path) -> Result<(), CheckpointError> {
    let name = place.file_name().unwrap_or_default().as_encoded_bytes();
    let in_folder = fs::read_dir(folder(place)).map_err(failed("read", folder(place)))?;
    for entry in in_folder.flatten() {
        let found = entry.file_name();
        let digits = found
            .as_encoded_bytes()
            .strip_prefix(name)
            .and_then(|rest| rest.strip_prefix(MARK.as_bytes()))
            .and_then(|rest| rest.strip_suffix(EXTENSION.as_bytes()));
        if !digits.is_some_and(|digits| digits.len() == DIGITS && digits.iter().all(u8::is_ascii_hexdigit)) {
            continue;
        }
        // That it can't be removed is no reason not to write the new one.
        let path = entry.path();
        if open_file(&path).is_ok_and(|file| begins_as_a_checkpoint(&file) && file.try_lock().is_ok()) {
            let _ = fs::remove_file(path);
        }
    }
    Ok(())
}

/// Whether a checkpoint begins so, as far as the file was written. After a power failure that may be nothing, or zeros.
pub(super) fn begins_as_a_checkpoint(file: &File) -> bool {
    let mut start = Vec::new();
    let wanted = BEGINNING.len().saturating_add(WORD);
    match file.take(wanted as u64).read_to_end(&mut start) {
        Ok(_) => start.iter().all(|byte| *byte == 0) || start.get(WORD..) == Some(BEGINNING),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files of these names in a new folder, and the name that a checkpoint there has.
    fn with_files(test: &str, files: &[(String, &[u8])]) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("nxm-temporary-{test}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        files.iter().for_each(|(name, content)| fs::write(folder.join(name), content).unwrap());
        folder.join("run")
    }
    fn names(place: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder(place)).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
    fn temporary(number: u64) -> String {
        format!("run{MARK}{number:0DIGITS$x}{EXTENSION}")
    }

    #[test]
    fn a_name_that_is_taken_is_not_used() {
        // Not removed, because it does not begin as a checkpoint: as if it could not be.
        let place = with_files("taken", &[(temporary(7), b"not ours")]);
        let mut numbers = [7, 7, 8].into_iter();
        let written = Temporary::create(&place, &place, || numbers.next().unwrap()).unwrap();
        assert_eq!(names(&place), [temporary(7), temporary(8)]);
        written.put().unwrap();
        assert_eq!(names(&place), ["run".to_owned(), temporary(7)]);
        let error = Temporary::create(&place, &place, || 7).unwrap_err().to_string();
        assert!(error.starts_with("can't create ") && error.contains(&temporary(7)), "{error}");
        assert_eq!(fs::read(place.with_file_name(temporary(7))).unwrap(), b"not ours");
        fs::remove_dir_all(folder(&place)).unwrap();
    }

    #[test]
    fn only_what_a_killed_writer_left_is_removed() {
        let begun = [&[0x40; WORD][..], BEGINNING, b":{"].concat();
        let own: [(String, &[u8]); 3] = [(temporary(1), &begun), (temporary(2), b""), (temporary(3), &[0; 4096])];
        let of_others: [(String, &[u8]); 6] = [
            ("run.2024-11-25.tmp".to_owned(), &begun),
            ("run.4000000-0.tmp".to_owned(), &begun),
            (temporary(4), b"a table of mine"),
            (format!("run{MARK}12{EXTENSION}"), &begun),
            (format!("run{MARK}{}{EXTENSION}", "x".repeat(DIGITS)), &begun),
            (format!("running{MARK}{:0DIGITS$x}{EXTENSION}", 5), &begun),
        ];
        let place = with_files("left", &[&own[..], &of_others].concat());
        remove_abandoned(&place).unwrap();
        let mut kept = of_others.map(|(name, _)| name);
        kept.sort();
        assert_eq!(names(&place), kept);
        // One that is being written stays.
        let written = Temporary::create(&place, &place, || 9).unwrap();
        remove_abandoned(&place).unwrap();
        assert!(names(&place).contains(&temporary(9)));
        drop(written);
        assert_eq!(names(&place), kept);
        fs::remove_dir_all(folder(&place)).unwrap();
    }

    #[test]
    fn no_two_names_are_alike() {
        let mut names: Vec<u64> = (0..1000).map(|_| random()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 1000);
    }
}
