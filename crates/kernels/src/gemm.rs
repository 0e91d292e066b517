//! C ← A·B + (0, bias or C): the product behind all three matrix products of training.
//!
//! # The idea
//!
//! An element of C is one chain of fused multiply-adds in the order of k. The chain starts from the bias, from zero or from what C holds.
//! No optimisation changes this order, so the bits of C do not depend on lanes, tiles, blocks or threads. Vectors run along the columns of C.
//! Threads take parts of C. A block of k that ends early leaves its chain in C, where the next block continues it.
//!
//! # Blocks, panels and tiles
//!
//! ```text
//!              B, k × n
//!            ┌─────┬──────────────┬─────┐
//!            │     │   block of B │     │               A tile, R × 3 vectors, is one
//!            │     ├────┬────┬────┤     │               register tile. Its R × 3 sums stay
//!            │  KC │pan-│    │    │     │               in registers for all of KC.
//!            │     │el  │    │    │     │
//!            │     ├────┴────┴────┤     │               A panel, KC × 3 vectors, is read
//!            │     │      NC      │     │               by all tiles below it.
//!            └─────┴──────────────┴─────┘
//!    A, m × k         C, m × n
//! ┌──┬──────┬─┐ ┌─────┬──────────────┬─────┐
//! │  │      │ │ │     │              │     │
//! ├──┼──────┼─┤ ├─────┼────┬────┬────┼─────┤
//! │  │block │ │ │     │tile│    │    │     │  R rows
//! │  │of A  │ │ │     ├────┼────┼────┤     │
//! │MC│      │ │ │  MC │tile│    │    │     │  the block of C, MC × NC
//! │  │      │ │ │     ├────┼────┼────┤     │
//! │  │  KC  │ │ │     │tile│    │    │     │
//! ├──┼──────┼─┤ ├─────┼────┴────┴────┼─────┤
//! │  │      │ │ │     │      NC      │     │
//! └──┴──────┴─┘ └─────┴──────────────┴─────┘
//! ```
//!
//! # The loops
//!
//! The names are those of BLIS (Van Zee and van de Geijn 2015), where `jc` stands outside of `pc`. Here `pc` is the outermost loop. A comment
//! with the name stands at each loop, in this file and in `tile.rs`.
//!
//! ```text
//! loop pc   for each block of KC of k                 C is read and written once per block
//!   loop jc   for each block of NC columns            the packed block of B stays in L2; in L3 where A is packed too
//!     pack B[KC × NC] into panels, if that pays       (transposed on the way, where columns of B are contiguous)
//!     loop ic   for each block of MC rows             the block of A, MC × KC, stays in L2
//!       loop jr   for each panel of 3 vectors         the panel of B streams from L2 or L1
//!         loop ir   for each tile of R rows           R × 3 sums stay in registers
//!           loop k    for each p of KC                3 loads, R broadcasts, 3R fma
//! ```
//!
//! Between `ic` and `jr` stands one short list, not a loop: all tiles of 8 rows, then those of 4, 3, 2 and 1. `blocking.rs` has one function for
//! each of KC, NC and MC.
//!
//! # The tricks, and what each costs or gains
//!
//! 1. **Register tile.** 8 rows × 3 vectors on 32 registers (24 sums, 3 of B, 1 of A), 4 × 3 on 16 (12 + 3 + 1). The fma units want 8
//!    independent chains or more (2 units × 4 cycles). 24 fma need 11 loads, 12 need 7: fewer than the two loads a cycle that the processor has.
//! 2. **Heights 8, 4, 3, 2, 1.** Batches are mostly powers of two, so no row is computed for nothing. Cost: five heights are compiled.
//! 3. **A mask on the last vector only.** Ragged columns cost the idle lanes of one vector a row. On AVX2 that vector is loaded behind a branch
//!    and not with `vmaskmovps`, which cost a tenth of a product's speed on Zen 5.
//! 4. **Deep panels.** A panel of 160 KiB need not fit L1, because L2 is fast enough for a tile. With panels of L1's size, a k of 784 = 3·256 + 16
//!    cost four rounds of reading and writing C.
//! 5. **B is packed row by row, a whole block at once.** That is the order the hardware prefetcher likes. Cost: one copy of B. Below a number of
//!    rows the copy does not pay, and tiles read B in place.
//! 6. **A is read in place.** Packing it cost as much as it gained, except for a transposed A whose columns crowd into few sets of L1.
//! 7. **One compiled function per kind of tile** (`Simd::call`). As one function, a product reached 0.81 of the peak; cut into functions it
//!    reaches 0.95 (512³, AVX2).
//! 8. **The next tile of C is prefetched** where sums are 24 or longer. Otherwise each tile would begin by waiting for its rows of C.
//! 9. **Epilogues run on blocks, not on tiles.** A tile's row is three vectors, too few to hide a function's latency (`follow.rs`).
//! 10. **No closures in loops.** Those that the compiler did not inline made a product half as fast.
//!
//! The figures are from `docs/architecture.md`, which says how they were measured.
//!
//! # Cost
//!
//! rows·inner·cols fma useful. Executed: the same with cols rounded up to whole vectors.

