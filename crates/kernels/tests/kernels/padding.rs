//! Padding holds anything and changes nothing; and every kernel keeps to its elements and their own padding.

use std::collections::BTreeSet;

use nxm_kernels::call::{Op, Shapes};
use nxm_kernels::{
    Activation, Cpu, ELEMENTS_WORTH_A_THREAD, EVALUATIONS_WORTH_A_THREAD, Layout, Level, Matrix, MatrixMut, MatrixRef,
    Strides, WORTH_A_THREAD, dense_forward,
};

use crate::catalogue::*;
use crate::support::*;

#[test]
fn every_kernel_is_sampled() {
    let names = |all: Vec<&'static str>| all.into_iter().collect::<BTreeSet<_>>();
    let mut sampled: Vec<_> = samples::<f32>([2, 3, 4], 0).iter().map(Op::name).collect();
    sampled.extend(samples::<f64>([2, 3, 4], 0).iter().map(Op::name));
    assert_eq!(names(sampled), names(Op::<Shapes>::NAMES.to_vec()));
}

/// Runs a sample on rows without gaps and laid out as `layouts` say, which are told how many matrices come before; panics if that
/// changes a bit of what is no reduction over several rows, or if anything is written outside.
fn check_layouts<T: Case>(sample: &Sample<T>, cpu: &Cpu, layouts: &[&dyn Fn(usize, Layout) -> Layout]) {
    let want: Vec<Vec<T>> = outputs(&ran(sample, cpu)).iter().map(Buffer::values).collect();
    for (which, layout) in layouts.iter().enumerate() {
        let laid = changed(sample, |i, matrix| matrix.laid(layout(i, matrix.layout())));
        let got = outputs(&ran(&laid, cpu));
        for (i, (got, want)) in got.iter().zip(&want).enumerate() {
            let what = format!("output {i} of {}, layout {which}, on {cpu:?}", name(sample));
            got.assert_nothing_else_was_written(&what);
            if sum_over_rows(sample) == Some(i) && rows_of(sample) > 1 {
                // Terms of one sign, in another order: both err by γₙ at most, and by a rounding or two of what follows the sum.
                let bound = 2.0 * gamma::<T>(elements(sample) + 3) * want[0].to_f64().abs();
                assert_close(&got.values(), want, |_| bound, &what);
            } else {
                assert_same(&got.values(), want, &what);
            }
        }
    }
}

/// Rows of the matrix that has most.
fn rows_of<T: Case>(sample: &Sample<T>) -> usize {
    let mut rows = 1;
    changed(sample, |_, matrix| {
        rows = rows.max(matrix.layout().rows);
        matrix.clone()
    });
    rows
}

/// Elements of the largest matrix.
fn elements<T: Case>(sample: &Sample<T>) -> usize {
    let mut elements = 0;
    changed(sample, |_, matrix| {
        elements = elements.max(matrix.layout().rows * matrix.layout().cols);
        matrix.clone()
    });
    elements
}

fn check_padding<T: Case>(size: [usize; 3], seed: u64) {
    let all = samples::<T>(size, seed);
    let scalar = Cpu::new(Level::named("scalar").unwrap(), 1);
    for level in Level::available() {
        let cpu = Cpu::new(level, 1);
        for sample in &all {
            if level.shape::<T>().fused {
                let [got, want] = [cpu, scalar].map(|cpu| outputs(&ran(sample, &cpu)));
                for (got, want) in got.iter().zip(&want) {
                    assert_same(&got.values(), &want.values(), &format!("{} of {size:?} at {level}", name(sample)));
                }
            }
            let pick = |which: usize| move |_: usize, from: Layout| laid_out::<T>(which, from.rows, from.cols);
            // Each matrix in a way of its own, in three combinations.
            let mixed = |first: usize| {
                move |i: usize, from: Layout| laid_out::<T>((first + 3 * i) % WAYS, from.rows, from.cols)
            };
            let random = move |i: usize, from: Layout| {
                let which = Random::new(seed + i as u64).below(WAYS);
                laid_out::<T>(which, from.rows, from.cols)
            };
            let (one, two, three, four) = (pick(1), pick(2), pick(3), pick(4));
            let (mixed_0, mixed_1, mixed_2) = (mixed(0), mixed(1), mixed(2));
            check_layouts(sample, &cpu, &[&one, &two, &three, &four, &mixed_0, &mixed_1, &mixed_2, &random]);
        }
    }
}

