//! A few shapes for each way through a kernel: the tests that are first to fail, in a second each.
//!
//! The other files of these tests run the same kernels on all shapes, and on drawn ones. Here each branch of a kernel and of its formulas has a
//! shape on either side of it, so that a mutant of either (docs/counting.md, "Mutations") meets a short test.

use super::check_at;
use super::sides::Side;
use crate::branches::{self, Branch};
use crate::cases::{Case, Draw, LAID, Laid, Numbers, Textbook, with_room};
use crate::losses::{LOSSES, OfBatch};
use crate::matrices::{FORMS, Form, Gemm, MatrixAndVectors, ON_MATRIX};
use crate::vectors::{ByRows, Elements, OfLength, OnElements, OnRows, OnVectors};
use nxm_kernels::{Activation, Call, Cpu, Element, Executor, Init, Layout, Level, Strides};

/// C ← A·B + init, each matrix laid out as you like. A bias is zeros.
struct Product {
    a: Layout,
    b: Layout,
    init: Init<()>,
    c: Layout,
}

impl<T: Element> Case<T> for Product {
    fn run(&self, executor: &dyn Executor, draw: Draw) -> Vec<T> {
        let numbers = |seed, layout| Numbers::<T>::new(draw, seed, layout);
        let (a, b, mut c) = (numbers(1, self.a), numbers(2, self.b), numbers(3, self.c));
        let bias = vec![T::ZERO; self.c.cols];
        let init = self.init.map(|()| nxm_kernels::MatrixRef::from_row(&bias));
        T::run(executor, Call::gemm(a.read(), b.read().into(), init, c.write()).unwrap(), None);
        c.data
    }
    fn textbook(&self) -> Textbook {
        Textbook::default().plus([(self.c.rows * self.c.cols * self.a.cols) as u128; 2])
    }
}

/// Numbers of vectors of columns at which a kernel takes them by other numbers, with a ragged one and without.
fn columns<T: Element>(level: Level) -> impl Iterator<Item = usize> {
    let lanes = Side::lanes::<T>(level);
    [0, 1, 2, 3, 4, 5, 7, 8, 9, 16].into_iter().flat_map(move |vectors| [vectors * lanes, vectors * lanes + 1])
}

fn matrices_and_vectors<T: Element>(level: Level) {
    for kernel in ON_MATRIX {
        for (cols, rows) in columns::<T>(level).flat_map(|cols| [0, 1, 3, 4, 9].map(|rows| (cols, rows))) {
            let what = format!("{kernel:?} of {rows} × {cols}");
            check_at::<T>(&MatrixAndVectors { kernel, rows, cols, laid: [Laid::Plain; 2] }, level, 1, &what);
        }
    }
}

#[test]
fn few_matrices_and_vectors() {
    at_every_level!(matrices_and_vectors);
}

fn vectors_and_elements<T: Element>(level: Level) {
    for n in columns::<T>(level) {
        for kernel in [OnVectors::Dot, OnVectors::Axpy, OnVectors::Sgd] {
            check_at::<T>(&OfLength { kernel, n }, level, 1, &format!("{kernel:?} of {n}"));
        }
        for laid in LAID {
            for kernel in [OnElements::AddSquares, OnElements::Scale, OnElements::Derive(Activation::Relu)] {
                let what = format!("{kernel:?} of 3 × {n}, {laid:?}");
                check_at::<T>(&Elements { kernel, rows: 3, cols: n, laid: [laid; 2] }, level, 1, &what);
            }
        }
    }
}

#[test]
fn few_vectors_and_elements() {
    at_every_level!(vectors_and_elements);
}

fn losses<T: Element>(level: Level) {
    let many = 4 * (64 / size_of::<T>()) + 1;
    for (rows, cols) in [(1, 1), (1, many), (3, 5), (3, many), (many, 2)] {
        for kind in LOSSES {
            let mut all: Vec<([Laid; 4], bool)> = LAID.into_iter().map(|laid| ([laid; 4], false)).collect();
            all.push(([Laid::Plain; 4], true));
            all.push(([Laid::Padded, Laid::Plain, Laid::Padded, Laid::Gaps], false));
            all.push(([Laid::Plain, Laid::Plain, Laid::Plain, Laid::Gaps], false));
            for (laid, columns) in all {
                let what = format!("{kind:?} of {rows} × {cols}, {laid:?}, {columns}");
                check_at::<T>(&OfBatch { kind, rows, cols, laid, columns }, level, 1, &what);
            }
        }
    }
}

