//! How a product is cut into blocks, and which operands are copied for it: one function for each block size, [`kc`], [`mc`] and [`nc`].
//!
//! The sizes fit an L1 of 32 KiB, an L2 of 1 MiB and an L3 of 8 MiB, or more. With half of that nothing falls off a cliff: what no longer fits
//! is then streamed from the next cache, one panel at a time.

use crate::layout::Strides;
use crate::level::VectorShape;

/// Bytes of a panel of B, KC × 3 vectors: a sixth of L2. A tile reads 3 vectors of it in 12 cycles, a quarter of what L2 gives. So the panel
/// need not fit L1, and a deep panel means few rounds of reading and writing C.
const PANEL_BYTES: usize = 160 << 10;
/// Bytes of a block of A, MC × KC: a quarter of L2. Every panel of B reads the block again.
const A_BYTES: usize = 256 << 10;
/// Bytes of a packed block of B, KC × NC: half of L2. It is used as soon as it is packed, and again for every block of A.
pub(super) const B_BYTES: usize = 512 << 10;
/// Bytes of a packed block of B where A is packed, too: half of L3. Every block of B packs all of A again, so there should be few. Each block of
/// A reads each panel from L3 once.
const WIDE_B_BYTES: usize = 4 << 20;
/// Bytes of a block of C, MC × NC, if an epilogue follows: half of L2. The epilogue runs on whole rows of the block rather than on tiles. A
/// tile's rows are three vectors: too few to hide a function's latency and to read memory in order.
const SUMS_BYTES: usize = 512 << 10;
/// MC is a multiple of this many rows. It fits the tiles, of which the highest has 8 rows, and whole vectors where the epilogue takes the rows of
/// a block as one row.
const BLOCK_ROWS: usize = 16;
/// With fewer rows of A than this, packing a B of contiguous rows takes longer than it saves.
pub(crate) const FEW_ROWS: usize = 16;
/// With fewer rows of A than this, a B of contiguous rows is read in place if it fits [`CACHED_BYTES`]. On levels of 16 registers, its rows must
/// not crowd L1 either (see [`CROWD`]).
const SOME_ROWS: usize = 256;
/// [`SOME_ROWS`] for levels of 16 registers where rows of B lie an odd multiple of [`CROWD`] apart, so that they share two sets of L1. The 12
/// sums of such a level's tile take too little time for the next lines to arrive from L2, so packing pays earlier. Where rows share one set, an
/// even multiple apart, it pays from [`FEW_ROWS`] on.
const CROWDED_ROWS: usize = 48;
/// Bytes of a B that L3 may hold: all of L3. A larger B comes from memory, which is read best in order, and packing does so.
const CACHED_BYTES: usize = 8 << 20;
/// With fewer columns of B than this, packing an A whose rows or columns are contiguous takes longer than it saves.
const PACK_COLS: usize = 256;
/// Bytes of a block of B that is always read in place: half of L1, where it stays as it is.
const IN_PLACE_BYTES: usize = 16 << 10;
/// Rows of B that lie a multiple of this many bytes apart share at most two of the 64 sets of an L1 (64 sets × lines of 64 bytes = 4096 bytes).
const CROWD: usize = 2048;
/// The largest span, in bytes, of a block of B whose rows crowd L1 and that is read in place: twice an L2. Such rows fill the same sets of L2 as
/// others of their length do, and each row is fetched long before it is needed.
const REACH: usize = 2 << 20;

/// What follows a product, as far as the sizes of its blocks depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Following {
    /// Nothing.
    Nothing,
    /// A change of C, element by element.
    InPlace,
    /// An update of C by the sums. They stand beside C, and must be complete.
    Update,
}

/// A product C ← A·B without its numbers: A of rows × inner, B of inner × cols, in elements of some size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProductShape {
    /// Rows of A and C.
    pub rows: usize,
    /// Columns of A, rows of B: the length of every sum.
    pub inner: usize,
    /// Columns of B and C.
    pub cols: usize,
    /// How A is laid out.
    pub a: Strides,
    /// How B is laid out; none if it was packed beforehand ([`PackedMatrix`](crate::PackedMatrix)).
    pub b: Option<Strides>,
    /// What follows.
    pub following: Following,
    /// Bytes of an element.
    pub size: usize,
}

