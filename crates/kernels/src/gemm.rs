//! C ← A·B + (0, bias or C): the product behind all three matrix products of training.
//!
//! The idea: an output element is one chain of fused multiply-adds in the order of k, starting from its bias, from zero or
//! from what C holds. Nothing may change that order (so the bits don't depend on lanes, tiles, blocks or threads), and
//! nothing needs to: vectors run along the columns of C, threads take parts of C, and a block of k that ends early leaves
//! its chain in C, where the next block picks it up.
//!
//! ```text
//! for each block of KC of k                         as deep as a panel of B may be: C is read and written once per block
//!   for each block of NC columns                    B's block, packed, stays in L2, or L3 where A is packed too
//!     pack B[KC × NC] into panels, if it pays       (transposing it, where columns of B are contiguous)
//!     for each block of MC rows                     A's block, MC × KC, stays in L2
//!       for each panel of 3 vectors of columns      B's panel streams from L2 or L1
//!         for each tile of R rows                   R × 3 accumulators stay in registers
//!           for each p of KC                        3 loads, R broadcasts, 3R fma
//! ```
//!
//! The tile is 8 rows × 3 vectors on 32 registers (24 accumulators, 3 of B, 1 of A) and 4 × 3 on 16 (12 + 3 + 1): the
//! fma units want 8 independent chains (2 units × 4 cycles) or more, and 24 fma need 11 loads, 12 need 7, fewer than the
//! two a cycle that the processor has. Batches are mostly powers of two, so rows of 8, 4, 3, 2 and 1 leave no ragged rows;
//! ragged columns are the last vector's business, with a mask.
//!
//! Count: rows·inner·cols fma useful; executed: the same with cols rounded up to whole vectors.

pub(crate) mod epilogue;
mod one_row;
pub(crate) mod operand;
mod pack;
pub(crate) mod plan;
pub(crate) mod strided;
mod tile;

use crate::activation::Activation;
use crate::element::Element;
use crate::executor::Executor;
use crate::level::Shape;
use crate::matrix::{MatrixMut, MatrixRef, ShapeError, check};
use crate::parallel::{Split, WORTH_A_THREAD, for_each_part, parts};
use crate::scratch::Scratch;
use crate::simd::{Kernel, Simd};
use epilogue::{Epilogue, Follow};
use one_row::OneRow;
use operand::{Operand, Source};
use plan::{B_BYTES, Plan, Product};
use tile::{Columns, Rhs, RowTiles, Rows};

/// What the sums of a product start from.
#[derive(Clone, Copy, Debug)]
pub enum Init<'a, T> {
    /// Zero: C ← A·B.
    Zero,
    /// A number for each column: C ← A·B + 1·biasᵀ.
    Bias(&'a [T]),
    /// What C holds: C ← A·B + C.
    Accumulate,
}

/// C ← A·B + (0, bias or C), A of m × k, B of k × n, C of m × n, all with any strides; B may be a
/// [`PackedMatrix`](crate::PackedMatrix).
///
/// Training's three forms: forward `gemm(x, w, Init::Bias(b), a)`, weight gradient `gemm(x.transpose(), delta, …)`, input
/// gradient `gemm(delta, w.transpose(), …)`.
///
/// m·k·n fma. With k = 0 C becomes what the sums start from; with m = 0 or n = 0 nothing happens. NaN and infinity
/// propagate as IEEE 754 says; with `Zero` and `Bias`, C is not read.
///
/// # Errors
/// [`ShapeError`] if the shapes of `a`, `b`, `c` and the bias do not fit together.
pub fn gemm<'a, T: Element>(
    executor: &impl Executor,
    a: MatrixRef<'_, T>,
    b: impl Into<Operand<'a, T>>,
    init: Init<'_, T>,
    c: MatrixMut<'_, T>,
) -> Result<(), ShapeError> {
    let b = b.into();
    check_shapes(a, b.0, init, &c)?;
    strided::gemm_any(executor, a, b, init, c)
}

fn check_shapes<T: Element>(
    a: MatrixRef<'_, T>,
    b: Source<'_, T>,
    init: Init<'_, T>,
    c: &MatrixMut<'_, T>,
) -> Result<(), ShapeError> {
    check("gemm: rows of b against columns of a", a.cols(), b.rows())?;
    check("gemm: rows of c against rows of a", a.rows(), c.rows())?;
    check("gemm: columns of c against columns of b", b.cols(), c.cols())?;
    if let Init::Bias(bias) = init {
        check("gemm: length of the bias against columns of c", c.cols(), bias.len())?;
    }
    Ok(())
}