pub(crate) mod blocking;
pub(crate) mod follow;
pub(crate) mod operand;
mod outer;
mod pack;
pub(crate) mod strided;
mod tile;

use crate::call::{Call, Op};
use crate::element::{Element, Lane};
use crate::executor::{Executor, Runner};
use crate::gemv::Gemv;
use crate::layout::{Layout, ShapeError, Strides};
use crate::level::VectorShape;
use crate::matrix::{MatrixMut, MatrixRef};
use crate::parallel::{Split, WORTH_A_THREAD, for_each_part, parts};
use crate::scratch::Scratch;
use crate::simd::{Kernel, Simd};
use blocking::{B_BYTES, Blocking, ProductShape};
use follow::{Epilogue, Follow, Gradient, What};
use operand::{Operand, RightFactor};
use outer::Outer;
use tile::{ContiguousColumns, ContiguousRows, Rhs, RowTiles};

/// What the sums of a product start from. `M` is what the bias is given as: a slice, a matrix of one row, …
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Init<M> {
    /// Zero: C ← A·B.
    Zero,
    /// A number for each column: C ← A·B + 1·biasᵀ.
    Bias(M),
    /// What C holds: C ← A·B + C.
    Accumulate,
}

impl<M> Init<M> {
    /// The same with the bias given in another way.
    #[inline(always)]
    pub fn map<N>(&self, to: impl FnOnce(&M) -> N) -> Init<N> {
        match self {
            Init::Zero => Init::Zero,
            Init::Bias(bias) => Init::Bias(to(bias)),
            Init::Accumulate => Init::Accumulate,
        }
    }
}

impl<'a, T: Lane> Init<MatrixRef<'a, T>> {
    /// Columns `first` to `first + cols`.
    #[inline(always)]
    fn columns(self, first: usize, cols: usize) -> Self {
        self.map(|bias| bias.block(0, first, 1, cols))
    }
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
/// One row (m = 1) of a B whose columns are contiguous and whose rows are not, with sums that start from zero, is n dot products
/// ([`dot()`](crate::dot())), with their order of additions: k·n multiplications and (k − 1)·n additions. A packed B never is. Nor is a
/// product whose C has contiguous columns but not rows: it is computed as Cᵀ ← Bᵀ·Aᵀ.
///
/// # Errors
/// [`ShapeError`] if the shapes of `a`, `b`, `c` and the bias do not fit together.
pub fn gemm<'a, T: Element>(
    executor: &dyn Executor,
    a: MatrixRef<'a, T>,
    b: impl Into<Operand<'a, T>>,
    init: Init<&'a [T]>,
    c: MatrixMut<'a, T>,
) -> Result<(), ShapeError> {
    T::run(executor, Call::gemm(a, b.into(), init.map(|bias| MatrixRef::from_row(bias)), c)?, None);
    Ok(())
}

impl<'a, T: Element> Call<'a, T> {
    /// C ← A·B + (0, bias or C): see [`gemm()`].
    ///
    /// # Errors
    /// [`ShapeError`] if the shapes do not fit together.
    pub fn gemm(
        a: MatrixRef<'a, T>,
        b: Operand<'a, T>,
        init: Init<MatrixRef<'a, T>>,
        c: MatrixMut<'a, T>,
    ) -> Result<Self, ShapeError> {
        Call::checked(Op::Gemm { a, b, init, c })
    }
}

