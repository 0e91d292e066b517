//! The records of a CSV text, one after another, within bounds: a line of gigabytes, which a packed file of megabytes can hold, is refused
//! before it is in memory. Each record knows the line that it begins in.

use std::io::{self, BufRead};

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use thiserror::Error;

use super::open::unreadable;
use crate::error::TableError;

/// Bytes that a record and a cell may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Of a line: its cells and what separates them. A quoted cell may hold line breaks; then it is all lines of the record.
    pub line: usize,
    /// Of a cell.
    pub cell: usize,
}

/// Why a CSV text can't be read on. Lines and columns count from 1.
#[derive(Debug, Error)]
pub enum RecordError {
    /// What the operating system says, or a damaged packed file.
    #[error(transparent)]
    Io(io::Error),
    /// More bytes in a line than its limit.
    #[error("line {line} is longer than {limit} bytes: if that is right, raise `max_line` (--max-line)")]
    Line {
        /// Where the record begins.
        line: u64,
        /// The limit.
        limit: usize,
    },
    /// More bytes in a cell than its limit.
    #[error(
        "line {line}, column {column}: the cell is longer than {limit} bytes: if no quote is left open, raise `max_cell` (--max-cell)"
    )]
    Cell {
        /// Where the record begins.
        line: u64,
        /// The column.
        column: usize,
        /// The limit.
        limit: usize,
    },
    /// The text ends within quotes.
    #[error("line {line}, column {column}: a quote is opened and never closed")]
    Open {
        /// Where the record begins.
        line: u64,
        /// The column.
        column: usize,
    },
    /// The operating system gives no more.
    #[error("line {line}: could not allocate {bytes} bytes for it")]
    Memory {
        /// Where the record begins.
        line: u64,
        /// What was asked for.
        bytes: usize,
    },
}

impl RecordError {
    /// With the name of the file.
    pub fn of(self, name: &str) -> TableError {
        match self {
            RecordError::Io(error) => unreadable(name, error),
            error => TableError::Content(format!("{name}, {error}")),
        }
    }
}

/// What stands between cells and around them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Between.
    pub separator: u8,
    /// Around; nothing if quotes have no meaning.
    pub quote: Option<u8>,
}

/// Reads one record after another.
#[derive(Debug)]
pub struct Records<R> {
    source: R,
    parser: Reader,
    /// The text has ended, and a line break was read behind it.
    ended: bool,
    limits: Limits,
    text: Vec<u8>,
    ends: Vec<usize>,
    lines: LineCounter,
}

/// Cells that stand in a row.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Where it begins.
    pub line: u64,
    text: &'a [u8],
    ends: &'a [usize],
}

impl<'a> Record<'a> {
    /// Its cells.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// A cell as it stands in the file, without its quotes. The column counts from 0.
    pub fn cell(&self, column: usize) -> &'a [u8] {
        let start = column.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..self.ends[column]]
    }

    /// Whether it is a line of white space, or the mark that ends texts of DOS.
    pub fn is_blank(&self) -> bool {
        self.len() == 1 && matches!(self.text.trim_ascii(), b"" | b"\x1a")
    }

    /// The record for later.
    pub fn keep(&self) -> KeptRecord {
        KeptRecord { line: self.line, text: self.text.to_vec(), ends: self.ends.to_vec() }
    }
}

/// A record that was read before.
#[derive(Clone, Debug)]
pub struct KeptRecord {
    line: u64,
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl KeptRecord {
    /// The record.
    pub fn record(&self) -> Record<'_> {
        Record { line: self.line, text: &self.text, ends: &self.ends }
    }
}

impl<R: BufRead> Records<R> {
    /// Of this text, which begins in this line of its file.
    pub fn new(source: R, layout: Layout, limits: Limits, line: u64) -> Self {
        let mut parser = ReaderBuilder::new();
        parser.delimiter(layout.separator).quoting(layout.quote.is_some());
        layout.quote.map(|quote| parser.quote(quote));
        let (text, ends, lines) = (Vec::new(), Vec::new(), LineCounter { line, after_return: false });
        Records { source, parser: parser.build(), ended: false, limits, text, ends, lines }
    }

