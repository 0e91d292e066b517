//! All shapes: each kernel on every residue class of its sides, at every level, in both element types.
//!
//! A count is a polynomial of degree at most one in each side, on each residue class of that side modulo its period, from some length on
//! (docs/counting.md, "All shapes"). So each class is visited twice beyond that length, and every shorter length is visited too. `cuts` and
//! `splits` visit the sizes at which products are cut into blocks and kernels are split between threads; `few` is for the impatient.

/// Runs `task` for each level, in both element types.
macro_rules! at_every_level {
    ($task:ident) => {
        with_room(|| {
            for level in Level::available() {
                $task::<f32>(level);
                $task::<f64>(level);
            }
        })
    };
}

mod cuts;
mod few;
mod sides;
mod splits;
mod zeros;

use crate::cases::{Case, Draw, LAID, Laid, Recording, with_room};
use crate::dense::{Does, Layer, OfLayer};
use crate::losses::{LOSSES, OfBatch};
use crate::matrices::{FORMS, Form, Gemm, MatrixAndVectors, ON_MATRIX, Order, Scaled};
use crate::rules::Choice;
use crate::vectors::{ByRows, Elements, OfLength, OnElements, OnRows, OnVectors};
use nxm_count::{Counted, Formulas, Tally, Traffic};
use nxm_kernels::{Activation, Cpu, Element, Function, Level};
use sides::Side;

/// A case at a level, on so many threads: what it executes and asks for is its formula. Returns into how many tasks it was split.
fn check_at<T: Element>(case: &impl Case<T>, level: Level, threads: usize, what: &str) -> u64 {
    let counted = Counted::new(Cpu::new(level, threads));
    let recording = Recording::new(&counted);
    case.run(&recording, Draw::Usual);
    let operations = recording.operations();
    let formulas = Formulas::of::<T>(level).on_threads(threads);
    let executed = Tally::sum(operations.iter().map(|operation| formulas.executed(operation).unwrap())).unwrap();
    let requested = Traffic::sum(operations.iter().map(|operation| formulas.requested(operation).unwrap())).unwrap();
    assert_eq!(counted.total(), executed, "{what}, {} {level} {threads}", T::NAME);
    assert_eq!(counted.total_requested(), requested, "bytes, {what}, {} {level} {threads}", T::NAME);
    counted.total_tasks()
}

/// Rows that stand for all: one, and two further points of a side that has no period.
const ROWS: [usize; 3] = [1, 2, 3];

fn vectors<T: Element>(level: Level) {
    for n in Side::reduced::<T>().points() {
        for kernel in [OnVectors::Dot, OnVectors::Axpy, OnVectors::Sgd] {
            check_at::<T>(&OfLength { kernel, n }, level, 1, &format!("{kernel:?} of {n}"));
        }
        // It reads f32 whatever T is.
        if T::NAME == "f64" {
            check_at::<T>(&OfLength { kernel: OnVectors::DotInF64, n }, level, 1, &format!("dot in f64 of {n}"));
        }
    }
}

#[test]
fn every_length_of_vectors() {
    at_every_level!(vectors);
}

fn elements<T: Element>(level: Level) {
    let choices = [[0, 0], [1, 1], [2, 0], [3, 2], [4, 1]].map(|[rule, decay]| Choice { rule, decay });
    let kernels = [
        OnElements::Apply(Function::Exp),
        OnElements::Activate(Activation::Relu),
        OnElements::Derive(Activation::ELU),
        OnElements::Derive(Activation::Sigmoid),
        OnElements::Scale,
    ];
    let kernels = kernels.into_iter().chain(choices.map(OnElements::Update));
    for kernel in kernels {
        for laid in LAID {
            for (rows, cols) in Side::padded::<T>().and(&ROWS) {
                let what = format!("{kernel:?} of {rows} × {cols}, {laid:?}");
                check_at::<T>(&Elements { kernel, rows, cols, laid: [laid; 2] }, level, 1, &what);
            }
        }
    }
    for laid in LAID {
        for (rows, cols) in Side::reduced::<T>().and(&ROWS) {
            let what = format!("squares of {rows} × {cols}, {laid:?}");
            check_at::<T>(&Elements { kernel: OnElements::AddSquares, rows, cols, laid: [laid; 2] }, level, 1, &what);
        }
    }
}

#[test]
fn every_length_of_rows() {
    at_every_level!(elements);
}

fn rows_and_losses<T: Element>(level: Level) {
    for (cols, rows) in Side::reduced::<T>().and(&[1, 3]) {
        for kernel in [OnRows::Softmax, OnRows::LogSoftmax, OnRows::LogSumExp] {
            let what = format!("{kernel:?} of {rows} × {cols}");
            check_at::<T>(&ByRows { kernel, rows, cols, laid: Laid::Plain }, level, 1, &what);
        }
    }
    // A batch has rows, and a row outputs: their losses are summed too.
    for n in Side::reduced::<T>().points().filter(|n| *n > 0) {
        for (rows, cols, laid) in [(1, n, Laid::Plain), (2, n, Laid::Padded), (n, 2, Laid::Plain)] {
            for kind in LOSSES {
                let what = format!("{kind:?} of {rows} × {cols}, {laid:?}");
                check_at::<T>(&OfBatch { kind, rows, cols, laid: [laid; 4], columns: false }, level, 1, &what);
            }
        }
    }
}

