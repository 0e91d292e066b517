//! Panels: B and A copied into the order in which tiles read them.

use super::tile::{ContiguousColumns, Rhs, row};
use crate::element::Lane;
use crate::matrix::MatrixRef;
use crate::simd::{Kernel, MAX_LANES, Simd, load_some};

/// Copies `b` into panels of three vectors of columns: panel after panel, in each row after row. A panel's last vector may be
/// ragged; its missing lanes are zero.
#[inline(always)]
pub(super) fn pack<'a, T: Lane, S: Simd<T>>(simd: S, b: MatrixRef<'_, T>, packed: &'a mut [T]) -> Rhs<'a, T> {
    let (k, n, panel) = (b.rows(), b.cols(), 3 * S::LANES);
    let packed = &mut packed[..k * n.next_multiple_of(S::LANES)];
    if b.col_stride() == 1 {
        simd.call(PackRows { b, panel, out: packed });
    } else {
        for j in (0..n).step_by(panel) {
            let cols = panel.min(n - j);
            let width = cols.next_multiple_of(S::LANES);
            let part = b.block(0, j, k, cols);
            let out = &mut packed[j * k..][..k * width];
            if part.row_stride() == 1 {
                simd.call(PackTransposed { b: part, width, out });
            } else {
                pack_any(simd, part, width, out);
            }
        }
    }
    Rhs::Packed { panels: packed, depth: k, first: 0, cols: n, panel, grain: S::LANES }
}

/// Rows of B are contiguous: each is read in order, as the processor's prefetcher likes it, and dealt out to the panels. A
/// function of its own.
struct PackRows<'a, T> {
    b: MatrixRef<'a, T>,
    panel: usize,
    out: &'a mut [T],
}

impl<T: Lane> Kernel<T> for PackRows<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let (k, n) = (self.b.rows(), self.b.cols());
        let whole = n / self.panel * self.panel;
        let (panels, last) = self.out.split_at_mut(whole * k);
        for p in 0..k {
            let (from, rest) = self.b.row(p).split_at(whole);
            for (from, to) in from.chunks_exact(3 * S::LANES).zip(panels.chunks_exact_mut(self.panel * k)) {
                let to = &mut to[p * self.panel..];
                for (v, vector) in row::<T, S, 3>(simd, from).iter().enumerate() {
                    simd.store(*vector, &mut to[v * S::LANES..]);
                }
            }
            let width = rest.len().next_multiple_of(S::LANES);
            for (v, from) in rest.chunks(S::LANES).enumerate() {
                simd.store(load_some(simd, from), &mut last[p * width + v * S::LANES..]);
            }
        }
    }
}

/// Columns of B are contiguous: squares of LANES × LANES are transposed in registers. A function of its own.
struct PackTransposed<'a, T> {
    b: MatrixRef<'a, T>,
    width: usize,
    out: &'a mut [T],
}

impl<T: Lane> Kernel<T> for PackTransposed<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let (k, n) = (self.b.rows(), self.b.cols());
        for j in (0..n).step_by(S::LANES) {
            let columns = self.b.block(0, j, k, S::LANES.min(n - j));
            for p in (0..k).step_by(S::LANES) {
                let square = transposed(simd, columns, p);
                let out = &mut self.out[p * self.width + j..];
                if k - p >= S::LANES {
                    for l in 0..S::LANES {
                        simd.store(square[l], &mut out[l * self.width..]);
                    }
                } else {
                    // By value: what is indexed by a variable can't stay in registers, and the other branch's can.
                    for (l, v) in square.into_iter().enumerate().take(k - p) {
                        simd.store(v, &mut out[l * self.width..]);
                    }
                }
            }
        }
    }
}

/// Rows p, p + 1, … of `b`, whose columns are contiguous and at most a vector's lanes: as many as there are of LANES rows; what
/// lies outside is zero.
#[inline(always)]
pub(super) fn transposed<T: Lane, S: Simd<T>>(simd: S, b: MatrixRef<'_, T>, p: usize) -> [S::Vector; MAX_LANES] {
    let (n, k) = (b.cols(), S::LANES.min(b.rows() - p));
    let (data, stride) = (&b.data()[p..], b.col_stride());
    let mut square = [simd.splat(T::ZERO); MAX_LANES];
    // The whole square is told apart, so that it stays in registers.
    if n == S::LANES && k == S::LANES {
        for (r, v) in square.iter_mut().enumerate().take(S::LANES) {
            *v = simd.load(&data[r * stride..]);
        }
    } else {
        for (r, v) in square.iter_mut().enumerate().take(S::LANES) {
            if r < n {
                *v = simd.load_partial(&data[r * stride..][..k]);
            }
        }
    }
    simd.transpose(&mut square[..S::LANES]);
    square
}

/// Neither way contiguous: element by element.
#[inline(always)]
fn pack_any<T: Lane, S: Simd<T>>(simd: S, b: MatrixRef<'_, T>, width: usize, out: &mut [T]) {
    let one = simd.one();
    for (p, to) in out.chunks_exact_mut(width).enumerate() {
        for (j, to) in to.chunks_mut(1).enumerate() {
            one.store(if j < b.cols() { one.broadcast(&b.at(p, j)) } else { T::ZERO }, to);
        }
    }
}

/// Copies `a` into panels of the heights that tiles have, panel after panel, in each column after column.
#[inline(always)]
pub(super) fn pack_lhs<'a, T: Lane, S: Simd<T>>(
    simd: S,
    a: MatrixRef<'_, T>,
    packed: &'a mut [T],
) -> ContiguousColumns<'a, T> {
    let (m, k) = (a.rows(), a.cols());
    let packed = &mut packed[..m * k];
    let mut i = 0;
    if S::REGISTERS >= 32 {
        i = pack_panels::<T, S, 8>(simd, a, i, packed);
    }
    i = pack_panels::<T, S, 4>(simd, a, i, packed);
    i = pack_panels::<T, S, 3>(simd, a, i, packed);
    i = pack_panels::<T, S, 2>(simd, a, i, packed);
    pack_panels::<T, S, 1>(simd, a, i, packed);
    ContiguousColumns::packed(packed, m, k)
}

/// The panels of R rows from row i on; returns the next row.
#[inline(always)]
fn pack_panels<T: Lane, S: Simd<T>, const R: usize>(
    simd: S,
    a: MatrixRef<'_, T>,
    mut i: usize,
    packed: &mut [T],
) -> usize {
    let (k, one) = (a.cols(), simd.one());
    while a.rows() - i >= R {
        let (panel, _) = packed[i * k..(i + R) * k].as_chunks_mut::<R>();
        let rows = a.block(i, 0, R, k);
        for (p, column) in panel.iter_mut().enumerate() {
            if a.row_stride() == 1 {
                simd.copy(&rows.transpose().row(p)[..R], column);
            } else {
                for (r, to) in column.chunks_mut(1).enumerate() {
                    one.store(one.broadcast(&rows.at(r, p)), to);
                }
            }
        }
        i += R;
    }
    i
}
