//! Each kernel against its plain loop.
//!
//! The bound of a sum of k products is Higham's: any order of summation, fused or not, errs by at most γₖ·Σ|aᵢ·bᵢ|, so two
//! of them differ by at most twice that. One rounding is added for what the sum starts from and one for the bound's own.

use nxm_kernels::{Activation, Init, Kept, MatrixMut, MatrixRef, dot_in_f64, gemm, reference};
use proptest::prelude::*;

use crate::run::{Product, SliceKernel, Storage};
use crate::support::*;

/// A length: at a border, or anywhere.
fn length() -> impl Strategy<Value = usize> {
    prop_oneof![3 => proptest::sample::select(&LENGTHS[..]), 1 => 0usize..150]
}

/// A dimension of a product: at the borders of tiles (4 and 8 rows; 3, 4 and 8 vectors), or anywhere.
pub fn dimension() -> impl Strategy<Value = usize> {
    prop_oneof![4 => proptest::sample::select(&LENGTHS[..]), 1 => 0usize..100]
}

/// A sum's length in a product: also around blocks of k, of which a level's longest is 853, 1706 or more.
pub fn depth() -> impl Strategy<Value = usize> {
    const BLOCKS: [usize; 12] = [127, 128, 129, 255, 256, 257, 511, 512, 513, 853, 854, 1707];
    prop_oneof![4 => proptest::sample::select(&LENGTHS[..]), 1 => proptest::sample::select(&BLOCKS[..])]
}

/// How a matrix may stand in memory.
pub fn layout() -> impl Strategy<Value = Storage> {
    prop_oneof![
        2 => Just(Storage::Rows(0)),
        1 => (1usize..20).prop_map(Storage::Rows),
        2 => Just(Storage::Columns(0)),
        1 => (1usize..20).prop_map(Storage::Columns),
        1 => Just(Storage::Scattered),
    ]
}

/// Any product of moderate size.
pub fn product() -> impl Strategy<Value = Product> {
    let init = prop_oneof![Just(Init::Zero), Just(Init::Bias(())), Just(Init::Accumulate)];
    (dimension(), depth(), dimension(), layout(), layout(), layout(), init)
        .prop_map(|(m, k, n, a, b, c, init)| Product { m, k, n, a, b, c, init })
}

/// The plain loop's C, and Σ|a·b| + |start| of each element.
fn plain_product<T: Float>(p: &Product, a: &[T], b: &[T], bias: &[T], c: &[T]) -> (Vec<T>, Vec<f64>) {
    fn loops<T: Float>(p: &Product, a: &[T], b: &[T], bias: &[T], c: &[T]) -> Vec<T> {
        let mut want = vec![T::ZERO; p.m * p.n];
        let zeros = vec![T::ZERO; p.n];
        reference::forward(a, b, if p.init == Init::Bias(()) { bias } else { &zeros }, p.m, &mut want);
        if p.init == Init::Accumulate {
            want.iter_mut().zip(c).for_each(|(want, c)| *want = *want + *c);
        }
        want
    }
    let sizes = loops(p, &magnitudes(a), &magnitudes(b), &magnitudes(bias), &magnitudes(c));
    (loops(p, a, b, bias, c), sizes)
}

fn check_product<T: Float>(p: &Product, seed: u64) {
    let mut random = Random::new(seed);
    let (a, b) = (random.units(p.m * p.k), random.units(p.k * p.n));
    let (bias, c) = (random.units(p.n), random.units(p.m * p.n));
    let (want, sizes) = plain_product::<T>(p, &a, &b, &bias, &c);
    let gamma = gamma::<T>(p.k + 2);
    for cpu in cpus() {
        let got = p.run(&cpu, &a, &b, &bias, &c, T::GARBAGE);
        assert_close(&got, &want, |i| 2.0 * gamma * sizes[i], &format!("{p:?} on {cpu:?}"));
    }
}

/// What the plain loop makes of `out`.
fn plain<T: Float>(op: SliceKernel, rows: usize, cols: usize, x: &[T], y: &[T], out: &mut [T]) {
    let alpha = T::from_f64(-0.37);
    match op {
        SliceKernel::Dot => out[0] = reference::dot(x, y),
        SliceKernel::Axpy => reference::axpy(alpha, x, out),
        SliceKernel::Gemv => reference::gemv(x, y, out),
        SliceKernel::GemvTransposed => reference::gemv_transposed(x, y, out),
        SliceKernel::Ger => reference::ger(alpha, x, y, out),
        SliceKernel::ColumnSum => reference::column_sum(x, rows, out),
        SliceKernel::Forward(f) => out.iter_mut().for_each(|z| *z = reference::activate(f, *z)),
        SliceKernel::Backward(f) => out.iter_mut().zip(x).for_each(|(d, a)| *d = *d * reference::derivative(f, *a)),
        SliceKernel::Exp => out.iter_mut().for_each(|z| *z = z.exp()),
        SliceKernel::Log => out.iter_mut().for_each(|z| *z = z.ln()),
        SliceKernel::Softmax => out.chunks_mut(cols.max(1)).for_each(reference::softmax),
        SliceKernel::LogSoftmax => out.chunks_mut(cols.max(1)).for_each(reference::log_softmax),
        SliceKernel::LogSumExp => {
            for (row, to) in out.iter_mut().enumerate().map(|(i, to)| (&x[i * cols..(i + 1) * cols], to)) {
                let max = row.iter().fold(T::NEG_INFINITY, |max, z| if *z > max { *z } else { max });
                let sum = row.iter().fold(T::ZERO, |sum, z| sum + (*z - max).exp());
                *to = if row.is_empty() { max } else { max + sum.ln() };
            }
        }
        SliceKernel::Sgd => reference::sgd(alpha, x, out),
    }
}

