//! Calls without their numbers: what formulas of cost are functions of.

use super::{Op, Operands};
use crate::layout::Layout;
use crate::update::Rule;

/// What a kernel's operands look like, without their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shapes;

impl Operands for Shapes {
    type In = Layout;
    type Out = Layout;
    type Right = RightLayout;
    type Singles = usize;
    type Labels = usize;
    type Number = f64;
    type Rule = Rule<f64>;
}

/// A call without its numbers: what formulas of cost are functions of.
pub type Operation = Op<Shapes>;

/// The layout of a right factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RightLayout {
    /// A matrix as it stands.
    Matrix(Layout),
    /// A [`PackedMatrix`](crate::PackedMatrix) of rows × cols.
    Packed {
        /// Rows.
        rows: usize,
        /// Columns.
        cols: usize,
    },
}
