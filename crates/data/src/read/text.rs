//! Texts with separators, CSV for example: what they are written like is detected, then they are read row by row.

use std::collections::HashMap;
use std::io::{BufRead, Cursor, Read};
use std::sync::Arc;

use super::blanks::Squeezed;
use super::dialect::{Compression, Dialect, Encoding, Format};
use super::header::are_names;
use super::open::unreadable;
use super::options::ReadOptions;
use super::records::{KeptRecord, Layout, Limits, Record, Records};
use super::sample::Sample;
use super::{Rows, encoding, libsvm, separator};
use crate::cells::CellsBuilder;
use crate::error::TableError;
use crate::foreign::Foreign;
use crate::lines::Lines;
use crate::memory::reserve;
use crate::missing::Missing;
use crate::table::{Column, Places, Table};

/// A text that is read row by row.
pub struct TextRows<'a> {
    name: String,
    records: Records<Box<dyn BufRead + 'a>>,
    header: Vec<String>,
    dialect: Dialect,
    cells: encoding::Cells,
    missing: Arc<Missing>,
    /// The first row, which was read to know how many columns there are.
    first: Option<KeptRecord>,
}

/// How a text is written.
struct Detected {
    layout: Layout,
    separator: Option<u8>,
    decimal_comma: bool,
    named: bool,
    /// The first line has no name for the first column.
    short: bool,
}

/// Opens a text.
pub fn open<'a>(
    source: impl BufRead + 'a,
    name: String,
    encoding: Encoding,
    compression: Compression,
    options: &ReadOptions,
) -> Result<Box<dyn Rows + 'a>, TableError> {
    options.check_for_text(&name)?;
    check_separator(options)?;
    let failed = |error| unreadable(&name, error);
    let mut source = encoding::utf8(source, encoding).map_err(failed)?;
    let limits = Limits { line: options.max_line, cell: options.max_cell };
    let mut sample = Sample::take(&mut source, limits).map_err(failed)?;
    let (said, line) = said_separator(&mut sample);
    let separator = options.separator.or(said);
    let rest = Cursor::new(sample.bytes.clone()).chain(source);
    if separator.is_none() && libsvm::is_likely(&sample) {
        let dialect = Dialect { encoding, ..Dialect::of(Format::Libsvm, compression, false) };
        return Ok(Box::new(libsvm::read(rest, name, dialect, limits, options)?));
    }
    let found = detect(&sample, separator, &name, options)?;
    let dialect = Dialect {
        separator: found.separator,
        decimal_comma: found.decimal_comma,
        quote: found.layout.quote.unwrap_or(b'"'),
        encoding,
        ..Dialect::of(Format::Csv, compression, found.named)
    };
    let source: Box<dyn BufRead + 'a> = match found.layout.separator {
        b' ' => Box::new(Squeezed::new(rest, found.layout.quote)),
        _ => Box::new(rest),
    };
    let records = Records::new(source, found.layout, limits, line);
    let (header, cells, missing) = (Vec::new(), encoding::Cells::Ascii, Arc::new(options.missing.clone()));
    let mut rows = TextRows { name, records, header, dialect, cells, missing, first: None };
    rows.read_header(found.named, found.short)?;
    Ok(Box::new(rows))
}

fn check_separator(options: &ReadOptions) -> Result<(), TableError> {
    match options.separator {
        Some(byte) if !(byte == b'\t' || byte == b' ' || byte.is_ascii_punctuation()) || b"\"'.".contains(&byte) => {
            Err(TableError::Request(format!(
                "the separator {} can't be used: a comma, a semicolon, a tab, a space or the like is needed",
                Foreign::quoted(&char::from(byte).to_string())
            )))
        }
        _ => Ok(()),
    }
}

