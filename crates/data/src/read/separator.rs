//! What separates the cells of a text, and whether its numbers have decimal commas: detected by its first records.
//!
//! A separator fits if it cuts every record into the same number of cells, at least two. If several fit, these rules choose, one after the other:
//! quotes stand at the ends of cells only; all cells below the first line are numbers; white space yields to the others. If several are left,
//! it is an error.

use super::dialect::separator_name;
use super::encoding::Cells;
use super::records::Layout;
use super::sample::{Sample, text};
use crate::error::TableError;
use crate::foreign::Foreign;
use crate::missing::Missing;
use crate::number::{is_grouped, number};

/// Separators that are detected; white space is the last.
const KNOWN: [u8; 5] = [b',', b';', b'\t', b'|', b' '];

/// What stands around cells: apostrophes if there are no quotation marks, and each cell that begins by one ends so.
pub fn quote(sample: &Sample) -> u8 {
    let outside = |byte: Option<&u8>| byte.is_none_or(|byte| KNOWN.contains(byte) || matches!(byte, b'\n' | b'\r'));
    let bytes = &sample.bytes;
    let (mut opened, mut closed) = (0usize, 0usize);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'"' => return b'"',
            b'\'' => {
                let before = at.checked_sub(1).and_then(|at| bytes.get(at));
                opened = opened.saturating_add(usize::from(outside(before)));
                closed = closed.saturating_add(usize::from(outside(bytes.get(at.saturating_add(1)))));
            }
            _ => {}
        }
    }
    if opened > 0 && opened == closed { b'\'' } else { b'"' }
}

/// How a separator cuts a text.
struct Cut {
    separator: u8,
    /// Cells of most records.
    cells: usize,
    /// Records that have so many, and all records.
    like: (usize, usize),
    /// Whether the first record has one cell less than all others: they begin with names of rows, whose column has no name.
    short: bool,
    /// Whether all cells below the first record are numbers, or missing.
    numbers: bool,
    /// Whether commas stand in numbers only, where they may be decimal ones.
    commas_in_numbers: bool,
    /// Whether a quote stands within a cell: it is at an end of a cell if another separator is the right one.
    stray: bool,
}

impl Cut {
    fn new(sample: &Sample, layout: Layout, missing: &Missing) -> Cut {
        let (mut counts, mut numbers, mut cells) = (Vec::new(), true, Cells::Ascii);
        let separator = layout.separator;
        let (mut commas, mut others) = (false, false);
        sample.each(layout, |record| {
            for column in 0..record.len() {
                let cell = text(&mut cells, record.cell(column));
                let is_number = number(&cell, false).or_else(|| number(&cell, true)).is_some();
                numbers &= counts.is_empty() || is_number || missing.is(&cell);
                if cell.contains(',') {
                    *(if is_number { &mut commas } else { &mut others }) = true;
                }
            }
            counts.push(record.len());
        });
        let mut sorted = counts.clone();
        sorted.sort_unstable();
        let runs = sorted.chunk_by(|a, b| a == b);
        let (like, most) = runs.map(|run| (run.len(), run[0])).max().unwrap_or((0, 0));
        let below = counts.get(1..).unwrap_or_default();
        let short = counts.first().is_some_and(|first| *first >= 2 && first.checked_add(1) == Some(most))
            && !below.is_empty()
            && below.iter().all(|count| *count == most);
        numbers &= !below.is_empty();
        let stray = layout.quote.is_some_and(|quote| has_stray_quote(&sample.bytes, separator, quote));
        Cut {
            separator,
            cells: most,
            like: (like, counts.len()),
            short,
            numbers,
            commas_in_numbers: commas && !others,
            stray,
        }
    }

    fn fits(&self) -> bool {
        self.cells > 1 && self.like.0 == self.like.1
    }

    /// Fits more than half of the records.
    fn nearly_fits(&self) -> bool {
        self.cells > 1 && self.like.0 > self.like.1 / 2
    }
}

