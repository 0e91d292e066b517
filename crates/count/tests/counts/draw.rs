//! Numbers that cases are run on: usual ones, and extreme ones of every class, in which rows of zeros come up.

use nxm_kernels::{Element, Layout, MatrixMut, MatrixRef};
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// What a case's numbers are drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draw {
    /// Numbers in [−1, 1).
    Usual,
    /// Of each class as many, and usual ones; a quarter of a matrix's rows and columns are zeros.
    Extreme,
}

/// Numbers in [−1, 1) from a seed.
pub fn numbers<T: Element>(len: usize, seed: u64) -> Vec<T> {
    Draw::Usual.numbers(len, seed)
}

/// So many numbers are drawn, a prime number of them; then they are repeated, for drawing takes longer than most kernels.
const DRAWN: usize = 65_521;

/// Zeros of both signs, one, infinities, NaN, subnormal numbers, the least that are not, huge ones, and those whose squares over- or underflow.
fn classes<T: Element>() -> [f64; 13] {
    let [subnormal, least, huge] =
        if T::NAME == "f32" { [1e-42, f64::from(f32::MIN_POSITIVE), 3e38] } else { [1e-310, f64::MIN_POSITIVE, 1e308] };
    let (infinity, nan) = (f64::INFINITY, f64::NAN);
    [0.0, -0.0, 1.0, infinity, -infinity, nan, subnormal, -subnormal, least, huge, -huge, 1e-30, 1e30]
}

/// In [−1, 1).
fn usual(random: &mut impl Rng) -> f64 {
    (random.next_u64() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}

/// In 0 .. n.
fn below(random: &mut impl Rng, n: usize) -> usize {
    (random.next_u64() % n as u64) as usize
}

impl Draw {
    /// Such numbers from a seed.
    pub fn numbers<T: Element>(self, len: usize, seed: u64) -> Vec<T> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let classes = classes::<T>();
        let mut draw = || match self {
            Draw::Usual => usual(&mut random),
            // Usual ones are as likely as four classes.
            Draw::Extreme => match below(&mut random, classes.len() + 4) {
                class if class < classes.len() => classes[class],
                _ => usual(&mut random),
            },
        };
        let drawn: Vec<T> = (0..len.min(DRAWN)).map(|_| T::from_f64(draw())).collect();
        let mut numbers = drawn.clone();
        while numbers.len() < len {
            numbers.extend_from_slice(&drawn[..DRAWN.min(len - numbers.len())]);
        }
        numbers
    }
}

/// A matrix of such a layout, with its numbers.
pub struct Numbers<T> {
    pub data: Vec<T>,
    layout: Layout,
}

impl<T: Element> Numbers<T> {
    /// Of numbers drawn from a seed.
    pub fn new(draw: Draw, seed: u64, layout: Layout) -> Numbers<T> {
        let mut data = draw.numbers(layout.span().unwrap(), seed);
        if draw == Draw::Extreme {
            let mut random = Xoshiro256PlusPlus::seed_from_u64(!seed);
            let mut zeros = |n: usize| (0..n).filter(|_| below(&mut random, 4) == 0).collect::<Vec<_>>();
            let (rows, cols) = (zeros(layout.rows), zeros(layout.cols));
            let at = |i: usize, j: usize| i * layout.strides.row + j * layout.strides.col;
            let of_rows = rows.iter().flat_map(|i| (0..layout.cols).map(|j| at(*i, j)));
            let of_cols = cols.iter().flat_map(|j| (0..layout.rows).map(|i| at(i, *j)));
            let zeros: Vec<usize> = of_rows.chain(of_cols).collect();
            // Of both signs, so that a kernel that takes −0 for something else is seen too.
            zeros.into_iter().for_each(|at| data[at] = T::from_f64(if at % 2 == 0 { 0.0 } else { -0.0 }));
        }
        Numbers { data, layout }
    }
    /// With each number squared.
    pub fn squared(mut self) -> Numbers<T> {
        self.data.iter_mut().for_each(|x| *x = T::from_f64(x.to_f64().powi(2)));
        self
    }
    /// To read.
    pub fn read(&self) -> MatrixRef<'_, T> {
        MatrixRef::with_layout(&self.data, self.layout).unwrap()
    }
    /// To write.
    pub fn write(&mut self) -> MatrixMut<'_, T> {
        MatrixMut::with_layout(&mut self.data, self.layout).unwrap()
    }
}

fn every_class_comes_up<T: Element>() {
    for seed in 0..20 {
        let drawn: Vec<u64> = Draw::Extreme.numbers::<T>(300, seed).iter().map(|x| x.to_bits_u64()).collect();
        for class in classes::<T>() {
            let bits = T::from_f64(class).to_bits_u64();
            let times = drawn.iter().filter(|x| **x == bits).count();
            // 300 of 17 equally likely ones are 18 of each.
            assert!((2..60).contains(&times), "{class} comes up {times} times with seed {seed}");
        }
    }
    // No two seeds draw the same, and no number has the same neighbour twice in a row.
    let [a, b] = [1, 2].map(|seed| Draw::Extreme.numbers::<T>(300, seed));
    assert!(a.iter().zip(&b).any(|(x, y)| x.to_bits_u64() != y.to_bits_u64()));
    let pairs: std::collections::HashSet<_> =
        a.windows(2).map(|pair| (pair[0].to_bits_u64(), pair[1].to_bits_u64())).collect();
    assert!(pairs.len() > 150, "{} different pairs of neighbours", pairs.len());
}

/// The draw itself: every class comes up, neighbours change, and rows and columns of zeros do too.
#[test]
fn extreme_numbers_are_of_every_class() {
    every_class_comes_up::<f32>();
    every_class_comes_up::<f64>();
    let (mut rows, mut cols) = (0, 0);
    for seed in 0..20 {
        let matrix = Numbers::<f32>::new(Draw::Extreme, seed, Layout::row_major(12, 17));
        let zero = |i: usize, j: usize| matrix.read().row(i)[j] == 0.0;
        rows += (0..12).filter(|i| (0..17).all(|j| zero(*i, j))).count();
        cols += (0..17).filter(|j| (0..12).all(|i| zero(i, *j))).count();
    }
    // A quarter of 240 rows and of 340 columns.
    assert!((30..90).contains(&rows) && (50..120).contains(&cols), "{rows} rows and {cols} columns are zeros");
    let usual = numbers::<f64>(1000, 3);
    assert!(usual.iter().all(|x| (-1.0..1.0).contains(x)));
    assert!(usual.iter().filter(|x| **x < 0.0).count().abs_diff(500) < 80);
}
