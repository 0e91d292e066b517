//! A training that is interrupted or killed, again and again, ends with the same file as one that is not.
#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::common::{Folder, nxm, printed, threads};
use nxm_kernels::Level;
use nxm_net::Checkpoint;

/// What both runs do: checkpoints within epochs, held-out examples, and a patience that is not used up.
const TRAIN: [&str; 14] = [
    "--epochs",
    "40",
    "--hidden",
    "64",
    "--checkpoint-every",
    "11",
    "--patience",
    "1000",
    "--seed",
    "5",
    "--optimizer",
    "adam",
    "--batch",
    "64",
];

/// Waits until it trains: it listens before it foresees. What it says afterwards nobody reads.
pub fn until_the_forecast(child: &mut Child) {
    let mut lines = BufReader::new(child.stdout.as_mut().expect("a pipe")).lines().map_while(Result::ok);
    // None, if less than two steps are left.
    lines.find(|line| line.starts_with("Forecast") || line.starts_with("On "));
}

#[test]
fn interrupted_and_killed_it_ends_with_the_same_file() {
    let folder = Folder::new("interrupted");
    let (whole, parted) = (folder.name("whole"), folder.name("parted"));
    printed(&[&["train", "--checkpoint", &whole], &TRAIN[..]].concat());

    let levels: Vec<&str> = Level::available().filter(|level| level.shape::<f32>().fused).map(Level::name).collect();
    let (mut interrupted, mut killed) = (0, 0);
    for round in 0.. {
        assert!(round < 500, "it does not end: {interrupted} interrupted, {killed} killed");
        let [level, threads] = [levels[round % levels.len()], threads(1 + round % 4)];
        let mut command = nxm();
        command.args(["train", "--level", level, "--threads", threads]).stdout(Stdio::piped()).stderr(Stdio::piped());
        // The whole command again is allowed, too, as long as it agrees.
        match (round, round % 3) {
            (0, _) => command.args(TRAIN).args(["--checkpoint", &parted]),
            (_, 0) => command.args(TRAIN).args(["--checkpoint", &parted, "--resume", &parted]),
            _ => command.args(["--resume", &parted, "--checkpoint-every", "11"]),
        };
        let mut child = command.spawn().expect("the program starts");
        until_the_forecast(&mut child);
        // Longer and longer, so that it ends where writing is slow, too.
        sleep(Duration::from_millis(2 + 4 * round as u64));
        let signal = ["-INT", "-KILL", "-TERM"][round % 3];
        let _ = Command::new("kill").args([signal, &child.id().to_string()]).stderr(Stdio::null()).status();
        let output = child.wait_with_output().expect("it ends");
        let message = String::from_utf8(output.stderr).expect("UTF-8");
        match output.status.code() {
            Some(0) => break,
            Some(130) => {
                interrupted += 1;
                let steps = Checkpoint::<f32>::load(&parted).expect("a checkpoint").state.optimizer.steps();
                let on = format!("Go on with: nxm train --checkpoint-every 11 --resume {parted}\n");
                assert!(message.starts_with("Interrupted after ") && message.ends_with(&on), "{message}");
                assert!(message.replace(',', "").contains(&format!("after {steps} step")), "{steps}: {message}");
            }
            // By a signal: killed, or asked to end before it listened.
            None => killed += 1,
            Some(code) => panic!("exit status {code}: {message}"),
        }
    }
    assert!(interrupted > 0 && killed > 0, "{interrupted} interrupted, {killed} killed");
    println!("{interrupted} interrupted, {killed} killed");
    let read = |name: &str| std::fs::read(folder.path(name)).expect("a file");
    assert!(read("whole") == read("parted"), "after {interrupted} interrupts and {killed} kills");
    assert!(read("whole.best") == read("parted.best"), "after {interrupted} interrupts and {killed} kills");
}

#[test]
fn without_a_place_it_makes_one() {
    let folder = Folder::new("unnamed");
    let data = folder.write("my flowers.csv", crate::common::flowers(90));
    for name in ["nxm-interrupted.nxm", "nxm-interrupted-2.nxm"] {
        let mut command = nxm();
        command
            .args(["train", &data, "--label", "kind", "--epochs", "200000", "--hidden", "4", "--patience", "0"])
            .current_dir(folder.here());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        until_the_forecast(&mut child);
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs");
        let output = child.wait_with_output().expect("it ends");
        let message = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(130), "{message}");
        assert!(message.contains(&format!("Go on with: nxm train '{data}' --resume {name}")), "{message}");
        assert!(Checkpoint::<f32>::load(folder.path(name)).expect("a checkpoint").state.optimizer.steps() > 0);
    }
}
