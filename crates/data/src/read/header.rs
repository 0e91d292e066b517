//! Whether the first line of a text names its columns.
//!
//! The rules, in this order. They look at the first line and at the lines below it.
//!
//! 1. Text above a column of numbers is a name. If no column of numbers has a number above it: names. If some have, these must go up by equal
//!    steps (0, 1, 2, …, or wavelengths), or it may be either.
//! 2. A number that has a sign, a fraction or an exponent names nothing, nor do two equal ones, unless they go up by equal steps: values.
//!    If the first cell alone is empty, as above a data frame's index, it may be either; with equal steps behind it: names.
//! 3. Numbers above all columns of numbers: values, if a text of the first line stands below it, too; if there are only numbers, values
//!    unless they go up by equal steps or are years, and the lines below are not. Else it may be either.
//! 4. No column of numbers: values, if at least half of the columns have the text of the first line below it, too. Names, if there is none
//!    of these and no number. Else it may be either.
//!
//! What may be either is refused: nobody loses a row, or learns from names, without being told.

use crate::missing::Missing;
use crate::number::number;

/// Whether they are names; none if they may be either.
pub fn are_names(first: &[String], below: &[Vec<String>], missing: &Missing, decimal_comma: bool) -> Option<bool> {
    let is_number = |cell: &str| number(cell, decimal_comma).is_some() && !missing.is(cell);
    let numbers: Vec<&str> = first.iter().map(String::as_str).filter(|cell| is_number(cell)).collect();
    let natural = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let stepped = numbers.len() >= STEPPED && go_by_steps(&numbers, decimal_comma);
    let nameless = !stepped && (numbers.iter().any(|number| !natural(number)) || has_equal(&numbers));
    // Numbers and texts above columns of numbers; texts above others, and those of them that stand below, too.
    let (mut numeric, mut texts, mut others, mut again) = (0usize, 0usize, 0usize, 0usize);
    for (column, cell) in first.iter().enumerate() {
        let cells = || below.iter().filter_map(|record| record.get(column)).filter(|cell| !missing.is(cell));
        let of_numbers = cells().next().is_some() && cells().all(|cell| is_number(cell));
        let to = match (of_numbers, is_number(cell), missing.is(cell)) {
            (true, true, _) => &mut numeric,
            (true, false, false) => &mut texts,
            (false, false, false) => {
                again = again.saturating_add(usize::from(cells().any(|other| other == cell)));
                &mut others
            }
            _ => continue,
        };
        *to = to.saturating_add(1);
    }
    // A data frame's index has no name, and a value in each line.
    let filled = |record: &Vec<String>| record.first().is_some_and(|cell| !missing.is(cell));
    let index = first.first().is_some_and(String::is_empty) && !below.is_empty() && below.iter().all(filled);
    if texts == 0 && nameless {
        return if index { None } else { Some(false) };
    }
    if below.is_empty() {
        return if numbers.is_empty() { Some(true) } else { (numbers.len() == first.len()).then_some(false) };
    }
    match (texts, numeric) {
        (0, 0) if !numbers.is_empty() => None,
        (0, 0) if again == 0 => (others > 0).then_some(true),
        (0, 0) => (again >= others.div_ceil(2)).then_some(false),
        (1.., 0) => Some(true),
        (1.., 1..) => stepped.then_some(true),
        (0, 1..) if again > 0 => Some(false),
        (0, 1..) if index => stepped.then_some(true),
        (0, 1..) if others > 0 => None,
        (0, 1..) => {
            let row = |record: &Vec<String>| {
                go_by_steps(&record.iter().map(String::as_str).collect::<Vec<_>>(), decimal_comma)
            };
            let year = |cell: &str| cell.parse::<u64>().is_ok_and(|year| YEARS.contains(&year));
            let stepped = stepped && !below.iter().all(row);
            let dated = numbers.len() > 1
                && numbers.iter().all(|cell| year(cell))
                && !below.iter().any(|record| record.iter().all(|cell| year(cell)));
            (!stepped && !dated).then_some(false)
        }
    }
}

