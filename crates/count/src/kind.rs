//! The kinds of operations, and how many there are of each.

use std::fmt;

use serde::ser::{Serialize, SerializeMap, Serializer};

/// A kind of operation: what one lane of one instruction does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// a · b + c, rounded once.
    Fma,
    /// a · b.
    Mul,
    /// a + b or a − b.
    Add,
    /// a / b.
    Div,
    /// √a.
    Sqrt,
    /// A comparison, maximum or minimum.
    Cmp,
    /// Rounding, or conversion between number types.
    Convert,
}

impl Kind {
    /// All of them, in the order of their discriminants.
    pub const ALL: [Kind; 7] = [Kind::Fma, Kind::Mul, Kind::Add, Kind::Div, Kind::Sqrt, Kind::Cmp, Kind::Convert];

    /// Its name: "fma", "mul", "add", "div", "sqrt", "cmp", "convert".
    pub fn name(self) -> &'static str {
        match self {
            Kind::Fma => "fma",
            Kind::Mul => "mul",
            Kind::Add => "add",
            Kind::Div => "div",
            Kind::Sqrt => "sqrt",
            Kind::Cmp => "cmp",
            Kind::Convert => "convert",
        }
    }

    /// Arithmetic operations that one of this kind is: an fma is two, a conversion none.
    pub fn flops(self) -> u128 {
        match self {
            Kind::Fma => 2,
            Kind::Mul | Kind::Add | Kind::Div | Kind::Sqrt | Kind::Cmp => 1,
            Kind::Convert => 0,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A number of operations that does not fit into 128 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the number of {what} exceeds 2¹²⁸ − 1")]
pub struct Overflow {
    /// What there are too many of, as "fma", "flops" or "evaluations of sigmoid".
    pub what: &'static str,
}

/// How many operations there are of each kind.
///
/// All sums are checked where they are made: [`Kinds::flops`] of an existing value always fits, and so do
/// [`Kinds::multiplications`] and [`Kinds::additions`], which are smaller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Kinds([u128; Kind::ALL.len()]);

impl Kinds {
    /// No operations.
    pub const NONE: Kinds = Kinds([0; Kind::ALL.len()]);

    /// So many of each kind: `Kinds::new([(Kind::Fma, 10), (Kind::Add, 3)])`. Those that aren't named are 0, and those
    /// named twice are added up.
    ///
    /// # Errors
    /// [`Overflow`] if the flops exceed 128 bits.
    pub fn new(counts: impl IntoIterator<Item = (Kind, u128)>) -> Result<Kinds, Overflow> {
        let mut kinds = Kinds::NONE;
        for (kind, count) in counts {
            let place = &mut kinds.0[kind as usize];
            *place = place.checked_add(count).ok_or(Overflow { what: kind.name() })?;
        }
        kinds.checked()
    }

    /// So many of each kind, in the order of [`Kind::ALL`]; a 32-bit number of each always fits.
    pub(crate) const fn small(counts: [u32; Kind::ALL.len()]) -> Kinds {
        let mut kinds = Kinds::NONE;
        let mut i = 0;
        while i < counts.len() {
            kinds.0[i] = counts[i] as u128;
            i += 1;
        }
        kinds
    }

    /// Operations of one kind.
    pub fn get(&self, kind: Kind) -> u128 {
        self.0[kind as usize]
    }
    /// Fused multiply-adds.
    pub fn fma(&self) -> u128 {
        self.get(Kind::Fma)
    }
    /// Multiplications on their own.
    pub fn mul(&self) -> u128 {
        self.get(Kind::Mul)
    }
    /// Additions and subtractions on their own.
    pub fn add(&self) -> u128 {
        self.get(Kind::Add)
    }
    /// Divisions.
    pub fn div(&self) -> u128 {
        self.get(Kind::Div)
    }
    /// Square roots.
    pub fn sqrt(&self) -> u128 {
        self.get(Kind::Sqrt)
    }
    /// Comparisons, maxima and minima.
    pub fn cmp(&self) -> u128 {
        self.get(Kind::Cmp)
    }
    /// Roundings and conversions.
    pub fn convert(&self) -> u128 {
        self.get(Kind::Convert)
    }

    /// mul + fma.
    pub fn multiplications(&self) -> u128 {
        self.mul() + self.fma()
    }
    /// add + fma.
    pub fn additions(&self) -> u128 {
        self.add() + self.fma()
    }
    /// Every arithmetic operation, an fma being two: 2·fma + mul + add + div + sqrt + cmp.
    pub fn flops(&self) -> u128 {
        Kind::ALL.into_iter().map(|kind| kind.flops() * self.get(kind)).sum()
    }
    /// Whether there are none.
    pub fn is_none(&self) -> bool {
        *self == Kinds::NONE
    }

    /// Both together.
    ///
    /// # Errors
    /// [`Overflow`] if the sum exceeds 128 bits.
    pub fn plus(&self, other: &Kinds) -> Result<Kinds, Overflow> {
        Kinds::new(Kind::ALL.into_iter().flat_map(|kind| [(kind, self.get(kind)), (kind, other.get(kind))]))
    }

    /// All of it `n` times.
    ///
    /// # Errors
    /// [`Overflow`] if the product exceeds 128 bits.
    pub fn times(&self, n: u128) -> Result<Kinds, Overflow> {
        let mut product = *self;
        for kind in Kind::ALL {
            let place = &mut product.0[kind as usize];
            *place = place.checked_mul(n).ok_or(Overflow { what: kind.name() })?;
        }
        product.checked()
    }

    /// What a level without fused multiply-add executes instead: each fma is a mul and an add.
    pub fn unfused(&self) -> Kinds {
        let mut kinds = *self;
        kinds.0[Kind::Fma as usize] = 0;
        kinds.0[Kind::Mul as usize] = self.multiplications();
        kinds.0[Kind::Add as usize] = self.additions();
        kinds
    }

    /// Itself, if its flops fit.
    fn checked(self) -> Result<Kinds, Overflow> {
        let flops = Kind::ALL
            .into_iter()
            .try_fold(0u128, |sum, kind| sum.checked_add(kind.flops().checked_mul(self.get(kind))?));
        flops.map(|_| self).ok_or(Overflow { what: "flops" })
    }

    /// The entries of a serialised count.
    pub(crate) fn serialize_entries<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        map.serialize_entry("multiplications", &self.multiplications())?;
        map.serialize_entry("additions", &self.additions())?;
        map.serialize_entry("flops", &self.flops())?;
        Kind::ALL.into_iter().try_for_each(|kind| map.serialize_entry(kind.name(), &self.get(kind)))
    }
}

/// A map of `multiplications`, `additions`, `flops`, and each kind by its name.
impl Serialize for Kinds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.serialize_entries(&mut map)?;
        map.end()
    }
}
