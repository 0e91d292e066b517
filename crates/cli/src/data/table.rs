//! CSV files: a header with the names of the columns, and numbers, but for the label.

use std::io::Read;

use csv::{Position, ReaderBuilder, StringRecord, Trim};

use super::open::unreadable;
use super::{Columns, Examples, Want};
use crate::failure::Failure;

/// Names that an error lists at most.
const LISTED: usize = 12;

/// Reads the columns that are wanted.
pub fn read(source: impl Read, name: &str, want: Want<'_>) -> Result<Examples, Failure> {
    // Rows of another length are reported here, with what was expected.
    let mut reader = ReaderBuilder::new().flexible(true).trim(Trim::All).from_reader(source);
    let header = reader.headers().map_err(|error| failed(name, error))?.clone();
    let (columns, features, label) = choose(&header, name, want)?;
    let (mut inputs, mut labels) = (Vec::new(), Vec::new());
    for (row, record) in reader.records().enumerate() {
        let record = record.map_err(|error| failed(name, error))?;
        if record.len() != header.len() {
            let (found, expected) = (record.len(), header.len());
            return Err(Failure::Usage(format!(
                "{name}, row {}: {found} cells, and the header has {expected}",
                row + FIRST_ROW
            )));
        }
        for &feature in &features {
            let number = number(&record[feature])
                .map_err(|error| Failure::Usage(format!("{}: {error}", place(name, row, &header[feature]))))?;
            inputs.push(number);
        }
        if let Some(label) = label {
            if record[label].is_empty() {
                return Err(Failure::Usage(format!(
                    "{} is empty: a label is needed",
                    place(name, row, &header[label])
                )));
            }
            labels.push(record[label].to_owned());
        }
    }
    if inputs.is_empty() {
        return Err(Failure::Usage(format!("{name} has no rows below its header")));
    }
    Ok(Examples { columns, inputs, labels, files: [name, name].map(str::to_owned) })
}

/// Rows are counted as a spreadsheet does: the header is row 1.
const FIRST_ROW: usize = 2;

/// Where errors say that a cell stands.
pub fn place(file: &str, row: usize, column: &str) -> String {
    format!("{file}, row {}, column {column:?}", row + FIRST_ROW)
}

/// The columns that are wanted, and where they stand: features and label.
fn choose(header: &StringRecord, name: &str, want: Want<'_>) -> Result<(Columns, Vec<usize>, Option<usize>), Failure> {
    let find = |column: &str| {
        let mut places = header.iter().enumerate().filter(|(_, name)| *name == column).map(|(i, _)| i);
        let first = places.next().ok_or_else(|| {
            Failure::Usage(format!("{name} has no column {column:?}; its columns are {}", list(header)))
        })?;
        match places.next() {
            None => Ok(first),
            Some(second) => {
                let [first, second] = [first + 1, second + 1];
                Err(Failure::Usage(format!("{name}: columns {first} and {second} are both called {column:?}")))
            }
        }
    };
    match want {
        Want::Learn(None) => Err(Failure::Usage(format!(
            "{name} is a CSV file: name the column to learn by --label; its columns are {}",
            list(header)
        ))),
        Want::Learn(Some(label)) => {
            let at = find(label)?;
            let others: Vec<usize> = (0..header.len()).filter(|i| *i != at).collect();
            if others.is_empty() {
                return Err(Failure::Usage(format!(
                    "{name} has no column besides {label:?}: nothing to learn it from"
                )));
            }
            let features: Vec<String> = others.iter().map(|i| header[*i].to_owned()).collect();
            features.iter().try_for_each(|feature| find(feature).map(drop))?;
            Ok((Columns::Table { features, label: label.to_owned() }, others, Some(at)))
        }
        Want::Judge(columns) | Want::Predict(columns) => {
            let Columns::Table { features, label } = columns else { unreachable!("images are no table") };
            let places = features.iter().map(|feature| find(feature)).collect::<Result<_, _>>()?;
            let label = if matches!(want, Want::Judge(_)) { Some(find(label)?) } else { None };
            Ok((columns.clone(), places, label))
        }
    }
}

/// "a", "b", "c".
fn list(header: &StringRecord) -> String {
    let mut names: Vec<String> = header.iter().take(LISTED).map(|name| format!("{name:?}")).collect();
    if header.len() > LISTED {
        names.push(format!("and {} more", header.len() - LISTED));
    }
    names.join(", ")
}

/// A finite number.
pub fn number(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ if text.is_empty() => Err("the cell is empty, and a number is needed".to_owned()),
        Ok(_) => Err(format!("{text:?} is not a finite number of 32 bits")),
        Err(_) => Err(format!("{text:?} is not a number")),
    }
}

/// What the reader itself refuses: bytes that are no text, and what the operating system says.
fn failed(name: &str, error: csv::Error) -> Failure {
    let row = |position: Option<&Position>| position.map_or(1, |position| position.record() + 1);
    match error.kind() {
        csv::ErrorKind::Io(error) => unreadable(name, error),
        csv::ErrorKind::Utf8 { pos, err } => {
            let (row, column) = (row(pos.as_ref()), err.field() + 1);
            Failure::Usage(format!("{name}, row {row}, column {column}: the cell is not UTF-8 text"))
        }
        _ => Failure::Usage(format!("{name}: {error}")),
    }
}
