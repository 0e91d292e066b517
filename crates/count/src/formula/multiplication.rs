//! A product and what follows it, as all kernels have it that are made of one.

use nxm_kernels::call::{Op, RightLayout};
use nxm_kernels::{
    Activation, Following, Function, Init, Layout, Operation, ProductShape, Rule, Strides, WORTH_A_THREAD,
};

use super::rows::Taken;

/// C ← A·B + init, and what follows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Multiplication {
    /// rows × inner.
    pub(super) a: Layout,
    /// inner × cols.
    pub(super) b: RightLayout,
    /// What the sums start from.
    pub(super) init: Init<Layout>,
    /// rows × cols.
    pub(super) c: Layout,
    /// What follows.
    pub(super) follows: Follows,
}

/// What follows a product.
#[derive(Clone, Copy, Debug)]
pub(super) enum Follows {
    /// Nothing.
    Nothing,
    /// c ← f(c), if there is an f; first the sums are kept, if there is a matrix for them.
    Apply(Option<Function>, Option<Layout>),
    /// c ← c·f'(z), with what was kept for f'.
    Derive(Activation, Layout),
    /// C are weights, updated by a rule, with what that keeps; the product is their gradient.
    Update(Rule<f64>, [Option<Layout>; 2]),
}

/// How C is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// There is nothing to compute.
    Nothing,
    /// One row against columns that are contiguous: a dot product for each element.
    Dots,
    /// A column times a row, of which nothing is summed: row after row of C.
    Outer,
    /// Tiles.
    Tiles,
}

/// Bytes of a B all of whose columns are one block.
const ONE_BLOCK: u128 = 512 << 10;

impl Multiplication {
    /// The product that a kernel is made of; none if it is made of none.
    pub(super) fn of(operation: &Operation) -> Option<Multiplication> {
        let of = |a, b, init, c, follows| Some(Multiplication { a, b, init, c, follows });
        let right = RightLayout::Matrix;
        match *operation {
            Op::DenseForward { x, weights, bias, activation, sums, a, .. } => {
                of(x, weights, Init::Bias(bias), a, Follows::Apply(activation.function(), sums))
            }
            Op::DenseInputGradient { delta, weights, activation, kept, d, .. } => {
                of(delta, right(weights.transpose()), Init::Zero, d, Follows::Derive(activation, kept))
            }
            Op::DenseWeightGradient { x, delta, gradient } => {
                of(x.transpose(), right(delta), Init::Zero, gradient, Follows::Nothing)
            }
            Op::DenseUpdate { x, delta, rule, weights, state } => {
                of(x.transpose(), right(delta), Init::Zero, weights, Follows::Update(rule, state))
            }
            Op::GemvTransposed { a, x, y } if a.cols > 1 && a.strides.col != 1 => {
                of(x, right(a), Init::Zero, y, Follows::Nothing)
            }
            _ => None,
        }
    }

    /// C ← A·B + β·C without what is scaled: the sums start from C, unless β is 0.
    pub(super) fn scaled(a: Layout, b: RightLayout, beta: f64, c: Layout) -> Multiplication {
        let init = if beta == 0.0 { Init::Zero } else { Init::Accumulate };
        Multiplication { a, b, init, c, follows: Follows::Nothing }
    }

    pub(super) fn rows(&self) -> u128 {
        self.c.rows as u128
    }
    pub(super) fn inner(&self) -> u128 {
        self.a.cols as u128
    }
    pub(super) fn cols(&self) -> u128 {
        self.c.cols as u128
    }

    /// rows·cols·inner, as many as 128 bits hold.
    pub(super) fn work(&self) -> u128 {
        (self.rows() * self.cols()).saturating_mul(self.inner())
    }

    /// The same without its numbers, in elements of `size` bytes.
    pub(super) fn shape(&self, size: u128) -> ProductShape {
        let following = match self.follows {
            Follows::Nothing => Following::Nothing,
            Follows::Apply(..) | Follows::Derive(..) => Following::InPlace,
            Follows::Update(..) => Following::Update,
        };
        let b = match self.b {
            RightLayout::Matrix(b) => Some(b.strides),
            RightLayout::Packed { .. } => None,
        };
        let (rows, inner, cols) = (self.c.rows, self.a.cols, self.c.cols);
        ProductShape { rows, inner, cols, a: self.a.strides, b, following, size: size as usize }
    }

    /// How it is computed.
    pub(super) fn way(&self) -> Way {
        let (Init::Zero, RightLayout::Matrix(b)) = (self.init, self.b) else {
            return if self.rows() * self.cols() == 0 { Way::Nothing } else { Way::Tiles };
        };
        let follows = match self.follows {
            Follows::Nothing => true,
            Follows::Update(_, state) => {
                state.iter().flatten().all(|kept| has_lines(kept) && kept.strides.row == self.c.strides.row)
            }
            Follows::Apply(..) | Follows::Derive(..) => false,
        };
        let outer = follows && self.a.cols == 1 && self.a.strides.row == 1 && b.has_rows() && has_lines(&self.c);
        if self.rows() * self.cols() == 0 {
            Way::Nothing
        } else if outer {
            Way::Outer
        } else if self.shape(1).is_dot_products() {
            Way::Dots
        } else {
            Way::Tiles
        }
    }

