//! Text whose cells are separated by white space: any run of spaces and tabs outside of quotes becomes one space, and none is left at the
//! ends of lines. Then it is a text whose separator is a space.

use std::io::{self, BufRead};

/// The text with single spaces.
#[derive(Debug)]
pub struct Squeezed<R> {
    source: R,
    quote: Option<u8>,
    state: State,
    ready: Vec<u8>,
    read: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// At the beginning of a line, perhaps after white space.
    Start,
    /// After white space behind a cell.
    Gap,
    /// Within a cell.
    Cell,
    /// Within quotes.
    Quoted,
    /// Behind a quote that may close: a second one is a character of the cell.
    Closed,
}

/// Bytes that are squeezed at once.
const PIECE: usize = 1 << 13;

impl<R: BufRead> Squeezed<R> {
    /// Of this text.
    pub fn new(source: R, quote: Option<u8>) -> Self {
        Squeezed { source, quote, state: State::Start, ready: Vec::new(), read: 0 }
    }

    fn squeeze(&mut self) -> io::Result<()> {
        self.ready.clear();
        self.read = 0;
        while self.ready.is_empty() {
            let input = match self.source.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                input => input?,
            };
            if input.is_empty() {
                return Ok(());
            }
            let input = input.get(..PIECE).unwrap_or(input);
            for &byte in input {
                let quote = Some(byte) == self.quote;
                let after = match (self.state, byte) {
                    (State::Quoted, _) => {
                        if quote {
                            State::Closed
                        } else {
                            State::Quoted
                        }
                    }
                    (_, b'\n' | b'\r') => State::Start,
                    (State::Start, b' ' | b'\t') => continue,
                    (_, b' ' | b'\t') => {
                        self.state = State::Gap;
                        continue;
                    }
                    // A quote within a cell is a character like others.
                    (State::Start | State::Gap | State::Closed, _) if quote => State::Quoted,
                    _ => State::Cell,
                };
                if self.state == State::Gap && after != State::Start {
                    self.ready.push(b' ');
                }
                self.ready.push(byte);
                self.state = after;
            }
            let len = input.len();
            self.source.consume(len);
        }
        Ok(())
    }
}

impl<R: BufRead> io::Read for Squeezed<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let mut input = self.fill_buf()?;
        let read = io::Read::read(&mut input, to)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Squeezed<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.read >= self.ready.len() {
            self.squeeze()?;
        }
        Ok(&self.ready[self.read..])
    }

    fn consume(&mut self, amount: usize) {
        self.read = self.read.saturating_add(amount).min(self.ready.len());
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Read};

    use super::*;

    #[test]
    fn white_space_becomes_one_space() {
        for (text, expected) in [
            ("  a  b\t c \n\n 1 2\t\t3\r\n", "a b c\n\n1 2 3\r\n"),
            ("\"a  b\" c", "\"a  b\" c"),
            ("\"a \"\"  \"  \"\"  b\"c  d", "\"a \"\"  \" \"\" b\"c d"),
            ("\"two\n  lines\"  x  ", "\"two\n  lines\" x"),
            ("   ", ""),
            ("", ""),
        ] {
            for buffer in [1, 2, 1 << 10] {
                let mut found = String::new();
                let source = BufReader::with_capacity(buffer, text.as_bytes());
                Squeezed::new(source, Some(b'"')).read_to_string(&mut found).unwrap();
                assert_eq!(found, expected, "{text:?}");
            }
        }
        let mut found = String::new();
        Squeezed::new(&b"\"a  b"[..], None).read_to_string(&mut found).unwrap();
        assert_eq!(found, "\"a b");
    }
}