/// [`gemm()`] with something to follow, on a C whose rows are contiguous. An epilogue that updates C asks for `Init::Zero`.
pub(crate) fn multiply<T: Element>(
    executor: &impl Executor,
    a: MatrixRef<'_, T>,
    b: Operand<'_, T>,
    init: Init<'_, T>,
    c: MatrixMut<'_, T>,
    epilogue: Epilogue<'_, T>,
) -> Result<(), ShapeError> {
    let b = b.0;
    check_shapes(a, b, init, &c)?;
    if c.cols() > 1 {
        check("gemm: column stride of c", 1, c.col_stride())?;
    }
    let (m, k, n) = (a.rows(), a.cols(), b.cols());
    if m == 0 || n == 0 {
        return Ok(());
    }
    let work = m.saturating_mul(n).saturating_mul(k);
    // All columns of such a B are one block.
    let joins_rows = work < WORTH_A_THREAD && k * n * size_of::<T>() <= B_BYTES;
    let product = Gemm { a, b, init, c, epilogue, joins_rows };
    // Whole blocks of columns are dealt out where there are enough of them: then no two threads pack the same part of B.
    let threads = executor.threads();
    let grain = b.grain();
    let by_columns = parts(threads, work, n / grain.max(4 * T::BLOCK));
    let by_rows = parts(threads, work, m / 8);
    if by_columns >= by_rows {
        for_each_part(ByColumns(product), by_columns, grain, &|part| executor.run(part.0));
    } else {
        for_each_part(ByRows(product), by_rows, 8, &|part| executor.run(part.0));
    }
    Ok(())
}

/// One thread's product.
struct Gemm<'a, T> {
    a: MatrixRef<'a, T>,
    b: Source<'a, T>,
    init: Init<'a, T>,
    c: MatrixMut<'a, T>,
    epilogue: Epilogue<'a, T>,
    /// Whether what follows takes the rows of a block without gaps as one row, as the separate kernel does: so it is in products
    /// that neither threads nor blocks cut between columns, for a count must depend on neither.
    joins_rows: bool,
}

/// Cut between columns of B and C.
struct ByColumns<'a, T>(Gemm<'a, T>);
/// Cut between rows of A and C.
struct ByRows<'a, T>(Gemm<'a, T>);

impl<T: Element> Split for ByColumns<'_, T> {
    fn len(&self) -> usize {
        self.0.b.cols()
    }
    fn split(self, at: usize) -> (Self, Self) {
        let Gemm { a, b, init, c, epilogue, joins_rows } = self.0;
        let (b1, b2) = b.split_at_col(at);
        let (c1, c2) = c.split_at_col(at);
        let (e1, e2) = epilogue.split_at_col(at);
        let (init1, init2) = match init {
            Init::Bias(bias) => (Init::Bias(&bias[..at]), Init::Bias(&bias[at..])),
            other => (other, other),
        };
        let first = Gemm { a, b: b1, init: init1, c: c1, epilogue: e1, joins_rows };
        let second = Gemm { a, b: b2, init: init2, c: c2, epilogue: e2, joins_rows };
        (ByColumns(first), ByColumns(second))
    }
}

impl<T: Element> Split for ByRows<'_, T> {
    fn len(&self) -> usize {
        self.0.a.rows()
    }
    fn split(self, at: usize) -> (Self, Self) {
        let Gemm { a, b, init, c, epilogue, joins_rows } = self.0;
        let (m, k) = (a.rows(), a.cols());
        let (c1, c2) = c.split_at_row(at);
        let (e1, e2) = epilogue.split_at_row(at);
        let first = Gemm { a: a.block(0, 0, at, k), b, init, c: c1, epilogue: e1, joins_rows };
        let second = Gemm { a: a.block(at, 0, m - at, k), b, init, c: c2, epilogue: e2, joins_rows };
        (ByRows(first), ByRows(second))
    }
}

