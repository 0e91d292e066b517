//! Requests of products.
//!
//! C is covered with tiles of R rows and some vectors of columns. With t tiles of R rows below each other and w side by side, a tile loads
//! R elements of A and its columns' of B for each term of its sums: t·(R·w + cols) elements for a term of all sums. What its sums start from
//! is loaded, and its sums are stored, once for each block of terms. That is all, but for copies. Where a row has padding, "its columns" are
//! whole vectors.

use nxm_kernels::call::RightLayout;
use nxm_kernels::{Blocking, Init, Layout, ProductShape, WORTH_A_THREAD};

use super::{Requests, shares, sum, times};
use crate::formula::multiplication::{Follows, Multiplication, Target, Way};
use crate::formula::rows::{Rows, Taken};
use crate::kind::Overflow;
use crate::traffic::Traffic;

/// Blocks of 64 bytes that a panel of a `PackedMatrix` is wide.
const PANEL_BLOCKS: u128 = 6;

/// How a part of a product is cut into blocks, and what is copied for it.
struct Blocks {
    /// Blocks of terms.
    deep: u128,
    /// Blocks of columns for which A is copied.
    copies_of_a: u128,
    /// Whether B is copied.
    copies_b: bool,
}

/// Every formula here fails with [`Overflow`] if the bytes exceed 128 bits, and only then.
impl Requests {
    /// C ← A·B + init, and what follows, each for itself; rows of C are contiguous. Threads share it by columns or rows.
    pub(super) fn multiply(self, product: &Multiplication) -> Result<[Traffic; 2], Overflow> {
        if product.way() == Way::Nothing {
            return Ok([Traffic::NONE; 2]);
        }
        let (rows, cols, work) = (product.rows(), product.cols(), product.work());
        let grain = match product.b {
            RightLayout::Matrix(_) => self.block,
            RightLayout::Packed { .. } => PANEL_BLOCKS * self.block,
        };
        let by_cols = self.parts(work, WORTH_A_THREAD, cols / grain.max(4 * self.block));
        let by_rows = self.parts(work, WORTH_A_THREAD, rows / 8);
        let (len, parts, grain) = if by_cols >= by_rows { (cols, by_cols, grain) } else { (rows, by_rows, 8) };
        let taken = product.taken(self.size());
        let (mut first, mut traffic) = (0, [Traffic::NONE; 2]);
        for share in shares(len, parts, grain) {
            let share = share as usize;
            let part = match by_cols >= by_rows {
                true => product.columns(first, share),
                false => product.some_rows(share),
            };
            let [multiplied, followed] = self.part(&part, taken)?;
            traffic = [traffic[0].plus(&multiplied)?, traffic[1].plus(&followed)?];
            first += share;
        }
        Ok(traffic)
    }

    /// One thread's part.
    fn part(self, part: &Multiplication, taken: Taken) -> Result<[Traffic; 2], Overflow> {
        match part.way() {
            Way::Nothing => Ok([Traffic::NONE; 2]),
            Way::Outer => self.outer(part),
            Way::Dots => {
                // A row of Bᵀ and A for each element of C.
                let loaded = times(2, times(part.inner(), part.cols())?)?;
                let multiplied = self.elements(loaded, self.touched(part.c))?;
                Ok([multiplied, self.follow(part, taken)?])
            }
            Way::Tiles => Ok([self.tiles(part)?, self.follow(part, taken)?]),
        }
    }

    /// Elements of a row of a matrix that are loaded or stored.
    fn touched(self, matrix: Layout) -> u128 {
        matrix.touched(self.vectors.lanes) as u128
    }