#[test]
fn few_losses() {
    at_every_level!(losses);
}

fn products<T: Element>(level: Level) {
    let lanes = Side::lanes::<T>(level);
    for form in FORMS {
        // A row of 53 vectors is six tiles of eight, one of four and one of one; 11 rows are tiles of 8 and 3, or of 4, 4 and 3.
        for (m, k, n) in [(1, 2, 53 * lanes), (1, 3, lanes + 1), (2, 1, 4 * lanes + 1), (11, 3, 3 * lanes + 1)] {
            check_at::<T>(&Gemm { form, m, k, n }, level, 1, &format!("{form:?} of {m} × {k} × {n}"));
        }
    }
    let (m, k, n) = (3, 5, lanes + 1);
    let [rows, columns] = [Layout::row_major(m, n), Layout::row_major(n, m).transpose()];
    let spread = Layout::strided(m, n, Strides { row: 2 * n, col: 2 });
    for c in [rows, columns, spread] {
        for init in [Init::Zero, Init::Accumulate, Init::Bias(())] {
            let (a, b) = (Layout::row_major(m, k), Layout::row_major(k, n));
            check_at::<T>(&Product { a, b, init, c }, level, 1, &format!("{init:?} to {c:?}"));
        }
    }
}

#[test]
fn few_products() {
    at_every_level!(products);
}

fn softmaxes<T: Element>(level: Level) {
    for (rows, cols) in columns::<T>(level).flat_map(|cols| [0, 1, 3].map(|rows| (rows, cols))) {
        for kernel in [OnRows::Softmax, OnRows::LogSoftmax, OnRows::LogSumExp] {
            let what = format!("{kernel:?} of {rows} × {cols}");
            check_at::<T>(&ByRows { kernel, rows, cols, laid: Laid::Plain }, level, 1, &what);
        }
    }
}

#[test]
fn few_softmaxes() {
    at_every_level!(softmaxes);
}

/// What a product copies: a B in panels of which the last is narrower, and an A whose columns crowd L1.
fn copies<T: Element>(level: Level) {
    let (lanes, kibi) = (Side::lanes::<T>(level), 1024 / size_of::<T>());
    let check = |product: &Product, branch: Branch| {
        let taken = branches::taken::<T>(product);
        assert!(taken.contains(&branch), "{branch:?}: {taken:?}");
        check_at::<T>(product, level, 1, &format!("{branch:?}"));
    };
    // Rows of B, of which 16 KiB are read in place whatever the number of rows of A is; from 256 rows on B is copied.
    let (m, n) = (256, 4 * lanes + 1);
    let k = 16 * kibi / n + 1;
    let product = |a, b, c| Product { a, b, init: Init::Zero, c };
    let plain = Layout::row_major;
    let copied = product(plain(m, k), plain(k, n), plain(m, n));
    check(&copied, Branch::BCopied);
    // Few rows of A read B in place, and each row of C is what it is.
    let (rows, cpu) = (8, Cpu::new(level, 1));
    let in_place = product(plain(rows, k), plain(k, n), plain(rows, n));
    let [copied, in_place] = [&copied, &in_place].map(|product| -> Vec<T> { product.run(&cpu, Draw::Usual) });
    assert!(in_place == copied[..rows * n], "a B that is copied has other results, {} {level}", T::NAME);
    // Columns of A that lie 4 KiB apart fall into one set of L1, which holds 8 of them.
    let (m, k) = (13, 9);
    let n = (16 * kibi / k + 1).max(256);
    let a = Layout::strided(m, k, Strides { row: 1, col: 4 * kibi });
    check(&product(a, plain(k, n), plain(m, n)), Branch::ACopied);
}

#[test]
fn few_copies() {
    at_every_level!(copies);
}

/// A is copied again for each block of columns.
#[test]
fn a_is_copied_for_each_block_of_columns() {
    let case = Gemm { form: Form::Scattered, m: 1, k: 600, n: 1801 };
    let taken = branches::taken::<f32>(&case);
    assert!(taken.contains(&Branch::ACopied) && taken.contains(&Branch::SeveralCols), "{taken:?}");
    with_room(|| Level::available().for_each(|level| _ = check_at::<f32>(&case, level, 1, "copies of A")));
}
