//! The counting token: forwards to any other token, and counts what goes through it.
//!
//! Kernels don't know of it: they are written against [`Simd`], and this is one. What it wraps decides lanes, registers
//! and results, so a counted kernel executes exactly what an uncounted one does, in the same order.
//!
//! A function that is compiled on its own counts into a local of its own, which nothing else can reach. So the
//! compiler keeps the counts in registers, and has one addition for all operations of a loop's body.
//!
//! Every operation of every kernel is compiled with its count, at every level: so a count is two additions without a
//! branch, and the token no more than two words, which are passed as such.

use std::cell::Cell;

use nxm_kernels::{Element, Function, Kernel, Simd};

use crate::kind::{Kind, Kinds};
use crate::ops::Ops;
use crate::tally::Tally;
use crate::traffic::Traffic;

/// Counts of one run of one kernel, on one thread. (64 bits hold what a processor executes in decades.)
#[derive(Debug, Default)]
pub struct Counts {
    own: Operations,
    functions: [Lanes; Function::ALL.len()],
    inside: Operations,
    memory: Bytes,
}

/// Bytes that loads and stores ask for.
#[derive(Debug, Default)]
struct Bytes {
    loaded: Cell<u64>,
    stored: Cell<u64>,
}

impl Bytes {
    #[inline(always)]
    fn load<T>(&self, elements: usize) {
        self.loaded.set(self.loaded.get() + (elements * size_of::<T>()) as u64);
    }
    #[inline(always)]
    fn store<T>(&self, elements: usize) {
        self.stored.set(self.stored.get() + (elements * size_of::<T>()) as u64);
    }
    fn absorb(&self, other: &Bytes) {
        self.loaded.set(self.loaded.get() + other.loaded.get());
        self.stored.set(self.stored.get() + other.stored.get());
    }
}

/// Lanes of one kind of operation.
#[derive(Debug, Default)]
struct Lanes {
    useful: Cell<u64>,
    executed: Cell<u64>,
}

impl Lanes {
    #[inline(always)]
    fn count(&self, useful: usize, executed: usize) {
        self.useful.set(self.useful.get() + useful as u64);
        self.executed.set(self.executed.get() + executed as u64);
    }

