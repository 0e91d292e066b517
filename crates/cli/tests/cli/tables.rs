//! What a table says is read as exactly as it is written, and nothing about it is overlooked in silence.

use std::io::Write;

use crate::common::{Folder, assert_refused_in_a_line, flowers, printed, run};

/// Standard output and standard error of a command that must succeed.
fn both(args: &[&str]) -> [String; 2] {
    let output = run(args);
    let texts = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).expect("UTF-8"));
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", texts[1]);
    texts
}

fn refused(args: &[&str], named: &[&str]) {
    assert_refused_in_a_line(&run(args), named, &args.join(" "));
}

/// The first column of a CSV text, without its header.
fn first_column(text: &str) -> Vec<&str> {
    text.lines().skip(1).map(|line| line.split(',').next().expect("a cell")).collect()
}

/// Seconds since 1970, as a clock says them: f32 holds every 128th.
const NOW: u64 = 1_700_000_000;
const ROWS: u64 = 64;

#[test]
fn seconds_of_this_century_are_told_apart() {
    let folder = Folder::new("seconds");
    for start in [0, NOW] {
        let rows: String =
            (0..ROWS).map(|i| format!("{},{}\n", start + i, ["early", "late"][(2 * i / ROWS) as usize])).collect();
        let (data, model) =
            (folder.write(&format!("{start}.csv"), format!("t,kind\n{rows}")), folder.name(&format!("{start}.nxm")));
        let train = ["train", &data, "--label", "kind", "--hidden", "8", "--learning-rate", "0.05", "--epochs", "60"];
        // From 0 they count the rows.
        printed(&[&train[..], &["--numbers", "t", "--validate", "0", "--checkpoint", &model]].concat());
        let judged = printed(&["evaluate", &model, &data]);
        assert!(
            judged.lines().any(|line| line.starts_with("accuracy") && line.contains(" 1.0000 ")),
            "from {start}: {judged}"
        );
    }
}

#[test]
fn targets_of_this_century_are_told_apart() {
    let folder = Folder::new("targets");
    let rows: String = (0..ROWS).map(|i| format!("{i},{}\n", NOW + i)).collect();
    let (data, model) = (folder.write("data.csv", format!("t,seconds\n{rows}")), folder.name("m"));
    let train = ["train", &data, "--label", "seconds", "--loss", "mse", "--hidden", "none", "--learning-rate", "0.02"];
    let more = ["--numbers", "t", "--optimizer", "adam", "--epochs", "200", "--validate", "0", "--checkpoint", &model];
    printed(&[&train[..], &more].concat());
    let predicted = printed(&["predict", &model, &data]);
    let predicted: Vec<f64> = first_column(&predicted).iter().map(|cell| cell.parse().expect("a number")).collect();
    let squares: Vec<f64> = predicted.iter().zip(0..).map(|(x, i): (_, u64)| (x - (NOW + i) as f64).powi(2)).collect();
    let off = (squares.iter().sum::<f64>() / ROWS as f64).sqrt();
    assert!(off < 1.0, "{predicted:?}");
    // What `evaluate` says is what the predictions say.
    let judged = printed(&["evaluate", &model, &data]);
    let said = judged.split("RMSE").nth(1).and_then(|text| text.split_whitespace().next()).expect("a number");
    let said: f64 = said.parse().expect("a number");
    assert!((said - off).abs() <= 0.01 * off + 1e-4, "{off}: {judged}");
}

#[test]
fn outputs_beyond_all_numbers_are_named_by_their_line() {
    let folder = Folder::new("overflow");
    let (data, model) = (folder.write("flowers.csv", flowers(60)), folder.name("m"));
    let train = ["train", &data, "--label", "kind", "--hidden", "16,16", "--epochs", "20", "--checkpoint", &model];
    printed(&train);
    // Scaled they are finite, but their products are not.
    let far = format!("{}{}", flowers(2), "\n-3e38,3e38,rose,-3e38\n3e38,3e38,iris,3e38\n");
    let far = folder.write("far.csv", far);
    for command in ["predict", "evaluate"] {
        refused(&[command, &model, &far], &[&far, "line 5", "too far", "--allow-non-finite"]);
    }
    let predicted = printed(&["predict", &model, &far, "--allow-non-finite"]);
    assert_eq!((first_column(&predicted).len(), predicted.contains("NaN")), (4, true), "{predicted}");
    let judged = printed(&["evaluate", &model, &far, "--allow-non-finite"]);
    let not_a_number = predicted.lines().filter(|line| line.contains("NaN")).count();
    assert!(judged.contains("accuracy") && judged.contains(&format!("{not_a_number} ")), "{judged}");
}

