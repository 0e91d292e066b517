//! Files, unpacked if they are packed, and what they are: said by their first bytes, not by their names.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Chain, Cursor, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::SystemTime;

use flate2::bufread::MultiGzDecoder;
use nxm_net::KnownFormat;

use super::dialect::{Compression, Encoding};
use super::elsewhere::advice;
use super::zstd::Unpacked;
use crate::error::TableError;
use crate::foreign::Foreign;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// Begins with two zero bytes.
    Idx,
    /// An array of NumPy.
    Npy,
    /// Arrays of NumPy.
    Npz,
    /// Apache Parquet; only with its feature.
    Parquet,
    /// Anything else that is not known to be something else.
    Text(Encoding),
}

/// Bytes, the first of which were looked at.
pub type Peeked<'a> = Chain<Cursor<Vec<u8>>, Box<dyn BufRead + 'a>>;

/// A file that is being read.
pub struct Opened<'a> {
    /// What errors call it.
    pub name: String,
    /// What it is.
    pub kind: FileKind,
    /// How it is packed.
    pub compression: Compression,
    /// What it holds, unpacked.
    pub reader: Peeked<'a>,
    /// The file itself, if it is one.
    pub watched: Option<Watched>,
}

/// What is read from the middle, too.
pub enum Whole {
    /// A file.
    File(File),
    /// What had to be unpacked, or came through a pipe.
    Memory(Vec<u8>),
}

/// A file that must not change while it is read.
pub struct Watched {
    file: File,
    name: String,
    then: (u64, Option<SystemTime>),
}

impl Watched {
    /// A regular file, as it is now; none for a pipe.
    fn new(file: &File, name: &str) -> io::Result<Option<Watched>> {
        let file = file.try_clone()?;
        let now = state(&file)?;
        Ok(file.metadata()?.is_file().then(|| Watched { file, name: name.to_owned(), then: now }))
    }

    /// The same file, as it was then.
    pub fn again(&self) -> Result<Watched, TableError> {
        let file = self.file.try_clone().map_err(|error| unreadable(&self.name, error))?;
        Ok(Watched { file, name: self.name.clone(), then: self.then })
    }

    /// Fails if the file has changed.
    pub fn check(&self) -> Result<(), TableError> {
        let now = state(&self.file).map_err(|error| unreadable(&self.name, error))?;
        if now == self.then {
            return Ok(());
        }
        let how = match (self.then.0, now.0) {
            (before, after) if before == after => "it was written to".to_owned(),
            (before, after) => format!("it had {before} bytes and has {after}"),
        };
        Err(TableError::Content(format!(
            "{} changed while it was read: {how}; read it again when it is finished",
            self.name
        )))
    }
}

fn state(file: &File) -> io::Result<(u64, Option<SystemTime>)> {
    let about = file.metadata()?;
    Ok((about.len(), about.modified().ok()))
}

/// Opens a file; `-` is standard input.
pub fn open(path: &Path) -> Result<Opened<'static>, TableError> {
    if path == Path::new("-") {
        return recognise(Box::new(BufReader::new(io::stdin())), "standard input".to_owned());
    }
    let name = Foreign::path(path).to_string();
    let failed = |error| unreadable(&name, error);
    let file = File::open(path).map_err(failed)?;
    let watched = Watched::new(&file, &name).map_err(failed)?;
    Ok(Opened { watched, ..recognise(Box::new(BufReader::new(file)), name)? })
}

/// Unpacks bytes if they are packed, and says what they are.
pub fn recognise<'a>(source: Box<dyn BufRead + 'a>, name: String) -> Result<Opened<'a>, TableError> {
    let failed = |error| unreadable(&name, error);
    let (start, packed) = peek(source).map_err(failed)?;
    let (compression, (start, reader)) = match KnownFormat::of(&start) {
        Some(KnownFormat::Gzip) => {
            let unpacked = Box::new(BufReader::new(MultiGzDecoder::new(packed)));
            (Compression::Gzip, peek(unpacked).map_err(failed)?)
        }
        Some(KnownFormat::Zstd) => {
            let unpacked = Box::new(BufReader::new(Unpacked::new(packed)));
            (Compression::Zstd, peek(unpacked).map_err(failed)?)
        }
        _ => (Compression::None, (start, packed)),
    };
    if start.is_empty() {
        return Err(TableError::Content(format!("{name} is empty")));
    }
    // A byte order mark stands before text.
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&start);
    let known = KnownFormat::of(start);
    if let Some(what) = known.and_then(|format| advice(format, start)) {
        return Err(TableError::Content(format!("{name} is {what}")));
    }
    let kind = match known {
        Some(KnownFormat::Npy) => FileKind::Npy,
        Some(KnownFormat::Npz) => FileKind::Npz,
        Some(KnownFormat::Parquet) => FileKind::Parquet,
        // Of the first two bytes, a mark or the first character, the zero is the high one.
        Some(KnownFormat::Utf16) if start.starts_with(&[0xfe, 0xff]) || start.starts_with(&[0]) => {
            FileKind::Text(Encoding::Utf16Be)
        }
        Some(KnownFormat::Utf16) => FileKind::Text(Encoding::Utf16Le),
        // Also if its element type is none: the reader says so.
        _ if start.starts_with(&[0, 0]) => FileKind::Idx,
        None if start.contains(&0) => {
            return Err(TableError::Content(format!(
                "{name} holds zero bytes and is no file that is known here: a table is needed: CSV, NPY, NPZ, libsvm, IDX or Parquet"
            )));
        }
        _ => FileKind::Text(Encoding::Utf8),
    };
    Ok(Opened { name, kind, compression, reader, watched: None })
}

