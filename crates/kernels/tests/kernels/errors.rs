//! What is refused: operands and views that do not fit, by a typed error, before anything is written.

use proptest::prelude::*;

use crate::support::HUGE;

use nxm_kernels::{
    Activation, Cpu, Decay, Init, Level, MatrixMut, MatrixRef, PackedMatrix, Rule, ShapeError, axpy, column_sum,
    dense_update, dot, dot_in_f64, gemm, gemm_scaled, gemv, gemv_transposed, ger, sgd,
};

fn cpu() -> Cpu {
    Cpu::new(Level::named("scalar").unwrap(), 1)
}

fn view(data: &[f32], rows: usize, cols: usize) -> MatrixRef<'_, f32> {
    MatrixRef::new(data, rows, cols).unwrap()
}

fn mismatch(what: &'static str, expected: usize, found: usize) -> Result<(), ShapeError> {
    Err(ShapeError::Mismatch { what, expected, found })
}

/// A vector, which is a matrix of one row, has another length.
fn length(what: &'static str, expected: usize, found: usize) -> Result<(), ShapeError> {
    Err(ShapeError::Shape { what, expected: (1, expected), found: (1, found) })
}

/// Elements of a row do not stand side by side.
fn columns(what: &'static str) -> Result<(), ShapeError> {
    Err(ShapeError::Columns { what })
}

#[test]
fn vectors_of_different_length_are_refused() {
    let (x, mut y) = ([1.0f32; 3], [2.0f32; 4]);
    assert_eq!(dot(&cpu(), &x, &y).map(|_| ()), length("dot: length of y against x", 3, 4));
    assert_eq!(dot_in_f64(&cpu(), &x, &y).map(|_| ()), mismatch("dot_in_f64: length of y against x", 3, 4));
    assert_eq!(axpy(&cpu(), 1.0, &x, &mut y), length("axpy: length of y against x", 3, 4));
    assert_eq!(sgd(&cpu(), 1.0, &x, &mut y), length("update: the gradient against the weights", 4, 3));
    for activation in Activation::samples() {
        let what = "activation: what was kept against the gradient";
        assert_eq!(activation.backward(&cpu(), &x, &mut y), length(what, 4, 3));
    }
    assert_eq!(y, [2.0; 4]);
}

#[test]
fn matrices_that_do_not_fit_vectors_are_refused() {
    let data = [1.0f32; 12];
    let a = view(&data, 3, 4);
    let mut y = [7.0f32; 3];
    assert_eq!(gemv(&cpu(), a, &[1.0; 5], &mut y), length("gemv: x against columns of a", 4, 5));
    assert_eq!(gemv(&cpu(), a, &[1.0; 4], &mut y[..2]), length("gemv: y against rows of a", 3, 2));
    let strided = view(&data, 4, 3).transpose();
    assert_eq!(gemv(&cpu(), strided, &[1.0; 4], &mut y), columns("gemv: a"));
    let what = "gemv_transposed: x against rows of a";
    assert_eq!(gemv_transposed(&cpu(), a, &[1.0; 4], &mut y), length(what, 3, 4));
    let what = "gemv_transposed: y against columns of a";
    assert_eq!(gemv_transposed(&cpu(), a, &[1.0; 3], &mut y), length(what, 4, 3));
    let what = "column_sum: the sum against columns of a";
    assert_eq!(column_sum(&cpu(), a, &mut y), length(what, 4, 3));
    let strided = view(&data, 3, 4).transpose();
    assert_eq!(column_sum(&cpu(), strided, &mut y), columns("column_sum: a"));
    assert_eq!(y, [7.0; 3]);
}

#[test]
fn an_outer_product_that_does_not_fit_is_refused() {
    let mut a = [1.0f32; 12];
    let refused = |x: &[f32], y: &[f32], a: &mut [f32]| ger(&cpu(), 1.0, x, y, MatrixMut::new(a, 3, 4).unwrap());
    assert_eq!(refused(&[1.0; 2], &[1.0; 4], &mut a), length("ger: x against rows of a", 3, 2));
    assert_eq!(refused(&[1.0; 3], &[1.0; 5], &mut a), length("ger: y against columns of a", 4, 5));
    assert_eq!(a, [1.0; 12]);
}