#[test]
fn rows_are_named_by_their_lines() {
    let folder = Folder::new("lines");
    let mut table = "\n\na,b,kind\n".to_owned();
    (0..40).for_each(|i| table += &format!("{},\"{}\n\",{}\n\n", 100 + i, i % 5, ["x", "y"][i % 2]));
    // A row has two lines and a blank one; the header stands in the third.
    let line = |row: usize| 4 + 3 * row;
    let learn = |text: &str, named: &[&str]| {
        let data = folder.write("data.csv", text);
        refused(&["train", &data, "--label", "kind", "--validate", "0.5"], &[&[data.as_str()], named].concat());
    };
    learn(&format!("{table}red,1,x\n"), &[&format!("line {}, column \"a\"", line(40)), "\"red\""]);
    // Whether it is learned from or held out: a number that its column's scale makes too large.
    for row in 0..8 {
        let narrow: String = (0..8)
            .map(|i| if i == row { "1e300,x\n\n".to_owned() } else { format!("{},y\n\n", 1.0 + 1e-9 * i as f64) })
            .collect();
        let data = folder.write("narrow.csv", format!("a,kind\n{narrow}"));
        let message =
            String::from_utf8(run(&["train", &data, "--label", "kind", "--validate", "0.5"]).stderr).expect("UTF-8");
        let [held_out, learned] = [format!("line {}, column \"a\"", 2 + 2 * row), "the column \"a\"".to_owned()];
        assert!(
            message.contains(&held_out) && message.contains(": 1e300 is too far") || message.contains(&learned),
            "{row}: {message}"
        );
    }
}

#[test]
fn a_class_that_is_only_held_out_is_refused() {
    let folder = Folder::new("unseen");
    let mut held_out = 0;
    for row in 0..10 {
        let rows: String = (0..10)
            .map(|i| format!("{},{}\n", i % 4, if i == row { "rare\u{1b}" } else { ["x", "y"][i % 2] }))
            .collect();
        let data = folder.write("data.csv", format!("a,kind\n{rows}"));
        let train = ["train", &data, "--label", "kind", "--hidden", "2", "--epochs", "1", "--validate", "0.3"];
        // One row of each class stays, unless any may be taken.
        let [_, warning] = both(&train);
        assert!(warning.contains("no held-out row has the class"), "{warning}");
        let random = [&train[..], &["--split", "random"]].concat();
        if run(&random).status.code() != Some(0) {
            held_out += 1;
            refused(&random, &[&data, "no row to train on has the class", r"rare\u{1b}"]);
        }
    }
    assert_eq!(held_out, 3, "three of ten are held out");
}

#[test]
fn a_first_line_of_examples_is_no_header() {
    let folder = Folder::new("header");
    let rows: String = (0..30).map(|i| format!("{},{},{}\n", i % 3, 10 - i % 3, ["x", "y", "z"][i % 3])).collect();
    let data = folder.write("data.csv", &rows);
    refused(&["train", &data, "--label", "x"], &[&data, "no column \"x\"", "\"1\", \"2\", \"3\"", "first line"]);
    let model = folder.name("m");
    let train = ["train", &data, "--label", "3", "--hidden", "4", "--learning-rate", "0.05"];
    let text = printed(&[&train[..], &["--validate", "0", "--checkpoint", &model]].concat());
    assert!(text.contains("\"3\" (3 classes) from 2 columns, 30 examples"), "{text}");
    assert_eq!(first_column(&printed(&["predict", &model, &data])).len(), 30);
    assert!(printed(&["evaluate", &model, &data]).contains("30 examples"));
    refused(&["evaluate", &model, &data, "--header", "yes"], &[&data]);
    refused(&["train", "--header", "no"], &["the embedded digits"]);
    let years = folder.write("years.csv", format!("2023,2024,kind\n{rows}"));
    let train = ["train", &years, "--label", "kind", "--header", "yes", "--epochs", "1", "--hidden", "2"];
    let text = printed(&[&train[..], &["--validate", "0"]].concat());
    assert!(text.contains("from 2 columns"), "{text}");
}

