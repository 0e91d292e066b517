//! What is executed: operations whose result is used, and those executed beside them.

use serde::Serialize;

use crate::breakdown::Amount;
use crate::kind::Overflow;
use crate::ops::Ops;

/// Operations executed, split by whether anything uses their result.
///
/// A vector is as long as the instruction set has it, and a row rarely is a whole number of vectors: lanes beyond its
/// end are executed and thrown away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Tally {
    /// Lanes whose result is used: the textbook count, the same at every level and thread count.
    pub useful: Ops,
    /// Lanes executed beside them.
    pub padding: Ops,
}

impl Tally {
    /// Nothing.
    pub const NONE: Tally = Tally { useful: Ops::NONE, padding: Ops::NONE };

    /// All that is executed: useful + padding.
    ///
    /// # Errors
    /// [`Overflow`] if a sum exceeds 128 bits.
    pub fn executed(&self) -> Result<Ops, Overflow> {
        self.useful.plus(&self.padding)
    }

    /// Both together.
    ///
    /// # Errors
    /// [`Overflow`] if a sum exceeds 128 bits.
    pub fn plus(&self, other: &Tally) -> Result<Tally, Overflow> {
        Ok(Tally { useful: self.useful.plus(&other.useful)?, padding: self.padding.plus(&other.padding)? })
    }

    /// All of it `n` times.
    ///
    /// # Errors
    /// [`Overflow`] if a product exceeds 128 bits.
    pub fn times(&self, n: u128) -> Result<Tally, Overflow> {
        Ok(Tally { useful: self.useful.times(n)?, padding: self.padding.times(n)? })
    }

    /// The sum of some.
    ///
    /// # Errors
    /// [`Overflow`] if it exceeds 128 bits.
    pub fn sum(tallies: impl IntoIterator<Item = Tally>) -> Result<Tally, Overflow> {
        tallies.into_iter().try_fold(Tally::NONE, |sum, tally| sum.plus(&tally))
    }
}

impl Amount for Tally {
    fn plus(&self, other: &Self) -> Result<Self, Overflow> {
        Tally::plus(self, other)
    }
    fn times(&self, n: u128) -> Result<Self, Overflow> {
        Tally::times(self, n)
    }
}
