//! The lengths at which products are cut into blocks.

use super::check_at;
use crate::cases::with_room;
use crate::matrices::{Form, Gemm};
use nxm_kernels::{Blocking, Element, Following, Level, ProductShape, Strides};

/// How a product of matrices without gaps between rows is cut: whether B is read in place, and rows, depth and columns of a block.
fn blocks<T: Element>(level: Level, [rows, inner, cols]: [usize; 3]) -> Option<(bool, [usize; 3])> {
    let [a, b] = [inner, cols].map(|cols| Strides { row: cols, col: 1 });
    let size = size_of::<T>();
    let shape = ProductShape { rows, inner, cols, a, b: Some(b), following: Following::Nothing, size };
    match Blocking::new(&shape, level.shape::<T>()) {
        Blocking::Whole => None,
        Blocking::Blocks { b_in_place, rows, depth, cols, .. } => Some((b_in_place, [rows, depth, cols])),
    }
}

/// The product around each length of a side, up to `most`, at which its blocking changes in `what`; at least one.
fn around<T: Element>(level: Level, sides: [usize; 3], side: usize, most: usize, what: fn(Cut) -> bool) -> usize {
    let cut = |length: usize| {
        let mut sides = sides;
        sides[side] = length;
        what((blocks::<T>(level, sides), sides))
    };
    let lengths: Vec<usize> = (2..=most).filter(|length| cut(*length) != cut(length - 1)).collect();
    for length in lengths.iter().take(2).flat_map(|length| [length - 1, *length]) {
        let mut sides = sides;
        sides[side] = length;
        let [m, k, n] = sides;
        check_at::<T>(&Gemm { form: Form::Forward, m, k, n }, level, 1, &format!("around a cut: {m} × {k} × {n}"));
    }
    lengths.len()
}

/// How a product is cut, and its sides.
type Cut = (Option<(bool, [usize; 3])>, [usize; 3]);

fn block_cuts<T: Element>(level: Level) {
    let panel = 3 * level.shape::<T>().lanes;
    // From one block to several: A and B no longer fit L1.
    assert!(around::<T>(level, [2, 0, panel], 1, 20_000, |(blocks, _)| blocks.is_some()) > 0, "{level}");
    // Sums of more than one block of terms.
    let deep = |(blocks, sides): Cut| blocks.is_some_and(|(_, [_, depth, _])| depth < sides[1]);
    assert!(around::<T>(level, [16, 0, panel], 1, 60_000, deep) > 0, "{level}");
    // From a B in place to a copy, by rows of A.
    let copied = |(blocks, _): Cut| blocks.is_some_and(|(in_place, _)| !in_place);
    assert!(around::<T>(level, [0, 50, 96], 0, 300, copied) > 0, "{level}");
}

/// Both sides of each cut between blocks: from one block to blocks, to several blocks of terms, and to a copy of B.
#[test]
fn around_cuts_between_blocks() {
    with_room(|| {
        for level in Level::available() {
            block_cuts::<f32>(level);
            block_cuts::<f64>(level);
        }
    });
}