    /// The next record; blank lines are none.
    pub fn next(&mut self) -> Result<Option<Record<'_>>, RecordError> {
        self.skip_blank_lines()?;
        let line = self.lines.line;
        let (mut bytes, mut cells) = (0usize, 0usize);
        loop {
            let input = fill(&mut self.source)?;
            // Behind the last line there may be no line break. The parser gets one there: it ends the record, unless a quote is open.
            let at_end = input.is_empty();
            let input = if at_end && !self.ended { b"\n" } else { input };
            let (result, read, more_bytes, more_cells) =
                self.parser.read_record(input, &mut self.text[bytes..], &mut self.ends[cells..]);
            if at_end {
                self.ended |= read > 0;
                if more_bytes > 0 && read > 0 && matches!(result, ReadRecordResult::InputEmpty) {
                    return Err(RecordError::Open { line, column: cells.saturating_add(1) });
                }
            } else {
                self.lines.pass(&input[..read]);
                self.source.consume(read);
            }
            let before = cells;
            (bytes, cells) = (bytes.saturating_add(more_bytes), cells.saturating_add(more_cells));
            // The cells that have ended, and the one that has not.
            for column in before..=cells {
                let start = column.checked_sub(1).map_or(0, |before| self.ends[before]);
                let end = if column < cells { self.ends[column] } else { bytes };
                if end.saturating_sub(start) > self.limits.cell {
                    return Err(RecordError::Cell { line, column: column.saturating_add(1), limit: self.limits.cell });
                }
            }
            if bytes.saturating_add(cells) > self.limits.line {
                return Err(RecordError::Line { line, limit: self.limits.line });
            }
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => grow(&mut self.text, self.limits.line, line)?,
                ReadRecordResult::OutputEndsFull => grow(&mut self.ends, self.limits.line, line)?,
                ReadRecordResult::Record => {
                    return Ok(Some(Record { line, text: &self.text[..bytes], ends: &self.ends[..cells] }));
                }
                ReadRecordResult::End => return Ok(None),
            }
        }
    }

    /// The parser would skip them, too, but would not say which line follows.
    fn skip_blank_lines(&mut self) -> Result<(), RecordError> {
        loop {
            let input = fill(&mut self.source)?;
            let blank = input.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            if blank == 0 {
                return Ok(());
            }
            self.lines.pass(&input[..blank]);
            self.source.consume(blank);
        }
    }
}

/// What is there of the text; a signal is no reason to stop.
fn fill(source: &mut impl BufRead) -> Result<&[u8], RecordError> {
    // Asked twice, as the borrow checker does not let a loop return what it has borrowed.
    loop {
        match source.fill_buf() {
            Ok(_) => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(RecordError::Io(error)),
        }
    }
    source.fill_buf().map_err(RecordError::Io)
}

/// Doubles a buffer, up to one element more than the limit, so that the limit is seen to be passed.
fn grow<A: Clone + Default>(buffer: &mut Vec<A>, limit: usize, line: u64) -> Result<(), RecordError> {
    const FIRST: usize = 1 << 10;
    let len = buffer.len().saturating_mul(2).max(FIRST).min(limit.saturating_add(1));
    let more = len.saturating_sub(buffer.len());
    if more == 0 {
        return Err(RecordError::Line { line, limit });
    }
    let bytes = len.saturating_mul(size_of::<A>());
    buffer.try_reserve_exact(more).map_err(|_| RecordError::Memory { line, bytes })?;
    buffer.resize(len, A::default());
    Ok(())
}

/// Counts lines, which end by a line feed, a carriage return, or both.
#[derive(Debug)]
struct LineCounter {
    line: u64,
    after_return: bool,
}

impl LineCounter {
    fn pass(&mut self, bytes: &[u8]) {
        let Some(last) = bytes.last() else { return };
        let count = |wanted: u8| bytes.iter().filter(|byte| **byte == wanted).count();
        let mut ends = count(b'\n');
        if self.after_return || bytes.contains(&b'\r') {
            let pairs = bytes.windows(2).filter(|pair| *pair == b"\r\n").count();
            let parted = usize::from(self.after_return && bytes[0] == b'\n');
            ends = ends.saturating_add(count(b'\r')).saturating_sub(pairs).saturating_sub(parted);
        }
        self.line = self.line.saturating_add(ends as u64);
        self.after_return = *last == b'\r';
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Read};

    use super::*;

    const LIMITS: Limits = Limits { line: 1 << 12, cell: 1 << 10 };
    const COMMA: Layout = Layout { separator: b',', quote: Some(b'"') };

    fn records<R: BufRead>(source: R) -> Records<R> {
        Records::new(source, COMMA, LIMITS, 1)
    }

