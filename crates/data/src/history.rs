//! The history of a training: a row for each epoch, in a file that other programs read while the training goes on.
//!
//! [`HistoryWriter`] writes CSV or JSON lines, as the name of the file says. [`EventWriter`] writes what TensorBoard reads.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

mod events;

pub use events::EventWriter;

use crate::foreign::Foreign;
use crate::write::takes_files;

/// Bytes of a line at most. A row has seven numbers; a file with longer lines is something else.
const LINE: u64 = 1 << 12;

/// What is known after an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryRow {
    /// The epoch that is done, counted from 1.
    pub epoch: u64,
    /// Optimizer steps so far.
    pub step: u64,
    /// The mean loss of the training rows over the epoch.
    #[serde(deserialize_with = "number")]
    pub loss: f64,
    /// The loss of the held-out rows, if there are any.
    pub held_out_loss: Option<f64>,
    /// The metric of the held-out rows that the training is judged by, if there is one.
    pub held_out_metric: Option<f64>,
    /// The learning rate of the epoch's last step.
    #[serde(deserialize_with = "number")]
    pub learning_rate: f64,
    /// Seconds since the training began.
    #[serde(deserialize_with = "number")]
    pub seconds: f64,
}

/// JSON has no NaN and no infinity: they are written as null.
fn number<'de, D: serde::Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or(f64::NAN))
}

/// The first line of a CSV file.
const HEADER: &str = "epoch,step,loss,held_out_loss,held_out_metric,learning_rate,seconds";

/// What a file of JSON lines begins with.
const START: &str = "{\"epoch\":";

/// What a file of history holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistoryFormat {
    /// A header and comma-separated values (`.csv`). A number that there is none of is an empty cell.
    Csv,
    /// An object of JSON in each line (`.jsonl`). A number that there is none of, or that is NaN or infinite, is null.
    JsonLines,
}

/// Why a history can't be written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// The extension says nothing.
    #[error("the history file {name} ends in neither .csv nor .jsonl: its extension says how it is written")]
    Extension {
        /// The file.
        name: String,
    },
    /// The file is there, and is no history.
    #[error(
        "{name} exists and is no training history: {why}; nothing was written. Name another file, or remove this one"
    )]
    Occupied {
        /// The file.
        name: String,
        /// What is wrong, and in which line.
        why: String,
    },
    /// What the operating system says.
    #[error("can't write the training history {name}: {error}")]
    Io {
        /// The file or folder.
        name: String,
        /// What it says.
        error: io::Error,
    },
}

fn shown(path: &Path) -> String {
    Foreign::path(path).to_string()
}

/// An error of the operating system about this path.
fn about(path: &Path) -> impl Fn(io::Error) -> HistoryError {
    |error| HistoryError::Io { name: shown(path), error }
}

fn not_regular(path: &Path) -> HistoryError {
    HistoryError::Occupied { name: shown(path), why: "it is no regular file".to_owned() }
}

impl HistoryFormat {
    /// The format that the extension of a file means, in any case of letters.
    ///
    /// # Errors
    /// [`HistoryError::Extension`] if it is another one.
    pub fn of(path: &Path) -> Result<HistoryFormat, HistoryError> {
        let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
        match extension.to_str() {
            Some("csv") => Ok(HistoryFormat::Csv),
            Some("jsonl") => Ok(HistoryFormat::JsonLines),
            _ => Err(HistoryError::Extension { name: shown(path) }),
        }
    }

    /// A row as a line.
    fn line(self, row: &HistoryRow) -> io::Result<String> {
        let mut line = match self {
            HistoryFormat::Csv => {
                let optional = |x: Option<f64>| x.map_or(String::new(), |x| x.to_string());
                let HistoryRow { epoch, step, loss, held_out_loss, held_out_metric, learning_rate, seconds } = row;
                let (held_out_loss, held_out_metric) = (optional(*held_out_loss), optional(*held_out_metric));
                format!("{epoch},{step},{loss},{held_out_loss},{held_out_metric},{learning_rate},{seconds}")
            }
            HistoryFormat::JsonLines => serde_json::to_string(row)?,
        };
        line.push('\n');
        Ok(line)
    }

    /// The epoch of a line, or what is wrong with it.
    fn epoch(self, line: &str) -> Result<u64, String> {
        match self {
            HistoryFormat::Csv => {
                let first = line.split(',').next().unwrap_or_default();
                let cells = line.split(',').count();
                let expected = HEADER.split(',').count();
                let epoch = first.parse().map_err(|_| format!("the epoch is {}", Foreign::quoted(first)))?;
                if cells == expected { Ok(epoch) } else { Err(format!("{cells} cells, expected {expected}")) }
            }
            HistoryFormat::JsonLines => {
                serde_json::from_str(line).map(|row: HistoryRow| row.epoch).map_err(|error| error.to_string())
            }
        }
    }
}

