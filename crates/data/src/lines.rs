//! Where rows stand in their file.

use crate::error::TableError;
use crate::memory::reserve;

/// The lines that rows begin in, counted from 1. Most rows follow the one before in the next line: only the others take memory.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    rows: usize,
    last: u64,
    /// Rows that do not stand in the line after the row before, and their lines.
    breaks: Vec<(usize, u64)>,
}

impl Lines {
    /// The next row begins in this line.
    pub fn push(&mut self, line: u64) -> Result<(), TableError> {
        if self.rows == 0 || Some(line) != self.last.checked_add(1) {
            reserve(&mut self.breaks, 1)?;
            self.breaks.push((self.rows, line));
        }
        (self.rows, self.last) = (self.rows.saturating_add(1), line);
        Ok(())
    }

    /// Where a row begins; none if it was not pushed.
    pub fn at(&self, row: usize) -> Option<u64> {
        let after = self.breaks.partition_point(|(first, _)| *first <= row);
        let (first, line) = self.breaks[..after].last()?;
        (row < self.rows).then(|| line.saturating_add(row.saturating_sub(*first) as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_remembered_where_they_jump() {
        let (mut lines, known) = (Lines::default(), [2, 3, 4, 9, 10, 12]);
        known.iter().for_each(|line| lines.push(*line).unwrap());
        let found: Vec<u64> = (0..known.len()).map(|row| lines.at(row).unwrap()).collect();
        assert_eq!((found.as_slice(), lines.breaks.len(), lines.at(known.len())), (&known[..], 3, None));
    }
}
