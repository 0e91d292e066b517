//! Bytes that the loads and stores of kernels ask for.
//!
//! Beside the compulsory traffic, which is a network's own, this is the kernels': an operand counts each time it is loaded, whichever cache
//! it comes from, and what is copied to be read in order is stored and loaded once more. It depends on the vectors (a register tile reads A
//! once for its columns and B once for its rows) and on how a product is cut for caches and threads, which [`Blocking`](nxm_kernels::Blocking)
//! decides: the blocks are taken from the kernels, what follows from them is said here. Constants, and what a compiler spills, are not asked for
//! by a kernel; where a compiler sees that a number was loaded before, it may keep it.

mod losses;
mod norms;
mod operation;
mod products;

use nxm_kernels::{Activation, ELEMENTS_WORTH_A_THREAD, Element, Layout, Rule, VectorShape};
use nxm_net::ElementType;

use super::rows::{Rows, Taken};
use crate::kind::Overflow;
use crate::traffic::Traffic;

/// Who asks: vectors of an element type on some threads. The receiver of every formula.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Requests {
    vectors: VectorShape,
    /// Elements in 64 bytes.
    block: u128,
    element: ElementType,
    threads: usize,
}

/// a · b elements.
fn times(a: u128, b: u128) -> Result<u128, Overflow> {
    a.checked_mul(b).ok_or(Overflow { what: "bytes" })
}

/// Σ elements.
fn sum(terms: &[u128]) -> Result<u128, Overflow> {
    let sum = terms.iter().try_fold(0u128, |sum, term| sum.checked_add(*term));
    sum.ok_or(Overflow { what: "bytes" })
}

/// Every formula here fails with [`Overflow`] if the bytes exceed 128 bits, and only then.
impl Requests {
    /// The kernels in elements of `T`, in vectors of this shape, on one thread.
    pub(super) fn new<T: Element>(vectors: VectorShape) -> Requests {
        let (block, element) = (T::BLOCK as u128, ElementType::of::<T>());
        Requests { vectors, block, element, threads: 1 }
    }

    /// On so many threads, at least one.
    pub(super) fn on_threads(self, threads: usize) -> Requests {
        Requests { threads: threads.max(1), ..self }
    }

    /// Bytes of an element.
    fn size(self) -> u128 {
        self.element.size().into()
    }

    fn lanes(self) -> u128 {
        self.vectors.lanes as u128
    }

    /// Rows of matrices side by side, taken together if they have no gaps.
    fn together(self, matrices: &[Layout]) -> Rows {
        Rows::of(matrices, self.lanes(), Taken::Together)
    }

    /// So many elements loaded and stored.
    fn elements(self, loaded: u128, stored: u128) -> Result<Traffic, Overflow> {
        Traffic::of(self.size(), &[loaded], &[stored])
    }

    /// `loads` operands of n elements, and `stores` results.
    fn vectors_of(self, n: u128, loads: u128, stores: u128) -> Result<Traffic, Overflow> {
        self.elements(times(loads, n)?, times(stores, n)?)
    }

    /// Into how many parts `work` is split, of which one part for each `worth` pays and `pieces` are possible.
    fn parts(self, work: u128, worth: usize, pieces: u128) -> u128 {
        (self.threads as u128).min(work / worth as u128).min(pieces).max(1)
    }

    /// All that is touched of some rows, `loads` and `stores` times.
    fn rows(self, rows: Rows, loads: u128, stores: u128) -> Result<Traffic, Overflow> {
        self.vectors_of(rows.all_touched(), loads, stores)
    }

    /// Σ xᵢyᵢ over n: both loaded, the sum stored.
    fn dot(self, n: u128) -> Result<Traffic, Overflow> {
        self.elements(times(2, n)?, 1)
    }

    /// The same over n f32 in f64.
    fn dot_in_f64(self, n: u128) -> Result<Traffic, Overflow> {
        Traffic::of(ElementType::F32.size().into(), &[times(2, n)?], &[])?.plus(&self.elements(0, 1)?)
    }

    /// y ← α·x + y over n: both loaded, y stored.
    fn axpy(self, n: u128) -> Result<Traffic, Overflow> {
        self.vectors_of(n, 2, 1)
    }

    /// y ← A·x, A of rows × cols: a row and x for each element of y.
    fn gemv(self, rows: u128, cols: u128) -> Result<Traffic, Overflow> {
        self.elements(times(2, times(rows, cols)?)?, rows)
    }

