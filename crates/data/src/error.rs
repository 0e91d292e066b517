//! What can be wrong with data, and where.

use std::io;

use thiserror::Error;

/// What is wrong with a file, a table or what is asked of it.
#[derive(Debug, Error)]
pub enum TableError {
    /// What the operating system says, or a damaged packed file.
    #[error("can't read {name}: {error}")]
    Io {
        /// The file.
        name: String,
        /// What it says.
        error: io::Error,
    },
    /// A text, a file or a cell that is not what is needed. The message names the place, what stands there and what is expected.
    #[error("{0}")]
    Content(String),
    /// Something is asked for that the table does not have. The message names it, and what the table has.
    #[error("{0}")]
    Request(String),
    /// The operating system gives no more.
    #[error("could not allocate {bytes} bytes for the table")]
    Memory {
        /// What was asked for.
        bytes: usize,
    },
    /// The network can't be trained or run.
    #[error(transparent)]
    Net(#[from] nxm_net::NetError),
}