/// Whether a quote stands in a cell that does not begin by one, or a cell goes on behind its second.
fn has_stray_quote(text: &[u8], separator: u8, quote: u8) -> bool {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        Start,
        Cell,
        Quoted,
        Closed,
    }
    let mut state = State::Start;
    for &byte in text {
        let ends = byte == separator || matches!(byte, b'\n' | b'\r') || (separator == b' ' && byte == b'\t');
        state = match state {
            State::Quoted if byte == quote => State::Closed,
            State::Quoted => State::Quoted,
            _ if ends => State::Start,
            State::Start | State::Closed if byte == quote => State::Quoted,
            State::Closed => return true,
            State::Cell if byte == quote => return true,
            State::Start | State::Cell => State::Cell,
        };
    }
    false
}

/// The separator; none if there is one column only.
pub fn separator(sample: &Sample, quote: u8, missing: &Missing, name: &str) -> Result<Option<u8>, TableError> {
    let cut = |separator| Cut::new(sample, Layout { separator, quote: Some(quote) }, missing);
    let stands =
        |separator: &u8| sample.bytes.iter().any(|byte| byte == separator || (*separator == b' ' && *byte == b'\t'));
    let cuts: Vec<Cut> = KNOWN.into_iter().filter(stands).map(cut).collect();
    let fitting = |fits: &dyn Fn(&Cut) -> bool| {
        let fitting = || cuts.iter().filter(|cut| fits(cut));
        let some_clean = fitting().any(|cut| !cut.stray);
        fitting().filter(|cut| !(some_clean && cut.stray)).collect::<Vec<_>>()
    };
    let best = cuts.iter().filter(|cut| cut.nearly_fits()).map(|cut| cut.like.0).max();
    for candidates in [
        fitting(&Cut::fits),
        fitting(&|cut| cut.short && cut.separator != b' '),
        fitting(&|cut| cut.short),
        fitting(&|cut| cut.separator != b' ' && cut.nearly_fits() && Some(cut.like.0) == best),
    ] {
        let numbers: Vec<&&Cut> = candidates.iter().filter(|cut| cut.numbers).collect();
        // White space yields, unless commas are either separators or decimal.
        let yields = |cut: &Cut| {
            let comma = candidates.iter().any(|other| other.separator == b',');
            cut.separator == b' ' && !(comma && cut.commas_in_numbers)
        };
        let black: Vec<&&Cut> = candidates.iter().filter(|cut| !yields(cut)).collect();
        match (&candidates[..], &numbers[..], &black[..]) {
            ([], ..) => {}
            ([one], ..) => return Ok(Some(one.separator)),
            (_, [one], _) | (_, _, [one]) => return Ok(Some(one.separator)),
            (_, _, several) => {
                let names: Vec<String> = several.iter().map(|cut| separator_name(cut.separator)).collect();
                let cells: Vec<String> = several.iter().map(|cut| cut.cells.to_string()).collect();
                return Err(TableError::Content(format!(
                    "{name}: the separator may be {}, which make {} cells of each line: say which by the option `separator` (--separator)",
                    names.join(" or "),
                    cells.join(" or ")
                )));
            }
        }
    }
    Ok(None)
}

/// Whether numbers have decimal commas: a column of numbers, if commas are taken for decimal ones, says so. Commas that can stand between
/// thousands say nothing, unless cells are separated by semicolons, as is usual where commas are decimal.
pub fn decimal_comma(
    below: &[Vec<String>],
    separator: Option<u8>,
    missing: &Missing,
    name: &str,
) -> Result<bool, TableError> {
    let columns = below.first().map_or(0, Vec::len);
    let mut decimal = false;
    for column in 0..columns {
        let cells = || below.iter().filter_map(|record| record.get(column)).filter(|cell| !missing.is(cell));
        let Some(comma) = cells().find(|cell| cell.contains(',')) else { continue };
        if !cells().all(|cell| number(cell, true).is_some()) {
            continue;
        }
        if separator != Some(b';') && cells().all(|cell| !cell.contains(',') || is_grouped(cell, ',')) {
            continue;
        }
        if let Some(point) = cells().find(|cell| !cell.contains(',') && cell.contains('.') && !is_grouped(cell, '.')) {
            let [comma, point] = [comma, point].map(|cell| Foreign::quoted(cell));
            return Err(TableError::Content(format!(
                "{name}: column {} holds {comma} and {point}: say whether commas are decimal by the option `decimal_comma` (--decimal-comma yes|no)",
                column.saturating_add(1)
            )));
        }
        decimal = true;
    }
    Ok(decimal)
}

