//! Zeros cost what other numbers cost: no kernel skips them.

use crate::cases::{numbers, with_room};
use nxm_count::{Counted, Tally};
use nxm_kernels::{Cpu, Element, Init, Level, MatrixMut, MatrixRef, gemm, gemv, gemv_transposed, ger};

/// What products of a matrix of 9 × 37 with vectors and a matrix execute, if those are all `factor`.
fn executed<T: Element>(level: Level, factor: f64) -> Tally {
    let (rows, cols, inner) = (9, 37, 5);
    let counted = Counted::new(Cpu::new(level, 1));
    let all = |len: usize| vec![T::from_f64(factor); len];
    let mut a: Vec<T> = numbers(rows * cols, 1);
    let (mut per_row, mut per_col) = (all(rows), all(cols));
    gemv_transposed(&counted, MatrixRef::new(&a, rows, cols).unwrap(), &all(rows), &mut per_col).unwrap();
    gemv(&counted, MatrixRef::new(&a, rows, cols).unwrap(), &all(cols), &mut per_row).unwrap();
    ger(&counted, T::ONE, &all(rows), &all(cols), MatrixMut::new(&mut a, rows, cols).unwrap()).unwrap();
    let (left, right) = (all(rows * inner), all(inner * cols));
    let [left, right] = [(&left, rows, inner), (&right, inner, cols)].map(|(m, r, c)| MatrixRef::new(m, r, c).unwrap());
    gemm(&counted, left, right, Init::Zero, MatrixMut::new(&mut a, rows, cols).unwrap()).unwrap();
    counted.total()
}

#[test]
fn zeros_are_not_skipped() {
    with_room(|| {
        for level in Level::available() {
            for zero in [0.0, -0.0] {
                assert_eq!(executed::<f32>(level, zero), executed::<f32>(level, 0.5), "{level}");
                assert_eq!(executed::<f64>(level, zero), executed::<f64>(level, 0.5), "{level}");
            }
        }
    });
}
