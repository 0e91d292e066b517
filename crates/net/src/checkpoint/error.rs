//! What can be wrong with a checkpoint, and with the file it is in.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::error::NetError;
use crate::known_format::KnownFormat;
use crate::text::printable;

/// A checkpoint that can't be written or read: which file, and why.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The operating system refused.
    #[error("can't {action} {}: {source}", printable(&path.to_string_lossy()))]
    Io {
        /// "open", "read", "write", …
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another run writes this checkpoint.
    #[error(
        "{} is in use: {} trains with it; wait until that has ended, or name another file",
        printable(&path.to_string_lossy()),
        process.map_or("another process".to_owned(), |process| format!("process {process}"))
    )]
    Locked {
        /// The checkpoint.
        path: PathBuf,
        /// The process that has it, where the system lets others read that.
        process: Option<u32>,
    },
    /// A file stands where a new run would write.
    #[error("{} is there already", printable(&path.to_string_lossy()))]
    Taken {
        /// The file.
        path: PathBuf,
    },
    /// A file stands where a run would write, and the run did not write it.
    #[error(
        "{} is there, and this training did not write it: move it away, or name another checkpoint",
        printable(&path.to_string_lossy())
    )]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// What is in the file, or was to be written there, is not a checkpoint that can be resumed.
    #[error("{}: {source}", printable(&path.to_string_lossy()))]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: ContentError,
    },
}

/// Bytes that are not a checkpoint, or a training that can't be one.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum ContentError {
    /// Fewer or more bytes than it says itself.
    #[error("{found} bytes, and {expected} are needed: it is cut off, or something was added to it")]
    Length {
        /// Bytes that its header asks for; at least so many, if there is no whole header.
        expected: u64,
        /// Bytes there are.
        found: u64,
    },
    /// A file of something else, which its first bytes tell.
    #[error("it is {found}, and a checkpoint of nxm or a safetensors file is needed{}", advice(*found))]
    Foreign {
        /// What it is.
        found: KnownFormat,
    },
    /// A header that is longer than any checkpoint's.
    #[error("a header of {found} bytes: at most {most} are allowed")]
    HeaderLength {
        /// The longest that is read or written.
        most: u64,
        /// What it says, or would be.
        found: u64,
    },
    /// A header that is none of safetensors.
    #[error("its header is not one of safetensors: {reason}")]
    Header {
        /// What is wrong with it.
        reason: String,
    },
    /// A file of something else.
    #[error("it is not a checkpoint of nxm")]
    NotACheckpoint,
    /// Bytes that changed since they were written.
    #[error("its checksum is {found:016x}, and its bytes have {expected:016x}: it is damaged")]
    Checksum {
        /// The checksum of the bytes.
        expected: u64,
        /// The checksum in the file.
        found: u64,
    },
    /// A format that was not there yet when this program was written.
    #[error("its format is version {found}, and this program reads versions 1 to {newest}: a newer program is needed")]
    Version {
        /// The newest version this program reads.
        newest: u64,
        /// The version of the file.
        found: u64,
    },
    /// Another element type than was asked for.
    #[error("its numbers are {found}, and {expected} was asked for")]
    Element {
        /// "f32" or "f64".
        expected: &'static str,
        /// What the file says.
        found: String,
    },
    /// A field that is missing, or says what it can't.
    #[error("its field {name:?} is {found}: {expected} is needed")]
    Field {
        /// The field.
        name: String,
        /// What it must be.
        expected: String,
        /// What it is, or "missing".
        found: String,
    },
    /// A tensor that is missing, is one too many, or has another type, shape or place than the network and optimizer ask for.
    #[error("its tensor {name:?} is {found}: {expected} is needed")]
    Tensor {
        /// The tensor.
        name: String,
        /// Type, shape and place that it must have.
        expected: String,
        /// What it has, or "missing".
        found: String,
    },
    /// Network, options and state that do not fit together, or hold a number that is not finite.
    #[error("it can't be resumed: {0}")]
    Training(#[from] NetError),
}

/// How to make a file of safetensors of it.
fn advice(found: KnownFormat) -> &'static str {
    match found {
        KnownFormat::PyTorch | KnownFormat::Pickle => ": safetensors.torch.save_file writes one",
        KnownFormat::Npy | KnownFormat::Npz => ": safetensors.numpy.save_file writes one",
        KnownFormat::Gzip | KnownFormat::Zip | KnownFormat::Bzip2 | KnownFormat::Xz | KnownFormat::Zstd => {
            ": unpack it first"
        }
        _ => "",
    }
}

/// So many characters of something that a file says are enough to find it there; a file may say megabytes.
const EXCERPT: usize = 200;

/// The beginning of a text that is to stand in an error as it is: what a terminal would obey is escaped.
pub(super) fn excerpt(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(EXCERPT) {
        text.truncate(end);
        text.push('…');
    }
    printable(&text)
}
