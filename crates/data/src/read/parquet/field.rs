//! What the values of a column of Parquet mean, and what they become.

use std::sync::Arc;

use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type};
use parquet::schema::types::ColumnDescPtr;

use super::Trouble;
use crate::cells::{Cells, CellsBuilder};
use crate::error::TableError;
use crate::missing::Missing;
use crate::read::numbers::{NumberCells, Value};

/// What values mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// True or false.
    Bool,
    /// A whole number.
    Signed,
    /// A whole number that is not negative.
    Unsigned,
    /// Any number.
    Float,
    /// A text.
    Text,
    /// Days since 1970.
    Date,
    /// Time since 1970, so many units a second.
    Instant(i64),
    /// Time since midnight, so many units a second.
    Time(i64),
    /// A whole number with so many digits behind the point.
    Decimal(usize),
}

const MILLIS: i64 = 1000;
const MICROS: i64 = 1_000_000;
const NANOS: i64 = 1_000_000_000;
const DAY: i64 = 24 * 60 * 60;
/// Digits that 128 bits have.
const DIGITS: i32 = 38;

impl Meaning {
    /// What the values of a column mean.
    pub fn of(column: &ColumnDescPtr, place: &str) -> Result<Meaning, TableError> {
        let unit = |unit: &TimeUnit| match unit {
            TimeUnit::MILLIS => MILLIS,
            TimeUnit::MICROS => MICROS,
            _ => NANOS,
        };
        let scale = |scale: i32| (0..=DIGITS).contains(&scale).then_some(Meaning::Decimal(scale as usize));
        let (physical, converted) = (column.physical_type(), column.converted_type());
        let integer = matches!(physical, Type::INT32 | Type::INT64);
        let meaning = match (physical, column.logical_type_ref()) {
            (Type::BOOLEAN, _) => Some(Meaning::Bool),
            (Type::FLOAT | Type::DOUBLE, _) => Some(Meaning::Float),
            (Type::INT96, _) => Some(Meaning::Instant(NANOS)),
            (Type::INT32, Some(LogicalType::Date)) => Some(Meaning::Date),
            (Type::INT64, Some(LogicalType::Timestamp(timestamp))) => Some(Meaning::Instant(unit(&timestamp.unit))),
            (_, Some(LogicalType::Time(time))) if integer => Some(Meaning::Time(unit(&time.unit))),
            (_, Some(LogicalType::Integer(int))) if integer => {
                Some(if int.is_signed { Meaning::Signed } else { Meaning::Unsigned })
            }
            (_, Some(LogicalType::Decimal(decimal))) => scale(decimal.scale),
            (Type::BYTE_ARRAY, Some(LogicalType::String | LogicalType::Enum | LogicalType::Json)) => {
                Some(Meaning::Text)
            }
            // pyarrow writes so what has no value at all.
            (_, Some(LogicalType::Unknown)) if integer => Some(Meaning::Signed),
            (_, Some(_)) => None,
            // Older files.
            (_, None) => match (physical, converted) {
                (Type::INT32, ConvertedType::DATE) => Some(Meaning::Date),
                (Type::INT64, ConvertedType::TIMESTAMP_MILLIS) => Some(Meaning::Instant(MILLIS)),
                (Type::INT64, ConvertedType::TIMESTAMP_MICROS) => Some(Meaning::Instant(MICROS)),
                (Type::INT32, ConvertedType::TIME_MILLIS) => Some(Meaning::Time(MILLIS)),
                (Type::INT64, ConvertedType::TIME_MICROS) => Some(Meaning::Time(MICROS)),
                (_, ConvertedType::DECIMAL) => scale(column.type_scale()),
                (
                    Type::INT32 | Type::INT64,
                    ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64,
                ) => Some(Meaning::Unsigned),
                (Type::INT32 | Type::INT64, _) => Some(Meaning::Signed),
                (
                    Type::BYTE_ARRAY,
                    ConvertedType::UTF8 | ConvertedType::ENUM | ConvertedType::JSON | ConvertedType::NONE,
                ) => Some(Meaning::Text),
                _ => None,
            },
        };
        meaning.ok_or_else(|| {
            let logical = column.logical_type_ref().map(|logical| format!(", {logical:?}")).unwrap_or_default();
            TableError::Content(format!(
                "{place} holds values of the type {physical}{logical}: numbers, booleans, texts, dates and times are read"
            ))
        })
    }
}