#[test]
fn a_product_that_does_not_fit_is_refused() {
    let data = [1.0f32; 64];
    let mut c = [7.0f32; 64];
    let mut refused = |(m, k): (usize, usize), (k2, n): (usize, usize), (m2, n2): (usize, usize), bias: usize| {
        let c = MatrixMut::new(&mut c, m2, n2).unwrap();
        gemm(&cpu(), view(&data, m, k), view(&data, k2, n), Init::Bias(&data[..bias]), c)
    };
    let what = "gemm: rows of b against columns of a";
    assert_eq!(refused((2, 3), (4, 5), (2, 5), 5), mismatch(what, 3, 4));
    let what = "gemm: rows of c against rows of a";
    assert_eq!(refused((2, 3), (3, 5), (3, 5), 5), mismatch(what, 2, 3));
    let what = "gemm: columns of c against columns of b";
    assert_eq!(refused((2, 3), (3, 5), (2, 6), 5), mismatch(what, 5, 6));
    let what = "gemm: the bias against columns of c";
    assert_eq!(refused((2, 3), (3, 5), (2, 5), 6), length(what, 5, 6));
    // Nothing to compute is no excuse.
    assert_eq!(refused((0, 3), (4, 5), (0, 5), 5), mismatch("gemm: rows of b against columns of a", 3, 4));
    assert_eq!(c, [7.0; 64]);
}

#[test]
fn views_longer_than_their_slice_are_refused() {
    let data = [0.0f32; 10];
    let too_short = |rows, cols, row_stride, col_stride, needed| {
        let expected = ShapeError::TooShort { rows, cols, row_stride, col_stride, needed, len: 10 };
        assert_eq!(MatrixRef::with_strides(&data, rows, cols, row_stride, col_stride).unwrap_err(), expected);
    };
    too_short(3, 4, 4, 1, Some(12));
    too_short(2, 4, 7, 1, Some(11));
    too_short(2, 4, 1, 4, Some(14));
    too_short(11, 1, 1, 1, Some(11));
    // Spans that overflow usize: in the product, in the sum, in the last increment.
    too_short(3, 1, usize::MAX, 1, None);
    too_short(2, 2, usize::MAX, 1, None);
    too_short(2, 1, usize::MAX, 0, None);
    too_short(usize::MAX, usize::MAX, usize::MAX, 1, None);
    assert_eq!(
        MatrixRef::new(&data, usize::MAX, 2).unwrap_err(),
        ShapeError::TooShort { rows: usize::MAX, cols: 2, row_stride: 2, col_stride: 1, needed: None, len: 10 }
    );
    // What fits to the last element.
    assert!(MatrixRef::with_strides(&data, 2, 4, 6, 1).is_ok());
    assert!(MatrixRef::with_strides(&data, 4, 2, 1, 6).is_ok());
    assert!(MatrixRef::with_strides(&data, 1000, 1000, 0, 0).is_ok());
    // Nothing fits into anything.
    assert!(MatrixRef::with_strides(&data[..0], 0, usize::MAX, usize::MAX, usize::MAX).is_ok());
    assert!(MatrixRef::with_strides(&data[..0], usize::MAX, 0, usize::MAX, usize::MAX).is_ok());
}

#[test]
fn mutable_views_that_overlap_or_are_too_long_are_refused() {
    let mut data = [0.0f32; 10];
    let overlap = |rows, cols, row_stride| ShapeError::Overlap { rows, cols, row_stride, col_stride: 1 };
    assert_eq!(MatrixMut::with_stride(&mut data, 3, 4, 3).unwrap_err(), overlap(3, 4, 3));
    assert_eq!(MatrixMut::with_stride(&mut data, 2, 4, 0).unwrap_err(), overlap(2, 4, 0));
    let too_short = ShapeError::TooShort { rows: 3, cols: 4, row_stride: 4, col_stride: 1, needed: Some(12), len: 10 };
    assert_eq!(MatrixMut::new(&mut data, 3, 4).unwrap_err(), too_short);
    let overflow =
        ShapeError::TooShort { rows: 3, cols: 4, row_stride: usize::MAX, col_stride: 1, needed: None, len: 10 };
    assert_eq!(MatrixMut::with_stride(&mut data, 3, 4, usize::MAX).unwrap_err(), overflow);
    assert!(MatrixMut::with_stride(&mut data, 1, 4, 0).is_ok());
    assert!(MatrixMut::with_stride(&mut data, 2, 4, 6).is_ok());
    assert!(MatrixMut::with_stride(&mut data, 2, 0, 0).is_ok());
}

