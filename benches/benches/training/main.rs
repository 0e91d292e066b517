//! Training and inference of whole networks: times, rates, shares of the FMA peak, and where the time goes.
//!
//! All contestants take turns in rounds, each beside a measurement of the peak (multiply-adds on registers alone), so that a change of
//! the processor's clock hits all of them; the best round of each is printed and the median beside it. Flops are those of the
//! products alone, an fma being two. f32, the fastest level.
//!
//! ```text
//! cargo bench -p nxm-benches --bench training                 everything
//! cargo bench -p nxm-benches --bench training -- digits       only those whose name contains "digits"
//! ```

mod jobs;
mod phases;

use nxm_benches::clock::{median, seconds};
use nxm_benches::fma;
use nxm_kernels::{Cpu, Level};

use jobs::Job;
use phases::Phases;

const ROUNDS: usize = 7;

fn main() {
    let level = Level::detect().expect("a level");
    let filter = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    println!("{level}, f32, {ROUNDS} rounds: the best, and the median; share of the best peak of as many threads\n");
    println!("{:<64}{:>12}{:>12}{:>10}{:>8}", "", "best", "median", "GFLOP/s", "peak");
    for (name, make) in jobs::ALL.into_iter().filter(|(name, _)| name.contains(&filter)) {
        let mut job = make();
        for &threads in job.threads {
            contest(name, &mut job, Cpu::new(level, threads), threads);
        }
    }
}

/// Measures one job on so many threads, and prints it.
fn contest(name: &str, job: &mut Job, cpu: Cpu, threads: usize) {
    let (mut times, mut peaks) = (Vec::new(), Vec::new());
    (job.run)(&cpu);
    for _ in 0..ROUNDS {
        peaks.push(fma::gigaflops(&cpu));
        times.push(seconds(|| (job.run)(&cpu)) / job.repeats as f64);
    }
    let best = times.iter().copied().fold(f64::INFINITY, f64::min);
    let peak = peaks.iter().copied().fold(0.0, f64::max) * threads as f64;
    let rate = job.flops / best / 1e9;
    let name = format!("{name}, {threads} thread{}", if threads == 1 { "" } else { "s" });
    println!("{name:<64}{:>12}{:>12}{rate:>10.1}{:>7.0}%", time(best), time(median(times)), 100.0 * rate / peak);
    if let Some(run) = &mut job.profiled {
        let phases = Phases::new(cpu);
        run(&phases);
        phases.print();
    }
}

/// "1.23 µs".
fn time(seconds: f64) -> String {
    match seconds {
        s if s < 1e-3 => format!("{:.2} µs", s * 1e6),
        s if s < 1.0 => format!("{:.2} ms", s * 1e3),
        s => format!("{s:.3} s"),
    }
}