#[cfg(test)]
mod tests {
    use super::super::records::Limits;
    use super::*;

    fn detect(text: &str) -> Result<(Option<u8>, u8, bool), String> {
        let missing = Missing::default();
        let sample = Sample::take(&mut text.as_bytes(), Limits { line: 1 << 20, cell: 1 << 20 }).unwrap();
        let quote = quote(&sample);
        let found = separator(&sample, quote, &missing, "f").map_err(|error| error.to_string())?;
        let records = sample.records(Layout { separator: found.unwrap_or(b','), quote: Some(quote) });
        let comma =
            decimal_comma(&records[1.min(records.len())..], found, &missing, "f").map_err(|error| error.to_string())?;
        Ok((found, quote, comma))
    }

    #[test]
    fn separators_are_detected() {
        for (text, expected) in [
            ("a,b\n1,2\n", Some(b',')),
            ("a;b\n1,5;2,5\n3;4,25\n", Some(b';')),
            ("1,5;2,5\n3,5;4,5\n", Some(b';')),
            ("a\tb\nx y, z\t1\n", Some(b'\t')),
            ("a|b\n1|2\n", Some(b'|')),
            ("a b\n1 2\n", Some(b' ')),
            ("  a   b\n 10   2\n", Some(b' ')),
            ("x y\n1,5 2,5\n", Some(b' ')),
            ("a, b, c\n1, 2, 3\n", Some(b',')),
            ("Full name, Home town\nA B, C D\n", Some(b',')),
            ("date time,value\n2020-01-01 10:00,1\n", Some(b',')),
            ("a,b\n\"1;2\",3\n", Some(b',')),
            // Names of rows, whose column has no name.
            ("\"x\" \"y\"\n\"r1\" 1 2\n\"r2\" 3 4\n", Some(b' ')),
            ("x,y\nr1,1,2\nr2,3,4\n", Some(b',')),
            // Most of the records.
            ("a,b\n1,2\n3,4\n5,6,7\n", Some(b',')),
            // Within quotes of cells that white space separates.
            ("1 \"a|b\"\n2 \"c|d\"\n", Some(b' ')),
            ("a,b\n5\" pipe,3\n", Some(b',')),
            // One column.
            ("x\n1\n2\n", None),
            ("x\n1,5\n2,5\n7\n8\n", None),
            ("text\nHello, world\nand so on\n", None),
            ("1", None),
        ] {
            assert_eq!(detect(text).unwrap().0, expected, "{text:?}");
        }
    }

    #[test]
    fn separators_that_fit_equally_are_an_error() {
        let refused = detect("a,b;c,d\n1,x;y,2\n").unwrap_err();
        for said in ["',' or ';'", "3 or 2 cells", "`separator`", "--separator"] {
            assert!(refused.contains(said), "{refused}");
        }
        assert!(detect("1,5 x y\n2,5 z w\n").unwrap_err().contains("',' or white space"));
    }

    #[test]
    fn apostrophes_are_quotes_if_they_stand_so() {
        for (text, expected) in [
            ("'a','b'\n'x,y',1\n", b'\''),
            ("a,b\n'tis,1\n", b'"'),
            ("a,b\n\"x\",'y'\n", b'"'),
            ("a,b\nO'Neill,1\n", b'"'),
        ] {
            assert_eq!(detect(text).unwrap().1, expected, "{text}");
        }
    }

    #[test]
    fn decimal_commas_are_detected() {
        for (text, expected) in [
            ("a;b\n1,5;2\n", true),
            ("a;b\n1,234;x\n", true),
            ("a;b\n1.5;x\n", false),
            ("a;b\n1.234,5;1.234\nNA;2\n", true),
            ("a\tb\n1,5\tx\n", true),
            // Thousands, it may be.
            ("a\tb\n1,234\tx\n987\ty\n", false),
            ("a,b\n\"1,5\",x\n", true),
            ("a,b\n\"1,234,567\",x\n", false),
            ("a;b\n1,5;x\nNA;y\nmany;z\n", false),
        ] {
            assert_eq!(detect(text).unwrap().2, expected, "{text:?}");
        }
        let refused = detect("a;b\n1,5;2\n1.5;2\n").unwrap_err();
        assert!(refused.contains("column 1") && refused.contains("--decimal-comma"), "{refused}");
    }
}
