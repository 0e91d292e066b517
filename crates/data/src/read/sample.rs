//! The beginning of a text: what it is detected by.

use std::io::{self, BufRead, Read};

use super::blanks::Squeezed;
use super::encoding::Cells;
use super::records::{KeptRecord, Layout, Limits, Record, Records};

/// Records that are looked at, at most.
pub const RECORDS: usize = 50;
/// Bytes that are looked at, if they are lines enough.
const BYTES: usize = 1 << 16;
/// Lines that are looked at, at least, if they are within their limits: two whole ones and the beginning of a third.
const LINES: usize = 3;

/// Lines longer than this are not looked at.
const LONGEST: usize = 32 << 20;

/// The beginning of a text.
#[derive(Debug)]
pub struct Sample {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Whether it is the whole text.
    whole: bool,
    limits: Limits,
}

impl Sample {
    /// Takes the beginning of a text.
    pub fn take(source: &mut impl BufRead, limits: Limits) -> io::Result<Sample> {
        // Whoever raises the limits may have lines that fill the memory: they say nothing about how others are written.
        let limits = Limits { line: limits.line.min(LONGEST), cell: limits.cell.min(LONGEST) };
        let most = limits.line.saturating_mul(LINES.saturating_sub(1)).max(BYTES);
        let (mut bytes, mut lines, mut whole) = (Vec::new(), 0usize, false);
        while !whole && bytes.len() < most && (bytes.len() < BYTES || lines < LINES) {
            let (before, piece) = (bytes.len(), bytes.len().max(BYTES).min(most.saturating_sub(bytes.len())));
            source.by_ref().take(piece as u64).read_to_end(&mut bytes)?;
            whole = bytes.len() < before.saturating_add(piece);
            lines = lines.saturating_add(bytes[before..].iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count());
        }
        Ok(Sample { bytes, whole, limits })
    }

    /// Hands each record to a function, but not one that is not whole. What can't be read ends it: whoever reads the file says so.
    pub fn each(&self, layout: Layout, mut see: impl FnMut(Record<'_>)) {
        let source: Box<dyn BufRead + '_> = match layout.separator {
            b' ' => Box::new(Squeezed::new(&self.bytes[..], layout.quote)),
            _ => Box::new(&self.bytes[..]),
        };
        let mut records = Records::new(source, layout, self.limits, 1);
        // One behind: of what is no whole text, the last record may be cut.
        let mut before: Option<KeptRecord> = None;
        let mut seen = 0usize;
        while seen < RECORDS {
            let next = loop {
                match records.next() {
                    Ok(Some(record)) if record.is_blank() => {}
                    Ok(Some(record)) => break Some(record.keep()),
                    Ok(None) | Err(_) => break None,
                }
            };
            let ended = next.is_none();
            if let Some(record) = before.take().filter(|_| !ended || self.whole) {
                see(record.record());
                seen = seen.saturating_add(1);
            }
            if ended {
                return;
            }
            before = next;
        }
    }

    /// The cells of all its records.
    pub fn records(&self, layout: Layout) -> Vec<Vec<String>> {
        let (mut found, mut cells) = (Vec::new(), Cells::Ascii);
        self.each(layout, |record| {
            found.push((0..record.len()).map(|column| text(&mut cells, record.cell(column))).collect());
        });
        found
    }
}

/// A cell as a text.
pub fn text(cells: &mut Cells, cell: &[u8]) -> String {
    cells.text(cell).map_or_else(|_| String::from_utf8_lossy(cell).trim().to_owned(), |text| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    const LIMITS: Limits = Limits { line: 1 << 20, cell: 1 << 20 };
    const COMMA: Layout = Layout { separator: b',', quote: Some(b'"') };

    fn sample(text: &str) -> Sample {
        Sample::take(&mut BufReader::with_capacity(100, text.as_bytes()), LIMITS).unwrap()
    }

    #[test]
    fn whole_records_are_seen() {
        let short = sample("a,b\n\n  \n1,2\n3,\"x\ny\"");
        assert_eq!(short.records(COMMA), [["a", "b"], ["1", "2"], ["3", "x\ny"]]);
        let text = "é,b\n".repeat(BYTES);
        let long = sample(&text);
        assert_eq!((long.bytes.len(), long.records(COMMA).len()), (BYTES, RECORDS));
        // What is cut is not seen.
        let cut = sample(&format!("a\n{}\n{}\n{}", "1".repeat(BYTES), "2".repeat(BYTES), "3".repeat(8 * BYTES)));
        assert_eq!(cut.records(COMMA).len(), 3);
    }

    #[test]
    fn as_much_is_taken_as_is_needed() {
        let line = 2 * LIMITS.line / 3;
        assert!(sample(&format!("{}\n", "1".repeat(line)).repeat(9)).bytes.len() < 2 * LIMITS.line + 1);
        assert_eq!(sample(&"1".repeat(9 * LIMITS.line)).bytes.len(), 2 * LIMITS.line);
    }
}
