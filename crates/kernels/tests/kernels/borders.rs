//! What stands around an operand is neither read nor written, and where an operand stands does not matter.

use nxm_kernels::{Cpu, Level};
use proptest::prelude::*;

use crate::reference::product;
use crate::run::{Product, SliceKernel, Storage};
use crate::support::*;

/// Longer than any vector: a whole vector read or written beyond an operand lands in it.
const MARGIN: usize = 20;

/// `data` with garbage before it (`offset` elements) and after it.
fn embed<T: Float>(data: &[T], offset: usize) -> Vec<T> {
    let mut all = vec![T::GARBAGE; offset];
    all.extend_from_slice(data);
    all.resize(all.len() + MARGIN, T::GARBAGE);
    all
}

fn check_op<T: Float>(op: SliceKernel, rows: usize, cols: usize, offset: usize, seed: u64) {
    let mut random = Random::new(seed);
    let (x_len, y_len, out_len) = op.lengths(rows, cols);
    let (x, y) = (random.units::<T>(x_len), random.units::<T>(y_len));
    let before = random.units::<T>(out_len);
    let (x_wide, y_wide) = (embed(&x, offset), embed(&y, offset + 1));
    for level in Level::available() {
        let cpu = Cpu::new(level, 1);
        let mut want = before.clone();
        op.run(&cpu, rows, cols, &x, &y, &mut want);
        let mut out = embed(&before, offset + 2);
        let at = offset + 2;
        let (x, y) = (&x_wide[offset..][..x_len], &y_wide[offset + 1..][..y_len]);
        op.run(&cpu, rows, cols, x, y, &mut out[at..at + out_len]);
        let what = format!("{op:?} of {rows} × {cols} at {level}, {offset} elements into a slice");
        assert_same(&out[at..at + out_len], &want, &what);
        let outside = out[..at].iter().chain(&out[at + out_len..]);
        assert!(outside.into_iter().all(|x| x.to_bits_u64() == T::GARBAGE.to_bits_u64()), "{what} wrote outside");
    }
}

/// Garbage in the gaps of strided operands gives what zeros there give (C's gaps are checked by [`Product::run`]).
fn check_product<T: Float>(p: &Product, seed: u64) {
    let mut random = Random::new(seed);
    let (a, b) = (random.units::<T>(p.m * p.k), random.units::<T>(p.k * p.n));
    let (bias, c) = (random.units::<T>(p.n), random.units::<T>(p.m * p.n));
    for cpu in cpus() {
        let want = p.run(&cpu, &a, &b, &bias, &c, T::ZERO);
        assert!(want.iter().all(|x| x.is_finite()));
        assert_same(&p.run(&cpu, &a, &b, &bias, &c, T::GARBAGE), &want, &format!("{p:?} on {cpu:?}"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn kernels_keep_to_their_operands(
        rows in proptest::sample::select(&LENGTHS[..]),
        cols in proptest::sample::select(&LENGTHS[..]),
        offset in 0usize..17,
        seed: u64,
    ) {
        for op in SliceKernel::all() {
            check_op::<f32>(op, rows, cols, offset, seed);
            check_op::<f64>(op, rows, cols, offset, seed);
        }
    }

    #[test]
    fn gemm_keeps_to_its_operands(p in product(), seed: u64) {
        check_product::<f32>(&p, seed);
        check_product::<f64>(&p, seed);
    }
}

/// The gap of C between the parts of two threads is theirs neither.
#[test]
fn parallel_gemm_keeps_to_its_operands() {
    for (m, k, n) in [(1027, 67, 37), (5, 401, 1301)] {
        let p = Product { c: Storage::Rows(7), ..Product::new(m, k, n) };
        let mut random = Random::new(1);
        let (a, b) = (random.units::<f32>(m * k), random.units::<f32>(k * n));
        let c = vec![0.0; m * n];
        for level in Level::available() {
            p.run(&Cpu::new(level, 3), &a, &b, &[], &c, f32::GARBAGE);
        }
    }
}

/// With `Zero` and `Bias` C is not read: NaN in it does not come through.
#[test]
fn c_is_read_only_to_accumulate() {
    for k in [0, 1, 300] {
        let p = Product::new(50, k, 33);
        let mut random = Random::new(2);
        let (a, b) = (random.units::<f32>(50 * k), random.units::<f32>(k * 33));
        for cpu in cpus() {
            let got = p.run(&cpu, &a, &b, &[], &[f32::NAN; 50 * 33], 0.0);
            assert!(got.iter().all(|c| c.is_finite()), "k = {k} on {cpu:?}");
        }
    }
}
