//! `nxm predict --out FILE` and `--format npy`: files that are written whole or not at all, and arrays that NumPy reads.

use crate::common::{Folder, assert_refused_in_a_line, flowers, printed, run};
use nxm_data::{Cells, Table};

const ROWS: usize = 60;

/// The columns of an array.
fn columns(path: &str) -> Vec<Vec<f64>> {
    let table = Table::read(path).expect("an array");
    let numbers = |cells: &Cells| match cells {
        Cells::Numbers(numbers) => numbers.to_vec(),
        Cells::Coded { codes, texts } => {
            codes.iter().map(|code| texts.at(*code as usize).parse().expect("a number")).collect()
        }
        other => panic!("{other:?}"),
    };
    table.columns().iter().map(|column| numbers(&column.cells)).collect()
}

/// The numbers of the columns of a CSV text, from the `skip`-th one on.
fn numbers(text: &str, skip: usize) -> Vec<Vec<f64>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<Vec<f64>> = reader
        .records()
        .map(|row| row.expect("a row").iter().skip(skip).map(|cell| cell.parse().expect("a number")).collect())
        .collect();
    (0..rows[0].len()).map(|column| rows.iter().map(|row| row[column]).collect()).collect()
}

#[test]
fn arrays_hold_what_a_table_says() {
    let folder = Folder::new("npy");
    let data = folder.write("flowers.csv", flowers(ROWS));
    for (label, skip, named) in [
        ("kind", 1, "\"probability iris\", \"probability lily, white\", \"probability rose\""),
        ("weight", 0, "\"prediction\""),
    ] {
        let (model, array) = (folder.name(label), folder.name(&format!("{label}.npy")));
        printed(&["train", &data, "--label", label, "--epochs", "3", "--hidden", "4", "--checkpoint", &model]);
        let output = run(&["predict", &model, &data, "--format", "npy", "--out", &array]);
        let message = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0), "{message}");
        assert!(message.starts_with("note: ") && message.contains(named), "{message}");
        let (found, expected) = (columns(&array), numbers(&printed(&["predict", &model, &data]), skip));
        assert_eq!((found.len(), found[0].len()), (expected.len(), ROWS));
        for (x, y) in found.iter().flatten().zip(expected.iter().flatten()) {
            // A text has the digits of 32 bits.
            assert!((x - y).abs() <= f64::from(f32::EPSILON) * y.abs().max(f64::from(f32::MIN_POSITIVE)), "{x} {y}");
        }
        // The same bytes on standard output.
        let piped = run(&["predict", &model, &data, "--format", "npy"]).stdout;
        assert_eq!(piped, std::fs::read(&array).expect("a file"));
    }
}

#[test]
fn files_are_written_whole_or_not_at_all() {
    let folder = Folder::new("out");
    let (data, model) = (folder.write("flowers.csv", flowers(ROWS)), folder.name("m"));
    printed(&["train", &data, "--label", "kind", "--epochs", "1", "--hidden", "4", "--checkpoint", &model]);
    let out = folder.write("out", "something of value");
    let bad = folder.write("bad.csv", flowers(ROWS) + "red,1,rose,1\n");
    let count = || std::fs::read_dir(folder.here()).expect("a folder").count();
    let files = count();
    for format in ["csv", "jsonl", "npy"] {
        let predict = ["predict", &model, &bad, "--format", format, "--out", &out];
        let output = run(&predict);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{format}");
        assert_eq!(std::fs::read_to_string(&out).expect("a file"), "something of value", "{format}");
        assert_eq!(count(), files, "{format}");
    }
    for format in ["csv", "jsonl"] {
        assert_eq!(printed(&["predict", &model, &data, "--format", format, "--out", &out]), "");
        let expected = printed(&["predict", &model, &data, "--format", format]);
        assert_eq!(std::fs::read_to_string(&out).expect("a file"), expected);
    }
    // Rows that are skipped are not in the array, whose header says how many there are.
    let skipped = ["predict", &model, &bad, "--format", "npy", "--bad-rows", "skip", "--out", &out];
    assert_eq!(run(&skipped).status.code(), Some(0));
    assert_eq!(columns(&out)[0].len(), ROWS);
    let refused = |args: &[&str], named: &[&str]| {
        assert_refused_in_a_line(&run(&[&["predict", &model, &data], args].concat()), named, &args.join(" "));
    };
    refused(&["--format", "npy", "--keep", "weight"], &["--keep \"weight\"", "--format npy", "csv or jsonl"]);
    refused(&["--out", &data], &["--out is", &data, "which is read"]);
    refused(&["--out", &model], &["--out is", &model, "which is read"]);
    refused(&["--out", folder.here().to_str().expect("UTF-8")], &["no regular file"]);
    refused(&["--out", &folder.name("none/x")], &["can't write", "none/x"]);
    assert_eq!(count(), files);
}
