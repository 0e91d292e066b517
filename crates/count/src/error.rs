//! Questions about cost that have no answer.

use nxm_kernels::Region;
use nxm_net::SpecError;

use crate::kind::Overflow;

/// A question that can't be answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CountError {
    /// No network, or one that this machine can't look at.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// A number that must be at least 1.
    #[error("{what} must be at least 1, and is 0")]
    Zero {
        /// Which number.
        what: &'static str,
    },
    /// A count that exceeds 128 bits.
    #[error("{what}: {overflow}")]
    Overflow {
        /// What was counted, as "forward of layer 0".
        what: String,
        /// What there is too much of.
        overflow: Overflow,
    },
}

impl CountError {
    /// That `n` is at least 1.
    pub(crate) fn not_zero(what: &'static str, n: u64) -> Result<(), CountError> {
        if n > 0 { Ok(()) } else { Err(CountError::Zero { what }) }
    }

    /// An overflow in a part of a step or prediction.
    pub(crate) fn within(Region { phase, layer }: Region) -> impl Fn(Overflow) -> CountError {
        move |overflow| CountError::Overflow { what: format!("{phase} of layer {layer}"), overflow }
    }

    /// An overflow in a larger whole.
    pub(crate) fn in_the(whole: &'static str) -> impl Fn(Overflow) -> CountError {
        move |overflow| CountError::Overflow { what: whole.to_owned(), overflow }
    }
}
