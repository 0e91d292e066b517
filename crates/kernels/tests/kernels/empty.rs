//! Matrices without elements: no method panics where its documentation does not say so, and none computes a place out of range.

use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};

use nxm_kernels::{
    Cpu, Init, Layout, Level, Matrix, MatrixMut, MatrixRef, PackedMatrix, ShapeError, Strides, gemm, softmax,
};

use crate::catalogue::*;

const MAX: usize = usize::MAX;

/// Shapes without elements.
const SHAPES: [(usize, usize); 11] =
    [(0, 0), (0, 1), (1, 0), (0, 5), (5, 0), (3, 0), (0, 16), (0, MAX), (MAX, 0), (0, MAX / 2), (MAX / 2, 0)];

const STRIDES: [(usize, usize); 8] = [(0, 0), (0, 1), (1, 0), (7, 1), (1, 7), (2, 3), (MAX, 1), (MAX, MAX)];

/// Some indices below n.
fn some_below(n: usize) -> impl Iterator<Item = usize> {
    let last = n.saturating_sub(2)..n;
    (0..n.min(3)).chain(last)
}

fn read(view: MatrixRef<'_, f32>, (rows, cols): (usize, usize)) {
    assert_eq!((view.rows(), view.cols()), (rows, cols));
    assert_eq!((view.layout().rows, view.layout().cols), (rows, cols));
    assert_eq!(view.layout().span(), Some(0));
    assert_eq!(view.to_vec(), []);
    for i in some_below(rows) {
        if view.col_stride() == 1 || cols <= 1 {
            assert_eq!(view.row(i), []);
        }
    }
    for (row, col) in [(0, 0), (rows, 0), (0, cols), (rows, cols), (rows / 2, cols / 2)] {
        let part = view.block(row, col, rows - row, cols - col);
        assert_eq!((part.rows(), part.cols()), (rows - row, cols - col));
        assert_eq!(part.to_vec(), []);
        assert_eq!(view.block(row, col, 0, 0).to_vec(), []);
    }
    let turned = view.transpose();
    assert_eq!((turned.rows(), turned.cols()), (cols, rows));
}

/// Panics if a row of no elements is said to stand elsewhere than `memory`.
fn write(mut view: MatrixMut<'_, f32>, (rows, cols): (usize, usize), memory: RangeInclusive<usize>) {
    assert_eq!((view.rows(), view.cols()), (rows, cols));
    assert_eq!(view.layout().span(), Some(0));
    let rows_stand_in = |view: &mut MatrixMut<'_, f32>| {
        for i in some_below(view.rows()) {
            if view.col_stride() == 1 || view.cols() <= 1 {
                let row = view.row(i);
                assert!(row.is_empty());
                assert!(memory.contains(&(row.as_ptr() as usize)), "row {i} of {rows} × {cols}");
            }
        }
    };
    rows_stand_in(&mut view);
    for (row, col) in [(0, 0), (rows, 0), (0, cols), (rows, cols), (rows / 2, cols / 2)] {
        let mut part = view.block(row, col, rows - row, cols - col);
        assert_eq!((part.rows(), part.cols()), (rows - row, cols - col));
        rows_stand_in(&mut part);
        let (mut above, mut below) = view.reborrow().split_at_row(row);
        assert_eq!((above.rows(), below.rows(), above.cols(), below.cols()), (row, rows - row, cols, cols));
        [&mut above, &mut below].into_iter().for_each(&rows_stand_in);
        let (mut left, mut right) = view.reborrow().split_at_col(col);
        assert_eq!((left.cols(), right.cols(), left.rows(), right.rows()), (col, cols - col, rows, rows));
        [&mut left, &mut right].into_iter().for_each(&rows_stand_in);
    }
    let mut turned = view.transpose();
    assert_eq!((turned.rows(), turned.cols()), (cols, rows));
    rows_stand_in(&mut turned);
    let (mut above, mut below) = turned.split_at_row(cols / 2);
    rows_stand_in(&mut above);
    rows_stand_in(&mut below);
}

