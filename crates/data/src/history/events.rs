//! Event files, which TensorBoard reads: records of TFRecord, each a protobuf message `Event`.
//!
//! A record is its length in 8 bytes, a checksum of these, the message, and a checksum of the message. Numbers are little-endian. A
//! checksum is CRC-32C, masked as below. Of the messages only these fields are written:
//!
//! ```text
//! Event      { double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5; SessionLog session_log = 7; }
//! Summary    { repeated Value value = 1; }        Value { string tag = 1; float simple_value = 2; }
//! SessionLog { SessionStatus status = 1; }        START = 1
//! ```

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crc::{CRC_32_ISCSI, Crc};

use super::{HistoryError, HistoryRow, about};
use crate::write::takes_files;

static CRC_32C: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

/// What the first event says.
const VERSION: &str = "brain.Event:2";

/// Files of one second in one folder. More is no run of a program.
const MOST_FILES: u32 = 1000;

/// Protobuf's wire types: how a field's bytes are read.
#[derive(Clone, Copy)]
enum Wire {
    Varint = 0,
    Fixed64 = 1,
    Bytes = 2,
    Fixed32 = 5,
}

/// A protobuf message as it is written.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    /// Seven bits a byte, the lowest ones first.
    fn varint(&mut self, mut x: u64) {
        while x >= 0x80 {
            self.0.push(x as u8 | 0x80);
            x >>= 7;
        }
        self.0.push(x as u8);
    }

    fn field(mut self, number: u64, wire: Wire) -> Message {
        self.varint(number << 3 | wire as u64);
        self
    }

    fn integer(self, number: u64, x: u64) -> Message {
        // Protobuf 3 leaves zeros out.
        if x == 0 {
            return self;
        }
        let mut message = self.field(number, Wire::Varint);
        message.varint(x);
        message
    }

    fn double(self, number: u64, x: f64) -> Message {
        let mut message = self.field(number, Wire::Fixed64);
        message.0.extend(x.to_le_bytes());
        message
    }

    fn float(self, number: u64, x: f32) -> Message {
        let mut message = self.field(number, Wire::Fixed32);
        message.0.extend(x.to_le_bytes());
        message
    }

    /// A text, or a message in the message.
    fn bytes(self, number: u64, bytes: &[u8]) -> Message {
        let mut message = self.field(number, Wire::Bytes);
        message.varint(bytes.len() as u64);
        message.0.extend(bytes);
        message
    }
}

