//! What a table holds, column by column, and what becomes of it.

use std::collections::HashMap;

use nxm_data::{Description, EncodedColumn, Encoder, Encoding, Filled, Foreign, Kind, Standard, Table};

use crate::format::{count, plain, plural, significant};
use crate::table::{Look, table};

/// Columns that are shown at most.
const SHOWN: usize = 40;

/// A row for each column but the targets: its name, what it holds, its values, how many are missing, the inputs that it becomes.
pub fn rows(columns: &[Description], encoder: &Encoder) -> Vec<Vec<String>> {
    let encoded: HashMap<&str, &EncodedColumn> =
        encoder.columns().iter().map(|column| (column.name.as_str(), column)).collect();
    let row = |column: &Description| {
        let encoded = encoded.get(column.name.as_str()).copied();
        let missing = if column.missing == 0 { String::new() } else { count(column.missing as u64) };
        vec![
            Foreign::bare(&column.name).to_string(),
            column.kind.to_string(),
            values(column),
            missing,
            becomes(encoded),
        ]
    };
    columns.iter().map(row).collect()
}

/// A line about the file, and its columns.
pub fn describe(name: &str, dialect: &str, whole: &Table, columns: &[Vec<String>]) -> String {
    let rows = columns.iter().take(SHOWN);
    let shown = table(Look::Text, ["column", "holds", "values", "missing", "inputs"], 5, rows);
    let more = match columns.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!("and {} more columns\n", count(more as u64)),
    };
    format!("{name}: {dialect}, {}.\n\n{}\n{more}\n", plural(whole.rows() as u64, "row"), shown.trim_end())
}

/// The range of numbers, or how many different values there are.
fn values(column: &Description) -> String {
    match (&column.kind, column.range, column.distinct) {
        (Kind::Numbers, Some([low, high]), _) => format!("{} to {}", bound(low), bound(high)),
        (Kind::Arrays, ..) => column.examples.first().cloned().unwrap_or_default(),
        (_, _, Some(distinct)) => {
            let examples = column.examples.iter().map(|example| Foreign::bare(example).to_string());
            let (shown, dots) = (examples.collect::<Vec<_>>().join(", "), distinct > column.examples.len());
            format!("{} different: {shown}{}", count(distinct as u64), if dots { ", …" } else { "" })
        }
        _ => String::new(),
    }
}

/// An end of a range: a whole number as it is, any other with three digits.
fn bound(x: f64) -> String {
    if x.fract() == 0.0 {
        return plain(x);
    }
    format!("{}{}", if x < 0.0 { "-" } else { "" }, significant(x.abs()))
}

/// How many inputs a column becomes, and how.
fn becomes(column: Option<&EncodedColumn>) -> String {
    let Some(column) = column else { return String::new() };
    let inputs = count(column.encoding.width() as u64);
    let how = match &column.encoding {
        Encoding::Number(filled) | Encoding::Date { days: filled, .. } if filled.says_missing => {
            "standardised, missing ones are the median"
        }
        // As of pixels.
        Encoding::Number(Filled { standard: Standard { mean: 0.0, deviation }, .. }) => {
            return format!("{inputs}: divided by {}", plain(*deviation));
        }
        Encoding::Number(_) | Encoding::Date { .. } => "standardised",
        Encoding::Boolean { .. } => "0 or 1",
        Encoding::Category { rare: true, .. } => "one for each value, one for rare ones",
        Encoding::Category { .. } => "one for each value",
        Encoding::Array { divided_by: Some(_), .. } => "divided by 255",
        Encoding::Array { .. } => "each standardised",
    };
    format!("{inputs}: {how}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_have_whole_numbers_and_three_digits() {
        assert_eq!([0.0, 16.0, -3.0, 2.9351, -2.9351, 0.0081].map(bound), ["0", "16", "-3", "2.94", "-2.94", "0.0081"]);
    }

    #[test]
    fn what_is_divided_is_not_called_standardised() {
        let encoding = |mean| {
            let standard = Standard { mean, deviation: 16.0 };
            Encoding::Number(Filled { standard, median: 0.0, says_missing: false })
        };
        let told = |mean| becomes(Some(&EncodedColumn { name: "pixel".to_owned(), encoding: encoding(mean) }));
        assert_eq!([told(0.0), told(1.0)], ["1: divided by 16", "1: standardised"]);
    }
}
