//! What settings of optimizers may be, and their values to read or to change.

use nxm_kernels::Element;

/// What a setting may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Range {
    /// Any finite number, in the network's element type.
    Finite,
    /// Finite, at least 0.
    NotNegative,
    /// Finite, above 0.
    AboveZero,
    /// Finite, above 1.
    AboveOne,
    /// From 0 to below 1.
    BelowOne,
    /// From 0 to 1.
    AtMostOne,
    /// Above 0 and below 1.
    Within,
    /// True or false.
    Either,
    /// A whole number, at least 1.
    Count,
}

impl Range {
    pub(super) fn holds<T: Element>(self, value: f64) -> bool {
        match self {
            Range::Either => true,
            Range::Count => value >= 1.0,
            Range::BelowOne => (0.0..1.0).contains(&value),
            Range::AtMostOne => (0.0..=1.0).contains(&value),
            Range::Within => value > 0.0 && value < 1.0,
            Range::Finite => T::from_f64(value).is_finite(),
            Range::NotNegative => value >= 0.0 && T::from_f64(value).is_finite(),
            Range::AboveZero => value > 0.0 && T::from_f64(value).is_finite(),
            Range::AboveOne => value > 1.0 && T::from_f64(value).is_finite(),
        }
    }

    pub(super) fn expected(self) -> &'static str {
        match self {
            Range::Finite => "a finite number",
            Range::NotNegative => "a finite number, at least 0",
            Range::AboveZero => "a finite number above 0",
            Range::AboveOne => "a finite number above 1",
            Range::BelowOne => "a number from 0 to below 1",
            Range::AtMostOne => "a number from 0 to 1",
            Range::Within => "a number above 0 and below 1",
            Range::Either => "true or false",
            Range::Count => "a whole number, at least 1",
        }
    }
}

/// A setting's value, to read or to change.
pub(super) enum Value<'a> {
    /// A number.
    Number(&'a mut f64),
    /// Whether something is done.
    Flag(&'a mut bool),
    /// How many there are.
    Whole(&'a mut usize),
    /// How many there are at most, or nothing where that follows from other settings.
    Limit(&'a mut Option<usize>),
}

impl<'a> From<&'a mut f64> for Value<'a> {
    fn from(number: &'a mut f64) -> Self {
        Value::Number(number)
    }
}

impl<'a> From<&'a mut bool> for Value<'a> {
    fn from(flag: &'a mut bool) -> Self {
        Value::Flag(flag)
    }
}

impl<'a> From<&'a mut usize> for Value<'a> {
    fn from(number: &'a mut usize) -> Self {
        Value::Whole(number)
    }
}

impl<'a> From<&'a mut Option<usize>> for Value<'a> {
    fn from(number: &'a mut Option<usize>) -> Self {
        Value::Limit(number)
    }
}
