//! `nxm train --folds K`: each row is judged once, by a model that did not see it, and nothing is kept.

use crate::common::{Folder, assert_refused_in_a_line, flowers, printed, run};

const FOLDS: usize = 5;
const ROWS: usize = 90;
/// 0.15 of the 72 rows that are not judged.
const STOPPED_BY: usize = 11;

/// The lines of the folds, in words.
fn folds(text: &str) -> Vec<Vec<String>> {
    let lines = text.lines().skip_while(|line| !line.starts_with("fold")).skip(1);
    lines.take_while(|line| !line.is_empty()).map(|line| line.split_whitespace().map(str::to_owned).collect()).collect()
}

/// Mean and spread of the model, as the summary says.
fn summary(text: &str, metric: &str) -> [String; 2] {
    let line = text.lines().rfind(|line| line.starts_with(metric)).expect("a metric");
    let words: Vec<&str> = line[metric.len()..].split_whitespace().collect();
    assert_eq!([words[1], words[4]], ["±", "±"], "{line}");
    [words[0].to_owned(), words[2].to_owned()]
}

#[test]
fn each_fold_is_told_and_their_mean_and_spread() {
    let folder = Folder::new("folds");
    let data = folder.write("flowers.csv", flowers(ROWS));
    let count = FOLDS.to_string();
    let train = ["train", &data, "--label", "kind", "--folds", &count, "--hidden", "8", "--batch", "16"];
    let text = printed(&[&train[..], &["--epochs", "12", "--patience", "0", "--learning-rate", "0.01"]].concat());
    let lines = folds(&text);
    assert_eq!(lines.len(), FOLDS, "{text}");
    let number = |text: &str| text.parse::<f64>().expect("a number");
    let judged: f64 = lines.iter().map(|line| number(&line[2])).sum();
    assert_eq!(judged, ROWS as f64);
    let learned = ROWS - ROWS / FOLDS - STOPPED_BY;
    assert!(lines.iter().all(|line| [&line[1], &line[3]] == [&learned.to_string(), "12"]), "{text}");
    let accuracies: Vec<f64> = lines.iter().map(|line| number(&line[4])).collect();
    let mean = accuracies.iter().sum::<f64>() / FOLDS as f64;
    let variance = accuracies.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (FOLDS - 1) as f64;
    let said = summary(&text, "accuracy").map(|text| number(&text));
    // Both are rounded to four digits.
    assert!((said[0] - mean).abs() < 1e-4 && (said[1] - variance.sqrt()).abs() < 1e-4, "{mean} {variance}: {text}");
    // All folds are counted and foreseen.
    let examples = learned.to_string();
    let counted = ["count", "3-8-3", "--loss", "cross_entropy", "--optimizer", "adamw", "--weight-decay", "0.01"];
    let more = ["--batch", "16", "--examples", &examples, "--epochs", "12", "--format", "json"];
    let counted = printed(&[&counted[..], &more].concat());
    let counted: serde_json::Value = serde_json::from_str(&counted).expect("JSON");
    let flops = FOLDS as u64 * counted["training"]["total"]["flops"].as_u64().expect("a count");
    let cost = text.lines().find(|line| line.starts_with("Cost: ")).expect("a cost").replace(',', "");
    assert!(cost.contains(&format!(" {flops} in all {FOLDS} folds")), "{flops}: {cost}");
    let steps = FOLDS * 12 * learned.div_ceil(16);
    assert!(text.contains(&format!("Forecast: {steps} steps")), "{steps}: {text}");
    // Only the data is in the folder.
    assert_eq!(std::fs::read_dir(folder.here()).expect("a folder").count(), 1);
    // Early stopping looks at other rows than those that judge.
    let text = printed(&[&train[..], &["--epochs", "200", "--patience", "3", "--learning-rate", "0.3"]].concat());
    assert!(folds(&text).iter().all(|line| number(&line[3]) < 200.0), "{text}");
}

#[test]
fn numbers_and_groups_have_folds() {
    let folder = Folder::new("folds-groups");
    let rows: String = (0..60).map(|i| format!("{}.5,{},g{}\n", i * 7 % 23, 3 * (i * 7 % 23), i / 10)).collect();
    let data = folder.write("data.csv", format!("a,y,group\n{rows}"));
    let train = ["train", &data, "--label", "y", "--loss", "mse", "--epochs", "60", "--hidden", "8"];
    let group = ["--learning-rate", "0.02", "--group", "group", "--validate", "0"];
    let text = printed(&[&train[..], &group, &["--folds", "3"]].concat());
    assert!(folds(&text).iter().all(|line| line[2] == "20"), "two groups of ten rows in a fold: {text}");
    let said = ["R²", "RMSE", "mean absolute error"].map(|metric| summary(&text, metric));
    assert!(said.iter().flatten().all(|number| number.parse::<f64>().is_ok()), "{text}");
    let few = [&train[..], &group, &["--folds", "7"]].concat();
    assert_refused_in_a_line(&run(&few), &[&data, "7 folds of 6 groups", "\"group\""], "groups");
}

#[test]
fn what_is_not_for_folds_is_refused() {
    let folder = Folder::new("folds-refused");
    let data = folder.write("flowers.csv", flowers(30));
    let place = folder.name("place");
    let refused = |args: &[&str], named: &[&str]| {
        let train = ["train", &data, "--label", "kind", "--epochs", "1", "--folds"];
        assert_refused_in_a_line(&run(&[&train[..], args].concat()), named, &args.join(" "));
    };
    for flag in ["--checkpoint", "--report", "--history", "--tensorboard"] {
        refused(&["3", flag, &place], &[flag, &place, "keeps none", "without --folds"]);
    }
    refused(&["3", "--resume", &place], &["--resume is not for --folds"]);
    refused(&["3", "--validate-with", &data], &["--validate-with is not for --folds"]);
    refused(&["3", "--split", "order"], &["--split order", "last rows"]);
    refused(&["1"], &["1 folds of 30 rows", "from 2 to 30"]);
    refused(&["31"], &["31 folds of 30 rows"]);
    refused(&["3", "--validate", "0", "--patience", "3"], &["--patience", "--validate"]);
    assert_eq!(std::fs::read_dir(folder.here()).expect("a folder").count(), 1);
}