/// [`gemm()`] with something to follow, on a C whose rows are contiguous. An epilogue that updates C asks for `Init::Zero`.
#[inline(always)]
pub(crate) fn multiply<T: Lane>(
    runner: &impl Runner,
    a: MatrixRef<'_, T>,
    b: RightFactor<'_, T>,
    init: Init<MatrixRef<'_, T>>,
    c: MatrixMut<'_, T>,
    epilogue: Epilogue<'_, T>,
) {
    let (m, k, n) = (a.rows(), a.cols(), b.cols());
    if m == 0 || n == 0 {
        return;
    }
    let work = m.saturating_mul(n).saturating_mul(k);
    if runner.threads() == 1
        && is_outer(a, b, init, &c, &epilogue)
        && let (RightFactor::Matrix(delta), What::Update(_)) = (b, epilogue.what)
    {
        // The update of one example's step: straight to where it is done.
        let gradient = Gradient::Outer { x: a, delta };
        return runner.run(Follow { epilogue, c, gradient, joins_rows: false });
    }
    // All columns of such a B are one block.
    let joins_rows = work < WORTH_A_THREAD && k.saturating_mul(n).saturating_mul(size_of::<T>()) <= B_BYTES;
    let product = Gemm { a, b, init, c, epilogue, joins_rows };
    // Told apart here: a small product takes less time than moving its operands about.
    match runner.threads() > 1 && work >= 2 * WORTH_A_THREAD {
        true => split(runner, product, work),
        false => runner.run(product),
    }
}

/// Whether a product is an outer product x·yᵀ of rows without gaps that nothing or an update follows: then nothing is summed, and C is
/// done row after row.
#[inline(always)]
fn is_outer<T: Lane>(
    a: MatrixRef<'_, T>,
    b: RightFactor<'_, T>,
    init: Init<MatrixRef<'_, T>>,
    c: &MatrixMut<'_, T>,
    epilogue: &Epilogue<'_, T>,
) -> bool {
    let RightFactor::Matrix(b) = b else { return false };
    let follows = match epilogue.what {
        What::Nothing => true,
        What::Update(_) => epilogue.beside.iter().all(|state| state.has_lines(c.row_stride())),
        _ => false,
    };
    let contiguous = a.row_stride() == 1 && b.layout().has_rows() && c.has_lines();
    a.cols() == 1 && follows && contiguous && matches!(init, Init::Zero)
}

/// A product on several threads.
#[inline(never)]
fn split<T: Lane>(runner: &impl Runner, product: Gemm<'_, T>, work: usize) {
    // Whole blocks of columns are dealt out where there are enough of them: then no two threads pack the same part of B.
    let (threads, grain) = (runner.threads(), product.b.grain());
    let by_columns = parts(threads, work, product.b.cols() / grain.max(4 * T::BLOCK));
    let by_rows = parts(threads, work, product.a.rows() / 8);
    if by_columns >= by_rows {
        for_each_part(ProductByColumns(product), by_columns, grain, &|part| runner.run(part.0));
    } else {
        for_each_part(ProductByRows(product), by_rows, 8, &|part| runner.run(part.0));
    }
}

/// One thread's product.
struct Gemm<'a, T> {
    a: MatrixRef<'a, T>,
    b: RightFactor<'a, T>,
    init: Init<MatrixRef<'a, T>>,
    c: MatrixMut<'a, T>,
    epilogue: Epilogue<'a, T>,
    /// Whether what follows takes the rows of a block without gaps as one row, as the separate kernel does: so it is in products
    /// that neither threads nor blocks cut between columns, for a count must depend on neither.
    joins_rows: bool,
}

/// Cut between columns of B and C.
struct ProductByColumns<'a, T>(Gemm<'a, T>);
/// Cut between rows of A and C.
struct ProductByRows<'a, T>(Gemm<'a, T>);

