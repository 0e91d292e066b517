//! A child process, executed one instruction at a time.
//!
//! The child is a fork: the same code at the same addresses. It runs the task once, for caches, buffers and lazily resolved functions to
//! be as they will stay, unless the first run is asked for. It raises a signal, runs the task again, and raises the signal again. Between the
//! two signals its parent steps it.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::Error;
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use iced_x86::{Decoder, DecoderOptions};
use libc::{c_int, c_void, pid_t};

use crate::classify::{Class, classify};
use crate::error::AuditError;
use crate::machine::Machine;

/// What `task` executes when it runs for the second time.
///
/// # Errors
/// [`AuditError`] if the system forbids it, if `task` panics or does not end within [`LIMIT`] seconds, or if an instruction is unknown.
///
/// # Safety
/// `task` runs in a fork of this process that has the calling thread alone: all others stand still for ever, with the locks they hold. It must
/// call nothing that may not be called there. Kernels, plain arithmetic and memory from glibc's allocator, which unlocks itself in a fork, may.
/// A task that waits for a lock or another thread is ended after the time limit.
pub unsafe fn trace(task: impl FnMut()) -> Result<Machine, AuditError> {
    // SAFETY: the caller's promise.
    unsafe { run(task, Run::Second, LIMIT) }
}

/// What `task` executes when it runs for the first time, with what only a first run does: it allocates scratch memory, and asks the processor
/// what it has.
///
/// # Errors
/// As [`trace`].
///
/// # Safety
/// As [`trace`].
pub unsafe fn trace_first(task: impl FnMut()) -> Result<Machine, AuditError> {
    // SAFETY: the caller's promise.
    unsafe { run(task, Run::First, LIMIT) }
}

/// Seconds after which a task is taken to wait for something that never comes.
pub const LIMIT: u32 = 600;

/// Which run is stepped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Run {
    First,
    Second,
}

/// # Safety
/// As [`trace`].
unsafe fn run(mut task: impl FnMut(), stepped: Run, limit: u32) -> Result<Machine, AuditError> {
    let _one = OneProcessor::take();
    // SAFETY: the child runs `task`, which the caller knows to need this thread alone, and leaves by `_exit`.
    let child = unsafe { libc::fork() };
    match child {
        -1 => Err(failed("fork")),
        0 => {
            let done = catch_unwind(AssertUnwindSafe(|| be_stepped(&mut task, stepped, limit)));
            // SAFETY: ends the process; nothing of the parent's is run or flushed.
            unsafe { libc::_exit(done.unwrap_or(PANICKED)) }
        }
        _ => Child { pid: child, ended: Cell::new(false) }.step_through(),
    }
}

/// This thread, and so its child, kept on one processor: they take turns, and on two of them would wait for each other's to wake up at
/// every step. What it was allowed before is restored when dropped.
struct OneProcessor(Option<libc::cpu_set_t>);

impl OneProcessor {
    fn take() -> Self {
        let size = size_of::<libc::cpu_set_t>();
        // SAFETY: a set of processors is plain bits, read and written by calls that are told its size; 0 is this thread. If a call
        // fails, nothing has changed, and the audit is slower.
        unsafe {
            let mut before: libc::cpu_set_t = std::mem::zeroed();
            let here = libc::sched_getcpu();
            if here < 0 || libc::sched_getaffinity(0, size, &mut before) != 0 {
                return OneProcessor(None);
            }
            let mut one: libc::cpu_set_t = std::mem::zeroed();
            libc::CPU_SET(here as usize, &mut one);
            OneProcessor((libc::sched_setaffinity(0, size, &one) == 0).then_some(before))
        }
    }
}

impl Drop for OneProcessor {
    fn drop(&mut self) {
        if let Some(before) = self.0 {
            // SAFETY: as above.
            unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &before) };
        }
    }
}

/// Exit status of a child whose task panicked; below it are error numbers, 0 is success.
const PANICKED: c_int = 255;
/// Where the measured part begins and ends.
const MARK: c_int = libc::SIGUSR1;

