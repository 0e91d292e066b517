//! The sizes from which two threads share a kernel, and the parts that they get: one less and no less.
//!
//! All of it at the widest level alone: what is split does not depend on the level, and the parts are kernels that other tests run at each.

use super::check_at;
use super::sides::Side;
use crate::cases::{Case, Draw, Laid, with_room};
use crate::dense::{Does, Layer, OfLayer};
use crate::matrices::{Form, Gemm, MatrixAndVectors, OnMatrix};
use crate::rules::Choice;
use crate::vectors::{Elements, OfLength, OnElements, OnVectors};
use nxm_kernels::{
    Activation, Cpu, ELEMENTS_WORTH_A_THREAD, EVALUATIONS_WORTH_A_THREAD, Element, Level, WORTH_A_THREAD,
};

/// The widest level of this machine.
fn level() -> Level {
    Level::available().last().expect("scalar is everywhere")
}

/// So many tasks on two threads, whose count is its formula, and whose results are those of one thread.
fn tasks<T: Element>(case: &impl Case<T>, what: &str) -> u64 {
    let level = level();
    let [alone, shared] = [1, 2].map(|threads| case.run(&Cpu::new(level, threads), Draw::Usual));
    assert!(alone == shared, "{what}: other results on two threads, {} {level}", T::NAME);
    check_at::<T>(case, level, 2, what)
}

/// One task below a size, whose count is its formula, and two from there on.
fn split<T: Element>(below: &impl Case<T>, from: &impl Case<T>, what: &str) {
    let below = check_at::<T>(below, level(), 2, &format!("below {what}"));
    assert_eq!([below, tasks(from, what)], [1, 2], "{what}, {}", T::NAME);
}

/// N sides whose product is `work`, about as long as each other as its prime factors allow; the longest is the last.
fn sides<const N: usize>(mut work: usize) -> [usize; N] {
    let (mut factors, mut divisor) = (Vec::new(), 2);
    while work > 1 {
        match work.is_multiple_of(divisor) {
            true => {
                factors.push(divisor);
                work /= divisor;
            }
            false => divisor += 1,
        }
    }
    let mut sides = [1; N];
    for factor in factors.into_iter().rev() {
        sides.sort_unstable();
        sides[0] *= factor;
    }
    sides.sort_unstable();
    sides
}

#[test]
fn sides_have_their_product() {
    assert_eq!((sides(2 * 2 * 3 * 5), sides::<3>(1 << 10)), ([3, 4, 5], [8, 8, 16]));
}

/// By the work of a product: by columns, of which both have enough.
#[test]
fn products_are_split_from_so_much_work_on() {
    with_room(|| {
        let [below, from] = [2 * WORTH_A_THREAD - 1, 2 * WORTH_A_THREAD].map(sides);
        for form in [Form::Forward, Form::WeightGradient, Form::InputGradient, Form::Packed] {
            let of = |[m, k, n]: [usize; 3]| Gemm { form, m, k, n };
            split::<f32>(&of(below), &of(from), &format!("{form:?} of so much work"));
        }
    });
}

/// By the number of pieces: four blocks of columns are one, or eight rows. B is copied for each part that has other rows.
#[test]
fn products_are_split_from_so_many_pieces_on() {
    with_room(|| {
        let block = 64 / size_of::<f32>();
        let of = |form, m: usize, n: usize| Gemm { form, m, k: (2 * WORTH_A_THREAD).div_ceil((m - 1) * (n - 1)), n };
        let columns = |n| of(Form::Forward, 8, n);
        split::<f32>(&columns(8 * block - 1), &columns(8 * block), "so many columns");
        let rows = |m| of(Form::InputGradient, m, block + 1);
        split::<f32>(&rows(15), &rows(16), "so many rows");
    });
}