/// CRC-32C, rotated and shifted by a constant, so that the checksum of data that hold checksums is as good as another.
fn masked(bytes: &[u8]) -> [u8; 4] {
    CRC_32C.checksum(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

fn record(message: &Message) -> Vec<u8> {
    let length = (message.0.len() as u64).to_le_bytes();
    [&length[..], &masked(&length), &message.0, &masked(&message.0)].concat()
}

fn seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// Writes an event file: a curve for each number of a [`HistoryRow`], over the epochs. `tensorboard --logdir FOLDER` shows all files of a
/// folder as one run, and of its subfolders as others.
#[derive(Debug)]
pub struct EventWriter {
    file: File,
    path: PathBuf,
}

impl EventWriter {
    /// Begins a file in a folder, which is made if it is not there. Files that are there stay.
    ///
    /// # Errors
    /// [`HistoryError::Io`] if the folder or the file can't be made or written.
    pub fn create(folder: &Path) -> Result<EventWriter, HistoryError> {
        let now = SystemTime::now();
        std::fs::create_dir_all(folder).map_err(about(folder))?;
        // TensorBoard knows a file by the word, and sorts files by the seconds behind it.
        let name = |n: u32| format!("events.out.tfevents.{}.nxm.{}.{n}", seconds(now) as u64, std::process::id());
        for path in (0..MOST_FILES).map(|n| folder.join(name(n))) {
            match File::create_new(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                file => {
                    let mut events = EventWriter { file: file.map_err(about(&path))?, path };
                    events.append(&version(seconds(now)))?;
                    return Ok(events);
                }
            }
        }
        Err(about(folder)(io::ErrorKind::AlreadyExists.into()))
    }

    /// Whether a file could be made in this folder now, which need not be there. Nothing is changed.
    ///
    /// # Errors
    /// As [`EventWriter::create`].
    pub fn check(folder: &Path) -> Result<(), HistoryError> {
        // The folder, or the first one above it that is there.
        for path in folder.ancestors() {
            match takes_files(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound && !path.as_os_str().is_empty() => {}
                tried => return tried.map_err(about(folder)),
            }
        }
        Ok(())
    }

    /// Begins a file that goes on after `epoch`: TensorBoard drops what other files of the folder say about later epochs.
    ///
    /// # Errors
    /// As [`EventWriter::create`].
    pub fn resume(folder: &Path, epoch: u64) -> Result<EventWriter, HistoryError> {
        let mut events = EventWriter::create(folder)?;
        events.append(&restart(seconds(SystemTime::now()), epoch.saturating_add(1)))?;
        Ok(events)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds the numbers of an epoch. They are in the file when this returns.
    ///
    /// # Errors
    /// [`HistoryError::Io`] if the file can't be written.
    pub fn write(&mut self, row: &HistoryRow) -> Result<(), HistoryError> {
        let scalars = [
            ("loss/train", Some(row.loss)),
            ("loss/held_out", row.held_out_loss),
            ("metric/held_out", row.held_out_metric),
            ("learning_rate", Some(row.learning_rate)),
            ("seconds", Some(row.seconds)),
        ];
        let scalars = scalars.into_iter().filter_map(|(tag, x)| Some((tag, x?)));
        self.append(&summary(seconds(SystemTime::now()), row.epoch, scalars))
    }

    /// Adds one number: `tag` names its curve, a slash in it the group of curves.
    ///
    /// # Errors
    /// [`HistoryError::Io`] if the file can't be written.
    pub fn scalar(&mut self, epoch: u64, tag: &str, x: f64) -> Result<(), HistoryError> {
        self.append(&summary(seconds(SystemTime::now()), epoch, [(tag, x)].into_iter()))
    }

    fn append(&mut self, event: &Message) -> Result<(), HistoryError> {
        self.file.write_all(&record(event)).map_err(about(&self.path))
    }
}

/// The first event of a file.
fn version(wall_time: f64) -> Message {
    Message::default().double(1, wall_time).bytes(3, VERSION.as_bytes())
}

/// The run begins again with this step.
fn restart(wall_time: f64, step: u64) -> Message {
    let started = Message::default().integer(1, 1);
    Message::default().double(1, wall_time).integer(2, step).bytes(7, &started.0)
}

/// Numbers of a step. TensorBoard keeps them in f32.
fn summary<'a>(wall_time: f64, step: u64, scalars: impl Iterator<Item = (&'a str, f64)>) -> Message {
    let values = scalars.fold(Message::default(), |summary, (tag, x)| {
        let value = Message::default().bytes(1, tag.as_bytes()).float(2, x as f32);
        summary.bytes(1, &value.0)
    });
    Message::default().double(1, wall_time).integer(2, step).bytes(5, &values.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `tests/events.py` has TensorBoard's own classes write.
    const GOLDEN: &[u8] = include_bytes!("../../tests/events.tfevents");

    #[test]
    fn bytes_are_those_of_tensorboard() {
        let long = "a tag of more than 127 bytes, whose length takes two: ".repeat(4);
        let events = [
            version(1_700_000_000.25),
            summary(1_700_000_001.5, 1, [("loss/train", 0.75), ("é", -1e-3)].into_iter()),
            summary(1_700_000_002.0, 300, [(&*long, f64::INFINITY)].into_iter()),
            summary(1_700_000_003.0, 0, std::iter::empty()),
            restart(1_700_000_004.0, 2),
        ];
        assert_eq!(events.iter().flat_map(record).collect::<Vec<u8>>(), GOLDEN);
    }

    #[test]
    fn files_of_one_folder_do_not_replace_each_other() {
        let folder = std::env::temp_dir().join(format!("nxm-events-{}", std::process::id()));
        let row = HistoryRow {
            epoch: 1,
            step: 10,
            loss: 0.5,
            held_out_loss: Some(0.25),
            held_out_metric: None,
            learning_rate: 0.125,
            seconds: 2.0,
        };
        let mut first = EventWriter::create(&folder.join("run")).unwrap();
        first.write(&row).unwrap();
        let mut second = EventWriter::resume(&folder.join("run"), 0).unwrap();
        second.scalar(1, "x", 1.0).unwrap();
        assert_ne!(first.path(), second.path());
        let (first, second) = (std::fs::read(first.path()).unwrap(), std::fs::read(second.path()).unwrap());
        assert!(first.windows(13).any(|text| text == b"loss/held_out") && first.len() > second.len());
        assert!(!first.windows(6).any(|text| text == b"metric"));
        std::fs::write(folder.join("file"), "x").unwrap();
        let error = EventWriter::create(&folder.join("file")).unwrap_err().to_string();
        assert!(error.contains("can't write the training history"), "{error}");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
