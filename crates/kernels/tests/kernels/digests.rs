//! The same bits on another machine: digests of what every kernel computes, stored in `digests.txt`.
//!
//! `sameness` compares the levels of one machine. This file compares machines: each level that fuses must give the digests that are stored, on
//! any processor. All NaN count as one value.

use std::collections::BTreeMap;
use std::fmt::Write;

use nxm_kernels::Cpu;

use crate::catalogue::{Case, name, outputs, ran, samples};
use crate::support::*;

/// Batch, inputs and units: less than a vector, ragged ones, and long reductions.
const SIZES: [[usize; 3]; 3] = [[1, 3, 5], [4, 17, 33], [7, 70, 131]];

/// FNV-1a of the bits, 64 bits wide.
fn digest<T: Float>(digest: u64, x: T) -> u64 {
    let bits = if is_nan(x) { u64::MAX } else { x.to_bits_u64() };
    bits.to_le_bytes().iter().fold(digest, |digest, byte| (digest ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}

/// The digest of each kernel in each of its ways.
fn digests<T: Case>(cpu: &Cpu) -> BTreeMap<String, u64> {
    let mut digests = BTreeMap::new();
    for (seed, size) in SIZES.into_iter().enumerate() {
        for sample in samples::<T>(size, seed as u64) {
            let of = digests.entry(format!("{} {}", T::NAME, name(&sample))).or_insert(0xcbf2_9ce4_8422_2325);
            for output in outputs(&ran(&sample, cpu)) {
                *of = output.values().into_iter().fold(*of, digest);
            }
        }
    }
    digests
}

#[test]
fn bits_are_those_of_every_other_machine() {
    let stored = include_str!("digests.txt");
    let levels = fused_levels::<f32>();
    assert!(!levels.is_empty(), "a level that fuses");
    for level in levels {
        let cpu = Cpu::new(level, 1);
        let mut found = String::new();
        for (name, digest) in digests::<f32>(&cpu).into_iter().chain(digests::<f64>(&cpu)) {
            writeln!(found, "{digest:016x} {name}").unwrap();
        }
        let differ: Vec<&str> = found.lines().filter(|line| !stored.lines().any(|other| other == *line)).collect();
        assert!(
            differ.is_empty(),
            "at {level} these are not in digests.txt, which says what every machine computes:\n{}",
            differ.join("\n")
        );
        assert_eq!(found.lines().count(), stored.lines().count(), "digests.txt has lines that no kernel has");
    }
}