#[test]
fn views_without_elements_reach_nothing() {
    for shape @ (rows, cols) in SHAPES {
        for len in [0, 4] {
            let mut data = vec![0.0; len];
            let memory = data.as_ptr() as usize..=data.as_ptr_range().end as usize;
            read(MatrixRef::new(&data, rows, cols).unwrap(), shape);
            read(MatrixRef::new(&data, rows, cols).unwrap().transpose(), (cols, rows));
            write(MatrixMut::new(&mut data, rows, cols).unwrap(), shape, memory.clone());
            write(MatrixMut::new(&mut data, rows, cols).unwrap().transpose(), (cols, rows), memory.clone());
            for (row, col) in STRIDES {
                read(MatrixRef::with_strides(&data, rows, cols, row, col).unwrap(), shape);
                write(MatrixMut::with_stride(&mut data, rows, cols, row).unwrap(), shape, memory.clone());
                write(MatrixMut::with_strides(&mut data, rows, cols, row, col).unwrap(), shape, memory.clone());
                for width in [0, cols, cols.saturating_add(3), MAX] {
                    let layout = Layout { rows, cols, strides: Strides { row, col }, width };
                    read(MatrixRef::with_layout(&data, layout).unwrap(), shape);
                    write(MatrixMut::with_layout(&mut data, layout).unwrap(), shape, memory.clone());
                }
            }
            for block in [8, 16] {
                let layout = Layout::padded(rows, cols, block);
                read(MatrixRef::with_layout(&data, layout).unwrap(), shape);
                write(MatrixMut::with_layout(&mut data, layout).unwrap(), shape, memory.clone());
            }
        }
    }
    read(MatrixRef::from_row(&[]), (1, 0));
    let mut nothing: [f32; 0] = [];
    let at = nothing.as_ptr() as usize;
    write(MatrixMut::from_row(&mut nothing), (1, 0), at..=at);
}

/// Parts of a matrix that has elements, without any.
#[test]
fn parts_without_elements_reach_nothing() {
    let mut data: Vec<f32> = (0..24).map(|x| x as f32).collect();
    let memory = data.as_ptr() as usize..=data.as_ptr_range().end as usize;
    let layouts = [Layout::row_major(3, 4), Layout { width: 7, ..Layout::strided(3, 4, Strides::row_major(8)) }];
    for layout in layouts {
        for (row, col, rows, cols) in
            [(0, 4, 3, 0), (1, 4, 2, 0), (3, 0, 0, 4), (3, 4, 0, 0), (0, 0, 0, 0), (2, 2, 1, 0), (2, 3, 0, 1)]
        {
            read(MatrixRef::with_layout(&data, layout).unwrap().block(row, col, rows, cols), (rows, cols));
            read(MatrixRef::with_layout(&data, layout).unwrap().transpose().block(col, row, cols, rows), (cols, rows));
            let mut view = MatrixMut::with_layout(&mut data, layout).unwrap();
            write(view.block(row, col, rows, cols), (rows, cols), memory.clone());
            let mut view = view.transpose();
            write(view.block(col, row, cols, rows), (cols, rows), memory.clone());
        }
    }
}

/// What is documented to panic does, without elements too.
#[test]
fn an_index_that_is_not_there_panics() {
    fn panics<R>(f: impl FnOnce() -> R) -> bool {
        catch_unwind(AssertUnwindSafe(f)).is_err()
    }
    for (rows, cols) in [(0, 0), (0, 5), (5, 0), (2, 3)] {
        let mut data = vec![0.0f32; rows * cols];
        let view = MatrixRef::new(&data, rows, cols).unwrap();
        assert!(panics(|| view.row(rows)));
        assert!(panics(|| view.at(rows, 0)));
        assert!(panics(|| view.at(0, cols)));
        assert!(panics(|| view.block(0, 0, rows + 1, cols)));
        assert!(panics(|| view.block(0, cols, rows, 1)));
        assert!(panics(|| view.block(1, 0, MAX, cols)));
        let mut view = MatrixMut::new(&mut data, rows, cols).unwrap();
        assert!(panics(|| view.row(rows).len()));
        assert!(panics(|| *view.at(rows, 0)));
        assert!(panics(|| *view.at(0, cols)));
        assert!(panics(|| view.reborrow().split_at_row(rows + 1).0.rows()));
        assert!(panics(|| view.reborrow().split_at_col(cols + 1).0.rows()));
        assert!(panics(|| view.block(0, 0, rows + 1, cols).rows()));
        assert!(panics(|| view.block(0, 1, rows, MAX).rows()));
    }
}