#[test]
fn every_length_of_softmaxes_and_losses() {
    at_every_level!(rows_and_losses);
}

/// Rows whose tiles are one of each height: 1; 2; and 8 and 3, or at levels of 16 registers 4, 4 and 3.
const HEIGHTS: [usize; 3] = [1, 2, 11];
/// Terms of a sum: none, one (outer products), and two further points of a side that has no period.
const TERMS: [usize; 4] = [0, 1, 2, 3];

fn products<T: Element>(level: Level) {
    let few_columns = [1, Side::lanes::<T>(level) + 1];
    for form in FORMS {
        let check = |m: usize, k: usize, n: usize| {
            check_at::<T>(&Gemm { form, m, k, n }, level, 1, &format!("{form:?} of {m} × {k} × {n}"));
        };
        for (m, n) in Side::rows().and(&few_columns) {
            TERMS.into_iter().for_each(|k| check(m, k, n));
        }
        for (n, k) in Side::folded::<T>(level).and(&TERMS) {
            check(1, k, n);
        }
        // Sums of every length; those of one row may be dot products.
        if matches!(form, Form::Forward | Form::InputGradient | Form::PaddedInputGradient) {
            for (k, n) in Side::reduced::<T>().and(&few_columns) {
                check(1, k, n);
            }
        }
        // A row of C, by each height of tiles: of B in place, copied, and packed beforehand.
        if matches!(form, Form::Padded | Form::StridedRight | Form::Packed) {
            for n in Side::tiled::<T>(level).points() {
                HEIGHTS.into_iter().for_each(|m| check(m, 2, n));
            }
        }
    }
}

#[test]
fn every_residue_class_of_products() {
    at_every_level!(products);
}

fn scaled_products<T: Element>(level: Level) {
    for order in [Order::Rows, Order::Padded, Order::Columns, Order::Spread] {
        for [alpha, beta] in [[0.5, 0.75], [1.0, 0.0], [0.0, 0.75]] {
            for (n, m) in Side::padded::<T>().and(&[1, 3, 9]) {
                let what = format!("{alpha}, {beta}, {order:?} of {m} × 3 × {n}");
                check_at::<T>(&Scaled { m, k: 3, n, alpha, beta, order }, level, 1, &what);
                let what = format!("{alpha}, {beta}, {order:?} of {n} × 3 × {m}");
                check_at::<T>(&Scaled { m: n, k: 3, n: m, alpha, beta, order }, level, 1, &what);
            }
        }
    }
}

#[test]
fn every_residue_class_of_scaled_products() {
    at_every_level!(scaled_products);
}

fn on_matrices<T: Element>(level: Level) {
    for kernel in ON_MATRIX {
        for laid in [Laid::Plain, Laid::Padded] {
            let check = |rows: usize, cols: usize| {
                let what = format!("{kernel:?} of {rows} × {cols}, {laid:?}");
                check_at::<T>(&MatrixAndVectors { kernel, rows, cols, laid: [laid; 2] }, level, 1, &what);
            };
            for n in Side::reduced::<T>().points() {
                check(5, n);
                check(n, 3);
            }
            if laid == Laid::Padded {
                Side::tiled::<T>(level).points().for_each(|cols| check(2, cols));
            }
        }
    }
}

#[test]
fn every_residue_class_of_matrices_and_vectors() {
    at_every_level!(on_matrices);
}

fn layers<T: Element>(level: Level) {
    let (f, choice) = (Activation::ELU, Choice { rule: 1, decay: 1 });
    let all = [
        Does::Forward(f),
        Does::ForwardKeeping(f),
        Does::ForwardPacked(f),
        Does::InputGradient(f),
        Does::WeightGradient,
        Does::Update(choice),
    ];
    for does in all {
        for laid in [Laid::Plain, Laid::Padded] {
            let check = |rows: usize, n: usize, m: usize| {
                let what = format!("{does:?} of {rows} × {n} × {m}, {laid:?}");
                check_at::<T>(&OfLayer { layer: Layer { rows, n, m }, does, laid: [laid; 3] }, level, 1, &what);
            };
            for long in Side::padded::<T>().points().filter(|long| *long > 0) {
                check(1, long, 3);
                check(1, 3, long);
                check(3, long, 2);
                check(3, 2, long);
                check(long, 2, 3);
            }
        }
    }
}

#[test]
fn every_residue_class_of_layers() {
    at_every_level!(layers);
}