/// Numbers that are said to go up by steps, at least: two of them, 0 and 1, are the row of many a table.
const STEPPED: usize = 3;
/// Numbers that may be years.
const YEARS: std::ops::RangeInclusive<u64> = 1800..=2100;

/// Whether numbers go up by equal steps: 0, 1, 2, … or 950.0, 950.5, 951.0, ….
fn go_by_steps(numbers: &[&str], decimal_comma: bool) -> bool {
    /// Of a step. Steps are written with some digits only.
    const DIFFERENCE: f64 = 1e-3;
    let values: Option<Vec<f64>> = numbers.iter().map(|text| number(text, decimal_comma)).collect();
    let Some([first, second, ..]) = values.as_deref() else { return false };
    let step = second - first;
    let steps = || values.iter().flatten().zip(values.iter().flatten().skip(1)).map(|(a, b)| b - a);
    step > 0.0 && steps().all(|other| (other - step).abs() <= DIFFERENCE * step)
}

fn has_equal(texts: &[&str]) -> bool {
    let mut sorted = texts.to_vec();
    sorted.sort_unstable();
    sorted.windows(2).any(|pair| pair[0] == pair[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detect(text: &str) -> Option<bool> {
        let mut records = text.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
        let first = records.next().unwrap();
        are_names(&first, &records.collect::<Vec<_>>(), &Missing::default(), false)
    }

    #[test]
    fn names_are_told_from_values() {
        for (text, expected) in [
            // Text above numbers.
            ("a,b\n1,2", Some(true)),
            ("a,b\n1,x\nNA,y", Some(true)),
            (",a\n0,x\n1,y", Some(true)),
            (",a\n0,5\n1,6", Some(true)),
            // Counted, below a text.
            ("label,0,1,2\n7,8,9,5\n3,4,2,4", Some(true)),
            ("id,2019,2020\n1,5,6", None),
            // Only numbers.
            ("1,2\n3,4", Some(false)),
            ("1,2,3\n4,5,6", Some(false)),
            ("5.1,3.5\n4.9,3.0", Some(false)),
            ("0,0,1\n1,0,1", Some(false)),
            ("0,1,2\n7,1,9", None),
            ("0,1,2\n0.5,0.1,0.25", None),
            ("1990,1991\n5,6", None),
            ("1990,1991\n1992,1980", Some(false)),
            ("-1,2,3\n7,1,9", Some(false)),
            ("950.0,950.5,951.0\n0.1,0.5,0.3", None),
            ("kind,950.0,950.5,951.0\n3,0.1,0.5,0.3", Some(true)),
            ("kind,1.5,2.25\n3,0.1,0.5", None),
            ("1.5,-\n3,0.1", None),
            // A data frame's index.
            (",0,1,2\n0,7,5,9\n1,3,4,4", Some(true)),
            (",1940,1945,1950\nx,7,5,9\ny,3,4,4", Some(true)),
            (",16.5,16.75,17.25\n71,0,0,1\n70,0,1,1", None),
            (",16.5,16.75,17.25\n,0,0,1\n70,0,1,1", Some(false)),
            // Numbers, and text above text.
            ("5,Iris-setosa\n4,Iris-setosa\n6,x", Some(false)),
            ("5.1,Iris-setosa\n4.9,Iris-other", Some(false)),
            ("country,1960,1961\nx,4,5\ny,6,7", None),
            ("John,23\nMary,30", None),
            // Only text.
            ("a,b\nx,y\nz,w", Some(true)),
            ("p,x\ne,x\np,y", Some(false)),
            ("p,x,u,v\ne,x,w,w", None),
            ("a,2019\nx,y", None),
            // Nothing to compare with.
            ("a,b", Some(true)),
            ("1,2", Some(false)),
            ("a,2", None),
            // Nothing above numbers, and nothing else.
            (",\n1,2", None),
            // One column.
            ("x\n1", Some(true)),
            ("1\n2", Some(false)),
        ] {
            assert_eq!(detect(text), expected, "{text:?}");
        }
    }
}
