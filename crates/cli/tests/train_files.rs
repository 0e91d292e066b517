//! The files of a training: locked for its run, and no other file is touched.
#![cfg(unix)]

mod common;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use common::{Folder, assert_refused_in_a_line, flowers, nxm, printed, run};

/// A training without an end, that has written its first checkpoint.
fn endless(args: &[&str], checkpoint: &str) -> Child {
    let mut command = nxm();
    command.args(["train", "--epochs", "100000000", "--hidden", "4", "--checkpoint", checkpoint]).args(args);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let mut lines = BufReader::new(child.stdout.as_mut().expect("a pipe")).lines().map_while(Result::ok);
    lines.find(|line| line.starts_with("Forecast")).expect("a forecast");
    while !std::path::Path::new(checkpoint).exists() {
        std::thread::yield_now();
    }
    child
}

#[test]
fn a_second_training_is_refused_with_the_process_of_the_first() {
    let folder = Folder::new("second");
    let model = folder.name("m");
    let mut first = endless(&["--keep", "3", "--patience", "100000000"], &model);
    let process = format!("process {}", first.id());
    for args in [
        &["train", "--checkpoint", &model][..],
        &["train", "--resume", &model],
        &["train", "--resume", &model, "--keep", "3", "--patience", "5"],
    ] {
        assert_refused_in_a_line(&run(args), &[&model, "in use", &process], "a second run");
    }
    // Others may read it.
    let digits = concat!(env!("CARGO_MANIFEST_DIR"), "/data/digits.csv");
    printed(&["evaluate", &model, digits]);
    first.kill().and_then(|()| first.wait()).expect("it ends");

    // The killed run has no lock any more.
    let mut next = nxm();
    next.args(["train", "--resume", &model, "--keep", "3"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut next = next.spawn().expect("the program starts");
    let mut lines = BufReader::new(next.stdout.as_mut().expect("a pipe")).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.starts_with("Forecast")), "it goes on");
    let said = Command::new("kill").args(["-INT", &next.id().to_string()]).status().expect("kill runs");
    assert!(said.success());
    assert_eq!(next.wait_with_output().expect("it ends").status.code(), Some(130));
}

#[test]
fn files_of_the_user_stay() {
    let folder = Folder::new("user");
    let (data, model) = (folder.write("flowers.csv", flowers(60)), folder.name("m"));
    let train = ["train", &data, "--label", "kind", "--hidden", "4", "--epochs", "2"];
    printed(&[&train[..], &["--checkpoint", &model]].concat());
    let leftover = folder.write("m.2024-11-25.tmp", "something of value");
    let resume = ["train", &data, "--resume", &model, "--epochs", "4"];
    for (suffix, more) in [("1", &["--keep", "3"][..]), ("2", &["--keep", "3"]), ("best", &["--patience", "9"])] {
        let own = folder.write(&format!("m.{suffix}"), std::fs::read(&model).expect("a file"));
        let before = std::fs::read(&model).expect("a file");
        let refused = run(&[&resume[..], more].concat());
        assert_refused_in_a_line(&refused, &[&own, "did not write it", "move it away"], suffix);
        assert_eq!(std::fs::read(&own).expect("a file"), before);
        assert_eq!(std::fs::read(&model).expect("a file"), before);
        std::fs::remove_file(own).expect("a file");
    }
    printed(&[&resume[..], &["--keep", "3", "--patience", "9"]].concat());
    // Its own files it moves in the next run, too.
    printed(&["train", &data, "--resume", &model, "--epochs", "6", "--keep", "3"]);
    assert_eq!(std::fs::read_to_string(leftover).expect("a file"), "something of value");
}