/// The child's side; returns its exit status.
fn be_stepped(task: &mut impl FnMut(), stepped: Run, limit: u32) -> c_int {
    // SAFETY: the calls only change this process: it dies with its parent, gets a signal when its time is over, and is traced.
    let traced = unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        libc::alarm(limit);
        libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0)
    };
    if traced == -1 {
        return Error::last_os_error().raw_os_error().unwrap_or(libc::EPERM);
    }
    if stepped == Run::Second {
        task();
    }
    mark();
    task();
    mark();
    0
}

/// Stops for the parent.
fn mark() {
    // SAFETY: raising a signal that the tracing parent takes.
    unsafe { libc::raise(MARK) };
}

fn failed(call: &'static str) -> AuditError {
    AuditError::System { call, reason: Error::last_os_error().to_string() }
}

/// The traced process. Killed, and its end awaited, when dropped.
struct Child {
    pid: pid_t,
    /// Whether its end was awaited: then the number may be another process's.
    ended: Cell<bool>,
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.ended.get() {
            // SAFETY: the process is this one's child, whose end was not awaited: the number is still its own.
            unsafe {
                libc::kill(self.pid, libc::SIGKILL);
                libc::waitpid(self.pid, std::ptr::null_mut(), libc::__WALL);
            }
        }
    }
}

impl Child {
    /// Lets it execute one instruction.
    fn step(&self) -> Result<(), AuditError> {
        let none = std::ptr::null_mut::<c_void>();
        // SAFETY: steps the child; no memory is involved.
        match unsafe { libc::ptrace(libc::PTRACE_SINGLESTEP, self.pid, none, none) } {
            -1 => Err(failed("ptrace (step)")),
            _ => Ok(()),
        }
    }

    /// Waits until it stops, and returns the signal.
    fn stopped(&self) -> Result<c_int, AuditError> {
        let mut status = 0;
        // SAFETY: `status` lives as long as the call.
        while unsafe { libc::waitpid(self.pid, &mut status, libc::__WALL) } == -1 {
            if Error::last_os_error().raw_os_error() != Some(libc::EINTR) {
                return Err(failed("waitpid"));
            }
        }
        if libc::WIFSTOPPED(status) {
            return match libc::WSTOPSIG(status) {
                libc::SIGALRM => Err(AuditError::Child { how: "did not end in time".to_owned() }),
                signal => Ok(signal),
            };
        }
        self.ended.set(true);
        let how = match libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status)) {
            Some(PANICKED) => "panicked".to_owned(),
            Some(code) if code != 0 => {
                let reason = Error::from_raw_os_error(code).to_string();
                return Err(AuditError::System { call: "ptrace (trace me)", reason });
            }
            Some(_) => "ended too early".to_owned(),
            None => format!("was ended by signal {}", libc::WTERMSIG(status)),
        };
        Err(AuditError::Child { how })
    }

    /// Address of the next instruction.
    fn address(&self) -> Result<u64, AuditError> {
        // SAFETY: reads a word of the child's registers, returned as the result; the C library keeps the error number apart.
        let address = unsafe {
            *libc::__errno_location() = 0;
            libc::ptrace(libc::PTRACE_PEEKUSER, self.pid, RIP as *mut c_void, std::ptr::null_mut::<c_void>())
        };
        match Error::last_os_error().raw_os_error() {
            Some(0) | None => Ok(address as u64),
            Some(_) => Err(failed("ptrace (registers)")),
        }
    }

    /// Value of a mask register.
    fn mask(&self, number: usize) -> Result<u64, AuditError> {
        let mut area = vec![0u8; 16 << 10];
        let mut part = libc::iovec { iov_base: area.as_mut_ptr().cast(), iov_len: area.len() };
        // SAFETY: the request writes at most `iov_len` bytes to `iov_base`, and the length written to `part`.
        let got =
            unsafe { libc::ptrace(libc::PTRACE_GETREGSET, self.pid, NT_X86_XSTATE as *mut c_void, &raw mut part) };
        if got == -1 {
            return Err(failed("ptrace (extended state)"));
        }
        // Leaf 0xD, sub-leaf 5 says where the eight mask registers are in the state as XSAVE has it.
        #[allow(unused_unsafe, reason = "safe in newer Rust than 1.89")]
        // SAFETY: every x86-64 processor has the instruction.
        let leaf = unsafe { std::arch::x86_64::__cpuid_count(0xD, 5) };
        let start = leaf.ebx as usize + 8 * number;
        let bytes = area[..part.iov_len].get(start..start + 8).and_then(|bytes| bytes.try_into().ok());
        let how = "has no mask registers in its extended state".to_owned();
        bytes.map(u64::from_le_bytes).ok_or(AuditError::Child { how })
    }

    /// From mark to mark.
    fn step_through(self) -> Result<Machine, AuditError> {
        let memory = format!("/proc/{}/mem", self.pid);
        match self.stopped()? {
            MARK => {}
            signal => {
                return Err(AuditError::Child { how: format!("stopped by signal {signal} before it was measured") });
            }
        }
        let memory = File::open(memory)
            .map_err(|error| AuditError::System { call: "open (memory)", reason: error.to_string() })?;
        // Each instruction is decoded once.
        let mut known: HashMap<u64, (Class, u64)> = HashMap::new();
        let mut instructions = 0;
        loop {
            let address = self.address()?;
            let class = match known.get_mut(&address) {
                Some((class, _)) => *class,
                None => {
                    let class = decode(&memory, address)?.1;
                    known.insert(address, (class, 0));
                    class
                }
            };
            if let Class::Operation { count, mask, .. } = class {
                let active = match mask {
                    None => count,
                    Some(number) => (self.mask(number)? & (u64::MAX >> (64 - count))).count_ones(),
                };
                if let Some((_, lanes)) = known.get_mut(&address) {
                    *lanes += u64::from(active);
                }
            }
            instructions += 1;
            self.step()?;
            match self.stopped()? {
                libc::SIGTRAP => {}
                MARK => break,
                signal => return Err(AuditError::Child { how: format!("was stopped by signal {signal}") }),
            }
        }
        let (mut lanes, mut addresses) = (BTreeMap::new(), BTreeSet::new());
        for (address, (class, count)) in known {
            if let Class::Operation { lanes: of, .. } = class {
                let (name, _) = decode(&memory, address)?;
                *lanes.entry((of, name)).or_default() += count;
                addresses.insert(address);
            }
        }
        Ok(Machine { instructions, lanes, addresses })
    }
}

