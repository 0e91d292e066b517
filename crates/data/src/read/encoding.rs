//! The characters of a text. Text in UTF-16 becomes UTF-8 before it is cut into cells. Other text is cut first: its bytes are UTF-8 or, once a
//! cell is seen that is not, one byte for each character.

use std::borrow::Cow;
use std::io::{self, BufRead, Read};

use encoding_rs::{Decoder, DecoderResult, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::dialect::Encoding;

/// The text in UTF-8, without a byte order mark.
pub fn utf8<'a>(source: impl BufRead + 'a, encoding: Encoding) -> io::Result<Box<dyn BufRead + 'a>> {
    let wide = match encoding {
        Encoding::Utf16Le => UTF_16LE,
        Encoding::Utf16Be => UTF_16BE,
        Encoding::Utf8 | Encoding::Latin1 => return without_mark(source),
    };
    let decoder = wide.new_decoder_with_bom_removal();
    Ok(Box::new(Wide { source, decoder, ended: false, ready: vec![0; PIECE], read: 0, end: 0 }))
}

fn without_mark<'a>(mut source: impl BufRead + 'a) -> io::Result<Box<dyn BufRead + 'a>> {
    const MARK: &[u8] = b"\xef\xbb\xbf";
    let mut start = Vec::new();
    source.by_ref().take(MARK.len() as u64).read_to_end(&mut start)?;
    if start == MARK {
        start.clear();
    }
    Ok(Box::new(io::Cursor::new(start).chain(source)))
}

/// UTF-16 that becomes UTF-8.
struct Wide<R> {
    source: R,
    decoder: Decoder,
    ended: bool,
    ready: Vec<u8>,
    read: usize,
    end: usize,
}

/// Bytes that are decoded at once: a character at least.
const PIECE: usize = 1 << 13;

impl<R: BufRead> Wide<R> {
    fn decode(&mut self) -> io::Result<()> {
        let mut written = 0;
        while !self.ended && written == 0 {
            let input = match self.source.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                input => input?,
            };
            let last = input.is_empty();
            let (result, read, more) = self.decoder.decode_to_utf8_without_replacement(input, &mut self.ready, last);
            self.source.consume(read);
            written = more;
            match result {
                DecoderResult::Malformed(..) => {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "it begins as UTF-16, and goes on as none"));
                }
                DecoderResult::InputEmpty => self.ended = last,
                DecoderResult::OutputFull => {}
            }
        }
        (self.read, self.end) = (0, written);
        Ok(())
    }
}

impl<R: BufRead> Read for Wide<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let mut input = self.fill_buf()?;
        let read = input.read(to)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Wide<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.read >= self.end {
            self.decode()?;
        }
        Ok(&self.ready[self.read..self.end])
    }

    fn consume(&mut self, amount: usize) {
        self.read = self.read.saturating_add(amount).min(self.end);
    }
}

/// Makes cells texts. All of a file is of one encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cells {
    /// Nothing but ASCII so far: it may be anything.
    Ascii,
    /// UTF-8, with characters that are not ASCII.
    Utf8,
    /// One byte for each character.
    Latin1,
}

impl Cells {
    /// What the file is by now.
    pub fn encoding(self) -> Encoding {
        match self {
            Cells::Ascii | Cells::Utf8 => Encoding::Utf8,
            Cells::Latin1 => Encoding::Latin1,
        }
    }

    /// The text of a cell, or why it has none.
    pub fn text<'a>(&mut self, cell: &'a [u8]) -> Result<Cow<'a, str>, &'static str> {
        if cell.contains(&0) {
            return Err("the cell has a zero byte: it is no text");
        }
        if *self != Cells::Latin1 {
            match str::from_utf8(cell) {
                Ok(text) => {
                    if *self == Cells::Ascii && !text.is_ascii() {
                        *self = Cells::Utf8;
                    }
                    return Ok(Cow::Borrowed(text));
                }
                Err(_) if *self == Cells::Utf8 => {
                    return Err(
                        "the cell is not UTF-8, and cells before it are: is the file written in two encodings?",
                    );
                }
                Err(_) => *self = Cells::Latin1,
            }
        }
        if cell.iter().any(|byte| NO_CHARACTERS.contains(byte)) {
            return Err("the cell is neither UTF-8 nor Latin-1 (Windows-1252): is the file a text?");
        }
        Ok(WINDOWS_1252.decode_without_bom_handling(cell).0)
    }
}

/// Bytes that are no characters in Windows-1252.
const NO_CHARACTERS: [u8; 5] = [0x81, 0x8d, 0x8f, 0x90, 0x9d];

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn read(bytes: &[u8], encoding: Encoding, buffer: usize) -> io::Result<String> {
        let mut text = String::new();
        utf8(BufReader::with_capacity(buffer, bytes), encoding)?.read_to_string(&mut text).map(|_| text)
    }

    #[test]
    fn wide_characters_and_marks_are_read() {
        let text = format!("größe,学习,𝒳\n{}", "é𝒳,1\n".repeat(2000));
        for mark in ["", "\u{feff}"] {
            let marked = format!("{mark}{text}");
            let le: Vec<u8> = marked.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let be: Vec<u8> = marked.encode_utf16().flat_map(u16::to_be_bytes).collect();
            for buffer in [1, 3, 1 << 13] {
                assert_eq!(read(&le, Encoding::Utf16Le, buffer).unwrap(), text);
                assert_eq!(read(&be, Encoding::Utf16Be, buffer).unwrap(), text);
                assert_eq!(read(marked.as_bytes(), Encoding::Utf8, buffer).unwrap(), text);
            }
        }
    }

    #[test]
    fn damaged_wide_characters_are_refused() {
        for bytes in [&b"a\0,\0b"[..], b"a\0\x00\xd8b\0"] {
            assert!(read(bytes, Encoding::Utf16Le, 8).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn a_file_is_of_one_encoding() {
        let mut cells = Cells::Ascii;
        assert_eq!((cells.text(b"a").unwrap().as_ref(), cells), ("a", Cells::Ascii));
        assert_eq!((cells.text(b"gr\xf6\xdfe \x80").unwrap().as_ref(), cells), ("größe €", Cells::Latin1));
        assert_eq!(cells.text("é".as_bytes()).unwrap(), "Ã©");
        assert_eq!(cells.encoding(), Encoding::Latin1);
        let mut cells = Cells::Ascii;
        assert_eq!((cells.text("é".as_bytes()).unwrap().as_ref(), cells), ("é", Cells::Utf8));
        assert!(cells.text(b"\xf6").unwrap_err().contains("two encodings"));
        assert_eq!(cells.encoding(), Encoding::Utf8);
        assert!(Cells::Ascii.text(b"a\0").unwrap_err().contains("zero"));
        for byte in NO_CHARACTERS {
            assert!(Cells::Ascii.text(&[byte]).is_err());
            // What the library decodes here are control characters.
            assert!(WINDOWS_1252.decode_without_bom_handling(&[byte]).0.chars().all(char::is_control));
        }
    }
}