#[test]
fn the_index_of_a_data_frame_is_no_feature() {
    let folder = Folder::new("index");
    for (name, start) in [("", 0), ("Unnamed: 0", 0), ("", 1)] {
        let rows: String =
            (0..30).map(|i| format!("{},{},{}\n", i + start, i * i % 5, ["x", "y", "z"][i % 3])).collect();
        let data = folder.write("data.csv", format!("{name},a,kind\n{rows}"));
        let model = folder.name("m");
        let train = ["train", &data, "--label", "kind", "--hidden", "2", "--epochs", "1", "--checkpoint", &model];
        let text = printed(&train);
        assert!(text.contains("left out: counts the rows") && text.contains("from 1 column,"), "{text}");
        refused(
            &["train", &data, "--resume", &model, "--epochs", "2", "--ignore", "a"],
            &["--ignore is \"a\"", &model],
        );
        assert!(printed(&["evaluate", &model, &data]).contains("30 examples"));
        // Who wants it can have it.
        let text = printed(&[&train[..8], &["--numbers", name]].concat());
        assert!(text.contains("from 2 columns"), "{text}");
        std::fs::remove_file(&model).expect("a file");
        std::fs::remove_file(format!("{model}.best")).expect("a file");
    }
    let data = folder.write("data.csv", ",a,kind\n5,1,x\n3,2,y\n5,3,x\n3,4,y\n");
    let train = ["train", &data, "--label", "kind", "--epochs", "1", "--hidden", "2", "--validate", "0"];
    assert!(printed(&train).contains("from 2 columns"), "it does not count");
    refused(&[&train[..], &["--ignore", "b"]].concat(), &["no column \"b\""]);
    refused(&[&train[..], &["--ignore", "kind"]].concat(), &["--ignore is \"kind\"", "the column to learn"]);
    refused(&[&train[..], &["--ignore", "a", "--ignore", ""]].concat(), &["no column is left"]);
}

/// A table as people have it: text, missing values, dates, yes and no, decimal commas.
#[test]
fn a_table_as_it_comes() {
    let folder = Folder::new("comes");
    let rows: String = (0..60)
        .map(|i| {
            let (size, city) = (["", "1,5", "2,5", "NA"][i % 4], ["Bern", "Oslo", "?"][i % 3]);
            format!("{i};{size};{city};2024-0{}-11;{};{}\r\n", 1 + i % 9, ["yes", "no"][i % 2], ["a", "b"][i / 2 % 2])
        })
        .collect();
    let text = format!("\u{feff}id;size;city;day;smokes;kind\r\n{rows}");
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let (data, other) = (folder.write("data.csv", &text), folder.write("utf16.csv", utf16));
    let model = folder.name("m");
    let train = ["train", &data, "--label", "kind", "--epochs", "40", "--hidden", "16", "--checkpoint", &model];
    let text = printed(&train);
    for (column, holds) in
        [("id", "left out"), ("size", "numbers"), ("city", "categories"), ("day", "dates"), ("smokes", "yes or no")]
    {
        let row = |line: &&str| line.trim_start().starts_with(&format!("{column} "));
        let row = text.lines().find(row).unwrap_or_else(|| panic!("{column}: {text}"));
        assert!(row.contains(holds), "{row}");
    }
    let predicted = printed(&["predict", &model, &data, "--keep", "id"]);
    assert!(predicted.starts_with("id,prediction,probability a,probability b\n0,a,"), "{predicted}");
    assert_eq!(printed(&["predict", &model, &other, "--keep", "id"]), predicted);
    let lines = printed(&["predict", &model, &data, "--format", "jsonl"]);
    assert_eq!(lines.lines().count(), 60);
    assert!(lines.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "{lines}");
    // Who reads the rest of a row wants to know of the bad one, or to go on.
    let bad = folder.write(
        "bad.csv",
        "id;size;city;day;smokes\n1;1,5;Bern;2024-01-11;yes\n2;x;Oslo;2024-01-11;no\n3;2,5;Rome;;no\n",
    );
    // What may be either in so few rows is said.
    let predict = ["predict", &model, &bad, "--decimal-comma", "yes"];
    refused(&predict, &[&bad, "line 3, column \"size\"", "\"x\" is not a number"]);
    let [rest, warning] = both(&[&predict[..], &["--bad-rows", "skip", "--keep", "id"]].concat());
    assert!(warning.contains("line 3") && warning.contains("1 row skipped"), "{warning}");
    assert_eq!(first_column(&rest), ["1", "3"]);
}

#[test]
fn packed_lines_without_end_are_refused() {
    let folder = Folder::new("bomb");
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let piece = vec![b'1'; 1 << 20];
    writer
        .write_all(b"a,kind\n")
        .and_then(|()| (0..64).try_for_each(|_| writer.write_all(&piece)))
        .expect("bytes in memory");
    let data = folder.write("bomb.csv.gz", writer.finish().expect("bytes in memory"));
    refused(&["train", &data, "--label", "kind"], &[&data, "line 2, column 1", "--max-cell"]);
    let more = (1u64 << 40).to_string();
    refused(&["train", &data, "--label", "kind", "--max-cell", &more], &[&data, "line 2 is longer", "--max-line"]);
    refused(
        &["train", &data, "--label", "kind", "--max-cell", &more, "--max-line", &more],
        &[&data, "line 2", "1 cell"],
    );
    let data = folder.write("flowers.csv", flowers(9));
    refused(&["train", &data, "--label", "kind", "--max-line", "10"], &["line 1 is longer than 10 bytes"]);
}

