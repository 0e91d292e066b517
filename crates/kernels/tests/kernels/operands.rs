//! Constructors of calls: operands that do not fit together are a typed error, for every variant and every operand.

use nxm_kernels::call::Op;
use nxm_kernels::{Cpu, Init, Layout, Level, PackedMatrix, ShapeError, Strides};

use crate::catalogue::*;
use crate::support::*;

/// A way to make an operand unfit.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Change {
    /// One row more.
    Row,
    /// One column more.
    Col,
    /// Elements of a row two apart.
    Stride,
}

impl Change {
    const ALL: [Change; 3] = [Change::Row, Change::Col, Change::Stride];

    fn of<T: Float>(self, matrix: &Buffer<T>) -> Buffer<T> {
        let Layout { rows, cols, .. } = matrix.layout();
        let larger = |rows, cols| Buffer::new(&Random::new(3).units(rows * cols), Layout::row_major(rows, cols));
        match self {
            Change::Row => larger(rows + 1, cols),
            Change::Col => larger(rows, cols + 1),
            Change::Stride => matrix.laid(Layout::strided(rows, cols, Strides { row: 2 * cols + 3, col: 2 })),
        }
    }
}

/// What the other operands leave open: of which of so many matrices, counted in the order of the fields, may rows, columns or strides be anything?
fn is_open(kernel: &str, matrices: usize, matrix: usize, change: Change) -> bool {
    use Change::*;
    match (kernel, matrix) {
        // In place, or beside a single element: any shape.
        ("activate" | "apply" | "softmax" | "log_softmax" | "clamp", 0) if matrices == 1 => change != Stride,
        ("add_squares" | "scale", 1) => change != Stride,
        // As many rows, or columns, as there are: they are summed.
        ("column_sum", 0) => change == Row,
        ("log_sum_exp", 0) => change == Col,
        // As many losses of a row as there are: they are summed.
        ("weigh_rows", 0) => change == Col,
        // C.
        ("gemm" | "gemm_scaled", 2..) => change == Stride,
        _ => change == Stride && is_open_to_strides(kernel, matrix),
    }
}

/// Whether a matrix that is read, counted in the order of the fields, may have any strides.
pub fn is_open_to_strides(kernel: &str, matrix: usize) -> bool {
    match kernel {
        "gemv_transposed" => matrix == 0,
        "gemm" | "gemm_scaled" => matrix < 2,
        "dense_forward" | "dense_input_gradient" | "dense_weight_gradient" | "dense_update" => matrix < 2,
        "mean_squared_error" | "binary_cross_entropy" => matrix == 1,
        "weighted_binary_cross_entropy" | "element_loss" | "soft_cross_entropy" => matrix == 1,
        _ => false,
    }
}

fn check_every_operand<T: Case>() {
    let cpu = Cpu::new(Level::named("scalar").unwrap(), 1);
    let all = samples::<T>([3, 4, 5], 1);
    for sample in &all {
        let want = outputs(&ran(sample, &cpu));
        for at in 0..matrices(sample) {
            for change in Change::ALL {
                // The bias of a gemm, which stands before C, is no factor.
                let is_bias = matches!(sample, Op::Gemm { init: Init::Bias(_), .. }) && at + 2 == matrices(sample);
                // Nothing else says how wide a gradient is whose rows are weighed.
                let is_wide =
                    matches!(sample, Op::WeighRows { .. }) && at + 2 == matrices(sample) && change == Change::Col;
                let mut single = false;
                let mut unfit = changed(sample, |i, matrix| {
                    if i != at {
                        return matrix.clone();
                    }
                    single = matrix.layout().cols == 1;
                    change.of(matrix)
                });
                let what = format!("matrix {at} of {} with {change:?}", name(sample));
                // The strides of a single column are nobody's.
                let open = is_open(sample.name(), matrices(sample), at, change) && !is_bias
                    || change == Change::Stride && single
                    || is_wide;
                match call(&mut unfit) {
                    Ok(_) => assert!(open, "{what} was accepted"),
                    Err(error) => {
                        assert!(!open, "{what}: {error}");
                        assert_eq!(
                            matches!(error, ShapeError::Columns { .. }),
                            change == Change::Stride,
                            "{what}: {error}"
                        );
                        assert!(!error.to_string().is_empty());
                        continue;
                    }
                }
                // What is accepted with other strides does the same.
                if change == Change::Stride {
                    let got = outputs(&ran(&unfit, &cpu));
                    for (got, want) in got.iter().zip(&want) {
                        got.assert_nothing_else_was_written(&what);
                        assert_same(&got.values(), &want.values(), &what);
                    }
                }
            }
        }
    }
}