/// Sides around a vector's and a block's lengths, one example and one unit among them.
const SIZES: [[usize; 3]; 9] =
    [[1, 1, 1], [1, 20, 9], [1, 17, 33], [2, 9, 16], [3, 16, 17], [5, 33, 1], [8, 5, 31], [9, 12, 70], [17, 130, 25]];

#[test]
fn padding_changes_nothing_in_f32() {
    for (seed, size) in SIZES.into_iter().enumerate() {
        check_padding::<f32>(size, seed as u64);
    }
}

#[test]
fn padding_changes_nothing_in_f64() {
    for (seed, size) in SIZES.into_iter().enumerate() {
        check_padding::<f64>(size, seed as u64);
    }
}

fn check_any_stride<T: Case>(size: [usize; 3]) {
    // Nothing stands a stride behind the only row or column.
    let any = |_: usize, from: Layout| {
        let Strides { row, col } = from.strides;
        let strides = Strides { row: if from.rows == 1 { usize::MAX } else { row }, col };
        Layout { strides, ..from }
    };
    for cpu in cpus() {
        samples::<T>(size, 0).iter().for_each(|sample| check_layouts(sample, &cpu, &[&any]));
    }
}

/// A fuzzer found a product of it that overflows.
#[test]
fn the_stride_of_a_single_row_is_never_computed_with() {
    for size in SIZES.into_iter().filter(|size| size.contains(&1)) {
        check_any_stride::<f32>(size);
        check_any_stride::<f64>(size);
    }
}

/// Large enough for several threads, for packing, and for several blocks of rows and of k.
#[test]
fn padding_changes_nothing_on_several_threads() {
    let fastest = Level::available().last().unwrap();
    let (size, threads) = ([1203, 71, 1405], 3);
    assert!(size[0] * size[2] > 2 * EVALUATIONS_WORTH_A_THREAD && size.iter().product::<usize>() > 3 * WORTH_A_THREAD);
    let all = samples::<f32>(size, 1);
    let mut seen = BTreeSet::new();
    // One of each kernel.
    for sample in all.iter().filter(|sample| seen.insert(sample.name())) {
        let padded = |_: usize, from: Layout| laid_out::<f32>(1, from.rows, from.cols);
        let mixed = |i: usize, from: Layout| laid_out::<f32>((1 + i) % WAYS, from.rows, from.cols);
        check_layouts(sample, &Cpu::new(fastest, threads), &[&padded, &mixed]);
    }
    // Kernels that only read a matrix through want more of it.
    let size = [2049, 4099, 4097];
    assert!(size[0] * size[2] > 2 * ELEMENTS_WORTH_A_THREAD);
    let vector = |rows: usize, cols: usize, seed: u64| {
        Buffer::new(&Random::new(seed).units::<f32>(rows * cols), Layout::row_major(rows, cols))
    };
    let [b, _, m] = size;
    let of_matrix: [Sample<f32>; 4] = [
        Op::Gemv { a: vector(b, m, 1), x: vector(1, m, 2), y: vector(1, b, 3) },
        Op::GemvTransposed { a: vector(b, m, 1), x: vector(1, b, 2), y: vector(1, m, 3) },
        Op::Ger { alpha: 0.3, x: vector(1, b, 2), y: vector(1, m, 3), a: vector(b, m, 1) },
        Op::ColumnSum { a: vector(b, m, 1), sum: vector(1, m, 3) },
    ];
    for sample in &of_matrix {
        let padded = |_: usize, from: Layout| laid_out::<f32>(1, from.rows, from.cols);
        check_layouts(sample, &Cpu::new(fastest, threads), &[&padded]);
    }
}