#[test]
fn owned_and_packed_matrices_without_elements_hold_nothing() {
    for (rows, cols) in SHAPES {
        let mut zeros = Matrix::<f64>::zeros(rows, cols).unwrap();
        assert_eq!((zeros.rows(), zeros.cols(), zeros.to_vec()), (rows, cols, vec![]));
        assert_eq!(zeros.view_mut().layout().span(), Some(0));
        assert_eq!(zeros, Matrix::from_rows(&[], rows, cols).unwrap());
        for i in some_below(rows) {
            assert_eq!(zeros.row(i), []);
        }
        let packed = PackedMatrix::new(zeros.view()).unwrap();
        assert_eq!((packed.rows(), packed.cols()), (rows, cols));
    }
}

fn check_kernels<T: Case>() {
    let sizes = [
        [0, 3, 4],
        [3, 0, 4],
        [3, 4, 0],
        [0, 0, 4],
        [0, 4, 0],
        [4, 0, 0],
        [0, 0, 0],
        [1, 0, 0],
        [1, 0, 17],
        [1, 17, 0],
    ];
    for level in Level::available() {
        let cpu = Cpu::new(level, 2);
        for size in sizes {
            for sample in samples::<T>(size, 1) {
                let what = format!("{} of {size:?} at {level}", name(&sample));
                match call(&mut sample.clone()) {
                    Ok(_) => {}
                    // A mean over nothing is none, and no outputs of a softmax are nothing: they sum to 1.
                    Err(error @ (ShapeError::Empty { .. } | ShapeError::Label { .. })) => {
                        let means = ["entropy", "mean", "element_loss", "weigh_rows", "norm", "softmax_gradient"];
                        assert!(means.iter().any(|kernel| name(&sample).contains(kernel)), "{what}: {error}");
                        continue;
                    }
                    Err(error) => panic!("{what}: {error}"),
                }
                let want = outputs(&ran(&sample, &cpu));
                for way in 1..WAYS {
                    let laid = changed(&sample, |i, matrix| {
                        let Layout { rows, cols, .. } = matrix.layout();
                        matrix.laid(laid_out::<T>((way + i) % WAYS, rows, cols))
                    });
                    for (i, (got, want)) in outputs(&ran(&laid, &cpu)).iter().zip(&want).enumerate() {
                        got.assert_nothing_else_was_written(&what);
                        if sum_over_rows(&sample) == Some(i) {
                            continue;
                        }
                        crate::support::assert_same(&got.values(), &want.values(), &what);
                    }
                }
            }
        }
    }
}

#[test]
fn kernels_of_nothing_do_nothing() {
    check_kernels::<f32>();
    check_kernels::<f64>();
}

/// As many rows as can be counted take no time if there is nothing in them.
#[test]
fn kernels_of_many_empty_rows_end() {
    let cpu = Cpu::new(Level::named("scalar").unwrap(), 1);
    softmax::<f32>(&cpu, MatrixMut::new(&mut [], MAX, 0).unwrap()).unwrap();
    let (tall, wide) = (MatrixRef::<f32>::new(&[], MAX, 0).unwrap(), MatrixRef::<f32>::new(&[], 0, MAX).unwrap());
    gemm(&cpu, tall, MatrixRef::new(&[], 0, 0).unwrap(), Init::Zero, MatrixMut::new(&mut [], MAX, 0).unwrap()).unwrap();
    gemm(&cpu, MatrixRef::new(&[], 0, 0).unwrap(), wide, Init::Zero, MatrixMut::new(&mut [], 0, MAX).unwrap()).unwrap();
    let (packed, c) = (PackedMatrix::new(wide).unwrap(), MatrixMut::new(&mut [], 0, MAX).unwrap());
    gemm(&cpu, MatrixRef::new(&[], 0, 0).unwrap(), &packed, Init::Zero, c).unwrap();
}
