//! A network's layer sizes as people write them: `784-128-10` is 784 inputs, 128 hidden units and 10 outputs.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use thiserror::Error;

/// Two or more layer sizes, each at least 1: the inputs, then the units of every layer.
///
/// ```
/// use nxm_count::Sizes;
///
/// let sizes: Sizes = "784-128-10".parse()?;
/// assert_eq!(sizes.as_slice(), [784, 128, 10]);
/// assert_eq!("30-0-30".parse::<Sizes>().unwrap_err().to_string(), "size 2 of \"30-0-30\" is 0; a size is at least 1");
/// # Ok::<(), nxm_count::SizesError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Sizes(Vec<u64>);

/// What is wrong with a text that should be sizes. Positions count from 1.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SizesError {
    /// There is nothing.
    #[error("no sizes; expected two or more joined by \"-\", as 784-128-10")]
    Empty,
    /// There is one size, which is inputs without a layer.
    #[error("{text:?} is one size; a network has at least two joined by \"-\", inputs and outputs, as 784-10")]
    Single {
        /// The text.
        text: String,
    },
    /// Nothing stands where a size should.
    #[error("size {position} of {text:?} is missing; expected sizes joined by single \"-\", as 784-128-10")]
    Missing {
        /// The text.
        text: String,
        /// Which size.
        position: usize,
    },
    /// Something other than decimal digits.
    #[error("size {position} of {text:?} is {part:?}; expected a whole number written in digits")]
    NotANumber {
        /// The text.
        text: String,
        /// Which size.
        position: usize,
        /// What stands there.
        part: String,
    },
    /// A size of zero.
    #[error("size {position} of {text:?} is 0; a size is at least 1")]
    Zero {
        /// The text.
        text: String,
        /// Which size.
        position: usize,
    },
    /// A number beyond 2⁶⁴ − 1.
    #[error("size {position} of {text:?} is too large; a size is at most {}", u64::MAX)]
    TooLarge {
        /// The text.
        text: String,
        /// Which size.
        position: usize,
    },
}

impl Sizes {
    /// The sizes, inputs first.
    pub fn as_slice(&self) -> &[u64] {
        &self.0
    }
}

impl FromStr for Sizes {
    type Err = SizesError;

    fn from_str(text: &str) -> Result<Sizes, SizesError> {
        if text.is_empty() {
            return Err(SizesError::Empty);
        }
        let parts = text.split('-').enumerate();
        let sizes = parts.map(|(i, part)| size(text, i + 1, part)).collect::<Result<Vec<u64>, SizesError>>()?;
        if sizes.len() < 2 {
            return Err(SizesError::Single { text: text.to_owned() });
        }
        Ok(Sizes(sizes))
    }
}

/// The size at `position` of `text`, written `part`.
fn size(text: &str, position: usize, part: &str) -> Result<u64, SizesError> {
    let text = || text.to_owned();
    if part.is_empty() {
        return Err(SizesError::Missing { text: text(), position });
    }
    // `u64::from_str` would also take "+30".
    if !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(SizesError::NotANumber { text: text(), position, part: part.to_owned() });
    }
    match part.parse() {
        Ok(0) => Err(SizesError::Zero { text: text(), position }),
        Ok(size) => Ok(size),
        // All digits, so the only error left is overflow.
        Err(_) => Err(SizesError::TooLarge { text: text(), position }),
    }
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, size) in self.0.iter().enumerate() {
            write!(f, "{}{size}", if i == 0 { "" } else { "-" })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn error(text: &str) -> SizesError {
        text.parse::<Sizes>().expect_err(text)
    }

    #[test]
    fn reads_sizes() {
        let read = |text: &str| text.parse::<Sizes>().map(|sizes| sizes.0);
        assert_eq!(read("784-128-10"), Ok(vec![784, 128, 10]));
        assert_eq!(read("1-1"), Ok(vec![1, 1]));
        assert_eq!(read("007-030"), Ok(vec![7, 30]));
        assert_eq!(read("18446744073709551615-1"), Ok(vec![u64::MAX, 1]));
    }

    #[test]
    fn names_what_is_wrong_and_where() {
        let text = || "30-x-30".to_owned();
        assert_eq!(error("30-x-30"), SizesError::NotANumber { text: text(), position: 2, part: "x".to_owned() });
        assert_eq!(error("0-3"), SizesError::Zero { text: "0-3".to_owned(), position: 1 });
        assert_eq!(error("30"), SizesError::Single { text: "30".to_owned() });
        assert_eq!(error(""), SizesError::Empty);
        for (text, position) in [("30--30", 2), ("-30-30", 1), ("30-30-", 3), ("-", 1), ("--", 1)] {
            assert_eq!(error(text), SizesError::Missing { text: text.to_owned(), position });
        }
        for text in ["+30-30", " 30-30", "3.5-2", "1e3-2", "0x1f-2", "٣-2", "30\n-2", "30,20-2"] {
            assert!(matches!(error(text), SizesError::NotANumber { position: 1, .. }), "{text:?}");
        }
        // A part that is wrong is named before the number of parts is.
        assert!(matches!(error("x"), SizesError::NotANumber { position: 1, .. }));
        assert_eq!(error("0"), SizesError::Zero { text: "0".to_owned(), position: 1 });
        let beyond = "2-18446744073709551616";
        assert_eq!(error(beyond), SizesError::TooLarge { text: beyond.to_owned(), position: 2 });
    }

    #[test]
    fn messages_are_one_line_that_says_what_was_expected() {
        for (text, message) in [
            ("", "no sizes; expected two or more joined by \"-\", as 784-128-10"),
            ("30", "\"30\" is one size; a network has at least two joined by \"-\", inputs and outputs, as 784-10"),
            ("30-x-30", "size 2 of \"30-x-30\" is \"x\"; expected a whole number written in digits"),
            ("a\nb", "size 1 of \"a\\nb\" is \"a\\nb\"; expected a whole number written in digits"),
            ("2-99999999999999999999", {
                "size 2 of \"2-99999999999999999999\" is too large; a size is at most 18446744073709551615"
            }),
        ] {
            assert_eq!(error(text).to_string(), message);
        }
    }

    proptest! {
        #[test]
        fn what_is_displayed_reads_back(sizes in prop::collection::vec(1u64.., 2..12)) {
            let sizes = Sizes(sizes);
            prop_assert_eq!(sizes.to_string().parse::<Sizes>(), Ok(sizes));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC*|[0-9x+ -]{0,24}") {
            if let Ok(sizes) = text.parse::<Sizes>() {
                prop_assert!(sizes.as_slice().len() >= 2 && sizes.as_slice().iter().all(|size| *size >= 1));
                let again: Vec<u64> = text.split('-').map(|part| part.parse().unwrap()).collect();
                prop_assert_eq!(sizes.as_slice(), again);
            }
        }
    }
}
