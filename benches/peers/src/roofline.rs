//! The machine's limits: multiply-adds on registers, and bytes from each level of the memory, on one and two threads.

use std::sync::Barrier;
use std::time::Instant;

use nxm_kernels::{Cpu, Element, Executor, Level};

use crate::bandwidth::{AccessPattern, Move};
use crate::options::Setup;
use crate::table::{digits, table};
use nxm_benches::fma::Peak;

/// Where data is: its name, and bytes that fit there beside what else is there (L2 and L3 hold more than L1 and L2 do).
pub const PLACES: [(&str, usize); 4] = [("L1", 24 << 10), ("L2", 384 << 10), ("L3", 8 << 20), ("DRAM", 256 << 20)];

const PATTERNS: [(&str, AccessPattern); 4] = [
    ("read", AccessPattern::Read),
    ("write", AccessPattern::Write),
    ("copy", AccessPattern::Copy),
    ("update", AccessPattern::Update),
];
/// Seconds of each round of each measurement.
const ROUND: f64 = 0.01;

/// The most work per second that `threads` threads did together in any round. `work` returns how much it has done.
fn rate<W: FnMut() -> f64>(threads: usize, rounds: usize, make: impl Fn() -> W + Sync) -> f64 {
    let barrier = Barrier::new(threads);
    let one = || {
        let mut work = make();
        work();
        let mut rates = Vec::new();
        for _ in 0..rounds {
            barrier.wait();
            let (start, mut done) = (Instant::now(), 0.0);
            while start.elapsed().as_secs_f64() < ROUND {
                done += work();
            }
            rates.push(done / start.elapsed().as_secs_f64());
        }
        rates
    };
    let all: Vec<Vec<f64>> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(one)).collect();
        handles.into_iter().map(|handle| handle.join().expect("a measuring thread")).collect()
    });
    (0..rounds).map(|round| all.iter().map(|rates| rates[round]).sum()).fold(0.0, f64::max)
}

/// GFLOP/s on registers.
pub fn fma_peak<T: Element>(level: Level, threads: usize, rounds: usize) -> f64 {
    let cpu = Cpu::new(level, 1);
    rate(threads, rounds, || move || 2.0 * cpu.level().dispatch::<T, _>(Peak::default()) as f64) / 1e9
}

/// GB/s of `pattern` on `bytes` in all buffers of a thread.
pub fn bandwidth(level: Level, threads: usize, rounds: usize, pattern: AccessPattern, bytes: usize) -> f64 {
    let cpu = Cpu::new(level, 1);
    // Whole cache lines.
    let len = bytes / pattern.buffers() / 64 * 16;
    // Small buffers are gone through many times between two looks at the clock.
    let times = ((1 << 20) / bytes).max(1);
    rate(threads, rounds, || {
        let (x, mut y) = (vec![1.0f32; len], vec![1.0f32; len]);
        move || {
            for _ in 0..times {
                cpu.level().dispatch(Move { pattern, x: &x, y: &mut y });
            }
            (times * pattern.moved() * len * size_of::<f32>()) as f64
        }
    }) / 1e9
}

/// Prints both tables.
pub fn run(setup: &Setup) {
    println!("Best of {} rounds; all threads together.\n", setup.rounds);
    let mut peaks = table(&["FMA peak, GFLOP/s", "f32, 1 thread", "2 threads", "f64, 1 thread", "2 threads"], 1);
    for level in Level::available() {
        let rounds = setup.rounds;
        let rates = [
            fma_peak::<f32>(level, 1, rounds),
            fma_peak::<f32>(level, 2, rounds),
            fma_peak::<f64>(level, 1, rounds),
            fma_peak::<f64>(level, 2, rounds),
        ];
        peaks.add_row([level.name().to_owned()].into_iter().chain(rates.map(digits)));
    }
    println!("{peaks}\n");
    let mut header = vec!["GB/s, 1 / 2 threads".to_owned()];
    header.extend(PLACES.map(|(name, bytes)| match bytes >> 20 {
        0 => format!("{name} ({} KiB)", bytes >> 10),
        mib => format!("{name} ({mib} MiB)"),
    }));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let mut moves = table(&header, 1);
    for (name, pattern) in PATTERNS {
        let cell = |(_, bytes)| {
            let [one, two] = [1, 2].map(|threads| bandwidth(setup.level, threads, setup.rounds, pattern, bytes));
            format!("{} / {}", digits(one), digits(two))
        };
        moves.add_row([name.to_owned()].into_iter().chain(PLACES.map(cell)));
    }
    println!("{moves}");
}
