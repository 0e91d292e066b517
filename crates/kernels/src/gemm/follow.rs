//! What is done to a block of C as soon as its sums are complete, while it is in L2; and the same without a product.
//!
//! [`Follow`] is a function of its own, called once per block: so each activation, derivative and rule exists once per level, and the
//! loop over k keeps its registers. The separate kernels ([`Activation::forward`](crate::Activation::forward) and the like) run the same
//! function, so the bits are the same.

use super::blocking::Following;
use crate::activation::Activation;
use crate::element::Lane;
use crate::elementwise::rows::call_rows;
use crate::elementwise::{Elementwise, JoinedRows};
use crate::executor::Runner;
use crate::math::{Function, Parameters};
use crate::matrix::{MatrixMut, MatrixRef};
use crate::parallel::{Split, for_each_part, parts_of_evaluations};
use crate::simd::{Kernel, Simd};
use crate::update::rules::Update;
use crate::update::{OuterRow, Rule, Visitor, update_row};

/// What is done to each element of C.
#[derive(Clone, Copy, Debug)]
pub(crate) enum What<T> {
    /// Nothing.
    Nothing,
    /// c ← f(c), f by its parameters. The first matrix beside, if there is one, becomes what C was before.
    Apply(Option<Function>, Parameters<T>),
    /// c ← factor · c.
    Scale(T),
    /// c ← c within ±limit.
    Clamp(T),
    /// c ← c · f'(z), given f(z) or z in the first matrix beside.
    Derive(Activation, Parameters<T>),
    /// C are weights that a rule updates by the sums, their gradient; beside are what the rule keeps.
    Update(Rule<T>),
}

/// What is done to C, and the matrices of C's shape that it needs.
#[derive(Debug)]
pub(crate) struct Epilogue<'a, T> {
    pub(crate) what: What<T>,
    pub(crate) beside: [Beside<'a, T>; 2],
}

/// A matrix beside C.
#[derive(Debug)]
pub(crate) enum Beside<'a, T> {
    None,
    Read(MatrixRef<'a, T>),
    Write(MatrixMut<'a, T>),
}

impl<'a, T: Lane> Beside<'a, T> {
    /// What is written beside, or nothing.
    #[inline(always)]
    pub(crate) fn written(matrix: Option<MatrixMut<'a, T>>) -> Self {
        matrix.map_or(Beside::None, Beside::Write)
    }
    #[inline(always)]
    fn split_at_row(self, row: usize) -> (Self, Self) {
        match self {
            Beside::None => (Beside::None, Beside::None),
            Beside::Read(m) => {
                let (rows, cols) = (m.rows(), m.cols());
                (Beside::Read(m.block(0, 0, row, cols)), Beside::Read(m.block(row, 0, rows - row, cols)))
            }
            Beside::Write(m) => {
                let (first, second) = m.split_at_row(row);
                (Beside::Write(first), Beside::Write(second))
            }
        }
    }
    #[inline(always)]
    fn split_at_col(self, col: usize) -> (Self, Self) {
        match self {
            Beside::None => (Beside::None, Beside::None),
            Beside::Read(m) => {
                let (rows, cols) = (m.rows(), m.cols());
                (Beside::Read(m.block(0, 0, rows, col)), Beside::Read(m.block(0, col, rows, cols - col)))
            }
            Beside::Write(m) => {
                let (first, second) = m.split_at_col(col);
                (Beside::Write(first), Beside::Write(second))
            }
        }
    }
    #[inline(always)]
    fn block(&mut self, row: usize, col: usize, rows: usize, cols: usize) -> Beside<'_, T> {
        match self {
            Beside::None => Beside::None,
            Beside::Read(m) => Beside::Read(m.block(row, col, rows, cols)),
            Beside::Write(m) => Beside::Write(m.block(row, col, rows, cols)),
        }
    }
    #[inline(always)]
    fn is_without_gaps(&self) -> bool {
        match self {
            Beside::None => true,
            Beside::Read(m) => m.is_without_gaps(),
            Beside::Write(m) => m.is_without_gaps(),
        }
    }
    #[inline(always)]
    fn into_one_row(self) -> Self {
        match self {
            Beside::None => Beside::None,
            Beside::Read(m) => Beside::Read(m.into_one_row()),
            Beside::Write(m) => Beside::Write(m.into_one_row()),
        }
    }
    /// Columns, and so much padding that they are whole vectors, if there is enough; as many as you like if there is no such matrix.
    #[inline(always)]
    fn touched(&self, lanes: usize) -> usize {
        match self {
            Beside::Write(m) => m.touched(lanes),
            _ => usize::MAX,
        }
    }
    /// The first `len` elements of row i; nothing if there is no such matrix.
    #[inline(always)]
    fn row(&mut self, i: usize, len: usize) -> &mut [T] {
        match self {
            Beside::Write(m) => m.padded_row(i, len),
            _ => &mut [],
        }
    }
    /// Whether its rows are `len` elements long with their padding, and follow each other; true if there is no such matrix.
    #[inline(always)]
    fn is_flat(&self, len: usize) -> bool {
        match self {
            Beside::Write(m) => m.is_flat(len),
            _ => true,
        }
    }
    /// Whether its rows follow each other with their padding, `stride` elements from one to the next; true if there is no such matrix.
    #[inline(always)]
    pub(super) fn has_lines(&self, stride: usize) -> bool {
        match self {
            Beside::Write(m) => m.has_lines() && m.row_stride() == stride,
            _ => true,
        }
    }
    /// Elements between two rows; 0 if there is no such matrix.
    #[inline(always)]
    fn row_stride(&self) -> usize {
        match self {
            Beside::Write(m) => m.row_stride(),
            _ => 0,
        }
    }
    /// All rows with their padding; nothing if there is no such matrix.
    #[inline(always)]
    fn lines(&mut self) -> &mut [T] {
        match self {
            Beside::Write(m) => m.lines(),
            _ => &mut [],
        }
    }
    #[inline(always)]
    fn prefetch_row<S: Simd<T>>(&mut self, simd: S, i: usize) {
        if let Beside::Write(m) = self {
            prefetch(simd, m.row(i));
        }
    }
}

