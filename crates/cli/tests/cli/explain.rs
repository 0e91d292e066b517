//! `nxm explain`: the page for the network that the question was asked about, for another one, and in HTML.

use crate::common::{assert_refused_in_a_line, printed, run};

/// What the page says in a line of a table that starts so.
fn cells<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let line =
        page.lines().find(|line| line.trim_start().starts_with(name)).unwrap_or_else(|| panic!("{name}\n{page}"));
    line.trim_start()[name.len()..].split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()
}

/// In one line.
fn prose(page: &str) -> String {
    page.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn thirty_thirty_thirty() {
    let page = printed(&["explain"]);
    assert!(page.starts_with("Why training 30-30-30 takes so long\n"), "{page}");
    let prose = prose(&page);
    for sentence in [
        "needs 1,800 multiplications to answer",
        "it needs 6,541: 3.63 times as many",
        "In batches of 32 the factor is 2.63",
        "each of the 1,800 weights and 60 biases: 1,860 derivatives",
        "One would expect 1,800 multiplications, and yet it takes 2,820",
        "1 multiplication and 1 addition for each parameter",
        "the update takes 1,860 multiplications",
        "The factor falls from 3.63 to 2.63",
        "10,000 examples in 100 epochs, 32 at a time. That makes 31,300 steps",
        "At this rate the training takes",
    ] {
        assert!(prose.contains(sentence), "{sentence:?} in {page}");
    }
    assert_eq!(cells(&page, "layer 2: 30 × 30"), ["900", "30 × 30", "900", "30 sigmoid"]);
    assert_eq!(cells(&page, "for the weights: input · δ"), ["1,800"]);
    assert_eq!(cells(&page, "for the inputs of layer 2: weight · δ"), ["900"]);
    assert_eq!(cells(&page, "for the slopes of the activations"), ["120"]);
    // 1,800 + 61 + 2,820 + 1,860, and 32·1,800 + (2·960 + 1) + 32·2,820 + 1,860.
    assert_eq!(cells(&page, "step"), ["6,541", "3.63", "151,621", "2.63"]);
    assert_eq!(cells(&page, "update"), ["1,860", "1.03", "1,860", "0.03"]);
    assert!(page.lines().all(|line| line.chars().count() <= 100 && line.trim_end() == line), "{page}");
}

#[test]
fn three_layers_of_relu_with_cross_entropy() {
    let network = ["explain", "64-128-64-10", "--activation", "relu", "--loss", "cross_entropy"];
    let page = printed(&[&network[..], &["--batch", "1", "--examples", "50", "--epochs", "2"]].concat());
    let prose = prose(&page);
    let products = 64 * 128 + 128 * 64 + 64 * 10;
    assert_eq!(products, 17_024);
    for sentence in [
        "each of the 17,024 weights and 202 biases: 17,226 derivatives",
        // The weights, and the inputs of layers 2 and 3: 128·64 + 64·10.
        "One would expect 17,024 multiplications, and yet it takes 25,856",
        "they cost 192 comparisons and no multiplication",
        "The loss (cross_entropy)",
        "10 evaluations of exp and 1 evaluation of log",
        "That makes 100 steps",
    ] {
        assert!(prose.contains(sentence), "{sentence:?} in {page}");
    }
    assert_eq!(cells(&page, "for the inputs of layers 2 to 3: weight · δ"), ["8,832"]);
    assert_eq!(cells(&page, "layer 3: 64 × 10"), ["640", "10 × 64", "640", "none"]);
    assert!(!prose.contains("The factor falls"), "one example at a time: {page}");
}

#[test]
fn other_optimizers_have_other_rules() {
    let page = prose(&printed(&["explain", "--optimizer", "adam"]));
    assert!(page.contains("The optimizer (adam)") && page.contains("1 square root for each parameter"), "{page}");
}

/// Asserts that every element ends where it should and that nothing stands outside of it.
fn assert_well_formed(html: &str) {
    let body = html.strip_prefix("<!DOCTYPE html>\n").expect("a doctype");
    let mut open: Vec<&str> = Vec::new();
    let mut elements = 0;
    for (i, part) in body.split('<').enumerate() {
        if i == 0 {
            assert_eq!(part, "");
            continue;
        }
        let (tag, text) = part.split_once('>').unwrap_or_else(|| panic!("no > in {part:?}"));
        assert!(!text.contains('>'), "{part:?}");
        elements += 1;
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') {
            open.push(tag.split(' ').next().expect("a name"));
        }
        for entity in text.split('&').skip(1) {
            assert!(["amp;", "lt;", "gt;", "quot;"].iter().any(|known| entity.starts_with(known)), "{text:?}");
        }
        assert!(!open.is_empty() || text.trim().is_empty(), "{text:?} behind the page");
    }
    assert!(open.is_empty() && elements > 100, "{open:?}");
}

#[test]
fn html_is_well_formed_and_whole() {
    let html = printed(&["explain", "784-128-10", "--loss", "cross_entropy", "--format", "html", "--batch", "8"]);
    assert_well_formed(&html);
    assert!(html.contains("<title>Why training 784-128-10 takes so long</title>"), "{html}");
    for outside in ["src=", "href=", "http", "url(", "<script"] {
        assert!(!html.contains(outside), "{outside} in {html}");
    }
    // The slash of an element that has no end, and the ends themselves, are seen by the test.
    let broken = html.replacen("</td>", "", 1);
    assert!(std::panic::catch_unwind(|| assert_well_formed(&broken)).is_err());
}

#[test]
fn markdown_has_headings_and_tables() {
    let page = printed(&["explain", "--format", "markdown"]);
    assert!(page.starts_with("# Why training 30-30-30 takes so long\n\n"), "{page}");
    assert_eq!(page.lines().filter(|line| line.starts_with("## ")).count(), 7);
    assert_eq!(page.lines().filter(|line| line.starts_with("|--")).count(), 3);
}

#[test]
fn what_cannot_be_explained() {
    let output = run(&["explain", "1000000-1000000"]);
    let page = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(
        output.status.success() && prose(&page).contains("No step was measured here: the step is too large"),
        "{page}"
    );
    let long = vec!["3"; 40].join("-");
    assert!(printed(&["explain", &long]).contains("… 28 more layers"));
    let max = u64::MAX.to_string();
    assert_refused_in_a_line(&run(&["explain", &[max.as_str(); 3].join("-")]), &["2¹²⁸"], "too many");
    for (args, named) in [
        (&["30-x"][..], "\"x\""),
        (&["30"], "one size"),
        (&["--batch", "0"], "--batch"),
        (&["--format", "pdf"], "markdown"),
        (&["--activation", "sigmod"], "'sigmoid'"),
    ] {
        let output = run(&[&["explain"], args].concat());
        let message = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(output.stdout.is_empty() && message.contains(named) && !message.contains("panicked"), "{message}");
    }
}
