//! The three products of a layer, at shapes from the smallest networks to the largest: one table.

use crate::bandwidth::AccessPattern;
use crate::library::Number;
use crate::options::Setup;
use crate::product::{Contestant, FORMS, Form, Product, Shape, contestants};
use crate::race::{Length, Times, race};
use crate::roofline::{PLACES, bandwidth};
use crate::table::{digits, percent, ratio, table, time};

/// B × N × M.
const SHAPES: [(usize, usize, usize); 14] = [
    (1, 30, 30),
    (32, 30, 30),
    (16, 64, 64),
    (1, 784, 128),
    (32, 784, 128),
    (64, 784, 512),
    (128, 784, 512),
    (128, 1024, 1024),
    (192, 192, 192),
    (256, 256, 256),
    (512, 512, 512),
    (1024, 1024, 1024),
    (256, 4096, 4096),
    (2048, 2048, 2048),
];
/// Seconds for one shape and form, after which no further round begins.
const SECONDS: f64 = 2.0;

/// A row of the table to come.
struct Row {
    shape: Shape,
    form: Form,
    who: Vec<Contestant>,
    times: Vec<Times>,
}

/// Races all of them and prints the table.
pub fn run<T: Number>(setup: &Setup) {
    let mut rows = Vec::new();
    for (b, n, m) in SHAPES {
        for form in FORMS {
            let shape = Shape::new(b, n, m);
            if setup.wants(&format!("{shape} {}", form.name())) {
                eprintln!("{shape} {}", form.name());
                let mut product = Product::<T>::new(shape, form, setup.cpu());
                product.check();
                let who = contestants(form);
                let length = Length { rounds: setup.rounds, seconds: SECONDS };
                let times = race(who.len(), length, |i, calls| product.run(who[i], calls));
                rows.push(Row { shape, form, who, times });
            }
        }
    }
    print::<T>(setup, &rows);
}

fn print<T: Number>(setup: &Setup, rows: &[Row]) {
    // Every race has measured the peak, in turns with the products: the best of all is the processor's.
    let calls = rows.iter().map(|row| row.times[row.times.len() - 1].best()).fold(f64::INFINITY, f64::min);
    let peak = 2.0 * peak_fma::<T>(setup) as f64 * setup.threads as f64 / calls / 1e9;
    let reads = PLACES
        .map(|(_, bytes)| (bytes, bandwidth(setup.level, setup.threads, setup.rounds, AccessPattern::Read, bytes)));
    println!(
        "{} on {} thread(s), at most {} interleaved rounds. FMA peak {} GFLOP/s; read bandwidth {} GB/s.\n",
        T::NAME,
        setup.threads,
        setup.rounds,
        digits(peak),
        PLACES
            .iter()
            .zip(reads)
            .map(|((name, _), (_, rate))| format!("{name} {}", digits(rate)))
            .collect::<Vec<_>>()
            .join(", "),
    );
    let header = [
        "B×N×M",
        "form",
        "best peer",
        "N×M",
        "GFLOP/s",
        "median",
        "spread",
        "peer",
        "peer's median",
        "ratio",
        "of medians",
        "of peak",
        "bound",
    ];
    let mut all = table(&header, 3);
    for row in rows {
        let flops = row.shape.flops() / 1e9;
        let ours = &row.times[0];
        let peers = || (1..row.who.len() - 1).map(|i| (row.who[i], &row.times[i]));
        let (name, peer) = peers().min_by(|a, b| a.1.best().total_cmp(&b.1.best())).expect("a peer");
        let median = peers().map(|(_, times)| times.median()).fold(f64::INFINITY, f64::min);
        // The roofline: all elements are moved once, from where all of them fit.
        let bytes = row.shape.elements() * size_of::<T>();
        let (_, rate) = reads.into_iter().find(|(place, _)| bytes <= 2 * place).unwrap_or(reads[3]);
        let bound = flops / (flops / peak).max(bytes as f64 / rate / 1e9);
        all.add_row([
            row.shape.to_string(),
            row.form.name().into(),
            name.to_string(),
            time(ours.best()),
            digits(flops / ours.best()),
            digits(flops / ours.median()),
            percent(ours.spread()),
            digits(flops / peer.best()),
            digits(flops / median),
            ratio(peer.best() / ours.best()),
            ratio(median / ours.median()),
            percent(flops / ours.best() / peak),
            percent(bound / peak),
        ]);
    }
    println!("{all}");
}

/// Multiply-adds of one run of the peak.
fn peak_fma<T: Number>(setup: &Setup) -> usize {
    use nxm_kernels::Executor;
    setup.cpu().level().dispatch::<T, _>(nxm_benches::fma::Peak::default())
}
