//! Finds what a column holds.

use std::collections::BTreeSet;

use super::{Description, Kind, Overrides, Reason};
use crate::cells::{Cells, Texts};
use crate::error::TableError;
use crate::foreign::Foreign;
use crate::number::{DateFormat, number};
use crate::table::Table;

/// In a table of fewer rows it means nothing that all cells of a column differ.
const FEW_ROWS: usize = 20;
/// More different texts than this are text and no categories.
const MOST_CATEGORIES: usize = 1000;
/// A column in which at least this share of the values are numbers is taken for numbers with mistakes in it, which the user must mend or
/// name.
const MOSTLY: f64 = 0.9;
/// Values that a description shows.
const SHOWN: usize = 4;
/// What says no, and what says yes.
const BOOLEANS: [[&str; 2]; 5] = [["0", "1"], ["false", "true"], ["no", "yes"], ["n", "y"], ["f", "t"]];
/// Names of a data frame's index: pandas writes it without a name, and calls it so when it has read it.
const INDEX_NAMES: [&str; 5] = ["", "unnamed: 0", "index", "rownames", "row.names"];

/// The different values of a column, as they are written.
struct Values<'a> {
    texts: &'a Texts,
    /// How many rows have each text.
    counts: Vec<usize>,
    /// Of each text: whether it says that the value is missing.
    missing: Vec<bool>,
    /// Of each text: the number that it is.
    numbers: Vec<Option<f64>>,
}

