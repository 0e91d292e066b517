//! The same bits at every fused level and at any number of threads, whatever the data.
//!
//! The yardstick is the Scalar level on one thread. All NaN count as one value (`support::same`).

use nxm_kernels::{Cpu, ELEMENTS_WORTH_A_THREAD, EVALUATIONS_WORTH_A_THREAD, Init, Level, WORTH_A_THREAD};
use proptest::prelude::*;

use crate::run::{Product, SliceKernel, Storage};
use crate::support::*;

/// The products of this file are large enough for all of them, the other kernels for three.
const THREADS: [usize; 4] = [1, 2, 3, 8];

fn check_op<T: Float>(op: SliceKernel, rows: usize, cols: usize, mix: Mix, seed: u64, threads: &[usize]) {
    let mut random = Random::new(seed);
    let (x_len, y_len, out_len) = op.lengths(rows, cols);
    let (x, y) = (random.mixed::<T>(mix, x_len), random.mixed::<T>(mix, y_len));
    let before = random.mixed::<T>(mix, out_len);
    let run = |level: Level, threads: usize| {
        let mut out = before.clone();
        op.run(&Cpu::new(level, threads), rows, cols, &x, &y, &mut out);
        out
    };
    let want = run(Level::named("scalar").unwrap(), 1);
    for level in fused_levels::<T>() {
        for &threads in threads {
            let what = format!("{op:?} of {rows} × {cols}, {mix:?}, at {level} on {threads} threads");
            assert_same(&run(level, threads), &want, &what);
        }
    }
    // A level that does not fuse still gives the same bits on any number of threads.
    for level in Level::available().filter(|level| !level.shape::<T>().fused) {
        let want = run(level, 1);
        for &threads in threads {
            assert_same(&run(level, threads), &want, &format!("{op:?}, {mix:?}, at {level} on {threads} threads"));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn small_kernels_have_the_same_bits(
        rows in proptest::sample::select(&LENGTHS[..]),
        cols in proptest::sample::select(&LENGTHS[..]),
        mix in proptest::sample::select(&Mix::ALL[..]),
        seed: u64,
    ) {
        for op in SliceKernel::all() {
            check_op::<f32>(op, rows, cols, mix, seed, &[1]);
            check_op::<f64>(op, rows, cols, mix, seed, &[1]);
        }
    }
}

/// Every length around one and four blocks: here a ragged block meets lanes that hold something already.
#[test]
fn reductions_of_every_length_and_mix_have_the_same_bits() {
    for op in [SliceKernel::Dot, SliceKernel::Softmax, SliceKernel::LogSumExp] {
        for n in 0..150 {
            for mix in Mix::ALL {
                for seed in 0..4 {
                    check_op::<f32>(op, 1, n, mix, seed, &[1]);
                    check_op::<f64>(op, 1, n, mix, seed, &[1]);
                }
            }
        }
    }
}

/// The other test does the same in f64: two tests, as they take longest of all and run side by side.
#[test]
fn large_kernels_have_the_same_bits_on_any_number_of_threads() {
    check_large_kernels::<f32>(Mix::NonFinite, 5);
}

#[test]
fn large_kernels_in_f64_have_the_same_bits_on_any_number_of_threads() {
    check_large_kernels::<f64>(Mix::Borders, 6);
}

fn check_large_kernels<T: Float>(mix: Mix, seed: u64) {
    for op in SliceKernel::all() {
        // Rows enough to deal out by rows; columns enough to deal out by columns; both ragged.
        let (rows, cols) = match op {
            SliceKernel::ColumnSum | SliceKernel::GemvTransposed => (61, 3 * ELEMENTS_WORTH_A_THREAD / 61 + 35),
            SliceKernel::Gemv | SliceKernel::Ger => (3 * ELEMENTS_WORTH_A_THREAD / 515 + 3, 515),
            _ => (3 * EVALUATIONS_WORTH_A_THREAD / 515 + 3, 515),
        };
        check_op::<T>(op, rows, cols, mix, seed, &[1, 2, 3]);
    }
}

fn check_large_product<T: Float>(p: &Product, mix: Mix) {
    let mut random = Random::new(9);
    let (a, b) = (random.mixed::<T>(mix, p.m * p.k), random.mixed::<T>(mix, p.k * p.n));
    let (bias, c) = (random.mixed::<T>(mix, p.n), random.mixed::<T>(mix, p.m * p.n));
    let run = |level, threads| p.run(&Cpu::new(level, threads), &a, &b, &bias, &c, T::GARBAGE);
    for level in Level::available() {
        // A level that does not fuse is its own yardstick.
        let yardstick = if level.shape::<T>().fused { Level::named("scalar").unwrap() } else { level };
        let want = run(yardstick, 1);
        for threads in THREADS {
            let what = format!("{p:?} of {mix:?} at {level} on {threads} threads");
            assert_same(&run(level, threads), &want, &what);
        }
    }
}

#[test]
fn large_products_have_the_same_bits_on_any_number_of_threads() {
    let form = |m, k, n, a, b, init| Product { m, k, n, a, b, c: Storage::Rows(1), init };
    let products = [
        // Cut by rows: few columns. Cut by columns: few rows.
        form(2027, 267, 37, Storage::Rows(0), Storage::Rows(0), Init::Bias(())),
        form(9, 1401, 1501, Storage::Rows(0), Storage::Rows(0), Init::Bias(())),
        form(130, 529, 263, Storage::Columns(0), Storage::Rows(0), Init::Zero),
        form(130, 529, 263, Storage::Rows(0), Storage::Columns(0), Init::Accumulate),
        form(197, 450, 211, Storage::Scattered, Storage::Scattered, Init::Bias(())),
    ];
    for p in &products {
        assert!(p.m * p.k * p.n > 8 * WORTH_A_THREAD);
        check_large_product::<f32>(p, Mix::Plain);
        check_large_product::<f64>(p, Mix::Borders);
    }
}
