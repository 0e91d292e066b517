//! Whole files of examples, packed or not, from their first byte to what a network learns from: never a panic, and what is read, written as
//! CSV and read again is the same.
//!
//! A CSV file is learned from by its column "y", or by its first one if it has no header. IDX images get labels that fit.
#![no_main]

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use nxm_net::Loss;

#[path = "../readers.rs"]
mod readers;
use readers::{args, data, digits, failure, foreign, format};

use args::{Header, TableArgs};
use data::{Columns, Examples, Meaning, Scheme, Source, Want, all_rows};
use failure::Failure;

const ARGS: TableArgs = TableArgs { header: None, max_line: 1 << 12, max_cell: 1 << 8, max_data: Some(1 << 16) };

/// The input, its labels, and the examples as they are written again: in memory, where the machine has files there.
static FILES: LazyLock<[PathBuf; 3]> = LazyLock::new(|| {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    let process = std::process::id();
    ["input", "labels", "again"].map(|name| folder.join(format!("nxm-fuzz-{process}-{name}")))
});

fn put(file: &Path, bytes: &[u8]) {
    std::fs::write(file, bytes).expect("a file");
}

/// As CSV, each text in quotes.
fn written(examples: &Examples, features: &[String], label: &str) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let mut text: String = features.iter().map(|feature| quoted(feature) + ",").collect();
    text += &(quoted(label) + "\n");
    for row in 0..examples.len() {
        (0..features.len()).for_each(|column| text += &format!("{},", examples.input(row, column)));
        text += &(quoted(examples.labels.at(row)) + "\n");
    }
    text
}

/// What was read can be read again, and be learned from or is refused.
fn use_all(examples: &Examples, source: Source<'_>, args: &TableArgs) -> Result<(), Failure> {
    let columns = &examples.columns;
    let print = examples.fingerprint();
    let judged = source.read(Want::Judge(columns), args)?;
    assert_eq!((judged.len(), judged.fingerprint()), (examples.len(), print.clone()));
    assert_eq!(source.read(Want::Predict(columns), args)?.len(), examples.len());
    if let Columns::Table { features, label } = columns {
        put(&FILES[2], written(examples, features, label).as_bytes());
        let again = Source::File { data: &FILES[2], labels: None };
        let wide = TableArgs { max_line: u64::MAX, max_cell: u64::MAX, max_data: None, header: Some(Header::Yes) };
        let again = again.read(Want::Judge(columns), &wide)?;
        assert_eq!((again.len(), again.fingerprint()), (examples.len(), print));
    }
    let rows = all_rows(examples.len())?;
    for loss in [Loss::CROSS_ENTROPY, Loss::BinaryCrossEntropy, Loss::MeanSquaredError] {
        let Ok(meaning) = Meaning::new(examples, &loss) else { continue };
        let divided = matches!(columns, Columns::Images { .. }).then_some(255.0);
        let Ok(scheme) = Scheme::new(examples, &rows, meaning, divided) else { continue };
        assert!(scheme.fits());
        let note = serde_json::to_string(&scheme).expect("a note");
        assert_eq!(serde_json::from_str::<Scheme>(&note).expect("what was written"), scheme);
        if let Ok(dataset) = scheme.dataset(examples, &rows) {
            assert_eq!((dataset.len(), dataset.features()), (examples.len(), columns.features()));
        }
    }
    Ok(())
}

fuzz_target!(|bytes: &[u8]| {
    let [input, labels, _] = &*FILES;
    put(input, bytes);
    let table = |header| (None, Some(if header == Some(Header::No) { "1" } else { "y" }), TableArgs { header, ..ARGS });
    let mut ways = vec![table(None), table(Some(Header::No))];
    if let [0, 0, 8, dimensions, 0, 0, high, low, ..] = *bytes
        && dimensions >= 2
    {
        let count = u16::from_be_bytes([high, low]);
        let classes: Vec<u8> = (0..count).map(|row| (row % 3) as u8).collect();
        put(labels, &[&[0, 0, 8, 1, 0, 0, high, low], &classes[..]].concat());
        ways = vec![(Some(labels.as_path()), None, ARGS)];
    }
    for (labels, label, args) in ways {
        let source = Source::File { data: input, labels };
        match source.read(Want::Learn { label, ignore: &[] }, &args) {
            Ok(examples) => {
                if let Err(Failure::Usage(error)) = use_all(&examples, source, &args) {
                    panic!("what was read before is refused: {error}");
                }
            }
            Err(Failure::Usage(error)) => assert!(error.len() < 10_000),
        }
    }
});
