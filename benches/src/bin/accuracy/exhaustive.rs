//! Every f32 there is.

use std::sync::atomic::{AtomicU32, Ordering};

use nxm_kernels::{Accuracy, Cpu, Function, Level, apply};

use crate::timing;
use crate::ulp::{f32_error, f32_error_of_one};

/// Inputs tested at a time: those whose bits differ in the lower half alone.
const CHUNK: u32 = 1 << 16;

/// What was found in some of the inputs.
#[derive(Clone, Copy, Default)]
struct Findings {
    worst: f64,
    at: f32,
    above_half: u64,
    above_one: u64,
    /// Inputs at which a level with fused multiply-add gave other bits than the best level.
    unequal: u64,
}

impl Findings {
    fn merge(self, other: Findings) -> Findings {
        let worse = if other.worst > self.worst { other } else { self };
        Findings {
            worst: worse.worst,
            at: worse.at,
            above_half: self.above_half + other.above_half,
            above_one: self.above_one + other.above_one,
            unequal: self.unequal + other.unequal,
        }
    }
}

/// Tests each function and prints the table.
pub fn table(functions: &[Function], stride: u32) {
    let levels: Vec<Level> = Level::available().collect();
    let names: Vec<_> = levels.iter().map(|level| level.name()).collect();
    println!("| f32 function | worst ULP | at | above ½ | above 1 | levels differ | ns: {} |", names.join(" | "));
    println!("|---|---|---|---|---|---|{}", "---|".repeat(levels.len()));
    for &function in functions {
        let found = test(function, stride);
        let times: Vec<_> = levels.iter().map(|&level| format!("{:.2}", timing::f32(function, level))).collect();
        println!(
            "| {} | {:.4} | {:e} | {} | {} | {} | {} |",
            function.name(),
            found.worst,
            found.at,
            found.above_half,
            found.above_one,
            found.unequal,
            times.join(" | ")
        );
    }
}

/// All inputs, on two threads.
fn test(function: Function, stride: u32) -> Findings {
    let next = AtomicU32::new(0);
    let worker = || {
        let mut found = Findings::default();
        let mut inputs = Vec::new();
        loop {
            let chunk = next.fetch_add(1, Ordering::Relaxed);
            if chunk > u32::MAX / CHUNK {
                return found;
            }
            inputs.clear();
            inputs.extend((0..CHUNK).step_by(stride as usize).map(|low| {
                // With a stride, other low bits in each chunk.
                let low = low + chunk.wrapping_mul(2_654_435_761) % stride;
                f32::from_bits(chunk * CHUNK + low.min(CHUNK - 1))
            }));
            found = found.merge(test_chunk(function, &inputs, chunk));
        }
    };
    std::thread::scope(|scope| {
        let second = scope.spawn(worker);
        worker().merge(second.join().expect("no panic"))
    })
}

fn test_chunk(function: Function, inputs: &[f32], chunk: u32) -> Findings {
    let best = Level::available().last().expect("scalar is everywhere");
    let mut outputs = inputs.to_vec();
    apply(&Cpu::new(best, 1), function, &mut outputs);
    let of_one = matches!(function.accuracy(), Accuracy::UlpOfOne(_));
    let mut found = Findings::default();
    for (&x, &y) in inputs.iter().zip(&outputs) {
        let exact = function.definition(x as f64);
        let error = if of_one { f32_error_of_one(y, exact) } else { f32_error(y, exact) };
        found.above_half += u64::from(error > 0.5);
        found.above_one += u64::from(error > 1.0);
        if error > found.worst {
            (found.worst, found.at) = (error, x);
        }
    }
    // A sample of the chunk on every level with fused multiply-add.
    let sample: Vec<usize> = (0..inputs.len()).skip(chunk as usize % 1021).step_by(1021).collect();
    for level in Level::available().filter(|level| level.shape::<f32>().fused) {
        let mut again: Vec<f32> = sample.iter().map(|&i| inputs[i]).collect();
        apply(&Cpu::new(level, 1), function, &mut again);
        let same = |(y, &i): (&f32, &usize)| y.to_bits() == outputs[i].to_bits() || y.is_nan() && outputs[i].is_nan();
        found.unequal += again.iter().zip(&sample).filter(|&pair| !same(pair)).count() as u64;
    }
    found
}