    fn add(&self, other: &Lanes) {
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

/// Lanes of every kind. (Fields and not an array: nothing has to be indexed.)
#[derive(Debug, Default)]
struct Operations {
    fma: Lanes,
    mul: Lanes,
    add: Lanes,
    div: Lanes,
    sqrt: Lanes,
    cmp: Lanes,
    convert: Lanes,
}

impl Operations {
    fn of(&self, kind: Kind) -> &Lanes {
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

    fn absorb(&self, other: &Operations) {
        for kind in Kind::ALL {
            self.of(kind).add(other.of(kind));
        }
    }

    fn kinds(&self, lanes: fn(&Lanes) -> u128) -> Kinds {
        Kinds::new(Kind::ALL.map(|kind| (kind, lanes(self.of(kind))))).expect("64-bit counts add up in 128 bits")
    }
}

impl Counts {
    /// What was counted.
    pub fn tally(&self) -> Tally {
        let ops = |lanes: fn(&Lanes) -> u128| {
            let functions = std::array::from_fn(|function| lanes(&self.functions[function]));
            Ops::from_parts(self.own.kinds(lanes), functions, self.inside.kinds(lanes))
        };
        Tally { useful: ops(Lanes::useful), padding: ops(Lanes::padding) }
    }

    /// The bytes that its loads and stores asked for.
    pub fn requested(&self) -> Traffic {
        Traffic { read: self.memory.loaded.get().into(), written: self.memory.stored.get().into() }
    }
}

/// Where a token counts: among a kernel's own operations, or among those inside the functions it evaluates.
#[derive(Clone, Copy, Debug)]
struct Book<'a> {
    operations: &'a Operations,
    /// What evaluations are counted into, and the book of their inside; none inside, for a function that another one calls is
    /// a part of it.
    functions: Option<(&'a [Lanes; Function::ALL.len()], &'a Book<'a>)>,
    memory: &'a Bytes,
}

impl Book<'_> {
    /// Adds what a called kernel counted. Called while a function is evaluated, all of it is inside that function.
    ///
    /// Not inlined: it is called once for each kernel that another one calls, and would be most of their code.
    #[inline(never)]
    fn absorb(&self, called: &Counts) {
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

/// The token `S`, counted into a [`Counts`].
#[derive(Clone, Copy, Debug)]
pub struct Counting<'a, S> {
    token: S,
    book: &'a Book<'a>,
    /// How many of a vector's lanes matter.
    lanes: usize,
}

impl<'a, S> Counting<'a, S> {
    /// Counts an operation on a vector.
    #[inline(always)]
    fn vector<T: Element>(self, lanes: &Lanes)
    where
        S: Simd<T>,
    {
        lanes.count(self.lanes, S::LANES);
    }

    /// Counts a multiply-add on a vector, as what it is executed as.
    #[inline(always)]
    fn multiply_add<T: Element>(self)
    where
        S: Simd<T>,
    {
        if const { S::FUSED } {
            self.vector(&self.book.operations.fma);
        } else {
            self.vector(&self.book.operations.mul);
            self.vector(&self.book.operations.add);
        }
    }

    /// Counts a load that converts f32 to `T`; to f32 itself there is nothing to convert.
    #[inline(always)]
    fn widening<T: Element>(self)
    where
        S: Simd<T>,
    {
        if const { size_of::<T>() > size_of::<f32>() } {
            self.vector(&self.book.operations.convert);
        }
    }

    /// Counts the folding of a vector: n lanes that matter are folded by n − 1 operations.
    #[inline(always)]
    fn fold<T: Element>(self, lanes: &Lanes)
    where
        S: Simd<T>,
    {
        lanes.count(self.lanes.saturating_sub(1), S::FOLD_LANES);
    }

    /// Counts the folding of as many vectors as there are lanes, all at once: n results that matter are (LANES − 1)·n useful
    /// operations of (LANES − 1)·LANES.
    #[inline(always)]
    fn fold_each<T: Element>(self, lanes: &Lanes)
    where
        S: Simd<T>,
    {
        lanes.count((S::LANES - 1) * self.lanes, (S::LANES - 1) * S::LANES);
    }
}

/// A kernel that runs another one with its token counted, and returns the counts beside its output.
#[derive(Debug)]
pub struct CountingKernel<K> {
    kernel: K,
    /// How many of a vector's lanes matter, at most.
    lanes: usize,
}

impl<K> CountingKernel<K> {
    /// `kernel`, counted; all lanes matter.
    pub fn new(kernel: K) -> Self {
        CountingKernel { kernel, lanes: usize::MAX }
    }
}

impl<T: Element, K: Kernel<T>> Kernel<T> for CountingKernel<K> {
    type Output = (K::Output, Counts);
    #[inline(always)]
    fn run<S: Simd<T>>(self, token: S) -> (K::Output, Counts) {
        let counts = Counts::default();
        let memory = &counts.memory;
        let inside = Book { operations: &counts.inside, functions: None, memory };
        let own = Book { operations: &counts.own, functions: Some((&counts.functions, &inside)), memory };
        let output = self.kernel.run(Counting { token, book: &own, lanes: self.lanes.min(S::LANES) });
        (output, counts)
    }
}

impl<'a, T: Element, S: Simd<T>> Simd<T> for Counting<'a, S> {
    type Vector = S::Vector;
    type Mask = S::Mask;
    type Block = S::Block;
    type One = Counting<'a, S::One>;

    const LANES: usize = S::LANES;
    const REGISTERS: usize = S::REGISTERS;
    const FUSED: bool = S::FUSED;
    const FOLD_LANES: usize = S::FOLD_LANES;

    #[inline(always)]
    fn one(self) -> Counting<'a, S::One> {
        Counting { token: self.token.one(), book: self.book, lanes: 1 }
    }
    #[inline(always)]
    fn splat_block(self, x: T) -> S::Block {
        self.token.splat_block(x)
    }
    #[inline(always)]
    fn call<K: Kernel<T>>(self, kernel: K) -> K::Output {
        let (output, called) = self.token.call(CountingKernel { kernel, lanes: self.lanes });
        self.book.absorb(&called);
        output
    }
    #[inline(always)]
    fn prefetch(self, at: &[T]) {
        self.token.prefetch(at);
    }
    #[inline(always)]
    fn narrow(self, lanes: usize) -> Self {
        Counting { token: self.token.narrow(lanes), lanes: self.lanes.min(lanes), ..self }
    }
    #[inline(always)]
    fn inside(self, function: Function) -> Self {
        let token = self.token.inside(function);
        let Some((functions, inside)) = self.book.functions else { return Counting { token, ..self } };
        functions[function as usize].count(self.lanes, S::LANES);
        Counting { token, book: inside, ..self }
    }

    // Loads and stores are bytes.
    #[inline(always)]
    fn broadcast(self, from: &T) -> S::Vector {
        self.book.memory.load::<T>(1);
        self.token.broadcast(from)
    }
    #[inline(always)]
    fn load(self, from: &[T]) -> S::Vector {
        self.book.memory.load::<T>(S::LANES);
        self.token.load(from)
    }
    #[inline(always)]
    fn load_partial(self, from: &[T]) -> S::Vector {
        self.book.memory.load::<T>(from.len());
        self.token.load_partial(from)
    }
    #[inline(always)]
    fn load_partial_or(self, from: &[T], fill: T) -> S::Vector {
        self.book.memory.load::<T>(from.len());
        self.token.load_partial_or(from, fill)
    }
    #[inline(always)]
    fn store(self, v: S::Vector, to: &mut [T]) {
        self.book.memory.store::<T>(S::LANES);
        self.token.store(v, to);
    }
    #[inline(always)]
    fn store_partial(self, v: S::Vector, to: &mut [T]) {
        self.book.memory.store::<T>(to.len());
        self.token.store_partial(v, to);
    }
    #[inline(always)]
    fn copy(self, from: &[T], to: &mut [T]) {
        self.book.memory.load::<T>(from.len());
        self.book.memory.store::<T>(to.len());
        self.token.copy(from, to);
    }
    #[inline(always)]
    fn fill(self, x: T, to: &mut [T]) {
        self.book.memory.store::<T>(to.len());
        self.token.fill(x, to);
    }

    // Moving numbers about is no arithmetic.
    #[inline(always)]
    fn splat(self, x: T) -> S::Vector {
        self.token.splat(x)
    }
    #[inline(always)]
    fn select(self, mask: S::Mask, a: S::Vector, b: S::Vector) -> S::Vector {
        self.token.select(mask, a, b)
    }
    #[inline(always)]
    fn keep(self, mask: S::Mask, a: S::Vector) -> S::Vector {
        self.token.keep(mask, a)
    }
    #[inline(always)]
    fn transpose(self, square: &mut [S::Vector]) {
        self.token.transpose(square)
    }

    // Nor are signs and bits.
    #[inline(always)]
    fn neg(self, x: S::Vector) -> S::Vector {
        self.token.neg(x)
    }
    #[inline(always)]
    fn abs(self, x: S::Vector) -> S::Vector {
        self.token.abs(x)
    }
    #[inline(always)]
    fn copy_sign(self, x: S::Vector, sign: S::Vector) -> S::Vector {
        self.token.copy_sign(x, sign)
    }
    #[inline(always)]
    fn bits_add(self, a: S::Vector, b: S::Vector) -> S::Vector {
        self.token.bits_add(a, b)
    }
    #[inline(always)]
    fn bits_sub(self, a: S::Vector, b: S::Vector) -> S::Vector {
        self.token.bits_sub(a, b)
    }
    #[inline(always)]
    fn bits_and(self, a: S::Vector, b: S::Vector) -> S::Vector {
        self.token.bits_and(a, b)
    }
    #[inline(always)]
    fn bits_or(self, a: S::Vector, b: S::Vector) -> S::Vector {
        self.token.bits_or(a, b)
    }
    #[inline(always)]
    fn bits_to_exponent(self, a: S::Vector) -> S::Vector {
        self.token.bits_to_exponent(a)
    }
    #[inline(always)]
    fn exponent_to_bits(self, a: S::Vector) -> S::Vector {
        self.token.exponent_to_bits(a)
    }

    // This is.
    #[inline(always)]
    fn load_widened(self, from: &[f32]) -> S::Vector {
        self.widening();
        self.book.memory.load::<f32>(S::LANES);
        self.token.load_widened(from)
    }
    #[inline(always)]
    fn load_widened_partial_or(self, from: &[f32], fill: f32) -> S::Vector {
        self.widening();
        self.book.memory.load::<f32>(from.len());
        self.token.load_widened_partial_or(from, fill)
    }
    #[inline(always)]
    fn add(self, a: S::Vector, b: S::Vector) -> S::Vector {
        self.vector(&self.book.operations.add);
        self.token.add(a, b)
    }
    #[inline(always)]
    fn sub(self, a: S::Vector, b: S::Vector) -> S::Vector {
        self.vector(&self.book.operations.add);
        self.token.sub(a, b)
    }
    #[inline(always)]
    fn mul(self, a: S::Vector, b: S::Vector) -> S::Vector {
        self.vector(&self.book.operations.mul);
        self.token.mul(a, b)
    }
    #[inline(always)]
    fn div(self, a: S::Vector, b: S::Vector) -> S::Vector {
        self.vector(&self.book.operations.div);
        self.token.div(a, b)
    }
    #[inline(always)]
    fn max(self, a: S::Vector, b: S::Vector) -> S::Vector {
        self.vector(&self.book.operations.cmp);
        self.token.max(a, b)
    }
    #[inline(always)]
    fn min(self, a: S::Vector, b: S::Vector) -> S::Vector {
        self.vector(&self.book.operations.cmp);
        self.token.min(a, b)
    }
    #[inline(always)]
    fn lt(self, a: S::Vector, b: S::Vector) -> S::Mask {
        self.vector(&self.book.operations.cmp);
        self.token.lt(a, b)
    }
    #[inline(always)]
    fn sqrt(self, x: S::Vector) -> S::Vector {
        self.vector(&self.book.operations.sqrt);
        self.token.sqrt(x)
    }
    #[inline(always)]
    fn mul_add(self, a: S::Vector, b: S::Vector, c: S::Vector) -> S::Vector {
        self.multiply_add();
        self.token.mul_add(a, b, c)
    }
    #[inline(always)]
    fn neg_mul_add(self, a: S::Vector, b: S::Vector, c: S::Vector) -> S::Vector {
        self.multiply_add();
        self.token.neg_mul_add(a, b, c)
    }
    #[inline(always)]
    fn reduce_add(self, v: S::Vector) -> T {
        self.fold(&self.book.operations.add);
        self.token.reduce_add(v)
    }
    #[inline(always)]
    fn reduce_add_each(self, square: &mut [S::Vector]) -> S::Vector {
        self.fold_each(&self.book.operations.add);
        self.token.reduce_add_each(square)
    }
    #[inline(always)]
    fn reduce_max(self, v: S::Vector) -> T {
        self.fold(&self.book.operations.cmp);
        self.token.reduce_max(v)
    }
}
