//! Memory that a file asks for: more than there is is an error, not an abort.

use std::fs;

use crate::error::TableError;

/// Pieces of memory below this are asked for without a look at what is free.
const SMALL: usize = 64 << 20;

/// Room for so many more.
pub fn reserve<A>(to: &mut Vec<A>, more: usize) -> Result<(), TableError> {
    grow(to.len(), to.capacity(), more, size_of::<A>())?;
    to.try_reserve(more).map_err(|_| no_memory(to.len().saturating_add(more).saturating_mul(size_of::<A>())))
}

/// Room for a text of so many bytes more.
pub fn reserve_text(to: &mut String, more: usize) -> Result<(), TableError> {
    grow(to.len(), to.capacity(), more, 1)?;
    to.try_reserve(more).map_err(|_| no_memory(to.len().saturating_add(more)))
}

/// Refuses a piece of memory that is larger than what is free. An operating system that promises more memory than it has kills the program,
/// or another one, where it should refuse; and a packed file of megabytes can hold terabytes of rows.
fn grow(len: usize, capacity: usize, more: usize, size: usize) -> Result<(), TableError> {
    let needed = len.saturating_add(more);
    if needed <= capacity {
        return Ok(());
    }
    // What a vector asks for when it grows. The old piece is there until the new one is filled.
    let bytes = needed.max(capacity.saturating_mul(2)).saturating_mul(size);
    if bytes > SMALL && free().is_some_and(|free| bytes as u64 > free) {
        return Err(no_memory(bytes));
    }
    Ok(())
}

/// Bytes that the operating system has: on Linux, and no more than a container may take.
fn free() -> Option<u64> {
    let available = in_meminfo(&fs::read_to_string("/proc/meminfo").ok()?)?;
    // They say "max" where there is no limit.
    let number = |path: &str| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let limit = number("/sys/fs/cgroup/memory.max");
    let used = number("/sys/fs/cgroup/memory.current").unwrap_or(0);
    Some(limit.map_or(available, |limit| limit.saturating_sub(used).min(available)))
}

/// "MemAvailable:   24105 kB", in bytes.
fn in_meminfo(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1 << 10)
}

fn no_memory(bytes: usize) -> TableError {
    TableError::Memory { bytes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_no_machine_has_is_an_error() {
        let refused = reserve(&mut Vec::<f64>::new(), usize::MAX / 4).unwrap_err().to_string();
        assert!(refused.contains("could not allocate") && refused.contains("bytes"), "{refused}");
    }

    #[test]
    fn more_than_is_free_is_refused_before_it_is_promised() {
        assert_eq!(in_meminfo("MemTotal: 9 kB\nMemAvailable:     5 kB\n"), Some(5 << 10));
        assert_eq!([in_meminfo("MemTotal: 9 kB"), in_meminfo("MemAvailable: x kB")], [None, None]);
        let Some(free) = free() else { return };
        let more = usize::try_from(free).unwrap().saturating_add(SMALL);
        assert!(matches!(reserve(&mut Vec::<u8>::new(), more), Err(TableError::Memory { .. })));
        assert!(reserve(&mut Vec::<u8>::new(), SMALL / 64).is_ok());
    }
}