/// Excel may write a line before all others: `sep=;`. The line in which the rest begins.
fn said_separator(sample: &mut Sample) -> (Option<u8>, u64) {
    let [b's', b'e', b'p', b'=', separator, rest @ ..] = &sample.bytes[..] else { return (None, 1) };
    let Some(rest) = rest.strip_prefix(b"\r\n").or_else(|| rest.strip_prefix(b"\n")) else { return (None, 1) };
    let (separator, rest) = (*separator, rest.to_vec());
    sample.bytes = rest;
    (Some(separator), 2)
}

fn detect(sample: &Sample, said: Option<u8>, name: &str, options: &ReadOptions) -> Result<Detected, TableError> {
    let (missing, quote) = (&options.missing, separator::quote(sample));
    let separator = match said {
        Some(said) => Some(said),
        None => separator::separator(sample, quote, missing, name)?,
    };
    let layout = Layout { separator: separator.unwrap_or(b','), quote: Some(quote) };
    let records = sample.records(layout);
    let Some((first, below)) = records.split_first() else {
        // A line that is too long for a sample: its reader says so. Or nothing.
        let (named, decimal_comma) = (options.header.unwrap_or(true), options.decimal_comma.unwrap_or(false));
        return Ok(Detected { layout, separator, decimal_comma, named, short: false });
    };
    let values = if below.is_empty() { &records[..] } else { below };
    let decimal_comma = match options.decimal_comma {
        Some(said) => said,
        None => separator::decimal_comma(values, separator, missing, name)?,
    };
    let short = options.header != Some(false) && lacks_a_name(first, below);
    let shifted: Vec<String>;
    let first = if short {
        shifted = std::iter::once(String::new()).chain(first.iter().cloned()).collect();
        &shifted
    } else {
        first
    };
    let named = match options.header {
        Some(said) => said,
        None => are_names(first, below, missing, decimal_comma).ok_or_else(|| {
            TableError::Content(format!(
                "{name}: its first line, {}, may name the columns or be an example: say which by the option `header` (--header yes|no)",
                Foreign::list(first.iter().map(String::as_str))
            ))
        })?,
    };
    Ok(Detected { layout, separator, decimal_comma, named, short: short && named })
}

/// Whether all lines have one cell more than the first, and begin with different names of rows, as R writes them.
fn lacks_a_name(first: &[String], below: &[Vec<String>]) -> bool {
    let mut names: Vec<&str> = below.iter().filter_map(|record| record.first()).map(String::as_str).collect();
    names.sort_unstable();
    first.len() > 1
        && !below.is_empty()
        && below.iter().all(|record| Some(record.len()) == first.len().checked_add(1))
        && names.windows(2).all(|pair| pair[0] != pair[1])
        && below.iter().any(|record| record.last().is_some_and(|cell| !cell.is_empty()))
}

impl TextRows<'_> {
    fn read_header(&mut self, named: bool, short: bool) -> Result<(), TableError> {
        let first = loop {
            match self.records.next().map_err(|error| error.of(&self.name))? {
                None => return Err(TableError::Content(format!("{} has only blank lines", self.name))),
                Some(record) if record.is_blank() => {}
                Some(record) => break record,
            }
        };
        if first.len() > 1 {
            // Nothing fits, and the first line has commas: a later one will be refused.
            self.dialect.separator.get_or_insert(b',');
        }
        reserve(&mut self.header, first.len().saturating_add(1))?;
        if !named {
            self.header.extend((1..=first.len()).map(|number| number.to_string()));
            self.first = Some(first.keep());
            return Ok(());
        }
        if short {
            self.header.push(String::new());
        }
        for column in 0..first.len() {
            let text = text(&mut self.cells, first, column, &self.name)?.trim().to_owned();
            // The first column may have no name: a data frame's index. Others are called by their numbers.
            let nameless = text.is_empty() && !self.header.is_empty();
            self.header.push(if nameless { column.saturating_add(1).to_string() } else { text });
        }
        check_names(&self.header, &self.name)
    }
}

