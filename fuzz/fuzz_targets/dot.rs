//! `dot` on any length and any contents: near the plain loop, and the same bits at every fused level.
#![no_main]

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use nxm_kernels::{Cpu, Level, ShapeError, dot, reference};

#[derive(Debug, Arbitrary)]
struct Input {
    /// (x, y), of any bits.
    pairs: Vec<(f32, f32)>,
    /// Repeated so often, to reach long reductions.
    repeat: u8,
    /// Elements that y is longer than x.
    surplus: u8,
}

fuzz_target!(|input: Input| {
    let repeat = 1 + input.repeat as usize % 16;
    let (x, y): (Vec<f32>, Vec<f32>) = input.pairs.repeat(repeat).into_iter().unzip();
    let levels: Vec<Level> = Level::available().collect();
    if input.surplus > 0 {
        let long = [&y[..], &vec![0.0; input.surplus as usize][..]].concat();
        for &level in &levels {
            let (what, expected, found) = ("dot: length of y against x", (1, x.len()), (1, long.len()));
            let expected = ShapeError::Shape { what, expected, found };
            assert_eq!(dot(&Cpu::new(level, 1), &x, &long), Err(expected));
        }
    }
    let run = |level: Level| dot(&Cpu::new(level, 1), &x, &y).expect("lengths are equal");

    let scalar = run(levels[0]);
    for &level in levels.iter().filter(|level| level.shape::<f32>().fused) {
        let got = run(level);
        // Which operand's NaN payload survives is not promised.
        assert!(got.to_bits() == scalar.to_bits() || got.is_nan() && scalar.is_nan(), "{level}: {got} not {scalar}");
    }

    let plain = reference::dot(&x, &y);
    let size: f64 = x.iter().zip(&y).map(|(x, y)| (*x as f64 * *y as f64).abs()).sum();
    for &level in &levels {
        let got = run(level);
        if x.iter().chain(&y).any(|x| x.is_nan()) {
            assert!(got.is_nan(), "{level} lost a NaN: {got}");
        } else if size < f32::MAX as f64 / 2.0 {
            // Both err by γₙ·Σ|xᵢ·yᵢ| at most, and by half of the smallest number where a product is subnormal. Below
            // half of the largest number no partial sum can overflow.
            let n = x.len() as f64 + 1.0;
            let unit = f32::EPSILON as f64 / 2.0;
            let bound = 2.0 * n * unit / (1.0 - n * unit) * size + n * f32::from_bits(1) as f64;
            assert!((got as f64 - plain as f64).abs() <= bound, "{level}: {got}, plain loop {plain}, bound {bound:e}");
        }
    }
});
