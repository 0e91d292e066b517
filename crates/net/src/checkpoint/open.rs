//! Opens the program's own files: never waits, and takes nothing but regular files.
//!
//! A pipe would wait for a writer, a terminal for its user, and some devices act when they are opened.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

/// Opens a regular file to read it, or the one that a symbolic link leads to. Never waits.
///
/// # Errors
/// What the operating system says; and [`io::ErrorKind::InvalidInput`] if a pipe, a folder, a device or a socket stands there.
///
/// ```
/// assert!(nxm_net::open_file(std::env::temp_dir()).is_err());
/// ```
pub fn open_file(path: impl AsRef<Path>) -> io::Result<File> {
    open_with(path.as_ref(), File::options().read(true))
}

/// The same in another way, to write or to create it, say.
pub(super) fn open_with(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    // Looked at first, because some devices act when they are opened. What does not exist may be created.
    if let Ok(metadata) = fs::metadata(path) {
        check_regular(&metadata)?;
    }
    let file = without_waiting(options).open(path)?;
    // Something else may stand there by now.
    check_regular(&file.metadata()?)?;
    Ok(file)
}

fn check_regular(metadata: &Metadata) -> io::Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    let found = if metadata.is_dir() { "a directory" } else { "a pipe or a device" };
    Err(io::Error::new(io::ErrorKind::InvalidInput, format!("it is {found}, and not a regular file")))
}

/// Adds `O_NONBLOCK`, which regular files ignore. The crate `libc` has the number, and is a dependency more.
#[cfg(unix)]
fn without_waiting(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    options.custom_flags(O_NONBLOCK)
}

/// Elsewhere a path of a pipe does not look like that of a file.
#[cfg(not(unix))]
fn without_waiting(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// Linux, but for three old architectures.
#[cfg(all(
    any(target_os = "linux", target_os = "android"),
    not(any(target_arch = "mips", target_arch = "mips64", target_arch = "sparc", target_arch = "sparc64"))
))]
const O_NONBLOCK: i32 = 0o4000;
/// Everything that descends from BSD.
#[cfg(any(
    target_vendor = "apple",
    target_os = "freebsd",
    target_os = "openbsd",
    target_os = "netbsd",
    target_os = "dragonfly"
))]
const O_NONBLOCK: i32 = 4;
/// Elsewhere the look before the opening must do.
#[cfg(all(
    unix,
    not(any(
        all(
            any(target_os = "linux", target_os = "android"),
            not(any(target_arch = "mips", target_arch = "mips64", target_arch = "sparc", target_arch = "sparc64"))
        ),
        target_vendor = "apple",
        target_os = "freebsd",
        target_os = "openbsd",
        target_os = "netbsd",
        target_os = "dragonfly"
    ))
))]
const O_NONBLOCK: i32 = 0;
