//! Checkpoints from process to process: resumed in a new one, killed at any moment, out of space.
//!
//! A test that needs another process runs itself again, with the folder they share in an environment variable.

use std::io::{BufRead, BufReader, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use nxm_kernels::{Cpu, Element};
use nxm_net::{Checkpoint, CheckpointError, Checkpoints, Dataset, Network, Optimizer, Training, TrainingOptions};

use crate::checkpoint::Folder;
use crate::resume::{job, steps};
use crate::support::{cpu, fused_levels, optimizers};

const FOLDER: &str = "NXM_TEST_FOLDER";

/// The folder, if this process is the second one.
fn second_process() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}

/// This test of this file in another process; `before` is what runs it.
fn itself(before: Option<Command>, test: &str, folder: &Path) -> Command {
    let program = std::env::current_exe().unwrap();
    let mut command = match before {
        None => Command::new(program),
        Some(mut before) => {
            before.arg(program);
            before
        }
    };
    command.args(["--exact", &format!("checkpoint_processes::{test}"), "--nocapture", "--test-threads=1"]);
    command.env(FOLDER, folder);
    command
}

/// Trains on from each of `names`' files, each time at another level and on another number of threads.
fn go_on<T: Element>(folder: &Path, name: &str, from: usize, executor: &Cpu) {
    let (_, data, _) = job::<T>(Optimizer::default(), None);
    let mut checkpoint = Checkpoint::<T>::load(folder.join(name)).unwrap();
    let mut training = checkpoint.resume(executor, &data).unwrap();
    assert_eq!(training.steps(), from);
    steps(&mut training, 40 - from);
    training.save(folder.join(name)).unwrap();
}

fn begin<T: Element>(optimizer: Optimizer, clip_norm: Option<f64>, count: usize, path: &Path) {
    let (mut network, data, options) = job::<T>(optimizer, clip_norm);
    let executor = cpu();
    let mut training = Training::new(&mut network, &executor, &data, options).unwrap();
    steps(&mut training, count);
    training.save(path).unwrap();
}

