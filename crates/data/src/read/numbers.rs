//! Columns of numbers that are no text: they become what a text of the same numbers would be, cells with codes while there are few different
//! ones. So a column of classes is one, wherever it comes from.

use std::collections::HashMap;
use std::sync::Arc;

use crate::cells::{Cells, MOST_TEXTS, Texts};
use crate::error::TableError;
use crate::memory::reserve;
use crate::missing::Missing;

/// Different numbers with fractions that are kept as texts: more are no classes.
const MOST_FRACTIONS: usize = 1 << 12;

/// A number, or what NumPy calls bool.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// A whole number.
    Signed(i64),
    /// A whole number.
    Unsigned(u64),
    /// Any number.
    Float(f64),
    /// True or false.
    Bool(bool),
    /// There is none.
    #[cfg_attr(not(feature = "parquet"), expect(dead_code, reason = "arrays have a number everywhere"))]
    Missing,
}

impl Value {
    /// The number; those beyond 2⁵³ are rounded.
    pub fn number(self) -> f64 {
        match self {
            Value::Signed(number) => number as f64,
            Value::Unsigned(number) => number as f64,
            Value::Float(number) => number,
            Value::Bool(value) => f64::from(u8::from(value)),
            Value::Missing => f64::NAN,
        }
    }

    /// Differs where numbers of the same type do.
    fn key(self) -> Option<u64> {
        match self {
            Value::Signed(number) => Some(number.cast_unsigned()),
            Value::Unsigned(number) => Some(number),
            Value::Float(number) => Some(number.to_bits()),
            Value::Bool(value) => Some(u64::from(value)),
            Value::Missing => None,
        }
    }

    /// As CSV would have it: read again, it is the same number.
    fn text(self) -> String {
        /// Beyond, digits are zeros.
        const PLAIN: std::ops::Range<f64> = 1e-5..1e16;
        match self {
            Value::Signed(number) => number.to_string(),
            Value::Unsigned(number) => number.to_string(),
            Value::Float(number) if number == 0.0 || !number.is_finite() || PLAIN.contains(&number.abs()) => {
                number.to_string()
            }
            Value::Float(number) => format!("{number:e}"),
            Value::Bool(true) => "True".to_owned(),
            Value::Bool(false) => "False".to_owned(),
            Value::Missing => String::new(),
        }
    }

    fn most(self) -> usize {
        match self {
            Value::Float(_) => MOST_FRACTIONS,
            _ => MOST_TEXTS,
        }
    }
}

/// Collects the numbers of a column, all of one type.
#[derive(Clone, Debug)]
pub struct NumberCells {
    cells: Cells,
    /// The codes of the numbers so far, and those numbers.
    known: HashMap<Option<u64>, u32>,
    values: Vec<Value>,
    last: Option<(Option<u64>, u32)>,
    missing: Arc<Missing>,
    /// Numbers that are missing values.
    named: Vec<f64>,
}

impl NumberCells {
    /// An empty column.
    pub fn new(missing: Arc<Missing>) -> NumberCells {
        let named = missing.named().iter().filter_map(|text| text.parse().ok()).collect();
        let cells = Cells::Coded { codes: Vec::new(), texts: Texts::default() };
        NumberCells { cells, known: HashMap::new(), values: Vec::new(), last: None, missing, named }
    }

    /// The next number.
    pub fn push(&mut self, value: Value) -> Result<(), TableError> {
        if let Cells::Coded { codes, texts } = &mut self.cells {
            reserve(codes, 1)?;
            let key = value.key();
            let known = self.last.filter(|last| last.0 == key).map(|last| last.1);
            if let Some(code) = known.or_else(|| self.known.get(&key).copied()) {
                self.last = Some((key, code));
                codes.push(code);
                return Ok(());
            }
            if texts.len() < value.most() {
                let code = texts.len() as u32;
                texts.push(&value.text())?;
                self.known.insert(key, code);
                self.values.push(value);
                self.last = Some((key, code));
                codes.push(code);
                return Ok(());
            }
            let values: Vec<Option<f64>> =
                self.values.iter().map(|value| of(*value, &self.missing, &self.named)).collect();
            self.cells.drop_texts(&values)?;
            (self.known, self.values) = (HashMap::new(), Vec::new());
        }
        self.cells.push_number(of(value, &self.missing, &self.named), || value.text())
    }

    /// The column.
    pub fn build(self) -> Cells {
        self.cells
    }
}

/// A finite number, or NaN if it is missing; none if it is infinite.
fn of(value: Value, missing: &Missing, named: &[f64]) -> Option<f64> {
    let number = value.number();
    if named.contains(&number) || number.is_nan() {
        return Some(f64::NAN);
    }
    (number.is_finite() || missing.is(&value.text())).then(|| if number.is_finite() { number } else { f64::NAN })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::number;

    fn column(values: impl Iterator<Item = Value>) -> Cells {
        let mut builder = NumberCells::new(Arc::new(Missing::with(["-1"])));
        values.for_each(|value| builder.push(value).unwrap());
        builder.build()
    }

    #[test]
    fn texts_of_numbers_are_read_back() {
        for value in
            [0.0, -0.0, 1.0, 0.1, -1.5e300, 5e-324, 123_456.75, f64::from(0.1f32), 1e16, 9_007_199_254_740_993.0]
        {
            let text = Value::Float(value).text();
            assert_eq!(number(&text, false).map(f64::to_bits), Some(value.to_bits()), "{text}");
            assert!(text.len() < 30, "{text}");
        }
        assert_eq!(Value::Unsigned(u64::MAX).text(), u64::MAX.to_string());
        assert_eq!(Value::Signed(i64::MIN).text(), i64::MIN.to_string());
        assert!(Missing::default().is(&Value::Float(f64::NAN).text()));
    }

    #[test]
    fn few_numbers_are_texts_and_many_are_numbers() {
        let Cells::Coded { codes, texts } = column([3, 3, -1, 3].into_iter().map(Value::Signed)) else { panic!() };
        assert_eq!((codes, texts.iter().collect::<Vec<_>>()), (vec![0, 0, 1, 0], vec!["3", "-1"]));
        let many = MOST_FRACTIONS + 2;
        let Cells::Numbers(numbers) = column((0..many).map(|i| Value::Float(i as f64 - 1.0))) else { panic!() };
        assert!(numbers[0].is_nan() && numbers[1] == 0.0 && numbers[many - 1] == (many - 2) as f64);
        assert!(matches!(column((0..many as u64).map(Value::Unsigned)), Cells::Coded { .. }));
        for row in [3, many - 1] {
            let value = |i: usize| Value::Float(if i == row { f64::INFINITY } else { i as f64 });
            let Cells::Many { rows, numbers, first } = column((0..many).map(value)) else { panic!() };
            assert_eq!((rows, numbers, first), (many, many - 1, (row, "inf".to_owned())));
        }
    }
}
