//! The file that predictions are written to: whole, or as it was.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use nxm_data::Foreign;

use crate::failure::Failure;

/// A file that stands beside the one that is meant, until all is written.
pub struct OutFile<'a> {
    /// Takes what is written.
    pub file: File,
    beside: PathBuf,
    path: &'a Path,
}

impl<'a> OutFile<'a> {
    /// Begins to write a file. One of this name is replaced in the end.
    pub fn create(path: &'a Path) -> Result<OutFile<'a>, Failure> {
        match fs::metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(about(path, &error)),
            Ok(found) if found.is_file() => {}
            Ok(_) => {
                let path = Foreign::path(path);
                return Err(Failure::Usage(format!("--out {path} is no regular file: name another one")));
            }
        }
        let mut beside = path.as_os_str().to_owned();
        beside.push(format!(".{}.tmp", std::process::id()));
        let beside = PathBuf::from(beside);
        let file = File::create_new(&beside).map_err(|error| about(path, &error))?;
        Ok(OutFile { file, beside, path })
    }

    /// All is written: the file takes its name.
    pub fn keep(self) -> Result<(), Failure> {
        fs::rename(&self.beside, self.path).map_err(|error| about(self.path, &error))
    }
}

impl Drop for OutFile<'_> {
    fn drop(&mut self) {
        // It is not there any more if it was kept. Another error would hide the one that ended the prediction.
        let _ = fs::remove_file(&self.beside);
    }
}

fn about(path: &Path, error: &io::Error) -> Failure {
    Failure::Usage(format!("can't write {}: {error}", Foreign::path(path)))
}
