//! What stands where a checkpoint is written: pipes, links, files with a mode, and files of others.

use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use nxm_net::{Checkpoint, open_file};

use crate::checkpoint::{Folder, small};

/// How long a test waits before it says that something waits for ever.
const PATIENCE: Duration = Duration::from_secs(60);

/// What `run` returns, unless it waits for ever.
pub fn without_waiting<A: Send + 'static>(run: impl FnOnce() -> A + Send + 'static) -> A {
    let (done, wait) = mpsc::channel();
    std::thread::spawn(move || done.send(run()));
    wait.recv_timeout(PATIENCE).expect("it does not wait for ever")
}

pub fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
#[cfg(unix)]
fn pipes_are_not_waited_for() {
    let folder = Folder::new("pipes");
    let path = folder.path().join("run");
    // As one that a killed writer left, and as earlier versions named it.
    let left = ["run.nxm-0123456789abcdef.tmp", "run.1.tmp", "run.1-0.tmp"].map(|name| folder.path().join(name));
    left.iter().for_each(|path| pipe(path));
    let to = path.clone();
    without_waiting(move || small::<f32>().save(to)).unwrap();
    assert_eq!(Checkpoint::load(&path).unwrap(), small::<f32>());
    assert!(left.iter().all(|path| path.exists()));
    // Read by name.
    let from = left[0].clone();
    let error = without_waiting(move || Checkpoint::<f32>::load(from)).unwrap_err().to_string();
    assert!(error.contains("a pipe or a device, and not a regular file"), "{error}");
    let error = open_file(folder.path()).unwrap_err().to_string();
    assert!(error.contains("a directory, and not a regular file"), "{error}");
}

#[test]
#[cfg(unix)]
fn the_mode_stays() {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new("mode");
    let path = folder.path().join("run");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    // What the umask gives to a new file, it gives to a new checkpoint.
    let probe = folder.path().join("probe");
    fs::write(&probe, b"").unwrap();
    small::<f32>().save(&path).unwrap();
    assert_eq!(mode(&path), mode(&probe));
    for kept in [0o600, 0o640, 0o400, 0o666, 0o604] {
        fs::set_permissions(&path, Permissions::from_mode(kept)).unwrap();
        small::<f32>().save(&path).unwrap();
        assert_eq!(format!("{:o}", mode(&path)), format!("{kept:o}"));
    }
}

#[test]
#[cfg(unix)]
fn links_stay() {
    use std::fs;
    use std::os::unix::fs::symlink;
    let folder = Folder::new("links");
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("far")).unwrap();
    // A link to a link to a file that is not there yet, by a relative and by an absolute path.
    symlink("far/middle", at("link")).unwrap();
    symlink(at("far/run"), at("far/middle")).unwrap();
    for _ in 0..2 {
        small::<f32>().save(at("link")).unwrap();
        assert!(fs::symlink_metadata(at("link")).unwrap().is_symlink());
        assert!(fs::symlink_metadata(at("far/middle")).unwrap().is_symlink());
        assert!(fs::symlink_metadata(at("far/run")).unwrap().is_file());
        assert_eq!(Checkpoint::load(at("link")).unwrap(), small::<f32>());
    }
    assert_eq!(folder.names(), ["far", "link"]);
    // A ring.
    symlink(at("two"), at("one")).unwrap();
    symlink(at("one"), at("two")).unwrap();
    let error = Checkpoint::<f32>::load(at("one")).unwrap_err().to_string();
    assert!(error.starts_with("can't open ") && error.contains("one"), "{error}");
}
