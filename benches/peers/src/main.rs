//! N×M against the machine and against the libraries people use instead, on the same data in the same process.
//!
//! ```text
//! cargo bench --manifest-path benches/peers/Cargo.toml                   products: every shape and form against every peer
//! cargo bench --manifest-path benches/peers/Cargo.toml -- --shapes 1024  only shapes whose name contains "1024"
//! cargo bench --manifest-path benches/peers/Cargo.toml -- --level avx2 --threads 2 --f64
//! cargo bench --manifest-path benches/peers/Cargo.toml -- roofline       FMA peak by level, bandwidth by cache level
//! cargo bench --manifest-path benches/peers/Cargo.toml -- vectors        dot, axpy, gemv, ger against peers and bandwidth
//! cargo bench --manifest-path benches/peers/Cargo.toml -- sweep          200 random shapes: cliffs, and the ratio to the best peer
//! cargo bench --manifest-path benches/peers/Cargo.toml -- threads        one thread against two, from small to large
//! ```
//!
//! OpenBLAS takes part with `--features openblas` where libopenblas is installed. docs/benchmarks.md says what the
//! columns mean.

mod bandwidth;
mod library;
mod options;
mod plain;
mod product;
mod products;
mod race;
mod roofline;
mod sweep;
mod table;
mod threads;
mod vector;
mod vectors;

use clap::Parser;
use options::{Mode, Options};

fn main() {
    let options = Options::parse();
    let setup = match options.setup() {
        Ok(setup) => setup,
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(2);
        }
    };
    library::prepare(setup.threads);
    println!("{}\n", options::machine(&setup));
    match (options.mode, options.f64) {
        (Mode::Products, false) => products::run::<f32>(&setup),
        (Mode::Products, true) => products::run::<f64>(&setup),
        (Mode::Roofline, _) => roofline::run(&setup),
        (Mode::Sweep, false) => sweep::run::<f32>(&setup),
        (Mode::Sweep, true) => sweep::run::<f64>(&setup),
        (Mode::Vectors, false) => vectors::run::<f32>(&setup),
        (Mode::Vectors, true) => vectors::run::<f64>(&setup),
        (Mode::Threads, false) => threads::run::<f32>(&setup),
        (Mode::Threads, true) => threads::run::<f64>(&setup),
    }
}
