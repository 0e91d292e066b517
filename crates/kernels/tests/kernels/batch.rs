//! A forward product does not depend on the batch: a row has the same bits among others as alone.

use nxm_kernels::{
    Activation, Cpu, Init, Layout, Level, MatrixMut, MatrixRef, Operand, PackedMatrix, WORTH_A_THREAD, dense_forward,
    gemm,
};

use crate::catalogue::*;
use crate::support::*;

/// Layers whose sums and outputs end at, before and behind a vector and a block, with one input or unit, and with more sums than one
/// block of k has at any level (1707 × 3 vectors at AVX2).
const LAYERS: [(usize, usize); 10] =
    [(1, 1), (1, 40), (7, 1), (16, 16), (17, 33), (40, 9), (64, 100), (129, 31), (300, 130), (3500, 5)];

fn check<T: Float>(cpu: &Cpu, (n, m): (usize, usize), batches: &[usize]) {
    let largest = batches.iter().copied().max().unwrap();
    let mut random = Random::new((n * m) as u64);
    let x = random.units::<T>(largest * n);
    let (w, bias) = (random.units::<T>(n * m), random.units::<T>(m));
    let weights: Vec<Buffer<T>> = (0..WAYS).map(|way| Buffer::new(&w, laid_out::<T>(way, n, m))).collect();
    let packed = PackedMatrix::new(weights[0].view()).unwrap();
    let mut factors: Vec<Operand<T>> = weights.iter().map(|weights| weights.view().into()).collect();
    factors.push((&packed).into());
    let activation = Activation::Gelu;
    let row = |i: usize, factor: Operand<T>| {
        let mut a = vec![T::GARBAGE; m];
        let x = MatrixRef::from_row(&x[i * n..][..n]);
        dense_forward(cpu, x, factor, &bias, activation, MatrixMut::from_row(&mut a)).unwrap();
        a
    };
    let alone: Vec<Vec<T>> = (0..largest).map(|i| row(i, factors[0])).collect();
    for (f, &factor) in factors.iter().enumerate() {
        let what = format!("{n} inputs, {m} units, weights {f}, on {cpu:?}");
        for i in [0, largest - 1] {
            assert_same(&row(i, factor), &alone[i], &format!("{what}: row {i} alone"));
        }
        for &b in batches {
            // Inputs and outputs in every way too, one after the other.
            let (x_way, a_way) = (b % WAYS, (b + f) % WAYS);
            let x = Buffer::new(&x[..b * n], laid_out::<T>(x_way, b, n));
            let mut a = Buffer::new(&vec![T::ONE; b * m], laid_out::<T>(a_way, b, m));
            dense_forward(cpu, x.view(), factor, &bias, activation, a.view_mut()).unwrap();
            for (i, (a, alone)) in a.values().chunks(m).zip(&alone).enumerate() {
                assert_same(a, alone, &format!("{what}: row {i} of {b}"));
            }
            // The product alone, too.
            let mut z = Buffer::new(&vec![T::ONE; b * m], Layout::row_major(b, m));
            gemm(cpu, x.view(), factor, Init::Bias(&bias), z.view_mut()).unwrap();
            let mut z = z.values();
            activation.forward(cpu, &mut z);
            assert_same(&z, &alone[..b].concat(), &format!("{what}: gemm of {b} rows"));
        }
    }
}

#[test]
fn a_row_has_the_same_bits_in_any_batch() {
    let batches: Vec<usize> = (1..40).collect();
    for level in Level::available() {
        for layer in LAYERS {
            check::<f32>(&Cpu::new(level, 1), layer, &batches);
            check::<f64>(&Cpu::new(level, 1), layer, &batches);
        }
    }
}

/// Rows or columns are dealt out to threads, and there are several blocks of each.
#[test]
fn a_row_has_the_same_bits_in_a_large_batch_on_several_threads() {
    let (layer, batches) = ((600, 330), [1, 39, 257, 600]);
    const { assert!(600 * 600 * 330 > 3 * WORTH_A_THREAD) };
    for level in Level::available() {
        check::<f32>(&Cpu::new(level, 3), layer, &batches);
    }
}
