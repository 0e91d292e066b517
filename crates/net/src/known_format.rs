//! What a file is, by its first bytes: so that a wrong file is told what it is, and not by the nonsense that it makes when read as another.

use std::fmt;

/// A format of files that people have in the place of a checkpoint, a table or images.
///
/// ```
/// use nxm_net::KnownFormat;
///
/// assert_eq!(KnownFormat::of(b"\x89HDF\r\n\x1a\n"), Some(KnownFormat::Hdf5));
/// assert_eq!(KnownFormat::of(b"length,width\n1,2\n"), Some(KnownFormat::Text));
/// assert_eq!(KnownFormat::Hdf5.to_string(), "an HDF5 file (Keras, MATLAB)");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KnownFormat {
    /// Apache Arrow or Feather.
    Arrow,
    /// bzip2.
    Bzip2,
    /// A program or a library.
    Elf,
    /// GGUF.
    Gguf,
    /// gzip.
    Gzip,
    /// HDF5.
    Hdf5,
    /// HTML.
    Html,
    /// IDX.
    Idx,
    /// JPEG.
    Jpeg,
    /// JSON.
    Json,
    /// Text in an encoding of one byte a character, which is no UTF-8.
    Latin1,
    /// MATLAB before 7.3.
    Matlab,
    /// An array of NumPy.
    Npy,
    /// Several arrays of NumPy.
    Npz,
    /// Excel before 2007, and other documents of its time.
    Ole,
    /// ONNX.
    Onnx,
    /// Apache Parquet.
    Parquet,
    /// PDF.
    Pdf,
    /// A pickle of Python.
    Pickle,
    /// PNG.
    Png,
    /// What `torch.save` writes, of either kind.
    PyTorch,
    /// A file of safetensors.
    Safetensors,
    /// SQLite.
    Sqlite,
    /// Text in UTF-8.
    Text,
    /// TensorFlow Lite.
    TfLite,
    /// UTF-16.
    Utf16,
    /// UTF-32.
    Utf32,
    /// Excel since 2007.
    Xlsx,
    /// XML.
    Xml,
    /// xz.
    Xz,
    /// Another archive of zip.
    Zip,
    /// Zstandard.
    Zstd,
}

use KnownFormat::*;

/// What a file begins with that is told by its first bytes alone.
const BEGINNINGS: [(&[u8], KnownFormat); 26] = [
    (b"ARROW1", Arrow),
    (b"FEA1", Arrow),
    (b"BZh", Bzip2),
    (b"\x7fELF", Elf),
    (b"GGUF", Gguf),
    (b"\x1f\x8b", Gzip),
    (b"\x89HDF\r\n\x1a\n", Hdf5),
    (b"\xff\xd8\xff", Jpeg),
    (b"MATLAB 5.0 MAT-file", Matlab),
    (b"\x93NUMPY", Npy),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Ole),
    (b"PAR1", Parquet),
    (b"%PDF-", Pdf),
    (b"\x89PNG\r\n\x1a\n", Png),
    // The magic number of PyTorch before 1.6, as a pickle.
    (b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20", PyTorch),
    (b"\x80\x02", Pickle),
    (b"\x80\x03", Pickle),
    (b"\x80\x04", Pickle),
    (b"\x80\x05", Pickle),
    (b"SQLite format 3\0", Sqlite),
    // Before UTF-16, which begins alike.
    (b"\xff\xfe\0\0", Utf32),
    (b"\0\0\xfe\xff", Utf32),
    (b"\xff\xfe", Utf16),
    (b"\xfe\xff", Utf16),
    (b"\xfd7zXZ\0", Xz),
    (b"\x28\xb5\x2f\xfd", Zstd),
];

impl KnownFormat {
    /// How many first bytes are enough; with fewer, some formats are not told.
    pub const LOOK: usize = 512;

    /// What a file is that begins so; none if it is nothing that is known here. `start` is the first [`LOOK`](Self::LOOK) bytes, or all
    /// there are.
    pub fn of(start: &[u8]) -> Option<KnownFormat> {
        let start = start.get(..Self::LOOK).unwrap_or(start);
        let by_beginning =
            || BEGINNINGS.iter().find(|(beginning, _)| start.starts_with(beginning)).map(|known| known.1);
        safetensors(start)
            .or_else(by_beginning)
            .or_else(|| zip(start))
            .or_else(|| binary(start))
            .or_else(|| text(start))
    }

