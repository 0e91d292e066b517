//! libsvm's text, also svmlight's: in each line a label, then `index:value` for each number that is not zero. Its table has a column of labels,
//! and one for each index. What a row does not name is zero: also all of a column that a model knows and the file does not.

use std::io::BufRead;
use std::ops::Range;
use std::sync::Arc;

use super::Rows;
use super::blanks::Squeezed;
use super::dialect::Dialect;
use super::encoding;
use super::numbers::{NumberCells, Value};
use super::options::ReadOptions;
use super::records::{Layout, Limits, Records};
use super::sample::Sample;
use crate::cells::{CellsBuilder, Texts};
use crate::error::TableError;
use crate::foreign::Foreign;
use crate::lines::Lines;
use crate::memory::reserve;
use crate::missing::Missing;
use crate::number::number;
use crate::table::{Column, Places, Table};

/// The column of labels.
const LABEL: &str = "label";
/// Columns, at most: an index of billions is a hash, and no network has so many inputs.
const MOST_COLUMNS: usize = 1 << 20;
/// Cells of the table, at most: the zeros that the file leaves out take memory here.
const MOST_CELLS: usize = 1 << 28;

const LAYOUT: Layout = Layout { separator: b' ', quote: None };

/// Whether a text is of this kind: its first lines have nothing but a number and pairs of numbers behind it.
pub fn is_likely(sample: &Sample) -> bool {
    let (mut pairs, mut others) = (0usize, 0usize);
    sample.each(LAYOUT, |record| {
        let cells = (0..record.len()).map(|column| str::from_utf8(record.cell(column)).unwrap_or_default());
        for (column, cell) in cells.take_while(|cell| !cell.starts_with('#')).enumerate() {
            let fits = if column == 0 { number(cell, false).is_some() } else { pair(cell).is_ok() };
            pairs = pairs.saturating_add(usize::from(fits && column > 0));
            others = others.saturating_add(usize::from(!fits));
        }
    });
    pairs > 0 && others == 0
}

/// An index and a value.
fn pair(cell: &str) -> Result<Option<(usize, f64)>, ()> {
    let (index, value) = cell.split_once(':').ok_or(())?;
    let value = number(value, false).ok_or(())?;
    if index == "qid" {
        return Ok(None);
    }
    let digits = !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit());
    // An index beyond all counting is refused as a large one.
    if digits { Ok(Some((index.parse().unwrap_or(usize::MAX), value))) } else { Err(()) }
}

/// What is in the file: a table of which most is zero. All of it is read first: how many columns it has is known at its end only.
pub struct LibsvmRows {
    name: String,
    dialect: Dialect,
    missing: Arc<Missing>,
    header: Vec<String>,
    /// As they are written.
    labels: Texts,
    lines: Lines,
    /// Where the pairs of each row end.
    ends: Vec<usize>,
    pairs: Vec<(u32, f64)>,
    /// The least index: 1, or 0 if the file says so.
    first: usize,
    read: usize,
}

/// Reads all of it.
pub fn read<'a>(
    source: impl BufRead + 'a,
    name: String,
    dialect: Dialect,
    limits: Limits,
    options: &ReadOptions,
) -> Result<LibsvmRows, TableError> {
    let mut records = Records::new(Squeezed::new(source, None), LAYOUT, limits, 1);
    let mut cells = encoding::Cells::Ascii;
    let mut all = LibsvmRows {
        name,
        dialect,
        missing: Arc::new(options.missing.clone()),
        header: Vec::new(),
        labels: Texts::default(),
        lines: Lines::default(),
        ends: Vec::new(),
        pairs: Vec::new(),
        first: 1,
        read: 0,
    };
    let mut last = 0;
    while let Some(record) = records.next().map_err(|error| error.of(&all.name))? {
        for column in 0..record.len() {
            let wrong = |what: String| {
                let (name, line, cell) = (&all.name, record.line, column.saturating_add(1));
                TableError::Content(format!("{name}, line {line}, cell {cell}: {what}"))
            };
            let cell = cells.text(record.cell(column)).map_err(|what| wrong(what.to_owned()))?;
            if cell.starts_with('#') {
                break;
            }
            if column == 0 {
                if number(&cell, false).is_none() {
                    return Err(wrong(format!("{} is no number, and a label is needed", Foreign::quoted(&cell))));
                }
                all.labels.push(&cell)?;
                all.lines.push(record.line)?;
                reserve(&mut all.ends, 1)?;
                all.ends.push(all.pairs.len());
                continue;
            }
            let found = pair(&cell);
            let found =
                found.map_err(|()| wrong(format!("{} is not index:value, two numbers", Foreign::quoted(&cell))))?;
            let Some((index, value)) = found else { continue };
            if index > MOST_COLUMNS {
                return Err(wrong(format!("the index {index} is too large: at most {MOST_COLUMNS} columns are read")));
            }
            (all.first, last) = (all.first.min(index), last.max(index));
            reserve(&mut all.pairs, 1)?;
            all.pairs.push((index as u32, value));
            if let Some(end) = all.ends.last_mut() {
                *end = all.pairs.len();
            }
        }
    }
    let (rows, numbers) = (all.ends.len(), last.saturating_add(1).saturating_sub(all.first));
    if rows.saturating_mul(numbers) > MOST_CELLS {
        let name = all.name;
        return Err(TableError::Content(format!(
            "{name} has {rows} rows and {numbers} columns: with the zeros that it leaves out, these are more than {MOST_CELLS} cells"
        )));
    }
    all.header.push(LABEL.to_owned());
    all.header.extend((all.first..=last).map(|index| index.to_string()));
    Ok(all)
}

