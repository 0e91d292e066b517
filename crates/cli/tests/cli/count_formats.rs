//! The formats of `nxm count`, and how it behaves in a pipe.

use std::io::Read;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::common::{nxm, printed, run};

const FORMATS: [&str; 4] = ["table", "json", "markdown", "csv"];

#[test]
fn huge_questions_are_answered_at_once() {
    for format in FORMATS {
        let start = Instant::now();
        let args = ["count", "1000000-1000000", "--examples", "1000000000000", "--epochs", "1000", "--format", format];
        let text = printed(&args);
        // The answer takes milliseconds; the rest is for a machine that does something else at the time.
        assert!(start.elapsed() < Duration::from_secs(5), "{format}");
        match format {
            // Forward, weight gradient and update, 10¹² each; 10⁶ biases; 2·10⁶ + 1 in the loss; all of it 10¹⁵ times.
            "json" => assert!(text.contains("\"multiplications\": 3000003000001000000000000000"), "{text}"),
            "csv" => assert!(text.contains("training,total,3000003000001000000000000000,"), "{text}"),
            _ => assert!(text.contains("3.000·10²⁷") && text.contains("all digits"), "{text}"),
        }
    }
}

#[test]
fn the_table_is_aligned_and_grouped() {
    let text = printed(&["count", "30-30-30", "--hidden", "sigmoid", "--output", "sigmoid"]);
    let line = |start: &str| text.lines().find(|line| line.trim_start().starts_with(start)).expect(start);
    assert_eq!(text.lines().next(), Some("30-30-30: 1,860 parameters"));
    assert!(line("forward").split_whitespace().eq(["forward", "1,800", "1,800", "3,600", "60"]));
    let bytes = text.lines().filter(|line| line.trim_start().starts_with("one step")).nth(2).expect("a table of bytes");
    assert!(bytes.split_whitespace().skip(2).take(3).eq(["20,400", "8,280", "0.535"]), "{text}");
    assert!(text.contains("30 × 30"));
    // Numbers end where the name of their column does.
    let header: Vec<char> = line("multiplications").chars().collect();
    let end = line("multiplications").find("multiplications").expect("a column") + "multiplications".len();
    for (start, number) in [("forward", "1,800"), ("loss", "61"), ("update", "1,860"), ("one step", "6,541")] {
        let upto: String = line(start).chars().take(end).collect();
        assert!(header.len() > end && upto.ends_with(&format!(" {number}")), "{text}");
    }
    let usual = ["64-128-64-10", "--loss", "cross_entropy", "--batch", "32"];
    for text in [text, printed(&[&["count"], &usual[..], &["--verify"]].concat())] {
        assert!(text.lines().all(|line| line.chars().count() <= 100 && line.trim_end() == line), "{text}");
    }
}

#[test]
fn markdown_is_markdown() {
    let text = printed(&["count", "784-128-10", "--format", "markdown"]);
    let tables: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
    assert!(text.starts_with("### 784-128-10: 101,770 parameters\n\n"), "{text}");
    assert_eq!(tables.iter().filter(|line| line.starts_with("|--")).count(), 6);
    assert!(tables.iter().all(|line| line.ends_with('|')), "{text}");
    assert!(tables.iter().any(|line| line.contains("784 × 128") && line.contains("200,704")), "{text}");
}

#[test]
fn csv_has_a_row_for_each_part() {
    let text = printed(&["count", "784-128-10", "--format", "csv"]);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().expect("a header").clone();
    let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().expect("even rows");
    let column = |name: &str| header.iter().position(|column| column == name).expect(name);
    let cell = |scope: &str, part: &str, name: &str| {
        let row = rows.iter().find(|row| &row[0] == scope && &row[1] == part);
        row.unwrap_or_else(|| panic!("{scope} {part}"))[column(name)].to_owned()
    };
    // Step, epoch and training by part, and by layer and phase; parameters, and memory of training and inference.
    assert_eq!(rows.len(), 3 * (5 + 2 * 7) + 1 + 2 * 8);
    assert_eq!(cell("step", "forward", "bytes_read"), (4 * (784 + 101_770 + 128)).to_string());
    assert_eq!(cell("epoch layer 2", "forward", "fma"), "1280");
    assert_eq!(cell("network", "parameters", "value"), "101770");
    // Rows of 10 weights are 16 long in memory.
    assert_eq!(cell("memory of inference", "parameters", "value"), (4 * (784 * 128 + 128 + 128 * 16 + 16)).to_string());
    assert_eq!(cell("step", "forward", "fma"), "101632");
    assert_eq!(cell("step", "forward", "relu"), "128");
    assert_eq!(cell("step", "forward", "inside_cmp"), "128");
    assert_eq!(cell("layer 2", "weight_gradient", "multiplications"), "1280");
    assert_eq!(cell("training", "total", "flops"), cell("step", "total", "flops"));
    let verified = printed(&["count", "7-3", "--format", "csv", "--verify"]);
    assert!(verified.lines().any(|line| line.starts_with("verified scalar 2,padding,")), "{verified}");
}

#[test]
fn a_pipe_gets_plain_text() {
    let all = FORMATS.iter().map(|format| printed(&["count", "8-4-2", "--verify", "--format", format]));
    for text in all.chain([printed(&["--help"]), printed(&["--version"]), printed(&["count", "--help"])]) {
        assert!(!text.contains('\u{1b}') && !text.contains('\r') && text.ends_with('\n'), "{text}");
    }
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    for format in FORMATS {
        // More than a pipe holds, so that writing goes on after the reader has left.
        let sizes = vec!["7"; 3000].join("-");
        let mut command = nxm();
        command.args(["count", &sizes, "--format", format]).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut first = [0; 1];
        child.stdout.take().expect("a pipe").read_exact(&mut first).expect("a byte");
        let output = child.wait_with_output().expect("it ends");
        assert_eq!((output.status.code(), output.stderr), (Some(0), vec![]), "{format}");
    }
}

#[test]
fn help_and_version_say_what_it_is() {
    assert_eq!(printed(&["--version"]), format!("nxm {}\n", env!("CARGO_PKG_VERSION")));
    let help = printed(&["--help"]);
    assert!(help.contains("count") && help.contains("NXM_LEVEL"), "{help}");
    let count = printed(&["count", "--help"]);
    for name in ["--hidden", "--verify", "leaky_relu", "cross_entropy", "[default: relu]", "784-128-10"] {
        assert!(count.contains(name), "{name} in {count}");
    }
    assert_eq!(run(&["help", "count"]).status.code(), Some(0));
}
