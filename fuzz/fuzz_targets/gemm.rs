//! `gemm` on any shape, strides, start, contents, level and thread count, against one chain of fused multiply-adds for
//! each element, or a dot product where those are promised: bit for bit at the levels that fuse.
#![no_main]

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use nxm_kernels::{Cpu, Init, Level, MatrixMut, MatrixRef, dot, gemm};

#[derive(Debug, Arbitrary)]
struct Input {
    m: u8,
    k: u16,
    n: u8,
    a: Layout,
    b: Layout,
    /// Elements between C's rows beyond its columns.
    gap: u8,
    start: Start,
    threads: u8,
    /// The operands' elements, taken in turn; small whole numbers fill up.
    numbers: Vec<f32>,
}

#[derive(Debug, Arbitrary, Clone, Copy)]
enum Layout {
    Rows(u8),
    Columns(u8),
    /// Neither way contiguous; with strides of its own choice a column and row may also repeat (stride 0).
    Strides(u8, u8),
}

#[derive(Debug, Arbitrary, PartialEq)]
enum Start {
    Zero,
    Bias,
    Accumulate,
}

/// More multiply-adds would be slow to check; this many are worth three threads.
const WORK: usize = 3 << 18;
/// A NaN that no operation makes.
const GARBAGE: u32 = 0x7fc5_a5a5;

impl Layout {
    fn strides(self, rows: usize, cols: usize) -> (usize, usize) {
        match self {
            Layout::Rows(gap) => (cols + gap as usize, 1),
            Layout::Columns(gap) => (1, rows + gap as usize),
            Layout::Strides(row, col) => (row as usize, col as usize % 8),
        }
    }
}

/// The operands' elements in turn.
struct Numbers<'a> {
    given: &'a [f32],
    taken: usize,
}

impl Numbers<'_> {
    fn take(&mut self, len: usize) -> Vec<f32> {
        let filler = |i: usize| (i * 7 % 23) as f32 - 11.0;
        let next = |i: usize| match self.given {
            [] => filler(i),
            // Given numbers come round every 61 elements or more, so that one NaN does not fill everything.
            given => given.get(i % given.len().max(61)).copied().unwrap_or(filler(i)),
        };
        let taken = self.taken;
        self.taken += len;
        (taken..taken + len).map(next).collect()
    }
}

/// A matrix's elements where its strides put them, and garbage elsewhere.
fn lay(numbers: &mut Numbers, rows: usize, cols: usize, (row_stride, col_stride): (usize, usize)) -> Vec<f32> {
    if rows * cols == 0 {
        return Vec::new();
    }
    let mut data = vec![f32::from_bits(GARBAGE); (rows - 1) * row_stride + (cols - 1) * col_stride + 1];
    for (at, x) in numbers.take(rows * cols).into_iter().enumerate() {
        data[at / cols * row_stride + at % cols * col_stride] = x;
    }
    data
}

fuzz_target!(|input: Input| {
    let (m, n) = (input.m as usize % 140, input.n as usize);
    let k = input.k as usize % 700.min(WORK / (m * n).max(1) + 1);
    let mut numbers = Numbers { given: &input.numbers, taken: 0 };
    let (a_strides, b_strides) = (input.a.strides(m, k), input.b.strides(k, n));
    let a = lay(&mut numbers, m, k, a_strides);
    let b = lay(&mut numbers, k, n, b_strides);
    let bias = numbers.take(n);
    let stride = n + input.gap as usize;
    let before = lay(&mut numbers, m, n, (stride, 1));
    let a = MatrixRef::with_strides(&a, m, k, a_strides.0, a_strides.1).expect("laid out so");
    let b = MatrixRef::with_strides(&b, k, n, b_strides.0, b_strides.1).expect("laid out so");

    // One row against a B of contiguous columns, from zero.
    let is_dot_products = m == 1
        && k > 0
        && a_strides.1 == 1
        && b_strides.0 == 1
        && b_strides.1 != 1
        && matches!(input.start, Start::Zero);
    let scalar = Cpu::new(Level::named("scalar").expect("it is everywhere"), 1);
    let mut want = before.clone();
    for i in 0..m {
        for j in 0..n {
            if is_dot_products {
                let column: Vec<f32> = (0..k).map(|p| b.at(p, j)).collect();
                want[j] = dot(&scalar, a.row(0), &column).expect("lengths are equal");
                continue;
            }
            let c = &mut want[i * stride + j];
            let start = match input.start {
                Start::Zero => 0.0,
                Start::Bias => bias[j],
                Start::Accumulate => *c,
            };
            *c = (0..k).fold(start, |sum, p| a.at(i, p).mul_add(b.at(p, j), sum));
        }
    }

    // One row of a B whose columns are contiguous, from zero: dot products, with their order of additions.
    let by_columns = b_strides.0 == 1 && b_strides.1 != 1 && a_strides.1 == 1;
    if m == 1 && k > 0 && by_columns && matches!(input.start, Start::Zero) {
        let scalar = Cpu::new(Level::named("scalar").expect("a level of every processor"), 1);
        for (j, c) in want.iter_mut().enumerate().take(n) {
            let column = b.transpose().row(j);
            *c = dot(&scalar, a.row(0), column).expect("the lengths fit");
        }
    }

    for level in Level::available() {
        let run = |threads: usize| {
            let mut c = before.clone();
            let init = match input.start {
                Start::Zero => Init::Zero,
                Start::Bias => Init::Bias(&bias[..]),
                Start::Accumulate => Init::Accumulate,
            };
            let out = MatrixMut::with_stride(&mut c, m, n, stride).expect("laid out so");
            gemm(&Cpu::new(level, threads), a, b, init, out).expect("the shapes fit");
            c
        };
        let single = run(1);
        // A level that does not fuse rounds twice, so it has not the chain's bits; but its own on any number of threads.
        let want = if level.shape::<f32>().fused { &want } else { &single };
        for c in [&single, &run(1 + input.threads as usize % 8)] {
            for (at, (got, want)) in c.iter().zip(want).enumerate() {
                let same = got.to_bits() == want.to_bits() || (at % stride < n && got.is_nan() && want.is_nan());
                assert!(same, "element {at} of {m}×{n} (k = {k}) at {level} is {got}, expected {want}: {input:?}");
            }
        }
    }
});
