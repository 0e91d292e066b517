//! How a product is cut into blocks, and which operands are copied for it. The sizes of blocks come from the caches: an L1 of 32 KiB or
//! more, an L2 of 1 MiB and an L3 of 8 MiB; on half of that they are no cliff, for what is streamed from the next cache is a panel.

use crate::layout::Strides;
use crate::level::VectorShape;

/// Bytes of B's panel: a sixth of L2. A tile reads 3 vectors of it in 12 cycles, a quarter of what L2 gives, so it need not fit L1,
/// and a deep panel means few rounds of reading and writing C.
const PANEL_BYTES: usize = 160 << 10;
/// Bytes of A's block: a quarter of L2. It is read again for every panel of B.
const A_BYTES: usize = 256 << 10;
/// Bytes of B's packed block: half of L2. It is used as soon as it is packed, and again for every block of A.
pub(super) const B_BYTES: usize = 512 << 10;
/// The same where A is packed, which is done again for every block of B: half of L3. A panel is read from there once for a block of A.
const WIDE_B_BYTES: usize = 4 << 20;
/// Bytes of C's block, if something follows the product: half of L2. It is done on whole rows of a block rather than on tiles: a
/// tile's rows are three vectors, too few for a function's latency to be hidden and for memory to be read in order.
const SUMS_BYTES: usize = 512 << 10;
/// Blocks of C have a multiple of this many rows: whole tiles, and whole vectors where a block's rows are taken as one.
const BLOCK_ROWS: usize = 16;
/// Fewer rows than this do not pay for packing a B whose rows are contiguous.
pub(crate) const FEW_ROWS: usize = 16;
/// As many rows do not either, where B is in the caches and its rows do not crowd them.
const SOME_ROWS: usize = 256;
/// As many do not where they crowd them by halves, and sums are few.
const CROWDED_ROWS: usize = 48;
/// Bytes of a B that may be in the caches, which is to say L3. From memory it is better read in order, as packing does.
const CACHED_BYTES: usize = 8 << 20;
/// Fewer columns than this do not pay for packing an A whose rows or columns are contiguous.
const PACK_COLS: usize = 256;
/// A block of B of at most this many bytes is read in place: it stays in L1 as it is.
const IN_PLACE_BYTES: usize = 16 << 10;
/// Rows this far apart, or a multiple of it, share at most two of the 64 sets of an L1.
const CROWD: usize = 2048;
/// As many bytes, from row to row, may a block in place reach: twice an L2, for such rows fill the same sets of it as others of its
/// length do, and each is read long before it is needed.
const REACH: usize = 2 << 20;

/// What follows a product in its blocks, as far as they depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Following {
    /// Nothing.
    Nothing,
    /// Something that is done to C.
    InPlace,
    /// An update of C by the sums, which therefore stand elsewhere and must be complete.
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

    /// Bytes of rows × cols elements, as many as can be said.
    #[inline(always)]
    fn bytes(&self, rows: usize, cols: usize) -> usize {
        rows.saturating_mul(cols).saturating_mul(self.size)
    }

    /// Bytes of so many elements, to divide by.
    #[inline(always)]
    fn bytes_of(&self, elements: usize) -> usize {
        self.bytes(elements, 1).max(1)
    }

    /// Whether `depth` columns of A, which are contiguous, crowd into fewer lines of an L1 with 64 sets of 8 ways than they
    /// are: so it is when the distance between columns is a multiple of a large power of two.
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
    /// It is so small that it is one block, and nothing is copied.
    Whole,
    /// Blocks.
    Blocks {
        /// Whether tiles read B as it stands.
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
    /// The blocks of one thread's product, whose [`ProductShape::is_dot_products`] is false. Any sides may be asked about.
    #[inline(always)]
    pub fn new(product: &ProductShape, vectors: VectorShape) -> Blocking {
        // Said first: the divisions below take longer than a small product.
        if product.is_small() { Blocking::Whole } else { Blocking::blocks(product, vectors) }
    }

    #[inline(never)]
    fn blocks(product: &ProductShape, vectors: VectorShape) -> Blocking {
        let &ProductShape { inner: k, cols: n, a, following, .. } = product;
        let panel = 3 * vectors.lanes;
        // What follows the last block of k needs the sums, and C can't hold those if it must wait for them.
        let one_block = following == Following::Update;
        let InPlace { b_in_place, few, deepest } = in_place(product, vectors, one_block);
        let contiguous = a.col == 1 || a.row == 1;
        // Blocks of k of equal depth.
        let blocks = match one_block || product.b.is_some() && b_in_place && few {
            true => 1,
            false => product.bytes(k, panel).div_ceil(PANEL_BYTES).max(k.div_ceil(deepest.max(1))).max(1),
        };
        let kc = k.div_ceil(blocks).max(1);
        let pack_a = !contiguous || n >= PACK_COLS && a.col != 1 && product.crowded(kc.min(k));
        // Blocks of columns of equal width.
        let nc = match b_in_place {
            true => n,
            false => {
                let bytes = if pack_a { WIDE_B_BYTES } else { B_BYTES };
                n.div_ceil(n.div_ceil((bytes / product.bytes_of(kc)).max(panel)).max(1)).next_multiple_of(panel)
            }
        };
        // At least one tile of rows, however deep the block; and what follows must find the block in the cache.
        let rows = match following {
            Following::Nothing => A_BYTES / product.bytes_of(kc),
            _ => (A_BYTES / product.bytes_of(kc)).min(SUMS_BYTES / product.bytes_of(nc.min(n))),
        };
        Blocking::Blocks { b_in_place, pack_a, rows: rows.max(1).next_multiple_of(BLOCK_ROWS), depth: kc, cols: nc }
    }
}

/// Whether B is read as it stands.
struct InPlace {
    b_in_place: bool,
    /// Whether that is because few rows of A or few bytes of B don't pay for a copy.
    few: bool,
    /// How deep a block of it may be.
    deepest: usize,
}

fn in_place(product: &ProductShape, vectors: VectorShape, one_block: bool) -> InPlace {
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
            (m < rows && !(one_block && deepest < k), deepest)
        }
        Some(_) => (false, k),
    };
    InPlace { b_in_place, few, deepest }
}