impl<T: Element> Kernel<T> for Gemm<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(mut self, simd: S) {
        let (m, k, n) = (self.a.rows(), self.a.cols(), self.b.cols());
        let sums_per_element = if self.epilogue.is_update() { 1 } else { 0 };
        let mut scratch = Scratch::take();
        let planned = Product {
            rows: m,
            inner: k,
            cols: n,
            a: self.a.strides(),
            b: self.b.strides(),
            following: self.epilogue.following(),
            size: size_of::<T>(),
        };
        if let Source::Matrix(b) = self.b
            && planned.is_one_row()
        {
            let mut c = Block::new(self.c, self.epilogue, scratch.slice(n * sums_per_element));
            simd.call(OneRow { a: self.a, b, init: self.init, c: c.sums() });
            return c.follow(simd, self.joins_rows);
        }
        let Plan { small, b_in_place, pack_a, block_rows: mc, block_depth: kc, block_cols: nc } =
            Plan::new(&planned, Shape::of::<T, S>());
        if small {
            let b = self.b.in_place(0, k);
            let mut c = Block::new(self.c, self.epilogue, scratch.slice(m * n * sums_per_element));
            product(simd, self.a, b, self.init, c.sums(), &mut []);
            return c.follow(simd, self.joins_rows);
        }
        let mut p = 0;
        loop {
            let depth = kc.min(k - p);
            // After the first block of k, the chains go on from where they stand in C.
            let init = if p == 0 { self.init } else { Init::Accumulate };
            let last = p + depth >= k;
            let mut j = 0;
            while j < n {
                let cols = nc.min(n - j);
                let b_len = match b_in_place {
                    true => 0,
                    false => (depth * cols.next_multiple_of(S::LANES)).next_multiple_of(T::BLOCK),
                };
                let a_len = if pack_a { (mc.min(m) * depth).next_multiple_of(T::BLOCK) } else { 0 };
                let sums_len = mc.min(m) * cols * sums_per_element;
                let (packed_b, rest) = scratch.slice(b_len + a_len + sums_len).split_at_mut(b_len);
                let (packed_a, sums) = rest.split_at_mut(a_len);
                let b = match self.b {
                    Source::Matrix(b) if !b_in_place => pack::pack(simd, b.block(p, j, depth, cols), packed_b),
                    // All columns at once.
                    b => b.in_place(p, depth),
                };
                let mut i = 0;
                while i < m {
                    let rows = mc.min(m - i);
                    let a = self.a.block(i, p, rows, depth);
                    let init = match init {
                        Init::Bias(bias) => Init::Bias(&bias[j..j + cols]),
                        other => other,
                    };
                    let c = self.c.block(i, j, rows, cols);
                    let epilogue = if last { self.epilogue.block(i, j, rows, cols) } else { Epilogue::None };
                    let mut c = Block::new(c, epilogue, &mut *sums);
                    product(simd, a, b, init, c.sums(), packed_a);
                    c.follow(simd, self.joins_rows);
                    i += rows;
                }
                j += cols;
            }
            p += depth;
            if last {
                break;
            }
        }
    }
}

/// A block of C, what follows its sums, and memory for them where C must wait until they are complete.
struct Block<'a, T> {
    c: MatrixMut<'a, T>,
    epilogue: Epilogue<'a, T>,
    beside: MatrixMut<'a, T>,
}

impl<'a, T: Element> Block<'a, T> {
    #[inline(always)]
    fn new(c: MatrixMut<'a, T>, epilogue: Epilogue<'a, T>, memory: &'a mut [T]) -> Self {
        let beside = match epilogue.is_update() {
            true => MatrixMut::new(memory, c.rows(), c.cols()).expect("memory for the sums of a block"),
            false => MatrixMut::empty(),
        };
        Block { c, epilogue, beside }
    }
    /// Where the sums go.
    #[inline(always)]
    fn sums(&mut self) -> MatrixMut<'_, T> {
        if self.epilogue.is_update() { self.beside.reborrow() } else { self.c.reborrow() }
    }
    /// What follows.
    #[inline(always)]
    fn follow<S: Simd<T>>(self, simd: S, joins_rows: bool) {
        let Block { c, epilogue, beside } = self;
        if !epilogue.is_none() {
            let follow = Follow { epilogue, c, sums: beside };
            simd.call(if joins_rows { follow.into_one_row() } else { follow });
        }
    }
}

/// C ← A·B + init where B's panels and A's block fit the caches; `packed` is memory for A's block, if it pays to copy it.
#[inline(always)]
fn product<T: Element, S: Simd<T>>(
    simd: S,
    a: MatrixRef<'_, T>,
    b: Rhs<'_, T>,
    init: Init<'_, T>,
    c: MatrixMut<'_, T>,
    packed: &mut [T],
) {
    let target = Target { init, c };
    if packed.is_empty() && (a.col_stride() == 1 || a.row_stride() != 1) {
        simd.call(RowTiles { a: Rows(a), b, target });
    } else {
        let a = if packed.is_empty() { Columns::in_place(a) } else { pack::pack_lhs(simd, a, packed) };
        simd.call(RowTiles { a, b, target });
    }
}

/// C, and what its sums start from.
struct Target<'a, T> {
    init: Init<'a, T>,
    c: MatrixMut<'a, T>,
}
