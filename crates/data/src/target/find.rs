//! Finds what columns ask for.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Target, Task};
use crate::cells::{Cells, Texts};
use crate::describe::booleans;
use crate::encode::category;
use crate::error::TableError;
use crate::foreign::Foreign;
use crate::number::number;
use crate::standard::Standard;
use crate::table::Table;

/// Whole numbers from 0 or 1 on, without a gap, are classes if there are at most so many of them.
const MOST_NUMBERED_CLASSES: usize = 20;
/// More classes than this, in more than half of the rows, are no classes.
const MANY_CLASSES: usize = 20;

/// What these columns ask for, and what is worth saying about it.
pub(super) fn find(table: &Table, columns: &[String], task: Option<Task>) -> Result<(Target, Vec<String>), TableError> {
    let places = columns.iter().map(|column| table.column(column)).collect::<Result<Vec<_>, _>>()?;
    if let Some(twice) = columns.iter().enumerate().find(|(i, column)| columns[..*i].contains(column)) {
        let column = Foreign::quoted(twice.1);
        return Err(TableError::Request(format!("the column {column} is named twice as a target")));
    }
    match (columns, task) {
        ([], _) => Err(TableError::Request("no column to learn is named".to_owned())),
        ([column], Some(Task::Classes)) => classes(table, column, places[0]),
        (_, Some(Task::Labels)) => labels(table, columns, &places),
        ([_], None) if !is_number(table, places[0])? => classes(table, &columns[0], places[0]),
        ([_], _) => Ok((numbers(columns), Vec::new())),
        (_, Some(Task::Numbers)) => Ok((numbers(columns), Vec::new())),
        (_, Some(Task::Classes)) => Err(TableError::Request(
            "--loss cross_entropy learns the classes of one column: several columns of yes and no are learned by binary_cross_entropy".to_owned(),
        )),
        _ => several(table, columns, &places),
    }
}

fn numbers(columns: &[String]) -> Target {
    Target::Numbers { columns: columns.to_vec(), standards: vec![Standard::NONE; columns.len()] }
}

/// Columns of two values each. What says no is known of some words; of others the first one is taken for no.
fn labels(table: &Table, columns: &[String], places: &[usize]) -> Result<(Target, Vec<String>), TableError> {
    let mut values = Vec::new();
    for (column, place) in columns.iter().zip(places) {
        let Cells::Coded { texts, .. } = &table.columns[*place].cells else {
            return Err(not_two(table, column, crate::cells::MOST_TEXTS));
        };
        let present = (0..texts.len()).filter(|i| !table.missing.is(texts.at(*i)));
        values.push(match booleans(texts, present) {
            Some(pair) => pair.map(|i| texts.at(i).to_owned()),
            None => {
                let classes: Vec<String> = distinct(table, texts).into_iter().map(str::to_owned).collect();
                <[String; 2]>::try_from(classes).map_err(|classes| not_two(table, column, classes.len()))?
            }
        });
    }
    Ok((Target::Labels { columns: columns.to_vec(), values }, Vec::new()))
}

fn not_two(table: &Table, column: &str, found: usize) -> TableError {
    TableError::Content(format!(
        "{}: the column {} has {found} different values, and --loss binary_cross_entropy learns two; cross_entropy learns more",
        table.name,
        Foreign::quoted(column)
    ))
}

/// Columns that all say no or yes, or all hold numbers.
fn several(table: &Table, columns: &[String], places: &[usize]) -> Result<(Target, Vec<String>), TableError> {
    let pair = |place: &usize| match &table.columns[*place].cells {
        Cells::Coded { texts, .. } => {
            let present = (0..texts.len()).filter(|i| !table.missing.is(texts.at(*i)));
            booleans(texts, present).map(|pair| pair.map(|i| texts.at(i).to_owned()))
        }
        _ => None,
    };
    let pairs: Vec<Option<[String; 2]>> = places.iter().map(pair).collect();
    if let Some(values) = pairs.iter().cloned().collect::<Option<Vec<_>>>() {
        return Ok((Target::Labels { columns: columns.to_vec(), values }, Vec::new()));
    }
    let stray = places.iter().position(|place| !all_numbers(table, *place));
    match stray {
        None => Ok((numbers(columns), Vec::new())),
        Some(stray) => Err(TableError::Content(format!(
            "{}: several columns can be learned if all of them hold numbers, or all of them say yes and no, and {} does not",
            table.name,
            Foreign::quoted(&columns[stray])
        ))),
    }
}

fn all_numbers(table: &Table, column: usize) -> bool {
    match &table.columns[column].cells {
        Cells::Coded { texts, .. } => {
            texts.iter().all(|text| table.missing.is(text) || number(text, table.decimal_comma).is_some())
        }
        Cells::Numbers(_) => true,
        Cells::Many { .. } | Cells::Array { .. } => false,
    }
}