/// By how much element i of `op` may differ from the plain loop, which made `want` of `before`.
fn bound<T: Float>(op: SliceKernel, rows: usize, cols: usize, x: &[T], y: &[T], before: &[T], want: &[T]) -> Vec<f64> {
    let mut size = magnitudes(before);
    let (u, w) = (T::UNIT_ROUNDOFF, magnitudes(want));
    match op {
        // The same operations in the same order, or none that rounds.
        SliceKernel::Forward(Activation::Identity | Activation::Relu | Activation::LeakyRelu { .. }) => {
            vec![0.0; w.len()]
        }
        SliceKernel::Backward(
            Activation::Identity | Activation::Relu | Activation::LeakyRelu { .. } | Activation::Sigmoid,
        ) => {
            vec![0.0; w.len()]
        }
        // δ·(1 − a²), δ·(a + α), δ·(a/α + 1): the product may or may not be rounded before the sum.
        SliceKernel::Backward(Activation::Tanh | Activation::Elu { .. }) => {
            let a = magnitudes(x);
            size.iter().zip(a).map(|(d, a)| 2.0 * gamma::<T>(3) * d * (1.0 + a * a.max(1.0))).collect()
        }
        SliceKernel::Backward(Activation::Celu { alpha }) => {
            let a = magnitudes(x);
            size.iter().zip(a).map(|(d, a)| 2.0 * gamma::<T>(4) * d * (1.0 + a / alpha)).collect()
        }
        // A derivative below 2 that errs by some ULP of 1 here, and by 1e-14 in the plain loop's f64.
        SliceKernel::Backward(_) => size.iter().map(|d| 2.0 * (16.0 * u + 1e-14) * d).collect(),
        // The plain loop's Φ errs by 1e-14, and its exponentials of arguments below 100 by 1e-13 of themselves. Here, without
        // fused multiply-add the argument of an exponential (up to 70) is rounded once more: some 32 ULP.
        SliceKernel::Forward(activation) if activation.kept() == Kept::Sums => {
            size.iter().zip(w).map(|(z, w)| (64.0 * u + 1e-13) * w + 1e-14 * z).collect()
        }
        // 4 ULP here (3 are promised, `functions`) and at most 4u ≤ 4 ULP there (exp, +, /): 8 ULP ≤ 16u.
        SliceKernel::Forward(_) | SliceKernel::Exp | SliceKernel::Log => w.iter().map(|w| 16.0 * u * w).collect(),
        // Both err by the rounding of z − max, a few of ln Σ, M of the sum and some ULP of the functions, relative to
        // the probability and so absolute in its logarithm.
        SliceKernel::Softmax | SliceKernel::LogSoftmax | SliceKernel::LogSumExp => {
            let relative = (2.0 * 2.0 * 20.0 + 4.0 * (cols as f64).ln() + 2.0 * cols as f64 + 16.0) * u;
            w.iter().map(|w| if op == SliceKernel::Softmax { relative * w } else { relative }).collect()
        }
        _ => {
            let roundings = match op {
                SliceKernel::Dot => rows * cols,
                SliceKernel::Gemv => cols,
                SliceKernel::GemvTransposed | SliceKernel::ColumnSum => rows,
                _ => 3,
            };
            plain(op, rows, cols, &magnitudes(x), &magnitudes(y), &mut size);
            if matches!(op, SliceKernel::Axpy | SliceKernel::Ger | SliceKernel::Sgd) {
                // Their α is negative: |out| + |α·x| instead of |out| − |α·x|.
                size.iter_mut()
                    .zip(before)
                    .for_each(|(s, b)| *s = 2.0 * b.to_f64().abs() + (*s - b.to_f64().abs()).abs());
            }
            size.iter().map(|size| 2.0 * gamma::<T>(roundings + 2) * size).collect()
        }
    }
}

