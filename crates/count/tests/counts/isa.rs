//! Vectors as the instruction sets have them, written down once more: padding depends on them.
//!
//! Formulas and the counting token both take lanes and folds from the kernels' tokens. Here they are derived from the width of registers.

use crate::cases::{Case, Draw, with_room};
use crate::vectors::{OfLength, OnVectors};
use nxm_count::{Counted, Kind};
use nxm_kernels::{Cpu, Element, Level};

/// Bytes of a level's vectors, or none if it works on single elements; whether it fuses multiply-adds; its registers.
fn registers(level: Level) -> (Option<usize>, bool, usize) {
    let avx = cfg!(target_feature = "avx");
    match level.name() {
        "scalar" => (None, true, 16),
        "wide" if cfg!(target_arch = "aarch64") => (Some(16), true, 32),
        "wide" => (Some(if avx { 32 } else { 16 }), cfg!(target_feature = "fma"), 16),
        "avx2" => (Some(32), true, 16),
        "avx512" => (Some(64), true, 32),
        name => panic!("the registers of {name} are not written down here"),
    }
}

/// Lanes of a vector of elements of so many bytes.
pub fn lanes(level: Level, size: usize) -> usize {
    registers(level).0.map_or(1, |bytes| bytes / size)
}

/// Lanes that folding a vector to one number executes: it adds halves until one lane is left. No register is narrower than 16 bytes; but the
/// last step is an instruction on single numbers.
pub fn fold(level: Level, size: usize) -> usize {
    let mut executed = 0;
    let mut half = registers(level).0.map_or(0, |bytes| bytes / 2);
    while half >= size {
        executed += if half == size { 1 } else { half.max(16) / size };
        half /= 2;
    }
    executed
}

/// Bytes of a reduction's block, and blocks of a long reduction.
const BLOCK: usize = 64;
const LONG: usize = 4;

/// What a dot product of n elements executes: lanes of mul, of fma, and of add.
///
/// Elements are taken in whole vectors. The first vectors, one block of them or four, are products, the next ones are added to them. Then
/// vectors are added until one is left, and that is folded.
fn dot(level: Level, size: usize, n: usize) -> [usize; 3] {
    let lanes = lanes(level, size);
    let block = BLOCK / size;
    let vectors = if n < LONG * block { block / lanes } else { LONG * block / lanes };
    let all = n.div_ceil(lanes);
    let first = all.min(vectors);
    [first * lanes, (all - first) * lanes, (vectors - 1) * lanes + fold(level, size)]
}

fn check<T: Element>(level: Level) {
    let (size, shape) = (size_of::<T>(), level.shape::<T>());
    let (_, fused, registers) = registers(level);
    let found = (shape.lanes, shape.fused, shape.registers, shape.fold_lanes);
    assert_eq!(found, (lanes(level, size), fused, registers, fold(level, size)), "{} {level}", T::NAME);
    assert_eq!(T::BLOCK, BLOCK / size);
    for n in 1..=2 * LONG * T::BLOCK + 1 {
        let counted = Counted::new(Cpu::new(level, 1));
        Case::<T>::run(&OfLength { kernel: OnVectors::Dot, n }, &counted, Draw::Usual);
        let executed = counted.total().executed().unwrap();
        let [mul, fma, add] = dot(level, size, n).map(|lanes| lanes as u128);
        let expected = if fused { [mul, fma, add] } else { [mul + fma, 0, add + fma] };
        let executed = [Kind::Mul, Kind::Fma, Kind::Add].map(|kind| executed.own().get(kind));
        assert_eq!(executed, expected, "{n} elements of {}, {level}", T::NAME);
    }
}

/// Each level's vectors are those of its registers, and a dot product of each length executes what follows from that.
#[test]
fn lanes_and_folds_are_those_of_the_registers() {
    with_room(|| {
        for level in Level::available() {
            check::<f32>(level);
            check::<f64>(level);
        }
    });
}

/// The folds by hand: AVX-512 adds 8, 4, 4 lanes of f32 and 1; AVX2 adds 4, 4 and 1.
#[test]
fn folds_by_hand() {
    for (name, folds) in [("scalar", [0, 0]), ("avx2", [4 + 4 + 1, 2 + 1]), ("avx512", [8 + 4 + 4 + 1, 4 + 2 + 1])] {
        let Ok(level) = Level::named(name) else { continue };
        assert_eq!([fold(level, 4), fold(level, 8)], folds, "{name}");
    }
}