/// Fails if two columns have the same name.
pub fn check_names(header: &[String], name: &str) -> Result<(), TableError> {
    let mut places = HashMap::with_capacity(header.len());
    for (second, column) in header.iter().enumerate() {
        if let Some(first) = places.insert(column.as_str(), second) {
            let [first, second] = [first, second].map(|column: usize| column.saturating_add(1));
            return Err(TableError::Content(format!(
                "{name}: columns {first} and {second} are both called {}: give one of them another name; \
                 if the first line is an example, set the option `header` (--header no)",
                Foreign::quoted(column)
            )));
        }
    }
    Ok(())
}

/// A cell, which must be text.
fn text<'r>(
    cells: &mut encoding::Cells,
    record: Record<'r>,
    column: usize,
    name: &str,
) -> Result<std::borrow::Cow<'r, str>, TableError> {
    cells.text(record.cell(column)).map_err(|what| {
        TableError::Content(format!("{name}, line {}, column {}: {what}", record.line, column.saturating_add(1)))
    })
}

impl Rows for TextRows<'_> {
    fn next_rows(&mut self, at_most: usize) -> Result<Option<Table>, TableError> {
        let mut columns = Vec::new();
        reserve(&mut columns, self.header.len())?;
        columns.extend(self.header.iter().map(|_| CellsBuilder::new(self.missing.clone(), self.dialect.decimal_comma)));
        let (mut lines, mut rows) = (Lines::default(), 0usize);
        let first = self.first.take();
        let mut first = first.as_ref().map(KeptRecord::record);
        while rows < at_most {
            let record = match first.take() {
                Some(first) => first,
                None => match self.records.next().map_err(|error| error.of(&self.name))? {
                    None => break,
                    Some(record) if record.is_blank() && columns.len() > 1 => continue,
                    Some(record) => record,
                },
            };
            if record.len() != columns.len() {
                return Err(ragged(record, columns.len(), &self.name, &self.dialect));
            }
            for (column, builder) in columns.iter_mut().enumerate() {
                builder.push(&text(&mut self.cells, record, column, &self.name)?)?;
            }
            lines.push(record.line)?;
            rows = rows.saturating_add(1);
        }
        if self.cells == encoding::Cells::Latin1 {
            self.dialect.encoding = self.cells.encoding();
        }
        if rows == 0 {
            return Ok(None);
        }
        let columns = self.header.iter().zip(columns);
        let columns = columns.map(|(name, builder)| Column { name: name.clone(), cells: builder.build() }).collect();
        let Dialect { decimal_comma, named, .. } = self.dialect;
        let table = Table::of_rows(&self.name, columns, rows, Places::Lines(lines), &self.missing);
        Ok(Some(Table { decimal_comma, named, ..table }))
    }

    fn dialect(&self) -> &Dialect {
        &self.dialect
    }

    fn header(&self) -> &[String] {
        &self.header
    }
}

fn ragged(record: Record<'_>, expected: usize, name: &str, dialect: &Dialect) -> TableError {
    let (line, found) = (record.line, record.len());
    let last = found.checked_sub(1).map_or(&b""[..], |last| record.cell(last));
    let why = match (dialect.separator, dialect.decimal_comma) {
        _ if found > expected && last.trim_ascii().is_empty() => {
            "; its last cell is empty: is there a separator too many at the end of the line?".to_owned()
        }
        (None, _) if expected == 1 => {
            "; if there are more columns than one, set the option `separator` (--separator)".to_owned()
        }
        (Some(separator), _) if found < expected => format!(
            "; if its last cells are missing, separators ({}) are needed for them",
            super::dialect::separator_name(separator)
        ),
        (Some(b','), false) => "; a cell that has a comma in it needs quotes around it".to_owned(),
        _ => String::new(),
    };
    let cells = if found == 1 { "cell" } else { "cells" };
    TableError::Content(format!("{name}, line {line}: {found} {cells}, and the first line has {expected}{why}"))
}
