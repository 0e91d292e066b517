//! The register tile, and how C is covered with tiles.

use std::ops::Range;

use super::{Destination, Init};
use crate::element::Lane;
use crate::matrix::{MatrixMut, MatrixRef};
use crate::simd::{Kernel, Simd, store_some};

/// A, by the way its elements are contiguous.
pub(super) trait Lhs<T>: Copy {
    /// Rows i .. i + R of A.
    type Tile<const R: usize>: LhsTile<T, R>;
    /// Rows.
    fn rows(self) -> usize;
    /// Columns: the length of every sum.
    fn depth(self) -> usize;
    /// Rows i .. i + R.
    fn tile<const R: usize>(self, i: usize) -> Self::Tile<R>;
}

/// R rows of A, read column by column.
pub(super) trait LhsTile<T, const R: usize> {
    /// Its first k columns: said before the loop over k, so that the loop need not check each element.
    fn first(self, k: usize) -> Self;
    /// Column p.
    fn column(&self, p: usize) -> [T; R];
}

/// Rows of A are contiguous: the forward pass and the input gradient.
#[derive(Clone, Copy)]
pub(super) struct ContiguousRows<'a, T>(pub(super) MatrixRef<'a, T>);

pub(super) struct RowsTile<'a, T, const R: usize>([&'a [T]; R]);

impl<'a, T: Lane> Lhs<T> for ContiguousRows<'a, T> {
    type Tile<const R: usize> = RowsTile<'a, T, R>;
    #[inline(always)]
    fn rows(self) -> usize {
        self.0.rows()
    }
    #[inline(always)]
    fn depth(self) -> usize {
        self.0.cols()
    }
    #[inline(always)]
    fn tile<const R: usize>(self, i: usize) -> RowsTile<'a, T, R> {
        // Loops and no closures, here and below: one that is not inlined costs a call for each element.
        let mut rows: [&[T]; R] = [&[]; R];
        for (r, row) in rows.iter_mut().enumerate() {
            *row = self.0.row(i + r);
        }
        RowsTile(rows)
    }
}

impl<T: Lane, const R: usize> LhsTile<T, R> for RowsTile<'_, T, R> {
    #[inline(always)]
    fn first(mut self, k: usize) -> Self {
        for row in &mut self.0 {
            *row = &row[..k];
        }
        self
    }
    #[inline(always)]
    fn column(&self, p: usize) -> [T; R] {
        let mut column = [T::ZERO; R];
        for (element, row) in column.iter_mut().zip(self.0) {
            *element = row[p];
        }
        column
    }
}

/// A tile's elements of a column are contiguous: the weight gradient, or any A that was packed.
#[derive(Clone, Copy)]
pub(super) struct ContiguousColumns<'a, T> {
    data: &'a [T],
    rows: usize,
    depth: usize,
    /// Between columns; none if packed, where panels of R rows follow each other, column after column in each.
    stride: Option<usize>,
}

impl<'a, T: Lane> ContiguousColumns<'a, T> {
    /// As it stands; its columns are contiguous.
    #[inline(always)]
    pub(super) fn in_place(a: MatrixRef<'a, T>) -> Self {
        ContiguousColumns { data: a.data(), rows: a.rows(), depth: a.cols(), stride: Some(a.col_stride()) }
    }
    /// Packed.
    #[inline(always)]
    pub(super) fn packed(data: &'a [T], rows: usize, depth: usize) -> Self {
        ContiguousColumns { data, rows, depth, stride: None }
    }
}

pub(super) struct ColumnsTile<'a, T> {
    data: &'a [T],
    stride: usize,
}

impl<'a, T: Lane> Lhs<T> for ContiguousColumns<'a, T> {
    type Tile<const R: usize> = ColumnsTile<'a, T>;
    #[inline(always)]
    fn rows(self) -> usize {
        self.rows
    }
    #[inline(always)]
    fn depth(self) -> usize {
        self.depth
    }
    #[inline(always)]
    fn tile<const R: usize>(self, i: usize) -> ColumnsTile<'a, T> {
        match self.stride {
            // With no columns there may be no data either.
            Some(stride) => ColumnsTile { data: self.data.get(i..).unwrap_or_default(), stride },
            None => ColumnsTile { data: &self.data[i * self.depth..], stride: R },
        }
    }
}

impl<T: Lane, const R: usize> LhsTile<T, R> for ColumnsTile<'_, T> {
    #[inline(always)]
    fn first(self, _: usize) -> Self {
        self
    }
    #[inline(always)]
    fn column(&self, p: usize) -> [T; R] {
        *self.data[p * self.stride..].first_chunk().expect("the tile lies inside the matrix")
    }
}

