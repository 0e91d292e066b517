//! Operations and bytes together.

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::breakdown::Amount;
use crate::kind::Overflow;
use crate::ops::Ops;
use crate::traffic::Traffic;

/// Useful operations, the bytes they must read and write at least, and those that the kernels ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Operations.
    pub ops: Ops,
    /// Compulsory traffic.
    pub traffic: Traffic,
    /// What the kernels' loads and stores ask for ([`Formulas::requested`](crate::Formulas::requested)).
    pub requested: Traffic,
}

impl Cost {
    /// Arithmetic intensity: flops of the network's own arithmetic and inside functions by byte of compulsory traffic; none without traffic.
    pub fn intensity(&self) -> Option<f64> {
        let flops = self.ops.flops() as f64 + self.ops.inside().flops() as f64;
        (self.traffic.bytes() > 0).then(|| flops / self.traffic.bytes() as f64)
    }

    /// The same flops by byte that the kernels ask for.
    pub fn requested_intensity(&self) -> Option<f64> {
        Cost { traffic: self.requested, ..*self }.intensity()
    }

    /// Both together.
    ///
    /// # Errors
    /// [`Overflow`] if a sum exceeds 128 bits.
    pub fn plus(&self, other: &Cost) -> Result<Cost, Overflow> {
        Ok(Cost {
            ops: self.ops.plus(&other.ops)?,
            traffic: self.traffic.plus(&other.traffic)?,
            requested: self.requested.plus(&other.requested)?,
        })
    }

    /// All of it `n` times.
    ///
    /// # Errors
    /// [`Overflow`] if a product exceeds 128 bits.
    pub fn times(&self, n: u128) -> Result<Cost, Overflow> {
        Ok(Cost { ops: self.ops.times(n)?, traffic: self.traffic.times(n)?, requested: self.requested.times(n)? })
    }

    /// The sum of some.
    ///
    /// # Errors
    /// [`Overflow`] if it exceeds 128 bits.
    pub fn sum(costs: impl IntoIterator<Item = Cost>) -> Result<Cost, Overflow> {
        costs.into_iter().try_fold(Cost::default(), |sum, cost| sum.plus(&cost))
    }
}

impl Amount for Cost {
    fn plus(&self, other: &Self) -> Result<Self, Overflow> {
        Cost::plus(self, other)
    }
    fn times(&self, n: u128) -> Result<Self, Overflow> {
        Cost::times(self, n)
    }
}

/// The operations as [`Ops`] has them, and `bytes_read`, `bytes_written`, `flops_per_byte`, `bytes_loaded` and `bytes_stored`.
impl Serialize for Cost {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.ops.serialize_entries(&mut map)?;
        map.serialize_entry("bytes_read", &self.traffic.read)?;
        map.serialize_entry("bytes_written", &self.traffic.written)?;
        map.serialize_entry("flops_per_byte", &self.intensity())?;
        map.serialize_entry("bytes_loaded", &self.requested.read)?;
        map.serialize_entry("bytes_stored", &self.requested.written)?;
        map.end()
    }
}
