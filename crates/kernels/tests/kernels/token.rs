//! Token operations that the other tests reach only by way of kernels.
//!
//! Their meaning is a loop over lanes, bit by bit, at every level.

use std::panic::catch_unwind;

use nxm_kernels::{Kernel, Level, Simd};

use crate::support::*;

/// Rows of a square, as long as a vector, folded by the token: one by one, and all at once.
struct Fold<'a, T> {
    rows: &'a [T],
}

impl<T: Float> Kernel<T> for Fold<'_, T> {
    type Output = (Vec<T>, Vec<T>);
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) -> Self::Output {
        let mut square: Vec<S::Vector> = self.rows.chunks_exact(S::LANES).map(|row| simd.load(row)).collect();
        let one_by_one = square.iter().map(|&v| simd.reduce_add(v)).collect();
        let mut at_once = vec![T::GARBAGE; S::LANES];
        let sums = simd.reduce_add_each(&mut square, S::LANES);
        simd.store(sums, &mut at_once);
        (one_by_one, at_once)
    }
}

/// Lane i with lane i + n/2, until one is left.
fn fold<T: Float>(row: &[T]) -> T {
    let mut row = row.to_vec();
    while row.len() > 1 {
        let upper = row.split_off(row.len() / 2);
        row = row.iter().zip(upper).map(|(&a, b)| a + b).collect();
    }
    row[0]
}

fn check_folds<T: Float>(mix: Mix, seed: u64) {
    for level in Level::available() {
        let lanes = level.shape::<T>().lanes;
        let rows = Random::new(seed).mixed::<T>(mix, lanes * lanes);
        let want: Vec<T> = rows.chunks_exact(lanes).map(fold).collect();
        let (one_by_one, at_once) = level.dispatch(Fold { rows: &rows });
        assert_same(&one_by_one, &want, &format!("reduce_add of {mix:?} from {seed} at {level}"));
        assert_same(&at_once, &want, &format!("reduce_add_each of {mix:?} from {seed} at {level}"));
    }
}

#[test]
fn vectors_are_folded_by_one_tree_one_by_one_and_at_once() {
    for mix in Mix::ALL {
        for seed in 0..200 {
            check_folds::<f32>(mix, seed);
            check_folds::<f64>(mix, seed);
        }
    }
}

/// Folds this many vectors at once, of numbers that don't matter.
struct FoldMany(isize);

impl<T: Float> Kernel<T> for FoldMany {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let mut vectors = vec![simd.splat(T::ONE); S::LANES.checked_add_signed(self.0).unwrap()];
        simd.reduce_add_each(&mut vectors, S::LANES);
    }
}

#[test]
fn a_fold_at_once_takes_as_many_vectors_as_lanes() {
    for level in Level::available() {
        for (more, fits) in [(-1, false), (0, true), (1, false)] {
            let single = catch_unwind(|| level.dispatch::<f32, _>(FoldMany(more)));
            let double = catch_unwind(|| level.dispatch::<f64, _>(FoldMany(more)));
            assert_eq!((single.is_ok(), double.is_ok()), (fits, fits), "{more} more vectors at {level}");
        }
    }
}

/// A load or a store of part of a vector, of one element more than there are lanes.
#[derive(Clone, Copy, Debug)]
enum TooLong {
    Load,
    LoadOr,
    LoadWidenedOr,
    Store,
}

impl<T: Float> Kernel<T> for TooLong {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let mut elements = vec![T::ONE; S::LANES + 1];
        let v = match self {
            TooLong::Load => simd.load_partial(&elements),
            TooLong::LoadOr => simd.load_partial_or(&elements, T::ZERO),
            TooLong::LoadWidenedOr => simd.load_widened_partial_or(&vec![1.0; S::LANES + 1], 0.0),
            TooLong::Store => return simd.store_partial(simd.splat(T::ZERO), &mut elements),
        };
        simd.store(v, &mut elements);
    }
}

#[test]
fn a_part_longer_than_a_vector_is_refused() {
    for level in Level::available() {
        for part in [TooLong::Load, TooLong::LoadOr, TooLong::LoadWidenedOr, TooLong::Store] {
            assert!(catch_unwind(|| level.dispatch::<f32, _>(part)).is_err(), "{part:?} of f32 at {level}");
            assert!(catch_unwind(|| level.dispatch::<f64, _>(part)).is_err(), "{part:?} of f64 at {level}");
        }
    }
}