/// Where a process's user area has the address of the next instruction.
const RIP: usize = std::mem::offset_of!(libc::user, regs) + std::mem::offset_of!(libc::user_regs_struct, rip);
/// Extended state, as XSAVE has it (elf.h).
const NT_X86_XSTATE: usize = 0x202;

/// Name and class of the instruction at `address`.
fn decode(memory: &File, address: u64) -> Result<(String, Class), AuditError> {
    // The longest instruction; there may be less before the end of the code.
    let mut bytes = [0; 15];
    let len = memory
        .read_at(&mut bytes, address)
        .map_err(|error| AuditError::System { call: "read (memory)", reason: error.to_string() })?;
    let instruction = Decoder::with_ip(64, &bytes[..len], address, DecoderOptions::NONE).decode();
    let name = format!("{:?}", instruction.mnemonic()).to_lowercase();
    match classify(&instruction) {
        Some(class) if !instruction.is_invalid() => Ok((name, class)),
        _ => Err(AuditError::Unclassified { name, address }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What waits for another thread waits for ever in a fork.
    #[test]
    fn a_task_that_waits_is_ended() {
        let waits = || std::thread::sleep(std::time::Duration::from_secs(3600));
        for stepped in [Run::First, Run::Second] {
            // SAFETY: the task sleeps.
            let error = unsafe { run(waits, stepped, 1) }.unwrap_err();
            assert_eq!(error.to_string(), "the audited process did not end in time");
        }
    }

    #[test]
    fn a_task_that_ends_its_process_is_an_error() {
        // SAFETY: the task ends the child.
        let error = unsafe { run(|| libc::_exit(0), Run::Second, LIMIT) }.unwrap_err();
        assert_eq!(error.to_string(), "the audited process ended too early");
    }
}