/// One element, repeated to rows × cols.
fn repeated(rows: usize, cols: usize) -> MatrixRef<'static, f32> {
    MatrixRef::with_strides(&[1.0], rows, cols, 0, 0).unwrap()
}

/// Sizes whose copy overflows an address; of 64 bits, the first overflows nothing but is larger than any memory.
const ENORMOUS: [usize; 4] = match usize::BITS {
    64 => [HUGE >> 8, HUGE >> 2, HUGE, usize::MAX],
    _ => [HUGE >> 1, HUGE, HUGE + 1, usize::MAX],
};

#[test]
fn packing_more_than_memory_holds_is_refused() {
    let too_large = |rows, cols| ShapeError::TooLarge { what: "packed matrix: the matrix to pack", rows, cols };
    for side in ENORMOUS {
        for (rows, cols) in [(side, 64), (64, side), (side, 1), (1, side), (side, side)] {
            assert_eq!(PackedMatrix::new(repeated(rows, cols)).unwrap_err(), too_large(rows, cols));
        }
        for (rows, cols) in [(side, 0), (0, side)] {
            assert_eq!(PackedMatrix::new(repeated(rows, cols)).unwrap().cols(), cols);
        }
    }
    assert_eq!(PackedMatrix::new(repeated(2, 3)).unwrap().rows(), 2);
}

#[test]
fn products_that_copy_more_than_memory_holds_are_refused() {
    for side in ENORMOUS {
        let mut data = [7.0f32; 64];
        let scaled = |alpha, (rows, cols), data: &mut [f32]| {
            let c = MatrixMut::new(data, rows, cols).unwrap();
            gemm_scaled(&cpu(), alpha, repeated(rows, side), repeated(side, cols), 1.0, c)
        };
        let too_large = |what, rows, cols| Err(ShapeError::TooLarge { what, rows, cols });
        assert_eq!(scaled(2.0, (1, 1), &mut data), too_large("gemm_scaled: a", 1, side));
        // Columns of C are contiguous: α multiplies B.
        let c = MatrixMut::with_strides(&mut data, 2, 3, 1, 2).unwrap();
        let refused = gemm_scaled(&cpu(), 2.0, repeated(2, side), repeated(side, 3), 0.0, c);
        assert_eq!(refused, too_large("gemm_scaled: b", side, 3));
        // Nothing is copied if C has no elements.
        assert_eq!(scaled(2.0, (0, 3), &mut data), Ok(()));
        assert_eq!(scaled(2.0, (3, 0), &mut data), Ok(()));

        if side > ENORMOUS[0] {
            // Fewer than 16 rows that are not contiguous are packed in their whole length.
            let c = MatrixMut::new(&mut data, 15, 3).unwrap();
            let refused = gemm(&cpu(), repeated(15, side), repeated(side, 3), Init::Zero, c);
            assert_eq!(refused, too_large("gemm: a", 15, side));
            // An update packs all examples at once.
            let (x, delta) = ([1.0; 3], [1.0; 4]);
            let x = MatrixRef::with_strides(&x, side, 3, 0, 1).unwrap();
            let delta = MatrixRef::with_strides(&delta, side, 4, 0, 1).unwrap();
            let weights = MatrixMut::new(&mut data, 3, 4).unwrap();
            let refused = dense_update(
                &cpu(),
                x,
                delta,
                Rule::Sgd { learning_rate: 0.1, decay: Decay::None },
                weights,
                [None, None],
            );
            assert_eq!(refused, too_large("dense_update: x", side, 3));
        }
        assert_eq!(data, [7.0; 64]);
    }
    let error = ShapeError::TooLarge { what: "gemm_scaled: a", rows: 2, cols: HUGE };
    assert_eq!(error.to_string(), format!("gemm_scaled: a: a copy of 2×{HUGE} elements does not fit into memory"));
}

/// With α = 0 neither A nor B is read, and so neither is copied.
#[test]
fn a_product_times_zero_copies_nothing() {
    let mut c = [3.0f32];
    let to = MatrixMut::new(&mut c, 1, 1).unwrap();
    gemm_scaled(&cpu(), 0.0, repeated(1, HUGE), repeated(HUGE, 1), 2.0, to).unwrap();
    assert_eq!(c, [6.0]);
}

