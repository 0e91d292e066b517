//! dot, axpy, gemv and ger in L1, L2, L3 and memory, against peers and against the same bytes moved.

use crate::library::Number;
use crate::options::Setup;
use crate::race::{Length, race};
use crate::table::{digits, percent, ratio, table, time};
use crate::vector::{Case, KERNELS, VectorContestant, VectorKernel, contestants};

/// Rows and columns: two small ones, then what fills L1, L2, L3 and memory in f32.
pub const SIZES: [(&str, usize, usize); 6] =
    [("30", 30, 30), ("128×784", 128, 784), ("L1", 64, 80), ("L2", 256, 384), ("L3", 1024, 2048), ("DRAM", 8192, 8192)];
/// The lengths of vectors that stand in the place of the two small matrices.
const LENGTHS: [usize; 2] = [30, 256];
/// Seconds for one row, after which no further round begins.
const SECONDS: f64 = 1.5;

/// Races all of them and prints the table.
pub fn run<T: Number>(setup: &Setup) {
    let header = [
        "kernel",
        "size",
        "best peer",
        "N×M",
        "GB/s",
        "median",
        "spread",
        "peer's GB/s",
        "ratio",
        "of medians",
        "memory's GB/s",
        "of memory",
    ];
    let mut all = table(&header, 3);
    for kernel in KERNELS {
        for (i, (place, rows, cols)) in SIZES.into_iter().enumerate() {
            let (rows, cols) = size::<T>(kernel, i, rows, cols);
            let name = match (kernel.has_matrix(), i) {
                (true, 0 | 1) => format!("{rows}×{cols}"),
                (true, _) => format!("{place}: {rows}×{cols}"),
                (false, 0 | 1) => format!("{}", rows * cols),
                (false, _) => format!("{place}: {}", rows * cols),
            };
            if setup.wants(&format!("{} {name}", kernel.name())) {
                eprintln!("{} {name}", kernel.name());
                all.add_row(row(setup, Case::<T>::new(kernel, rows, cols, setup.cpu()), name));
            }
        }
    }
    println!("{} on {} thread(s).\n\n{all}", T::NAME, setup.threads);
}

/// Rows and columns for vectors or a matrix of `T`, in the place of the i-th size.
fn size<T>(kernel: VectorKernel, i: usize, rows: usize, cols: usize) -> (usize, usize) {
    match (kernel.has_matrix(), LENGTHS.get(i)) {
        (false, Some(length)) => (1, *length),
        // Two vectors, each of half as many bytes.
        (false, None) => (rows, cols * 4 / size_of::<T>() / 2),
        (true, Some(_)) => (rows, cols),
        (true, None) => (rows, cols * 4 / size_of::<T>()),
    }
}

fn row<T: Number>(setup: &Setup, mut case: Case<T>, name: String) -> Vec<String> {
    case.check();
    let who = contestants(case.kernel, setup.threads);
    let length = Length { rounds: setup.rounds, seconds: SECONDS };
    let times = race(who.len(), length, |i, calls| case.run(who[i], calls));
    let bytes = case.bytes() as f64 / 1e9;
    let peers =
        || who.iter().zip(&times).filter(|(who, _)| !matches!(who, VectorContestant::Nxm | VectorContestant::Memory));
    let (peer, best) = peers().min_by(|a, b| a.1.best().total_cmp(&b.1.best())).expect("a peer");
    let median = peers().map(|(_, times)| times.median()).fold(f64::INFINITY, f64::min);
    let memory = who.iter().position(|who| *who == VectorContestant::Memory).map(|i| &times[i]);
    let ours = &times[0];
    vec![
        case.kernel.name().into(),
        name,
        peer.to_string(),
        time(ours.best()),
        digits(bytes / ours.best()),
        digits(bytes / ours.median()),
        percent(ours.spread()),
        digits(bytes / best.best()),
        ratio(best.best() / ours.best()),
        ratio(median / ours.median()),
        memory.map_or("".into(), |times| digits(bytes / times.best())),
        memory.map_or("".into(), |times| percent(times.best() / ours.best())),
    ]
}
