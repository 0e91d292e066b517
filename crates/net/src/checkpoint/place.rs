//! Where a file stands: the end of symbolic links, the names beside it, its folder, and who may read it.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::error::CheckpointError;

/// Symbolic links that are followed one after the other: as many as Linux follows.
const LINKS: usize = 40;

/// Where a file at `path` is written: the end of its symbolic links, whether a file is there or not. A ring of links stays as it is,
/// and can't be opened.
pub(super) fn resolve(path: &Path) -> PathBuf {
    let mut place = path.to_owned();
    for _ in 0..LINKS {
        match fs::read_link(&place) {
            // An absolute target replaces the folder.
            Ok(target) => place = folder(&place).join(target),
            // It is no link, or nothing is there.
            Err(_) => return place,
        }
    }
    path.to_owned()
}

/// `path` with something behind its name.
pub(super) fn with_suffix(path: &Path, suffix: impl std::fmt::Display) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".{suffix}"));
    name.into()
}

/// Where a path is.
pub(super) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// An error of the operating system about a path.
pub(super) fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> CheckpointError {
    let path = path.to_owned();
    move |source| CheckpointError::Io { action, path, source }
}

/// Turns "no such file" into nothing.
pub(super) fn if_there<A>(result: io::Result<A>) -> io::Result<Option<A>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        result => result.map(Some),
    }
}

/// Whether anything has this name, a link that leads nowhere too. What can't be looked at counts as there.
pub(super) fn is_taken(path: &Path) -> bool {
    !fs::symlink_metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// The names in a folder, down to the disk.
#[cfg(unix)]
pub(super) fn sync_folder(folder: &Path) -> Result<(), CheckpointError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed("flush", folder))
}

/// Elsewhere a folder can't be opened; its names are flushed by the system.
#[cfg(not(unix))]
pub(super) fn sync_folder(_folder: &Path) -> Result<(), CheckpointError> {
    Ok(())
}

/// Whether `path` names this open file: another process may have removed or replaced it.
#[cfg(unix)]
pub(super) fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(open), Ok(there)) => (open.dev(), open.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

/// Elsewhere the program removes no file that another one has open.
#[cfg(not(unix))]
pub(super) fn is_at(_file: &File, _path: &Path) -> bool {
    true
}

/// Creates a file that nobody may read who may not read `like`. Without `like`, the umask decides, as for every new file.
#[cfg(unix)]
pub(super) fn create_like(path: &Path, like: Option<&Metadata>) -> io::Result<File> {
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
    let mut options = create_new();
    let Some(like) = like else { return options.open(path) };
    let file = options.mode(0o600).open(path)?;
    let own = file.metadata()?;
    if own.uid() != like.uid() {
        // Only root gives files away. Others keep their own.
        let _ = fchown(&file, Some(like.uid()), None);
    }
    let same_group = own.gid() == like.gid() || fchown(&file, None, Some(like.gid())).is_ok();
    let mode = like.mode() & 0o777;
    // Another group gets the rights of strangers.
    let mode = if same_group { mode } else { mode & 0o707 | (mode & 0o007) << 3 };
    // A file system without modes leaves what it has.
    let _ = file.set_permissions(fs::Permissions::from_mode(mode));
    Ok(file)
}

/// Elsewhere the folder decides who may read.
#[cfg(not(unix))]
pub(super) fn create_like(path: &Path, _like: Option<&Metadata>) -> io::Result<File> {
    create_new().open(path)
}

fn create_new() -> OpenOptions {
    let mut options = File::options();
    options.write(true).create_new(true);
    options
}
