//! The outer product of a column and a row, in which nothing is summed.

use std::hint::black_box;

use crate::element::Lane;
use crate::matrix::{MatrixMut, MatrixRef};
use crate::simd::{Kernel, Simd, store_some};
use crate::update::{Gradients, OuterRow};

/// C ← x·yᵀ, x a column and y a row: row after row, as C is written best.
pub(super) struct Outer<'a, T> {
    pub(super) x: MatrixRef<'a, T>,
    pub(super) y: MatrixRef<'a, T>,
    pub(super) c: MatrixMut<'a, T>,
}

impl<T: Lane> Kernel<T> for Outer<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Outer { x, y, mut c } = self;
        // As many elements of a row as both have: whole vectors, if both are padded.
        let (cols, len) = (c.cols(), c.touched(S::LANES).min(y.touched(S::LANES)));
        let y = y.padded_row(0, len);
        for i in 0..c.rows() {
            let row = OuterRow { x: simd.broadcast(&x.data()[i * x.row_stride()]), delta: y };
            let (to, mut j) = (c.padded_row(i, len), 0);
            while j + S::LANES <= len {
                let simd = simd.narrow(S::LANES.min(cols - j));
                simd.store(row.whole(simd, j), &mut to[j..j + S::LANES]);
                j += S::LANES;
            }
            if j < len {
                // Hidden from a compiler that would make a loop for each length, and leave out the lanes that it does not store.
                let (simd, rest) = (simd.narrow(cols - j), black_box(len - j));
                store_some(simd, row.some(simd, j, rest), &mut to[j..j + rest]);
            }
        }
    }
}
