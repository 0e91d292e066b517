//! What becomes of a block of C as soon as its sums are complete, while it is in L2.
//!
//! The epilogue is a function of its own, called once per block: so each exists once per level, not once per shape of tile, and
//! the loop over k keeps its registers. It does what the separate kernel does, row by row, so the bits are the same.

use super::Activation;
use super::plan::Following;
use crate::element::Element;
use crate::matrix::{MatrixMut, MatrixRef};
use crate::simd::{Kernel, Simd};
use crate::update::rules::Update;
use crate::update::{Rule, Visitor, update_row};

/// What becomes of a product's elements. Its matrices have C's shape.
pub(crate) enum Epilogue<'a, T> {
    /// C ← sums.
    None,
    /// C ← f(sums).
    Activate(Activation),
    /// C ← f(sums), and the sums are kept beside.
    ActivateKeeping {
        activation: Activation,
        /// Where the sums are kept.
        sums: MatrixMut<'a, T>,
    },
    /// C ← sums · f'(z), given f(z) or z.
    Derive {
        activation: Activation,
        /// f(z), or z, whichever f' is computed from.
        kept: MatrixRef<'a, T>,
    },
    /// C are weights, the sums their gradient, which is not kept.
    Update {
        rule: Rule<T>,
        /// What the rule keeps.
        state: [Option<MatrixMut<'a, T>>; 2],
    },
}

impl<'a, T: Element> Epilogue<'a, T> {
    /// The first `row` rows, and the rest.
    pub(super) fn split_at_row(self, row: usize) -> (Self, Self) {
        match self {
            Epilogue::None => (Epilogue::None, Epilogue::None),
            Epilogue::Activate(activation) => (Epilogue::Activate(activation), Epilogue::Activate(activation)),
            Epilogue::ActivateKeeping { activation, sums } => {
                let (first, second) = sums.split_at_row(row);
                let part = |sums| Epilogue::ActivateKeeping { activation, sums };
                (part(first), part(second))
            }
            Epilogue::Derive { activation, kept } => {
                let (rows, cols) = (kept.rows(), kept.cols());
                let part = |from, rows| Epilogue::Derive { activation, kept: kept.block(from, 0, rows, cols) };
                (part(0, row), part(row, rows - row))
            }
            Epilogue::Update { rule, state } => {
                let [(m1, m2), (v1, v2)] = state.map(|matrix| matrix.map(|m| m.split_at_row(row)).unzip());
                (Epilogue::Update { rule, state: [m1, v1] }, Epilogue::Update { rule, state: [m2, v2] })
            }
        }
    }

    /// The first `col` columns, and the rest.
    pub(super) fn split_at_col(self, col: usize) -> (Self, Self) {
        match self {
            Epilogue::None => (Epilogue::None, Epilogue::None),
            Epilogue::Activate(activation) => (Epilogue::Activate(activation), Epilogue::Activate(activation)),
            Epilogue::ActivateKeeping { activation, sums } => {
                let (first, second) = sums.split_at_col(col);
                let part = |sums| Epilogue::ActivateKeeping { activation, sums };
                (part(first), part(second))
            }
            Epilogue::Derive { activation, kept } => {
                let (rows, cols) = (kept.rows(), kept.cols());
                let part = |from, cols| Epilogue::Derive { activation, kept: kept.block(0, from, rows, cols) };
                (part(0, col), part(col, cols - col))
            }
            Epilogue::Update { rule, state } => {
                let [(m1, m2), (v1, v2)] = state.map(|matrix| matrix.map(|m| m.split_at_col(col)).unzip());
                (Epilogue::Update { rule, state: [m1, v1] }, Epilogue::Update { rule, state: [m2, v2] })
            }
        }
    }

    /// The `rows` × `cols` part whose first element is (row, col), borrowed.
    #[inline(always)]
    pub(super) fn block(&mut self, row: usize, col: usize, rows: usize, cols: usize) -> Epilogue<'_, T> {
        match self {
            Epilogue::None => Epilogue::None,
            Epilogue::Activate(activation) => Epilogue::Activate(*activation),
            Epilogue::ActivateKeeping { activation, sums } => {
                Epilogue::ActivateKeeping { activation: *activation, sums: sums.block(row, col, rows, cols) }
            }
            Epilogue::Derive { activation, kept } => {
                Epilogue::Derive { activation: *activation, kept: kept.block(row, col, rows, cols) }
            }
            Epilogue::Update { rule, state: [first, second] } => {
                let first = first.as_mut().map(|m| m.block(row, col, rows, cols));
                let second = second.as_mut().map(|v| v.block(row, col, rows, cols));
                Epilogue::Update { rule: *rule, state: [first, second] }
            }
        }
    }

    /// What a plan must know of it.
    #[inline(always)]
    pub(super) fn following(&self) -> Following {
        match self {
            Epilogue::None => Following::Nothing,
            Epilogue::Update { .. } => Following::Update,
            _ => Following::InPlace,
        }
    }

    /// Whether nothing follows.
    #[inline(always)]
    pub(super) fn is_none(&self) -> bool {
        matches!(self, Epilogue::None)
    }

    /// Whether C must wait until the sums are complete, which then stand elsewhere.
    #[inline(always)]
    pub(super) fn is_update(&self) -> bool {
        matches!(self, Epilogue::Update { .. })
    }
}