#[test]
fn an_operand_that_does_not_fit_is_refused() {
    check_every_operand::<f32>();
    check_every_operand::<f64>();
}

/// What is no matrix: labels, f32 vectors, packed factors and the state of a rule.
fn check_other_operands<T: Case>() {
    let mismatch = |sample: &mut Sample<T>| match call(sample) {
        Err(ShapeError::Mismatch { expected, found, .. }) => (expected, found),
        other => panic!("{:?} of {}", other.map(|_| ()), "a sample"),
    };
    for sample in &samples::<T>([3, 4, 5], 2) {
        match sample.clone() {
            Op::CrossEntropy { .. } | Op::WeightedCrossEntropy { .. } => check_labels(sample),
            Op::DotInF64 { x, y, to } => {
                let longer = [&y[..], &[1.0]].concat();
                assert_eq!(mismatch(&mut Op::DotInF64 { x: x.clone(), y: longer.clone(), to: to.clone() }), (5, 6));
                assert_eq!(mismatch(&mut Op::DotInF64 { x: longer, y, to }), (6, 5));
            }
            Op::Gemm { a, b: Right::Packed(_), init, c } => {
                for (rows, cols, expected, found) in [(3, 5, 4, 3), (5, 5, 4, 5), (4, 4, 4, 5), (4, 6, 6, 5)] {
                    let values = vec![T::ONE; rows * cols];
                    let packed = PackedMatrix::new(Buffer::new(&values, Layout::row_major(rows, cols)).view()).unwrap();
                    let b = Right::Packed(packed);
                    let unfit = &mut Op::Gemm { a: a.clone(), b, init: init.clone(), c: c.clone() };
                    assert_eq!(mismatch(unfit), (expected, found), "{rows} × {cols}");
                }
            }
            Op::Update { rule, gradient, weights, state } => {
                for other in other_states(&state, &weights) {
                    let (gradient, weights) = (gradient.clone(), weights.clone());
                    mismatch(&mut Op::Update { rule, gradient, weights, state: other });
                }
            }
            Op::DenseUpdate { x, delta, rule, weights, state } => {
                for other in other_states(&state, &weights) {
                    let (x, delta, weights) = (x.clone(), delta.clone(), weights.clone());
                    mismatch(&mut Op::DenseUpdate { x, delta, rule, weights, state: other });
                }
            }
            _ => {}
        }
    }
}

/// More or fewer matrices of state, or a later one without those before it.
fn other_states<T: Float, const N: usize>(
    state: &[Option<Buffer<T>>; N],
    weights: &Buffer<T>,
) -> Vec<[Option<Buffer<T>>; N]> {
    let there = state.each_ref().map(Option::is_some);
    let all = (0..1 << N).map(|bits: usize| std::array::from_fn(|i| bits >> i & 1 == 1));
    let others = all.filter(|other: &[bool; N]| *other != there);
    others.map(|other| other.map(|is_there| is_there.then(|| weights.clone()))).collect()
}

/// More or fewer labels than rows, and labels of no class.
fn check_labels<T: Case>(sample: &Sample<T>) {
    let with = |change: &dyn Fn(&mut Vec<u32>)| {
        let mut sample = sample.clone();
        if let Op::CrossEntropy { labels, .. } | Op::WeightedCrossEntropy { labels, .. } = &mut sample {
            change(labels);
        }
        call(&mut sample).map(|_| ()).unwrap_err()
    };
    let what = "a loss: labels against rows of outputs";
    let count = |found| ShapeError::Mismatch { what, expected: 3, found };
    assert_eq!(with(&|labels| labels.push(0)), count(4));
    assert_eq!(with(&|labels| labels.truncate(2)), count(2));
    assert_eq!(with(&|labels| labels.clear()), count(0));
    for (row, label) in [(0, 5), (2, 6), (1, u32::MAX)] {
        let error = with(&|labels| labels[row] = label);
        assert_eq!(error, ShapeError::Label { row, label, classes: 5 });
        assert_eq!(error.to_string(), format!("row {row}: label {label} is not below the number of classes, 5"));
    }
}

#[test]
fn labels_states_and_packed_factors_that_do_not_fit_are_refused() {
    check_other_operands::<f32>();
    check_other_operands::<f64>();
}
