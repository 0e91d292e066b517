//! What is counted while a kernel runs: numbers that nothing else can reach.

use std::cell::Cell;

use nxm_kernels::Function;

use crate::kind::{Kind, Kinds};
use crate::ops::Ops;
use crate::tally::Tally;
use crate::traffic::Traffic;

/// Counts of one run of one kernel, on one thread. (64 bits hold what a processor executes in decades.)
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(super) own: ByKind,
    pub(super) functions: [Counter; Function::ALL.len()],
    pub(super) inside: ByKind,
    pub(super) memory: Bytes,
}

/// Bytes that loads and stores ask for.
#[derive(Debug, Default)]
pub(super) struct Bytes {
    loaded: Cell<u64>,
    stored: Cell<u64>,
}

impl Bytes {
    #[inline(always)]
    pub(super) fn load<T>(&self, elements: usize) {
        self.loaded.set(self.loaded.get() + (elements * size_of::<T>()) as u64);
    }
    #[inline(always)]
    pub(super) fn store<T>(&self, elements: usize) {
        self.stored.set(self.stored.get() + (elements * size_of::<T>()) as u64);
    }
    fn absorb(&self, other: &Bytes) {
        self.loaded.set(self.loaded.get() + other.loaded.get());
        self.stored.set(self.stored.get() + other.stored.get());
    }
}

/// Counter of one kind of operation.
#[derive(Debug, Default)]
pub(super) struct Counter {
    useful: Cell<u64>,
    executed: Cell<u64>,
}

impl Counter {
    #[inline(always)]
    pub(super) fn count(&self, useful: usize, executed: usize) {
        self.useful.set(self.useful.get() + useful as u64);
        self.executed.set(self.executed.get() + executed as u64);
    }

    fn add(&self, other: &Counter) {
        self.useful.set(self.useful.get() + other.useful.get());
        self.executed.set(self.executed.get() + other.executed.get());
    }

    fn useful(&self) -> u128 {
        self.useful.get().into()
    }

    fn padding(&self) -> u128 {
        u128::from(self.executed.get()) - self.useful()
    }
}

/// Counter of every kind. (Fields and not an array: nothing has to be indexed.)
#[derive(Debug, Default)]
pub(super) struct ByKind {
    pub(super) fma: Counter,
    pub(super) mul: Counter,
    pub(super) add: Counter,
    pub(super) div: Counter,
    pub(super) sqrt: Counter,
    pub(super) cmp: Counter,
    pub(super) convert: Counter,
}

impl ByKind {
    fn of(&self, kind: Kind) -> &Counter {
        match kind {
            Kind::Fma => &self.fma,
            Kind::Mul => &self.mul,
            Kind::Add => &self.add,
            Kind::Div => &self.div,
            Kind::Sqrt => &self.sqrt,
            Kind::Cmp => &self.cmp,
            Kind::Convert => &self.convert,
        }
    }

    fn absorb(&self, other: &ByKind) {
        for kind in Kind::ALL {
            self.of(kind).add(other.of(kind));
        }
    }

    fn kinds(&self, lanes: fn(&Counter) -> u128) -> Kinds {
        Kinds::new(Kind::ALL.map(|kind| (kind, lanes(self.of(kind))))).expect("64-bit counts add up in 128 bits")
    }
}

impl Counts {
    /// What was counted.
    pub fn tally(&self) -> Tally {
        let ops = |lanes: fn(&Counter) -> u128| {
            let functions = std::array::from_fn(|function| lanes(&self.functions[function]));
            Ops::from_parts(self.own.kinds(lanes), functions, self.inside.kinds(lanes))
        };
        Tally { useful: ops(Counter::useful), padding: ops(Counter::padding) }
    }

    /// The bytes that its loads and stores asked for.
    pub fn requested(&self) -> Traffic {
        Traffic { read: self.memory.loaded.get().into(), written: self.memory.stored.get().into() }
    }
}

/// Where a token counts: among a kernel's own operations, or among those inside the functions it evaluates.
#[derive(Clone, Copy, Debug)]
pub(super) struct Book<'a> {
    pub(super) operations: &'a ByKind,
    /// What evaluations are counted into, and the book of their inside; none inside, for a function that another one calls is
    /// a part of it.
    pub(super) functions: Option<(&'a [Counter; Function::ALL.len()], &'a Book<'a>)>,
    pub(super) memory: &'a Bytes,
}

impl Book<'_> {
    /// Adds what a called kernel counted. Called while a function is evaluated, all of it is inside that function.
    ///
    /// Not inlined: it is called once for each kernel that another one calls, and would be most of their code.
    #[inline(never)]
    pub(super) fn absorb(&self, called: &Counts) {
        self.memory.absorb(&called.memory);
        self.operations.absorb(&called.own);
        match self.functions {
            None => self.operations.absorb(&called.inside),
            Some((functions, inside)) => {
                inside.operations.absorb(&called.inside);
                functions.iter().zip(&called.functions).for_each(|(to, from)| to.add(from));
            }
        }
    }
}
