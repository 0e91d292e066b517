//! How cells become the numbers that a network gets.
//!
//! | column | features | training rows decide |
//! |---|---|---|
//! | numbers, dates (in days) | (x − mean) / deviation; where missing, the median | mean, deviation, median |
//! | yes or no | 1 for yes, 0 for no; where missing, the more frequent one | which is more frequent |
//! | categories | one feature for each value, 1 where the row has it; a missing value is a value of its own | which values have a feature |
//! | arrays | each element by itself: bytes / 255, others (x − mean) / deviation | mean, deviation |
//!
//! A column of numbers, dates or of yes and no that is missing in a training row has one more feature: 1 where it is missing.
//! Values of a category that stand in fewer than [`RARE`] training rows share one feature. A value that no training row has gets that feature too or, if
//! there is none, zeros. A column that is missing in all training rows is left out.

mod absent;
mod as_numbers;
mod errors;

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use crate::cells::{Cells, Numbers, size};
use crate::describe::{Description, Kind, booleans};
use crate::error::TableError;
use crate::memory::reserve;
use crate::number::number;
use crate::standard::{Standard, median};
use crate::table::Table;
use as_numbers::{AsNumbers, as_dates};
pub(crate) use as_numbers::{as_numbers, category};
use errors::{bad_cell, not_two, other_shape, too_large};

/// Training rows that a value of a category needs for a feature of its own.
pub const RARE: usize = 2;
/// Values of a category that have a feature of their own, at most: the most frequent ones.
pub const MOST_VALUES: usize = 100;
/// The largest byte.
const WHITE: f64 = 255.0;

/// How the columns of a table become the inputs of a network. It is made from training rows, and travels with the network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Encoder {
    columns: Vec<EncodedColumn>,
}

/// How one column becomes features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EncodedColumn {
    /// The name of the column.
    pub name: String,
    /// What becomes of its cells.
    pub encoding: Encoding,
}

/// What becomes of a cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// Of numbers.
    Number(Filled),
    /// Of dates, in days since 1970.
    Date {
        /// How they are written: the index of the format among those that are known.
        format: u8,
        /// As of numbers.
        days: Filled,
    },
    /// Of values that say no and yes.
    Boolean {
        /// What says no, and what says yes.
        values: [String; 2],
        /// As of numbers.
        one: Filled,
    },
    /// Of categories.
    Category {
        /// Those that have a feature; a missing value is called "".
        values: Vec<String>,
        /// Whether another feature says that it is none of these: some training rows have rare values.
        rare: bool,
    },
    /// Of arrays.
    Array {
        /// Their dimensions.
        shape: Vec<usize>,
        /// What elements are divided by; none if they are standardised.
        divided_by: Option<f64>,
        /// Of each element, unless they are divided.
        standards: Vec<Standard>,
    },
}

/// A number that may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Filled {
    /// How it is scaled.
    pub standard: Standard,
    /// What stands for a missing one.
    pub median: f64,
    /// Whether another feature says that it is missing.
    pub says_missing: bool,
}

/// A cell that has no place in the encoding: the index of the column in the table.
type BadCell = usize;

impl Encoder {
    /// Of the columns that are used, from these rows.
    pub fn fit(table: &Table, columns: &[Description], rows: &[usize]) -> Result<Encoder, TableError> {
        let used: Vec<&Description> = columns.iter().filter(|column| column.is_used()).collect();
        let places = table.columns_called(used.iter().map(|column| column.name.as_str()))?;
        let fit = |(column, at): (&Description, usize)| {
            Ok(EncodedColumn { name: column.name.clone(), encoding: Encoding::fit(table, at, &column.kind, rows)? })
        };
        let columns = used.into_iter().zip(places).map(fit).collect::<Result<Vec<_>, TableError>>()?;
        // A column that no training row has would reach the network as it has never been seen.
        Ok(Encoder { columns: columns.into_iter().filter(|column| !column.encoding.is_never_there()).collect() })
    }

    /// The same, with numbers that are divided by `largest`, as pixels are, and not by their deviations.
    #[must_use]
    pub fn dividing(mut self, largest: f64) -> Encoder {
        for column in &mut self.columns {
            if let Encoding::Number(filled) = &mut column.encoding {
                filled.standard = Standard { mean: 0.0, deviation: largest };
            }
        }
        self
    }

    /// How each column becomes features.
    pub fn columns(&self) -> &[EncodedColumn] {
        &self.columns
    }

    /// Inputs of the network.
    pub fn width(&self) -> usize {
        self.columns.iter().fold(0usize, |sum, column| sum.saturating_add(column.encoding.width()))
    }

