//! Why a command stops, and the exit status that says so.

use std::fmt;
use std::io;
use std::process::ExitCode;

/// Why a command stops early.
#[derive(Debug)]
pub enum Failure {
    /// The caller asked for something impossible: exit status 2.
    Usage(String),
    /// Something that this program promises does not hold: exit status 1.
    BrokenPromise(String),
    /// The training diverged: exit status 1.
    Diverged(String),
    /// The training was interrupted, and can be resumed: exit status 130, as a shell says of Ctrl-C.
    Interrupted(String),
    /// The output can't be written: exit status 1.
    Output(io::Error),
}

impl Failure {
    /// What an error in what the caller asked for becomes.
    pub fn usage(error: impl fmt::Display) -> Failure {
        Failure::Usage(error.to_string())
    }

    /// Says it on standard error, in one line, and returns the exit status.
    pub fn report(self) -> ExitCode {
        match self {
            Failure::Usage(message) => {
                eprintln!("error: {message}");
                ExitCode::from(2)
            }
            Failure::BrokenPromise(message) => {
                eprintln!("failed: {message}");
                ExitCode::FAILURE
            }
            Failure::Diverged(message) => {
                eprintln!("error: {message}");
                ExitCode::FAILURE
            }
            Failure::Interrupted(message) => {
                eprintln!("{message}");
                ExitCode::from(130)
            }
            // Who reads the output has read enough, as `head` does.
            Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
            Failure::Output(error) => {
                eprintln!("error: writing the output: {error}");
                ExitCode::FAILURE
            }
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Output(error)
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Failure {
        Failure::Output(error.into())
    }
}

impl From<csv::Error> for Failure {
    fn from(error: csv::Error) -> Failure {
        // `io::Error::from` would hide that a pipe is broken.
        Failure::Output(match error.into_kind() {
            csv::ErrorKind::Io(error) => error,
            other => io::Error::other(format!("{other:?}")),
        })
    }
}