impl<'a> Values<'a> {
    fn new(table: &Table, codes: &[u32], texts: &'a Texts) -> Values<'a> {
        let mut counts = vec![0usize; texts.len()];
        codes.iter().for_each(|code| counts[*code as usize] = counts[*code as usize].saturating_add(1));
        let missing: Vec<bool> = texts.iter().map(|text| table.missing.is(text)).collect();
        let numbers = texts.iter().zip(&missing).map(
            |(text, missing)| {
                if *missing { None } else { number(text, table.decimal_comma) }
            },
        );
        Values { texts, counts, numbers: numbers.collect(), missing }
    }

    /// The texts that are values.
    fn present(&self) -> impl Iterator<Item = usize> + Clone {
        (0..self.texts.len()).filter(|i| !self.missing[*i] && self.counts[*i] > 0)
    }

    fn rows_of(&self, texts: impl Iterator<Item = usize>) -> usize {
        texts.map(|i| self.counts[i]).sum()
    }
}

/// What the column holds.
pub(super) fn describe(table: &Table, column: usize, overrides: &Overrides) -> Result<Description, TableError> {
    let name = table.columns[column].name.clone();
    let asked = |names: &[String]| names.contains(&table.columns[column].name);
    let mut found = match &table.columns[column].cells {
        Cells::Coded { codes, texts } => of_texts(table, column, codes, &Values::new(table, codes, texts), overrides)?,
        Cells::Numbers(numbers) => of_numbers(column, &name, numbers, asked(&overrides.numbers)),
        Cells::Many { rows, numbers, first } => {
            if asked(&overrides.numbers) {
                return Err(not_a_number(table, column, first.0, &first.1));
            }
            if !asked(&overrides.ignore) && *numbers as f64 >= MOSTLY * *rows as f64 {
                return Err(mistake(table, column, first.0, &first.1, *numbers));
            }
            let (kind, examples) = (Kind::LeftOut(Reason::Text), vec![first.1.clone()]);
            Description { name, kind, missing: 0, distinct: None, range: None, examples }
        }
        Cells::Array { shape, .. } => {
            let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
            Description {
                name,
                kind: Kind::Arrays,
                missing: 0,
                distinct: None,
                range: None,
                examples: vec![sizes.join(" × ")],
            }
        }
    };
    let (ignored, categories) = (asked(&overrides.ignore), asked(&overrides.categories));
    if categories && found.distinct.is_none_or(|distinct| distinct > MOST_CATEGORIES) {
        return Err(TableError::Request(format!(
            "{}: the column {} has more than {MOST_CATEGORIES} different values, too many for categories",
            table.name,
            Foreign::quoted(&found.name)
        )));
    }
    if ignored {
        found.kind = Kind::LeftOut(Reason::Asked);
    }
    Ok(found)
}

/// A column of few different texts.
fn of_texts(
    table: &Table,
    column: usize,
    codes: &[u32],
    values: &Values<'_>,
    overrides: &Overrides,
) -> Result<Description, TableError> {
    let name = table.columns[column].name.clone();
    let present = values.present();
    let rows = values.rows_of(present.clone());
    let missing = codes.len().saturating_sub(rows);
    let numbers: Vec<f64> = present.clone().filter_map(|i| values.numbers[i]).collect();
    let texts = present.clone().count();
    let all_numbers = numbers.len() == texts;
    let different: BTreeSet<u64> = numbers.iter().map(|x| (x + 0.0).to_bits()).collect();
    let distinct = if all_numbers { different.len() } else { texts };
    let mut range = all_numbers.then(|| bounds(numbers.iter().copied())).flatten();
    let formats = || DateFormat::all_fit(present.clone().map(|i| values.texts.at(i)));
    let row_of = |text: usize| codes.iter().position(|code| *code as usize == text).unwrap_or(0);
    let stray = || present.clone().find(|i| values.numbers[*i].is_none());

    let kind = if overrides.categories.contains(&name) {
        Kind::Categories
    } else if overrides.numbers.contains(&name) {
        if let Some(stray) = stray() {
            return Err(not_a_number(table, column, row_of(stray), values.texts.at(stray)));
        }
        Kind::Numbers
    } else if distinct == 0 || distinct == 1 && missing == 0 {
        Kind::LeftOut(Reason::Constant)
    } else if distinct == 2 && booleans(values.texts, present.clone()).is_some() {
        Kind::Booleans
    } else if all_numbers {
        let of_row = || codes.iter().map(|code| values.numbers[*code as usize].unwrap_or(f64::NAN));
        kind_of_numbers(column, &name, of_row, missing == 0 && distinct == codes.len())
    } else if let [format, more @ ..] = &formats()[..] {
        if !more.is_empty() {
            let example = present.clone().next().unwrap_or(0);
            return Err(TableError::Content(format!(
                "{}: {} may be {} or {}: write it as YYYY-MM-DD, or leave the column out by --ignore",
                table.cell_place(row_of(example), column),
                Foreign::quoted(values.texts.at(example)),
                format.example(),
                more[0].example()
            )));
        }
        range = bounds(present.clone().filter_map(|i| format.days(values.texts.at(i))));
        Kind::Dates { format: format.index() }
    } else {
        let with_numbers = values.rows_of(present.clone().filter(|i| values.numbers[*i].is_some()));
        if with_numbers as f64 >= MOSTLY * rows as f64 && different.len() >= FEW_ROWS {
            let stray = stray().unwrap_or(0);
            return Err(mistake(table, column, row_of(stray), values.texts.at(stray), with_numbers));
        }
        let many = rows >= FEW_ROWS;
        match distinct {
            _ if many && distinct == rows => Kind::LeftOut(Reason::Id),
            _ if distinct > MOST_CATEGORIES || many && distinct > rows / 2 => Kind::LeftOut(Reason::Text),
            _ => Kind::Categories,
        }
    };
    let examples = present.take(SHOWN).map(|i| values.texts.at(i).to_owned()).collect();
    Ok(Description { name, kind, missing, distinct: Some(distinct), range, examples })
}

/// A column of very many different numbers.
fn of_numbers(column: usize, name: &str, numbers: &[f64], asked: bool) -> Description {
    let missing = numbers.iter().filter(|x| x.is_nan()).count();
    let range = bounds(numbers.iter().copied().filter(|x| !x.is_nan()));
    let all_differ = || {
        let mut sorted = numbers.to_vec();
        sorted.sort_by(f64::total_cmp);
        sorted.windows(2).all(|pair| pair[0] != pair[1])
    };
    let kind = match asked {
        true => Kind::Numbers,
        false => {
            kind_of_numbers(column, name, || numbers.iter().copied(), missing == 0 && may_be_id(name) && all_differ())
        }
    };
    let examples = numbers.iter().take(SHOWN).map(f64::to_string).collect();
    Description { name: name.to_owned(), kind, missing, distinct: None, range, examples }
}

/// Numbers, unless they count the rows or name them. `all_differ`: no value stands twice or is missing.
fn kind_of_numbers<I: Iterator<Item = f64>>(
    column: usize,
    name: &str,
    numbers: impl Fn() -> I,
    all_differ: bool,
) -> Kind {
    let nameless = column == 0 && INDEX_NAMES.iter().any(|index| name.eq_ignore_ascii_case(index));
    let whole = || numbers().all(|x| x.fract() == 0.0);
    let rows = numbers().count();
    let counts_rows = || {
        let first = numbers().next().unwrap_or(0.0);
        [0.0, 1.0].contains(&first) && numbers().enumerate().all(|(row, x)| x == first + row as f64)
    };
    if rows > 1 && (nameless && all_differ && whole() || rows >= FEW_ROWS && counts_rows()) {
        return Kind::LeftOut(Reason::Index);
    }
    if rows >= FEW_ROWS && all_differ && may_be_id(name) && whole() {
        return Kind::LeftOut(Reason::Id);
    }
    Kind::Numbers
}

/// Whether a name says that its column holds keys: `id`, `user_id`, `userId`, `ID`.
fn may_be_id(name: &str) -> bool {
    let parts = ["_", ".", " ", "-"];
    let lower = name.to_lowercase();
    lower == "id"
        || name.ends_with("Id")
        || name.ends_with("ID")
        || parts.iter().any(|part| lower.ends_with(&format!("{part}id")))
}

/// Of two values, which of them says no.
pub(crate) fn booleans(texts: &Texts, present: impl Iterator<Item = usize>) -> Option<[usize; 2]> {
    let all: Vec<usize> = present.collect();
    let [one, other] = all[..] else { return None };
    BOOLEANS.iter().find_map(|[no, yes]| {
        let is = |i: usize, word: &str| texts.at(i).eq_ignore_ascii_case(word);
        match (is(one, no) && is(other, yes), is(other, no) && is(one, yes)) {
            (true, _) => Some([one, other]),
            (_, true) => Some([other, one]),
            _ => None,
        }
    })
}

fn bounds(numbers: impl Iterator<Item = f64>) -> Option<[f64; 2]> {
    numbers.fold(None, |bounds, x| match bounds {
        None => Some([x, x]),
        Some([low, high]) => Some([f64::min(low, x), f64::max(high, x)]),
    })
}

/// A text in a column of numbers.
fn mistake(table: &Table, column: usize, row: usize, text: &str, numbers: usize) -> TableError {
    TableError::Content(format!(
        "{}: {} is not a number, and {numbers} other rows have one: mend it, call it missing by --missing '{}', or name the column in \
         --categories or --ignore",
        table.cell_place(row, column),
        Foreign::quoted(text),
        Foreign::bare(text)
    ))
}

fn not_a_number(table: &Table, column: usize, row: usize, text: &str) -> TableError {
    let place = table.cell_place(row, column);
    TableError::Content(format!(
        "{place}: {} is not a number, and the column was said to hold numbers",
        Foreign::quoted(text)
    ))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cells::CellsBuilder;
    use crate::table::Column;

    fn table(columns: &[(&str, Vec<String>)]) -> Table {
        let columns = columns.iter().map(|(name, cells)| {
            let mut builder = CellsBuilder::new(Arc::default(), false);
            cells.iter().for_each(|cell| builder.push(cell).unwrap());
            Column { name: (*name).to_owned(), cells: builder.build() }
        });
        Table::new("t.csv", columns.collect()).unwrap()
    }

    fn kind_with(name: &str, cells: &[&str], overrides: &Overrides) -> Result<Kind, String> {
        let first = ("first", vec!["x".to_owned(); cells.len()]);
        let table = table(&[first, (name, cells.iter().map(|cell| (*cell).to_owned()).collect())]);
        table.describe(overrides).map(|all| all[1].kind.clone()).map_err(|error| error.to_string())
    }

    fn kind(cells: &[&str]) -> Kind {
        kind_with("c", cells, &Overrides::default()).unwrap()
    }

    #[test]
    fn kinds_are_what_cells_look_like() {
        assert_eq!(kind(&["1", "2.5", "-3e2", "NA"]), Kind::Numbers);
        assert_eq!(kind(&["0", "1", "0", ""]), Kind::Booleans);
        for two in [["yes", "no"], ["True", "False"], ["Y", "n"], ["t", "F"], ["1", "0"]] {
            assert_eq!(kind(&two), Kind::Booleans, "{two:?}");
        }
        assert_eq!(kind(&["red", "blue", "red"]), Kind::Categories);
        assert_eq!(kind(&["1", "2", "many"]), Kind::Categories);
        assert!(matches!(kind(&["2024-11-25", "2024-11-26 10:00", "?"]), Kind::Dates { .. }));
        assert_eq!(kind(&["x", "x"]), Kind::LeftOut(Reason::Constant));
        assert_eq!(kind(&["", "NA"]), Kind::LeftOut(Reason::Constant));
        // Where some are missing, one value tells something.
        assert_eq!(kind(&["x", ""]), Kind::Categories);
        // Numbers are the same however they are written.
        assert_eq!(kind(&["1", "1.0"]), Kind::LeftOut(Reason::Constant));
    }

    #[test]
    fn what_names_or_counts_rows_is_left_out() {
        let count = |from: usize, rows: usize| (from..from + rows).map(|i| i.to_string()).collect::<Vec<_>>();
        let others = |rows: usize| ("x", (0..rows).map(|i| (i * i % 7).to_string()).collect::<Vec<_>>());
        let first = |name, cells: Vec<String>| {
            let rows = cells.len();
            table(&[(name, cells), others(rows)]).describe(&Overrides::default()).unwrap()[0].kind.clone()
        };
        let (index, id) = (Kind::LeftOut(Reason::Index), Kind::LeftOut(Reason::Id));
        for name in ["", "Unnamed: 0", "rownames"] {
            assert_eq!(first(name, count(0, 3)), index);
            // An index of rows that were shuffled or chosen.
            assert_eq!(first(name, ["7", "3", "12"].map(str::to_owned).to_vec()), index);
            assert_eq!(first(name, ["7", "3", "7"].map(str::to_owned).to_vec()), Kind::Numbers);
        }
        assert_eq!(first("n", count(1, FEW_ROWS)), index);
        assert_eq!(
            [first("n", count(1, FEW_ROWS - 1)), first("n", count(5, FEW_ROWS))],
            [Kind::Numbers, Kind::Numbers]
        );
        for name in ["id", "userId", "user_id", "ID"] {
            assert_eq!(first(name, count(100, FEW_ROWS)), id, "{name}");
        }
        assert_eq!(first("paid", count(100, FEW_ROWS)), Kind::Numbers);
        assert_eq!(first("name", count(0, FEW_ROWS).iter().map(|i| format!("n{i}")).collect()), id);
        let half = (0..FEW_ROWS * 2).map(|i| format!("n{}", i * 2 / 3)).collect();
        assert_eq!(first("text", half), Kind::LeftOut(Reason::Text));
    }

    #[test]
    fn a_mistake_among_numbers_is_named() {
        let mut cells: Vec<String> = (0..30).map(|i| (i * 3 % 41).to_string()).collect();
        cells[17] = "12O".to_owned();
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        let error = kind_with("age", &cells, &Overrides::default()).unwrap_err();
        assert!(error.contains("row 18, column \"age\": \"12O\"") && error.contains("--missing"), "{error}");
        let names = |name: &str| vec![name.to_owned()];
        let categories = Overrides { categories: names("age"), ..Overrides::default() };
        assert_eq!(kind_with("age", &cells, &categories), Ok(Kind::Categories));
        let ignored = Overrides { ignore: names("age"), categories: names("age"), ..Overrides::default() };
        assert_eq!(kind_with("age", &cells, &ignored), Ok(Kind::LeftOut(Reason::Asked)));
        let numbers = Overrides { numbers: names("age"), ..Overrides::default() };
        assert!(kind_with("age", &cells, &numbers).unwrap_err().contains("\"12O\""));
        let stray = Overrides { numbers: names("aeg"), ..Overrides::default() };
        assert!(kind_with("age", &cells, &stray).unwrap_err().contains("no column \"aeg\""));
    }

    #[test]
    fn a_date_that_may_be_two_days_is_refused() {
        let error = kind_with("day", &["01/02/2024", "03/04/2024"], &Overrides::default()).unwrap_err();
        assert!(error.contains("MM/DD/YYYY") && error.contains("DD/MM/YYYY"), "{error}");
        assert!(matches!(kind(&["01/02/2024", "13/04/2024"]), Kind::Dates { .. }));
    }
}
