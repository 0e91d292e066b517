//! Arrays of NumPy, row by row: the header says how many rows there are, and is written again when that is known.

use std::io::{self, Cursor, ErrorKind, Seek, SeekFrom, Write};

use crate::memory::reserve;

/// Bytes of the header: a multiple of 64, as the format asks, and enough for any number of rows and columns.
const HEADER: usize = 128;
/// What a file of version 1.0 begins with.
const MAGIC: &[u8; 8] = b"\x93NUMPY\x01\x00";

/// Writes a matrix of f64 as a `.npy` file, one row after the other.
///
/// ```
/// use nxm_data::{InMemory, NpyWriter, Table};
///
/// let mut writer = NpyWriter::new(InMemory::default(), 2)?;
/// writer.row(&[0.25, 0.75])?;
/// writer.row(&[1.0, 0.0])?;
/// let bytes = writer.end()?.into_bytes();
/// let path = std::env::temp_dir().join(format!("nxm-npy-{}.npy", std::process::id()));
/// std::fs::write(&path, bytes)?;
/// let table = Table::read(&path)?;
/// assert_eq!((table.rows(), table.columns().len()), (2, 2));
/// std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct NpyWriter<W> {
    out: W,
    start: u64,
    rows: u64,
    columns: usize,
}

impl<W: Write + Seek> NpyWriter<W> {
    /// Begins a matrix of so many columns.
    ///
    /// # Errors
    /// What `out` says.
    pub fn new(mut out: W, columns: usize) -> io::Result<NpyWriter<W>> {
        let start = out.stream_position()?;
        out.write_all(&header(0, columns))?;
        Ok(NpyWriter { out, start, rows: 0, columns })
    }

    /// Adds a row.
    ///
    /// # Errors
    /// What `out` says; [`ErrorKind::InvalidInput`] if the row has another number of columns.
    pub fn row(&mut self, numbers: &[f64]) -> io::Result<()> {
        if numbers.len() != self.columns {
            let (found, expected) = (numbers.len(), self.columns);
            return Err(io::Error::new(
                ErrorKind::InvalidInput,
                format!("a row of {found} numbers in an array of {expected} columns"),
            ));
        }
        for x in numbers {
            self.out.write_all(&x.to_le_bytes())?;
        }
        self.rows = self.rows.saturating_add(1);
        Ok(())
    }

    /// Writes how many rows there are. Returns what it was written to.
    ///
    /// # Errors
    /// What `out` says.
    pub fn end(mut self) -> io::Result<W> {
        self.out.seek(SeekFrom::Start(self.start))?;
        self.out.write_all(&header(self.rows, self.columns))?;
        self.out.seek(SeekFrom::End(0))?;
        self.out.flush()?;
        Ok(self.out)
    }
}

/// Of a matrix of f64 in the order of rows, padded with blanks and ended by a line break.
fn header(rows: u64, columns: usize) -> [u8; HEADER] {
    let text = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({rows}, {columns}), }}");
    let mut header = [b' '; HEADER];
    header[..8].copy_from_slice(MAGIC);
    header[8..10].copy_from_slice(&(HEADER as u16).saturating_sub(10).to_le_bytes());
    header[10..][..text.len()].copy_from_slice(text.as_bytes());
    header[HEADER.saturating_sub(1)] = b'\n';
    header
}

/// Bytes that are kept until all are there. What does not fit into memory is an error.
#[derive(Debug, Default)]
pub struct InMemory(Cursor<Vec<u8>>);

impl InMemory {
    /// The bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0.into_inner()
    }
}

impl Write for InMemory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let there = self.0.get_ref().len() as u64;
        let more = self.0.position().saturating_add(bytes.len() as u64).saturating_sub(there);
        reserve(self.0.get_mut(), usize::try_from(more).unwrap_or(usize::MAX))
            .map_err(|error| io::Error::new(ErrorKind::OutOfMemory, error.to_string()))?;
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for InMemory {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cells, ReadOptions, Table};

    #[test]
    fn what_is_written_is_read() {
        for (rows, columns) in [(0, 3), (1, 1), (5, 3), (1000, 2)] {
            let numbers: Vec<f64> = (0..rows * columns).map(|i| 1.0 / (i as f64 + 3.0)).collect();
            let mut writer = NpyWriter::new(InMemory::default(), columns).unwrap();
            numbers.chunks_exact(columns).for_each(|row| writer.row(row).unwrap());
            let bytes = writer.end().unwrap().into_bytes();
            assert_eq!(bytes.len(), HEADER + 8 * rows * columns);
            if rows == 0 {
                assert!(String::from_utf8_lossy(&bytes).contains("'shape': (0, 3), }"));
                continue;
            }
            let table = Table::read_from(&bytes[..], "x.npy", &ReadOptions::default()).unwrap();
            assert_eq!((table.rows(), table.columns().len()), (rows, columns));
            for (i, column) in table.columns().iter().enumerate() {
                let expected: Vec<u64> = numbers.iter().skip(i).step_by(columns).map(|x| x.to_bits()).collect();
                let found: Vec<u64> = match &column.cells {
                    Cells::Numbers(numbers) => numbers.iter().map(|x| x.to_bits()).collect(),
                    Cells::Coded { codes, texts } => {
                        let number = |code: &u32| texts.at(*code as usize).parse::<f64>().unwrap().to_bits();
                        codes.iter().map(number).collect()
                    }
                    other => panic!("{other:?}"),
                };
                assert_eq!(found, expected);
            }
        }
    }

    #[test]
    fn the_largest_header_fits() {
        let text = header(u64::MAX, usize::MAX);
        assert!(text.ends_with(b" \n") && text.len().is_multiple_of(64));
        assert!(String::from_utf8_lossy(&text).contains(&format!("({}, {}), }}", u64::MAX, usize::MAX)));
    }

    #[test]
    fn a_row_of_another_length_is_refused() {
        let mut writer = NpyWriter::new(InMemory::default(), 2).unwrap();
        assert_eq!(writer.row(&[1.0]).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}