/// Any epilogue but none, on a block: the one function that knows them all.
pub(super) struct Follow<'a, 'b, T> {
    pub(super) epilogue: Epilogue<'b, T>,
    pub(super) c: MatrixMut<'a, T>,
    /// The sums, where C waited for them.
    pub(super) sums: MatrixMut<'a, T>,
}

impl<T: Element> Follow<'_, '_, T> {
    /// The same on one row, where no matrix has gaps between its rows.
    #[inline(always)]
    pub(super) fn into_one_row(self) -> Self {
        let Follow { epilogue, c, sums } = self;
        let without_gaps = c.is_without_gaps()
            && match &epilogue {
                Epilogue::None | Epilogue::Activate(_) => true,
                Epilogue::ActivateKeeping { sums, .. } => sums.is_without_gaps(),
                Epilogue::Derive { kept, .. } => kept.is_without_gaps(),
                Epilogue::Update { state, .. } => state.iter().flatten().all(MatrixMut::is_without_gaps),
            };
        if !without_gaps {
            return Follow { epilogue, c, sums };
        }
        let epilogue = match epilogue {
            Epilogue::None | Epilogue::Activate(_) => epilogue,
            Epilogue::ActivateKeeping { activation, sums } => {
                Epilogue::ActivateKeeping { activation, sums: sums.into_one_row() }
            }
            Epilogue::Derive { activation, kept } => Epilogue::Derive { activation, kept: kept.into_one_row() },
            Epilogue::Update { rule, state } => {
                Epilogue::Update { rule, state: state.map(|matrix| matrix.map(MatrixMut::into_one_row)) }
            }
        };
        Follow { epilogue, c: c.into_one_row(), sums: sums.into_one_row() }
    }
}

impl<T: Element> Kernel<T> for Follow<'_, '_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Follow { epilogue, mut c, sums } = self;
        match epilogue {
            Epilogue::None => {}
            Epilogue::Activate(activation) => activation.forward_rows(simd, &mut c),
            Epilogue::ActivateKeeping { activation, sums: mut kept } => {
                for r in 0..c.rows() {
                    simd.copy(c.row(r), kept.row(r));
                }
                activation.forward_rows(simd, &mut c);
            }
            Epilogue::Derive { activation, kept } => activation.backward_rows(simd, kept, &mut c),
            Epilogue::Update { rule, state } => rule.visit(OnBlock { simd, sums, weights: c, state }),
        }
    }
}

/// Bytes within which a processor fetches ahead by itself.
const PAGE: usize = 4096;

/// A block of weights, their gradient and their state, waiting for a rule.
struct OnBlock<'a, 'b, T, S> {
    simd: S,
    sums: MatrixMut<'a, T>,
    weights: MatrixMut<'a, T>,
    state: [Option<MatrixMut<'b, T>>; 2],
}

impl<T: Element, S: Simd<T>> Visitor<T> for OnBlock<'_, '_, T, S> {
    #[inline(always)]
    fn visit<U: Update<T>>(self, rule: U) {
        let OnBlock { simd, mut sums, mut weights, state: [mut first, mut second] } = self;
        for r in 0..weights.rows() {
            // Where rows are a page or more apart, the hardware does not foresee the next one.
            if weights.row_stride() * size_of::<T>() >= PAGE && r + 1 < weights.rows() {
                let all = [Some(&mut weights), first.as_mut(), second.as_mut()];
                for line in all.into_iter().flatten().flat_map(|matrix| matrix.row(r + 1).chunks(T::BLOCK)) {
                    simd.prefetch(line);
                }
            }
            let first = first.as_mut().map(|m| m.row(r)).unwrap_or_default();
            let second = second.as_mut().map(|v| v.row(r)).unwrap_or_default();
            update_row(simd, rule, sums.row(r), weights.row(r), [first, second]);
        }
    }
}