/// Whether a column asks for a number: it holds numbers, and they are not numbered classes.
fn is_number(table: &Table, column: usize) -> Result<bool, TableError> {
    let (rows, texts) = match &table.columns[column].cells {
        Cells::Coded { codes, texts } => (codes.len(), texts),
        Cells::Numbers(_) => return Ok(true),
        Cells::Many { .. } => return Ok(false),
        Cells::Array { .. } => return Err(super::not_arrays(table, column)),
    };
    let present = || texts.iter().filter(|text| !table.missing.is(text));
    let numbers: Vec<f64> = present().filter_map(|text| number(text, table.decimal_comma)).collect();
    let texts = present().count();
    if numbers.len() < texts && numbers.len() >= MANY_CLASSES {
        // Text among many numbers is a mistake rather than a class.
        let stray = present().find(|text| number(text, table.decimal_comma).is_none()).unwrap_or_default();
        return Err(TableError::Content(format!(
            "{}: the column to learn, {}, holds {} and {} different numbers: mend it, call it missing by --missing '{}', or say --loss cross_entropy",
            table.name,
            Foreign::quoted(&table.columns[column].name),
            Foreign::quoted(stray),
            numbers.len(),
            Foreign::bare(stray)
        )));
    }
    if numbers.len() < texts {
        return Ok(false);
    }
    let whole = numbers.iter().all(|x| x.fract() == 0.0);
    let different: BTreeSet<i64> = numbers.iter().map(|x| *x as i64).collect();
    let (first, last) = (different.first().copied().unwrap_or(0), different.last().copied().unwrap_or(0));
    let no_gap = last.checked_sub(first).is_some_and(|span| span as u64 == different.len().saturating_sub(1) as u64);
    // Where each number stands once, they count or measure something.
    let again = different.len() < rows;
    let numbered = no_gap && again && [0, 1].contains(&first) && different.len() <= MOST_NUMBERED_CLASSES;
    Ok(!(whole && (numbered || different.len() == 2)))
}

/// The classes of a column: each once, as it is first written, sorted.
fn classes(table: &Table, column: &str, place: usize) -> Result<(Target, Vec<String>), TableError> {
    let name = || Foreign::quoted(column);
    let (codes, texts) = match &table.columns[place].cells {
        Cells::Coded { codes, texts } => (codes, texts),
        Cells::Array { .. } => return Err(super::not_arrays(table, place)),
        Cells::Many { rows, numbers, first } if *numbers >= rows / 2 => {
            return Err(TableError::Content(format!(
                "{}: {} is not a number, and {numbers} other rows have one: mend it, or call it missing by --missing",
                table.cell_place(first.0, place),
                Foreign::quoted(&first.1)
            )));
        }
        Cells::Numbers(_) | Cells::Many { .. } => {
            return Err(TableError::Content(format!(
                "{}: the column {} has more than {} different values, too many for classes: to learn numbers, say --loss mse",
                table.name,
                name(),
                crate::cells::MANY_NUMBERS
            )));
        }
    };
    let found = distinct(table, texts);
    let rows = codes.len();
    let classes: Vec<String> = found.into_iter().map(str::to_owned).collect();
    if classes.len() < 2 {
        let said = classes.first().map_or("nothing".to_owned(), |class| Foreign::quoted(class).to_string());
        return Err(TableError::Content(format!(
            "{}: the column {} says {said} everywhere: two classes are needed",
            table.name,
            name()
        )));
    }
    if classes.len() > MANY_CLASSES && classes.len() > rows / 2 {
        return Err(TableError::Content(format!(
            "{}: the column {} has {} different values in {rows} rows, too many for classes{}",
            table.name,
            name(),
            classes.len(),
            if all_numbers(table, place) { ": to learn numbers, say --loss mse" } else { "" }
        )));
    }
    let mut notes = Vec::new();
    let mut same: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for class in &classes {
        let letters: String = class.chars().filter(|c| c.is_alphanumeric()).collect();
        same.entry(letters.to_lowercase()).or_default().push(class);
    }
    for (letters, alike) in same {
        if alike.len() > 1 && !letters.is_empty() && !letters.chars().all(|c| c.is_ascii_digit()) {
            let alike = Foreign::list(alike.into_iter());
            notes.push(format!("the column {} has different classes that look alike: {alike}", name()));
        }
    }
    Ok((Target::Classes { column: column.to_owned(), classes }, notes))
}

/// Each class once; by number, if all are numbers.
fn distinct<'a>(table: &Table, texts: &'a Texts) -> Vec<&'a str> {
    let mut first: HashMap<String, &str> = HashMap::new();
    for text in texts.iter().filter(|text| !table.missing.is(text)) {
        first.entry(category(table, text)).or_insert(text);
    }
    let mut classes: Vec<&str> = first.into_values().collect();
    classes.sort_unstable();
    let number = |class: &&str| number(class, table.decimal_comma);
    if classes.iter().all(|class| number(class).is_some()) {
        classes.sort_by(|one, other| number(one).unwrap_or(0.0).total_cmp(&number(other).unwrap_or(0.0)));
    }
    classes
}
