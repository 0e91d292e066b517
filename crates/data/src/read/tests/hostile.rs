//! Files that are made to break their reader: each gets an answer, within bounds.

use std::io;

use super::*;

/// Bytes without end, and how many were read.
struct Endless {
    piece: &'static [u8],
    read: usize,
    most: usize,
}

impl Read for Endless {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        assert!(self.read < self.most, "{} bytes were read", self.read);
        for (byte, from) in to.iter_mut().zip(self.piece.iter().cycle().skip(self.read % self.piece.len())) {
            *byte = *from;
        }
        self.read += to.len();
        Ok(to.len())
    }
}

fn endless(start: &'static [u8], piece: &'static [u8]) -> String {
    let options = ReadOptions::default();
    let most = 4 * options.max_line;
    let found = Table::read_from(start.chain(Endless { piece, read: 0, most }), "f", &options);
    found.map(|table| table.rows()).unwrap_err().to_string()
}

#[test]
fn lines_without_end_are_refused_within_bounds() {
    for (start, piece, said) in [
        (&b""[..], &b"1,"[..], "--max-line"),
        (b"", b"x", "--max-cell"),
        (b"a,b\n1,\"", b"x,y\n", "--max-cell"),
        (b"", b" ", "--max-cell"),
    ] {
        // A text of spaces has no cell, and no end.
        if piece != b" " {
            let found = endless(start, piece);
            assert!(found.contains(said), "{found}");
        }
    }
}

#[test]
fn a_packed_line_of_gigabytes_is_refused_before_it_is_in_memory() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    io::copy(&mut io::repeat(b'1').take(128 << 20), &mut packed).unwrap();
    let packed = packed.finish().unwrap();
    assert!(packed.len() < 1 << 18);
    assert!(refused(&packed).contains("--max-cell"));
}

#[test]
fn quotes_that_stay_open_are_refused() {
    let found = refused(b"a,b\n1,\"x\n2,y\n3,z\n");
    assert!(found.contains("line 2, column 2") && found.contains("never closed"), "{found}");
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let mut late = b"a,b\n".to_vec();
    (0..1000).for_each(|_| late.extend(b"1,2\n"));
    for (end, said) in [(&b"3,\x00\n"[..], "zero byte"), (b"3,\x81\n", "neither UTF-8 nor Latin-1")] {
        let found = refused(&[&late[..], end].concat());
        assert!(found.contains(said) && found.contains("line 1002, column 2"), "{found}");
    }
    assert!(
        refused("a,é\n1,2\n".as_bytes().iter().chain(b"3,\xe9\n").copied().collect::<Vec<_>>().as_slice())
            .contains("two encodings")
    );
    let binary: Vec<u8> = (0..2000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    assert!(read(&binary).is_err());
}

#[test]
fn names_of_strangers_do_not_move_the_cursor() {
    let found = refused(b"a\x1b[2J,b,a\x1b[2J\n1,2,3\n");
    assert!(!found.contains('\x1b') && found.contains("\\u{1b}"), "{found}");
}

#[test]
fn a_million_columns_are_read() {
    let columns = 1 << 20;
    let mut text = String::new();
    (0..columns).for_each(|i| text += &format!("c{i},"));
    text += "y\n";
    for _ in 0..2 {
        text += &"7,".repeat(columns);
        text += "x\n";
    }
    let (table, dialect) = read(text.as_bytes()).unwrap();
    assert_eq!((table.columns().len(), table.rows(), dialect.named), (columns + 1, 2, true));
}
