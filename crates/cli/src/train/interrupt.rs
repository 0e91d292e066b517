//! Ctrl-C, and what else asks a program to end (SIGTERM, SIGHUP).

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[cfg(unix)]
use signal_hook::consts::SIGHUP;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::failure::Failure;

/// The exit status of a program that Ctrl-C ended.
const INTERRUPTED: i32 = 130;
/// What asks a program to end.
#[cfg(unix)]
const SIGNALS: [i32; 3] = [SIGINT, SIGTERM, SIGHUP];
/// What asks a program to end.
#[cfg(not(unix))]
const SIGNALS: [i32; 2] = [SIGINT, SIGTERM];

/// Whether the program was asked to end.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Whether it was.
    pub fn asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Watches from now on. Who asks twice does not want to wait for the step: the last checkpoint is whole in any case.
///
/// A signal that the program was started to ignore stays ignored: `nohup` ignores SIGHUP, and a script ignores SIGINT for what it starts in
/// the background.
pub fn watch() -> Result<Interrupt, Failure> {
    let interrupt = Interrupt::default();
    let ignored = Ignored::inherited();
    for signal in SIGNALS.into_iter().filter(|signal| !ignored.has(*signal)) {
        listen(signal, &interrupt).map_err(|error| Failure::Usage(format!("can't watch for Ctrl-C: {error}")))?;
    }
    Ok(interrupt)
}

/// Ends the program where it was asked before, and remembers that it was asked: in this order.
fn listen(signal: i32, Interrupt(asked): &Interrupt) -> io::Result<()> {
    flag::register_conditional_shutdown(signal, INTERRUPTED, Arc::clone(asked))?;
    flag::register(signal, Arc::clone(asked)).map(drop)
}

/// The signals that this process ignores: bit n − 1 for signal n.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ignored(u64);

impl Ignored {
    /// As the kernel says. None, where it does not say it in a file: on Linux it does.
    fn inherited() -> Ignored {
        Ignored::of(&std::fs::read_to_string("/proc/self/status").unwrap_or_default())
    }

    fn of(status: &str) -> Ignored {
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        Ignored(mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0))
    }

    fn has(self, signal: i32) -> bool {
        let bit = u32::try_from(signal).ok().and_then(|signal| signal.checked_sub(1));
        bit.and_then(|bit| self.0.checked_shr(bit)).is_some_and(|rest| rest & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_says_what_is_ignored() {
        // nohup's, with SIGPIPE, which the standard library ignores.
        let ignored = Ignored::of(
            "Name:\tnxm\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000001001\nSigCgt:\t0000000000000440\n",
        );
        assert_eq!(SIGNALS.map(|signal| ignored.has(signal)), SIGNALS.map(|signal| signal == 1));
        assert!(ignored.has(13) && !ignored.has(0) && !ignored.has(-1) && !ignored.has(i32::MAX));
        for nothing in ["", "SigIgn:", "SigIgn:\tx"] {
            assert_eq!(Ignored::of(nothing), Ignored(0));
        }
    }
}