/// Collects the values of a column.
pub struct Builder {
    meaning: Meaning,
    cells: Collected,
}

enum Collected {
    Numbers(NumberCells),
    Texts(CellsBuilder),
}

impl Builder {
    /// An empty column.
    pub fn new(meaning: Meaning, missing: &Arc<Missing>) -> Builder {
        let cells = match meaning {
            Meaning::Bool | Meaning::Signed | Meaning::Unsigned | Meaning::Float => {
                Collected::Numbers(NumberCells::new(missing.clone()))
            }
            _ => Collected::Texts(CellsBuilder::new(missing.clone(), false)),
        };
        Builder { meaning, cells }
    }

    /// The column.
    pub fn build(self) -> Cells {
        match self.cells {
            Collected::Numbers(numbers) => numbers.build(),
            Collected::Texts(texts) => texts.build(),
        }
    }

    fn push(&mut self, value: Option<Value>) -> Result<(), Trouble> {
        match &mut self.cells {
            Collected::Numbers(numbers) => Ok(numbers.push(value.unwrap_or(Value::Missing))?),
            // A file whose physical type is another than its schema says.
            Collected::Texts(_) => Err(Trouble::Text),
        }
    }

    fn text(&mut self, text: Option<&str>) -> Result<(), Trouble> {
        match &mut self.cells {
            Collected::Texts(texts) => Ok(texts.push(text.unwrap_or_default())?),
            Collected::Numbers(_) => Err(Trouble::Text),
        }
    }

    /// A boolean.
    pub fn bool(&mut self, value: Option<bool>) -> Result<(), Trouble> {
        self.push(value.map(Value::Bool))
    }

    /// A number with a fraction.
    pub fn float(&mut self, value: Option<f64>) -> Result<(), Trouble> {
        self.push(value.map(Value::Float))
    }

    /// A whole number of 32 bits.
    pub fn int32(&mut self, value: Option<i32>) -> Result<(), Trouble> {
        match self.meaning {
            Meaning::Unsigned => self.push(value.map(|value| Value::Unsigned(value.cast_unsigned().into()))),
            _ => self.int64(value.map(i64::from)),
        }
    }

    /// A whole number of 64 bits.
    pub fn int64(&mut self, value: Option<i64>) -> Result<(), Trouble> {
        let text = match (self.meaning, value) {
            (Meaning::Signed, _) => return self.push(value.map(Value::Signed)),
            (Meaning::Unsigned, _) => return self.push(value.map(|value| Value::Unsigned(value.cast_unsigned()))),
            (_, None) => return self.text(None),
            (Meaning::Date, Some(days)) => date(days),
            (Meaning::Instant(unit), Some(ticks)) => {
                let day = DAY.saturating_mul(unit);
                format!("{} {}", date(ticks.div_euclid(day)), time(ticks.rem_euclid(day), unit))
            }
            (Meaning::Time(unit), Some(ticks)) => time(ticks, unit),
            (Meaning::Decimal(scale), Some(number)) => decimal(number.into(), scale),
            (Meaning::Bool | Meaning::Float | Meaning::Text, Some(_)) => return Err(Trouble::Text),
        };
        self.text(Some(&text))
    }

    /// What older programs write for a time: nanoseconds of the day, in two parts, and the Julian day.
    pub fn int96(&mut self, value: Option<&[u32]>) -> Result<(), Trouble> {
        /// The Julian day on which 1970 begins.
        const EPOCH: i64 = 2_440_588;
        let Some([low, high, day]) = value else { return self.text(None) };
        let nanos = (u64::from(*low) | u64::from(*high) << 32).cast_signed();
        let text = format!("{} {}", date(i64::from(*day).saturating_sub(EPOCH)), time(nanos, NANOS));
        self.text(Some(&text))
    }

