//! How near products come to the processor's limit, and how long the smallest step takes: one table.
//!
//! The limit is measured, not looked up: fused multiply-adds on registers alone, in as many independent chains as the
//! units can take. All contestants take turns in rounds, so that a change of the processor's clock hits all of them;
//! each share of the peak is of the same round's peak; medians are printed, and the best share. One thread, f32, an fma is two flops.

mod work;

use nxm_benches::clock::{median, seconds};
use nxm_benches::fma;
use nxm_kernels::{Cpu, Level};
use work::{FORMS, Product, SmallStep};

const ROUNDS: usize = 31;
/// (rows, inner, columns) of each product.
const SIZES: [(usize, usize, usize); 2] = [(512, 512, 512), (128, 1024, 1024)];
/// Steps for each timing: one alone is too short for the clock.
const STEPS: usize = 2000;

fn largest(numbers: &[f64]) -> f64 {
    numbers.iter().copied().fold(0.0, f64::max)
}

/// One level's measurements, one entry for each round.
struct Record {
    cpu: Cpu,
    peak: Vec<f64>,
    /// GFLOP/s of each product.
    products: Vec<Vec<f64>>,
    /// Microseconds of one step.
    step: Vec<f64>,
}

fn main() {
    // `cargo test --benches` and `cargo bench` pass their own arguments; there is nothing to choose.
    let mut products: Vec<Product> =
        SIZES.into_iter().flat_map(|size| FORMS.map(|form| Product::new(form, size))).collect();
    let mut step = SmallStep::new();
    let mut records: Vec<Record> = Level::available()
        .map(|level| Record {
            cpu: Cpu::new(level, 1),
            peak: vec![],
            products: vec![vec![]; products.len()],
            step: vec![],
        })
        .collect();
    // The first round warms caches and clock, and is not kept.
    for round in 0..=ROUNDS {
        for record in &mut records {
            let peak = fma::gigaflops(&record.cpu);
            let rates: Vec<f64> = products
                .iter_mut()
                .map(|product| product.flops() / seconds(|| product.run(&record.cpu)) / 1e9)
                .collect();
            let micros = seconds(|| (0..STEPS).for_each(|_| step.run(&record.cpu))) * 1e6 / STEPS as f64;
            if round > 0 {
                record.peak.push(peak);
                record.products.iter_mut().zip(rates).for_each(|(kept, rate)| kept.push(rate));
                record.step.push(micros);
            }
        }
    }
    print(&products, &records);
}

fn print(products: &[Product], records: &[Record]) {
    println!(
        "One thread, f32, {ROUNDS} interleaved rounds: median GFLOP/s, its share of the same round's FMA peak, and the best\n\
         round's share of the best peak (on a machine that others use, the figure that repeats).\n"
    );
    print!("{:<42}", "");
    records.iter().for_each(|record| print!("{:>18}", record.cpu_name()));
    print!("\n{:<42}", "FMA peak, registers alone");
    records.iter().for_each(|record| print!("{:>8.1}          ", median(record.peak.clone())));
    println!();
    for (i, product) in products.iter().enumerate() {
        print!("{:<42}", product.name());
        for record in records {
            let rates = &record.products[i];
            let shares = rates.iter().zip(&record.peak).map(|(rate, peak)| rate / peak * 100.0).collect();
            let best = 100.0 * largest(rates) / largest(&record.peak);
            print!("{:>8.1} {:>3.0}% {:>3.0}%", median(rates.clone()), median(shares), best);
        }
        println!();
    }
    print!("{:<42}", "30-30-30 sigmoid step, batch 1, in µs");
    records.iter().for_each(|record| print!("{:>8.2}          ", median(record.step.clone())));
    println!();
}

impl Record {
    fn cpu_name(&self) -> String {
        use nxm_kernels::Executor;
        format!("{}          ", self.cpu.level())
    }
}