impl ProductShape {
    /// Whether it is one row against a B whose columns are contiguous: then each element of C is the dot product of two contiguous
    /// vectors, and is computed as one.
    #[inline(always)]
    pub fn is_dot_products(&self) -> bool {
        let by_columns = self.b.is_some_and(|b| b.row == 1 && b.col != 1);
        by_columns && self.rows == 1 && self.inner > 0 && self.a.col == 1
    }

    /// Whether A and B are contiguous in one direction and so small that they stay in L1: then nothing is copied or cut into blocks.
    #[inline(always)]
    fn is_small(&self) -> bool {
        let b_in_place = self.b.is_none_or(|b| b.col == 1);
        let contiguous = self.a.col == 1 || self.a.row == 1;
        b_in_place
            && contiguous
            && self.bytes(self.inner, self.cols).max(self.bytes(self.rows, self.inner)) <= IN_PLACE_BYTES
            && (self.following == Following::Nothing || self.bytes(self.rows, self.cols) <= SUMS_BYTES)
    }

    /// Whether what follows the product needs complete sums that C can't hold in the meantime: then k is one block.
    #[inline(always)]
    fn needs_whole_sums(&self) -> bool {
        self.following == Following::Update
    }

    /// Bytes of rows × cols elements, at most `usize::MAX`.
    #[inline(always)]
    fn bytes(&self, rows: usize, cols: usize) -> usize {
        rows.saturating_mul(cols).saturating_mul(self.size)
    }

    /// Bytes of so many elements, at least 1: to divide by.
    #[inline(always)]
    fn bytes_of(&self, elements: usize) -> usize {
        self.bytes(elements, 1).max(1)
    }

    /// Whether `depth` contiguous columns of A do not fit the sets of L1 that they fall into (64 sets of 8 ways). Columns share few sets if the
    /// distance between them is a multiple of a large power of two.
    #[inline(always)]
    fn crowded(&self, depth: usize) -> bool {
        let bytes = self.a.col.saturating_mul(self.size);
        let sets = 64 >> bytes.trailing_zeros().saturating_sub(6).min(6);
        depth > sets * 8
    }
}

/// How a product is cut into blocks, and what is copied for it: a function of its shape and of the level's vectors alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocking {
    /// The product is one block, and nothing is copied: A and B fit L1.
    Whole,
    /// Blocks of these sizes.
    Blocks {
        /// Whether tiles read B in place, without a copy.
        b_in_place: bool,
        /// Whether A's blocks are copied.
        pack_a: bool,
        /// MC, rows of a block of A and C.
        rows: usize,
        /// KC, columns of a block of A, rows of a block of B.
        depth: usize,
        /// NC, columns of a block of B and C.
        cols: usize,
    },
}

impl Blocking {
    /// The blocks of one thread's product, whose [`ProductShape::is_dot_products`] is false. Sides may be of any size.
    #[inline(always)]
    pub fn new(product: &ProductShape, vectors: VectorShape) -> Blocking {
        // Asked first: the divisions in `blocks` take longer than a small product.
        if product.is_small() { Blocking::Whole } else { Blocking::blocks(product, vectors) }
    }

    #[inline(never)]
    fn blocks(product: &ProductShape, vectors: VectorShape) -> Blocking {
        let panel = 3 * vectors.lanes;
        let b = in_place(product, vectors);
        let depth = kc(product, &b, panel);
        let pack_a = packs_a(product, depth);
        let cols = nc(product, &b, pack_a, depth, panel);
        Blocking::Blocks { b_in_place: b.b_in_place, pack_a, rows: mc(product, depth, cols), depth, cols }
    }
}

