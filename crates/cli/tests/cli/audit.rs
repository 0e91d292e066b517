//! `nxm audit` on a network that takes a moment, and what it refuses.

use crate::common::{printed, run};

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn a_step_is_audited_at_every_level() {
    let text = printed(&["audit", "3-2", "--hidden", "relu"]);
    let rows: Vec<&str> = text.lines().filter(|line| line.contains("step 3-2 × 1")).collect();
    assert_eq!(rows.len(), nxm_kernels::Level::available().count(), "{text}");
    assert!(rows.iter().all(|row| row.trim_end().ends_with("equal")), "{text}");
}

#[test]
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
fn elsewhere_it_says_so() {
    let output = run(&["audit", "3-2"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("available on Linux on x86-64 only"));
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn a_step_is_audited_as_it_is_set() {
    let text =
        printed(&["audit", "3-2", "--hidden", "relu", "--optimizer", "adam", "--clip-norm", "1", "--element", "f64"]);
    assert!(text.contains("therein: 2 mul, 4 add, 2 div, 1 sqrt in f64"), "{text}");
}

#[test]
fn what_is_for_a_step_needs_a_network() {
    for flags in
        [&["--batch", "2"][..], &["--hidden", "relu"], &["--momentum", "0.9"], &["--nesterov"], &["--element", "f64"]]
    {
        let output = run(&[&["audit"], flags].concat());
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{error}");
        assert!(error.contains("<SIZES>"), "{error}");
    }
    let output = run(&["audit", "3-2", "--betas", "0.9,0.99"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("--betas is for --optimizer adam or adamw"));
}

#[test]
fn a_step_that_would_take_minutes_is_refused() {
    let output = run(&["audit", "1000-1000"]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{error}");
    assert!(error.contains("too large to be executed one instruction at a time"), "{error}");
}
