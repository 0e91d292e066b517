//! Files that are whole whenever one looks, and the disk has them when the call returns.
//!
//! A file is written beside its place under another name, flushed to the disk, and renamed; then the folder is flushed. Whoever is
//! killed in between leaves the old file, and a temporary one that the next to write there removes.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::container::{FileHeader, Header, WORD, header_length};
use super::error::{CheckpointError, ContentError};
use crate::error::NetError;

const EXTENSION: &str = ".tmp";

/// A whole file beside its place. Dropped without [`put`](Self::put), it is removed.
#[derive(Debug)]
pub(super) struct Temporary {
    place: PathBuf,
    path: PathBuf,
    /// Open, and so locked, until it is in its place.
    _file: File,
}

impl Temporary {
    /// Writes a file that is to stand at `place`, down to the disk.
    pub(super) fn write(
        place: &Path,
        content: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
    ) -> Result<Self, CheckpointError> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let Some(name) = place.file_name() else {
            return Err(failed("write", place)(io::Error::new(io::ErrorKind::InvalidInput, "no name of a file")));
        };
        remove_abandoned(place)?;
        // A name of its own: two runs that write to one place by mistake must not write into one file.
        let mut own = name.to_owned();
        own.push(format!(".{}-{}{EXTENSION}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
        let path = place.with_file_name(own);
        let file = File::options().write(true).create_new(true).open(&path).map_err(failed("create", &path))?;
        // The lock says that its writer lives. Where there are no locks, abandoned files stay.
        let _ = file.try_lock();
        let temporary = Temporary { place: place.to_owned(), path, _file: file };
        let mut buffered = BufWriter::with_capacity(1 << 16, &temporary._file);
        content(&mut buffered)
            .and_then(|()| buffered.flush())
            .and_then(|()| temporary._file.sync_all())
            .map_err(failed("write", place))?;
        drop(buffered);
        Ok(temporary)
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

/// `path` with something behind its name.
pub(super) fn with_suffix(path: &Path, suffix: impl std::fmt::Display) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".{suffix}"));
    name.into()
}

/// Where a path is.
fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// Removes what writers of `place` that were killed left behind: temporary files that nobody has locked.
fn remove_abandoned(place: &Path) -> Result<(), CheckpointError> {
    let name = place.file_name().unwrap_or_default().as_encoded_bytes();
    let in_folder = fs::read_dir(folder(place)).map_err(failed("read", folder(place)))?;
    for entry in in_folder.flatten() {
        let found = entry.file_name();
        let middle =
            found.as_encoded_bytes().strip_prefix(name).and_then(|rest| rest.strip_suffix(EXTENSION.as_bytes()));
        let Some([b'.', middle @ ..]) = middle else { continue };
        if !middle.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-') {
            continue;
        }
        // That it can't be removed is no reason not to write the new one.
        if File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
            let _ = fs::remove_file(entry.path());
        }
    }
    Ok(())
}

/// The names in a folder, down to the disk.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> Result<(), CheckpointError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed("flush", folder))
}

/// Elsewhere a folder can't be opened; its names are flushed by the system.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> Result<(), CheckpointError> {
    Ok(())
}

/// Opens a file to read it, without waiting for whoever writes to it if it is a pipe.
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    /// As the kernel has it on these machines; regular files do not care.
    const O_NONBLOCK: i32 = 0o4000;
    File::options().read(true).custom_flags(O_NONBLOCK).open(path)
}

/// Opens a file to read it.
#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// A file of safetensors of which the header was read.
#[derive(Debug)]
pub(super) struct Opened<'a> {
    path: &'a Path,
    file: File,
    len: u64,
    /// Its bytes as far as they were read.
    bytes: Vec<u8>,
    pub header: FileHeader,
}

impl<'a> Opened<'a> {
    /// Opens a file and reads its header, and nothing behind that. What is no file (a folder, a pipe, a device) is not opened: that
    /// might wait for ever.
    pub(super) fn new(path: &'a Path) -> Result<Self, CheckpointError> {
        let content = |source| CheckpointError::Content { path: path.to_owned(), source };
        let regular = |metadata: fs::Metadata| match metadata.is_file() {
            true => Ok(metadata),
            false => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file")),
        };
        fs::metadata(path).and_then(regular).map_err(failed("read", path))?;
        let mut file = open(path).map_err(failed("open", path))?;
        // Another may be there by now.
        let len = file.metadata().and_then(regular).map_err(failed("read", path))?.len();
        let mut bytes = Vec::new();
        take(path, &mut file, &mut bytes, len.min(WORD as u64))?;
        let header = header_length(&bytes, len).map_err(content)?;
        take(path, &mut file, &mut bytes, header as u64)?;
        let header = FileHeader::from_start(&bytes, len).map_err(content)?;
        Ok(Opened { path, file, len, bytes, header })
    }

    /// All bytes of the file.
    pub(super) fn all(mut self) -> Result<Vec<u8>, CheckpointError> {
        let rest = self.len - self.bytes.len() as u64;
        take(self.path, &mut self.file, &mut self.bytes, rest)?;
        let found = self.bytes.len() as u64;
        if found != self.len {
            let source = ContentError::Length { expected: self.len, found };
            return Err(CheckpointError::Content { path: self.path.to_owned(), source });
        }
        Ok(self.bytes)
    }
}

/// Reads the next `count` bytes, or as many as there are.
fn take(path: &Path, file: &mut File, to: &mut Vec<u8>, count: u64) -> Result<(), CheckpointError> {
    let reserved = usize::try_from(count).is_ok_and(|count| to.try_reserve_exact(count).is_ok());
    if !reserved {
        let bytes = usize::try_from(count).unwrap_or(usize::MAX);
        let source = NetError::OutOfMemory { what: "the checkpoint", bytes }.into();
        return Err(CheckpointError::Content { path: path.to_owned(), source });
    }
    file.take(count).read_to_end(to).map(drop).map_err(failed("read", path))
}

/// All bytes of a checkpoint's file. Memory for them is taken only if the header asks for as many as there are.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, CheckpointError> {
    let opened = Opened::new(path)?;
    let checked = Header::new(&opened.header).and_then(Header::check_length);
    checked.map_err(|source| CheckpointError::Content { path: path.to_owned(), source })?;
    opened.all()
}