/// B, as tiles read it.
#[derive(Clone, Copy)]
pub(super) enum Rhs<'a, T> {
    /// As it stands; its rows are contiguous.
    InPlace(MatrixRef<'a, T>),
    /// Panels of `panel` columns, in each row after row.
    Packed {
        /// The panels.
        panels: &'a [T],
        /// Rows of a panel.
        depth: usize,
        /// The first row that counts.
        first: usize,
        /// Columns.
        cols: usize,
        /// Columns of a whole panel.
        panel: usize,
        /// The last panel has as many columns as are left, rounded up to a multiple of this.
        grain: usize,
    },
}

impl<'a, T: Lane> Rhs<'a, T> {
    #[inline(always)]
    fn cols(self) -> usize {
        match self {
            Rhs::InPlace(b) => b.cols(),
            Rhs::Packed { cols, .. } => cols,
        }
    }
    /// Columns, and the padding behind them that may be read.
    #[inline(always)]
    fn width(self) -> usize {
        match self {
            Rhs::InPlace(b) => b.width(),
            // Whole vectors, whatever the level.
            Rhs::Packed { cols, grain, .. } => cols.next_multiple_of(grain),
        }
    }
    /// How many vectors a tile at column j may be wide: at most `wish`, and it must end where its panel does.
    #[inline(always)]
    fn widest<S: Simd<T>>(self, j: usize, wish: usize) -> usize {
        match self {
            Rhs::InPlace(_) => wish,
            Rhs::Packed { panel, .. } => wish.min((panel - j % panel) / S::LANES),
        }
    }
    /// From element (0, j) on, and the distance between rows.
    #[inline(always)]
    fn columns_from(self, j: usize) -> (&'a [T], usize) {
        match self {
            Rhs::InPlace(b) => (&b.data()[j.min(b.data().len())..], b.row_stride()),
            Rhs::Packed { panels, depth, first, cols, panel, grain } => {
                let start = j / panel * panel;
                let width = panel.min((cols - start).next_multiple_of(grain));
                (&panels[(start * depth + first * width + j - start).min(panels.len())..], width)
            }
        }
    }
}

/// C covered with tiles of 8 (with 32 registers), 4, 3, 2 and 1 rows: a function of its own. Three rows as one tile and not as two and one,
/// for each tile reads B again.
pub(super) struct RowTiles<'a, T, L> {
    pub(super) a: L,
    pub(super) b: Rhs<'a, T>,
    pub(super) destination: Destination<'a, T>,
}

impl<T: Lane, L: Lhs<T>> Kernel<T> for RowTiles<'_, T, L> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let RowTiles { a, b, mut destination } = self;
        let mut i = 0;
        if const { S::REGISTERS >= 32 } {
            i = cover::<T, S, L, 8>(simd, a, b, &mut destination, i, 3);
        }
        i = cover::<T, S, L, 4>(simd, a, b, &mut destination, i, 3);
        i = cover::<T, S, L, 3>(simd, a, b, &mut destination, i, 3);
        i = cover::<T, S, L, 2>(simd, a, b, &mut destination, i, 4);
        cover::<T, S, L, 1>(simd, a, b, &mut destination, i, 8);
    }
}

/// Covers rows i, i + R, … as long as R whole rows are left, panel after panel of columns; returns the next row.
#[inline(always)]
fn cover<T: Lane, S: Simd<T>, L: Lhs<T>, const R: usize>(
    simd: S,
    a: L,
    b: Rhs<'_, T>,
    destination: &mut Destination<'_, T>,
    first: usize,
    widest: usize,
) -> usize {
    let (m, n) = (a.rows(), b.cols());
    let end = first + (m - first) / R * R;
    if end == first {
        return first;
    }
    let mut j = 0;
    // Loop jr: each panel.
    while j < n {
        // Vectors left, the last one perhaps ragged; tiles are 8, 6, 4, 3, 2 or 1 of them wide.
        let vectors = match (n - j).div_ceil(S::LANES).min(b.widest::<S>(j, widest)) {
            v @ 0..=4 => v,
            5 => 4,
            6 | 7 => 6,
            _ => 8,
        };
        let cols = (vectors * S::LANES).min(n - j);
        let (data, stride) = b.columns_from(j);
        let b = Panel { data, stride, cols, width: (vectors * S::LANES).min(b.width() - j) };
        let init = destination.init.columns(j, cols);
        let rows = first..end;
        let c = destination.c.block(0, j, m, cols);
        let destination = Destination { init, c };
        match vectors {
            1 => simd.call(Tiles::<_, _, R, 1> { a, b, destination, rows }),
            2 => simd.call(Tiles::<_, _, R, 2> { a, b, destination, rows }),
            3 => simd.call(Tiles::<_, _, R, 3> { a, b, destination, rows }),
            4 if const { R <= 2 } => simd.call(Tiles::<_, _, R, 4> { a, b, destination, rows }),
            6 if const { R == 1 } => simd.call(Tiles::<_, _, R, 6> { a, b, destination, rows }),
            8 if const { R == 1 } => simd.call(Tiles::<_, _, R, 8> { a, b, destination, rows }),
            _ => unreachable!("no tile of {R} rows is that wide"),
        }
        j += cols;
    }
    end
}