/// The first bytes, as many as are needed to know what they are, and all of them again.
fn peek<'a>(mut source: Box<dyn BufRead + 'a>) -> io::Result<(Vec<u8>, Peeked<'a>)> {
    let mut start = Vec::new();
    source.by_ref().take(KnownFormat::LOOK as u64).read_to_end(&mut start)?;
    Ok((start.clone(), Cursor::new(start).chain(source)))
}

impl Opened<'_> {
    /// All of it, to be read in any order.
    pub fn whole(mut self) -> Result<Whole, TableError> {
        let failed = |error| unreadable(&self.name, error);
        if let (Compression::None, Some(watched)) = (self.compression, &self.watched) {
            let mut file = watched.file.try_clone().map_err(failed)?;
            file.seek(SeekFrom::Start(0)).map_err(failed)?;
            return Ok(Whole::File(file));
        }
        let mut bytes = Vec::new();
        // The standard library asks for memory as bytes come, and says so if there is none.
        self.reader.read_to_end(&mut bytes).map_err(failed)?;
        Ok(Whole::Memory(bytes))
    }
}

/// The operating system refused, or a packed file is damaged.
pub fn unreadable(name: &str, error: io::Error) -> TableError {
    TableError::Io { name: name.to_owned(), error }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression as Level;
    use flate2::write::GzEncoder;

    use super::*;

    fn kind(bytes: &[u8]) -> Result<(FileKind, Compression), String> {
        let opened = recognise(Box::new(bytes), "f".to_owned()).map_err(|error| error.to_string())?;
        let mut all = Vec::new();
        { opened.reader }.read_to_end(&mut all).unwrap();
        assert!(opened.compression != Compression::None || all == bytes);
        Ok((opened.kind, opened.compression))
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut packed = GzEncoder::new(Vec::new(), Level::fast());
        packed.write_all(bytes).unwrap();
        packed.finish().unwrap()
    }

    #[test]
    fn files_are_known_by_their_first_bytes() {
        let wide = |bytes: fn(u16) -> [u8; 2], text: &str| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
        let (le, be) = (u16::to_le_bytes, u16::to_be_bytes);
        for (bytes, expected) in [
            (b"a,b\n1,2\n".to_vec(), FileKind::Text(Encoding::Utf8)),
            (b"1".to_vec(), FileKind::Text(Encoding::Utf8)),
            (b"gr\xf6\xdfe,b\n1,2\n".to_vec(), FileKind::Text(Encoding::Utf8)),
            (wide(le, "a,b\n1,2\n"), FileKind::Text(Encoding::Utf16Le)),
            (wide(be, "a,b\n1,2\n"), FileKind::Text(Encoding::Utf16Be)),
            (wide(le, "\u{feff}größe"), FileKind::Text(Encoding::Utf16Le)),
            (wide(be, "\u{feff}größe"), FileKind::Text(Encoding::Utf16Be)),
            (b"\0\0\x08\x01\0\0\0\x01\x07".to_vec(), FileKind::Idx),
            (b"\x93NUMPY\x01\0".to_vec(), FileKind::Npy),
        ] {
            assert_eq!(kind(&bytes), Ok((expected, Compression::None)), "{}", bytes.escape_ascii());
            assert_eq!(kind(&gzip(&bytes)), Ok((expected, Compression::Gzip)), "{}", bytes.escape_ascii());
            let zstd = ruzstd::encoding::compress_to_vec(&bytes[..], ruzstd::encoding::CompressionLevel::Fastest);
            assert_eq!(kind(&zstd), Ok((expected, Compression::Zstd)), "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn other_files_are_refused() {
        for (bytes, said) in [
            (Vec::new(), "empty"),
            (gzip(b""), "empty"),
            (gzip(&gzip(b"a,b\n")), "twice"),
            (b"\xef\xbb\xbf<html>".to_vec(), "HTML"),
            (b"\x01\x02\x00\x07 and so on".to_vec(), "zero bytes"),
            (gzip(b"a,b\n1,2\n")[..15].to_vec(), "can't read"),
        ] {
            let refused = kind(&bytes).unwrap_err();
            assert!(refused.contains(said), "{refused}");
        }
    }

    #[test]
    fn a_file_that_changes_is_seen() {
        let path = std::env::temp_dir().join(format!("nxm-data-watched-{}", std::process::id()));
        std::fs::write(&path, "a,b\n1,2\n").unwrap();
        let opened = open(&path).unwrap();
        opened.watched.as_ref().unwrap().check().unwrap();
        std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"3,4\n").unwrap();
        let refused = opened.watched.unwrap().check().unwrap_err().to_string();
        std::fs::remove_file(&path).unwrap();
        assert!(refused.contains("changed") && refused.contains("had 8 bytes and has 12"), "{refused}");
        assert!(open(&path).is_err());
    }
}
