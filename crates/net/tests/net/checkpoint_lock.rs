//! A run has its checkpoints alone, and touches no file that it did not write.

use std::num::NonZeroUsize;
use std::path::Path;

use nxm_net::{CheckpointError, Checkpoints, LockedCheckpoints, Optimizer, Training};

use crate::checkpoint::Folder;
use crate::checkpoint_files::{pipe, without_waiting};
use crate::resume::{job, steps};
use crate::support::cpu;

fn keep(path: &Path, count: usize) -> Checkpoints {
    Checkpoints::new(path, NonZeroUsize::new(count).unwrap())
}

/// Takes so many steps from the beginning, and saves after each.
fn train(run: &mut LockedCheckpoints, count: usize) -> Result<(), CheckpointError> {
    let (mut network, data, options) = job::<f32>(Optimizer::adam(0.01), None);
    let executor = cpu();
    let mut training = Training::new(&mut network, &executor, &data, options).unwrap();
    (0..count).try_for_each(|_| {
        steps(&mut training, 1);
        run.save(&training)?;
        run.save_best(&training.checkpoint())
    })
}

fn assert_not_ours(result: Result<(), CheckpointError>, path: &Path) {
    match result {
        Err(CheckpointError::NotOurs { path: named }) => assert_eq!(named, path),
        other => panic!("{other:?}, and {} is not ours", path.display()),
    }
}

#[test]
fn a_second_run_is_refused_with_the_process_of_the_first() {
    let folder = Folder::new("locked");
    let at = |name: &str| folder.path().join(name);
    let first = keep(&at("run"), 1).lock().unwrap();
    let refused = keep(&at("run"), 3).lock().unwrap_err();
    assert!(matches!(refused, CheckpointError::Locked { process, .. } if process == Some(std::process::id())));
    let said = format!("run is in use: process {} trains with it", std::process::id());
    assert!(refused.to_string().contains(&said), "{refused}");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("run", at("link")).unwrap();
        assert!(matches!(keep(&at("link"), 1).lock(), Err(CheckpointError::Locked { .. })));
        std::fs::remove_file(at("link")).unwrap();
    }
    drop(first);
    assert!(folder.names().is_empty());
    drop(keep(&at("run"), 1).lock().unwrap());
    // What a killed run left is no lock.
    std::fs::write(at("run.lock"), "nxm lock 1, process 0000000001\n").unwrap();
    drop(keep(&at("run"), 1).lock().unwrap());
    // Nor are the files that it was writing.
    for name in ["run.nxm-0123456789abcdef.tmp", "run.best.nxm-0123456789abcdef.tmp"] {
        std::fs::write(at(name), b"").unwrap();
    }
    // Not even half of it.
    std::fs::write(at("run.lock"), "nxm lock 1, proc").unwrap();
    drop(keep(&at("run"), 1).lock().unwrap());
    assert!(folder.names().is_empty());
}

#[test]
fn a_lock_of_something_else_stays() {
    let folder = Folder::new("foreign-lock");
    let path = folder.path().join("run");
    for content in [&b"something of value"[..], b"\xff\x00", b"nxm lock 1, process x000000001\n"] {
        std::fs::write(folder.path().join("run.lock"), content).unwrap();
        assert_not_ours(keep(&path, 1).lock().map(drop), &folder.path().join("run.lock"));
        assert_eq!(std::fs::read(folder.path().join("run.lock")).unwrap(), content);
    }
    #[cfg(unix)]
    {
        std::fs::remove_file(folder.path().join("run.lock")).unwrap();
        pipe(&folder.path().join("run.lock"));
        let error = without_waiting(move || keep(&path, 1).lock().map(drop)).unwrap_err().to_string();
        assert!(error.contains("run.lock") && error.contains("not a regular file"), "{error}");
    }
}