    /// A text, or a decimal number.
    pub fn bytes(&mut self, value: Option<&[u8]>) -> Result<(), Trouble> {
        match (self.meaning, value) {
            (_, None) => self.text(None),
            (Meaning::Decimal(scale), Some(bytes)) => {
                let size = size_of::<i128>();
                let first = bytes.first().copied().unwrap_or(0);
                let mut word = [if first >= 0x80 { 0xff } else { 0 }; size_of::<i128>()];
                let start = size.checked_sub(bytes.len()).ok_or(Trouble::Text)?;
                word[start..].copy_from_slice(bytes);
                self.text(Some(&decimal(i128::from_be_bytes(word), scale)))
            }
            (_, Some(bytes)) => self.text(Some(str::from_utf8(bytes).map_err(|_| Trouble::Text)?)),
        }
    }
}

/// A day, as 2026-11-27, by days since 1970. The Gregorian calendar repeats itself after 400 years.
fn date(days: i64) -> String {
    const ERA: i64 = 146_097;
    // Years begin in March: the day that is not in each stands at the end. 719 468 days are from March of the year 0 to 1970.
    let days = days.saturating_add(719_468);
    let (era, day) = (days.div_euclid(ERA), days.rem_euclid(ERA) as u32);
    let year = day.saturating_sub(day / 1460).saturating_add(day / 36_524).saturating_sub(day / 146_096) / 365;
    let before = year.saturating_mul(365).saturating_add(year / 4).saturating_sub(year / 100);
    let day = day.saturating_sub(before);
    let month = day.saturating_mul(5).saturating_add(2) / 153;
    let day = day.saturating_sub(month.saturating_mul(153).saturating_add(2) / 5).saturating_add(1);
    let (month, more) = if month < 10 { (month.saturating_add(3), 0) } else { (month.saturating_sub(9), 1) };
    let year = era.saturating_mul(400).saturating_add(i64::from(year)).saturating_add(more);
    format!("{year:04}-{month:02}-{day:02}")
}

/// A time of day, as 13:05:09, with as many digits of a second as it needs.
fn time(ticks: i64, unit: i64) -> String {
    let (seconds, rest) = (ticks.div_euclid(unit), ticks.rem_euclid(unit));
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let digits = unit.ilog10() as usize;
    let fraction = if rest == 0 { String::new() } else { format!(".{rest:0digits$}") };
    format!("{hours:02}:{minutes:02}:{seconds:02}{}", fraction.trim_end_matches('0'))
}

/// A number with so many digits behind its point.
fn decimal(number: i128, scale: usize) -> String {
    let digits = number.unsigned_abs().to_string();
    let padded = format!("{digits:0>width$}", width = scale.saturating_add(1));
    let (whole, fraction) = padded.split_at(padded.len().saturating_sub(scale));
    let (sign, point) = (if number < 0 { "-" } else { "" }, if scale > 0 { "." } else { "" });
    format!("{sign}{whole}{point}{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_dates() {
        for (days, expected) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (59, "1970-03-01"),
            (11_016, "2000-02-29"),
            (11_017, "2000-03-01"),
            (19_782, "2024-02-29"),
            (20_453, "2025-12-31"),
            (-25_509, "1900-02-28"),
            (-25_508, "1900-03-01"),
            (-719_468, "0000-03-01"),
        ] {
            assert_eq!(date(days), expected);
        }
        // Each day of four centuries is the one after the day before.
        let mut before = date(-1);
        for day in 0..146_097 {
            let (next, parts) =
                (date(day), |date: &str| date.split('-').map(|part| part.parse().unwrap()).collect::<Vec<u32>>());
            let ([y, m, d], [a, b, c]) = (parts(&before)[..].try_into().unwrap(), parts(&next)[..].try_into().unwrap());
            assert!(
                (a, b, c) == (y, m, d + 1)
                    || (c == 1 && d >= 28 && ((a, b) == (y, m + 1) || (a, b, m) == (y + 1, 1, 12))),
                "{before} {next}"
            );
            before = next;
        }
        assert!(date(i64::MAX).len() > 10 && date(i64::MIN).len() > 10);
    }

    #[test]
    fn times_and_decimals_are_written_as_people_do() {
        assert_eq!(
            [time(47_109_000, MILLIS), time(1, MICROS), time(1_500_000_000, NANOS)],
            ["13:05:09", "00:00:00.000001", "00:00:01.5"]
        );
        assert_eq!(
            [decimal(12_345, 2), decimal(-5, 2), decimal(7, 0), decimal(i128::MIN, 38)],
            ["123.45", "-0.05", "7", "-1.70141183460469231731687303715884105728"]
        );
    }
}
