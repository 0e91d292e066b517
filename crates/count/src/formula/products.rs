//! Formulas of products, and of what follows them.

use nxm_kernels::Layout;

use super::Vectors;
use super::multiplication::{Follows, Multiplication, Target, Way};
use super::rows::{Rows, Taken};
use crate::kind::{Kind, Overflow};
use crate::ops::Ops;
use crate::tally::Tally;

/// Every formula here fails with [`Overflow`] if a count exceeds 128 bits, and only then.
impl Vectors {
    /// C ← A·B + init, and what follows, each for itself; rows of C are contiguous.
    pub(super) fn multiply(self, product: &Multiplication) -> Result<[Tally; 2], Overflow> {
        let (rows, inner, cols) = (product.rows(), product.inner(), product.cols());
        let multiplied = match product.way() {
            Way::Nothing => return Ok([Tally::NONE; 2]),
            // rows·inner·cols multiplications, and for each element inner − 1 additions.
            Way::Dots => self.dots(inner, cols)?,
            // rows·inner·cols fma. A row of C is executed in whole vectors, however it is cut into tiles, blocks and threads.
            Way::Outer | Way::Tiles => self.map(Ops::one(Kind::Fma), cols)?.times(inner)?.times(rows)?,
        };
        Ok([multiplied, self.follow(product)?])
    }

    /// What follows a product.
    fn follow(self, product: &Multiplication) -> Result<Tally, Overflow> {
        let run_over = |beside: &[Option<Layout>]| self.rows_beside(product, beside);
        match product.follows {
            Follows::Nothing | Follows::Apply(None, _) => Ok(Tally::NONE),
            Follows::Apply(Some(function), sums) => self.apply(function, run_over(&[sums])),
            Follows::Derive(activation, kept) => self.derive(activation, run_over(&[Some(kept)])),
            Follows::Update(rule, state) => self.update(&rule, run_over(&state)),
        }
    }

    /// C's rows and those of what stands beside it, as what follows takes them.
    fn rows_beside(self, product: &Multiplication, beside: &[Option<Layout>]) -> Rows {
        let matrices: Vec<Layout> = [product.c].into_iter().chain(beside.iter().flatten().copied()).collect();
        Rows::of(&matrices, self.lanes, product.taken(self.size()))
    }

    /// C ← A·B + init, C of any strides: rows·inner·cols fma, or as [`Vectors::multiply`] says.
    pub(super) fn gemm(self, product: &Multiplication) -> Result<Tally, Overflow> {
        let product = match Target::of_gemm(product) {
            Target::Rows => *product,
            Target::Columns => product.transposed().unwrap_or(*product),
            Target::Beside => product.beside(),
        };
        Tally::sum(self.multiply(&product)?)
    }

    /// C ← α·A·B + β·C, C of any strides: those of the product; rows·cols multiplications unless β is 0 or 1, rows·inner unless α is 1;
    /// with α = 0 those of β alone.
    pub(super) fn gemm_scaled(self, product: &Multiplication, alpha: f64, beta: f64) -> Result<Tally, Overflow> {
        let product = match Target::of_gemm_scaled(product) {
            Target::Rows => *product,
            Target::Columns => product.transposed().unwrap_or(*product),
            Target::Beside => product.beside(),
        };
        if product.way() == Way::Nothing {
            return Ok(Tally::NONE);
        }
        let scaled = |matrix: Layout| self.scale(Rows::of(&[matrix], self.lanes, Taken::Apart));
        let of_c = if beta == 0.0 || beta == 1.0 { Tally::NONE } else { scaled(product.c)? };
        let (of_a, product) = match alpha {
            0.0 => return Ok(of_c),
            1.0 => (Tally::NONE, product),
            _ => (scaled(product.with_copied_a().a)?, product.with_copied_a()),
        };
        Tally::sum([of_c, of_a, Tally::sum(self.multiply(&product)?)?])
    }
}
