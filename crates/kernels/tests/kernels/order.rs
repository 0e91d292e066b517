//! The promised order of operations, spelled out naively and compared bit by bit at every fused level.

use nxm_kernels::{
    Activation, Blocking, Cpu, Following, Init, Level, MatrixMut, MatrixRef, ProductShape, Strides, WORTH_A_THREAD,
    beside::power, dense_input_gradient, dot, dot_in_f64, gemm, gemm_scaled, gemv_transposed,
};
use proptest::prelude::*;

use crate::reference::product;
use crate::run::{Product, SliceKernel, Storage, dot_products};
use crate::support::*;

/// One chain of fused multiply-adds for each element, in the order of k.
fn chains<T: Float>(p: &Product, a: &[T], b: &[T], bias: &[T], c: &[T]) -> Vec<T> {
    let mut out = Vec::with_capacity(p.m * p.n);
    for i in 0..p.m {
        for j in 0..p.n {
            let start = match p.init {
                Init::Zero => T::ZERO,
                Init::Bias(()) => bias[j],
                Init::Accumulate => c[i * p.n + j],
            };
            out.push((0..p.k).fold(start, |sum, q| T::fused(a[i * p.k + q], b[q * p.n + j], sum)));
        }
    }
    out
}

/// One dot product, in virtual lanes, for each element.
fn dots<T: Float>(p: &Product, a: &[T], b: &[T]) -> Vec<T> {
    let of = |i: usize, j: usize, q: usize| (a[i * p.k + q], b[q * p.n + j]);
    let sum = |i: usize, j: usize| {
        let next = |q: usize, sum: T| T::fused(of(i, j, q).0, of(i, j, q).1, sum);
        virtual_lanes(p.k, |q| of(i, j, q).0 * of(i, j, q).1, next)
    };
    (0..p.m * p.n).map(|at| sum(at / p.n, at % p.n)).collect()
}

fn check_product<T: Float>(p: &Product, mix: Mix, seed: u64, threads: &[usize]) {
    let mut random = Random::new(seed);
    let (a, b) = (random.mixed::<T>(mix, p.m * p.k), random.mixed::<T>(mix, p.k * p.n));
    let (bias, c) = (random.mixed::<T>(mix, p.n), random.mixed::<T>(mix, p.m * p.n));
    let want = if p.is_dot_products() { dots(p, &a, &b) } else { chains(p, &a, &b, &bias, &c) };
    for level in fused_levels::<T>() {
        for &threads in threads {
            let got = p.run(&Cpu::new(level, threads), &a, &b, &bias, &c, T::GARBAGE);
            assert_same(&got, &want, &format!("{p:?} of {mix:?} at {level} on {threads} threads"));
        }
    }
}

