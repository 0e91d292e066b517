//! Examples as they stand in a file: numbers as exact as they are written, labels as text, and where each of them stands.

use std::collections::HashMap;

use xxhash_rust::xxh3::Xxh3Default;

use super::Columns;
use crate::failure::Failure;
use crate::foreign::Foreign;

/// Examples as they stand in a file.
#[derive(Debug)]
pub struct Examples {
    /// What they consist of.
    pub columns: Columns,
    /// Their numbers, a row for each.
    pub inputs: Numbers,
    /// Their labels; none if they were not wanted.
    pub labels: Labels,
    /// The lines that they begin in, in a table.
    pub lines: Lines,
    /// What errors call the file of the inputs, and that of the labels.
    pub files: [String; 2],
}

/// Numbers, row by row.
#[derive(Debug)]
pub enum Numbers {
    /// Of a table.
    Doubles(Vec<f64>),
    /// Pixels.
    Bytes(Vec<u8>),
}

impl Numbers {
    fn len(&self) -> usize {
        match self {
            Numbers::Doubles(numbers) => numbers.len(),
            Numbers::Bytes(pixels) => pixels.len(),
        }
    }

    /// One of them.
    fn at(&self, i: usize) -> f64 {
        match self {
            Numbers::Doubles(numbers) => numbers[i],
            Numbers::Bytes(pixels) => f64::from(pixels[i]),
        }
    }
}

/// Texts, one after another in one piece of memory.
#[derive(Debug, Default)]
pub struct Labels {
    text: String,
    ends: Vec<usize>,
}

impl Labels {
    /// Adds one.
    pub fn push(&mut self, label: &str) -> Result<(), Failure> {
        reserve(&mut self.ends, 1)?;
        self.text.try_reserve(label.len()).map_err(|_| no_memory(self.text.len().saturating_add(label.len())))?;
        self.text.push_str(label);
        self.ends.push(self.text.len());
        Ok(())
    }

    /// Bytes of memory they take.
    pub fn bytes(&self) -> u64 {
        (self.text.len() as u64).saturating_add(bytes_of(&self.ends))
    }

    /// That of a row. Panics if there is none.
    pub fn at(&self, row: usize) -> &str {
        let start = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..self.ends[row]]
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len()).map(|row| self.at(row))
    }
}

/// The lines that rows begin in. Most rows follow the one before in the next line: only the others take memory.
#[derive(Debug, Default)]
pub struct Lines {
    rows: usize,
    last: u64,
    /// Rows that do not stand in the line after the row before, and their lines.
    breaks: Vec<(usize, u64)>,
}

impl Lines {
    /// The next row begins in this line.
    pub fn push(&mut self, line: u64) -> Result<(), Failure> {
        if self.rows == 0 || Some(line) != self.last.checked_add(1) {
            reserve(&mut self.breaks, 1)?;
            self.breaks.push((self.rows, line));
        }
        (self.rows, self.last) = (self.rows.saturating_add(1), line);
        Ok(())
    }

    /// Bytes of memory they take.
    pub fn bytes(&self) -> u64 {
        bytes_of(&self.breaks)
    }

    /// Where a row begins; none if it was not pushed.
    fn at(&self, row: usize) -> Option<u64> {
        let after = self.breaks.partition_point(|(first, _)| *first <= row);
        let (first, line) = self.breaks[..after].last()?;
        (row < self.rows).then(|| line.saturating_add(row.saturating_sub(*first) as u64))
    }
}

/// Bytes of memory these take.
pub fn bytes_of<A>(items: &[A]) -> u64 {
    size_of_val(items) as u64
}

/// Room for so many more.
pub fn reserve<A>(to: &mut Vec<A>, more: usize) -> Result<(), Failure> {
    to.try_reserve(more).map_err(|_| no_memory(to.len().saturating_add(more).saturating_mul(size_of::<A>())))
}

/// The numbers of so many rows, in their order.
pub fn all_rows(len: usize) -> Result<Vec<usize>, Failure> {
    let mut rows = Vec::new();
    reserve(&mut rows, len)?;
    rows.extend(0..len);
    Ok(rows)
}

