//! The counting token: forwards to any other token, and counts what goes through it.
//!
//! Kernels don't know of it: they are written against [`Simd`], and this is one. What it wraps decides lanes, registers
//! and results, so a counted kernel executes exactly what an uncounted one does, in the same order.
//!
//! A function that is compiled on its own counts into a local of its own, which nothing else can reach. So the
//! compiler keeps the counts in registers, and has one addition for all operations of a loop's body.

use std::cell::Cell;

use nxm_kernels::{Element, Function, Kernel, Simd};

use crate::kind::{Kind, Kinds};
use crate::ops::Ops;
use crate::tally::Tally;

/// Counts of one run of one kernel, on one thread. (64 bits hold what a processor executes in decades.)
#[derive(Debug, Default)]
pub struct Counts {
    useful: Lanes,
    padding: Lanes,
}

/// The counts of useful lanes, or of padding.
#[derive(Debug, Default)]
struct Lanes {
    own: [Cell<u64>; Kind::ALL.len()],
    inside: [Cell<u64>; Kind::ALL.len()],
    functions: [Cell<u64>; Function::ALL.len()],
}

#[inline(always)]
fn bump(count: &Cell<u64>, by: usize) {
    count.set(count.get() + by as u64);
}

/// Adds the counts of one array to those of another.
fn add<const N: usize>(to: &[Cell<u64>; N], from: &[Cell<u64>; N]) {
    for (to, from) in to.iter().zip(from) {
        to.set(to.get() + from.get());
    }
}

impl Lanes {
    fn ops(&self) -> Ops {
        let read = |count: &Cell<u64>| u128::from(count.get());
        let kinds = |counts: &[Cell<u64>; Kind::ALL.len()]| {
            Kinds::new(Kind::ALL.into_iter().zip(counts.iter().map(read))).expect("64-bit counts add up in 128 bits")
        };
        let functions = std::array::from_fn(|f| read(&self.functions[f]));
        Ops::from_parts(kinds(&self.own), functions, kinds(&self.inside))
    }

    fn absorb(&self, called: &Lanes, inside: bool) {
        if inside {
            add(&self.inside, &called.own);
        } else {
            add(&self.own, &called.own);
            add(&self.functions, &called.functions);
        }
        add(&self.inside, &called.inside);
    }
}

impl Counts {
    /// What was counted.
    pub fn tally(&self) -> Tally {
        Tally { useful: self.useful.ops(), padding: self.padding.ops() }
    }

    /// Adds what a called kernel counted. Called while a function is evaluated, all of it is inside that function.
    ///
    /// Not inlined: it is called once for each kernel that another one calls, and would be most of their code.
    #[inline(never)]
    fn absorb(&self, called: &Counts, inside: bool) {
        self.useful.absorb(&called.useful, inside);
        self.padding.absorb(&called.padding, inside);
    }
}

/// The token `S`, counted into a [`Counts`].
#[derive(Clone, Copy, Debug)]
pub struct Counting<'a, S> {
    token: S,
    counts: &'a Counts,
    /// How many of a vector's lanes matter, at most.
    lanes: usize,
    /// Whether a function is being evaluated.
    inside: bool,
}

impl<'a, S> Counting<'a, S> {
    /// Counts lanes of an operation: those that matter, and those beside them.
    #[inline(always)]
    fn count(self, kind: Kind, useful: usize, padding: usize) {
        let Counts { useful: matter, padding: beside } = self.counts;
        if self.inside {
            bump(&matter.inside[kind as usize], useful);
            bump(&beside.inside[kind as usize], padding);
        } else {
            bump(&matter.own[kind as usize], useful);
            bump(&beside.own[kind as usize], padding);
        }
    }

    /// Counts an operation on a vector.
    #[inline(always)]
    fn vector<T: Element>(self, kind: Kind)
    where
        S: Simd<T>,
    {
        let useful = self.lanes.min(S::LANES);
        self.count(kind, useful, S::LANES - useful);
    }

    /// Counts a multiply-add on a vector, as what it is executed as.
    #[inline(always)]
    fn multiply_add<T: Element>(self)
    where
        S: Simd<T>,
    {
        if S::FUSED {
            self.vector(Kind::Fma);
        } else {
            self.vector(Kind::Mul);
            self.vector(Kind::Add);
        }
    }