/// The columns of B that a tile reads.
#[derive(Clone, Copy)]
struct Panel<'a, T> {
    data: &'a [T],
    stride: usize,
    cols: usize,
    /// The same, with so much padding that it is whole vectors, if there is enough.
    width: usize,
}

/// The tiles of R rows and V vectors that stand below each other: a function of its own.
struct Tiles<'a, T, L, const R: usize, const V: usize> {
    a: L,
    b: Panel<'a, T>,
    destination: Destination<'a, T>,
    rows: Range<usize>,
}

/// Sums as long as this last longer than fetching the next tile of C does.
const WORTH_ASKING: usize = 24;

impl<T: Lane, L: Lhs<T>, const R: usize, const V: usize> Kernel<T> for Tiles<'_, T, L, R, V> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Destination { init, mut c } = self.destination;
        let (cols, depth) = (self.b.cols, self.a.depth());
        // Loop ir: each tile.
        for i in self.rows.step_by(R) {
            // C's rows are far apart: without asking, each tile would begin by waiting for all of them.
            if depth >= WORTH_ASKING {
                for r in i + R..c.rows().min(i + 2 * R) {
                    for line in c.row(r).chunks(T::BLOCK) {
                        simd.prefetch(line);
                    }
                }
            }
            tile::<T, S, _, R, V>(simd, self.a.tile::<R>(i), self.b, depth, init, c.block(i, 0, R, cols));
        }
    }
}

/// C ← A·B + init for R rows and V vectors of columns, of which the last may be ragged.
///
/// k·R·cols fma, cols rounded up to whole vectors executed.
#[inline(always)]
fn tile<T: Lane, S: Simd<T>, A: LhsTile<T, R>, const R: usize, const V: usize>(
    simd: S,
    a: A,
    b: Panel<'_, T>,
    k: usize,
    init: Init<MatrixRef<'_, T>>,
    mut c: MatrixMut<'_, T>,
) {
    let last = b.cols - (V - 1) * S::LANES;
    let (ragged, len) = (simd.narrow(last), c.touched(S::LANES));
    let mut sums = [[simd.splat(T::ZERO); V]; R];
    match init {
        Init::Zero => {}
        Init::Bias(bias) => sums = [row::<T, S, V>(simd, bias.padded_row(0, bias.touched(S::LANES))); R],
        Init::Accumulate => {
            for (r, sums) in sums.iter_mut().enumerate() {
                *sums = row::<T, S, V>(simd, c.padded_row(r, len));
            }
        }
    }
    let a = a.first(k);
    // Loop k: each p of KC.
    for p in 0..k {
        let b_row = row::<T, S, V>(simd, &b.data[p * b.stride..][..b.width]);
        let a_column = a.column(p);
        for r in 0..R {
            let a = simd.broadcast(&a_column[r]);
            for v in 0..V - 1 {
                sums[r][v] = simd.mul_add(a, b_row[v], sums[r][v]);
            }
            sums[r][V - 1] = ragged.mul_add(a, b_row[V - 1], sums[r][V - 1]);
        }
    }
    for (r, sums) in sums.iter().enumerate() {
        let to = c.padded_row(r, len);
        for (v, sum) in sums.iter().enumerate().take(V - 1) {
            simd.store(*sum, &mut to[v * S::LANES..]);
        }
        store_some(simd, sums[V - 1], &mut to[(V - 1) * S::LANES..]);
    }
}

/// V vectors from a row of at most V·LANES and more than (V − 1)·LANES elements.
#[inline(always)]
pub(super) fn row<T: Lane, S: Simd<T>, const V: usize>(simd: S, from: &[T]) -> [S::Vector; V] {
    let mut vectors = [simd.splat(T::ZERO); V];
    for (v, vector) in vectors.iter_mut().enumerate().take(V - 1) {
        *vector = simd.load(&from[v * S::LANES..]);
    }
    vectors[V - 1] = simd.load_partial(&from[(V - 1) * S::LANES..]);
    vectors
}