    /// What an input of the network says: `age`, `age is missing`, `sex = female`.
    pub fn features(&self) -> Vec<String> {
        self.columns.iter().flat_map(|column| column.encoding.features(&column.name)).collect()
    }

    /// Whether numbers can be scaled by it: a checkpoint may say anything.
    pub fn is_sane(&self) -> bool {
        self.columns.iter().all(|column| match &column.encoding {
            Encoding::Number(filled) | Encoding::Date { days: filled, .. } | Encoding::Boolean { one: filled, .. } => {
                filled.standard.is_sane() && filled.median.is_finite()
            }
            Encoding::Category { .. } => true,
            Encoding::Array { shape, divided_by, standards } => match divided_by {
                Some(by) => by.is_finite() && *by > 0.0,
                None => standards.len() == size(shape) && standards.iter().all(Standard::is_sane),
            },
        })
    }

    /// The inputs of these rows, row by row. A cell that is not of the column's kind, or out of all bounds, is an error.
    pub fn encode(&self, table: &Table, rows: &[usize]) -> Result<Vec<f32>, TableError> {
        let (inputs, bad) = self.encode_columns(table, rows)?;
        match bad.into_iter().next() {
            Some((i, column)) => Err(bad_cell(table, rows[i], column, self.encoding(table, column))),
            None => Ok(inputs),
        }
    }

    /// The inputs of these rows, and what is wrong with some of them, by their index in `rows`. Inputs of such a row mean nothing.
    pub fn encode_what_fits(
        &self,
        table: &Table,
        rows: &[usize],
    ) -> Result<(Vec<f32>, BTreeMap<usize, TableError>), TableError> {
        let (inputs, bad) = self.encode_columns(table, rows)?;
        let error = |(i, column)| (i, bad_cell(table, rows[i], column, self.encoding(table, column)));
        Ok((inputs, bad.into_iter().map(error).collect()))
    }

    /// The same, with the column of the first bad cell of a row.
    fn encode_columns(
        &self,
        table: &Table,
        rows: &[usize],
    ) -> Result<(Vec<f32>, BTreeMap<usize, BadCell>), TableError> {
        let width = self.width();
        let mut inputs = Vec::new();
        reserve(&mut inputs, rows.len().saturating_mul(width))?;
        inputs.resize(rows.len().saturating_mul(width), 0.0f32);
        let mut bad: BTreeMap<usize, BadCell> = BTreeMap::new();
        let mut start = 0usize;
        for (column, at) in self.columns.iter().zip(absent::places(table, &self.columns)?) {
            let end = start.saturating_add(column.encoding.width());
            let Some(at) = at else {
                let zero = absent::zero(table, column)?;
                inputs.chunks_exact_mut(width).for_each(|inputs| inputs[start..end].copy_from_slice(&zero));
                start = end;
                continue;
            };
            let write = column.encoding.writer(table, at)?;
            for (i, row) in rows.iter().enumerate() {
                let inputs = &mut inputs[i.saturating_mul(width)..][start..end];
                if !write(*row, inputs) || inputs.iter().any(|x| !x.is_finite()) {
                    bad.entry(i).or_insert(at);
                }
            }
            start = end;
        }
        Ok((inputs, bad))
    }

    fn encoding(&self, table: &Table, column: usize) -> Option<&Encoding> {
        let name = &table.columns[column].name;
        self.columns.iter().find(|column| column.name == *name).map(|column| &column.encoding)
    }
}

/// Writes the features of a row; false if it can't.
type Writer<'a> = Box<dyn Fn(usize, &mut [f32]) -> bool + 'a>;

