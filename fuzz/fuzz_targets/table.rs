//! The readers of tables and images, on any bytes: they never panic, keep to their bounds, and what was read, written and read again is the same.
//!
//! The program keeps its readers to itself. So their files are compiled here once more.
#![no_main]

use libfuzzer_sys::fuzz_target;

/// What the readers report errors by.
mod failure {
    /// As in the program: words alone.
    #[derive(Debug)]
    pub enum Failure {
        /// What is wrong.
        Usage(String),
    }
}

#[path = "../../crates/cli/src/data/idx.rs"]
mod idx;
#[path = "../../crates/cli/src/data/records.rs"]
mod records;
#[path = "../../crates/cli/src/data/room.rs"]
mod room;

/// What stands beside the readers in the program.
mod open {
    use crate::failure::Failure;

    /// As in the program.
    pub fn unreadable(name: &str, error: &std::io::Error) -> Failure {
        Failure::Usage(format!("can't read {name}: {error}"))
    }
}

fn times(shape: &[usize]) -> String {
    shape.iter().map(usize::to_string).collect::<Vec<_>>().join("×")
}

use failure::Failure;
use records::{Limits, RecordError, Records};
use room::Room;

const LIMITS: Limits = Limits { line: 200, cell: 50 };
/// Bytes of an image file.
const ROOM: u64 = 300;

/// All cells, row after row; none if a cell is no UTF-8.
fn read(text: &[u8]) -> Result<Option<Vec<Vec<String>>>, RecordError> {
    let (mut records, mut rows, mut line, mut utf8) = (Records::new(text, LIMITS), Vec::new(), 0, true);
    while let Some(record) = records.next()? {
        assert!(record.line > line, "lines go forward");
        line = record.line;
        let cells: Vec<Option<&str>> = (0..record.len()).map(|column| record.cell(column)).collect();
        assert!(cells.iter().flatten().map(|cell| cell.len()).sum::<usize>() <= LIMITS.line);
        assert!(cells.iter().flatten().all(|cell| cell.len() <= LIMITS.cell));
        utf8 &= cells.iter().all(Option::is_some);
        rows.push(cells.into_iter().flatten().map(str::to_owned).collect());
    }
    Ok(utf8.then_some(rows))
}

/// As CSV, each cell in quotes.
fn written(rows: &[Vec<String>]) -> String {
    let cell = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
    rows.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>().join(",") + "\n").collect()
}

fuzz_target!(|bytes: &[u8]| {
    match read(bytes) {
        Ok(Some(rows)) => {
            let again = read(written(&rows).as_bytes()).expect("no longer than it was");
            assert_eq!(again, Some(rows));
        }
        Ok(None) => {}
        Err(error) => assert!(error.to_string().len() < 1_000),
    }
    let room = Room::new(Some(ROOM));
    match idx::read(bytes, "file", room) {
        Ok(read) => {
            assert_eq!(read.shape.iter().product::<usize>(), read.bytes.len());
            assert!(read.bytes.len() as u64 <= ROOM);
            let mut file = vec![0, 0, 8, read.shape.len() as u8];
            read.shape.iter().for_each(|size| file.extend((*size as u32).to_be_bytes()));
            file.extend(&read.bytes);
            let again = idx::read(&file[..], "file", room).expect("what was read before");
            assert_eq!((again.shape, again.bytes), (read.shape, read.bytes));
        }
        Err(Failure::Usage(what)) => assert!(what.len() < 10_000),
    }
});
