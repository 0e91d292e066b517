//! Why a command stops, and the exit status that says so.

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use nxm_net::printable;

/// Whether a program reads standard error: then each message is an object of JSON in a line.
static JSON: AtomicBool = AtomicBool::new(false);

/// From now on, messages are objects of JSON.
pub fn say_json() {
    JSON.store(true, Ordering::Relaxed);
}

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

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Usage(message)
            | Failure::BrokenPromise(message)
            | Failure::Diverged(message)
            | Failure::Interrupted(message) => f.write_str(message),
            Failure::Output(error) => error.fmt(f),
        }
    }
}

impl Failure {
    /// What an error in what the caller asked for becomes.
    pub fn usage(error: impl fmt::Display) -> Failure {
        Failure::Usage(error.to_string())
    }

    /// What an error in the arguments becomes.
    pub fn arguments(error: &clap::Error) -> Failure {
        let message = error.render().to_string();
        Failure::Usage(message.strip_prefix("error: ").unwrap_or(&message).trim_end().to_owned())
    }

    /// Says it on standard error and returns the exit status.
    pub fn report(self) -> ExitCode {
        match self {
            Failure::Usage(message) => {
                say("error: ", &message);
                ExitCode::from(2)
            }
            Failure::BrokenPromise(message) => {
                say("failed: ", &message);
                ExitCode::FAILURE
            }
            Failure::Diverged(message) => {
                say("error: ", &message);
                ExitCode::FAILURE
            }
            Failure::Interrupted(message) => {
                // With a command to copy: as long as it is.
                match JSON.load(Ordering::Relaxed) {
                    true => say("interrupted: ", &message),
                    false => drop(writeln!(io::stderr(), "{}", escaped(&message))),
                }
                ExitCode::from(130)
            }
            // Who reads the output has read enough, as `head` does.
            Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
            Failure::Output(error) => {
                say("error: ", &format!("writing the output: {error}"));
                ExitCode::FAILURE
            }
        }
    }
}

/// Says on standard error what is no reason to stop, but should not be overlooked.
pub fn warn(message: &str) {
    say("warning: ", message);
}

/// Says on standard error what somebody may want to know.
pub fn note(message: &str) {
    say("note: ", message);
}

/// Writes a message on standard error. A standard error that takes nothing, a full disk say, is no reason to panic.
fn say(prefix: &str, message: &str) {
    if JSON.load(Ordering::Relaxed) {
        let event = serde_json::json!({ "event": prefix.trim_end_matches(": "), "message": message });
        let _ = writeln!(io::stderr(), "{event}");
        return;
    }
    let _ = writeln!(io::stderr(), "{prefix}{}", on_terminal(message));
}

/// Characters of a message that are shown at most: several names of files, cells and classes, each as long as it may be.
const LONGEST: usize = 2000;

/// A message as a terminal may show it: errors of libraries and of the operating system may repeat foreign texts of any length.
fn on_terminal(message: &str) -> String {
    match message.char_indices().nth(LONGEST) {
        Some((cut, _)) => format!("{}…", escaped(&message[..cut])),
        None => escaped(message),
    }
}

fn escaped(message: &str) -> String {
    let lines: Vec<String> = message.split('\n').map(printable).collect();
    lines.join("\n")
}

impl From<nxm_data::TableError> for Failure {
    fn from(error: nxm_data::TableError) -> Failure {
        Failure::usage(error)
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

#[cfg(test)]
mod tests {
    use super::{LONGEST, on_terminal};

    #[test]
    fn no_message_plays_with_the_terminal() {
        assert_eq!(on_terminal("first \u{1b}[2J\nsecond \u{202e}"), "first \\u{1b}[2J\nsecond \\u{202e}");
        let longest = "é".repeat(LONGEST);
        assert_eq!(
            [on_terminal(&longest), on_terminal(&format!("{longest}x"))],
            [longest.clone(), format!("{longest}…")]
        );
    }
}
