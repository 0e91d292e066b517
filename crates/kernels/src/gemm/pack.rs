//! B's panels: what a tile reads in order.

use super::tile::Rhs;
use crate::element::Element;
use crate::matrix::MatrixRef;
use crate::simd::Simd;

/// Lanes of the longest vector of any token.
const MAX_LANES: usize = 16;

/// Copies `b` into panels of `panel` columns: panel after panel, in each row after row. A panel's last vector may be
/// ragged; its missing lanes are zero.
#[inline(always)]
pub(super) fn pack<'a, T: Element, S: Simd<T>>(
    simd: S,
    b: MatrixRef<'_, T>,
    panel: usize,
    packed: &'a mut [T],
) -> Rhs<'a, T> {
    let (k, n) = (b.rows(), b.cols());
    let mut at = 0;
    let mut j = 0;
    while j < n {
        let cols = panel.min(n - j);
        let width = cols.next_multiple_of(S::LANES);
        let out = &mut packed[at..at + k * width];
        let part = b.block(0, j, k, cols);
        if part.col_stride() == 1 {
            pack_rows(simd, part, width, out);
        } else if part.row_stride() == 1 {
            pack_transposed(simd, part, width, out);
        } else {
            pack_any(part, width, out);
        }
        at += k * width;
        j += cols;
    }
    Rhs::Packed { panels: &packed[..at], depth: k, cols: n, panel }
}

/// Rows of B are contiguous: whole vectors are copied.
#[inline(always)]
fn pack_rows<T: Element, S: Simd<T>>(simd: S, b: MatrixRef<'_, T>, width: usize, out: &mut [T]) {
    for (p, to) in out.chunks_exact_mut(width).enumerate() {
        let from = b.row(p);
        let mut from = from.chunks_exact(S::LANES);
        let mut to = to.chunks_exact_mut(S::LANES);
        for (from, to) in from.by_ref().zip(to.by_ref()) {
            simd.store(simd.load(from), to);
        }
        if let Some(to) = to.next() {
            simd.store(simd.load_partial(from.remainder()), to);
        }
    }
}

/// Columns of B are contiguous: squares of LANES × LANES are transposed in registers.
#[inline(always)]
fn pack_transposed<T: Element, S: Simd<T>>(simd: S, b: MatrixRef<'_, T>, width: usize, out: &mut [T]) {
    let (k, n) = (b.rows(), b.cols());
    let columns = b.transpose();
    let mut j = 0;
    while j < n {
        let cols = S::LANES.min(n - j);
        let mut p = 0;
        while p < k {
            let rows = S::LANES.min(k - p);
            let mut square = [simd.splat(T::ZERO); MAX_LANES];
            for (l, v) in square.iter_mut().enumerate().take(cols) {
                let column = &columns.row(j + l)[p..p + rows];
                *v = if rows == S::LANES { simd.load(column) } else { simd.load_partial(column) };
            }
            transpose(simd, &mut square);
            for (l, v) in square.iter().enumerate().take(rows) {
                simd.store(*v, &mut out[(p + l) * width + j..]);
            }
            p += rows;
        }
        j += cols;
    }
}

/// Neither way contiguous: element by element.
#[inline(always)]
fn pack_any<T: Element>(b: MatrixRef<'_, T>, width: usize, out: &mut [T]) {
    for (p, to) in out.chunks_exact_mut(width).enumerate() {
        for (j, to) in to.iter_mut().enumerate() {
            *to = if j < b.cols() { b.at(p, j) } else { T::ZERO };
        }
    }
}

/// Transposes the square of the first LANES vectors: log₂ LANES rounds, each of which interleaves vector i with vector
/// i + LANES/2.
#[inline(always)]
fn transpose<T: Element, S: Simd<T>>(simd: S, square: &mut [S::Vector; MAX_LANES]) {
    let half = S::LANES / 2;
    for _ in 0..S::LANES.ilog2() {
        let before = *square;
        for i in 0..half {
            (square[2 * i], square[2 * i + 1]) = simd.interleave(before[i], before[i + half]);
        }
    }
}