impl<T: Lane> Split for ProductByColumns<'_, T> {
    fn len(&self) -> usize {
        self.0.b.cols()
    }
    fn split(self, at: usize) -> (Self, Self) {
        let Gemm { a, b, init, c, epilogue, joins_rows } = self.0;
        let n = b.cols();
        let (b1, b2) = b.split_at_col(at);
        let (c1, c2) = c.split_at_col(at);
        let (e1, e2) = epilogue.split_at_col(at);
        let (init1, init2) = (init.columns(0, at), init.columns(at, n - at));
        let first = Gemm { a, b: b1, init: init1, c: c1, epilogue: e1, joins_rows };
        let second = Gemm { a, b: b2, init: init2, c: c2, epilogue: e2, joins_rows };
        (ProductByColumns(first), ProductByColumns(second))
    }
}

impl<T: Lane> Split for ProductByRows<'_, T> {
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
        (ProductByRows(first), ProductByRows(second))
    }
}

impl<T: Lane> Kernel<T> for Gemm<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Gemm { a, b, init, c, epilogue, joins_rows } = self;
        let shape = ProductShape {
            rows: a.rows(),
            inner: a.cols(),
            cols: b.cols(),
            a: a.strides(),
            b: b.strides(),
            following: epilogue.following(),
            size: size_of::<T>(),
        };
        if let (true, RightFactor::Matrix(b)) = (is_outer(a, b, init, &c, &epilogue), b) {
            return match epilogue.what {
                What::Nothing => simd.call(Outer { x: a, y: b, c }),
                _ => simd.call(Follow { epilogue, c, gradient: Gradient::Outer { x: a, delta: b }, joins_rows: false }),
            };
        }
        let dots = match (b, init) {
            (RightFactor::Matrix(b), Init::Zero) if shape.is_dot_products() => Some(b),
            _ => None,
        };
        if dots.is_none()
            && let Blocking::Blocks { b_in_place, pack_a, rows, depth, cols } =
                Blocking::new(&shape, VectorShape::of::<T, S>())
        {
            let blocks = BlockSizes { b_in_place, pack_a, rows, depth, cols };
            return simd.call(InBlocks { product: Gemm { a, b, init, c, epilogue, joins_rows }, blocks });
        }
        let mut scratch = Scratch::none();
        let mut block = Block::new(c, epilogue, &mut scratch);
        match dots {
            Some(b) => simd.call(Gemv { a: b.transpose(), x: a, y: block.sums() }),
            None => whole(simd, a, b.in_place(0, shape.inner), init, block.sums()),
        }
        block.follow(simd, joins_rows);
    }
}

/// The sizes of [`Blocking::Blocks`].
#[derive(Clone, Copy)]
struct BlockSizes {
    b_in_place: bool,
    pack_a: bool,
    rows: usize,
    depth: usize,
    cols: usize,
}

/// A product in blocks: the loops pc, jc and ic. A function of its own.
struct InBlocks<'a, T> {
    product: Gemm<'a, T>,
    blocks: BlockSizes,
}