    /// Whether what follows takes the rows of C together: so it does in products that neither threads nor blocks cut between columns.
    pub(super) fn taken(&self, size: u128) -> Taken {
        let one_block = (self.inner() * self.cols()).saturating_mul(size) <= ONE_BLOCK;
        match one_block && self.work() < WORTH_A_THREAD as u128 && self.way() != Way::Outer {
            true => Taken::Together,
            false => Taken::Apart,
        }
    }

    /// Columns `first` to `first + cols`.
    pub(super) fn columns(&self, first: usize, cols: usize) -> Multiplication {
        let part = |layout: Layout| columns(layout, first, cols);
        let b = match self.b {
            RightLayout::Matrix(b) => RightLayout::Matrix(part(b)),
            RightLayout::Packed { rows, .. } => RightLayout::Packed { rows, cols },
        };
        let init = self.init.map(|bias| part(*bias));
        Multiplication { b, init, c: part(self.c), follows: self.follows.map(part), ..*self }
    }

    /// So many rows.
    pub(super) fn some_rows(&self, rows: usize) -> Multiplication {
        let part = |layout: Layout| Layout { rows, ..layout };
        Multiplication { a: part(self.a), c: part(self.c), follows: self.follows.map(part), ..*self }
    }

    /// Cᵀ ← Bᵀ·Aᵀ, of a product of two matrices that nothing follows and no bias goes into.
    pub(super) fn transposed(&self) -> Option<Multiplication> {
        match (self.b, self.init, self.follows) {
            (RightLayout::Matrix(b), Init::Zero | Init::Accumulate, Follows::Nothing) => Some(Multiplication {
                a: b.transpose(),
                b: RightLayout::Matrix(self.a.transpose()),
                c: self.c.transpose(),
                ..*self
            }),
            _ => None,
        }
    }

    /// The same with another C: row after row, without gaps.
    pub(super) fn beside(&self) -> Multiplication {
        Multiplication { c: Layout::row_major(self.c.rows, self.c.cols), ..*self }
    }

    /// The same with a copy of A: row after row, without gaps.
    pub(super) fn with_copied_a(&self) -> Multiplication {
        Multiplication { a: Layout::row_major(self.a.rows, self.a.cols), ..*self }
    }

    /// C ← init: the same without a term.
    pub(super) fn without_terms(&self) -> Multiplication {
        let (row, col) = (0, 1);
        let a = Layout::strided(self.c.rows, 0, Strides { row, col });
        let b = Layout::strided(self.c.cols, 0, Strides { row, col }).transpose();
        Multiplication { a, b: RightLayout::Matrix(b), ..*self }
    }
}

impl Follows {
    /// The same on parts of its matrices.
    fn map(self, part: impl Fn(Layout) -> Layout) -> Follows {
        match self {
            Follows::Nothing => Follows::Nothing,
            Follows::Apply(function, sums) => Follows::Apply(function, sums.map(part)),
            Follows::Derive(activation, kept) => Follows::Derive(activation, part(kept)),
            Follows::Update(rule, state) => Follows::Update(rule, state.map(|kept| kept.map(&part))),
        }
    }
}

/// Where C is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// Its rows are contiguous.
    Rows,
    /// Its columns are: Cᵀ has contiguous rows.
    Columns,
    /// Neither: it is computed beside and copied.
    Beside,
}

impl Target {
    /// Of [`gemm()`](nxm_kernels::gemm()).
    pub(super) fn of_gemm(product: &Multiplication) -> Target {
        match product.c.has_rows() {
            true => Target::Rows,
            false if product.c.strides.row == 1 && product.transposed().is_some() => Target::Columns,
            false => Target::Beside,
        }
    }

    /// Of [`gemm_scaled()`](nxm_kernels::gemm_scaled()).
    pub(super) fn of_gemm_scaled(product: &Multiplication) -> Target {
        match product.c.strides {
            Strides { row: 1, col } if col != 1 => Target::Columns,
            _ if product.c.has_rows() => Target::Rows,
            _ => Target::Beside,
        }
    }
}

/// Whether rows follow each other with their padding, and with nothing else in between.
fn has_lines(matrix: &Layout) -> bool {
    matrix.strides.col == 1 && matrix.strides.row == matrix.width
}

/// Columns `first` to `first + cols`: padding belongs to the last ones.
fn columns(layout: Layout, first: usize, cols: usize) -> Layout {
    let width = if first + cols == layout.cols { layout.width - first } else { cols };
    Layout { cols, width, ..layout }
}
