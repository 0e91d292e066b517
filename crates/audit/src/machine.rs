//! What a piece of machine code executed.

use std::collections::{BTreeMap, BTreeSet};

use nxm_count::{Kind, Kinds};

/// How much of a register an instruction works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Width {
    /// One lane.
    Scalar,
    /// 128 bits.
    Bits128,
    /// 256 bits.
    Bits256,
    /// 512 bits.
    Bits512,
}

impl Width {
    /// All of them, narrowest first.
    pub const ALL: [Width; 4] = [Width::Scalar, Width::Bits128, Width::Bits256, Width::Bits512];

    /// "scalar", "128", "256" or "512".
    pub fn name(self) -> &'static str {
        match self {
            Width::Scalar => "scalar",
            Width::Bits128 => "128",
            Width::Bits256 => "256",
            Width::Bits512 => "512",
        }
    }

    /// The whole register of so many bytes.
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    pub(crate) fn of_bytes(bytes: usize) -> Option<Width> {
        match bytes {
            16 => Some(Width::Bits128),
            32 => Some(Width::Bits256),
            64 => Some(Width::Bits512),
            _ => None,
        }
    }
}

/// What a lane of an instruction does, and in company of how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lanes {
    /// The operation.
    pub kind: Kind,
    /// The instruction's width.
    pub width: Width,
}

/// Floating-point operations that were executed, lane by lane, and how many instructions there were of any sort.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    pub(crate) instructions: u64,
    /// By kind and width, and by the instruction's name.
    pub(crate) lanes: BTreeMap<(Lanes, String), u64>,
    /// Where the floating-point instructions stand that were executed.
    pub(crate) addresses: BTreeSet<u64>,
}

impl Machine {
    /// Instructions of any sort.
    pub fn instructions(&self) -> u64 {
        self.instructions
    }

    /// Addresses of the floating-point instructions that were executed, each once.
    pub fn addresses(&self) -> impl Iterator<Item = u64> {
        self.addresses.iter().copied()
    }

    /// The same, had instructions of this name worked on one lane more.
    #[must_use]
    pub fn with_one_more(&self, name: &str) -> Machine {
        self.with(name, |lanes| lanes + 1)
    }

    /// The same, had instructions of this name worked on one lane less.
    #[must_use]
    pub fn with_one_less(&self, name: &str) -> Machine {
        self.with(name, |lanes| lanes - 1)
    }

    fn with(&self, name: &str, changed: impl Fn(u64) -> u64) -> Machine {
        let mut other = self.clone();
        let mut named = other.lanes.iter_mut().filter(|((_, of), _)| of == name);
        if let Some((_, lanes)) = named.next() {
            *lanes = changed(*lanes);
        }
        drop(named);
        other
    }

    /// Lanes of each kind, of instructions that `picked` says yes to, given their name.
    pub(crate) fn kinds(&self, picked: impl Fn(&str) -> bool) -> Kinds {
        let picked = self.lanes.iter().filter(|((_, name), _)| picked(name));
        let counts = picked.map(|((lanes, _), count)| (lanes.kind, u128::from(*count)));
        Kinds::new(counts).expect("64-bit counts add up in 128 bits")
    }

    /// Lanes of one kind in instructions of one width.
    pub fn lanes(&self, lanes: Lanes) -> u64 {
        self.lanes.iter().filter(|((of, _), _)| *of == lanes).map(|(_, count)| count).sum()
    }

    /// Lanes by instruction: what they are, its name, and how many.
    pub fn by_name(&self) -> impl Iterator<Item = (Lanes, &str, u64)> {
        self.lanes.iter().map(|((lanes, name), count)| (*lanes, name.as_str(), *count))
    }
}

/// Whether an instruction of this name works on, or converts from or to, double precision.
pub(crate) fn is_double(name: &str) -> bool {
    ["sd", "pd"].iter().any(|suffix| name.ends_with(suffix)) || name.contains("sd2") || name.contains("pd2")
}
