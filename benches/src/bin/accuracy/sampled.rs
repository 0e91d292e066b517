//! A sample of f64.

use std::sync::Mutex;

use nxm_kernels::{Cpu, Function, Level, apply};

use crate::reference_f64::{ScaledValue, interval, reference};
use crate::timing;

/// The worst error, where, and how many are above ½ and 1.
#[derive(Clone, Copy, Default)]
struct SampledErrors {
    worst: f64,
    at: f64,
    above_half: u64,
    above_one: u64,
}

/// Tests each function at `points` inputs, spread evenly over all exponents of its interval and again evenly over the
/// interval itself, and prints the table.
pub fn table(functions: &[Function], points: u64) {
    let levels: Vec<Level> = Level::available().collect();
    let names: Vec<_> = levels.iter().map(|level| level.name()).collect();
    println!("| f64 function | worst ULP of {points} | at | above ½ | above 1 | ns: {} |", names.join(" | "));
    println!("|---|---|---|---|---|{}", "---|".repeat(levels.len()));
    for &function in functions {
        let found = test(function, points);
        let times: Vec<_> = levels.iter().map(|&level| format!("{:.2}", timing::f64(function, level))).collect();
        let (worst, at) = (found.worst, found.at);
        let name = function.name();
        println!(
            "| {name} | {worst:.4} | {at:e} | {} | {} | {} |",
            found.above_half,
            found.above_one,
            times.join(" | ")
        );
    }
}

fn test(function: Function, points: u64) -> SampledErrors {
    let total = Mutex::new(SampledErrors::default());
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let total = &total;
            scope.spawn(move || {
                let found = test_part(function, points / 2, thread);
                let mut total = total.lock().expect("no panic");
                let worse = if found.worst > total.worst { found } else { *total };
                *total = SampledErrors {
                    worst: worse.worst,
                    at: worse.at,
                    above_half: total.above_half + found.above_half,
                    above_one: total.above_one + found.above_one,
                };
            });
        }
    });
    total.into_inner().expect("no panic")
}

fn test_part(function: Function, points: u64, thread: u64) -> SampledErrors {
    let best = Level::available().last().expect("scalar is everywhere");
    let mut random = thread + 1;
    let mut found = SampledErrors::default();
    let mut inputs = Vec::new();
    for start in (0..points).step_by(4096) {
        inputs.clear();
        inputs.extend((start..points.min(start + 4096)).map(|i| input(function, i, &mut random)));
        let mut outputs = inputs.clone();
        apply(&Cpu::new(best, 1), function, &mut outputs);
        for (&x, &y) in inputs.iter().zip(&outputs) {
            let error = error(y, reference(function, x));
            found.above_half += u64::from(error > 0.5);
            found.above_one += u64::from(error > 1.0);
            if error > found.worst {
                (found.worst, found.at) = (error, x);
            }
        }
    }
    found
}

/// Even points are uniform in the interval, odd ones in the exponents from 2⁻⁶⁰ up to its ends (all, for a logarithm).
fn input(function: Function, i: u64, random: &mut u64) -> f64 {
    // SplitMix64.
    *random = random.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = (*random ^ (*random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    let unit = (z >> 11) as f64 / (1u64 << 53) as f64;
    let (low, high) = interval(function);
    if i.is_multiple_of(2) {
        // Logarithms spread far too widely for that: near 1 instead.
        let (low, high) = if function == Function::Log { (0.5, 2.0) } else { (low, high.min(1e3)) };
        return low + (high - low) * unit;
    }
    let least = if low > 0.0 { low.log2() } else { -60.0 };
    let end = if z & 1 == 0 || low > 0.0 { high } else { low };
    let x = (least + (end.abs().log2() - least) * unit).exp2().copysign(end);
    x.clamp(low, high)
}

/// |y − exact| in units in the last place of an f64 of `exact`'s size.
fn error(y: f64, exact: ScaledValue) -> f64 {
    let ScaledValue { value, exponent } = exact;
    let size = ((value.high.to_bits() >> 52) & 0x7ff) as i32 - 1023 + exponent;
    // The unit's exponent, and everything relative to it: powers of two, so exact.
    let unit = size.max(-1022) - 52;
    let scale = |x: f64, n: i32| x * 2f64.powi(n / 2) * 2f64.powi(n - n / 2);
    ((scale(y, -unit) - scale(value.high, exponent - unit)) - scale(value.low, exponent - unit)).abs()
}