/// Two elements at one place, by trying all pairs.
fn overlaps(rows: usize, cols: usize, row_stride: usize, col_stride: usize) -> bool {
    let mut places: Vec<usize> = (0..rows * cols).map(|at| at / cols * row_stride + at % cols * col_stride).collect();
    places.sort_unstable();
    places.windows(2).any(|pair| pair[0] == pair[1])
}

proptest! {
    /// A mutable view is made only if no two elements share a place, and always if rows lie between columns or columns between rows.
    #[test]
    fn mutable_views_keep_their_elements_apart(
        rows in 0usize..6, cols in 0usize..6, row_stride in 0usize..9, col_stride in 0usize..9,
    ) {
        let mut data = [0.0f32; 128];
        let made = MatrixMut::with_strides(&mut data, rows, cols, row_stride, col_stride);
        if overlaps(rows, cols, row_stride, col_stride) {
            assert_eq!(made.unwrap_err(), ShapeError::Overlap { rows, cols, row_stride, col_stride });
        } else if row_stride >= cols * col_stride || col_stride >= rows * row_stride {
            assert!(made.is_ok());
        }
    }

    /// Whatever is asked of a view, the answer is a view or an error: nothing overflows, nothing reaches outside.
    #[test]
    fn views_of_any_numbers_are_made_or_refused(
        len in 0usize..40, rows in any_number(), cols in any_number(), row_stride in any_number(), col_stride in any_number(),
    ) {
        let mut data = vec![0.0f32; len];
        if let Ok(view) = MatrixRef::with_strides(&data, rows, cols, row_stride, col_stride)
            && rows > 0 && cols > 0
        {
            assert_eq!(view.at(rows - 1, cols - 1), 0.0);
        }
        if let Ok(mut view) = MatrixMut::with_strides(&mut data, rows, cols, row_stride, col_stride)
            && rows > 0 && cols > 0
        {
            *view.at(rows - 1, cols - 1) = 1.0;
            assert_eq!(data.iter().filter(|x| **x == 1.0).count(), 1);
        }
    }
}

fn any_number() -> impl Strategy<Value = usize> {
    prop_oneof![4 => 0usize..8, 1 => Just(usize::MAX), 1 => Just(usize::MAX / 2), 1 => any::<usize>()]
}

#[test]
fn errors_say_what_was_expected_and_what_was_found() {
    let errors = [
        (
            ShapeError::Mismatch { what: "gemm: rows of c", expected: 3, found: 4 },
            ["gemm: rows of c: expected 3", "found 4"],
        ),
        (ShapeError::Shape { what: "dot: y", expected: (1, 3), found: (2, 4) }, ["dot: y: expected 1×3", "found 2×4"]),
        (ShapeError::Empty { what: "a loss: the outputs" }, ["a loss: the outputs", "none"]),
        (ShapeError::Label { row: 2, label: 7, classes: 5 }, ["row 2: label 7", "number of classes, 5"]),
        (ShapeError::Columns { what: "gemv: a" }, ["gemv: a", "side by side"]),
        (MatrixRef::new(&[0.0f32; 5], 2, 3).unwrap_err(), ["needs 6 elements", "has 5"]),
        (MatrixRef::new(&[0.0f32; 5], usize::MAX, 3).unwrap_err(), ["more elements than can be addressed", "has 5"]),
        (MatrixMut::with_stride(&mut [0.0f32; 9], 2, 4, 3).unwrap_err(), ["2×4", "overlap"]),
    ];
    for (error, parts) in errors {
        let text = error.to_string();
        assert!(parts.iter().all(|part| text.contains(part)), "{text}");
    }
}

#[test]
fn an_unknown_activation_is_told_which_exist() {
    for activation in Activation::samples() {
        assert_eq!(activation.to_string().parse(), Ok(activation));
    }
    for name in ["", "Relu", "relu ", "swish"] {
        let text = name.parse::<Activation>().unwrap_err().to_string();
        assert!(
            text.contains(&format!("{name:?}")) && text.contains("identity, relu, leaky_relu, sigmoid, tanh"),
            "{text}"
        );
    }
}