    /// Lines and cells, read by buffers of this size.
    fn read(text: &str, buffer: usize) -> Vec<(u64, Vec<String>)> {
        let mut records = records(BufReader::with_capacity(buffer, text.as_bytes()));
        let mut found = Vec::new();
        while let Some(record) = records.next().unwrap() {
            found.push((
                record.line,
                (0..record.len()).map(|i| String::from_utf8_lossy(record.cell(i)).trim().to_owned()).collect(),
            ));
        }
        found
    }

    #[test]
    fn records_know_their_lines() {
        let expected = |lines: [u64; 4]| {
            let cells = [["a", "b"], ["1", "two\nlines"], ["3", ""], ["4", "5"]];
            lines.into_iter().zip(cells.map(|row| row.map(str::to_owned).to_vec())).collect::<Vec<_>>()
        };
        for buffer in [3, 5, 1 << 10] {
            let text = "\n\n a ,b\n1,\"two\nlines\"\n\n\n3,\n4,5";
            assert_eq!(read(text, buffer), expected([3, 4, 8, 9]), "{buffer}");
            assert_eq!(read(&text.replace("\n\n", "\r\n\r\n"), buffer), expected([3, 4, 8, 9]), "{buffer}");
        }
        assert_eq!(read("a\r\rb\r", 3), [(1, vec!["a".to_owned()]), (3, vec!["b".to_owned()])]);
        assert_eq!(read("", 8), []);
    }

    /// A text without end.
    fn endless(start: &'static str, piece: &'static str) -> impl BufRead {
        struct Endless(&'static [u8], usize);
        impl Read for Endless {
            fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
                let rest = &self.0[self.1 % self.0.len()..];
                let len = rest.len().min(to.len());
                to[..len].copy_from_slice(&rest[..len]);
                self.1 += len;
                Ok(len)
            }
        }
        BufReader::new(start.as_bytes().chain(Endless(piece.as_bytes(), 0)))
    }

    #[test]
    fn lines_and_cells_without_end_are_refused_within_their_limits() {
        let refused = |start, piece| {
            let mut records = records(endless(start, piece));
            let error = records.next().unwrap_err().to_string();
            let (text, ends) = (records.text.capacity(), records.ends.capacity());
            assert!(text.max(ends) <= LIMITS.line + 1, "{text} and {ends}");
            error
        };
        let cell = refused("", "1");
        assert!(cell.contains("line 1, column 1") && cell.contains(&format!("{} bytes", LIMITS.cell)), "{cell}");
        let open = refused("\"", "1,\n");
        assert!(open.contains("quote") && open.contains("--max-cell"), "{open}");
        let line = refused("", "1,");
        assert!(line.contains(&format!("line 1 is longer than {} bytes", LIMITS.line)), "{line}");
        assert!(refused("", ",").contains("--max-line"));
    }

    #[test]
    fn what_fits_exactly_is_read() {
        let cells = LIMITS.line / LIMITS.cell;
        let full = vec!["x".repeat(LIMITS.cell - 1); cells].join(",");
        assert_eq!(read(&full, 100)[0].1.len(), cells);
        let mut records = records(BufReader::new(io::Cursor::new(format!("{full}x"))));
        assert!(matches!(records.next(), Err(RecordError::Line { line: 1, .. })));
    }

    #[test]
    fn a_quote_that_is_never_closed_swallows_nothing() {
        for (text, buffer) in [("a,b\n1,\"x\n2,y\n3,z\n", 4), ("a,b\n1,\"x", 100), ("a,b\n1,\"", 1)] {
            let mut records = records(BufReader::with_capacity(buffer, text.as_bytes()));
            records.next().unwrap().unwrap();
            assert!(matches!(records.next(), Err(RecordError::Open { line: 2, column: 2 })), "{text}");
        }
        // Closed in the last character.
        assert_eq!(read("a,\"b\"", 3)[0].1, ["a", "b"]);
        assert_eq!(read("a,\"b\n\"\n\n", 3)[0].1, ["a", "b"]);
    }

    #[test]
    fn without_quotes_they_are_characters() {
        let layout = Layout { separator: b';', quote: None };
        let mut records = Records::new(&b"\"a;b\"\n"[..], layout, LIMITS, 7);
        let record = records.next().unwrap().unwrap();
        assert_eq!((record.line, record.cell(0), record.cell(1)), (7, &b"\"a"[..], &b"b\""[..]));
    }
}