fn check_op<T: Float>(op: SliceKernel, rows: usize, cols: usize, seed: u64) {
    let mut random = Random::new(seed);
    let (x_len, y_len, out_len) = op.lengths(rows, cols);
    let (x, y) = (random.units::<T>(x_len), random.units::<T>(y_len));
    let mut before = random.units::<T>(out_len);
    match op {
        // [−10, 10): where neither form of sigmoid loses its exponential to ∞.
        SliceKernel::Forward(_) | SliceKernel::Exp | SliceKernel::Softmax | SliceKernel::LogSoftmax => {
            before.iter_mut().for_each(|z| *z = *z * T::from_f64(10.0));
        }
        SliceKernel::Log => before.iter_mut().for_each(|z| *z = T::from_f64(z.to_f64().abs() + 0.01)),
        _ => {}
    }
    let mut want = before.clone();
    plain(op, rows, cols, &x, &y, &mut want);
    let bound = bound(op, rows, cols, &x, &y, &before, &want);
    for cpu in cpus() {
        let mut got = before.clone();
        op.run(&cpu, rows, cols, &x, &y, &mut got);
        let what = format!("{op:?} of {rows} × {cols} on {cpu:?}");
        if cols == 0 && op == SliceKernel::LogSumExp {
            assert_eq!(got, vec![T::NEG_INFINITY; rows], "{what}");
            continue;
        }
        assert_close(&got, &want, |i| bound[i], &what);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_kernel_agrees_with_its_plain_loop(rows in length(), cols in length(), seed: u64) {
        for op in SliceKernel::all() {
            check_op::<f32>(op, rows, cols, seed);
            check_op::<f64>(op, rows, cols, seed);
        }
    }

    #[test]
    fn gemm_agrees_with_its_plain_loop(p in product(), seed: u64) {
        check_product::<f32>(&p, seed);
        check_product::<f64>(&p, seed);
    }
}

/// Whole vectors and ragged ones, by four and singly: what the drawn shapes find too, in no time.
#[test]
fn few_shapes_of_every_kernel_agree_with_their_plain_loops() {
    for (seed, (rows, cols)) in [(1, 5), (3, 16), (5, 131), (9, 64)].into_iter().enumerate() {
        for op in SliceKernel::all() {
            check_op::<f32>(op, rows, cols, seed as u64);
            check_op::<f64>(op, rows, cols, seed as u64);
        }
    }
}

/// Products are exact, so the roundings are the additions': n − 1 at most on either side, and one for the bound's own.
fn check_dot_in_f64(n: usize, seed: u64) {
    let mut random = Random::new(seed);
    let (x, y) = (random.units::<f32>(n), random.units::<f32>(n));
    let want = reference::dot_in_f64(&x, &y);
    let size: f64 = x.iter().zip(&y).map(|(x, y)| (f64::from(*x) * f64::from(*y)).abs()).sum();
    for cpu in cpus() {
        let got = dot_in_f64(&cpu, &x, &y).unwrap();
        assert_close(&[got], &[want], |_| 2.0 * gamma::<f64>(n) * size, &format!("dot_in_f64 of {n} on {cpu:?}"));
    }
}

#[test]
fn a_dot_product_in_f64_agrees_with_its_plain_loop() {
    for (seed, n) in LENGTHS.into_iter().chain([1000, 100_003]).enumerate() {
        check_dot_in_f64(n, seed as u64);
    }
}

/// The largest f32's squares, which overflow in f32, and products below f32's smallest number.
#[test]
fn a_dot_product_in_f64_neither_overflows_nor_underflows() {
    let (large, small) = ([f32::MAX; 37], [f32::from_bits(1); 37]);
    let square = |x: f32| f64::from(x) * f64::from(x);
    for cpu in cpus() {
        let got = dot_in_f64(&cpu, &large, &large).unwrap();
        let want = 37.0 * square(f32::MAX);
        assert_close(&[got], &[want], |_| gamma::<f64>(37) * want, "the square of large numbers");
        // Powers of two: exact.
        assert_eq!(dot_in_f64(&cpu, &small, &small).unwrap(), 37.0 * square(f32::from_bits(1)));
    }
}

#[test]
fn training_s_three_products_agree_with_their_plain_loops() {
    let (rows, n, m) = (33, 65, 49);
    let mut random = Random::new(3);
    let (x, delta, w) = (random.units::<f32>(rows * n), random.units::<f32>(rows * m), random.units::<f32>(n * m));
    let mut weight_gradient = vec![0.0; n * m];
    let mut input_gradient = vec![0.0; rows * n];
    reference::weight_gradient(&x, &delta, rows, n, m, &mut weight_gradient);
    reference::input_gradient(&delta, &w, rows, n, m, &mut input_gradient);
    for cpu in cpus() {
        let view = |data, rows, cols| MatrixRef::new(data, rows, cols).unwrap();
        let mut got = vec![0.0; n * m];
        let c = MatrixMut::new(&mut got, n, m).unwrap();
        gemm(&cpu, view(&x, rows, n).transpose(), view(&delta, rows, m), Init::Zero, c).unwrap();
        // Terms are below 1 in magnitude, so their sum is below their number.
        let bound = |terms: usize| 2.0 * gamma::<f32>(terms) * terms as f64;
        assert_close(&got, &weight_gradient, |_| bound(rows), "weight gradient");
        let mut got = vec![0.0; rows * n];
        let c = MatrixMut::new(&mut got, rows, n).unwrap();
        gemm(&cpu, view(&delta, rows, m), view(&w, n, m).transpose(), Init::Zero, c).unwrap();
        assert_close(&got, &input_gradient, |_| bound(m), "input gradient");
    }
}
