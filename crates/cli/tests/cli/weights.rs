//! Weights of examples and of classes, from the command line to the file.

use crate::common::{Folder, assert_refused_in_a_line, printed, run};
use nxm_count::{Bill, TrainingLength};
use nxm_net::{Checkpoint, CheckpointSummary, Loss, NetworkSpec};

/// Examples of two kinds that no column tells apart for certain, the second kind a fourth of them; and what each weighs.
const ROWS: usize = 96;

fn weight(i: usize) -> usize {
    1 + i % 3
}

fn table(weighed: bool) -> String {
    let row = |i: usize| {
        let (kind, x) = (if i.is_multiple_of(4) { "rare" } else { "common" }, i * 7 % 13);
        let w = if weighed { format!(",{}", weight(i)) } else { String::new() };
        format!("{x}.5,{kind},{}{w}\n", 3 * x + i % 2)
    };
    format!("x,kind,price{}\n{}", if weighed { ",w" } else { "" }, (0..ROWS).map(row).collect::<String>())
}

fn refused(args: &[&str], named: &[&str]) {
    assert_refused_in_a_line(&run(args), named, &args.join(" "));
}

/// The losses of the classes and of the labels that a training was made by.
fn loss_of(model: &str) -> Loss {
    Checkpoint::<f32>::load(model).expect("a checkpoint").options.loss
}

#[test]
fn examples_weigh_what_their_column_says() {
    let folder = Folder::new("weights");
    let (data, model) = (folder.write("data.csv", table(true)), folder.name("m"));
    let args = ["train", &data, "--label", "kind", "--ignore", "price", "--hidden", "8", "--epochs", "4"];
    let with = [&args[..], &["--weights", "w", "--validate", "0.25", "--checkpoint", &model]].concat();
    let told = printed(&with);
    assert!(told.contains("from 1 column, weighed by \"w\", 72 examples, 24 held out."), "{told}");
    let left_out = |column: &str, why: &str| {
        let line = told.lines().find(|line| line.trim_start().starts_with(&format!("{column} "))).expect("a line");
        assert!(line.contains(why), "{line}");
    };
    left_out("w", "left out: weighs the rows");
    left_out("price", "left out, as you asked");

    // The cost is that of a network whose examples have weights, exactly.
    let summary = CheckpointSummary::load(&model).expect("a checkpoint");
    let spec = NetworkSpec::of_checkpoint(&summary).expect("a network");
    let length = TrainingLength::of(&summary.options, summary.examples as u64);
    let cpu = nxm_kernels::Cpu::detect().expect("a level");
    let flops = |spec: &NetworkSpec| {
        Bill::new::<f32>(spec, length, &cpu).expect("a small network").step.total.ops.flops().to_string()
    };
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let cost = told.lines().find(|line| line.starts_with("Cost: ")).expect("a cost");
    let (step, _) = cost.split_once(" flops in a step").expect("flops");
    let weighted = flops(&spec.clone().with_example_weights());
    assert_eq!(digits(step), weighted);
    assert_ne!(weighted, flops(&spec));
    let counted = printed(&["count", &model, "--format", "json"]);
    assert!(counted.contains(&weighted), "{weighted} in {counted}");

    // The column is not learned from, and judges where it is there.
    let shown = printed(&["show", &model]);
    assert!(shown.contains("w: what each row weighs"), "{shown}");
    let weighed = printed(&["evaluate", &model, &data]);
    assert!(weighed.starts_with(&format!("{data}: 96 examples, weighed by \"w\"")), "{weighed}");
    let plain = printed(&["evaluate", &model, &folder.write("plain.csv", table(false))]);
    assert!(!plain.contains("weighed"), "{plain}");
    let metrics = |text: &str| text.split_once("\n\n").expect("a blank line").1.to_owned();
    assert_eq!(metrics(&weighed), metrics(&plain));
    assert_ne!(weighed.lines().next(), plain.lines().next());

    // A training that goes on sees the same weights.
    let on = ["train", &data, "--resume", &model, "--epochs", "5"];
    refused(&[&on[..], &["--weights", "price"]].concat(), &["--weights is price", "has w"]);
    let changed = folder.write("changed.csv", table(true).replacen(",1\n", ",2\n", 1));
    refused(&["train", &changed, "--resume", &model, "--epochs", "5"], &["is not the data"]);
    printed(&on);
}