/// A line that no limit forbids, in a process that may not have so much memory.
#[test]
#[cfg(target_os = "linux")]
fn memory_that_is_refused_is_an_error() {
    let folder = Folder::new("memory");
    const MEBIBYTES: usize = 384;
    let data = folder.path("line.csv.gz");
    let file = std::fs::File::create(&data).expect("a file");
    let mut writer = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    let piece = vec![b'1'; 1 << 20];
    writer
        .write_all(b"a,kind\n")
        .and_then(|()| (0..MEBIBYTES).try_for_each(|_| writer.write_all(&piece)))
        .expect("a file");
    writer.finish().expect("a file");
    let mut shell = std::process::Command::new("sh");
    // In KiB, of addresses: the threads' stacks take some, and the line may not.
    shell.args([
        "-c",
        &format!("ulimit -v {}; exec \"$0\" \"$@\"", MEBIBYTES << 10),
        env!("CARGO_BIN_EXE_nxm"),
        "train",
    ]);
    let more = (1u64 << 40).to_string();
    shell.args(["--label", "kind", "--threads", "1", "--max-cell", &more, "--max-line", &more]).arg(&data);
    let output = shell.output().expect("a shell");
    assert_refused_in_a_line(&output, &["line 2: could not allocate", "bytes"], "a line");
}

#[test]
fn files_that_are_something_else() {
    let folder = Folder::new("elsewhere");
    let (table, model) = (folder.write("flowers.csv", flowers(30)), folder.name("m"));
    printed(&["train", &table, "--label", "kind", "--hidden", "4", "--epochs", "1", "--checkpoint", &model]);
    for (start, named) in [
        (&b"\x93NUMPY\x01\0v\0{'descr'"[..], "header"),
        (b"PK\x03\x04rest", ""),
        (b"PAR1rest", "Parquet"),
        (b"\x89HDF\r\n\x1a\nrest", "HDF5"),
        (b"<!doctype html><html>", "HTML"),
        (b"\x08\x07\x12\x07pytorch", "ONNX"),
    ] {
        let data = folder.write("data.csv", start);
        refused(&["train", &data, "--label", "kind"], &[&data, named]);
        refused(&["predict", &model, &data], &[&data, named]);
        refused(&["evaluate", &model, &data], &[&data, named]);
    }
    refused(&["predict", &model, &model], &[&model, "the model is named first"]);
    let data = folder.write("latin.csv", b"a,kind\n1,gr\xfcn\n2,x\n");
    let text = printed(&["train", &data, "--label", "kind", "--hidden", "2", "--epochs", "1", "--validate", "0"]);
    assert!(text.contains("Windows-1252") || text.contains("Latin-1"), "{text}");
}

#[test]
fn a_table_cannot_play_with_the_terminal() {
    let folder = Folder::new("hostile");
    let hostile = "\u{1b}]0;x\u{7}\u{202e}";
    let table = flowers(60).replace("rose", hostile).replace("kind", "ki\u{1b}nd").replace("iris", &"i".repeat(1000));
    let (data, model) = (folder.write(&format!("a{hostile}.csv"), &table), folder.name(&format!("m{hostile}")));
    let train = ["train", &data, "--label", "ki\u{1b}nd", "--hidden", "4", "--epochs", "2", "--checkpoint", &model];
    let strange = table.replacen("weight\n", "weight\n1,2,\u{1b}[2J,3\n", 1);
    let strange = folder.write(&format!("b{hostile}.csv"), strange);
    let argument = format!("--{hostile}");
    let cell = folder.write("cell.csv", format!("a,kind\n{}\u{1b},x\n", "z".repeat(100_000)));
    for args in [
        &train[..],
        &train[..],
        &["evaluate", &model, &data],
        &["evaluate", &model, &strange],
        &["count", &model],
        &["count", &argument],
        &["count", "3-2", &argument],
        &["train", "--hidden", hostile],
        &["train", &cell, "--label", "kind"],
    ] {
        let output = run(args);
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8(text).expect("UTF-8");
        let raw = ['\u{1b}', '\u{7}', '\u{202e}'];
        assert!(!text.is_empty() && !text.contains(raw), "{args:?}: {text:?}");
        assert!(text.lines().all(|line| line.len() < 2000), "{args:?}: {text}");
    }
    // What a program reads is as it was.
    assert!(printed(&["predict", &model, &data]).contains(hostile));
}

