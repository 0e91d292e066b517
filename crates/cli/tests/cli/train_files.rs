//! The files of a training: locked for its run, and no other file is touched.
#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::num::NonZeroUsize;
use std::process::{Child, Command, Stdio};

use crate::common::{Folder, assert_refused_in_a_line, flowers, nxm, printed, run};
use nxm_net::{Checkpoint, Checkpoints};

/// A training of some minutes, unless it is ended before, that has written its first checkpoint.
fn long(args: &[&str], checkpoint: &str) -> Child {
    let mut command = nxm();
    command.args(["train", "--epochs", "200000", "--hidden", "4", "--checkpoint", checkpoint]).args(args);
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
    let mut first = long(&["--keep", "3", "--patience", "200000"], &model);
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
    for (suffix, more) in [("1", &["--keep", "3"][..]), ("2", &["--keep", "3"])] {
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

/// "1,234 ms" and the like, in seconds.
fn in_seconds(number: &str, unit: &str) -> f64 {
    let scale = match unit.trim_matches(['.', ':', ',']) {
        "ns" => 1e-9,
        "µs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "minutes" => 60.0,
        other => panic!("{other}"),
    };
    number.replace(',', "").parse::<f64>().expect("a number") * scale
}

#[test]
fn checkpoints_are_as_rare_as_is_said_and_their_time_is_foreseen() {
    let folder = Folder::new("rare");
    let data = folder.write("flowers.csv", flowers(64));
    let train = ["train", &data, "--label", "kind", "--hidden", "4", "--batch", "10", "--epochs", "20", "--keep", "99"];
    // 54 examples: 6 steps in an epoch.
    let last: &[&str] = &["--keep-last"];
    for (name, every, kept, foreseen, epochs) in [
        // As this takes less than the time in which one is written: the beginning and the end.
        ("default", &[][..], last, 1, vec![20, 0]),
        ("epoch", &["--checkpoint-every", "epoch"], last, 20, (0..=20).rev().collect()),
        ("steps", &["--checkpoint-every", "120"], last, 21, (0..=20).rev().collect()),
        ("best", &[], &[], 2, vec![20, 0]),
    ] {
        let model = folder.name(name);
        let text = printed(&[&train[..], every, kept, &["--checkpoint", &model]].concat());
        assert_eq!(folder.path(&format!("{name}.best")).exists(), kept.is_empty(), "{name}");
        let kept = Checkpoints::new(&model, NonZeroUsize::new(99).expect("99"));
        let kept = kept.paths().map_while(|path| Checkpoint::<f32>::load(path).ok());
        assert_eq!(kept.map(|checkpoint| checkpoint.state.progress.epochs).collect::<Vec<_>>(), epochs, "{name}");

        let line = text.lines().find(|line| line.starts_with("Forecast: ")).expect("a forecast");
        let words: Vec<&str> = line.split_whitespace().collect();
        let place = words.iter().position(|word| word.starts_with("write")).expect("writes");
        assert_eq!(words[place - 1], foreseen.to_string(), "{name}: {line}");
        let [each, all] = [place + 5, words.len() - 2].map(|at| in_seconds(words[at], words[at + 1]));
        // Both are rounded to three digits.
        assert!(all > 0.99 * f64::from(foreseen) * each, "{name}: {line}");
    }
    // What the best epoch's network is, is written before the training says which it was.
    let best = Checkpoint::<f32>::load(folder.path("best.best")).expect("a checkpoint").state.progress.epochs;
    let text = std::fs::read(folder.path("best")).expect("a file");
    let note = format!(r#"\"best\":[{best},"#);
    assert!(String::from_utf8_lossy(&text).contains(&note), "{note}");
}
