//! Vectors as formulas see them: maps over n elements, and reductions of them.

use nxm_kernels::{Element, Function, VectorShape};
use nxm_net::ElementType;

use super::functions::inside;
use super::rows::Rows;
use crate::kind::{Kind, Overflow};
use crate::ops::Ops;
use crate::tally::Tally;

/// Vectors of an element type, as far as counts depend on them: the receiver of every formula.
///
/// Useful operations depend on the element type only (how long a polynomial is, how many lanes a sum has) and on whether
/// multiply-adds are fused; padding depends on the length of the vectors too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Vectors {
    pub(super) lanes: u128,
    pub(super) fused: bool,
    pub(super) fold_lanes: u128,
    /// Lanes of a reduction's block: 64 bytes.
    pub(super) block: u128,
    pub(super) element: ElementType,
}

impl Vectors {
    /// Vectors of `T` of any shape.
    pub(crate) fn new<T: Element>(shape: VectorShape) -> Vectors {
        Vectors {
            lanes: shape.lanes as u128,
            fused: shape.fused,
            fold_lanes: shape.fold_lanes as u128,
            block: T::BLOCK as u128,
            element: ElementType::of::<T>(),
        }
    }

    /// Single elements with fused multiply-add, of the same type.
    pub(super) fn textbook(self) -> Vectors {
        Vectors { lanes: 1, fused: true, fold_lanes: 0, ..self }
    }

    /// Bytes of an element.
    pub(super) fn size(self) -> u128 {
        self.element.size().into()
    }

    /// Lanes that are executed beside n useful ones.
    pub(super) fn beside(self, n: u128) -> u128 {
        (self.lanes - n % self.lanes) % self.lanes
    }

    /// What these vectors execute for `ops`, which are written with fused multiply-adds.
    pub(super) fn executed_as(self, ops: Ops) -> Ops {
        if self.fused { ops } else { ops.unfused() }
    }

    /// One evaluation of `function`, with its inside.
    pub(super) fn evaluation(self, function: Function) -> Ops {
        Ops::evaluation(function, inside(function, self.element))
    }

    /// `per_element` for each of n elements that stand side by side.
    pub(super) fn map(self, per_element: Ops, n: u128) -> Result<Tally, Overflow> {
        let ops = self.executed_as(per_element);
        Ok(Tally { useful: ops.times(n)?, padding: ops.times(self.beside(n))? })
    }

    /// `per_element` for each element of some rows.
    pub(super) fn map_rows(self, per_element: Ops, rows: Rows) -> Result<Tally, Overflow> {
        self.map(per_element, rows.len)?.times(rows.count)
    }

    /// `ops` on single elements, n times. Single elements have no padding, and their multiply-adds are always fused.
    pub(super) fn scalar(self, ops: Ops, n: u128) -> Result<Tally, Overflow> {
        Ok(Tally { useful: ops.times(n)?, padding: Ops::NONE })
    }

    /// A reduction of n elements to one.
    pub(super) fn reduction(self, parts: ReductionOps, n: u128) -> Result<Tally, Overflow> {
        if n == 0 {
            return Ok(Tally::NONE);
        }
        let useful = n.min(self.lanes) - 1;
        let combine = self.executed_as(parts.combine);
        let folded = Tally { useful: combine.times(useful)?, padding: combine.times(self.fold_lanes - useful)? };
        self.reduction_to_vector(parts, n)?.plus(&folded)
    }

    /// A reduction of n elements, at least one, to the lanes of one vector.
    pub(super) fn reduction_to_vector(self, parts: ReductionOps, n: u128) -> Result<Tally, Overflow> {
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
    pub(super) fn reductions(self, parts: ReductionOps, n: u128, count: u128) -> Result<Tally, Overflow> {
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
pub(super) struct ReductionOps {
    pub(super) first: Ops,
    pub(super) next: Ops,
    pub(super) combine: Ops,
}

impl ReductionOps {
    /// Σ x.
    pub(super) const SUM: ReductionOps =
        ReductionOps { first: Ops::NONE, next: Ops::one(Kind::Add), combine: Ops::one(Kind::Add) };
    /// max x.
    pub(super) const MAX: ReductionOps =
        ReductionOps { first: Ops::NONE, next: Ops::one(Kind::Cmp), combine: Ops::one(Kind::Cmp) };
    /// Σ x·y.
    pub(super) const PRODUCT: ReductionOps =
        ReductionOps { first: Ops::one(Kind::Mul), next: Ops::one(Kind::Fma), combine: Ops::one(Kind::Add) };
}
