//! Sides of matrices and lengths of vectors: from where on, and with which period, a count is one polynomial for each residue class.

use crate::isa;
use nxm_kernels::{Element, Level};

/// From `from` on a count is, on each residue class modulo `period`, a polynomial of degree at most one in this side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Side {
    from: usize,
    period: usize,
}

/// Heights of tiles, and vectors of their widths: of one row up to eight, of two rows four, of others three; a packed panel has 6 blocks of 64
/// bytes.
const TILE_ROWS: usize = 8;
const TILE_VECTORS: usize = 24;

impl Side {
    /// Lanes of a vector.
    pub fn lanes<T: Element>(level: Level) -> usize {
        isa::lanes(level, size_of::<T>())
    }

    /// Elements that are reduced to one number: short sums up to four blocks of 64 bytes, longer ones four blocks at a time.
    pub fn reduced<T: Element>() -> Side {
        Side { from: 4 * (64 / size_of::<T>()), period: 4 * (64 / size_of::<T>()) }
    }

    /// Columns of a matrix whose rows may be padded to 64 bytes, but for rows of at most half of that.
    pub fn padded<T: Element>() -> Side {
        Side { from: 64 / size_of::<T>(), period: 64 / size_of::<T>() }
    }

    /// Columns that tiles cover: 24 vectors are whole tiles of each width (1, 2, 3, 4, 6, 8). At levels whose vectors are short, whole panels of
    /// 6 blocks are longer.
    pub fn tiled<T: Element>(level: Level) -> Side {
        let (tiles, panel) = (TILE_VECTORS * Side::lanes::<T>(level), 6 * 64 / size_of::<T>());
        Side { from: 0, period: lcm(tiles, panel) }
    }

    /// Rows that tiles cover: heights of 8, 4, 3, 2 and 1. One row has ways of its own, and from 16 rows on B may be copied.
    pub fn rows() -> Side {
        Side { from: 16, period: TILE_ROWS }
    }

    /// Dot products that are folded together, as many as a vector has lanes.
    pub fn folded<T: Element>(level: Level) -> Side {
        Side { from: 0, period: Side::lanes::<T>(level) }
    }

    /// Every length below `from`, and then two of each residue class.
    pub fn points(self) -> std::ops::Range<usize> {
        0..self.from + 2 * self.period
    }

    /// Each point of this side, with each of another.
    pub fn and(self, other: &[usize]) -> impl Iterator<Item = (usize, usize)> {
        self.points().flat_map(move |point| other.iter().map(move |other| (point, *other)))
    }
}

fn lcm(a: usize, b: usize) -> usize {
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x % y);
    }
    a / x * b
}

/// Two points of each residue class, so that a polynomial of degree one is known; and each period is whole vectors and whole tiles.
#[test]
fn every_class_has_two_points() {
    fn check<T: Element>(level: Level) {
        let lanes = Side::lanes::<T>(level);
        let sides = [Side::reduced::<T>(), Side::padded::<T>(), Side::tiled::<T>(level), Side::folded::<T>(level)];
        for side in sides.into_iter().chain([Side::rows()]) {
            let mut times = vec![0; side.period];
            side.points().filter(|point| *point >= side.from).for_each(|point| times[point % side.period] += 1);
            assert!(times.iter().all(|times| *times == 2), "{side:?}");
            assert!((0..side.from).all(|point| side.points().contains(&point)), "{side:?}");
        }
        assert!(sides.iter().all(|side| side.period.is_multiple_of(lanes)));
        for vectors in [1, 2, 3, 4, 6, 8] {
            assert!(Side::tiled::<T>(level).period.is_multiple_of(vectors * lanes), "tiles of {vectors} vectors");
        }
        for rows in [1, 2, 4, 8] {
            assert!(Side::rows().period.is_multiple_of(rows), "tiles of {rows} rows");
        }
    }
    for level in Level::available() {
        check::<f32>(level);
        check::<f64>(level);
    }
}
