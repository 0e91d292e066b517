//! `nxm search`: its bound, its best trial trained again, and what it refuses.

use crate::common::{Folder, assert_refused_in_a_line, flowers, nxm, printed, run, threads};

const ROWS: usize = 90;
const TRIALS: &str = "9";
const EPOCHS: &str = "9";

/// A search of some trials on a table, with more arguments.
fn search<'a>(file: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec!["search", file, "--label", "kind", "--trials", TRIALS, "--epochs", EPOCHS, "--seed", "3"];
    args.extend(more);
    args
}

/// The metrics that stand behind this line, up to the next sentence.
fn metrics<'a>(text: &'a str, line: &str) -> &'a str {
    let (_, rest) = text.split_once(line).unwrap_or_else(|| panic!("{line:?} in\n{text}"));
    let (_, rest) = rest.split_once("\n\n").expect("metrics");
    let end = rest.find("\nThe ").expect("a sentence");
    &rest[..end]
}

#[test]
fn the_command_that_is_printed_trains_the_best_trial_again() {
    let folder = Folder::new("search-again");
    let (file, kept) = (folder.write("my flowers.csv", flowers(ROWS)), folder.name("best.nxm"));
    let unseen = folder.write(
        "unseen.csv",
        flowers(2 * ROWS).lines().take(1).chain(flowers(2 * ROWS).lines().skip(ROWS)).collect::<Vec<_>>().join("\n"),
    );
    let text = printed(&search(&file, &["--batch=16", "--checkpoint", &kept, "--test-with", &unseen]));
    let command = text.lines().find(|line| line.starts_with("nxm train ")).expect("a command");
    assert!(command.contains("'") && command.contains("--batch=16 --hidden"), "{command}");
    assert!(!command.contains("--test-with"), "{command}");
    assert!(text.contains("21 of 21 epochs"), "{text}");
    let words = format!("{} {}", env!("CARGO_BIN_EXE_nxm"), command.strip_prefix("nxm ").unwrap());
    let again = std::process::Command::new("sh").args(["-c", &words]).output().expect("a shell");
    let again = String::from_utf8(again.stdout).expect("UTF-8");
    let found = metrics(&text, ", on the held-out rows after epoch ");
    assert_eq!(metrics(&again, "On the held-out rows"), found);
    assert!(text.contains("optimistic"), "{text}");
    // The table that the search has not seen judges the same model.
    let (_, test) = text.split_once("which the search has not seen:\n\n").expect("a test");
    let evaluated = printed(&["evaluate", &kept, &unseen]);
    assert_eq!(Some(test), evaluated.split_once("\n\n").map(|(_, metrics)| metrics));
    // The model is kept as by nxm train.
    assert_eq!(printed(&["show", &kept]).lines().next(), Some(&*format!("{kept}: a network that predicts 3 classes.")));
    assert!(folder.path("best.nxm.best").exists());
    assert_refused_in_a_line(&run(&search(&file, &["--checkpoint", &kept])), &["is there already"], "a second search");
}

#[test]
fn the_same_trials_and_results_at_any_number_of_threads() {
    let folder = Folder::new("search-threads");
    let file = folder.write("f.csv", flowers(ROWS));
    let text = |count: usize| {
        let text = printed(&search(&file, &["--threads", threads(count)]));
        // But for times, and for how many threads there are.
        let rest =
            text.lines().filter(|line| !["On ", "Forecast", "21 of 21"].iter().any(|word| line.starts_with(word)));
        rest.map(|line| line.to_owned() + "\n").collect::<String>()
    };
    assert_eq!(text(1), text(2));
}

#[test]
fn its_time_is_kept_and_it_says_what_it_did_not_try() {
    const SECONDS: f64 = 0.5;
    let folder = Folder::new("search-seconds");
    let file = folder.write("f.csv", flowers(1000));
    let text = printed(&["search", &file, "--label", "kind", "--trials", "300", "--seconds", &SECONDS.to_string()]);
    assert!(text.contains("Stopped before its end: ") && text.contains(" of 300 trials were not tried"), "{text}");
    let spent =
        text.lines().find(|line| line.contains(" epochs, ") && line.contains(" flops, ")).expect("what was spent");
    let (time, unit) = spent.trim_end_matches('.').rsplit_once(", ").unwrap().1.split_once(' ').unwrap();
    let time = time.parse::<f64>().unwrap() / if unit == "ms" { 1000.0 } else { 1.0 };
    assert!(time <= SECONDS + 0.25, "{spent}");
}

#[test]
fn the_help_shows_what_a_search_takes() {
    let help = printed(&["search", "--help"]);
    assert!(["--trials", "--seconds", "--label", "--test-with"].iter().all(|flag| help.contains(flag)), "{help}");
    assert!(["--resume", "--keep ", "--history"].iter().all(|flag| !help.contains(flag)), "{help}");
}

#[test]
fn what_a_search_can_not_do_is_refused() {
    let folder = Folder::new("search-refused");
    let file = folder.write("f.csv", flowers(ROWS));
    for (more, named) in [
        (&["--resume", "x.nxm"][..], "--resume"),
        (&["--patience", "3"], "--patience"),
        (&["--report", "r.html"], "--report"),
        (&["--folds", "3"], "--folds"),
        (&["--fine-tune", "x.nxm"], "--fine-tune"),
        (&["--validate", "0"], "--validate"),
        (&["--trials", "0"], "--trials"),
        (&["--seconds", "-1"], "--seconds"),
        (&["--test-with", "no-such-file.csv"], "no-such-file.csv"),
        (
            &["--hidden", "8", "--learning-rate", "0.1", "--weight-decay", "0", "--batch", "8"],
            "nothing is left to search",
        ),
    ] {
        let mut args = vec!["search", &file, "--label", "kind"];
        args.extend(more);
        let output = nxm().args(&args).output().expect("the program starts");
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(output.stdout.is_empty() && message.contains(named), "{named}: {message}");
    }
}

#[test]
#[cfg(unix)]
fn interrupted_before_an_epoch_is_finished() {
    use std::process::{Command, Stdio};

    let folder = Folder::new("search-interrupted");
    // An epoch of 1,600 steps with 2²⁰ weights takes seconds.
    let file = folder.write("f.csv", flowers(2_000));
    let slow = ["search", &file, "--label", "kind", "--hidden", "1024,1024", "--batch", "1"];
    let mut child = nxm().args(slow).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    crate::train_interrupted::until_the_forecast(&mut child);
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs");
    let output = child.wait_with_output().expect("it ends");
    let message = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(130), "{message}");
    assert!(message.contains("Interrupted: no trial has finished an epoch."), "{message}");
}