impl Encoding {
    fn fit(table: &Table, column: usize, kind: &Kind, rows: &[usize]) -> Result<Encoding, TableError> {
        let cells = &table.columns[column].cells;
        Ok(match kind {
            Kind::Numbers => Encoding::Number(Filled::fit(table, column, &as_numbers(table, column), rows)?),
            Kind::Dates { format } => Encoding::Date {
                format: *format,
                days: Filled::fit(table, column, &as_dates(table, column, *format), rows)?,
            },
            Kind::Booleans => {
                let Cells::Coded { codes, texts } = cells else { unreachable!("two values are few texts") };
                let present = (0..texts.len()).filter(|i| !table.missing.is(texts.at(*i)));
                let [no, yes] = booleans(texts, present).ok_or_else(|| not_two(table, column))?;
                let of_code = |code: u32| match code as usize {
                    code if code == no => 0.0,
                    code if code == yes => 1.0,
                    _ => f64::NAN,
                };
                let numbers: Vec<f64> = rows.iter().map(|row| of_code(codes[*row])).collect();
                let missing = numbers.iter().any(|x| x.is_nan());
                let median = if median(numbers).unwrap_or(0.0) > 0.5 { 1.0 } else { 0.0 };
                let values = [no, yes].map(|i| texts.at(i).to_owned());
                Encoding::Boolean { values, one: Filled { standard: Standard::NONE, median, says_missing: missing } }
            }
            Kind::Categories => {
                let Cells::Coded { codes, texts } = cells else { unreachable!("categories are few texts") };
                let mut counts: BTreeMap<String, usize> = BTreeMap::new();
                let names: Vec<String> = texts.iter().map(|text| category(table, text)).collect();
                for row in rows {
                    let count = counts.entry(names[codes[*row] as usize].clone()).or_default();
                    *count = count.saturating_add(1);
                }
                let different = counts.len();
                let mut by_count: Vec<(String, usize)> =
                    counts.into_iter().filter(|(_, count)| *count >= RARE).collect();
                by_count.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
                by_count.truncate(MOST_VALUES);
                let mut values: Vec<String> = by_count.into_iter().map(|(value, _)| value).collect();
                values.sort();
                let rare = different > values.len();
                Encoding::Category { values, rare }
            }
            Kind::Arrays => {
                let Cells::Array { shape, numbers } = cells else { unreachable!("arrays are arrays") };
                let size = size(shape);
                if matches!(numbers, Numbers::Bytes(_)) {
                    return Ok(Encoding::Array {
                        shape: shape.clone(),
                        divided_by: Some(WHITE),
                        standards: Vec::new(),
                    });
                }
                let standard = |element: usize| {
                    let of_row = |row: &usize| numbers.at(row.saturating_mul(size).saturating_add(element));
                    Standard::of(|| rows.iter().map(of_row)).ok_or_else(|| too_large(table, column))
                };
                let standards = (0..size).map(standard).collect::<Result<_, _>>()?;
                Encoding::Array { shape: shape.clone(), divided_by: None, standards }
            }
            Kind::LeftOut(_) => unreachable!("it is not used"),
        })
    }

    /// Whether it is missing in all training rows.
    fn is_never_there(&self) -> bool {
        match self {
            Encoding::Number(filled) | Encoding::Date { days: filled, .. } => filled.median.is_nan(),
            _ => false,
        }
    }

    /// How many features there are.
    pub fn width(&self) -> usize {
        match self {
            Encoding::Number(filled) | Encoding::Date { days: filled, .. } | Encoding::Boolean { one: filled, .. } => {
                1usize.saturating_add(usize::from(filled.says_missing))
            }
            Encoding::Category { values, rare } => values.len().saturating_add(usize::from(*rare)),
            Encoding::Array { shape, .. } => size(shape),
        }
    }

    fn features(&self, name: &str) -> Vec<String> {
        match self {
            Encoding::Number(filled) | Encoding::Date { days: filled, .. } | Encoding::Boolean { one: filled, .. } => {
                let missing = filled.says_missing.then(|| format!("{name} is missing"));
                std::iter::once(name.to_owned()).chain(missing).collect()
            }
            Encoding::Category { values, rare } => {
                let of = |value: &String| match value.as_str() {
                    "" => format!("{name} is missing"),
                    value => format!("{name} = {value}"),
                };
                values.iter().map(of).chain(rare.then(|| format!("{name} is something else"))).collect()
            }
            Encoding::Array { shape, .. } => (0..size(shape)).map(|i| format!("{name}[{i}]")).collect(),
        }
    }

