//! Operations: a network's own arithmetic, the functions it evaluates, and what is executed inside those.

use nxm_kernels::Function;
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::kind::{Kind, Kinds, Overflow};

/// A number of operations.
///
/// The arithmetic inside functions is kept apart from the network's own, so that a layer reads N·M multiplications
/// whatever its activation. Sums are checked: a value that exists is exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ops {
    own: Kinds,
    functions: [u128; Function::ALL.len()],
    inside: Kinds,
}

impl Ops {
    /// No operations.
    pub const NONE: Ops = Ops { own: Kinds::NONE, functions: [0; Function::ALL.len()], inside: Kinds::NONE };

    /// From its parts; `functions` in the order of [`Function::ALL`].
    pub(crate) const fn from_parts(own: Kinds, functions: [u128; Function::ALL.len()], inside: Kinds) -> Ops {
        Ops { own, functions, inside }
    }

    /// One operation of one kind.
    pub const fn one(kind: Kind) -> Ops {
        let mut counts = [0; Kind::ALL.len()];
        counts[kind as usize] = 1;
        Ops { own: Kinds::small(counts), ..Ops::NONE }
    }

    /// One evaluation of `function` that executes `inside`.
    pub const fn evaluation(function: Function, inside: Kinds) -> Ops {
        let mut functions = [0; Function::ALL.len()];
        functions[function as usize] = 1;
        Ops { own: Kinds::NONE, functions, inside }
    }

    /// The network's own arithmetic: all that isn't executed inside a function.
    pub fn own(&self) -> &Kinds {
        &self.own
    }
    /// What is executed inside functions.
    pub fn inside(&self) -> &Kinds {
        &self.inside
    }
    /// Evaluations of `function`.
    pub fn evaluations(&self, function: Function) -> u128 {
        self.functions[function as usize]
    }
    /// The functions that are evaluated, with the number of evaluations.
    pub fn functions(&self) -> impl Iterator<Item = (Function, u128)> {
        Function::ALL.into_iter().zip(self.functions).filter(|(_, count)| *count > 0)
    }
    /// mul + fma of the network's own arithmetic.
    pub fn multiplications(&self) -> u128 {
        self.own.multiplications()
    }
    /// add + fma of the network's own arithmetic.
    pub fn additions(&self) -> u128 {
        self.own.additions()
    }
    /// 2·fma + mul + add + div + sqrt + cmp of the network's own arithmetic.
    pub fn flops(&self) -> u128 {
        self.own.flops()
    }
    /// Whether there are none.
    pub fn is_none(&self) -> bool {
        *self == Ops::NONE
    }

    /// Both together.
    ///
    /// # Errors
    /// [`Overflow`] if a sum exceeds 128 bits.
    pub fn plus(&self, other: &Ops) -> Result<Ops, Overflow> {
        let mut functions = self.functions;
        for ((sum, count), function) in functions.iter_mut().zip(other.functions).zip(Function::ALL) {
            *sum = sum.checked_add(count).ok_or(Overflow { what: function.name() })?;
        }
        Ok(Ops { own: self.own.plus(&other.own)?, functions, inside: self.inside.plus(&other.inside)? })
    }

    /// All of it `n` times.
    ///
    /// # Errors
    /// [`Overflow`] if a product exceeds 128 bits.
    pub fn times(&self, n: u128) -> Result<Ops, Overflow> {
        let mut functions = self.functions;
        for (count, function) in functions.iter_mut().zip(Function::ALL) {
            *count = count.checked_mul(n).ok_or(Overflow { what: function.name() })?;
        }
        Ok(Ops { own: self.own.times(n)?, functions, inside: self.inside.times(n)? })
    }

    /// What a level without fused multiply-add executes instead: each fma, inside functions too, is a mul and an add.
    pub fn unfused(&self) -> Ops {
        Ops { own: self.own.unfused(), functions: self.functions, inside: self.inside.unfused() }
    }
}

/// The kinds of the own arithmetic as [`Kinds`] has them, `functions` (a map of the evaluated ones by name) and
/// `inside_functions` (the same kinds).
impl Serialize for Ops {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.serialize_entries(&mut map)?;
        map.end()
    }
}

impl Ops {
    /// The entries of a serialised count.
    pub(crate) fn serialize_entries<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        self.own.serialize_entries(map)?;
        map.serialize_entry("functions", &Functions(self))?;
        map.serialize_entry("inside_functions", &self.inside)
    }
}

struct Functions<'a>(&'a Ops);

impl Serialize for Functions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.functions().map(|(function, count)| (function.name(), count)))
    }
}
