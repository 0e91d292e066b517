//! Requests of a product.
//!
//! C is covered with tiles of R rows and some vectors of columns. With t tiles of R rows below each other and w side by side, a tile loads
//! R elements of A and its columns' of B for each term of its sums: t·(R·w + cols) elements for a term of all sums. What its sums start from
//! is loaded, and its sums are stored, once for each block of terms. That is all, but for copies.

use nxm_kernels::{Activation, Following, Plan, Product, Rule, Strides, WORTH_A_THREAD};

use super::{Requests, shares, sum, times};
use crate::kind::Overflow;
use crate::traffic::Traffic;

/// What a product's sums start from: [`Init`](nxm_kernels::Init) without its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Zero.
    Zero,
    /// A number for each column.
    Bias,
    /// What C holds.
    Accumulate,
}

/// Blocks of 64 bytes that a panel of a `PackedMatrix` is wide.
const PANEL_BLOCKS: u128 = 6;

/// Every formula here fails with [`Overflow`] if the bytes exceed 128 bits, and only then.
impl Requests {
    /// The product of A, rows × inner, and B, inner × cols, row after row without gaps.
    pub fn product(self, [rows, inner, cols]: [u64; 3]) -> Result<Product, Overflow> {
        let side = |side| {
            usize::try_from(side).map_err(|_| Overflow { what: "elements in a row that this machine can address" })
        };
        let [rows, inner, cols] = [side(rows)?, side(inner)?, side(cols)?];
        Ok(Product {
            rows,
            inner,
            cols,
            a: Strides::row_major(inner),
            b: Some(Strides::row_major(cols)),
            following: Following::Nothing,
            size: self.size as usize,
        })
    }

    /// C ← A·B + what it starts from, rows of C contiguous, without what follows.
    pub fn gemm(self, product: &Product, start: Start) -> Result<Traffic, Overflow> {
        let Product { rows: m, inner: k, cols: n, .. } = *product;
        let [rows, inner, cols] = [m, k, n].map(|side| side as u128);
        if m == 0 || n == 0 {
            return Ok(Traffic::NONE);
        }
        let work = rows.saturating_mul(cols).saturating_mul(inner);
        let grain = if product.b.is_some() { self.block } else { PANEL_BLOCKS * self.block };
        let by_cols = self.parts(work, WORTH_A_THREAD, cols / grain.max(4 * self.block));
        let by_rows = self.parts(work, WORTH_A_THREAD, rows / 8);
        let (len, parts, grain) = if by_cols >= by_rows { (cols, by_cols, grain) } else { (rows, by_rows, 8) };
        let mut traffic = Traffic::NONE;
        for share in shares(len, parts, grain) {
            let share = share as usize;
            let part = match by_cols >= by_rows {
                true => Product { cols: share, ..*product },
                false => Product { rows: share, ..*product },
            };
            traffic = traffic.plus(&self.part(&part, start)?)?;
        }
        Ok(traffic)
    }

    /// One thread's part.
    fn part(self, product: &Product, start: Start) -> Result<Traffic, Overflow> {
        let [m, k, n] = [product.rows, product.inner, product.cols].map(|side| side as u128);
        let lanes = self.vectors.lanes as u128;
        if product.is_one_row() {
            // Each vector of C meets all of A.
            let started = if start == Start::Zero { 0 } else { n };
            return self.elements(sum(&[times(k, n.div_ceil(lanes))?, times(k, n)?, started])?, n);
        }
        let plan = Plan::new(product, self.vectors);
        let sums = times(m, n)?;
        // Of the tiles that stand below each other how many there are, and what all tiles read of A for a term.
        let (mut below, mut of_a) = (0, 0);
        for (height, tiles) in self.heights(m) {
            below += tiles;
            let across = self.across(product, plan.b_in_place, height, n.div_ceil(lanes));
            of_a = sum(&[of_a, times(times(tiles, height)?, across)?])?;
        }
        let columns = times(below, n)?;
        let blocks = if plan.small { 1 } else { k.div_ceil(plan.block_depth as u128).max(1) };
        let started = match start {
            Start::Zero => 0,
            Start::Bias => columns,
            Start::Accumulate => sums,
        };
        // B once, a panel's last vector padded with zeros.
        let [b_read, b_copied] = if plan.b_in_place { [0; 2] } else { [n, n.next_multiple_of(lanes)] };
        // A once for each block of columns.
        let copies = if plan.pack_a && !plan.small { n.div_ceil(plan.block_cols as u128) } else { 0 };
        let a_copied = times(times(m, k)?, copies)?;
        let terms = times(k, sum(&[of_a, columns, b_read])?)?;
        let loaded = sum(&[terms, started, times(blocks - 1, sums)?, a_copied])?;
        let stored = sum(&[times(blocks, sums)?, times(k, b_copied)?, a_copied])?;
        self.elements(loaded, stored)
    }

    /// Heights of tiles that cover so many rows, with their numbers.
    fn heights(self, rows: u128) -> impl Iterator<Item = (u128, u128)> {
        let (eights, rest) = if self.vectors.registers >= 32 { (rows / 8, rows % 8) } else { (0, rows) };
        let last = rest % 4;
        [(8, eights), (4, rest / 4), (last, u128::from(last > 0))].into_iter()
    }