    /// What writes the features of a row. What a text becomes is computed once for each text.
    fn writer<'a>(&'a self, table: &'a Table, column: usize) -> Result<Writer<'a>, TableError> {
        let cells = &table.columns[column].cells;
        let write = match (self, cells) {
            // Its texts are not kept: the first that is no number says what is wrong.
            (Encoding::Number(_) | Encoding::Date { .. } | Encoding::Boolean { .. }, Cells::Many { first, .. }) => {
                return Err(bad_cell(table, first.0, column, Some(self)));
            }
            (Encoding::Number(filled), _) => filled.writer(as_numbers(table, column)),
            (Encoding::Date { format, days }, _) => days.writer(as_dates(table, column, *format)),
            (Encoding::Boolean { values, one }, Cells::Coded { codes, texts }) => {
                let of = |text: &str| match text {
                    _ if table.missing.is(text) => Some(f64::NAN),
                    _ if is_value(table, text, &values[0]) => Some(0.0),
                    _ if is_value(table, text, &values[1]) => Some(1.0),
                    _ => None,
                };
                one.writer(AsNumbers::Coded { codes, values: texts.iter().map(of).collect() })
            }
            (Encoding::Category { values, rare }, Cells::Coded { codes, texts }) => {
                let places: HashMap<&str, usize> =
                    values.iter().enumerate().map(|(i, value)| (value.as_str(), i)).collect();
                let rest = rare.then_some(values.len());
                let of = |text: &str| places.get(category(table, text).as_str()).copied().or(rest);
                let of_code: Vec<Option<usize>> = texts.iter().map(of).collect();
                Box::new(move |row: usize, to: &mut [f32]| {
                    if let Some(feature) = of_code[codes[row] as usize] {
                        to[feature] = 1.0;
                    }
                    true
                })
            }
            (Encoding::Category { values, rare }, Cells::Numbers(numbers)) => {
                let places: HashMap<&str, usize> =
                    values.iter().enumerate().map(|(i, value)| (value.as_str(), i)).collect();
                let rest = rare.then_some(values.len());
                Box::new(move |row: usize, to: &mut [f32]| {
                    let x = numbers[row];
                    let name = if x.is_nan() { String::new() } else { (x + 0.0).to_string() };
                    if let Some(feature) = places.get(name.as_str()).copied().or(rest) {
                        to[feature] = 1.0;
                    }
                    true
                })
            }
            (Encoding::Boolean { values, one }, Cells::Numbers(numbers)) => {
                let [no, yes] = values.each_ref().map(|value| number(value, table.decimal_comma));
                let one = *one;
                Box::new(move |row: usize, to: &mut [f32]| {
                    let x = numbers[row];
                    match Some(x) {
                        _ if x.is_nan() => one.write(f64::NAN, to),
                        x if x == no => one.write(0.0, to),
                        x if x == yes => one.write(1.0, to),
                        _ => return false,
                    }
                    true
                })
            }
            // Of so many different values no one is known.
            (Encoding::Category { values, rare }, _) => {
                let rest = rare.then_some(values.len());
                Box::new(move |_: usize, to: &mut [f32]| {
                    if let Some(feature) = rest {
                        to[feature] = 1.0;
                    }
                    true
                })
            }
            (Encoding::Boolean { .. }, _) => return Err(not_two(table, column)),
            (Encoding::Array { shape, divided_by, standards }, Cells::Array { shape: found, numbers })
                if shape == found =>
            {
                let size = size(shape);
                Box::new(move |row: usize, to: &mut [f32]| {
                    let start = row.saturating_mul(size);
                    for (i, to) in to.iter_mut().enumerate() {
                        let x = numbers.at(start.saturating_add(i));
                        *to = match divided_by {
                            Some(by) => (x / by) as f32,
                            None => standards[i].scaled(x),
                        };
                    }
                    true
                })
            }
            (Encoding::Array { shape, .. }, found) => return Err(other_shape(table, column, shape, found)),
        };
        Ok(write)
    }
}

impl Filled {
    fn fit(table: &Table, column: usize, numbers: &AsNumbers<'_>, rows: &[usize]) -> Result<Filled, TableError> {
        if let Some(row) = rows.iter().find(|row| numbers.at(**row).is_none()) {
            return Err(bad_cell(table, *row, column, None));
        }
        let all: Vec<f64> = rows.iter().map(|row| numbers.at(*row).unwrap_or(f64::NAN)).collect();
        let says_missing = all.iter().any(|x| x.is_nan());
        let Some(middle) = median(all.clone()) else {
            return Ok(Filled { standard: Standard::NONE, median: f64::NAN, says_missing: false });
        };
        // Of the column as the network sees it: with the median where it is missing.
        let filled = || all.iter().map(|x| if x.is_nan() { middle } else { *x });
        let standard = Standard::of(filled).ok_or_else(|| too_large(table, column))?;
        Ok(Filled { standard, median: middle, says_missing })
    }

    fn writer<'a>(self, numbers: AsNumbers<'a>) -> Writer<'a> {
        Box::new(move |row: usize, to: &mut [f32]| {
            let Some(x) = numbers.at(row) else { return false };
            self.write(x, to);
            true
        })
    }

    /// The features of a number, which is NaN where it is missing.
    fn write(self, x: f64, to: &mut [f32]) {
        to[0] = self.standard.scaled(if x.is_nan() { self.median } else { x });
        if let Some(missing) = to.get_mut(1) {
            *missing = if x.is_nan() { 1.0 } else { 0.0 };
        }
    }
}

/// Whether a text is this value, which may be written otherwise: 1.0 for 1, TRUE for true.
fn is_value(table: &Table, text: &str, value: &str) -> bool {
    text.eq_ignore_ascii_case(value) || category(table, text) == category(table, value)
}

#[cfg(test)]
mod tests;