/// By rows, at multiples of eight: three pieces are two and one. What follows a product is cut with it.
#[test]
fn rows_are_dealt_out_in_eights() {
    with_room(|| {
        let (long, short) = (27, 64 / size_of::<f32>() + 1);
        let inner = (2 * WORTH_A_THREAD).div_ceil(long * short);
        let check = |does: Does, [rows, n, m]: [usize; 3]| {
            for laid in [Laid::Plain, Laid::Padded] {
                let case = OfLayer { layer: Layer { rows, n, m }, does, laid: [laid; 3] };
                assert_eq!(tasks::<f32>(&case, &format!("{does:?}, {laid:?}")), 2, "{does:?}, {laid:?}");
            }
        };
        check(Does::ForwardKeeping(Activation::Relu), [long, inner, short]);
        check(Does::InputGradient(Activation::Relu), [long, short, inner]);
        check(Does::Update(Choice { rule: 4, decay: 0 }), [inner, long, short]);
    });
}

/// What is done to each element, and by how many: vectors by columns.
#[test]
fn vectors_are_split_from_so_many_elements_on() {
    with_room(|| {
        let of = |n| OfLength { kernel: OnVectors::Axpy, n };
        split::<f64>(&of(2 * EVALUATIONS_WORTH_A_THREAD - 1), &of(2 * EVALUATIONS_WORTH_A_THREAD), "so many elements");
    });
}

/// Matrices with gaps by rows, with all that stands beside them.
#[test]
fn rows_are_split_from_so_many_on() {
    with_room(|| {
        let cols = 64 / size_of::<f32>() + 1;
        let rows = (2 * EVALUATIONS_WORTH_A_THREAD).div_ceil(cols);
        for kernel in [OnElements::Derive(Activation::Relu), OnElements::Update(Choice { rule: 1, decay: 0 })] {
            let of = |rows| Elements { kernel, rows, cols, laid: [Laid::Gaps, Laid::Short] };
            split::<f32>(&of(rows - 1), &of(rows), &format!("so many rows, {kernel:?}"));
        }
    });
}

fn on_matrix(kernel: OnMatrix, [rows, cols]: [usize; 2]) -> MatrixAndVectors {
    MatrixAndVectors { kernel, rows, cols, laid: [Laid::Plain; 2] }
}

/// Elements of a matrix, each of which is read once, that two threads share.
const SHARED: usize = 2 * ELEMENTS_WORTH_A_THREAD;

#[test]
fn matrices_are_split_from_so_many_elements_on() {
    with_room(|| {
        let [below, from] = [SHARED - 1, SHARED].map(|elements| on_matrix(OnMatrix::GemvTransposed, sides(elements)));
        split::<f32>(&below, &from, "so many elements");
    });
}

/// Four blocks of columns are one piece.
#[test]
fn matrices_are_split_from_so_many_columns_on() {
    with_room(|| {
        let block = 64 / size_of::<f32>();
        let of = |cols: usize| on_matrix(OnMatrix::GemvTransposed, [SHARED.div_ceil(cols - 1), cols]);
        split::<f32>(&of(8 * block - 1), &of(8 * block), "so many columns");
    });
}

/// By rows.
#[test]
fn outer_products_are_split() {
    with_room(|| assert_eq!(tasks::<f32>(&on_matrix(OnMatrix::Ger, sides(SHARED)), "ger"), 2));
}

/// What follows a product takes its rows as one below the work that is worth a thread, and where B is one block: on either side of both.
#[test]
fn rows_are_joined_up_to_so_much() {
    with_room(|| {
        // Half of an L2 of 1 MiB.
        let one_block = (512 << 10) / size_of::<f32>();
        // Rows of half a vector, so that it shows whether they are joined.
        let half = Side::lanes::<f32>(level()).div_ceil(2);
        let [rows, n] = sides(WORTH_A_THREAD / half);
        let of_block = one_block / half;
        let all = [sides(WORTH_A_THREAD - 1), [rows, n, half], [2, of_block, half], [2, of_block + 1, half]];
        for [rows, n, m] in all {
            for does in [Does::ForwardKeeping(Activation::Relu), Does::Update(Choice { rule: 1, decay: 0 })] {
                // An update is of n × m weights by sums over the batch.
                let layer = match does {
                    Does::Update(_) => Layer { rows: n, n: rows, m },
                    _ => Layer { rows, n, m },
                };
                let case = OfLayer { layer, does, laid: [Laid::Plain; 3] };
                check_at::<f32>(&case, level(), 1, &format!("{layer:?}, {does:?}"));
            }
        }
    });
}