/// Writes a row after each epoch, so that a reader, or who comes after a crash, finds all epochs that are done.
///
/// ```
/// use nxm_data::{HistoryRow, HistoryWriter};
///
/// let file = std::env::temp_dir().join(format!("nxm-history-{}.csv", std::process::id()));
/// let mut history = HistoryWriter::create(&file)?;
/// let row = HistoryRow {
///     epoch: 1,
///     step: 40,
///     loss: 0.7,
///     held_out_loss: Some(0.75),
///     held_out_metric: None,
///     learning_rate: 0.001,
///     seconds: 0.25,
/// };
/// history.write(&row)?;
/// assert!(std::fs::read_to_string(&file)?.ends_with("\n1,40,0.7,0.75,,0.001,0.25\n"));
/// std::fs::remove_file(&file)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct HistoryWriter {
    file: File,
    path: PathBuf,
    format: HistoryFormat,
}

impl HistoryWriter {
    /// Begins a file. An older history of this name is replaced.
    ///
    /// # Errors
    /// [`HistoryError`] if the extension is unknown, if the file exists and is no history, which is then left as it is, or if it can't be
    /// written.
    pub fn create(path: &Path) -> Result<HistoryWriter, HistoryError> {
        HistoryWriter::open(path, |history| history.end_of(None).map(|_| 0))
    }

    /// Goes on with a file after `epoch`: its rows of later epochs are removed, and a last row that was not written to its end. Without
    /// such a file it is begun.
    ///
    /// # Errors
    /// As [`HistoryWriter::create`].
    pub fn resume(path: &Path, epoch: u64) -> Result<HistoryWriter, HistoryError> {
        HistoryWriter::open(path, |history| history.end_of(Some(epoch)))
    }