impl<T: Lane> Kernel<T> for InBlocks<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let InBlocks { product: Gemm { a, b, init, mut c, mut epilogue, joins_rows }, blocks } = self;
        let BlockSizes { b_in_place, pack_a, rows: mc, depth: kc, cols: nc } = blocks;
        let (m, k, n) = (a.rows(), a.cols(), b.cols());
        let (mut packing, mut beside) = (Scratch::take(), Scratch::none());
        let mut p = 0;
        // Loop pc: each block of KC of k.
        loop {
            let depth = kc.min(k - p);
            // After the first block of k, the chains go on from where they stand in C.
            let init = if p == 0 { init } else { Init::Accumulate };
            let last = p + depth >= k;
            let mut j = 0;
            // Loop jc: each block of NC columns.
            while j < n {
                let cols = nc.min(n - j);
                let b_len = match b_in_place {
                    true => 0,
                    false => (depth * cols.next_multiple_of(S::LANES)).next_multiple_of(T::BLOCK),
                };
                let a_len = if pack_a { mc.min(m) * depth } else { 0 };
                let (packed_b, packed_a) = packing.slice(b_len + a_len).split_at_mut(b_len);
                let b = match b {
                    RightFactor::Matrix(b) if !b_in_place => pack::pack(simd, b.block(p, j, depth, cols), packed_b),
                    // All columns at once.
                    b => b.in_place(p, depth),
                };
                let mut i = 0;
                // Loop ic: each block of MC rows.
                while i < m {
                    let rows = mc.min(m - i);
                    let c = c.block(i, j, rows, cols);
                    let follows = if last { epilogue.block(i, j, rows, cols) } else { Epilogue::nothing() };
                    let mut block = Block::new(c, follows, &mut beside);
                    // Loops jr, ir and k: `tile.rs`.
                    product(simd, a.block(i, p, rows, depth), b, init.columns(j, cols), block.sums(), packed_a);
                    block.follow(simd, joins_rows);
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
struct Block<'a, 'b, T> {
    c: MatrixMut<'a, T>,
    epilogue: Epilogue<'a, T>,
    /// Where the sums go, if not to C.
    beside: Option<(&'b mut [T], Layout)>,
}

impl<'a, 'b, T: Lane> Block<'a, 'b, T> {
    #[inline(always)]
    fn new(c: MatrixMut<'a, T>, epilogue: Epilogue<'a, T>, memory: &'b mut Scratch) -> Self {
        let beside = matches!(epilogue.what, What::Update(_)).then(|| {
            // As wide as the weights are: where those are padded, so are their gradients.
            let layout = Layout { strides: Strides::row_major(c.width()), ..c.layout() };
            (memory.slice(c.rows() * c.width()), layout)
        });
        Block { c, epilogue, beside }
    }
    /// Where the sums go.
    #[inline(always)]
    fn sums(&mut self) -> MatrixMut<'_, T> {
        match &mut self.beside {
            Some((memory, layout)) => MatrixMut::with_layout(memory, *layout).expect("memory for the sums of a block"),
            None => self.c.reborrow(),
        }
    }
    /// What follows.
    #[inline(always)]
    fn follow<S: Simd<T>>(self, simd: S, joins_rows: bool) {
        let Block { c, epilogue, beside } = self;
        if matches!(epilogue.what, What::Nothing) {
            return;
        }
        let gradient = match beside {
            Some((memory, layout)) => {
                Gradient::Matrix(MatrixRef::with_layout(memory, layout).expect("memory for the sums of a block"))
            }
            None => Gradient::None,
        };
        simd.call(Follow { epilogue, c, gradient, joins_rows });
    }
}

/// C ← A·B + init where B's panels and A's block fit the caches; `packed` is memory for A's block, if it pays to copy it.
#[inline(always)]
fn product<T: Lane, S: Simd<T>>(
    simd: S,
    a: MatrixRef<'_, T>,
    b: Rhs<'_, T>,
    init: Init<MatrixRef<'_, T>>,
    c: MatrixMut<'_, T>,
    packed: &mut [T],
) {
    let destination = Destination { init, c };
    if packed.is_empty() && (a.col_stride() == 1 || a.row_stride() != 1) {
        simd.call(RowTiles { a: ContiguousRows(a), b, destination });
    } else {
        let a = if packed.is_empty() { ContiguousColumns::in_place(a) } else { pack::pack_lhs(simd, a, packed) };
        simd.call(RowTiles { a, b, destination });
    }
}

/// The same where nothing is copied and A is contiguous, without a function between this one and that of the tiles.
#[inline(always)]
fn whole<T: Lane, S: Simd<T>>(
    simd: S,
    a: MatrixRef<'_, T>,
    b: Rhs<'_, T>,
    init: Init<MatrixRef<'_, T>>,
    c: MatrixMut<'_, T>,
) {
    let destination = Destination { init, c };
    match a.col_stride() == 1 || a.row_stride() != 1 {
        true => RowTiles { a: ContiguousRows(a), b, destination }.run(simd),
        false => RowTiles { a: ContiguousColumns::in_place(a), b, destination }.run(simd),
    }
}

/// C, and what its sums start from.
struct Destination<'a, T> {
    init: Init<MatrixRef<'a, T>>,
    c: MatrixMut<'a, T>,
}