    /// y ← Aᵀ·x, A of rows × cols with contiguous rows: A once; if y fits 8 vectors, x for each strip of them; else x once, and y loaded
    /// and stored for each 4 rows.
    fn gemv_transposed(self, rows: u128, cols: u128) -> Result<Traffic, Overflow> {
        let lanes = self.lanes();
        let parts = self.parts(rows.saturating_mul(cols), ELEMENTS_WORTH_A_THREAD, cols / (4 * self.block));
        let mut traffic = Traffic::NONE;
        for cols in shares(cols, parts, self.block) {
            let matrix = times(rows, cols)?;
            let part = if cols <= 8 * lanes {
                let strip = match cols / lanes {
                    0 | 1 => 1,
                    2 | 3 => 2,
                    4..8 => 4,
                    _ => 8,
                } * lanes;
                let strips = cols / strip + (cols % strip).div_ceil(lanes);
                self.elements(sum(&[matrix, times(strips, rows)?])?, cols)?
            } else {
                let groups = times(rows / 4 + rows % 4, cols)?;
                self.elements(sum(&[matrix, rows, groups])?, sum(&[cols, groups])?)?
            };
            traffic = traffic.plus(&part)?;
        }
        Ok(traffic)
    }

    /// A ← A + α·x·yᵀ, A of rows × cols: A and, for each row, y and an element of x.
    fn ger(self, rows: u128, cols: u128) -> Result<Traffic, Overflow> {
        let matrix = times(rows, cols)?;
        self.elements(sum(&[times(2, matrix)?, rows])?, matrix)
    }

    /// Sums of the columns of a matrix.
    fn column_sum(self, a: Layout, sum: Layout) -> Result<Traffic, Overflow> {
        let [a, sum] = [a, sum].map(|matrix| Rows::of(&[matrix], self.lanes(), Taken::Apart));
        self.elements(a.all_touched(), sum.all_touched())
    }

    /// Each element loaded and stored.
    fn in_place(self, rows: Rows) -> Result<Traffic, Overflow> {
        self.rows(rows, 1, 1)
    }

    /// δ·f'(z): δ, and what f' is made of; nothing for the identity.
    fn derive(self, activation: Activation, rows: Rows) -> Result<Traffic, Overflow> {
        match activation.function() {
            None => Ok(Traffic::NONE),
            Some(_) => self.rows(rows, 2, 1),
        }
    }

    /// Softmax of rows × cols: loaded for the maximum, the differences, their exponentials, the sum and the quotients.
    fn softmax(self, rows: u128, cols: u128) -> Result<Traffic, Overflow> {
        self.vectors_of(times(rows, cols)?, 5, 3)
    }

    /// Log-softmax of rows × cols: loaded for the maximum, the differences, the sum of their exponentials, and less its logarithm.
    fn log_softmax(self, rows: u128, cols: u128) -> Result<Traffic, Overflow> {
        self.vectors_of(times(rows, cols)?, 4, 2)
    }

    /// ln Σ eᶻ of each row of rows × cols: loaded for the maximum and the sum.
    fn log_sum_exp(self, rows: u128, cols: u128) -> Result<Traffic, Overflow> {
        self.elements(times(2, times(rows, cols)?)?, rows)
    }

    /// The update of each parameter by a rule: gradients, parameters and what the rule keeps.
    fn update(self, rule: &Rule<f64>, rows: Rows) -> Result<Traffic, Overflow> {
        let kept = rule.state() as u128;
        self.rows(rows, 2 + kept, 1 + kept)
    }

    /// `sum` ← `before` + Σ x²: x as both factors.
    fn add_squares(self, x: Rows) -> Result<Traffic, Overflow> {
        self.elements(sum(&[times(2, x.elements())?, 1])?, 1)
    }
}

/// `len` cut into `parts` parts at multiples of `grain`: in two, and each of these again.
fn shares(len: u128, parts: u128, grain: u128) -> Vec<u128> {
    let halves = parts / 2;
    let cut = if halves == 0 { 0 } else { (len / grain * halves).div_ceil(parts) * grain };
    if cut == 0 || cut >= len {
        return vec![len];
    }
    [shares(cut, halves, grain), shares(len - cut, parts - halves, grain)].concat()
}