#[test]
fn twenty_steps_and_twenty_in_a_new_process_are_forty() {
    // 20 steps are 3 epochs and 2 steps; 18 are 3 epochs.
    let cuts = [20, 18, 0];
    let files = |folder: &Path, run: &mut dyn FnMut(Optimizer, Option<f64>, usize, String)| {
        assert!(folder.is_dir());
        for (i, optimizer) in optimizers().into_iter().enumerate() {
            let clip_norm = (i % 2 == 0).then_some(0.05);
            for cut in cuts {
                run(optimizer, clip_norm, cut, format!("{i}-{cut}"));
            }
        }
    };
    if let Some(folder) = second_process() {
        let executors: Vec<Cpu> = fused_levels().into_iter().zip([3, 2, 8, 1]).map(|(l, t)| Cpu::new(l, t)).collect();
        let mut executors = executors.iter().cycle();
        files(&folder, &mut |_, _, cut, name| {
            go_on::<f32>(&folder, &format!("{name}-f32"), cut, executors.next().unwrap());
            go_on::<f64>(&folder, &format!("{name}-f64"), cut, executors.next().unwrap());
        });
        return;
    }
    let folder = Folder::new("forty");
    let path = |name: &str| folder.path().join(name);
    files(folder.path(), &mut |optimizer, clip_norm, cut, name| {
        begin::<f32>(optimizer, clip_norm, cut, &path(&format!("{name}-f32")));
        begin::<f64>(optimizer, clip_norm, cut, &path(&format!("{name}-f64")));
    });
    let output = itself(None, "twenty_steps_and_twenty_in_a_new_process_are_forty", folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    files(folder.path(), &mut |optimizer, clip_norm, _, name| {
        begin::<f32>(optimizer, clip_norm, 40, &path("whole-f32"));
        begin::<f64>(optimizer, clip_norm, 40, &path("whole-f64"));
        for element in ["f32", "f64"] {
            let [parted, whole] = [format!("{name}-{element}"), format!("whole-{element}")]
                .map(|name| std::fs::read(path(&name)).unwrap());
            assert_eq!(parted, whole, "{optimizer:?}, {name}, {element}");
        }
    });
}

/// A run without an end, that writes a checkpoint after every step.
fn endless() -> (Network<f32>, Dataset<f32>, TrainingOptions) {
    let (network, data, options) = job(Optimizer::adam(0.001), None);
    (network, data, options.with_epochs(1_000_000))
}

fn kept(folder: &Path) -> Checkpoints {
    Checkpoints::new(folder.join("run"), NonZeroUsize::new(3).unwrap())
}

/// Goes on from the newest checkpoint, if there is one, and says after each step's save which step it was; until it is killed.
fn train_and_save(folder: &Path) {
    let (mut network, data, options) = endless();
    let executor = cpu();
    let checkpoints = kept(folder);
    let mut run = checkpoints.lock().unwrap();
    run.go_on(true).unwrap();
    let mut newest = checkpoints.load_newest().ok().map(|(_, checkpoint)| checkpoint);
    let mut training = match &mut newest {
        Some(checkpoint) => checkpoint.resume(&executor, &data).unwrap(),
        None => Training::new(&mut network, &executor, &data, options).unwrap(),
    };
    loop {
        steps(&mut training, 1);
        run.save(&training).unwrap();
        let mut out = std::io::stdout();
        writeln!(out, "\nsaved {}", training.steps()).and_then(|()| out.flush()).unwrap();
    }
}

#[test]
fn killed_at_any_moment_a_whole_checkpoint_is_there() {
    if let Some(folder) = second_process() {
        train_and_save(&folder);
    }
    const ROUNDS: u64 = 200;
    let folder = Folder::new("killed");
    let checkpoints = kept(folder.path());
    let path = folder.path().join("run");
    let (mut reached, mut in_between) = (0, 0);
    for round in 0..ROUNDS {
        let mut child = itself(None, "killed_at_any_moment_a_whole_checkpoint_is_there", folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Some microseconds after its first save: without a pattern, but the same in every run.
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut saved =
            lines.by_ref().filter_map(|line| line.strip_prefix("saved ").map(|n| n.parse::<usize>().unwrap()));
        let first = saved.next().expect("a save");
        assert_eq!(first, reached + 1, "round {round} goes on where the round before was killed");
        std::thread::sleep(Duration::from_micros(round.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 51)); // up to 8 ms
        child.kill().unwrap();
        let last = saved.last().unwrap_or(first);
        child.wait().unwrap();

        let (newest, checkpoint) = checkpoints.load_newest::<f32>().unwrap();
        assert_eq!(newest, path, "round {round}");
        reached = checkpoint.state.optimizer.steps() as usize;
        assert!(reached == last || reached == last + 1, "round {round}: {last} was saved, {reached} is there");
        let others = folder.names().into_iter().filter(|name| name.ends_with(".tmp")).count();
        assert!(others <= 1, "round {round}: {:?}", folder.names());
        in_between += others;
    }
    println!("{ROUNDS} rounds, {in_between} killed while a file was being written, {reached} steps");
    assert!(in_between > 0, "no round was killed while a file was being written");

    // Killed so often, it is where it would be without.
    let (mut network, data, options) = endless();
    let executor = cpu();
    let mut training = Training::new(&mut network, &executor, &data, options).unwrap();
    steps(&mut training, reached);
    let whole = folder.path().join("whole");
    training.save(&whole).unwrap();
    assert!(std::fs::read(&path).unwrap() == std::fs::read(&whole).unwrap());
}

/// A file may not grow beyond a limit: the same to a writer as a disk without space, without a disk of one's own.
#[test]
#[cfg(target_os = "linux")]
fn without_space_the_old_checkpoint_stays() {
    let (mut network, data, options) = job::<f32>(Optimizer::adam(0.01), None);
    let executor = cpu();
    let mut training = Training::new(&mut network, &executor, &data, options).unwrap();
    steps(&mut training, 2);
    if let Some(folder) = second_process() {
        steps(&mut training, 1);
        let path = folder.join("run");
        for _ in 0..2 {
            match training.save(&path).unwrap_err() {
                CheckpointError::Io { action: "write", path: named, source } => {
                    assert_eq!(named, path);
                    assert_eq!(source.kind(), std::io::ErrorKind::FileTooLarge);
                }
                other => panic!("{other}"),
            }
        }
        return;
    }
    let folder = Folder::new("without-space");
    let path = folder.path().join("run");
    training.save(&path).unwrap();
    let before = std::fs::read(&path).unwrap();
    assert!(before.len() > 1024);
    let mut shell = Command::new("sh");
    // The signal that would end the program is ignored: then the system call fails. The limit is one or two kibibytes.
    shell.args(["-c", r#"trap "" XFSZ; ulimit -f 1; exec "$0" "$@""#]);
    let output = itself(Some(shell), "without_space_the_old_checkpoint_stays", folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(folder.names(), ["run"]);
}