/// C ← α·A·B + β·C: (α·a)·b + sum, from β·c on. If α multiplies B (C stands column after column), a·(α·b). One row of dot products
/// where [`gemm()`] has them: if C is not read.
fn check_scaled<T: Float>(p: &Product, [alpha, beta]: [f64; 2], mix: Mix, seed: u64) {
    let Product { m, k, n, .. } = *p;
    let (alpha, beta) = (T::from_f64(alpha), T::from_f64(beta));
    let mut random = Random::new(seed);
    let (a, b) = (random.mixed::<T>(mix, m * k), random.mixed::<T>(mix, k * n));
    // What is multiplied by zero must not be read.
    let c = if beta == T::ZERO { vec![T::GARBAGE; m * n] } else { random.mixed::<T>(mix, m * n) };
    let times =
        |factor: T, x: &[T]| x.iter().map(|x| if factor == T::ONE { *x } else { factor * *x }).collect::<Vec<_>>();
    let by_columns = p.c.strides(m, n).0 == 1 && p.c.strides(m, n).1 != 1;
    let (sa, sb) = if by_columns { (a.clone(), times(alpha, &b)) } else { (times(alpha, &a), b.clone()) };
    let start = if beta == T::ZERO { vec![T::ZERO; m * n] } else { times(beta, &c) };
    let plain = Product { k: if alpha == T::ZERO { 0 } else { k }, init: Init::Accumulate, ..*p };
    // What is multiplied in the end: copies of the operand that α multiplies stand row after row.
    let scaled = if alpha == T::ONE { None } else { Some(Storage::Rows(0)) };
    let ((a_rows, a_cols), (b_rows, b_cols)) = (p.a.strides(m, k), p.b.strides(k, n));
    let dots_of = match by_columns {
        true => dot_products(n, plain.k, scaled.map_or(b_rows, |copy| copy.strides(n, k).1), (a_cols, a_rows)),
        false => dot_products(m, plain.k, scaled.map_or(a_cols, |copy| copy.strides(m, k).1), (b_rows, b_cols)),
    };
    let want = match beta == T::ZERO && dots_of {
        true => dots(&plain, &sa, &sb),
        false => chains(&plain, &sa, &sb, &[], &start),
    };
    let (a_laid, a_rows, a_cols) = p.a.lay(&a, m, k, T::GARBAGE);
    let (b_laid, b_rows, b_cols) = p.b.lay(&b, k, n, T::GARBAGE);
    for level in fused_levels::<T>() {
        let (mut c, c_rows, c_cols) = p.c.lay(&c, m, n, T::GARBAGE);
        let a = MatrixRef::with_strides(&a_laid, m, k, a_rows, a_cols).unwrap();
        let b = MatrixRef::with_strides(&b_laid, k, n, b_rows, b_cols).unwrap();
        let to = MatrixMut::with_strides(&mut c, m, n, c_rows, c_cols).unwrap();
        gemm_scaled(&Cpu::new(level, 1), alpha, a, b, beta, to).unwrap();
        assert_same(&p.gather(&c, T::GARBAGE), &want, &format!("{alpha:?}·A·B + {beta:?}·C, {p:?} at {level}"));
    }
}

/// Σ f(i) as `nxm_kernels::reduce` documents it: element i belongs to virtual lane i mod L (L is one block, or four from
/// four blocks on), and lanes are folded by halves.
fn virtual_lanes<T: Float>(n: usize, first: impl Fn(usize) -> T, next: impl Fn(usize, T) -> T) -> T {
    let long = n >= 4 * T::BLOCK;
    let lanes = if long { 4 * T::BLOCK } else { T::BLOCK };
    let mut sums = vec![T::ZERO; lanes];
    for i in 0..n {
        sums[i % lanes] = if i < lanes { first(i) } else { next(i, sums[i % lanes]) };
    }
    while sums.len() > 1 {
        let half = sums.len() / 2;
        sums = (0..half).map(|i| sums[i] + sums[i + half]).collect();
    }
    sums[0]
}

