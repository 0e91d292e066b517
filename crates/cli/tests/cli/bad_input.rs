//! What can't be answered: a clear error, exit status 2, nothing on standard output, no backtrace.

use crate::common::{nxm, run};
use std::process::Output;

/// Asserts that `output` is a refusal that names all of `named`.
fn assert_refused(output: &Output, named: &[&str], what: &str) {
    let message = String::from_utf8(output.stderr.clone()).expect("UTF-8");
    assert_eq!(output.status.code(), Some(2), "{what}: {message}");
    assert!(output.stdout.is_empty(), "{what}: wrote {} bytes", output.stdout.len());
    for name in named {
        assert!(message.contains(name), "{what}: {name:?} is not named in\n{message}");
    }
    for never in ["panicked", "backtrace", "\u{1b}"] {
        assert!(!message.contains(never), "{what}: {never:?} in\n{message}");
    }
}

fn assert_count_refused(args: &[&str], named: &[&str]) {
    let output = nxm().arg("count").args(args).env("RUST_BACKTRACE", "1").output().expect("the program starts");
    assert_refused(&output, named, &args.join(" "));
}

#[test]
fn sizes() {
    assert_count_refused(&["30"], &["\"30\" is one size", "784-10"]);
    assert_count_refused(&["30-x-30"], &["size 2", "\"x\"", "whole number"]);
    assert_count_refused(&["0-3"], &["size 1", "is 0", "at least 1"]);
    assert_count_refused(&["30-0-30"], &["size 2", "is 0"]);
    assert_count_refused(&["30--30"], &["size 2", "missing"]);
    assert_count_refused(&["30-30-"], &["size 3", "missing"]);
    assert_count_refused(&["-30-30"], &["-3"]);
    assert_count_refused(&["--", "-30-30"], &["size 1", "missing"]);
    assert_count_refused(&[""], &["SIZES"]);
    assert_count_refused(&[], &["SIZES"]);
    assert_count_refused(&["3.5-2"], &["size 1", "\"3.5\""]);
    assert_count_refused(&["99999999999999999999-2"], &["size 1", "too large", "18446744073709551615"]);
}

#[test]
fn numbers() {
    for flag in ["--batch", "--examples", "--epochs"] {
        for number in ["0", "-1", "+5", "x", "1.5", "", "1e3"] {
            assert_count_refused(&["30-30", flag, number], &[flag, number, "at least 1"]);
        }
        assert_count_refused(&["30-30", flag, "99999999999999999999"], &[flag, "at most 18446744073709551615"]);
        assert_count_refused(&["30-30", flag], &[flag, "value is required"]);
    }
}

#[test]
fn names() {
    for flag in ["--hidden", "--output"] {
        let all = ["identity", "relu", "leaky_relu", "sigmoid", "tanh"];
        assert_count_refused(
            &["30-30", flag, "sigmod"],
            &[&all[..], &[flag, "'sigmod'", "similar", "'sigmoid'"]].concat(),
        );
    }
    assert_count_refused(&["30-30", "--loss", "crossentropy"], &["mse", "similar", "'cross_entropy'"]);
    assert_count_refused(&["30-30", "--optimizer", "sgdm"], &["similar", "'sgd'"]);
    assert_count_refused(&["30-30", "--format", "jsn"], &["table", "markdown", "csv", "similar", "'json'"]);
    assert_count_refused(&["30-30", "--hiden", "relu"], &["--hiden", "--hidden"]);
    assert_refused(&run(&["cuont", "30-30"]), &["'cuont'", "'count'"], "a misspelt command");
}

#[test]
fn settings_that_training_refuses() {
    let cross_entropy = |flag, value| ["3-3", "--loss", "cross_entropy", flag, value];
    assert_count_refused(&cross_entropy("--label-smoothing", "2"), &["label smoothing", "2", "from 0 to 1"]);
    assert_count_refused(&cross_entropy("--class-weights", "1,2"), &["weights", "3", "2"]);
    assert_count_refused(&cross_entropy("--class-weights", "0,0,0"), &["class 0", "0"]);
    assert_count_refused(&cross_entropy("--class-weights", "1,NaN,1"), &["class"]);
    // Of classes that weigh nothing there is no mean loss: the examples that are verified are of others.
    let output = run(&["count", "3-3", "--loss", "cross_entropy", "--class-weights", "0,0,1", "--verify"]);
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_level_that_is_not_there() {
    for (args, level) in [(&["count", "30-30"][..], "avx9"), (&[], "avx9")] {
        let output = nxm().args(args).env("NXM_LEVEL", level).output().expect("the program starts");
        assert_refused(&output, &["NXM_LEVEL", "\"avx9\"", "scalar, wide, avx2, avx512"], "a level");
        assert_eq!(output.stderr.iter().filter(|byte| **byte == b'\n').count(), 1);
    }
}

#[test]
fn counts_beyond_128_bits() {
    let max = u64::MAX.to_string();
    let sizes = [max.as_str(); 3].join("-");
    assert_count_refused(&[&sizes], &["2¹²⁸"]);
    assert_count_refused(&[&format!("{max}-2"), "--batch", &max, "--epochs", &max], &["2¹²⁸"]);
}

#[test]
fn a_network_too_large_to_run() {
    assert_count_refused(&["1000000-1000000", "--verify"], &["--verify", "too large"]);
    assert_count_refused(&["10-10", "--batch", &u64::MAX.to_string(), "--verify"], &["--verify", "too large"]);
}