fn no_memory(bytes: usize) -> Failure {
    Failure::Usage(format!("could not allocate {bytes} bytes for the examples"))
}

impl Examples {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.inputs.len().checked_div(self.columns.features()).unwrap_or(0)
    }

    /// A number of an example.
    pub fn input(&self, row: usize, column: usize) -> f64 {
        self.inputs.at(self.start(row).saturating_add(column))
    }

    /// Where the numbers of an example begin.
    fn start(&self, row: usize) -> usize {
        row.saturating_mul(self.columns.features())
    }

    /// Where errors say that an example stands.
    pub fn place(&self, row: usize) -> String {
        let file = &self.files[0];
        match self.lines.at(row) {
            Some(line) => format!("{file}, line {line}"),
            None => format!("{file}, image {}", row.saturating_add(1)),
        }
    }

    /// Where errors say that a number of an example stands.
    pub fn input_place(&self, row: usize, column: usize) -> String {
        let place = self.place(row);
        match &self.columns {
            Columns::Table { features, .. } => format!("{place}, column {}", Foreign::quoted(&features[column])),
            Columns::Images { .. } => format!("{place}, pixel {}", column.saturating_add(1)),
        }
    }

    /// Where errors say that a label stands.
    pub fn label_place(&self, row: usize) -> String {
        match &self.columns {
            Columns::Table { label, .. } => format!("{}, column {}", self.place(row), Foreign::quoted(label)),
            Columns::Images { .. } => format!("{}, label {}", self.files[1], row.saturating_add(1)),
        }
    }

    /// What errors call a column of numbers.
    pub fn column_place(&self, column: usize) -> String {
        let file = &self.files[0];
        match &self.columns {
            Columns::Table { features, .. } => format!("{file}: the column {}", Foreign::quoted(&features[column])),
            Columns::Images { .. } => format!("{file}: pixel {}", column.saturating_add(1)),
        }
    }

    /// What errors call all labels.
    pub fn label_column(&self) -> String {
        match &self.columns {
            Columns::Table { label, .. } => format!("{}: the column {}", self.files[1], Foreign::quoted(label)),
            Columns::Images { .. } => self.files[1].clone(),
        }
    }

    /// What tells them from others: a resumed training must see the same. Numbers that f32 holds have the bytes that they had when tables
    /// were read in f32, so that trainings of that time are still known.
    pub fn fingerprint(&self) -> String {
        let mut hash = Xxh3Default::new();
        for x in (0..self.inputs.len()).map(|i| self.inputs.at(i)) {
            let single = x as f32;
            if f64::from(single).to_bits() == x.to_bits() {
                hash.update(&single.to_bits().to_le_bytes());
            } else {
                hash.update(&x.to_bits().to_le_bytes());
            }
        }
        for label in self.labels.iter() {
            hash.update(&(label.len() as u64).to_le_bytes());
            hash.update(label.as_bytes());
        }
        format!("{:016x}", hash.digest())
    }
}

/// The number of each class, by its name.
pub fn numbered(classes: &[String]) -> HashMap<&str, usize> {
    classes.iter().enumerate().map(|(number, class)| (class.as_str(), number)).collect()
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

    #[test]
    fn memory_that_no_machine_has_is_an_error() {
        let many = usize::MAX / 4;
        for refused in [all_rows(many).map(drop), reserve(&mut Vec::<f64>::new(), many)] {
            let Err(Failure::Usage(message)) = refused else { panic!("{refused:?}") };
            assert!(message.contains("could not allocate") && message.contains("bytes"), "{message}");
        }
    }

    #[test]
    fn labels_stand_side_by_side() {
        let (mut labels, texts) = (Labels::default(), ["rose", "", "lily, white"]);
        texts.iter().for_each(|text| labels.push(text).unwrap());
        assert_eq!(labels.iter().collect::<Vec<_>>(), texts);
    }
}