impl<'a, T: Lane> Epilogue<'a, T> {
    /// Nothing is done.
    pub(crate) fn nothing() -> Self {
        Epilogue { what: What::Nothing, beside: [Beside::None, Beside::None] }
    }
    /// With each matrix beside cut in two.
    #[inline(always)]
    fn split(self, cut: impl Fn(Beside<'a, T>) -> (Beside<'a, T>, Beside<'a, T>)) -> (Self, Self) {
        let Epilogue { what, beside: [first, second] } = self;
        let ((f1, f2), (s1, s2)) = (cut(first), cut(second));
        (Epilogue { what, beside: [f1, s1] }, Epilogue { what, beside: [f2, s2] })
    }
    /// The first `row` rows, and the rest.
    pub(crate) fn split_at_row(self, row: usize) -> (Self, Self) {
        self.split(|m| m.split_at_row(row))
    }
    /// The first `col` columns, and the rest.
    pub(crate) fn split_at_col(self, col: usize) -> (Self, Self) {
        self.split(|m| m.split_at_col(col))
    }
    /// The `rows` × `cols` part whose first element is (row, col), borrowed.
    #[inline(always)]
    pub(super) fn block(&mut self, row: usize, col: usize, rows: usize, cols: usize) -> Epilogue<'_, T> {
        let [first, second] = &mut self.beside;
        Epilogue { what: self.what, beside: [first.block(row, col, rows, cols), second.block(row, col, rows, cols)] }
    }
    /// What the cutting into blocks must know of it.
    #[inline(always)]
    pub(super) fn following(&self) -> Following {
        match self.what {
            What::Nothing => Following::Nothing,
            What::Update(_) => Following::Update,
            What::Apply(..) | What::Scale(_) | What::Clamp(_) | What::Derive(..) => Following::InPlace,
        }
    }
}

/// What an update takes as gradients.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Gradient<'a, T> {
    /// Nothing: there is no update.
    None,
    /// A matrix.
    Matrix(MatrixRef<'a, T>),
    /// The outer product of a column x and a row δ, which is not kept: the weight gradient of one example.
    Outer { x: MatrixRef<'a, T>, delta: MatrixRef<'a, T> },
}

/// An epilogue on a block of C: the one function that knows all activations, derivatives and rules.
pub(crate) struct Follow<'a, 'b, T> {
    pub(crate) epilogue: Epilogue<'b, T>,
    pub(crate) c: MatrixMut<'a, T>,
    pub(crate) gradient: Gradient<'a, T>,
    /// Whether rows without gaps are taken as one row.
    pub(crate) joins_rows: bool,
}

impl<T: Lane> Follow<'_, '_, T> {
    /// The same on one row, if no matrix has gaps between its rows: fewer vectors are ragged.
    #[inline(always)]
    pub(crate) fn into_one_row(self) -> Self {
        let Follow { epilogue: Epilogue { what, beside: [first, second] }, c, gradient, .. } = self;
        let of_gradient = match gradient {
            Gradient::None => true,
            Gradient::Matrix(matrix) => matrix.is_without_gaps(),
            Gradient::Outer { .. } => false,
        };
        let without_gaps =
            c.rows() > 1 && c.is_without_gaps() && of_gradient && first.is_without_gaps() && second.is_without_gaps();
        if !without_gaps {
            return Follow { epilogue: Epilogue { what, beside: [first, second] }, c, gradient, joins_rows: false };
        }
        let beside = [first.into_one_row(), second.into_one_row()];
        let gradient = match gradient {
            Gradient::Matrix(matrix) => Gradient::Matrix(matrix.into_one_row()),
            other => other,
        };
        Follow { epilogue: Epilogue { what, beside }, c: c.into_one_row(), gradient, joins_rows: false }
    }
}