fn check_reductions<T: Float>(n: usize, seed: u64) {
    let mut random = Random::new(seed);
    let (x, y) = (random.units::<T>(n), random.units::<T>(n));
    let dot = virtual_lanes(n, |i| x[i] * y[i], |i, sum| T::fused(x[i], y[i], sum));
    for level in fused_levels::<T>() {
        let mut got = [T::ZERO];
        SliceKernel::Dot.run(&Cpu::new(level, 1), 1, n, &x, &y, &mut got);
        assert_same(&got, &[dot], &format!("a dot product of {n} at {level}"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn gemm_is_one_chain_in_the_order_of_k(p in product(), mix in proptest::sample::select(&Mix::ALL[..]), seed: u64) {
        check_product::<f32>(&p, mix, seed, &[1]);
        check_product::<f64>(&p, mix, seed, &[1]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn scaled_products_are_one_chain_too(
        p in product(),
        factors in proptest::sample::select(&[[1.0, 0.0], [1.0, 1.0], [0.5, 0.0], [-1.3, 0.7], [0.0, 0.7], [0.0, 0.0], [1.0, -2.0]][..]),
        mix in proptest::sample::select(&Mix::ALL[..]),
        seed: u64,
    ) {
        check_scaled::<f32>(&p, factors, mix, seed);
        check_scaled::<f64>(&p, factors, mix, seed);
    }
}

#[test]
fn sums_run_in_virtual_lanes_whatever_the_vectors() {
    for n in (0..300).chain([1023, 1024, 1025, 4096 + 17]) {
        check_reductions::<f32>(n, n as u64);
        check_reductions::<f64>(n, n as u64);
    }
}

/// One row times a matrix that stands column after column, from zero on, has the bits of `dot`, whatever follows it; from a bias on, or
/// with more rows, it is chains.
fn check_one_row<T: Float>(k: usize, n: usize, mix: Mix, threads: usize) {
    let mut random = Random::new((k + n) as u64);
    let (x, w, bias) = (random.mixed::<T>(mix, k), random.mixed::<T>(mix, n * k), random.mixed::<T>(mix, n));
    let kept = random.mixed::<T>(mix, n);
    let (x_row, by_columns) = (MatrixRef::new(&x, 1, k).unwrap(), MatrixRef::new(&w, n, k).unwrap());
    let by_columns = by_columns.transpose();
    for level in fused_levels::<T>() {
        let cpu = Cpu::new(level, threads);
        let what = |what: &str| format!("{what}, 1 × {k} × {n} of {mix:?}, at {level} on {threads} threads");
        let dots: Vec<T> = w.chunks(k).map(|w| dot(&cpu, w, &x).unwrap()).collect();
        let mut got = vec![T::GARBAGE; n];
        gemm(&cpu, x_row, by_columns, Init::Zero, MatrixMut::from_row(&mut got)).unwrap();
        assert_same(&got, &dots, &what("gemm"));
        // A single column stands row after row too, and is a chain.
        if n > 1 {
            gemv_transposed(&cpu, by_columns, &x, &mut got).unwrap();
            assert_same(&got, &dots, &what("gemv_transposed"));
        }
        gemm_scaled(&cpu, T::ONE, x_row, by_columns, T::ZERO, MatrixMut::from_row(&mut got)).unwrap();
        assert_same(&got, &dots, &what("gemm_scaled"));
        let activation = Activation::Sigmoid;
        let (delta, weights) = (x_row, by_columns.transpose());
        let d = MatrixMut::from_row(&mut got);
        dense_input_gradient(&cpu, delta, weights, activation, MatrixRef::from_row(&kept), d).unwrap();
        let mut want = dots.clone();
        activation.backward(&cpu, &kept, &mut want).unwrap();
        assert_same(&got, &want, &what("the input gradient"));
        gemm(&cpu, x_row, by_columns, Init::Bias(&bias), MatrixMut::from_row(&mut got)).unwrap();
        let chain = |j: usize| (0..k).fold(bias[j], |sum, q| T::fused(x[q], w[j * k + q], sum));
        assert_same(&got, &(0..n).map(chain).collect::<Vec<T>>(), &what("gemm from a bias"));
    }
}

#[test]
fn one_row_of_a_transposed_matrix_is_dot_products() {
    assert!(dot_products(1, 300, 1, (1, 300)));
    for k in LENGTHS.into_iter().filter(|k| *k > 1).chain([1025]) {
        for n in [1, 2, 15, 16, 17, 33] {
            for mix in Mix::ALL {
                check_one_row::<f32>(k, n, mix, 1);
                check_one_row::<f64>(k, n, mix, 1);
            }
        }
    }
    // Enough for three threads.
    let (k, n) = (3001, 2203);
    assert!(k * n > 3 * WORTH_A_THREAD);
    check_one_row::<f32>(k, n, Mix::Plain, 3);
    check_one_row::<f64>(k, n, Mix::Borders, 3);
}

/// Its products are exact, so levels that don't fuse are bound to the same bits; whatever the data, −0 and NaN too.
#[test]
fn a_dot_product_in_f64_has_one_order_at_every_level() {
    for n in (0..300).chain([1023, 1024, 1025, 4096 + 17]) {
        for mix in Mix::ALL {
            let mut random = Random::new(n as u64);
            let (x, y) = (random.mixed::<f32>(mix, n), random.mixed::<f32>(mix, n));
            let product = |i: usize| f64::from(x[i]) * f64::from(y[i]);
            let want = virtual_lanes(n, product, |i, sum| sum + product(i));
            for level in Level::available() {
                let got = dot_in_f64(&Cpu::new(level, 1), &x, &y).unwrap();
                assert_same(&[got], &[want], &format!("dot_in_f64 of {n}, {mix:?}, at {level}"));
            }
        }
    }
}

/// Blocks of k (853 × 3 vectors at AVX-512, 1706 at AVX2, 3413 and 13653 at 128 bits and one f32), of columns (about
/// 1010 at a depth of 129) and of rows (512 at that depth) end inside of these.
#[test]
fn gemm_keeps_its_chains_across_blocks() {
    let form = |m, k, n, a, b, init| Product { m, k, n, a, b, c: Storage::Rows(3), init };
    let shapes = [
        form(49, 854, 33, Storage::Rows(0), Storage::Rows(5), Init::Bias(())),
        form(50, 1707, 26, Storage::Columns(1), Storage::Columns(0), Init::Accumulate),
        form(48, 3414, 7, Storage::Rows(2), Storage::Columns(3), Init::Zero),
        form(48, 13654, 5, Storage::Rows(0), Storage::Rows(0), Init::Bias(())),
        form(48, 129, 1021, Storage::Rows(0), Storage::Rows(0), Init::Bias(())),
        form(49, 129, 1015, Storage::Columns(0), Storage::Columns(0), Init::Zero),
        form(513, 129, 9, Storage::Columns(0), Storage::Columns(0), Init::Bias(())),
        form(261, 257, 7, Storage::Scattered, Storage::Scattered, Init::Accumulate),
        form(7, 1025, 131, Storage::Columns(0), Storage::Columns(0), Init::Bias(())),
    ];
    // At some level each of the three is cut, and A and B are copied.
    let blocks = |p: &Product, level: Level| {
        let [a, b] = [p.a.strides(p.m, p.k), p.b.strides(p.k, p.n)].map(|(row, col)| Strides { row, col });
        let (rows, inner, cols, following) = (p.m, p.k, p.n, Following::Nothing);
        let product = ProductShape { rows, inner, cols, a, b: Some(b), following, size: 4 };
        match Blocking::new(&product, level.shape::<f32>()) {
            Blocking::Whole => [false; 5],
            Blocking::Blocks { b_in_place, pack_a, rows, depth, cols } => {
                [rows < p.m, depth < p.k, cols < p.n, pack_a, !b_in_place]
            }
        }
    };
    let all = || shapes.iter().flat_map(|shape| Level::available().map(move |level| blocks(shape, level)));
    for (branch, what) in ["rows", "k", "columns", "A is copied", "B is copied"].into_iter().enumerate() {
        assert!(all().any(|taken| taken[branch]), "no product takes this branch: {what}");
    }
    for (seed, shape) in shapes.iter().enumerate() {
        check_product::<f32>(shape, Mix::Plain, seed as u64, &[1, 3]);
        check_product::<f64>(shape, Mix::Plain, seed as u64, &[1]);
    }
}

#[test]
fn powers_are_those_of_repeated_multiplication() {
    assert_eq!((power(0.9, 0), power(0.9, 1), power(0.5, 10)), (1.0, 0.9, 1.0 / 1024.0));
    for n in [2u64, 3, 7, 50, 1000] {
        let repeated = (0..n).fold(1.0, |product, _| product * 0.999f64);
        // n roundings of half a unit each, here and there.
        assert!((power(0.999, n) / repeated - 1.0).abs() < n as f64 * f64::EPSILON, "{n}");
    }
    assert_eq!(power(0.999, u64::MAX), 0.0);
}
