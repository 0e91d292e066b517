//! Elementwise kernels on the rows of matrices.

use super::{Elementwise, JoinedRows, map_padded};
use crate::element::Lane;
use crate::matrix::{MatrixMut, MatrixRef};
use crate::simd::{Kernel, Simd};

/// An elementwise kernel on each row.
#[inline(always)]
pub(crate) fn map_rows<T: Lane, S: Simd<T>, F: Elementwise<T, N>, const N: usize>(
    simd: S,
    f: F,
    inputs: [MatrixRef<'_, T>; N],
    out: &mut MatrixMut<'_, T>,
) {
    let (cols, len) = (out.cols(), out.touched(S::LANES));
    // Rows of whole vectors that follow each other with their padding are one long row: more of them are in flight.
    let mut flat = len.is_multiple_of(S::LANES) && out.is_flat(len);
    for input in &inputs {
        flat &= input.is_flat(len);
    }
    let (count, n, rows) = match flat {
        true => (1, out.rows() * len, JoinedRows { cols, stride: len }),
        false => (out.rows(), cols, JoinedRows::one(cols)),
    };
    for i in 0..count {
        let mut slices: [&[T]; N] = [&[]; N];
        for (slice, input) in slices.iter_mut().zip(&inputs) {
            *slice = if flat { input.flat(len) } else { input.padded_row(i, input.touched(S::LANES)) };
        }
        let out = if flat { out.lines() } else { out.padded_row(i, len) };
        map_padded(simd, f, n, rows, slices, out);
    }
}

/// [`map_rows`] as a function of its own: one that knows all functions takes a compiler longer than each of them.
#[inline(always)]
pub(crate) fn call_rows<T: Lane, S: Simd<T>, F: Elementwise<T, N>, const N: usize>(
    simd: S,
    f: F,
    inputs: [MatrixRef<'_, T>; N],
    out: &mut MatrixMut<'_, T>,
) {
    simd.call(MapRows { f, inputs: &inputs, out });
}

struct MapRows<'x, 'a, T, F, const N: usize> {
    f: F,
    inputs: &'x [MatrixRef<'x, T>; N],
    out: &'x mut MatrixMut<'a, T>,
}

impl<T: Lane, F: Elementwise<T, N>, const N: usize> Kernel<T> for MapRows<'_, '_, T, F, N> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        map_rows(simd, self.f, *self.inputs, self.out);
    }
}
