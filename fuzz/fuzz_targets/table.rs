//! Files of tables, packed or not, from their first byte to what a network learns from: never a panic, and what is read, written as CSV and read
//! again is the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nxm_data::{Cells, Encoder, Overrides, ReadOptions, Table, TableReader, Target, Task};

fn options() -> ReadOptions {
    ReadOptions::default().with_max_line(1 << 12).with_max_cell(1 << 8)
}

/// A cell as it was written; none of arrays and of texts that are not kept.
fn cell(table: &Table, column: usize, row: usize) -> Option<String> {
    match &table.columns()[column].cells {
        Cells::Coded { codes, texts } => Some(texts.at(codes[row] as usize).to_owned()),
        Cells::Numbers(numbers) => Some(numbers[row].to_string()),
        Cells::Many { .. } | Cells::Array { .. } => None,
    }
}

/// All cells, row after row, below the names of the columns.
fn cells(table: &Table) -> Option<Vec<Vec<String>>> {
    let names = table.columns().iter().map(|column| column.name.clone()).collect();
    let row = |row| (0..table.columns().len()).map(|column| cell(table, column, row)).collect::<Option<Vec<_>>>();
    let rows: Option<Vec<_>> = (0..table.rows()).map(row).collect();
    Some([vec![names], rows?].concat())
}

/// As CSV, each text in quotes.
fn written(cells: &[Vec<String>]) -> String {
    let quoted = |text: &String| format!("\"{}\"", text.replace('"', "\"\""));
    cells.iter().map(|row| row.iter().map(quoted).collect::<Vec<_>>().join(",") + "\n").collect()
}

/// What can be learned of it, by each of its columns.
fn learn(table: &Table) {
    let rows: Vec<usize> = (0..table.rows()).collect();
    if let Ok(columns) = table.describe(&Overrides::default())
        && let Ok(encoder) = Encoder::fit(table, &columns, &rows)
    {
        assert!(encoder.is_sane());
        assert_eq!(encoder.features().len(), encoder.width());
        let note = serde_json::to_string(&encoder).expect("a note");
        assert_eq!(serde_json::from_str::<Encoder>(&note).expect("what was written"), encoder);
        if let Ok(inputs) = encoder.encode(table, &rows) {
            assert!(inputs.len() == rows.len() * encoder.width() && inputs.iter().all(|x| x.is_finite()));
        }
    }
    for column in table.columns().iter().take(8) {
        for task in [Task::Classes, Task::Numbers, Task::Labels] {
            let Ok(split) = table.target(&column.name).task(task).stratified(0.3, 7) else { continue };
            let target = &split.train.examples.target;
            let note = serde_json::to_string(target).expect("a note");
            assert_eq!(serde_json::from_str::<Target>(&note).expect("what was written"), *target);
            let held_out = &split.held_out.rows;
            assert!(split.train.rows.iter().all(|row| held_out.binary_search(row).is_err()));
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let table = match Table::read_from(bytes, "file", &options()) {
        Ok(table) => table,
        Err(error) => {
            assert!(error.to_string().len() < 10_000);
            return;
        }
    };
    // Some rows at a time are the same rows.
    let mut reader = TableReader::from_reader(bytes, "file", &options()).expect("what was read");
    let mut rows = 0;
    while let Some(some) = reader.next_rows(3).expect("what was read") {
        assert!(some.rows() > 0 && some.rows() <= 3);
        rows += some.rows();
    }
    assert_eq!(rows, table.rows());
    if let Some(before) = cells(&table) {
        let wide = ReadOptions::default().with_header(true).with_separator(b',').with_max_line(1 << 20);
        let again = Table::read_from(written(&before).as_bytes(), "again", &wide).expect("what was read before");
        // A quoted cell keeps its white space, and so does one that is read again.
        assert_eq!(cells(&again).expect("texts"), before);
    }
    learn(&table);
});
