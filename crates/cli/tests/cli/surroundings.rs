//! What surrounds the program: outputs that nobody reads, signals that are ignored, variables of libraries.
#![cfg(target_os = "linux")]

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::common::{Folder, assert_refused_in_a_line, nxm};
use nxm_net::Checkpoint;

const EPOCHS: usize = 3;

fn train(model: &str) -> Command {
    let mut command = nxm();
    command.args(["train", "--hidden", "8", "--epochs", &EPOCHS.to_string(), "--checkpoint", model]);
    command
}

fn epochs(model: &str) -> usize {
    Checkpoint::<f32>::load(model).expect("a checkpoint").state.progress.epochs
}

/// A device that takes nothing, as a disk without space.
fn full() -> File {
    File::options().write(true).open("/dev/full").expect("a device")
}

#[test]
fn a_training_that_nobody_listens_to_is_kept() {
    let folder = Folder::new("listeners");
    let closed = folder.name("closed");
    let mut child = train(&closed).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), output.stderr.as_slice(), epochs(&closed)), (Some(0), &b""[..], EPOCHS));

    let filled = folder.name("filled");
    let output = train(&filled).stdout(full()).output().expect("the program starts");
    let message = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!((output.status.code(), epochs(&filled)), (Some(1), EPOCHS), "{message}");
    assert!(message.starts_with("error: writing the output: "), "{message}");

    // A command without another effect ends when its reader does.
    let mut child = nxm().args(["count", "3-2"]).stdout(Stdio::piped()).spawn().expect("the program starts");
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn a_standard_error_that_takes_nothing_is_no_panic() {
    let folder = Folder::new("full");
    let refused = nxm().args(["train", "--label", "none"]).stderr(full()).status().expect("the program starts");
    assert_eq!(refused.code(), Some(2));
    let failed = nxm().args(["count", "3-2"]).stdout(full()).stderr(full()).status().expect("the program starts");
    assert_eq!(failed.code(), Some(1));
    let unknown = nxm().args(["count", "--none"]).stderr(full()).status().expect("the program starts");
    assert_eq!(unknown.code(), Some(2));
    let both = train(&folder.name("m")).stdout(full()).stderr(full()).status().expect("the program starts");
    assert_eq!((both.code(), epochs(&folder.name("m"))), (Some(1), EPOCHS));
}

#[test]
fn signals_that_were_ignored_stay_ignored() {
    let folder = Folder::new("nohup");
    // The shell's "trap" is inherited by what it executes.
    for (ignored, sent, ends) in
        [("HUP INT", &["-HUP", "-INT", "-INT"][..], 0), ("HUP", &["-INT"], 130), ("TERM", &["-HUP"], 130)]
    {
        let model = folder.name(&format!("m{ends}{}", sent.len() + ignored.len()));
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("trap '' {ignored}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_nxm"), "train"]);
        // Minutes, where a signal ends it: not for ever, should nobody send it.
        let epochs = if ends == 0 { "300" } else { "20000" };
        shell
            .args(["--epochs", epochs, "--hidden", "64", "--patience", "0", "--checkpoint", &model])
            .env_remove("NXM_LEVEL");
        let mut child = shell.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a shell");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
        lines.find(|line| line.starts_with("Forecast")).expect("a forecast");
        for signal in sent {
            Command::new("kill").args([*signal, &child.id().to_string()]).status().expect("kill runs");
        }
        // Reads on, so that the training is not the only one who knows how it ends.
        let said: Vec<String> = lines.collect();
        let output = child.wait_with_output().expect("it ends");
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(ends), "{ignored} ignored, {sent:?} sent: {message}");
        assert_eq!(said.last().is_some_and(|line| line.contains("is in")), ends == 0, "{said:?}");
    }
}

#[test]
fn rayons_variable_asks_for_threads_as_the_flag_does() {
    let asks = |variable: &str, threads: &str, args: &[&str]| {
        nxm().args(args).env(variable, threads).output().expect("the program starts")
    };
    for variable in ["RAYON_NUM_THREADS", "RAYON_RS_NUM_CPUS"] {
        for args in [&["count", "3-2"][..], &["train", "--epochs", "1", "--hidden", "2"]] {
            let output = asks(variable, "300000", args);
            assert_refused_in_a_line(&output, &[variable, "300000", "at most"], variable);
            for allowed in ["1", "0", "x", ""] {
                let output = asks(variable, allowed, args);
                assert!(output.status.success(), "{variable}={allowed}: {output:?}");
            }
        }
    }
    let flag = asks("RAYON_NUM_THREADS", "300000", &["train", "--epochs", "1", "--hidden", "2", "--threads", "1"]);
    assert!(flag.status.success(), "the flag is asked first: {flag:?}");
}