#[test]
fn files_of_others_are_not_moved() {
    let folder = Folder::new("of-others");
    let at = |name: &str| folder.path().join(name);
    let value = b"something of value";
    // A new run begins where nothing is.
    for name in ["run", "run.1", "run.2", "run.best"] {
        std::fs::write(at(name), value).unwrap();
        let error = keep(&at("run"), 3).lock().unwrap().begin().unwrap_err();
        assert!(matches!(&error, CheckpointError::Taken { path } if *path == at(name)), "{error}");
        std::fs::remove_file(at(name)).unwrap();
    }
    std::fs::write(at("run.3"), value).unwrap();
    let mut run = keep(&at("run"), 3).lock().unwrap();
    run.begin().unwrap();
    train(&mut run, 1).unwrap();
    drop(run);

    // A copy of the user's is no file of the run, even where it would have the name of one.
    for name in ["run.1", "run.2"] {
        std::fs::copy(at("run"), at(name)).unwrap();
        let before = std::fs::read(at("run")).unwrap();
        let mut run = keep(&at("run"), 3).lock().unwrap();
        assert_not_ours(run.go_on(true), &at(name));
        // It may also come while the run goes on.
        assert_not_ours(train(&mut run, 3), &at(name));
        assert_eq!(std::fs::read(at(name)).unwrap(), before, "{name}");
        drop(run);
        std::fs::remove_file(at(name)).unwrap();
        // Kept alone, it is not looked at.
        std::fs::write(at(name), value).unwrap();
        keep(&at("run"), 1).lock().unwrap().go_on(false).unwrap();
        std::fs::remove_file(at(name)).unwrap();
    }
    // What the run wrote it moves, in the next process too; but not what was put in its place.
    let mut run = keep(&at("run"), 3).lock().unwrap();
    run.go_on(true).unwrap();
    std::fs::remove_file(at("run.2")).unwrap_or_default();
    train(&mut run, 3).unwrap();
    drop(run);
    let mut run = keep(&at("run"), 3).lock().unwrap();
    run.go_on(true).unwrap();
    train(&mut run, 2).unwrap();
    for name in ["run.1", "run.2", "run.best"] {
        let own = std::fs::read(at(name)).unwrap();
        std::fs::write(at(name), value).unwrap();
        assert_not_ours(run.go_on(true), &at(name));
        assert_not_ours(train(&mut run, 1), &at(name));
        assert_eq!(std::fs::read(at(name)).unwrap(), value);
        std::fs::write(at(name), own).unwrap();
    }
    assert_eq!(std::fs::read(at("run.3")).unwrap(), value);
    let written = ["run", "run.1", "run.2", "run.3", "run.best", "run.lock"];
    assert_eq!(folder.names(), written);
}

#[test]
#[cfg(unix)]
fn a_pipe_in_the_place_of_an_older_one_is_refused() {
    let folder = Folder::new("older-pipe");
    let (path, older) = (folder.path().join("run"), folder.path().join("run.1"));
    let mut run = keep(&path, 2).lock().unwrap();
    train(&mut run, 3).unwrap();
    std::fs::remove_file(&older).unwrap();
    pipe(&older);
    let before = std::fs::read(&path).unwrap();
    assert_not_ours(without_waiting(move || train(&mut run, 1)), &older);
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn an_older_one_that_is_resumed_has_a_run_of_its_own() {
    let folder = Folder::new("branch");
    let at = |name: &str| folder.path().join(name);
    let mut run = keep(&at("run"), 3).lock().unwrap();
    train(&mut run, 3).unwrap();
    // As long as the run may move it, nobody else may write it.
    for name in ["run.1", "run.2", "run.best"] {
        let error = keep(&at(name), 1).lock().unwrap_err();
        assert!(matches!(&error, CheckpointError::Locked { path, .. } if *path == at(name)), "{error}");
    }
    drop(keep(&at("run.3"), 1).lock().unwrap());
    drop(run);
    let mut branch = keep(&at("run.1"), 1).lock().unwrap();
    branch.go_on(false).unwrap();
    let mut run = keep(&at("run"), 3).lock().unwrap();
    assert_not_ours(run.go_on(true), &at("run.1"));
    // The others are still the run's.
    std::fs::rename(at("run.1"), at("branch")).unwrap();
    run.go_on(true).unwrap();
    train(&mut run, 3).unwrap();
}

#[test]
#[cfg(unix)]
fn the_best_one_is_for_those_who_may_read_the_newest() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new("best-mode");
    let at = |name: &str| folder.path().join(name);
    let mut run = keep(&at("run"), 2).lock().unwrap();
    train(&mut run, 1).unwrap();
    std::fs::remove_file(at("run.best")).unwrap();
    std::fs::set_permissions(at("run"), std::fs::Permissions::from_mode(0o600)).unwrap();
    train(&mut run, 2).unwrap();
    for name in ["run", "run.1", "run.best"] {
        assert_eq!(std::fs::metadata(at(name)).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
    }
}

#[test]
fn more_may_be_kept_than_anyone_counts_to() {
    let folder = Folder::new("many");
    let path = folder.path().join("run");
    let mut run = keep(&path, usize::MAX).lock().unwrap();
    run.begin().unwrap();
    train(&mut run, 5).unwrap();
    let count = run.checkpoints().paths().take(10).filter(|path| path.exists()).count();
    assert_eq!(count, 5);
    assert!(run.checkpoints().load_newest::<f32>().is_ok());
    std::fs::remove_file(&path).unwrap();
    let (newest, checkpoint) = run.checkpoints().load_newest::<f32>().unwrap();
    assert_eq!((newest, checkpoint.state.optimizer.steps()), (folder.path().join("run.1"), 4));
    // A save that is timed leaves nothing.
    let (mut network, data, options) = job::<f32>(Optimizer::adam(0.01), None);
    let executor = cpu();
    let training = Training::new(&mut network, &executor, &data, options).unwrap();
    let before = folder.names();
    assert!(!run.time_a_save(&training).unwrap().is_zero());
    assert_eq!(folder.names(), before);
}
