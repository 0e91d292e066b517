//! y ← Aᵀ·x: one chain of fma over the rows of A for each element of y.
//!
//! ```text
//! if y fits the registers
//!   for each row                       8 chains: what two fma units of four cycles' latency want
//! else
//!   for each 4 rows                    A is read in order, as 4 streams that a prefetcher can follow
//!     for each 8 vectors of y          in L1; read and written once for 4 rows
//!       for each row of them           8 fma
//! ```

use crate::element::Lane;
use crate::matrix::MatrixRef;
use crate::simd::{Kernel, Simd, load_some, store_some};

/// Vectors of y that stay in registers.
const STRIP: usize = 8;
/// Rows that are read at once.
const ROWS: usize = 4;

/// y ← Aᵀ·x, rows of A contiguous.
pub(super) struct GemvTransposed<'a, T> {
    pub(super) a: MatrixRef<'a, T>,
    pub(super) x: &'a [T],
    pub(super) y: &'a mut [T],
}

impl<T: Lane> Kernel<T> for GemvTransposed<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let GemvTransposed { a, x, y } = self;
        if y.len() <= STRIP * S::LANES {
            return narrow(simd, a, x, y);
        }
        simd.fill(T::ZERO, y);
        let mut i = 0;
        while i + ROWS <= x.len() {
            let (mut of_a, mut of_x): ([&[T]; ROWS], [&T; ROWS]) = ([&[]; ROWS], [&x[i]; ROWS]);
            for r in 0..ROWS {
                (of_a[r], of_x[r]) = (a.row(i + r), &x[i + r]);
            }
            rows::<T, S, ROWS>(simd, of_a, of_x, y);
            i += ROWS;
        }
        while i < x.len() {
            rows::<T, S, 1>(simd, [a.row(i)], [&x[i]], y);
            i += 1;
        }
    }
}

/// All of y in registers.
#[inline(always)]
fn narrow<T: Lane, S: Simd<T>>(simd: S, a: MatrixRef<'_, T>, x: &[T], y: &mut [T]) {
    match y.len() / S::LANES {
        0 | 1 => strips::<T, S, 1>(simd, a, x, y),
        2 | 3 => strips::<T, S, 2>(simd, a, x, y),
        4..STRIP => strips::<T, S, 4>(simd, a, x, y),
        // Exactly so many.
        _ => strip::<T, S, STRIP>(simd, a, x, 0, y),
    }
}

/// V vectors of y at a time, then single ones, the last perhaps ragged.
#[inline(always)]
fn strips<T: Lane, S: Simd<T>, const V: usize>(simd: S, a: MatrixRef<'_, T>, x: &[T], y: &mut [T]) {
    let (cols, mut j) = (y.len(), 0);
    while j + V * S::LANES <= cols {
        strip::<T, S, V>(simd, a, x, j, &mut y[j..j + V * S::LANES]);
        j += V * S::LANES;
    }
    while j < cols {
        let lanes = S::LANES.min(cols - j);
        simd.call(Single { a, x, j, y: &mut y[j..j + lanes] });
        j += lanes;
    }
}

/// The whole chains of V vectors of columns, of which j is the first.
#[inline(always)]
fn strip<T: Lane, S: Simd<T>, const V: usize>(simd: S, a: MatrixRef<'_, T>, x: &[T], j: usize, y: &mut [T]) {
    let mut sums = [simd.splat(T::ZERO); V];
    for (i, x) in x.iter().enumerate() {
        let (x, row) = (simd.broadcast(x), &a.row(i)[j..j + V * S::LANES]);
        for (sum, a) in sums.iter_mut().zip(row.chunks_exact(S::LANES)) {
            *sum = simd.mul_add(x, simd.load(a), *sum);
        }
    }
    for (sum, y) in sums.into_iter().zip(y.chunks_exact_mut(S::LANES)) {
        simd.store(sum, y);
    }
}

/// The whole chains of columns j .. j + `y.len()`, at most a vector: a function of its own, for it has several callers.
struct Single<'x, 'a, T> {
    a: MatrixRef<'a, T>,
    x: &'x [T],
    j: usize,
    y: &'x mut [T],
}

impl<T: Lane> Kernel<T> for Single<'_, '_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Single { a, x, j, y } = self;
        let simd = simd.narrow(y.len());
        let mut sum = simd.splat(T::ZERO);
        for (i, x) in x.iter().enumerate() {
            sum = simd.mul_add(simd.broadcast(x), load_some(simd, &a.row(i)[j..j + y.len()]), sum);
        }
        store_some(simd, sum, y);
    }
}

/// R links more of every chain.
#[inline(always)]
fn rows<T: Lane, S: Simd<T>, const R: usize>(simd: S, mut rows: [&[T]; R], x: [&T; R], y: &mut [T]) {
    let cols = y.len();
    for row in &mut rows {
        *row = &row[..cols];
    }
    let mut splats = [simd.splat(T::ZERO); R];
    for (splat, x) in splats.iter_mut().zip(x) {
        *splat = simd.broadcast(x);
    }
    let mut j = 0;
    while j + STRIP * S::LANES <= cols {
        let y = &mut y[j..j + STRIP * S::LANES];
        let mut sums = [simd.splat(T::ZERO); STRIP];
        for (sum, y) in sums.iter_mut().zip(y.chunks_exact(S::LANES)) {
            *sum = simd.load(y);
        }
        for (row, x) in rows.iter().zip(&splats) {
            let row = &row[j..j + STRIP * S::LANES];
            for (sum, a) in sums.iter_mut().zip(row.chunks_exact(S::LANES)) {
                *sum = simd.mul_add(*x, simd.load(a), *sum);
            }
        }
        for (sum, y) in sums.iter().zip(y.chunks_exact_mut(S::LANES)) {
            simd.store(*sum, y);
        }
        j += STRIP * S::LANES;
    }
    while j < cols {
        let lanes = S::LANES.min(cols - j);
        let simd = simd.narrow(lanes);
        let y = &mut y[j..j + lanes];
        let mut sum = load_some(simd, y);
        for (row, x) in rows.iter().zip(&splats) {
            sum = simd.mul_add(*x, load_some(simd, &row[j..j + lanes]), sum);
        }
        store_some(simd, sum, y);
        j += lanes;
    }
}
