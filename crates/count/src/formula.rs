//! Closed formulas: what kernels, steps and training runs execute, from shapes alone.
//!
//! This is the independent statement of what the kernels do. It calls none of them: it is arithmetic on shapes, in
//! 128-bit integers that are checked, so any size may be asked about. That both agree is what the tests show.
//!
//! Two ideas make all of it:
//! - a *map* does something once per element: n useful lanes, and n rounded up to whole vectors executed;
//! - a *reduction* of n elements starts up to four blocks of 64 bytes of lanes (one block if n is less than four), adds
//!   the other elements to those, and folds the lanes: n − 1 useful operations, and the whole tree executed.
//!
//! A matrix product is a map over a row of the result, once per row and per term of the sums.

mod constants;
mod dense;
mod functions;
mod inference;
mod kernels;
mod losses;
mod requests;
mod step;
mod traffic;
mod training;

pub use constants::rule_constants;
pub use functions::inside;
pub use inference::InferenceFormula;
pub use requests::{Requests, Start, Sums};
pub use step::{LayerFormula, Parts, StepFormula};
pub use traffic::{LayerTraffic, StepTraffic};
pub use training::{Schedule, TrainingFormula};

use nxm_kernels::{Element, Function, Level, Shape};

use crate::kind::{Kind, Overflow};
use crate::ops::Ops;
use crate::tally::Tally;

/// Vectors of an element type, as far as counts depend on them: the receiver of every formula.
///
/// Useful operations depend on the element type only (how long a polynomial is, how many lanes a sum has) and on whether
/// multiply-adds are fused; padding depends on the length of the vectors too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vectors {
    lanes: u128,
    fused: bool,
    fold_lanes: u128,
    /// Lanes of a reduction's block: 64 bytes.
    block: u128,
    /// Element type, as [`Element::NAME`].
    element: &'static str,
}

impl Vectors {
    /// The vectors that `level` has of `T`.
    pub fn of<T: Element>(level: Level) -> Vectors {
        Vectors::new::<T>(level.shape::<T>())
    }

    /// Single elements with fused multiply-add: the counts of the textbook, the useful ones of every fused level.
    pub fn textbook<T: Element>() -> Vectors {
        Vectors::new::<T>(Shape { lanes: 1, fused: true, fold_lanes: 0, registers: 16 })
    }

    /// Vectors of `T` of any shape.
    pub fn new<T: Element>(shape: Shape) -> Vectors {
        Vectors {
            lanes: shape.lanes as u128,
            fused: shape.fused,
            fold_lanes: shape.fold_lanes as u128,
            block: T::BLOCK as u128,
            element: T::NAME,
        }
    }

    /// Lanes that are executed beside n useful ones.
    fn beside(self, n: u128) -> u128 {
        (self.lanes - n % self.lanes) % self.lanes
    }

    /// What these vectors execute for `ops`, which are written with fused multiply-adds.
    fn executed_as(self, ops: Ops) -> Ops {
        if self.fused { ops } else { ops.unfused() }
    }

    /// One evaluation of `function`, with its inside.
    fn evaluation(self, function: Function) -> Ops {
        Ops::evaluation(function, inside(function, self.element))
    }

    /// `per_element` for each of n elements that stand side by side.
    fn map(self, per_element: Ops, n: u128) -> Result<Tally, Overflow> {
        let ops = self.executed_as(per_element);
        Ok(Tally { useful: ops.times(n)?, padding: ops.times(self.beside(n))? })
    }

    /// `ops` on single elements, n times. Single elements have no padding, and their multiply-adds are always fused.
    fn scalar(self, ops: Ops, n: u128) -> Result<Tally, Overflow> {
        Ok(Tally { useful: ops.times(n)?, padding: Ops::NONE })
    }

    /// A reduction of n elements to one.
    fn reduction(self, parts: Reduction, n: u128) -> Result<Tally, Overflow> {
        if n == 0 {
            return Ok(Tally::NONE);
        }
        // Virtual lanes, and how many of them get a first element.
        let lanes = if n < 4 * self.block { self.block } else { 4 * self.block };
        let started = n.min(lanes);
        let combine = self.executed_as(parts.combine);
        let folded = Tally {
            useful: combine.times(started - 1)?,
            // Vectors are combined until one is left, and that one is folded.
            padding: combine.times(lanes - self.lanes + self.fold_lanes - (started - 1))?,
        };
        // The ragged vector is among the first ones, or among the next ones: `lanes` is a whole number of vectors.
        Tally::sum([self.map(parts.first, started)?, self.map(parts.next, n - started)?, folded])
    }
}

/// What a reduction does with a lane's first element, with a next one, and with two lanes.
#[derive(Clone, Copy)]
struct Reduction {
    first: Ops,
    next: Ops,
    combine: Ops,
}

impl Reduction {
    /// Σ x.
    const SUM: Reduction = Reduction { first: Ops::NONE, next: Ops::one(Kind::Add), combine: Ops::one(Kind::Add) };
    /// max x.
    const MAX: Reduction = Reduction { first: Ops::NONE, next: Ops::one(Kind::Cmp), combine: Ops::one(Kind::Cmp) };
    /// Σ x·y.
    const PRODUCT: Reduction =
        Reduction { first: Ops::one(Kind::Mul), next: Ops::one(Kind::Fma), combine: Ops::one(Kind::Add) };
}