/// [`Layout::padded`]: whole blocks, unless that would more than double a row.
#[test]
fn rows_are_padded_to_whole_blocks_where_that_costs_less_than_they_hold() {
    for block in [8, 16] {
        for (rows, cols) in (0..4).flat_map(|rows| (0..70).map(move |cols| (rows, cols))) {
            let layout = Layout::padded(rows, cols, block);
            assert_eq!((layout.rows, layout.cols, layout.strides.col), (rows, cols, 1));
            assert_eq!(layout.width, layout.strides.row);
            let padding = layout.width - cols;
            assert!(padding <= cols && padding < block, "{layout:?}");
            assert!(layout.width.is_multiple_of(block) || cols <= block / 2 && padding == 0, "{layout:?}");
        }
        for cols in [usize::MAX, usize::MAX - 1, usize::MAX - block] {
            assert_eq!(Layout::padded(2, cols, block).span(), None);
        }
    }
}

fn check_owned<T: Float>() {
    for (rows, cols) in [(0, 0), (0, 5), (5, 0), (1, 1), (3, 8), (3, 9), (3, 16), (2, 17), (4, 40)] {
        let values = Random::new(7).units::<T>(rows * cols);
        let mut matrix = Matrix::from_rows(&values, rows, cols).unwrap();
        assert_eq!((matrix.rows(), matrix.cols(), matrix.to_vec()), (rows, cols, values.clone()));
        assert_eq!(matrix.view().layout().strides, matrix.view_mut().layout().strides);
        for i in 0..rows {
            assert_eq!(matrix.row(i), &values[i * cols..][..cols]);
            let is_padded = matrix.view().layout().width > cols;
            assert!(
                !is_padded && cols <= T::BLOCK || (matrix.row(i).as_ptr() as usize).is_multiple_of(64),
                "{rows} × {cols}, row {i}"
            );
        }
        if rows > 0 && cols > 0 {
            assert_eq!(matrix.view().layout(), Layout::padded(rows, cols, T::BLOCK));
            // Equal whatever the padding holds, different where an element is.
            let other = matrix.clone();
            let layout = matrix.view().layout();
            let mut z = matrix.view_mut();
            *z.at(rows - 1, cols - 1) = T::GARBAGE;
            assert_ne!(matrix, other);
            assert_ne!(matrix, Matrix::from_rows(&values, cols, rows).unwrap(), "{layout:?}");
        }
        assert_eq!(Matrix::<T>::zeros(rows, cols).unwrap().to_vec(), vec![T::ZERO; rows * cols]);
    }
    assert!(Matrix::<T>::from_rows(&[T::ONE; 5], 2, 3).is_err());
    for (rows, cols) in [(usize::MAX, 1), (1, usize::MAX), (usize::MAX, usize::MAX), (HUGE, HUGE)] {
        assert!(Matrix::<T>::zeros(rows, cols).is_none());
    }
}

#[test]
fn owned_matrices_are_aligned_and_hold_what_they_were_given() {
    check_owned::<f32>();
    check_owned::<f64>();
}

/// The owned matrices of a layer, which are padded, give what slices give.
#[test]
fn a_layer_of_owned_matrices_is_that_of_slices() {
    let (rows, n, m) = (5, 19, 27);
    let mut random = Random::new(4);
    let (x, w, bias) = (random.units::<f32>(rows * n), random.units::<f32>(n * m), random.units::<f32>(m));
    let [x_matrix, w_matrix] =
        [(&x, rows, n), (&w, n, m)].map(|(data, rows, cols)| Matrix::from_rows(data, rows, cols).unwrap());
    for cpu in cpus() {
        let (mut a, mut want) = (Matrix::zeros(rows, m).unwrap(), vec![0.0; rows * m]);
        dense_forward(&cpu, x_matrix.view(), w_matrix.view(), &bias, Activation::Gelu, a.view_mut()).unwrap();
        let [x, w] = [(&x, rows, n), (&w, n, m)].map(|(data, rows, cols)| MatrixRef::new(data, rows, cols).unwrap());
        let to = MatrixMut::new(&mut want, rows, m).unwrap();
        dense_forward(&cpu, x, w, &bias, Activation::Gelu, to).unwrap();
        assert_same(&a.to_vec(), &want, &format!("a layer on {cpu:?}"));
    }
}