/// KC, the depth of a block: a panel of B, KC × 3 vectors, fits a sixth of L2 ([`PANEL_BYTES`]), because every tile streams a panel from there.
fn kc(product: &ProductShape, b: &InPlace, panel: usize) -> usize {
    let k = product.inner;
    // One block where C can't hold the sums of a first one, and where a B in place meets few rows of A or is small.
    let one_block = product.needs_whole_sums() || product.b.is_some() && b.b_in_place && b.few;
    // Otherwise blocks of equal depth.
    let blocks = match one_block {
        true => 1,
        false => product.bytes(k, panel).div_ceil(PANEL_BYTES).max(k.div_ceil(b.deepest.max(1))).max(1),
    };
    k.div_ceil(blocks).max(1)
}

/// NC, the columns of a block: a packed block of B, KC × NC, fits half of L2 ([`B_BYTES`]), because all blocks of A read it; half of L3
/// ([`WIDE_B_BYTES`]) where A is packed again for each block of B. A B in place is one block.
fn nc(product: &ProductShape, b: &InPlace, pack_a: bool, kc: usize, panel: usize) -> usize {
    let n = product.cols;
    if b.b_in_place {
        return n;
    }
    let bytes = if pack_a { WIDE_B_BYTES } else { B_BYTES };
    let widest = (bytes / product.bytes_of(kc)).max(panel);
    // Blocks of equal width, of whole panels.
    n.div_ceil(n.div_ceil(widest).max(1)).next_multiple_of(panel)
}

/// MC, the rows of a block: a block of A, MC × KC, fits a quarter of L2 ([`A_BYTES`]), because all panels of B read it. If an epilogue follows, a
/// block of C, MC × NC, fits half of L2 ([`SUMS_BYTES`]), because the epilogue reads it there.
fn mc(product: &ProductShape, kc: usize, nc: usize) -> usize {
    let of_a = A_BYTES / product.bytes_of(kc);
    let rows = match product.following {
        Following::Nothing => of_a,
        _ => of_a.min(SUMS_BYTES / product.bytes_of(nc.min(product.cols))),
    };
    // At least one tile, however deep the block is.
    rows.max(1).next_multiple_of(BLOCK_ROWS)
}

/// Whether blocks of A are copied: if neither rows nor columns of A are contiguous, and for many columns of B if A's columns crowd L1.
fn packs_a(product: &ProductShape, kc: usize) -> bool {
    let a = product.a;
    let contiguous = a.col == 1 || a.row == 1;
    !contiguous || product.cols >= PACK_COLS && a.col != 1 && product.crowded(kc.min(product.inner))
}

/// Whether B is read in place, without a copy.
struct InPlace {
    b_in_place: bool,
    /// Whether A has too few rows, or B too few bytes, for a copy of B to pay.
    few: bool,
    /// The most rows of B that a block in place may have.
    deepest: usize,
}

fn in_place(product: &ProductShape, vectors: VectorShape) -> InPlace {
    let &ProductShape { rows: m, inner: k, cols: n, b, .. } = product;
    let b_bytes = product.bytes(k, n);
    let few = m < FEW_ROWS || b_bytes <= IN_PLACE_BYTES;
    let (b_in_place, deepest) = match b {
        None => (true, k),
        Some(b) if b.col != 1 => (false, k),
        Some(_) if few => (true, k),
        Some(b) if m < SOME_ROWS && b_bytes <= CACHED_BYTES => {
            let stride = b.row.saturating_mul(product.size);
            let deepest = if stride.is_multiple_of(CROWD) { REACH / stride.max(1) } else { k };
            // 24 sums take long enough for the next lines to arrive from L2, 12 do not.
            let rows = match vectors.registers {
                ..32 if stride.is_multiple_of(2 * CROWD) => FEW_ROWS,
                ..32 if stride.is_multiple_of(CROWD) => CROWDED_ROWS,
                _ => SOME_ROWS,
            };
            (m < rows && !(product.needs_whole_sums() && deepest < k), deepest)
        }
        Some(_) => (false, k),
    };
    InPlace { b_in_place, few, deepest }
}