    /// Counts a load that converts f32 to `T`; to f32 itself there is nothing to convert.
    #[inline(always)]
    fn widening<T: Element>(self)
    where
        S: Simd<T>,
    {
        if size_of::<T>() > size_of::<f32>() {
            self.vector(Kind::Convert);
        }
    }

    /// Counts the folding of a vector: n lanes that matter are folded by n − 1 operations.
    #[inline(always)]
    fn fold<T: Element>(self, kind: Kind)
    where
        S: Simd<T>,
    {
        let useful = self.lanes.min(S::LANES).saturating_sub(1);
        self.count(kind, useful, S::FOLD_LANES - useful);
    }
}

/// A kernel that runs another one with its token counted, and returns the counts beside its output.
#[derive(Debug)]
pub struct CountingKernel<K> {
    kernel: K,
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
        let output = self.kernel.run(Counting { token, counts: &counts, lanes: self.lanes, inside: false });
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
        Counting { token: self.token.one(), counts: self.counts, lanes: 1, inside: self.inside }
    }
    #[inline(always)]
    fn splat_block(self, x: T) -> S::Block {
        self.token.splat_block(x)
    }
    #[inline(always)]
    fn call<K: Kernel<T>>(self, kernel: K) -> K::Output {
        let (output, called) = self.token.call(CountingKernel { kernel, lanes: self.lanes });
        self.counts.absorb(&called, self.inside);
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
        // A function that another one calls is a part of it.
        if !self.inside {
            let lanes = self.lanes.min(S::LANES);
            bump(&self.counts.useful.functions[function as usize], lanes);
            bump(&self.counts.padding.functions[function as usize], S::LANES - lanes);
        }
        Counting { token: self.token.inside(function), inside: true, ..self }
    }

    // Moving numbers about is no arithmetic.
    #[inline(always)]
    fn splat(self, x: T) -> S::Vector {
        self.token.splat(x)
    }
    #[inline(always)]
    fn load(self, from: &[T]) -> S::Vector {
        self.token.load(from)
    }
    #[inline(always)]
    fn load_partial(self, from: &[T]) -> S::Vector {
        self.token.load_partial(from)
    }
    #[inline(always)]
    fn load_partial_or(self, from: &[T], fill: T) -> S::Vector {
        self.token.load_partial_or(from, fill)
    }
    #[inline(always)]
    fn store(self, v: S::Vector, to: &mut [T]) {
        self.token.store(v, to);
    }
    #[inline(always)]
    fn store_partial(self, v: S::Vector, to: &mut [T]) {
        self.token.store_partial(v, to);
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
        self.token.load_widened(from)
    }
    #[inline(always)]
    fn load_widened_partial_or(self, from: &[f32], fill: T) -> S::Vector {
        self.widening();
        self.token.load_widened_partial_or(from, fill)
    }
    #[inline(always)]
    fn add(self, a: S::Vector, b: S::Vector) -> S::Vector {
        self.vector(Kind::Add);
        self.token.add(a, b)
    }
    #[inline(always)]
    fn sub(self, a: S::Vector, b: S::Vector) -> S::Vector {
        self.vector(Kind::Add);
        self.token.sub(a, b)
    }
    #[inline(always)]
    fn mul(self, a: S::Vector, b: S::Vector) -> S::Vector {
        self.vector(Kind::Mul);
        self.token.mul(a, b)
    }
    #[inline(always)]
    fn div(self, a: S::Vector, b: S::Vector) -> S::Vector {
        self.vector(Kind::Div);
        self.token.div(a, b)
    }
    #[inline(always)]
    fn max(self, a: S::Vector, b: S::Vector) -> S::Vector {
        self.vector(Kind::Cmp);
        self.token.max(a, b)
    }
    #[inline(always)]
    fn min(self, a: S::Vector, b: S::Vector) -> S::Vector {
        self.vector(Kind::Cmp);
        self.token.min(a, b)
    }
    #[inline(always)]
    fn lt(self, a: S::Vector, b: S::Vector) -> S::Mask {
        self.vector(Kind::Cmp);
        self.token.lt(a, b)
    }
    #[inline(always)]
    fn sqrt(self, x: S::Vector) -> S::Vector {
        self.vector(Kind::Sqrt);
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
        self.fold(Kind::Add);
        self.token.reduce_add(v)
    }
    #[inline(always)]
    fn reduce_max(self, v: S::Vector) -> T {
        self.fold(Kind::Cmp);
        self.token.reduce_max(v)
    }
}
