//! `nxm count --symbolic`, and what its table shows to people.

use crate::common::{assert_refused_in_a_line, printed, run};

const USUAL: [&str; 7] = ["count", "784-128-10", "--loss", "cross_entropy", "--batch", "32", "--symbolic"];

#[test]
fn a_formula_stands_before_its_value() {
    let text = printed(&USUAL);
    let line = text.lines().find(|line| line.contains("∂ weights") && line.contains("B·N·M")).expect("a formula");
    let cells: Vec<&str> = line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
    assert_eq!(cells, ["1", "∂ weights", "B·N·M fma", "= 32·784·128 = 3,211,264"]);
    assert!(text.lines().all(|line| line.chars().count() <= 100 && line.trim_end() == line), "{text}");
    let markdown = printed(&[&USUAL[..], &["--format", "markdown"]].concat());
    assert!(markdown.lines().any(|line| line.starts_with("| 1 ") && line.contains("= 32·784·128")), "{markdown}");
    // Only who asks for formulas gets them.
    assert!(!printed(&USUAL[..6]).contains("B·N·M"));
}

#[test]
fn json_has_the_formulas_too() {
    let json = printed(&[&USUAL[..], &["--format", "json"]].concat());
    let answer: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let phases = answer["symbolic"].as_array().expect("an array");
    let phase = phases.iter().find(|row| row["layer"] == 1 && row["phase"] == "weight_gradient").expect("a gradient");
    assert_eq!([&phase["B"], &phase["N"], &phase["M"]], [32, 784, 128]);
    assert_eq!(
        phase["useful"][0],
        serde_json::json!({"what": "fma", "formula": "B·N·M", "numbers": "32·784·128", "one_example": false, "value": 3_211_264})
    );
    // What stands in the formulas is what stands in the counts.
    for row in phases.iter().filter(|row| row["phase"] != "loss") {
        let layer = &answer["layers"][row["layer"].as_u64().expect("a number") as usize - 1];
        let cost = &layer[row["phase"].as_str().expect("a name")];
        for count in row["useful"].as_array().expect("an array") {
            let what = count["what"].as_str().expect("a name");
            let there = if cost[what].is_u64() { &cost[what] } else { &cost["functions"][what] };
            assert_eq!(&count["value"], there, "{row}");
        }
    }
}

#[test]
fn a_deep_network_is_summarised() {
    let sizes = vec!["50"; 41].join("-");
    let text = printed(&["count", &sizes, "--batch", "2", "--symbolic"]);
    let line =
        text.lines().find(|line| line.trim_start().starts_with("forward") && line.contains("B·N·M")).expect("a line");
    assert!(line.split_whitespace().eq(["forward", "B·N·M", "fma", "40", "200,000"]), "{line}");
    let line = text.lines().find(|line| line.contains("∂ inputs") && line.contains("B·N·M")).expect("a line");
    assert!(line.split_whitespace().eq(["∂", "inputs", "B·N·M", "fma", "39", "195,000"]), "{line}");
    assert!(text.contains("The network has 40 layers"), "{text}");
}

#[test]
fn csv_and_other_counters_have_no_formulas() {
    let csv = run(&["count", "3-2", "--symbolic", "--format", "csv"]);
    assert_refused_in_a_line(&csv, &["--symbolic", "--format csv", "json"], "csv");
    assert_eq!(run(&["count", "3-2", "--symbolic", "--as", "torch"]).status.code(), Some(2));
}

/// The lines of the first table after a line that starts so, by their name.
fn names(text: &str, start: &str) -> Vec<String> {
    let lines = text.lines().skip_while(|line| !line.trim_start().starts_with(start)).skip(1);
    lines
        .take_while(|line| !line.is_empty())
        .map(|line| line.trim_start().split("  ").next().expect("a name").to_owned())
        .collect()
}

#[test]
fn lines_that_repeat_a_step_are_left_out() {
    let parts = ["forward", "loss", "backward", "update", "one step"];
    let shown = |args: &[&str], longer: &[&str]| {
        let text = printed(&[&["count", "30-20-10"], args].concat());
        assert_eq!(names(&text, "multiplications"), [&parts[..], longer].concat(), "{args:?}");
    };
    shown(&["--batch", "4"], &[]);
    shown(&["--batch", "4", "--examples", "10"], &["training"]);
    shown(&["--batch", "4", "--epochs", "2"], &["training"]);
    shown(&["--batch", "4", "--examples", "10", "--epochs", "2"], &["an epoch", "training"]);
    // One step, and a short one.
    shown(&["--batch", "4", "--examples", "3"], &["training"]);
}

#[test]
fn people_see_kinds_the_factor_and_each_layers_multiplications() {
    let text = printed(&["count", "30-30-30", "--hidden", "sigmoid", "--output", "sigmoid"]);
    assert!(text.contains("A step takes 3.63 times the multiplications of its forward pass: 6,541 ÷ 1,800."), "{text}");
    let after = |start: &str| text.lines().skip_while(|line| !line.starts_with(start)).skip(1).collect::<Vec<_>>();
    let kinds = after("By kind of operation");
    assert!(kinds[0].split_whitespace().eq(["fma", "mul", "add", "all", "flops"]), "{text}");
    let numbers: Vec<u64> = kinds[5].split_whitespace().skip(2).map(|n| n.replace(',', "").parse().unwrap()).collect();
    assert_eq!([numbers[0] + numbers[1], numbers[0] + numbers[2]], [6_541, 6_509]);
    let layers = after("Each layer in a step, in multiplications");
    assert!(layers[2].trim_start().starts_with('2'), "{text}");
    assert!(layers[2].contains("900") && layers[2].ends_with("930"), "{text}");
    // flops/byte is what the numbers beside it make.
    let bytes: Vec<f64> =
        after("Bytes: ")[5].split_whitespace().skip(2).map(|n| n.replace(',', "").parse().unwrap()).collect();
    let flops = numbers[3] as f64;
    let [read, written, least, loaded, stored, asked] = bytes[..] else { panic!("{text}") };
    assert!(
        (flops / (read + written) - least).abs() < 0.0006 && (flops / (loaded + stored) - asked).abs() < 0.0006,
        "{text}"
    );
}
