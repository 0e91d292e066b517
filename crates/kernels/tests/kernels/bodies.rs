//! Kernel bodies know of their numbers what [`nxm_kernels::Lane`] says, so that they can't add, compare or convert them but by the token.
//!
//! The compiler checks what a body does under its bounds. This checks the bounds: no body asks for `Element`, and none is for f32 or f64
//! alone, where operators are at hand.

use std::fs;
use std::path::Path;

/// Each file of the crate, and its text.
fn sources(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
        }
    }
}

/// The heads of functions and implementations: from `fn` or `impl` to the brace that opens their body.
fn heads(text: &str) -> impl Iterator<Item = String> {
    let starts = |line: &&str| {
        let line = line.trim_start();
        let line = line.strip_prefix("pub(crate) ").or(line.strip_prefix("pub(super) ")).unwrap_or(line);
        let line = line.strip_prefix("pub ").unwrap_or(line);
        ["fn ", "impl<", "impl ", "unsafe fn "].iter().any(|start| line.starts_with(start))
    };
    let lines: Vec<&str> = text.lines().collect();
    let starts: Vec<usize> = (0..lines.len()).filter(|i| starts(&lines[*i])).collect();
    starts.into_iter().map(move |start| {
        let end = (start..lines.len()).find(|i| lines[*i].ends_with(['{', ';', '}'])).unwrap_or(start);
        lines[start..=end].join(" ")
    })
}

/// What is wrong with a head, if it is of code that has a token.
fn wrong(head: &str) -> Option<&'static str> {
    let of_one_type = ["Kernel<f32> for", "Kernel<f64> for", "Simd<f32>>(", "Simd<f64>>("];
    // The tokens themselves: their methods are what arithmetic is.
    if head.contains("impl Simd<") || !(head.contains("Kernel<") || head.contains("Simd<")) {
        return None;
    }
    if of_one_type.iter().any(|one| head.contains(one)) {
        return Some("is of one element type, whose operators are at hand");
    }
    let asks = |rest: &str| !rest.starts_with(char::is_alphabetic);
    head.split(": Element").skip(1).any(asks).then_some("asks for more than Lane")
}

#[test]
fn bodies_have_no_arithmetic_at_hand() {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    let mut bodies = 0;
    for (file, text) in &files {
        for head in heads(text).filter(|head| head.contains("Kernel<") || head.contains("Simd<")) {
            bodies += 1;
            assert_eq!(wrong(&head), None, "{file}: {head}");
        }
    }
    // Every kernel, function and epilogue: far more than this.
    assert!(bodies > 100, "{bodies} heads were found: the search no longer fits the code");
}

#[test]
fn what_is_wrong_is_seen() {
    let heads = |text| heads(text).filter_map(|head| wrong(&head)).count();
    assert_eq!(heads("impl<T: Lane> Kernel<T> for Dot<'_, T> {\n"), 0);
    assert_eq!(heads("impl<T: Element> Kernel<T> for Dot<'_, T> {\n"), 1);
    assert_eq!(heads("impl Kernel<f64> for Mean<'_> {\n"), 1);
    assert_eq!(heads("fn tail<T: Element, S: Simd<T>>(\n    simd: S,\n) -> T {\n"), 1);
    assert_eq!(heads("    fn run<S: Simd<f64>>(self, simd: S) {\n"), 1);
    assert_eq!(heads("impl Simd<f64> for Scalar {\n"), 0);
}