impl<T: Lane> Kernel<T> for Follow<'_, '_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let follow = if self.joins_rows { self.into_one_row() } else { self };
        let Follow { epilogue: Epilogue { what, mut beside }, mut c, gradient, .. } = follow;
        match what {
            What::Nothing => {}
            What::Apply(function, parameters) => {
                if let Beside::Write(kept) = &mut beside[0] {
                    for i in 0..c.rows() {
                        simd.copy(c.row(i), kept.row(i));
                    }
                }
                if let Some(function) = function {
                    function.map_rows(simd, parameters, &mut c);
                }
            }
            What::Scale(factor) => call_rows(simd, ScaledBy(factor), [], &mut c),
            What::Clamp(limit) => call_rows(simd, Within(limit), [], &mut c),
            What::Derive(activation, parameters) => {
                if let Beside::Read(kept) = beside[0] {
                    activation.derive_rows(simd, parameters, kept, &mut c);
                }
            }
            What::Update(rule) => {
                let [first, second] = beside;
                rule.visit(OnBlock { simd, block: &mut Weights { gradient, weights: c, first, second } });
            }
        }
    }
}

/// Bytes within which a processor fetches ahead by itself.
const PAGE: usize = 4096;

/// A block of weights, their gradient and their state, waiting for a rule.
struct OnBlock<'x, 'a, 'b, T, S> {
    simd: S,
    block: &'x mut Weights<'a, 'b, T>,
}

struct Weights<'a, 'b, T> {
    gradient: Gradient<'a, T>,
    weights: MatrixMut<'a, T>,
    first: Beside<'b, T>,
    second: Beside<'b, T>,
}

impl<T: Lane, S: Simd<T>> Visitor<T> for OnBlock<'_, '_, '_, T, S> {
    #[inline(always)]
    fn visit<U: Update<T>>(self, rule: U) {
        self.simd.call(ByRule { rule, block: self.block });
    }
}

/// The update of a block of weights by a rule: a function of its own.
struct ByRule<'x, 'a, 'b, T, U> {
    rule: U,
    block: &'x mut Weights<'a, 'b, T>,
}

#[inline(always)]
fn prefetch<T: Lane, S: Simd<T>>(simd: S, row: &[T]) {
    for line in row.chunks(T::BLOCK) {
        simd.prefetch(line);
    }
}

impl<T: Lane, U: Update<T>> Kernel<T> for ByRule<'_, '_, '_, T, U> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let ByRule { rule, block: Weights { gradient, weights, first, second } } = self;
        let cols = weights.cols();
        // As many elements of a row as all matrices have: whole vectors, if all are padded.
        let mut len = weights.touched(S::LANES).min(first.touched(S::LANES)).min(second.touched(S::LANES));
        len = match *gradient {
            Gradient::None => return,
            Gradient::Matrix(matrix) => len.min(matrix.touched(S::LANES)),
            Gradient::Outer { delta, .. } => len.min(delta.touched(S::LANES)),
        };
        match *gradient {
            Gradient::None => {}
            Gradient::Outer { x, delta } => {
                let delta = delta.padded_row(0, len);
                // Each matrix may be padded in its own way.
                let (of_weights, of_first, of_second) = (weights.row_stride(), first.row_stride(), second.row_stride());
                let [weights, first, second] = [weights.lines(), first.lines(), second.lines()];
                for (i, x) in x.data().iter().take(x.rows()).enumerate() {
                    let gradients = OuterRow { x: simd.broadcast(x), delta };
                    let (w, f, s) = (i * of_weights, i * of_first, i * of_second);
                    let first = if U::STATE > 0 { &mut first[f..f + len] } else { &mut [] };
                    let second = if U::STATE > 1 { &mut second[s..s + len] } else { &mut [] };
                    let weights = &mut weights[w..w + len];
                    update_row(simd, rule, JoinedRows::one(cols), gradients, weights, [first, second, &mut []]);
                }
            }
            Gradient::Matrix(matrix) => {
                // Rows of whole vectors that follow each other with their padding are one long row.
                let flat = len.is_multiple_of(S::LANES)
                    && weights.is_flat(len)
                    && matrix.is_flat(len)
                    && first.is_flat(len)
                    && second.is_flat(len);
                let (count, rows) = match flat {
                    true => (1, JoinedRows { cols, stride: len }),
                    false => (weights.rows(), JoinedRows::one(cols)),
                };
                for i in 0..count {
                    // Where rows are a page or more apart, the hardware does not foresee the next one.
                    if weights.row_stride() >= PAGE / size_of::<T>() && i + 1 < count {
                        prefetch(simd, weights.row(i + 1));
                        first.prefetch_row(simd, i + 1);
                        second.prefetch_row(simd, i + 1);
                    }
                    let gradients = if flat { matrix.flat(len) } else { matrix.padded_row(i, len) };
                    let [weights, first, second] = match flat {
                        true => [weights.lines(), first.lines(), second.lines()],
                        false => [weights.padded_row(i, len), first.row(i, len), second.row(i, len)],
                    };
                    update_row(simd, rule, rows, gradients, weights, [first, second, &mut []]);
                }
            }
        }
    }
}