    fn description(self) -> &'static str {
        match self {
            Arrow => "an Arrow or Feather file",
            Bzip2 => "packed by bzip2",
            Elf => "a program",
            Gguf => "a GGUF model",
            Gzip => "packed by gzip",
            Hdf5 => "an HDF5 file (Keras, MATLAB)",
            Html => "an HTML page",
            Idx => "an IDX file (the format of MNIST)",
            Jpeg => "a JPEG image",
            Json => "JSON",
            Latin1 => "text that is not UTF-8 (Latin-1, perhaps)",
            Matlab => "a MATLAB file",
            Npy => "a NumPy array (NPY)",
            Npz => "an archive of NumPy arrays (NPZ)",
            Ole => "an Excel workbook (XLS)",
            Onnx => "an ONNX model",
            Parquet => "a Parquet file",
            Pdf => "a PDF document",
            Pickle => "a Python pickle",
            Png => "a PNG image",
            PyTorch => "a PyTorch file (torch.save)",
            Safetensors => "a safetensors file",
            Sqlite => "an SQLite database",
            Text => "text",
            TfLite => "a TensorFlow Lite model",
            Utf16 => "text in UTF-16",
            Utf32 => "text in UTF-32",
            Xlsx => "an Excel workbook (XLSX)",
            Xml => "XML",
            Xz => "packed by xz",
            Zip => "a zip archive",
            Zstd => "packed by Zstandard",
        }
    }
}

/// What it is, as it stands behind "it is".
impl fmt::Display for KnownFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.description())
    }
}

/// The longest header of safetensors that anyone writes: that of its own library may have 100 MB.
const LONGEST_HEADER: u64 = 100_000_000;

/// The length of a header, and its first character.
fn safetensors(start: &[u8]) -> Option<KnownFormat> {
    let length = u64::from_le_bytes(*start.first_chunk()?);
    (length <= LONGEST_HEADER && start.get(8) == Some(&b'{')).then_some(Safetensors)
}

/// Archives are told apart by the name of their first file, which stands 30 bytes behind their beginning.
fn zip(start: &[u8]) -> Option<KnownFormat> {
    if start.starts_with(b"PK\x05\x06") {
        return Some(Zip);
    }
    let header = start.strip_prefix(b"PK\x03\x04")?;
    let length = header.get(22..24).map_or(0, |length| usize::from(length[0]) | usize::from(length[1]) << 8);
    let name = header.get(26..).unwrap_or_default();
    let name = name.get(..length).unwrap_or(name);
    Some(if name.ends_with(b"/data.pkl") || name.ends_with(b"/.format_version") || name.ends_with(b"/byteorder") {
        PyTorch
    } else if name.ends_with(b".npy") {
        Npz
    } else if name == b"[Content_Types].xml" || name.starts_with(b"xl/") {
        Xlsx
    } else {
        Zip
    })
}

/// Formats without a beginning of their own.
fn binary(start: &[u8]) -> Option<KnownFormat> {
    match start {
        // An unsigned byte, a signed one, or wider numbers; so many dimensions.
        [0, 0, 0x08 | 0x09 | 0x0b..=0x0e, 1..=8, ..] => Some(Idx),
        [_, _, _, _, b'T', b'F', b'L', b'3', ..] => Some(TfLite),
        // A message of protocol buffers whose field 1 is a small number, the version of ONNX; then a field that ONNX has.
        [0x08, 1..=32, 0x12 | 0x1a | 0x22 | 0x28 | 0x32 | 0x3a | 0x42, ..] => Some(Onnx),
        _ => None,
    }
}

/// Characters that are enough to call something text.
const TEXT: usize = 4;

