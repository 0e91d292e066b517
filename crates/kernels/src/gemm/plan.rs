//! How a product is cut into blocks, and which operands are copied for it. The sizes of blocks come from the caches: an L1 of 32 KiB or
//! more, an L2 of 1 MiB and an L3 of 8 MiB; on half of that they are no cliff, for what is streamed from the next cache is a panel.

use super::Epilogue;
use super::operand::Source;
use crate::element::Element;
use crate::matrix::MatrixRef;
use crate::simd::Simd;

/// Bytes of B's panel: a sixth of L2. A tile reads 3 vectors of it in 12 cycles, a quarter of what L2 gives, so it need not fit L1,
/// and a deep panel means few rounds of reading and writing C.
const PANEL_BYTES: usize = 160 << 10;
/// Bytes of A's block: a quarter of L2. It is read again for every panel of B.
const A_BYTES: usize = 256 << 10;
/// Bytes of B's packed block: half of L2. It is used as soon as it is packed, and again for every block of A.
const B_BYTES: usize = 512 << 10;
/// The same where A is packed, which is done again for every block of B: half of L3. A panel is read from there once for a block of A.
const WIDE_B_BYTES: usize = 4 << 20;
/// Bytes of C's block, if something follows the product: half of L2. It is done on whole rows of a block rather than on tiles: a
/// tile's rows are three vectors, too few for a function's latency to be hidden and for memory to be read in order.
const SUMS_BYTES: usize = 512 << 10;
/// Blocks of C have a multiple of this many rows: whole tiles, and whole vectors where a block's rows are taken as one.
const BLOCK_ROWS: usize = 16;
/// Fewer rows than this do not pay for packing a B whose rows are contiguous.
const FEW_ROWS: usize = 48;
/// As many rows do not either, where B is in the caches and its rows do not crowd them.
const SOME_ROWS: usize = 256;
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

/// Blocks, and what is copied.
pub(super) struct Plan {
    /// Whether everything is so small that there is nothing to cut into blocks.
    pub(super) small: bool,
    /// Whether tiles read B as it stands.
    pub(super) b_in_place: bool,
    /// Whether A's blocks are copied.
    pub(super) pack_a: bool,
    /// Rows of a block.
    pub(super) mc: usize,
    /// Depth of a block.
    pub(super) kc: usize,
    /// Columns of a block.
    pub(super) nc: usize,
}

impl Plan {
    #[inline(always)]
    pub(super) fn new<T: Element, S: Simd<T>>(
        a: MatrixRef<'_, T>,
        b: Source<'_, T>,
        epilogue: &Epilogue<'_, T>,
    ) -> Plan {
        let (m, k, n) = (a.rows(), a.cols(), b.cols());
        let size = size_of::<T>();
        let panel = 3 * S::LANES;
        // What follows the last block of k needs the sums, and C can't hold those if it must wait for them.
        let one_block = epilogue.is_update();
        let few = m < FEW_ROWS || k * n * size <= IN_PLACE_BYTES;
        let (b_in_place, deepest) = match b {
            Source::Packed(_) => (true, k),
            Source::Matrix(b) if b.col_stride() != 1 => (false, k),
            Source::Matrix(_) if few => (true, k),
            Source::Matrix(b) if m < SOME_ROWS && k * n * size <= CACHED_BYTES => {
                let stride = b.row_stride() * size;
                let crowded = stride.is_multiple_of(CROWD);
                let deepest = if crowded { REACH / stride.max(1) } else { k };
                // 24 sums take long enough for the next lines to arrive from L2, 12 do not.
                (!(crowded && S::REGISTERS < 32 || one_block && deepest < k), deepest)
            }
            Source::Matrix(_) => (false, k),
        };
        let contiguous = a.col_stride() == 1 || a.row_stride() == 1;
        let small = b_in_place
            && contiguous
            && (k * n).max(m * k) * size <= IN_PLACE_BYTES
            && (epilogue.is_none() || m * n * size <= SUMS_BYTES);
        // Blocks of k of equal depth.
        let blocks = match one_block || matches!(b, Source::Matrix(_)) && b_in_place && few {
            true => 1,
            false => (k * panel * size).div_ceil(PANEL_BYTES).max(k.div_ceil(deepest.max(1))).max(1),
        };
        let kc = k.div_ceil(blocks).max(1);
        let pack_a = !contiguous || n >= PACK_COLS && a.col_stride() != 1 && crowded(a, kc.min(k));
        // Blocks of columns of equal width.
        let nc = match b_in_place {
            true => n,
            false => {
                let bytes = if pack_a { WIDE_B_BYTES } else { B_BYTES };
                n.div_ceil(n.div_ceil((bytes / (kc * size)).max(panel))).next_multiple_of(panel)
            }
        };
        // At least one tile of rows, however deep the block; and what follows must find the block in the cache.
        let rows = match epilogue.is_none() {
            true => A_BYTES / (kc * size),
            false => (A_BYTES / (kc * size)).min(SUMS_BYTES / (nc.min(n) * size)),
        };
        Plan { small, b_in_place, pack_a, mc: rows.max(1).next_multiple_of(BLOCK_ROWS), kc, nc }
    }
}

/// Whether `depth` columns of A, which are contiguous, crowd into fewer lines of an L1 with 64 sets of 8 ways than they
/// are: so it is when the distance between columns is a multiple of a large power of two.
#[inline(always)]
fn crowded<T>(a: MatrixRef<'_, T>, depth: usize) -> bool {
    let bytes = a.col_stride() * size_of::<T>();
    let sets = 64 >> bytes.trailing_zeros().saturating_sub(6).min(6);
    depth > sets * 8
}
