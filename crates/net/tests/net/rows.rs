//! A prediction's bits do not depend on how many rows are predicted with it, nor on which.

use nxm_kernels::{Activation, Cpu, Element, Level, MatrixRef};
use nxm_net::{EVALUATION_ROWS, Network, Predictor};

use crate::support::{network, numbers};

/// Inputs, then units: rows of one element, of whole vectors, of ragged ends, and of half a cache line or less, which are not padded.
const SIZES: [&[usize]; 5] = [&[30, 17, 9, 1], &[1, 30, 1], &[7, 8, 4, 5], &[64, 33, 32, 3], &[130, 16, 15, 31]];

/// Every number of rows up to a tile of any level and one more, and around whole vectors.
const COUNTS: [usize; 22] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 31, 32, 33, 63, 65];

/// The bits of each row.
fn bits<T: Element>(outputs: &[T], cols: usize) -> Vec<Vec<u64>> {
    outputs.chunks(cols).map(|row| row.iter().map(|x| x.to_bits_u64()).collect()).collect()
}

/// Predicts rows one by one, and then each of them among others.
fn rows_alone_and_among_others<T: Element>(network: &Network<T>, cpu: &Cpu) {
    let (inputs, outputs) = (network.inputs(), network.outputs());
    let all = 65;
    let x = numbers::<T>(all * inputs, 2);
    let x = MatrixRef::new(&x, all, inputs).unwrap();
    let alone: Vec<Vec<u64>> =
        (0..all).flat_map(|i| bits(&network.predict(cpu, x.block(i, 0, 1, inputs)).unwrap(), outputs)).collect();
    let predictor = Predictor::new(network.clone(), all);
    let mut buffers = predictor.buffers().unwrap();
    let what = || format!("{:?} of {}, {cpu:?}", network.sizes(), T::NAME);
    for rows in COUNTS {
        // The first rows, the last ones, and some in between: a row's place differs from one to the next.
        for first in [0, all - rows, (all - rows) / 2] {
            let part = x.block(first, 0, rows, inputs);
            let expected = &alone[first..first + rows];
            let given = network.predict(cpu, part).unwrap();
            assert!(bits(&given, outputs) == expected, "{}: rows {first}.. of {rows}", what());
            let given = predictor.predict(cpu, part, &mut buffers).unwrap();
            assert!(bits(&given.to_vec(), outputs) == expected, "{}: predictor, rows {first}.. of {rows}", what());
        }
    }
}

fn every_activation_at_every_level<T: Element>() {
    for level in Level::available() {
        for sizes in SIZES {
            for activation in Activation::samples() {
                let network = network::<T>(sizes, activation, activation, 1);
                rows_alone_and_among_others(&network, &Cpu::new(level, 1));
            }
        }
    }
}

#[test]
fn rows_of_f32_are_the_same_alone_and_among_others() {
    every_activation_at_every_level::<f32>();
}

#[test]
fn rows_of_f64_are_the_same_alone_and_among_others() {
    every_activation_at_every_level::<f64>();
}

#[test]
fn rows_do_not_depend_on_the_batch_they_are_in() {
    // More rows than are predicted at a time.
    let (network, all) =
        (network::<f32>(&[7, 9, 3], Activation::Tanh, Activation::Sigmoid, 1), 2 * EVALUATION_ROWS + 88);
    let x = numbers::<f32>(all * 7, 2);
    let x = MatrixRef::new(&x, all, 7).unwrap();
    for level in Level::available() {
        let cpu = Cpu::new(level, 1);
        let together = bits(&network.predict(&cpu, x).unwrap(), 3);
        for row in [0, EVALUATION_ROWS - 1, EVALUATION_ROWS, 2 * EVALUATION_ROWS - 1, 2 * EVALUATION_ROWS, all - 1] {
            let one = bits(&network.predict(&cpu, x.block(row, 0, 1, 7)).unwrap(), 3);
            assert_eq!(one[0], together[row], "row {row}, {level}");
        }
    }
}

#[test]
fn rows_are_the_same_where_products_are_split_and_packed() {
    // Several threads, weights larger than a cache, and depths above a block.
    let network = network::<f32>(&[1100, 700, 19], Activation::Gelu, Activation::Identity, 1);
    let x = numbers::<f32>(96 * 1100, 2);
    let x = MatrixRef::new(&x, 96, 1100).unwrap();
    for level in Level::available().filter(|level| level.shape::<f32>().fused) {
        let alone: Vec<Vec<u64>> = [0, 40, 95]
            .iter()
            .flat_map(|&i| bits(&network.predict(&Cpu::new(level, 1), x.block(i, 0, 1, 1100)).unwrap(), 19))
            .collect();
        for threads in [1, 2, 8] {
            let together = bits(&network.predict(&Cpu::new(level, threads), x).unwrap(), 19);
            let picked: Vec<Vec<u64>> = [0, 40, 95].iter().map(|&i| together[i].clone()).collect();
            assert!(picked == alone, "{level}, {threads} threads");
        }
    }
}

#[test]
fn rows_do_not_depend_on_the_strides_of_the_examples() {
    // The same examples by columns, every other row of a larger matrix, and one row again and again.
    let network = network::<f64>(&[30, 17, 9, 1], Activation::Silu, Activation::Identity, 1);
    let x = numbers::<f64>(24 * 30, 2);
    let rows = MatrixRef::new(&x, 24, 30).unwrap();
    let columns: Vec<f64> = (0..30).flat_map(|j| (0..24).map(move |i| rows.at(i, j))).collect();
    for level in Level::available() {
        let cpu = Cpu::new(level, 1);
        let predict = |x| bits(&network.predict(&cpu, x).unwrap(), 1);
        let expected = predict(rows);
        assert_eq!(predict(MatrixRef::new(&columns, 30, 24).unwrap().transpose()), expected, "{level}");
        let every_other: Vec<Vec<u64>> = expected.iter().step_by(2).cloned().collect();
        assert_eq!(predict(MatrixRef::with_strides(&x, 12, 30, 60, 1).unwrap()), every_other, "{level}");
        let again = MatrixRef::with_strides(&x[5 * 30..], 24, 30, 0, 1).unwrap();
        assert_eq!(predict(again), vec![expected[5].clone(); 24], "{level}");
    }
}
