//! Levels and threads that the machine lacks are an error of every command, before anything is written.

use std::thread::available_parallelism;

use crate::common::{Folder, assert_refused_in_a_line, flowers, nxm, printed};
use nxm_kernels::Level;

/// Calls every command so that it would write to "new" in the folder, with these arguments more where they are taken.
fn every_command(folder: &Folder, more: &[&str], level: Option<&str>, named: &[&str]) {
    let (data, model, new) = (folder.name("data.csv"), folder.name("m"), folder.name("new"));
    let commands: [&[&str]; 7] = [
        &["train", &data, "--label", "kind", "--checkpoint", &new],
        &["predict", &model, &data],
        &["evaluate", &model, &data],
        &["count", "3-2", "--verify"],
        &["count", &model],
        &["audit", "3-2"],
        &[],
    ];
    let taken = if level.is_some() { commands.len() } else { 3 };
    for command in &commands[..taken] {
        let args = [command, more].concat();
        let output =
            nxm().args(&args).envs(level.map(|level| ("NXM_LEVEL", level))).output().expect("the program starts");
        assert_refused_in_a_line(&output, named, &args.join(" "));
        assert!(!folder.path("new").exists(), "{args:?} wrote something");
    }
}

fn trained(test: &str) -> Folder {
    let folder = Folder::new(test);
    let data = folder.write("data.csv", flowers(30));
    let model = folder.name("m");
    printed(&["train", &data, "--label", "kind", "--hidden", "4", "--epochs", "1", "--checkpoint", &model]);
    folder
}

#[test]
fn a_level_that_is_not_there() {
    let folder = trained("levels");
    every_command(&folder, &[], Some("avx1024"), &["NXM_LEVEL", "\"avx1024\"", "scalar, wide, avx2, avx512"]);
    // One that there is, but that this processor lacks: none, on a processor that has them all.
    for level in ["scalar", "wide", "avx2", "avx512"] {
        if Level::available().all(|available| available.name() != level) {
            every_command(&folder, &[], Some(level), &["NXM_LEVEL", level]);
        }
    }
}

#[test]
fn more_threads_than_processors() {
    let folder = trained("threads");
    let there = available_parallelism().expect("a number").get();
    for threads in [(there + 1).to_string(), "1025".to_owned(), u64::MAX.to_string()] {
        every_command(
            &folder,
            &["--threads", &threads],
            None,
            &[&format!("--threads is {threads}"), &format!("and {there} processor")],
        );
    }
    let (data, model) = (folder.name("data.csv"), folder.name("m"));
    printed(&["evaluate", &model, &data, "--threads", &there.to_string()]);
}

/// That there were two is true although the pool of all else has one; the first layer has work for two.
#[test]
fn two_threads_are_verified_in_a_pool_of_their_own() {
    let args = ["count", "300-200-7", "--batch", "80", "--verify", "--format", "json"];
    let output = nxm().args(args).env("RAYON_NUM_THREADS", "1").output().expect("the program starts");
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let runs = answer["verified"].as_array().expect("an array");
    assert!(runs.iter().all(|run| run["agrees"] == true), "{runs:?}");
    assert_eq!(runs.iter().filter(|run| run["threads"] == 2).count(), Level::available().count());
}