    /// Whether a history could be written to this file now. Nothing is changed.
    ///
    /// # Errors
    /// As [`HistoryWriter::create`].
    pub fn check(path: &Path) -> Result<(), HistoryError> {
        let format = HistoryFormat::of(path)?;
        match std::fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                takes_files(path.parent().unwrap_or(path)).map_err(about(path))
            }
            Err(error) => Err(about(path)(error)),
            Ok(found) if !found.is_file() => Err(not_regular(path)),
            Ok(_) => {
                let file = OpenOptions::new().read(true).write(true).open(path).map_err(about(path))?;
                HistoryWriter { file, path: path.to_owned(), format }.end_of(None).map(drop)
            }
        }
    }

    /// Opens a file and keeps as many of its bytes as `keep` says.
    fn open(
        path: &Path,
        keep: impl Fn(&HistoryWriter) -> Result<u64, HistoryError>,
    ) -> Result<HistoryWriter, HistoryError> {
        let format = HistoryFormat::of(path)?;
        // A pipe would be waited for, and can't be shortened.
        if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
            return Err(not_regular(path));
        }
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let mut history = HistoryWriter { file: opened.map_err(about(path))?, path: path.to_owned(), format };
        let kept = keep(&history)?;
        history.file.set_len(kept).and_then(|()| history.file.seek(SeekFrom::Start(kept))).map_err(about(path))?;
        if kept == 0 && format == HistoryFormat::Csv {
            history.append(&format!("{HEADER}\n"))?;
        }
        Ok(history)
    }

    /// Where the row of this epoch ends, or, without an epoch, where the first line does, which is enough to know the file by.
    fn end_of(&self, epoch: Option<u64>) -> Result<u64, HistoryError> {
        let occupied = |number: usize, why: String| HistoryError::Occupied {
            name: shown(&self.path),
            why: format!("line {number}: {why}"),
        };
        let (mut reader, mut end) = (BufReader::new(&self.file), 0_u64);
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let read = reader.by_ref().take(LINE).read_until(b'\n', &mut line).map_err(about(&self.path))? as u64;
            if read == 0 {
                return Ok(end);
            }
            let whole = line.ends_with(b"\n");
            if read == LINE && !whole {
                return Err(occupied(number, format!("it has more than {LINE} bytes")));
            }
            let text = str::from_utf8(&line).map_err(|_| occupied(number, "it is not UTF-8".to_owned()))?.trim_end();
            if number == 1 && self.format == HistoryFormat::Csv {
                // A header that was cut off is one, too.
                let known = if whole { text == HEADER } else { HEADER.starts_with(text) };
                if !known {
                    return Err(occupied(number, format!("expected {HEADER}")));
                }
            } else if whole {
                let found = self.format.epoch(text).map_err(|why| occupied(number, why))?;
                if epoch.is_some_and(|epoch| found > epoch) {
                    return Ok(end);
                }
            } else if number == 1 && !text.starts_with(START) && !START.starts_with(text) {
                return Err(occupied(number, "expected an object that begins with \"epoch\"".to_owned()));
            }
            if !whole || epoch.is_none() {
                return Ok(end);
            }
            end = end.saturating_add(read);
        }
        Ok(end)
    }

    /// Adds a row. It is in the file when this returns.
    ///
    /// # Errors
    /// [`HistoryError::Io`] if the file can't be written, when a disk is full for example.
    pub fn write(&mut self, row: &HistoryRow) -> Result<(), HistoryError> {
        let line = self.format.line(row).map_err(about(&self.path))?;
        self.append(&line)
    }

    fn append(&mut self, line: &str) -> Result<(), HistoryError> {
        self.file.write_all(line.as_bytes()).map_err(about(&self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(epoch: u64) -> HistoryRow {
        let (held_out_loss, held_out_metric) = (Some(0.1 + 0.2), None);
        let (loss, learning_rate, seconds) = (1.0 / epoch as f64, 1e-3, epoch as f64 * 0.5);
        HistoryRow { epoch, step: epoch * 10, loss, held_out_loss, held_out_metric, learning_rate, seconds }
    }

    /// A file in a folder that is removed with the test.
    struct Place(PathBuf);

    impl Place {
        fn new(test: &str, file: &str) -> Place {
            let folder = std::env::temp_dir().join(format!("nxm-history-{test}-{}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            Place(folder.join(file))
        }

        fn text(&self) -> String {
            std::fs::read_to_string(&self.0).unwrap()
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            std::fs::remove_dir_all(self.0.parent().unwrap()).unwrap();
        }
    }

    #[test]
    fn rows_are_there_as_soon_as_they_are_written() {
        for (file, first, none) in [("a.csv", HEADER, ",,"), ("a.JSONL", "{\"epoch\":1,", "null")] {
            let place = Place::new("rows", file);
            let mut history = HistoryWriter::create(&place.0).unwrap();
            for epoch in 1..=3 {
                history.write(&row(epoch)).unwrap();
                assert!(
                    place.text().lines().filter(|line| line.contains("0.30000000000000004")).count() as u64 == epoch
                );
            }
            assert!(place.text().starts_with(first) && place.text().contains(none), "{}", place.text());
            // Begun anew, the rows are gone.
            HistoryWriter::create(&place.0).unwrap();
            assert!(!place.text().contains("0.3"));
        }
    }

    #[test]
    fn json_comes_back() {
        let text = HistoryFormat::JsonLines.line(&row(3)).unwrap();
        assert_eq!(serde_json::from_str::<HistoryRow>(&text).unwrap(), row(3));
        let diverged = HistoryRow { loss: f64::NAN, ..row(4) };
        let text = HistoryFormat::JsonLines.line(&diverged).unwrap();
        assert!(serde_json::from_str::<HistoryRow>(&text).unwrap().loss.is_nan());
        assert_eq!(HistoryFormat::JsonLines.epoch(text.trim()), Ok(4));
    }

    #[test]
    fn a_resumed_history_is_the_one_that_was_not_stopped() {
        for file in ["b.csv", "b.jsonl"] {
            let place = Place::new("resume", file);
            let mut history = HistoryWriter::create(&place.0).unwrap();
            (1..=4).for_each(|epoch| history.write(&row(epoch)).unwrap());
            let whole = place.text();
            // Stopped anywhere, at the ends of lines too, and resumed after epochs that the file may have.
            let ends = whole.match_indices('\n').flat_map(|(end, _)| [end, end + 1]);
            for cut in (0..whole.len()).step_by(5).chain(ends) {
                for epoch in [0, 2, 4] {
                    std::fs::write(&place.0, &whole[..cut]).unwrap();
                    let mut history = HistoryWriter::resume(&place.0, epoch).unwrap();
                    let kept = place.text();
                    assert!(whole.starts_with(&kept) || kept == format!("{HEADER}\n"), "{cut}: {kept}");
                    let rows = kept.lines().filter(|line| *line != HEADER).count() as u64;
                    assert!(rows <= epoch);
                    (rows + 1..=4).for_each(|epoch| history.write(&row(epoch)).unwrap());
                    assert_eq!(place.text(), whole);
                }
            }
        }
    }

    #[test]
    fn other_files_are_left_alone() {
        let long = "x".repeat(LINE as usize + 1);
        for (file, content, words) in [
            ("c.csv", "a,b\n1,2\n", "line 1: expected epoch,step"),
            ("c.csv", "a,b", "line 1: expected epoch,step"),
            ("c.csv", &long, "line 1: it has more than"),
            ("c.csv", &format!("{HEADER}\nx,2\n"), "line 2: the epoch is \"x\""),
            ("c.csv", &format!("{HEADER}\n1,2\n"), "line 2: 2 cells, expected 7"),
            ("c.jsonl", "{\"loss\":1}\n", "line 1: missing field `epoch`"),
            ("c.jsonl", "[1", "line 1: expected an object"),
            ("c.txt", "x", "neither .csv nor .jsonl"),
        ] {
            let place = Place::new("other", file);
            std::fs::write(&place.0, content).unwrap();
            let error = HistoryWriter::resume(&place.0, 9).unwrap_err().to_string();
            assert!(error.contains(words) && error.contains(file), "{error}");
            assert_eq!(place.text(), content);
            // A first line that is no history's is enough.
            if words.starts_with("line 1") {
                HistoryWriter::create(&place.0).unwrap_err();
                assert_eq!(place.text(), content);
            }
        }
        let place = Place::new("other", "folder.csv");
        std::fs::create_dir(&place.0).unwrap();
        assert!(HistoryWriter::create(&place.0).unwrap_err().to_string().contains("no regular file"));
        assert!(HistoryWriter::create(Path::new("/nowhere/a.csv")).unwrap_err().to_string().contains("can't write"));
    }
}