    /// How many tiles of this height cover so many vectors of columns.
    fn across(self, product: &Product, b_in_place: bool, height: u128, vectors: u128) -> u128 {
        let widest = match height {
            1 => 8,
            2 => 4,
            _ => 3,
        };
        if !b_in_place {
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
                let panel = PANEL_BLOCKS * self.block / self.vectors.lanes as u128;
                vectors / panel * tiles(panel) + tiles(vectors % panel)
            }
        }
    }

    /// C ← α·A·B + β·C with one C ← A·B, C's rows contiguous: C multiplied by β, unless that is 0 or 1; A copied and multiplied by α,
    /// unless that is 1; with α = 0 no product.
    pub fn gemm_scaled(self, product: &Product, alpha: f64, beta: f64) -> Result<Traffic, Overflow> {
        let [m, k, n] = [product.rows, product.inner, product.cols].map(|side| side as u128);
        if m == 0 || n == 0 {
            return Ok(Traffic::NONE);
        }
        let in_place = |n| self.vectors_of(n, 1, 1);
        let start = if beta == 0.0 { Start::Zero } else { Start::Accumulate };
        let scaled = if beta == 0.0 || beta == 1.0 { Traffic::NONE } else { in_place(times(m, n)?)? };
        if alpha == 0.0 {
            let nothing = self.product([product.rows as u64, 0, product.cols as u64])?;
            return scaled.plus(&self.gemm(&nothing, start)?);
        }
        if alpha == 1.0 {
            return scaled.plus(&self.gemm(product, start)?);
        }
        let of_a = in_place(times(m, k)?)?.times(2)?;
        let copied = Product { a: Strides::row_major(product.inner), ..*product };
        scaled.plus(&of_a)?.plus(&self.gemm(&copied, start)?)
    }

    /// [`gemm_scaled`](Requests::gemm_scaled) where neither rows nor columns of C are contiguous: it is computed beside and copied, there
    /// first unless β is 0.
    pub fn gemm_scaled_beside(self, product: &Product, alpha: f64, beta: f64) -> Result<Traffic, Overflow> {
        let copies = if beta == 0.0 { 1 } else { 2 };
        let copied = self.vectors_of(times(product.rows as u128, product.cols as u128)?, copies, copies)?;
        copied.plus(&self.gemm_scaled(product, alpha, beta)?)
    }

    /// C ← A·B + what it starts from, where neither rows nor columns of C are contiguous: it is computed beside and copied, there first if
    /// its sums start from it.
    pub fn gemm_beside(self, product: &Product, start: Start) -> Result<Traffic, Overflow> {
        let copies = if start == Start::Accumulate { 2 } else { 1 };
        let copied = self.vectors_of(times(product.rows as u128, product.cols as u128)?, copies, copies)?;
        copied.plus(&self.gemm(product, start)?)
    }

    /// A ← f(X·W + b), X of rows × fan_in; if the sums are kept, a copy of them.
    pub fn dense_forward(
        self,
        [rows, fan_in, fan_out]: [u64; 3],
        activation: Activation,
        sums: Sums,
    ) -> Result<Traffic, Overflow> {
        let product = Product { following: Following::InPlace, ..self.product([rows, fan_in, fan_out])? };
        let units = times(rows.into(), fan_out.into())?;
        let kept = match sums {
            Sums::Kept => self.vectors_of(units, 1, 1)?,
            Sums::Forgotten => Traffic::NONE,
        };
        self.gemm(&product, Start::Bias)?.plus(&kept)?.plus(&self.activation_forward(activation, units)?)
    }

    /// δ·Wᵀ, δ of rows × fan_out, without the derivative that follows it.
    pub fn input_gradient(self, [rows, fan_in, fan_out]: [u64; 3]) -> Result<Traffic, Overflow> {
        let product = self.product([rows, fan_out, fan_in])?;
        let b = Some(Strides::row_major(product.inner).transpose());
        self.gemm(&Product { b, following: Following::InPlace, ..product }, Start::Zero)
    }

    /// Xᵀ·δ, X of rows × fan_in, `following` it nothing or an update.
    pub fn weight_gradient(self, [rows, fan_in, fan_out]: [u64; 3], following: Following) -> Result<Traffic, Overflow> {
        let product = self.product([fan_in, rows, fan_out])?;
        let a = Strides::row_major(product.rows).transpose();
        self.gemm(&Product { a, following, ..product }, Start::Zero)
    }

    /// D ← δ·Wᵀ ⊙ f'(z), δ of rows × fan_out.
    pub fn dense_input_gradient(self, layer: [u64; 3], activation: Activation) -> Result<Traffic, Overflow> {
        let units = times(layer[0].into(), layer[1].into())?;
        self.input_gradient(layer)?.plus(&self.activation_backward(activation, units)?)
    }

    /// W updated by a rule from Xᵀ·δ, X of rows × fan_in.
    pub fn dense_update<T: nxm_kernels::Element>(self, layer: [u64; 3], rule: &Rule<T>) -> Result<Traffic, Overflow> {
        let weights = times(layer[1].into(), layer[2].into())?;
        self.weight_gradient(layer, Following::Update)?.plus(&self.update(rule, weights)?)
    }
}

/// Whether a forward pass keeps its sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sums {
    /// It does, for the derivative.
    Kept,
    /// It doesn't.
    Forgotten,
}
