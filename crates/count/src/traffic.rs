//! Bytes that are read and written.

use serde::Serialize;

use crate::breakdown::Amount;
use crate::kind::Overflow;

/// Bytes read and written: the compulsory ones, each operand once and each result once, as if caches held a phase's operands and nothing from
/// phase to phase; or those that the loads and stores of kernels ask for, each time they do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Traffic {
    /// Bytes read.
    pub read: u128,
    /// Bytes written.
    pub written: u128,
}

const TOO_MANY: Overflow = Overflow { what: "bytes" };

impl Traffic {
    /// Nothing.
    pub const NONE: Traffic = Traffic { read: 0, written: 0 };

    /// So many elements read and written, of `size` bytes each.
    ///
    /// # Errors
    /// [`Overflow`] if the bytes exceed 128 bits.
    pub fn of(size: u128, read: &[u128], written: &[u128]) -> Result<Traffic, Overflow> {
        let bytes = |lens: &[u128]| {
            let sum = lens.iter().try_fold(0u128, |sum, len| sum.checked_add(*len));
            sum.and_then(|elements| elements.checked_mul(size)).ok_or(TOO_MANY)
        };
        Traffic { read: bytes(read)?, written: bytes(written)? }.checked()
    }

    /// Read and written.
    pub fn bytes(&self) -> u128 {
        self.read + self.written
    }

    /// Both together.
    ///
    /// # Errors
    /// [`Overflow`] if the sum exceeds 128 bits.
    pub fn plus(&self, other: &Traffic) -> Result<Traffic, Overflow> {
        let sum = |a: u128, b: u128| a.checked_add(b).ok_or(TOO_MANY);
        Traffic { read: sum(self.read, other.read)?, written: sum(self.written, other.written)? }.checked()
    }

    /// All of it `n` times.
    ///
    /// # Errors
    /// [`Overflow`] if the product exceeds 128 bits.
    pub fn times(&self, n: u128) -> Result<Traffic, Overflow> {
        let product = |a: u128| a.checked_mul(n).ok_or(TOO_MANY);
        Traffic { read: product(self.read)?, written: product(self.written)? }.checked()
    }

    /// The sum of some.
    ///
    /// # Errors
    /// [`Overflow`] if it exceeds 128 bits.
    pub fn sum(all: impl IntoIterator<Item = Traffic>) -> Result<Traffic, Overflow> {
        all.into_iter().try_fold(Traffic::NONE, |sum, traffic| sum.plus(&traffic))
    }

    /// Itself, if all its bytes fit.
    fn checked(self) -> Result<Traffic, Overflow> {
        self.read.checked_add(self.written).map(|_| self).ok_or(TOO_MANY)
    }
}

impl Amount for Traffic {
    fn plus(&self, other: &Self) -> Result<Self, Overflow> {
        Traffic::plus(self, other)
    }
    fn times(&self, n: u128) -> Result<Self, Overflow> {
        Traffic::times(self, n)
    }
}
