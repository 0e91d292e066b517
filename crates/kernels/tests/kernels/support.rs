//! Data, levels and comparisons that all tests share.

use nxm_kernels::reference::Real;
use nxm_kernels::{Cpu, Element, Level};

/// What the tests need of an element beyond the crate's own trait.
pub trait Float: Real {
    /// a·b + c, rounded once.
    fn fused(a: Self, b: Self, c: Self) -> Self;
    /// Numbers at the borders of the type: zeros, subnormals, the smallest normal, 1, the largest.
    const FINITE_SPECIALS: [Self; 8];
    /// ∞, −∞ and NaN.
    const NON_FINITE: [Self; 3];
    /// A NaN that no operation makes, to find stray reads and writes by.
    const GARBAGE: Self;
}

impl Float for f32 {
    fn fused(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }
    const FINITE_SPECIALS: [f32; 8] =
        [0.0, -0.0, f32::from_bits(1), -1.1e-40, f32::MIN_POSITIVE, 1.0, f32::MAX, -f32::MAX];
    const NON_FINITE: [f32; 3] = [f32::INFINITY, f32::NEG_INFINITY, f32::NAN];
    const GARBAGE: f32 = f32::from_bits(0x7fc5_a5a5);
}

impl Float for f64 {
    fn fused(a: f64, b: f64, c: f64) -> f64 {
        a.mul_add(b, c)
    }
    const FINITE_SPECIALS: [f64; 8] =
        [0.0, -0.0, f64::from_bits(1), -1.1e-310, f64::MIN_POSITIVE, 1.0, f64::MAX, -f64::MAX];
    const NON_FINITE: [f64; 3] = [f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
    const GARBAGE: f64 = f64::from_bits(0x7ffc_a5a5_a5a5_a5a5);
}

/// What data is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mix {
    /// Numbers in [−1, 1).
    Plain,
    /// Half of them zeros of both signs, subnormals and the largest numbers.
    Borders,
    /// Nothing but −0.
    NegativeZeros,
    /// One in 40 is ∞, −∞ or NaN.
    NonFinite,
    /// Specials alone.
    Specials,
}

impl Mix {
    /// All of them.
    pub const ALL: [Mix; 5] = [Mix::Plain, Mix::Borders, Mix::NegativeZeros, Mix::NonFinite, Mix::Specials];
}

/// Steele and others' SplitMix64: reproducible data from a seed.
pub struct Random(u64);

impl Random {
    /// Starts at `seed`.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }
    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    /// One of 0 .. n.
    pub fn below(&mut self, n: usize) -> usize {
        (self.bits() % n as u64) as usize
    }
    /// A number in [−1, 1).
    pub fn unit<T: Element>(&mut self) -> T {
        T::from_f64((self.bits() >> 11) as f64 / (1u64 << 52) as f64 - 1.0)
    }
    /// `len` numbers in [−1, 1).
    pub fn units<T: Element>(&mut self, len: usize) -> Vec<T> {
        (0..len).map(|_| self.unit()).collect()
    }
    /// `len` numbers of `mix`.
    pub fn mixed<T: Float>(&mut self, mix: Mix, len: usize) -> Vec<T> {
        (0..len).map(|_| self.one_of(mix)).collect()
    }
    fn one_of<T: Float>(&mut self, mix: Mix) -> T {
        match mix {
            Mix::Plain => self.unit(),
            Mix::Borders if self.below(2) == 0 => T::FINITE_SPECIALS[self.below(8)],
            Mix::Borders => self.unit(),
            Mix::NegativeZeros => T::FINITE_SPECIALS[1],
            Mix::NonFinite if self.below(40) == 0 => T::NON_FINITE[self.below(3)],
            Mix::NonFinite => self.unit(),
            Mix::Specials => match self.below(11) {
                i @ 0..8 => T::FINITE_SPECIALS[i],
                i => T::NON_FINITE[i - 8],
            },
        }
    }
}

/// Every level of this processor, on one thread.
pub fn cpus() -> Vec<Cpu> {
    Level::available().map(|level| Cpu::new(level, 1)).collect()
}

/// Every level of this processor whose multiply-add rounds once.
pub fn fused_levels<T: Element>() -> Vec<Level> {
    Level::available().filter(|level| level.shape::<T>().fused).collect()
}

/// A quarter of what a machine can count: so many elements fit into no memory.
pub const HUGE: usize = 1 << (usize::BITS - 2);

/// Lengths around the borders of vectors (1, 2, 4, 8, 16 lanes), blocks (8, 16) and long reductions (32, 64).
pub const LENGTHS: [usize; 36] = [
    0, 1, 2, 3, 4, 5, 7, 8, 9, 11, 12, 15, 16, 17, 23, 24, 25, 31, 32, 33, 39, 40, 41, 47, 48, 49, 63, 64, 65, 79, 80,
    81, 127, 128, 129, 200,
];

/// The same bits, all NaN being one value: which operand's payload survives is not promised.
pub fn same<T: Element>(a: T, b: T) -> bool {
    a.to_bits_u64() == b.to_bits_u64() || (is_nan(a) && is_nan(b))
}

/// Whether `x` is NaN.
pub fn is_nan<T: Element>(x: T) -> bool {
    x.to_f64().is_nan()
}

/// Panics at the first element that has not the same bits ([`same`]).
#[track_caller]
pub fn assert_same<T: Element>(got: &[T], want: &[T], what: &str) {
    assert_eq!(got.len(), want.len(), "{what}: lengths");
    // Millions of elements that are equal to the byte are compared in no time; the search has to know about NaN.
    if bytemuck::cast_slice::<T, u8>(got) == bytemuck::cast_slice::<T, u8>(want) {
        return;
    }
    if let Some(i) = (0..got.len()).find(|&i| !same(got[i], want[i])) {
        panic!("{what} in {}: element {i} of {} is {:?}, expected {:?}", T::NAME, got.len(), got[i], want[i]);
    }
}

/// γₖ = k·u/(1 − k·u), Higham's bound of k roundings.
pub fn gamma<T: Element>(roundings: usize) -> f64 {
    let ku = roundings as f64 * T::UNIT_ROUNDOFF;
    ku / (1.0 - ku)
}

/// |got − want| ≤ bound, element by element.
#[track_caller]
pub fn assert_close<T: Element>(got: &[T], want: &[T], bound: impl Fn(usize) -> f64, what: &str) {
    assert_eq!(got.len(), want.len(), "{what}: lengths");
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        let error = (got.to_f64() - want.to_f64()).abs();
        assert!(
            error <= bound(i),
            "{what} in {}: element {i} is {got}, expected {want}: off by {error:e}, allowed {:e}",
            T::NAME,
            bound(i)
        );
    }
}

/// |x| in f64.
pub fn magnitudes<T: Element>(x: &[T]) -> Vec<f64> {
    x.iter().map(|x| x.to_f64().abs()).collect()
}
