//! Ctrl-C, and what else asks a program to end (SIGTERM, SIGHUP).

use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::failure::Failure;

/// The exit status of a program that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

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
pub fn watch() -> Result<Interrupt, Failure> {
    let interrupt = Interrupt::default();
    let asked = interrupt.clone();
    let on_signal = move || {
        if asked.0.swap(true, Ordering::Relaxed) {
            process::exit(INTERRUPTED);
        }
    };
    ctrlc::set_handler(on_signal).map_err(|error| Failure::Usage(format!("can't watch for Ctrl-C: {error}")))?;
    Ok(interrupt)
}