fn text(start: &[u8]) -> Option<KnownFormat> {
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    // A zero in every second byte is UTF-16 without a mark.
    let pairs = start.as_chunks::<2>().0;
    let plain = |byte: u8| byte.is_ascii_graphic() || matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let wide = |at: usize| pairs.iter().all(|pair| plain(pair[at]) && pair[1 ^ at] == 0);
    if pairs.len() >= TEXT && (wide(0) || wide(1)) {
        return Some(Utf16);
    }
    if start.len() < TEXT || !start.iter().all(|byte| plain(*byte) || *byte >= 0x80) {
        return None;
    }
    // The look may end within a character.
    if str::from_utf8(start).is_err_and(|error| error.error_len().is_some()) {
        // What it has no characters for, no text has.
        return start.iter().all(|byte| !(0x80..0xa0).contains(byte)).then_some(Latin1);
    }
    let trimmed = start.trim_ascii_start().to_ascii_lowercase();
    let begins = |with: &str| trimmed.starts_with(with.as_bytes());
    Some(if begins("<!doctype html") || begins("<html") || begins("<head") {
        Html
    } else if begins("<?xml") {
        Xml
    } else if begins("{") || begins("[") {
        Json
    } else {
        Text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The beginning of an archive whose first file has this name.
    fn archive(name: &str) -> Vec<u8> {
        let mut start = b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec();
        start.extend_from_slice(&(name.len() as u16).to_le_bytes());
        start.extend_from_slice(&[0, 0]);
        start.extend_from_slice(name.as_bytes());
        start.extend_from_slice(b"data");
        start
    }

    #[test]
    fn formats_are_told_by_their_first_bytes() {
        let long = "größe,".repeat(200);
        let cases: [(&[u8], KnownFormat); 24] = [
            (b"\x08\x08\x12\x07pytorch\x1a\x052.1.0", Onnx),
            (b"\x08\x03\x3a\xff\x01", Onnx),
            (&archive("archive/data.pkl"), PyTorch),
            (&archive("model/.format_version"), PyTorch),
            (&archive("arr_0.npy"), Npz),
            (&archive("[Content_Types].xml"), Xlsx),
            (&archive("readme.txt"), Zip),
            (b"PK\x03\x04", Zip),
            (b"\x1c\0\0\0TFL3", TfLite),
            (b"\0\0\x08\x03\0\0\xea\x60", Idx),
            (b"\x40\0\0\0\0\0\0\0{\"__metadata__\"", Safetensors),
            (b"a\0,\0b\0\n\0", Utf16),
            (b"\0a\0,\0b\0\n", Utf16),
            (b"\n <!DOCTYPE html>\n", Html),
            (b"<HTML lang=\"en\">", Html),
            (b"<?xml version=\"1.0\"?>", Xml),
            (b"{\"a\": 1}", Json),
            (b"[1, 2]", Json),
            (b"a,b\n1,2\n", Text),
            ("größe,länge\n1,2\n".as_bytes(), Text),
            ("\u{feff}a,b\n".as_bytes(), Text),
            // Cut within a character.
            (b"gr\xc3\xb6\xc3", Text),
            (b"gr\xf6\xdfe,b\n1,2\n", Latin1),
            (long.as_bytes(), Text),
        ];
        for (start, expected) in cases {
            assert_eq!(KnownFormat::of(start), Some(expected), "{}", start.escape_ascii());
        }
        for (start, expected) in BEGINNINGS {
            assert_eq!(
                KnownFormat::of(&[start, b"\0\x01\xfe rest"].concat()),
                Some(expected),
                "{}",
                start.escape_ascii()
            );
        }
    }

    #[test]
    fn what_is_not_known_is_nothing() {
        let unknown: [&[u8]; 8] = [
            b"",
            b"a",
            b"\0",
            b"\0\0\0\0\0\0\0\0",
            b"\x80\x01ab",
            b"text\x01\x02",
            b"\x08\x21\x12",
            b"gr\x80\x81\xff,b\n1,2\n",
        ];
        for start in unknown {
            assert_eq!(KnownFormat::of(start), None, "{}", start.escape_ascii());
        }
        // Any two bytes, and nothing but them.
        for word in 0..=u16::MAX {
            let _ = KnownFormat::of(&word.to_le_bytes());
        }
    }
}
