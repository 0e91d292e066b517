//! Which branches a product takes, so that a test that names one can say that it was taken.

use std::collections::BTreeSet;

use crate::cases::{Case, Draw, Recording, with_room};
use nxm_kernels::call::{Op, RightLayout};
use nxm_kernels::{Blocking, Cpu, Element, Following, Level, Operation, ProductShape};

/// How a product on one thread is blocked and what it copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Branch {
    /// One block, nothing copied.
    Whole,
    /// Tiles read B in place.
    BInPlace,
    /// Blocks of B are copied.
    BCopied,
    /// B was packed beforehand.
    BPacked,
    /// Blocks of A are copied.
    ACopied,
    /// More than one block of k.
    SeveralDepths,
    /// More than one block of rows.
    SeveralRows,
    /// More than one block of columns.
    SeveralCols,
}

/// The branches that a call takes on one thread at a level; none if it is no product.
fn of_operation<T: Element>(operation: &Operation, level: Level) -> Vec<Branch> {
    let (a, b, c, following) = match *operation {
        Op::Gemm { a, b, c, .. } => (a, b, c, Following::Nothing),
        Op::DenseForward { x, weights, a, .. } => (x, weights, a, Following::InPlace),
        Op::DenseInputGradient { delta, weights, d, .. } => {
            (delta, RightLayout::Matrix(weights.transpose()), d, Following::InPlace)
        }
        Op::DenseWeightGradient { x, delta, gradient } => {
            (x.transpose(), RightLayout::Matrix(delta), gradient, Following::Nothing)
        }
        Op::DenseUpdate { x, delta, weights, .. } => {
            (x.transpose(), RightLayout::Matrix(delta), weights, Following::Update)
        }
        _ => return Vec::new(),
    };
    let (inner, b) = match b {
        RightLayout::Matrix(b) => (b.rows, Some(b.strides)),
        RightLayout::Packed { rows, .. } => (rows, None),
    };
    let (rows, cols, size) = (c.rows, c.cols, size_of::<T>());
    let product = ProductShape { rows, inner, cols, a: a.strides, b, following, size };
    let mut taken = if b.is_none() { vec![Branch::BPacked] } else { Vec::new() };
    match Blocking::new(&product, level.shape::<T>()) {
        Blocking::Whole => taken.push(Branch::Whole),
        Blocking::Blocks { b_in_place, pack_a, rows: mc, depth, cols: nc } => {
            taken.push(if b_in_place { Branch::BInPlace } else { Branch::BCopied });
            taken.extend(pack_a.then_some(Branch::ACopied));
            taken.extend((depth < inner).then_some(Branch::SeveralDepths));
            taken.extend((mc < rows).then_some(Branch::SeveralRows));
            taken.extend((nc < cols).then_some(Branch::SeveralCols));
        }
    }
    taken
}

/// The branches that a case's products take at any level of this machine.
pub fn taken<T: Element>(case: &(impl Case<T> + Sync)) -> BTreeSet<Branch> {
    let level = Level::detect().expect("a level");
    let operations = with_room(|| {
        let cpu = Cpu::new(level, 1);
        let recording = Recording::new(&cpu);
        case.run(&recording, Draw::Usual);
        recording.operations()
    });
    let of =
        |level| operations.iter().flat_map(move |operation| of_operation::<T>(operation, level)).collect::<Vec<_>>();
    Level::available().flat_map(of).collect()
}
