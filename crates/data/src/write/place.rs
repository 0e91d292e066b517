//! Whether a file can be written, before hours are spent on what is to be written.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;

/// Names that are tried.
const ATTEMPTS: u32 = 100;

/// Fails if no file can be made in a folder. It makes an empty one, and removes it.
pub(crate) fn takes_files(folder: &Path) -> io::Result<()> {
    // The parent of a bare name.
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    for attempt in 0..ATTEMPTS {
        let path = folder.join(format!(".nxm-{}-{attempt}.tmp", std::process::id()));
        match File::create_new(&path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
            made => {
                made?;
                return fs::remove_file(&path);
            }
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_of_the_attempt() {
        let folder = std::env::temp_dir().join(format!("nxm-place-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        takes_files(&folder).unwrap();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        assert_eq!(takes_files(&folder.join("none")).unwrap_err().kind(), ErrorKind::NotFound);
        fs::remove_dir(&folder).unwrap();
    }
}