    /// A column times a row: for each row of C an element of A, and B. An update takes their products as they are made.
    fn outer(self, part: &Multiplication) -> Result<[Traffic; 2], Overflow> {
        let RightLayout::Matrix(b) = part.b else { return Ok([Traffic::NONE; 2]) };
        let beside = |state: &[Option<Layout>]| {
            let matrices: Vec<Layout> = [part.c, b].into_iter().chain(state.iter().flatten().copied()).collect();
            // B has one row.
            let touched = matrices.iter().map(|matrix| self.touched(*matrix)).min().unwrap_or(0);
            Rows { count: part.rows(), len: part.cols(), touched }
        };
        match part.follows {
            Follows::Update(rule, state) => {
                let (rows, kept) = (beside(&state), rule.state() as u128);
                let factors = self.elements(sum(&[rows.count, rows.all_touched()])?, 0)?;
                Ok([factors, self.rows(rows, 1 + kept, 1 + kept)?])
            }
            Follows::Nothing | Follows::Apply(..) | Follows::Derive(..) => {
                let rows = beside(&[]);
                let all = rows.all_touched();
                Ok([self.elements(sum(&[rows.count, all])?, all)?, Traffic::NONE])
            }
        }
    }

    fn tiles(self, part: &Multiplication) -> Result<Traffic, Overflow> {
        let shape = part.shape(self.size());
        let (rows, inner, cols) = (part.rows(), part.inner(), part.cols());
        let vectors = cols.div_ceil(self.lanes());
        let Blocks { deep, copies_of_a, copies_b } = self.blocks(&shape);
        let whole_vectors = vectors * self.lanes();
        // Elements of a row of B that tiles read.
        let of_b = match part.b {
            RightLayout::Matrix(b) if !copies_b => self.touched(b),
            _ => whole_vectors,
        };
        let sums = times(rows, self.touched(part.c))?;
        // Of the tiles that stand below each other how many there are, and what all tiles read of A for a term.
        let (mut below, mut of_a) = (0, 0);
        for (height, tiles) in self.heights(rows) {
            below += tiles;
            let across = self.across(&shape, copies_b, height, vectors);
            of_a = sum(&[of_a, times(times(tiles, height)?, across)?])?;
        }
        let started = match part.init {
            Init::Zero => 0,
            Init::Bias(bias) => times(below, self.touched(bias))?,
            Init::Accumulate => sums,
        };
        // B once, a panel's last vector padded with zeros.
        let [b_read, b_copied] = if copies_b { [cols, whole_vectors] } else { [0; 2] };
        let a_copied = times(times(rows, inner)?, copies_of_a)?;
        let terms = times(inner, sum(&[of_a, times(below, of_b)?, b_read])?)?;
        let loaded = sum(&[terms, started, times(deep - 1, sums)?, a_copied])?;
        let stored = sum(&[times(deep, sums)?, times(inner, b_copied)?, a_copied])?;
        self.elements(loaded, stored)
    }

    fn blocks(self, shape: &ProductShape) -> Blocks {
        let [inner, columns] = [shape.inner, shape.cols].map(|side| side as u128);
        match Blocking::new(shape, self.vectors) {
            Blocking::Whole => Blocks { deep: 1, copies_of_a: 0, copies_b: false },
            Blocking::Blocks { b_in_place, pack_a, depth, cols, .. } => Blocks {
                deep: inner.div_ceil(depth as u128).max(1),
                copies_of_a: if pack_a { columns.div_ceil(cols as u128) } else { 0 },
                copies_b: !b_in_place,
            },
        }
    }

    /// Heights of tiles that cover so many rows, with their numbers.
    fn heights(self, rows: u128) -> impl Iterator<Item = (u128, u128)> {
        let (eights, rest) = if self.vectors.registers >= 32 { (rows / 8, rows % 8) } else { (0, rows) };
        let last = rest % 4;
        [(8, eights), (4, rest / 4), (last, u128::from(last > 0))].into_iter()
    }

    /// How many tiles of this height cover so many vectors of columns.
    fn across(self, product: &ProductShape, copies_b: bool, height: u128, vectors: u128) -> u128 {
        let widest = match height {
            1 => 8,
            2 => 4,
            _ => 3,
        };
        if copies_b {
            // Panels of three.
            return vectors.div_ceil(3);
        }
        let tiles = |vectors: u128| match (widest, vectors % widest) {
            // Five are four and one, seven are six and one.
            (8, 5 | 7) => vectors / 8 + 2,
            (_, rest) => vectors / widest + u128::from(rest > 0),
        };
        match product.b {
            Some(_) => tiles(vectors),
            // A tile ends where its panel does.
            None => {
                let panel = PANEL_BLOCKS * self.block / self.lanes();
                vectors / panel * tiles(panel) + tiles(vectors % panel)
            }
        }
    }

