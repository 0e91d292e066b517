//! One thread against two at every size: a second one must never make anything slower.

use std::hint::black_box;

use nxm_kernels::Cpu;

use crate::library::Number;
use crate::options::Setup;
use crate::product::{Contestant, FORMS, Product, Shape};
use crate::race::{Length, Times, race};
use crate::table::{digits, ratio, table, time};
use crate::vector::{Case, KERNELS, VectorContestant, VectorKernel};

/// B = N = M.
const SIDES: [usize; 13] = [30, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048];
/// Columns of a layer's products that are not square: (B, N, M).
const LAYERS: [(usize, usize, usize); 7] =
    [(1, 784, 128), (1, 1024, 1024), (1, 4096, 4096), (32, 30, 30), (32, 784, 128), (128, 784, 512), (128, 1024, 1024)];
/// Elements of vectors, or of matrices with 512 columns, about where a second thread begins to pay.
const ELEMENTS: [usize; 9] = [1 << 14, 1 << 15, 1 << 16, 1 << 17, 1 << 18, 1 << 19, 1 << 20, 1 << 21, 1 << 24];
/// Seconds for one row, after which no further round begins.
const SECONDS: f64 = 1.0;

/// Prints the cost of a fork and join, and both tables.
pub fn run<T: Number>(setup: &Setup) {
    let length = Length { rounds: setup.rounds, seconds: SECONDS };
    let fork = race(1, length, |_, calls| {
        for _ in 0..calls {
            rayon::join(|| black_box(1), || black_box(2));
        }
    });
    // From outside of the pool, as a caller on the main thread does it.
    println!(
        "rayon's fork and join of two empty tasks, in a pool of {}: best {}, median {}.\n",
        rayon::current_num_threads(),
        time(fork[0].best()),
        time(fork[0].median())
    );
    // Both on the same data: where in memory it lies may make more of a difference than the threads.
    let cpus = [1, 2].map(|threads| Cpu::new(setup.level, threads));
    let header = ["what", "size", "1 thread", "2 threads", "GFLOP/s", "2 threads'", "ratio", "of medians"];
    let mut products = table(&header, 2);
    let shapes = SIDES.map(|side| Shape::new(side, side, side)).into_iter();
    for shape in shapes.chain(LAYERS.map(|(b, n, m)| Shape::new(b, n, m))) {
        for form in FORMS {
            if setup.wants(&format!("{} {shape}", form.name())) {
                eprintln!("{} {shape}", form.name());
                let mut product = Product::<T>::new(shape, form, cpus[0]);
                let times = race(2, length, |i, calls| product.on(cpus[i]).run(Contestant::Nxm, calls));
                products.add_row(row(form.name(), shape.to_string(), shape.flops(), &times));
            }
        }
    }
    println!("{products}\n");
    let header = ["what", "size", "1 thread", "2 threads", "GB/s", "2 threads'", "ratio", "of medians"];
    let mut vectors = table(&header, 2);
    for kernel in KERNELS.into_iter().filter(|kernel| *kernel != VectorKernel::Dot) {
        for elements in ELEMENTS {
            let (rows, cols) = if kernel.has_matrix() { (elements / 512, 512) } else { (1, elements) };
            let size = if kernel.has_matrix() { format!("{rows}×{cols}") } else { format!("{elements}") };
            if setup.wants(&format!("{} {size}", kernel.name())) {
                eprintln!("{} {size}", kernel.name());
                let mut case = Case::<T>::new(kernel, rows, cols, cpus[0]);
                let times = race(2, length, |i, calls| case.on(cpus[i]).run(VectorContestant::Nxm, calls));
                let bytes = case.bytes() as f64;
                vectors.add_row(row(kernel.name(), size, bytes, &times));
            }
        }
    }
    println!("{vectors}");
}

/// `work` is what the rates are rates of.
fn row(what: &str, size: String, work: f64, times: &[Times]) -> Vec<String> {
    let [one, two] = [&times[0], &times[1]];
    vec![
        what.into(),
        size,
        time(one.best()),
        time(two.best()),
        digits(work / one.best() / 1e9),
        digits(work / two.best() / 1e9),
        ratio(one.best() / two.best()),
        ratio(one.median() / two.median()),
    ]
}
