//! Reads a checkpoint's file: its header, then all of it, with no more memory than it has bytes.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::container::{FileHeader, Header, WORD, header_length};
use super::error::{CheckpointError, ContentError};
use super::open::open_file;
use super::place::failed;
use crate::error::NetError;
use crate::known_format::KnownFormat;

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
    /// Opens a file and reads its header, and next to nothing behind that. What is no file (a folder, a pipe, a device) is not opened: that
    /// might wait for ever.
    pub(super) fn new(path: &'a Path) -> Result<Self, CheckpointError> {
        let content = |source| CheckpointError::Content { path: path.to_owned(), source };
        let mut file = open_file(path).map_err(failed("open", path))?;
        let len = file.metadata().map_err(failed("read", path))?.len();
        let mut bytes = Vec::new();
        // Enough to tell what else it may be.
        take(path, &mut file, &mut bytes, len.min(KnownFormat::LOOK as u64))?;
        let header = WORD.saturating_add(header_length(&bytes, len).map_err(content)?);
        let rest = header.saturating_sub(bytes.len());
        take(path, &mut file, &mut bytes, rest as u64)?;
        let header = FileHeader::from_start(&bytes, len).map_err(content)?;
        Ok(Opened { path, file, len, bytes, header })
    }

    /// All bytes of the file.
    pub(super) fn all(mut self) -> Result<Vec<u8>, CheckpointError> {
        let rest = self.len.saturating_sub(self.bytes.len() as u64);
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