#[test]
fn a_model_reads_other_tables_as_it_read_its_own() {
    let folder = Folder::new("reading");
    let rows = |comma: &str| -> String {
        (0..60)
            .map(|i| {
                let number = if i % 5 == 0 { "-999".to_owned() } else { format!("{}{comma}5", i % 7) };
                format!("{number};{}\n", ["low", "high"][usize::from(i % 7 > 3)])
            })
            .collect()
    };
    let data = folder.write("data.csv", format!("a;kind\n{}", rows(",")));
    let model = folder.name("m");
    let train = ["train", &data, "--label", "kind", "--epochs", "3", "--hidden", "4", "--checkpoint", &model];
    printed(&[&train[..], &["--missing", "-999"]].concat());
    let evaluate = ["evaluate", &model, &data];
    let judged = printed(&evaluate);
    assert_eq!(judged, printed(&[&evaluate[..], &["--missing", "-999", "--decimal-comma", "yes"]].concat()));
    assert_ne!(judged, printed(&[&evaluate[..], &["--missing", "none"]].concat()));
    let resume = ["train", &data, "--resume", &model, "--epochs", "4"];
    refused(&[&resume[..], &["--missing", "none"]].concat(), &[&data, "not the data"]);
    printed(&resume);
}

#[test]
fn a_row_of_a_large_file_is_as_it_is_in_a_small_one() {
    let folder = Folder::new("chunks");
    const MANY: usize = 20_000;
    const BAD: usize = 17_000;
    let train: String = (0..60).map(|i| format!("{i},{}.25,{}\n", i * i % 41, ["low", "high"][i % 2])).collect();
    let (data, model) = (folder.write("data.csv", format!("n,a,kind\n{train}")), folder.name("m"));
    printed(&["train", &data, "--label", "kind", "--epochs", "2", "--hidden", "4", "--checkpoint", &model]);
    let id = |i: usize| format!("{i:09}000000000001");
    let rows: String = (0..MANY)
        .map(|i| format!("{},{}\n", id(i), if i == BAD { "oops".to_owned() } else { format!("{i}.125") }))
        .collect();
    let large = folder.write("large.csv", format!("id,a\n{rows}"));
    let line = format!("line {}, column \"a\"", BAD + 2);
    let predict = ["predict", &model, &large, "--keep", "id", "--bad-rows", "skip"];
    let [predicted, warning] = both(&predict);
    assert!(warning.contains(&line) && warning.contains("\"oops\"") && warning.contains("1 row skipped"), "{warning}");
    let ids: Vec<String> = (0..MANY).filter(|i| *i != BAD).map(id).collect();
    assert_eq!(first_column(&predicted), ids);
    // One of them alone has the same prediction.
    let last = predicted.lines().last().expect("a row");
    let alone = folder.write("alone.csv", format!("id,a\n{},{}.125\n", id(MANY - 1), MANY - 1));
    assert!(printed(&["predict", &model, &alone, "--keep", "id"]).ends_with(&format!("{last}\n")));
    // Learned from, it is named as well, and not taken for a text.
    let labelled: String = (0..MANY)
        .map(|i| format!("{},{}\n", if i == BAD { "oops".to_owned() } else { format!("{i}.125") }, ["x", "y"][i % 2]))
        .collect();
    let labelled = folder.write("labelled.csv", format!("a,kind\n{labelled}"));
    refused(&["train", &labelled, "--label", "kind"], &[&labelled, &line, "\"oops\"", "--missing"]);
}

#[test]
fn groups_that_moved_are_other_data() {
    let folder = Folder::new("groups");
    let table = |shift: usize| -> String {
        let rows = (0..60).map(|i| format!("{},{},{}\n", i * i % 41, (i + shift) / 6, ["x", "y"][i % 2]));
        format!("a,g,kind\n{}", rows.collect::<String>())
    };
    let (data, moved, model) =
        (folder.write("data.csv", table(0)), folder.write("moved.csv", table(3)), folder.name("m"));
    let train = ["train", &data, "--label", "kind", "--group", "g", "--epochs", "2", "--checkpoint", &model];
    printed(&train);
    refused(&["train", &moved, "--resume", &model, "--epochs", "3"], &[&moved, "not the data"]);
    printed(&["train", &data, "--resume", &model, "--epochs", "3"]);
    refused(&["train", &data, "--label", "kind", "--group", "kind"], &["--group is \"kind\""]);
}
