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

mod counts;

use nxm_kernels::{Function, Kernel, Lane, Simd};

pub(crate) use counts::Counts;
use counts::{Book, Counter};

/// The token `S`, counted into a [`Counts`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counting<'a, S> {
    token: S,
    book: &'a Book<'a>,
    /// How many of a vector's lanes matter.
    lanes: usize,
}

impl<'a, S> Counting<'a, S> {
    /// Counts an operation on a vector.
    #[inline(always)]
    fn vector<T: Lane>(self, lanes: &Counter)
    where
        S: Simd<T>,
    {
        lanes.count(self.lanes, S::LANES);
    }

    /// Counts a multiply-add on a vector, as what it is executed as.
    #[inline(always)]
    fn multiply_add<T: Lane>(self)
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
    fn widening<T: Lane>(self)
    where
        S: Simd<T>,
    {
        if const { size_of::<T>() > size_of::<f32>() } {
            self.vector(&self.book.operations.convert);
        }
    }

    /// Counts the folding of a vector: n lanes that matter are folded by n − 1 operations.
    #[inline(always)]
    fn fold<T: Lane>(self, lanes: &Counter)
    where
        S: Simd<T>,
    {
        lanes.count(self.lanes.saturating_sub(1), S::FOLD_LANES);
    }
}

/// A kernel that runs another one with its token counted, and returns the counts beside its output.
#[derive(Debug)]
pub(crate) struct CountingKernel<K> {
    kernel: K,
    /// How many of a vector's lanes matter, at most.
    lanes: usize,
}

impl<K> CountingKernel<K> {
    /// `kernel`, counted; all lanes matter.
    pub(crate) fn new(kernel: K) -> Self {
        CountingKernel { kernel, lanes: usize::MAX }
    }
}

impl<T: Lane, K: Kernel<T>> Kernel<T> for CountingKernel<K> {
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

impl<'a, T: Lane, S: Simd<T>> Simd<T> for Counting<'a, S> {
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
    fn reduce_add_each(self, square: &mut [S::Vector], used: usize) -> S::Vector {
        // As many sums as lanes matter, each of the lanes in use; whole vectors are added, one fewer than there are.
        let useful = used.saturating_sub(1) * self.lanes;
        self.book.operations.add.count(useful, (S::LANES - 1) * S::LANES);
        self.token.reduce_add_each(square, used)
    }
    #[inline(always)]
    fn reduce_max(self, v: S::Vector) -> T {
        self.fold(&self.book.operations.cmp);
        self.token.reduce_max(v)
    }
}
