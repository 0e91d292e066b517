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
mod functions;
mod inference;
mod kernels;
mod losses;
mod multiplication;
mod operation;
mod products;
mod requests;
mod rows;
mod step;
mod traffic;
mod training;

pub use constants::rule_constants;
pub use functions::inside;
pub(crate) use functions::inside_xla;
pub use inference::InferenceFormula;
pub use requests::Requests;
pub use step::{LayerFormula, StepCosts, StepFormula, StepTraffic};
pub use traffic::{LayerTraffic, compulsory_traffic};
pub use training::{TrainingFormula, TrainingLength};

use nxm_kernels::{Element, Function, Level, VectorShape};
use nxm_net::ElementType;

use crate::kind::{Kind, Overflow};
use crate::ops::Ops;
use crate::tally::Tally;
use rows::Rows;

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
    element: ElementType,
}

impl Vectors {
    /// The vectors that `level` has of `T`.
    pub fn of<T: Element>(level: Level) -> Vectors {
        Vectors::new::<T>(level.shape::<T>())
    }

    /// Single elements with fused multiply-add: the counts of the textbook, the useful ones of every fused level.
    pub fn textbook<T: Element>() -> Vectors {
        Vectors::new::<T>(VectorShape { lanes: 1, fused: true, fold_lanes: 0, registers: 16 })
    }

    /// Vectors of `T` of any shape.
    pub fn new<T: Element>(shape: VectorShape) -> Vectors {
        Vectors {
            lanes: shape.lanes as u128,
            fused: shape.fused,
            fold_lanes: shape.fold_lanes as u128,
            block: T::BLOCK as u128,
            element: ElementType::of::<T>(),
        }
    }

    /// What they are vectors of.
    pub fn element(self) -> ElementType {
        self.element
    }

    /// Bytes of an element.
    fn size(self) -> u128 {
        self.element.size().into()
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

    /// `per_element` for each element of some rows.
    fn map_rows(self, per_element: Ops, rows: Rows) -> Result<Tally, Overflow> {
        self.map(per_element, rows.len)?.times(rows.count)
    }

    /// `ops` on single elements, n times. Single elements have no padding, and their multiply-adds are always fused.
    fn scalar(self, ops: Ops, n: u128) -> Result<Tally, Overflow> {
        Ok(Tally { useful: ops.times(n)?, padding: Ops::NONE })
    }

    /// A reduction of n elements to one.
    fn reduction(self, parts: ReductionOps, n: u128) -> Result<Tally, Overflow> {
        if n == 0 {
            return Ok(Tally::NONE);
        }
        let useful = n.min(self.lanes) - 1;
        let combine = self.executed_as(parts.combine);
        let folded = Tally { useful: combine.times(useful)?, padding: combine.times(self.fold_lanes - useful)? };
        self.reduction_to_vector(parts, n)?.plus(&folded)
    }

    /// A reduction of n elements, at least one, to the lanes of one vector.
    fn reduction_to_vector(self, parts: ReductionOps, n: u128) -> Result<Tally, Overflow> {
        // Virtual lanes, and how many of them get a first element.
        let lanes = if n < 4 * self.block { self.block } else { 4 * self.block };
        let started = n.min(lanes);
        let combine = self.executed_as(parts.combine);
        // Vectors are combined until one is left: of the lanes in use those beyond the first vector are taken in.
        let useful = started - started.min(self.lanes);
        let combined = Tally { useful: combine.times(useful)?, padding: combine.times(lanes - self.lanes - useful)? };
        // The ragged vector is among the first ones, or among the next ones: `lanes` is a whole number of vectors.
        Tally::sum([self.map(parts.first, started)?, self.map(parts.next, n - started)?, combined])
    }

    /// `count` reductions of n elements each, whose last vectors are folded together, as many as a vector has lanes at a time.
    fn reductions(self, parts: ReductionOps, n: u128, count: u128) -> Result<Tally, Overflow> {
        if n == 0 {
            return Ok(Tally::NONE);
        }
        let groups = count.div_ceil(self.lanes);
        let useful = (n.min(self.lanes) - 1).checked_mul(count).ok_or(Overflow { what: "operations" })?;
        // Of as many vectors as there are lanes a sum is made, whichever of them matter.
        let executed = groups.checked_mul((self.lanes - 1) * self.lanes).ok_or(Overflow { what: "operations" })?;
        let combine = self.executed_as(parts.combine);
        let folded = Tally { useful: combine.times(useful)?, padding: combine.times(executed - useful)? };
        self.reduction_to_vector(parts, n)?.times(count)?.plus(&folded)
    }
}

/// What a reduction does with a lane's first element, with a next one, and with two lanes.
#[derive(Clone, Copy)]
struct ReductionOps {
    first: Ops,
    next: Ops,
    combine: Ops,
}

impl ReductionOps {
    /// Σ x.
    const SUM: ReductionOps =
        ReductionOps { first: Ops::NONE, next: Ops::one(Kind::Add), combine: Ops::one(Kind::Add) };
    /// max x.
    const MAX: ReductionOps =
        ReductionOps { first: Ops::NONE, next: Ops::one(Kind::Cmp), combine: Ops::one(Kind::Cmp) };
    /// Σ x·y.
    const PRODUCT: ReductionOps =
        ReductionOps { first: Ops::one(Kind::Mul), next: Ops::one(Kind::Fma), combine: Ops::one(Kind::Add) };
}