/// Does `what` to C without a product, on as many threads as pay.
#[inline(always)]
pub(crate) fn follow<'a, T: Lane>(
    runner: &impl Runner,
    what: What<T>,
    beside: [Beside<'a, T>; 2],
    c: MatrixMut<'a, T>,
    gradient: Gradient<'a, T>,
) {
    let elements = c.rows().saturating_mul(c.cols());
    if elements == 0 {
        return;
    }
    let follow = Follow { epilogue: Epilogue { what, beside }, c, gradient, joins_rows: true };
    match runner.threads() > 1 && parts_of_evaluations(runner.threads(), elements, usize::MAX) > 1 {
        true => split(runner, follow.into_one_row(), elements),
        false => runner.run(follow),
    }
}

/// On several threads, if they pay.
#[inline(never)]
fn split<T: Lane>(runner: &impl Runner, follow: Follow<'_, '_, T>, elements: usize) {
    if follow.c.rows() == 1 {
        let parts = parts_of_evaluations(runner.threads(), elements, elements / T::BLOCK);
        for_each_part(FollowByColumns(follow), parts, T::BLOCK, &|part| runner.run(part.0));
    } else {
        let parts = parts_of_evaluations(runner.threads(), elements, follow.c.rows());
        for_each_part(FollowByRows(follow), parts, 1, &|part| runner.run(part.0));
    }
}

/// Cut between columns.
struct FollowByColumns<'a, 'b, T>(Follow<'a, 'b, T>);
/// Cut between rows.
struct FollowByRows<'a, 'b, T>(Follow<'a, 'b, T>);

impl<T: Lane> Split for FollowByColumns<'_, '_, T> {
    fn len(&self) -> usize {
        self.0.c.cols()
    }
    fn split(self, at: usize) -> (Self, Self) {
        let Follow { epilogue, c, gradient, joins_rows } = self.0;
        let ((e1, e2), (c1, c2)) = (epilogue.split_at_col(at), c.split_at_col(at));
        let (g1, g2) = match gradient {
            Gradient::Matrix(g) => {
                let (rows, cols) = (g.rows(), g.cols());
                (Gradient::Matrix(g.block(0, 0, rows, at)), Gradient::Matrix(g.block(0, at, rows, cols - at)))
            }
            other => (other, other),
        };
        (
            FollowByColumns(Follow { epilogue: e1, c: c1, gradient: g1, joins_rows }),
            FollowByColumns(Follow { epilogue: e2, c: c2, gradient: g2, joins_rows }),
        )
    }
}

impl<T: Lane> Split for FollowByRows<'_, '_, T> {
    fn len(&self) -> usize {
        self.0.c.rows()
    }
    fn split(self, at: usize) -> (Self, Self) {
        let Follow { epilogue, c, gradient, joins_rows } = self.0;
        let ((e1, e2), (c1, c2)) = (epilogue.split_at_row(at), c.split_at_row(at));
        let (g1, g2) = match gradient {
            Gradient::Matrix(g) => {
                let (rows, cols) = (g.rows(), g.cols());
                (Gradient::Matrix(g.block(0, 0, at, cols)), Gradient::Matrix(g.block(at, 0, rows - at, cols)))
            }
            other => (other, other),
        };
        (
            FollowByRows(Follow { epilogue: e1, c: c1, gradient: g1, joins_rows }),
            FollowByRows(Follow { epilogue: e2, c: c2, gradient: g2, joins_rows }),
        )
    }
}

/// x·factor.
#[derive(Clone, Copy)]
pub(super) struct ScaledBy<T>(pub(super) T);

impl<T: Lane> Elementwise<T, 0> for ScaledBy<T> {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, x: S::Vector, _: [S::Vector; 0]) -> S::Vector {
        simd.mul(simd.splat(self.0), x)
    }
}

/// x within ±limit; NaN stays NaN.
#[derive(Clone, Copy)]
struct Within<T>(T);

impl<T: Lane> Elementwise<T, 0> for Within<T> {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, x: S::Vector, _: [S::Vector; 0]) -> S::Vector {
        let limit = simd.splat(self.0);
        simd.min(limit, simd.max(simd.neg(limit), x))
    }
}
