//! How much memory examples may take. A packed file of megabytes can hold terabytes of rows, and an operating system that promises more
//! memory than it has kills the program, or another one, where it should refuse.

use std::fs;

use crate::failure::Failure;

/// Bytes of memory that the examples of a file may take once they are read.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    most: u64,
    /// Whether nobody asked for it.
    is_default: bool,
}

/// The share of the free memory that examples may take, unless told. A training on a table takes half as much again for its inputs in f32.
const SHARE_OF_FREE: u64 = 2;

impl Room {
    /// So many bytes; unless told, half of the memory that is free, where the operating system says how much that is.
    pub fn new(asked: Option<u64>) -> Room {
        let most = asked.unwrap_or_else(|| free().map_or(u64::MAX, |free| free / SHARE_OF_FREE));
        Room { most, is_default: asked.is_none() }
    }

    /// Refuses more bytes than there is room for, by the place where they are needed.
    pub fn check(&self, bytes: u64, place: impl FnOnce() -> String) -> Result<(), Failure> {
        if bytes <= self.most {
            return Ok(());
        }
        let (place, most) = (place(), self.most);
        let whose = if self.is_default { ", half of what is free" } else { "" };
        Err(Failure::Usage(format!(
            "{place}: the examples take {bytes} bytes of memory up to here, and may take {most}{whose}: if that is right, raise --max-data"
        )))
    }
}

/// Bytes that the operating system would give: on Linux, and no more than a container has.
fn free() -> Option<u64> {
    let available = in_meminfo(&fs::read_to_string("/proc/meminfo").ok()?)?;
    // Says "max" where there is no limit.
    let limit = fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let limit = limit.and_then(|limit| limit.trim().parse().ok());
    Some(limit.map_or(available, |limit: u64| limit.min(available)))
}

/// "MemAvailable:   24105 kB", in bytes.
fn in_meminfo(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1 << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_memory_is_read() {
        assert_eq!(in_meminfo("MemTotal:  9 kB\nMemAvailable:      24105 kB\nBuffers: 1 kB\n"), Some(24105 << 10));
        for none in
            ["", "MemTotal: 9 kB", "MemAvailable: x kB", "MemAvailable: 1", &format!("MemAvailable: {} kB", u64::MAX)]
        {
            assert_eq!(in_meminfo(none), None, "{none}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn memory_is_bounded_unless_told() {
        let Err(Failure::Usage(message)) = Room::new(None).check(1 << 50, || "here".to_owned()) else { panic!() };
        assert!(message.starts_with("here: ") && message.contains("half of what is free"), "{message}");
        let asked = Room::new(Some(5));
        assert!(asked.check(5, String::new).is_ok());
        let Err(Failure::Usage(message)) = asked.check(6, String::new) else { panic!() };
        assert!(message.contains("take 6 bytes") && message.contains("may take 5:"), "{message}");
    }
}