/// Pairs of which those of a column follow one another.
struct Sorted {
    /// Where those of each column end.
    ends: Vec<usize>,
    /// Rows, and their values.
    pairs: Vec<(usize, f64)>,
}

impl LibsvmRows {
    fn start(&self, row: usize) -> usize {
        row.checked_sub(1).map_or(0, |before| self.ends[before])
    }

    /// The pairs of some rows by their columns.
    fn by_column(&self, rows: Range<usize>) -> Result<Sorted, TableError> {
        let columns = self.header.len().saturating_sub(1);
        let place = |index: u32| (index as usize).saturating_sub(self.first);
        let mut next = Vec::new();
        reserve(&mut next, columns.saturating_add(1))?;
        next.resize(columns.saturating_add(1), 0usize);
        for (index, _) in &self.pairs[self.start(rows.start)..self.start(rows.end)] {
            let count = &mut next[place(*index).saturating_add(1)];
            *count = count.saturating_add(1);
        }
        for column in 1..next.len() {
            next[column] = next[column].saturating_add(next[column.saturating_sub(1)]);
        }
        let mut sorted = Vec::new();
        reserve(&mut sorted, next[columns])?;
        sorted.resize(next[columns], (0, 0.0));
        for row in rows {
            for (index, value) in &self.pairs[self.start(row)..self.ends[row]] {
                let to = &mut next[place(*index)];
                sorted[*to] = (row, *value);
                *to = to.saturating_add(1);
            }
        }
        Ok(Sorted { ends: next, pairs: sorted })
    }
}

impl Rows for LibsvmRows {
    fn next_rows(&mut self, at_most: usize) -> Result<Option<Table>, TableError> {
        let rows = self.read..self.ends.len().min(self.read.saturating_add(at_most));
        if rows.is_empty() {
            return Ok(None);
        }
        let (mut labels, mut lines) = (CellsBuilder::new(self.missing.clone(), false), Lines::default());
        for row in rows.clone() {
            labels.push(self.labels.at(row))?;
            lines.push(self.lines.at(row).unwrap_or(0))?;
        }
        let mut columns = Vec::new();
        reserve(&mut columns, self.header.len())?;
        columns.push(Column { name: LABEL.to_owned(), cells: labels.build() });
        let Sorted { ends, pairs } = self.by_column(rows.clone())?;
        for (column, name) in self.header[1..].iter().enumerate() {
            let start = column.checked_sub(1).map_or(0, |before| ends[before]);
            let mut cells = NumberCells::new(self.missing.clone());
            let mut next = rows.start;
            for (row, value) in &pairs[start..ends[column]] {
                if *row < next {
                    let line = self.lines.at(*row).unwrap_or(0);
                    let name = &self.name;
                    return Err(TableError::Content(format!(
                        "{name}, line {line}: the index {} stands there twice",
                        self.first.saturating_add(column)
                    )));
                }
                for _ in next..*row {
                    cells.push(Value::Float(0.0))?;
                }
                cells.push(Value::Float(*value))?;
                next = row.saturating_add(1);
            }
            for _ in next..rows.end {
                cells.push(Value::Float(0.0))?;
            }
            columns.push(Column { name: name.clone(), cells: cells.build() });
        }
        self.read = rows.end;
        let table = Table::of_rows(&self.name, columns, rows.len(), Places::Lines(lines), &self.missing);
        // An index beyond its last one is of numbers that are zero, too.
        Ok(Some(Table { named: self.dialect.named, sparse: true, ..table }))
    }

    fn dialect(&self) -> &Dialect {
        &self.dialect
    }

    fn header(&self) -> &[String] {
        &self.header
    }
}