    /// What follows a part of a product that is no outer product.
    fn follow(self, part: &Multiplication, taken: Taken) -> Result<Traffic, Overflow> {
        let beside = |matrices: &[Option<Layout>]| {
            let matrices: Vec<Layout> = [part.c].into_iter().chain(matrices.iter().flatten().copied()).collect();
            Rows::of(&matrices, self.lanes(), taken)
        };
        match part.follows {
            Follows::Nothing => Ok(Traffic::NONE),
            Follows::Apply(function, sums) => {
                // Sums are copied without padding.
                let kept = match sums {
                    Some(_) => self.vectors_of(times(part.rows(), part.cols())?, 1, 1)?,
                    None => Traffic::NONE,
                };
                match function {
                    Some(_) => kept.plus(&self.in_place(self.applied(part, sums, taken))?),
                    None => Ok(kept),
                }
            }
            Follows::Derive(activation, kept) => self.derive(activation, beside(&[Some(kept)])),
            Follows::Update(rule, state) => self.update(&rule, beside(&state)),
        }
    }

    /// C's rows, to which a function is applied: where its sums have gaps, they are not taken together.
    fn applied(self, part: &Multiplication, sums: Option<Layout>, taken: Taken) -> Rows {
        let taken = if sums.is_none_or(|sums| sums.is_without_gaps()) { taken } else { Taken::Apart };
        Rows::of(&[part.c], self.lanes(), taken)
    }

    /// C ← A·B + init, C of any strides. One that is computed beside is copied from there, and there first if its sums start from it.
    pub(super) fn gemm(self, product: &Multiplication) -> Result<Traffic, Overflow> {
        let all = |product: &Multiplication| Traffic::sum(self.multiply(product)?);
        match Target::of_gemm(product) {
            Target::Rows => all(product),
            Target::Columns => all(&product.transposed().unwrap_or(*product)),
            Target::Beside => {
                let copies = if matches!(product.init, Init::Accumulate) { 2 } else { 1 };
                self.copied(product, copies)?.plus(&all(&product.beside())?)
            }
        }
    }

    /// C ← α·A·B + β·C: C multiplied by β, unless that is 0 or 1; A copied and multiplied by α, unless that is 1; with α = 0 no product. A C
    /// of gaps both ways is computed beside and copied, there first unless β is 0.
    pub(super) fn gemm_scaled(self, product: &Multiplication, alpha: f64, beta: f64) -> Result<Traffic, Overflow> {
        if product.way() == Way::Nothing {
            return Ok(Traffic::NONE);
        }
        match Target::of_gemm_scaled(product) {
            Target::Rows => self.scaled(product, alpha, beta),
            Target::Columns => self.scaled(&product.transposed().unwrap_or(*product), alpha, beta),
            Target::Beside => {
                let copies = if beta == 0.0 { 1 } else { 2 };
                self.copied(product, copies)?.plus(&self.scaled(&product.beside(), alpha, beta)?)
            }
        }
    }

    /// The same, rows of C contiguous.
    fn scaled(self, product: &Multiplication, alpha: f64, beta: f64) -> Result<Traffic, Overflow> {
        let in_place = |matrix: Layout| self.in_place(Rows::of(&[matrix], self.lanes(), Taken::Apart));
        let of_c = if beta == 0.0 || beta == 1.0 { Traffic::NONE } else { in_place(product.c)? };
        let (of_a, product) = match alpha {
            0.0 => (Traffic::NONE, product.without_terms()),
            1.0 => (Traffic::NONE, *product),
            _ => (in_place(product.with_copied_a().a)?.times(2)?, product.with_copied_a()),
        };
        Traffic::sum([of_c, of_a, self.gemm(&product)?])
    }

    /// C copied so many times.
    fn copied(self, product: &Multiplication, times: u128) -> Result<Traffic, Overflow> {
        self.vectors_of(product.rows() * product.cols(), times, times)
    }
}
