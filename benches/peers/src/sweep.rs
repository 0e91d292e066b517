//! 200 random shapes: where a neighbour is much faster for each operation, there is a cliff; and the ratio to the best peer.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

use crate::library::Number;
use crate::options::Setup;
use crate::product::{Contestant, FORMS, Form, Product, Shape, contestants};
use crate::race::{Length, race};
use crate::table::{digits, ratio, table};

const SHAPES: usize = 200;
/// The longest side.
const LONGEST: u64 = 600;
/// A neighbour that does an operation in this share of the time, or less, stands above a cliff.
const CLIFF: f64 = 2.0;
/// Seconds for one shape and form, after which no further round begins.
const SECONDS: f64 = 0.5;
/// Rows shown of those nearest to a cliff and of those farthest behind a peer.
const SHOWN: usize = 10;

/// What was found at one shape, in GFLOP/s.
struct Found {
    shape: Shape,
    form: Form,
    ours: f64,
    peer: (Contestant, f64),
    neighbour: (Shape, f64),
}

/// Shapes with one side changed by one, or rounded up to what a tile holds if that makes it a quarter longer at most.
fn neighbours(shape: Shape, rows: usize, lanes: usize) -> Vec<Shape> {
    let Shape { b, n, m } = shape;
    let sides = |side: usize| {
        let rounded = [rows, lanes, 3 * lanes].map(|tile| side.next_multiple_of(tile));
        let near = rounded.map(|longer| if 4 * longer <= 5 * side { longer } else { side });
        [side - 1, side + 1, near[0], near[1], near[2]]
    };
    let mut all: Vec<Shape> = sides(b).map(|b| Shape { b, ..shape }).to_vec();
    all.extend(sides(n).map(|n| Shape { n, ..shape }));
    all.extend(sides(m).map(|m| Shape { m, ..shape }));
    let mut kept: Vec<Shape> = Vec::new();
    for other in all {
        if other.b * other.n * other.m > 0 && other != shape && !kept.contains(&other) {
            kept.push(other);
        }
    }
    kept
}

/// Measures all of them and prints what stands out.
pub fn run<T: Number>(setup: &Setup) {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
    let mut side = || (1 + random.next_u64() % LONGEST) as usize;
    let shapes: Vec<Shape> = (0..SHAPES).map(|_| Shape::new(side(), side(), side())).collect();
    let mut found = Vec::new();
    for shape in shapes {
        for form in FORMS {
            if setup.wants(&format!("{shape} {}", form.name())) {
                found.push(look::<T>(setup, shape, form));
            }
        }
    }
    print(&found);
}

fn look<T: Number>(setup: &Setup, shape: Shape, form: Form) -> Found {
    let lanes = setup.level.shape::<T>().lanes;
    let mut products = vec![Product::<T>::new(shape, form, setup.cpu())];
    products.extend(neighbours(shape, 8, lanes).into_iter().map(|other| Product::new(other, form, setup.cpu())));
    let mut runners: Vec<(usize, Contestant)> = (0..products.len()).map(|i| (i, Contestant::Nxm)).collect();
    let peers: Vec<Contestant> =
        contestants(form).into_iter().filter(|who| matches!(who, Contestant::Peer(..))).collect();
    runners.extend(peers.iter().map(|who| (0, *who)));
    let length = Length { rounds: setup.rounds.min(7), seconds: SECONDS };
    let times = race(runners.len(), length, |i, calls| {
        let (product, who) = runners[i];
        products[product].run(who, calls);
    });
    let rate = |i: usize| products[runners[i].0].shape.flops() / times[i].best() / 1e9;
    let fastest =
        |range: std::ops::Range<usize>| range.max_by(|a, b| rate(*a).total_cmp(&rate(*b))).expect("at least one");
    let neighbour = fastest(1..products.len());
    let peer = fastest(products.len()..runners.len());
    Found {
        shape,
        form,
        ours: rate(0),
        peer: (runners[peer].1, rate(peer)),
        neighbour: (products[neighbour].shape, rate(neighbour)),
    }
}

fn print(found: &[Found]) {
    for form in FORMS {
        let mut all: Vec<&Found> = found.iter().filter(|f| f.form == form).collect();
        if all.is_empty() {
            continue;
        }
        let cliff = |f: &Found| f.neighbour.1 / f.ours;
        let behind = |f: &Found| f.ours / f.peer.1;
        println!("{}: {} shapes.", form.name(), all.len());
        let cliffs = all.iter().filter(|f| cliff(f) >= CLIFF).count();
        println!("{cliffs} cliffs (a neighbour {CLIFF} times as fast per operation, or more). The nearest to one:\n");
        all.sort_by(|a, b| cliff(b).total_cmp(&cliff(a)));
        let mut near = table(&["B×N×M", "fastest neighbour", "GFLOP/s", "neighbour's", "ratio"], 2);
        for f in all.iter().take(SHOWN) {
            near.add_row([
                f.shape.to_string(),
                f.neighbour.0.to_string(),
                digits(f.ours),
                digits(f.neighbour.1),
                ratio(cliff(f)),
            ]);
        }
        println!("{near}\n");
        all.sort_by(|a, b| behind(a).total_cmp(&behind(b)));
        let at = |share: usize| ratio(behind(all[(all.len() - 1) * share / 100]));
        let won = all.iter().filter(|f| behind(f) >= 1.0).count();
        println!(
            "Against the best peer: least {}, first decile {}, median {}, largest {}; faster in {won} of {}. The least:\n",
            at(0),
            at(10),
            at(50),
            at(100),
            all.len()
        );
        let mut lost = table(&["B×N×M", "best peer", "GFLOP/s", "peer's", "ratio"], 2);
        for f in all.iter().take(SHOWN) {
            lost.add_row([
                f.shape.to_string(),
                f.peer.0.to_string(),
                digits(f.ours),
                digits(f.peer.1),
                ratio(behind(f)),
            ]);
        }
        println!("{lost}\n");
    }
}
