//! What `nxm train` says while it runs: for people, for programs, or nothing but the result.

use crate::common::{Folder, flowers, nxm, printed, run};
use serde_json::Value;

/// The events that a command writes on standard error, and what it prints.
fn events(args: &[&str]) -> (Vec<Value>, String) {
    let output = run(&[args, &["--log", "json"]].concat());
    let lines = String::from_utf8(output.stderr).expect("UTF-8");
    let events = lines.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")));
    (events.collect(), String::from_utf8(output.stdout).expect("UTF-8"))
}

fn of<'a>(events: &'a [Value], kind: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["event"] == kind).collect()
}

#[test]
fn programs_read_the_start_each_epoch_and_the_end() {
    let folder = Folder::new("log");
    let (data, model) = (folder.write("flowers.csv", flowers(60)), folder.name("m"));
    const EPOCHS: usize = 5;
    let train = ["train", &data, "--label", "kind", "--hidden", "8", "--batch", "16", "--epochs", "5", "--seed", "3"];
    let (events, text) = events(&[&train[..], &["--checkpoint", &model, "--validate", "0.2"]].concat());
    assert_eq!(events.len(), EPOCHS + 2, "{events:?}");
    let start = &events[0];
    let expected = serde_json::json!({
        "event": "start", "source": data, "target": ["kind"], "task": "3 classes", "examples": 48, "held_out": 12, "folds": null,
        "sizes": [3, 8, 3], "activation": "relu", "loss": "cross_entropy", "optimizer": "adamw", "batch": 16, "epochs": EPOCHS, "seed": 3,
        "metric": "loss", "columns": 3, "parameters": 3 * 8 + 8 + 8 * 3 + 3,
    });
    for (key, value) in expected.as_object().expect("an object") {
        assert_eq!(&start[key], value, "{key}: {start}");
    }
    // The same numbers as the text has.
    let flops = start["cost"]["flops"].as_u64().expect("a count");
    let cost = text.lines().find(|line| line.starts_with("Cost: ")).expect("a cost").replace(',', "");
    assert!(cost.contains(&format!(" {flops} in all")), "{cost}");
    assert_eq!(start["forecast"]["steps"], EPOCHS * 3);
    assert!(start["forecast"]["seconds"].as_f64().expect("a number") > 0.0);
    for (i, epoch) in of(&events, "epoch").into_iter().enumerate() {
        assert_eq!((epoch["epoch"].as_u64(), epoch["metric"].as_str()), (Some(i as u64 + 1), Some("accuracy")));
        for key in ["loss", "held_out_loss", "held_out_metric", "seconds", "seconds_left"] {
            assert!(epoch[key].as_f64().is_some_and(|number| number >= 0.0), "{key}: {epoch}");
        }
        assert_eq!(epoch["seconds_left"] == 0.0, i + 1 == EPOCHS, "{epoch}");
    }
    let end = &events[EPOCHS + 1];
    assert_eq!((&end["event"], &end["epochs"], &end["stopped"]), (&"end".into(), &EPOCHS.into(), &false.into()));
    assert_eq!((end["steps"].as_u64(), end["checkpoint"].as_str()), (Some(EPOCHS as u64 * 3), Some(&model[..])));
    let best = of(&events, "epoch").into_iter().rfind(|epoch| epoch["best"] == true).expect("a best epoch");
    assert_eq!(best["epoch"], end["best_epoch"]);
    let accuracy = &end["metrics"]["classes"]["model"]["accuracy"];
    assert_eq!(accuracy, &best["held_out_metric"]);
    // Errors and warnings are events, too.
    let (refused, _) = self::events(&[&train[..], &["--checkpoint", &model]].concat());
    assert_eq!((refused.len(), &refused[0]["event"]), (1, &"error".into()));
    assert!(refused[0]["message"].as_str().expect("a text").contains("is there already"));
    let dropped = folder.write("dropped.csv", flowers(60).replacen("rose", "", 1));
    let (warned, _) = self::events(&["train", &dropped, "--label", "kind", "--epochs", "1"]);
    assert!(of(&warned, "warning")[0]["message"].as_str().expect("a text").contains("1 of 60 rows"), "{warned:?}");
}

#[test]
fn numbers_and_folds_have_events() {
    let folder = Folder::new("log-folds");
    let data = folder.write("flowers.csv", flowers(60));
    let train = ["train", &data, "--label", "weight", "--hidden", "4", "--epochs", "2"];
    let (events, _) = events(&[&train[..], &["--folds", "3"]].concat());
    assert_eq!(events[0]["folds"], 3);
    let folds: Vec<_> = of(&events, "epoch").iter().map(|epoch| epoch["fold"].as_u64().expect("a fold")).collect();
    assert_eq!(folds, [1, 1, 2, 2, 3, 3]);
    assert!(of(&events, "epoch").iter().all(|epoch| epoch["metric"] == "r2"));
    let judged: u64 = of(&events, "fold").iter().map(|fold| fold["judged_by"].as_u64().expect("a count")).sum();
    assert_eq!(judged, 60);
    let end = events.last().expect("an end");
    let r2 = end["summary"].as_array().expect("rows").iter().find(|row| row["metric"] == "r2").expect("R²");
    assert!(r2["model"]["mean"].is_number() && r2["baseline"]["deviation"].is_number() && r2["folds"] == 3, "{r2}");
    let (events, _) = self::events(&[&train[..], &["--validate", "0"]].concat());
    assert!(of(&events, "epoch").iter().all(|epoch| epoch["held_out_loss"].is_null() && epoch["metric"].is_null()));
    assert!(events.last().expect("an end")["metrics"].is_null());
}

#[test]
fn quiet_is_the_result_alone_and_verbose_each_epoch() {
    let folder = Folder::new("quiet");
    let data = folder.write("flowers.csv", flowers(60));
    let train = ["train", &data, "--label", "kind", "--hidden", "4", "--epochs", "3"];
    let whole = printed(&train);
    let result = whole.split("the best one:\n\n").nth(1).expect("a result");
    let quiet = printed(&[&train[..], &["-q"]].concat());
    assert!(quiet.starts_with(" ") && quiet.contains("accuracy") && result.starts_with(&quiet), "{quiet}");
    assert_eq!(printed(&[&train[..], &["--quiet", "--validate", "0"]].concat()), "");
    let quiet = printed(&[&train[..], &["-q", "--folds", "3"]].concat());
    assert!(quiet.contains("sample standard deviation") && !quiet.contains("judged by"), "{quiet}");
    let output = nxm().args(train).arg("-v").output().expect("the program starts");
    let lines = String::from_utf8(output.stderr).expect("UTF-8");
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    for (i, line) in lines.iter().enumerate() {
        assert!(line.starts_with(&format!("epoch {}/3, loss ", i + 1)), "{line}");
        assert!(
            line.contains("held-out loss") && line.contains("% right") && line.ends_with("left") == (i < 2),
            "{line}"
        );
    }
    let both = run(&[&train[..], &["-q", "-v"]].concat());
    assert_eq!(both.status.code(), Some(2));
}