#[test]
fn a_weight_of_two_is_the_row_twice() {
    let folder = Folder::new("row-twice");
    // All rows in one batch, none held out, the same first weights: the same losses, but for rounding. The column that is learned from says
    // yes or no, because numbers are standardised by rows, each counted once.
    let header = "x,kind,w\n";
    let cell = |row: &str, w: usize| format!("{row},{w}\n");
    let [by_weight, by_row] = [true, false].map(|by_weight| {
        let text: String = (0..30)
            .map(|i| {
                let (row, w) = (format!("{},{}", ["yes", "no"][i * 7 % 3 % 2], ["a", "b"][i % 2]), weight(i));
                if by_weight { cell(&row, w) } else { cell(&row, 1).repeat(w) }
            })
            .collect();
        let data = folder.write(&format!("{by_weight}.csv"), format!("{header}{text}"));
        let history = folder.name(&format!("{by_weight}-history.csv"));
        let args = ["train", &data, "--label", "kind", "--hidden", "4", "--validate", "0", "--batch", "1000"];
        let more = ["--epochs", "3", "--optimizer", "sgd", "--learning-rate", "0.5", "--history", &history];
        let weights: &[&str] = if by_weight { &["--weights", "w"] } else { &["--ignore", "w"] };
        printed(&[&args[..], &more, weights].concat());
        let text = std::fs::read_to_string(&history).expect("a history");
        let loss = |line: &str| line.split(',').nth(1).expect("a loss").parse::<f64>().expect("a number");
        text.lines().skip(1).map(loss).collect::<Vec<f64>>()
    });
    assert_eq!((by_weight.len(), by_row.len()), (3, 3));
    for (one, other) in by_weight.iter().zip(&by_row) {
        // In f32, of 60 terms.
        assert!((one - other).abs() < 1e-5, "{by_weight:?} {by_row:?}");
    }
}

#[test]
fn classes_weigh_by_their_number_or_by_name() {
    let folder = Folder::new("class-weights");
    let data = folder.write("data.csv", table(false));
    let args = ["train", &data, "--label", "kind", "--ignore", "price", "--hidden", "4", "--epochs", "1"];
    let trained = |flags: &[&str]| {
        let model = folder.name("m");
        printed(&[&args[..], flags, &["--validate", "0", "--checkpoint", &model]].concat());
        let shown = printed(&["show", &model]);
        let loss = loss_of(&model);
        std::fs::remove_file(&model).expect("a file");
        (loss, shown)
    };
    let classes = |weights: &str| match trained(&["--class-weights", weights]) {
        (Loss::CrossEntropy { class_weights, .. }, shown) => (class_weights, shown),
        other => panic!("{other:?}"),
    };
    // n / (classes · count), in the order of the alphabet: 72 are common, 24 rare.
    let (rows, counts) = (ROWS as f64, [72.0, 24.0]);
    let (weights, shown) = classes("balanced");
    assert_eq!(weights, counts.map(|count| rows / (2.0 * count)));
    assert!(shown.contains("classes weigh 0.6667, 2") || shown.contains("classes weigh 0.667, 2"), "{shown}");
    assert_eq!(classes("rare=3,common=0.5").0, [0.5, 3.0]);
    assert_eq!(classes("rare=3").0, [1.0, 3.0]);
    assert_eq!(classes("2,5").0, [2.0, 5.0]);
    let labels = |weights: &str| match trained(&["--loss", "binary_cross_entropy", "--class-weights", weights]) {
        (Loss::BinaryCrossEntropy { positive_weights }, _) => positive_weights,
        other => panic!("{other:?}"),
    };
    // The second value says yes: as many as say no for each that does.
    assert_eq!(labels("balanced"), [counts[0] / counts[1]]);
    assert_eq!(labels("rare=3"), [3.0]);
    assert_eq!(labels("7"), [7.0]);
}

#[test]
fn weights_that_do_not_fit_are_refused() {
    let folder = Folder::new("refused-weights");
    let data = folder.write("data.csv", table(true));
    let train = |flags: &[&str], named: &[&str]| {
        refused(&[&["train", &data, "--label", "kind"], flags].concat(), named);
    };
    train(&["--weights", "mass"], &["no column \"mass\"", "\"w\""]);
    train(&["--weights", "kind"], &["\"kind\"", "learned"]);
    train(&["--class-weights", "blue=2"], &["no class \"blue\"", "\"common\"", "\"rare\""]);
    train(&["--class-weights", "rare=-1"], &["\"rare\" has weight -1"]);
    train(&["--class-weights", "1,2,3"], &["3 class weights", "2 outputs"]);
    let missing = folder.write("missing.csv", table(true).replacen(",2\n", ",\n", 1));
    refused(&["train", &missing, "--label", "kind", "--weights", "w"], &["line 3, column \"w\"", "missing"]);
    let numbers = ["train", &data, "--label", "price", "--class-weights", "balanced"];
    refused(&numbers, &["class weights are for classes", "\"price\""]);
    refused(&["count", "3-2", "--loss", "cross_entropy", "--class-weights", "balanced"], &["needs data", "nxm train"]);
    refused(&["count", "3-2", "--loss", "mse", "--class-weights", "1,2"], &["--class-weights", "cross_entropy"]);
}
