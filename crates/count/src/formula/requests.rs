//! Bytes that the loads and stores of kernels ask for.
//!
//! Beside the compulsory traffic, which is a network's own, this is the kernels': an operand counts each time it is loaded, whichever cache
//! it comes from, and what is copied to be read in order is stored and loaded once more. It depends on the vectors (a register tile reads A
//! once for its columns and B once for its rows) and on how a product is cut for caches and threads, which [`Plan`](nxm_kernels::Plan)
//! decides: the plan is taken from the kernels, what follows from it is said here. Constants, and what a compiler spills, are not asked for
//! by a kernel; where a compiler sees that a number was loaded before, it may keep it.

mod product;
mod step;

pub use product::{Start, Sums};

use nxm_kernels::{Activation, ELEMENTS_WORTH_A_THREAD, Element, Level, Rule, Shape};
use nxm_net::Loss;

use crate::kind::Overflow;
use crate::traffic::Traffic;

/// Who asks: vectors of an element type on some threads. The receiver of every formula.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requests {
    vectors: Shape,
    /// Elements in 64 bytes.
    block: u128,
    /// Bytes of an element.
    size: u128,
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
    /// The kernels in elements of `T` at `level` on `threads` threads.
    pub fn of<T: Element>(level: Level, threads: usize) -> Requests {
        let (block, size) = (T::BLOCK as u128, size_of::<T>() as u128);
        Requests { vectors: level.shape::<T>(), block, size, threads: threads.max(1) }
    }

    /// So many elements loaded and stored.
    fn elements(self, loaded: u128, stored: u128) -> Result<Traffic, Overflow> {
        Traffic::of(self.size, &[loaded], &[stored])
    }

    /// `loads` operands of n elements, and `stores` results.
    fn vectors_of(self, n: u128, loads: u128, stores: u128) -> Result<Traffic, Overflow> {
        self.elements(times(loads, n)?, times(stores, n)?)
    }

    /// Into how many parts `work` is split, of which one part for each `worth` pays and `pieces` are possible.
    fn parts(self, work: u128, worth: usize, pieces: u128) -> u128 {
        (self.threads as u128).min(work / worth as u128).min(pieces).max(1)
    }

    /// Σ xᵢyᵢ over n: both loaded.
    pub fn dot(self, n: u128) -> Result<Traffic, Overflow> {
        self.vectors_of(n, 2, 0)
    }

    /// The same over n f32 in f64.
    pub fn dot_in_f64(self, n: u128) -> Result<Traffic, Overflow> {
        Traffic::of(size_of::<f32>() as u128, &[times(2, n)?], &[])
    }

    /// y ← α·x + y over n: both loaded, y stored.
    pub fn axpy(self, n: u128) -> Result<Traffic, Overflow> {
        self.vectors_of(n, 2, 1)
    }

    /// y ← A·x, A of rows × cols: a row and x for each element of y.
    pub fn gemv(self, rows: u128, cols: u128) -> Result<Traffic, Overflow> {
        self.elements(times(2, times(rows, cols)?)?, rows)
    }

    /// y ← Aᵀ·x, A of rows × cols with contiguous rows: A once; if y fits 8 vectors, x for each strip of them; else x once, and y loaded
    /// and stored for each 4 rows.
    pub fn gemv_transposed(self, rows: u128, cols: u128) -> Result<Traffic, Overflow> {
        let lanes = self.vectors.lanes as u128;
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
    pub fn ger(self, rows: u128, cols: u128) -> Result<Traffic, Overflow> {
        let matrix = times(rows, cols)?;
        self.elements(sum(&[times(2, matrix)?, rows])?, matrix)
    }

    /// Sums of the columns of rows × cols.
    pub fn column_sum(self, rows: u128, cols: u128) -> Result<Traffic, Overflow> {
        self.elements(times(rows, cols)?, cols)
    }

    /// f(z) for n elements in place; nothing for the identity.
    pub fn activation_forward(self, activation: Activation, n: u128) -> Result<Traffic, Overflow> {
        match activation.function() {
            None => Ok(Traffic::NONE),
            Some(_) => self.vectors_of(n, 1, 1),
        }
    }

    /// δ·f'(z) for n elements: δ, and what f' is made of; nothing for the identity.
    pub fn activation_backward(self, activation: Activation, n: u128) -> Result<Traffic, Overflow> {
        match activation.function() {
            None => Ok(Traffic::NONE),
            Some(_) => self.vectors_of(n, 2, 1),
        }
    }

    /// Softmax of rows × cols: loaded for the maximum, the differences, their exponentials, the sum and the quotients.
    pub fn softmax(self, rows: u128, cols: u128) -> Result<Traffic, Overflow> {
        self.vectors_of(times(rows, cols)?, 5, 3)
    }

    /// Log-softmax of rows × cols: loaded for the maximum, the differences, the sum of their exponentials, and less its logarithm.
    pub fn log_softmax(self, rows: u128, cols: u128) -> Result<Traffic, Overflow> {
        self.vectors_of(times(rows, cols)?, 4, 2)
    }

    /// ln Σ eᶻ of each row of rows × cols: loaded for the maximum and the sum.
    pub fn log_sum_exp(self, rows: u128, cols: u128) -> Result<Traffic, Overflow> {
        self.elements(times(2, times(rows, cols)?)?, rows)
    }

    /// f(x) of n elements in place, any function.
    pub fn apply(self, n: u128) -> Result<Traffic, Overflow> {
        self.vectors_of(n, 1, 1)
    }

    /// One update of n parameters by a rule: gradients, parameters and what the rule keeps.
    pub fn update<T: Element>(self, rule: &Rule<T>, n: u128) -> Result<Traffic, Overflow> {
        let kept = rule.state() as u128;
        self.vectors_of(n, 2 + kept, 1 + kept)
    }

    /// A loss and its gradient, for `rows` examples of `cols` outputs.
    ///
    /// n = rows·cols. Mean squared error: targets are copied; the differences, their squares and the gradient: 6n loads, 3n stores. Binary
    /// cross-entropy: targets are copied; the losses, the gradient, the sum: 6n and 3n. Cross-entropy: logits are copied; maximum,
    /// differences, exponentials, sum, gradient; a row's loss, and the gradient at its label: 6n + 3·rows and 4n + 2·rows. With class weights
    /// or smoothing, the spread twice and the differences once more, and the weights of rows: 9n + 6·rows and 4n + 3·rows.
    pub fn loss(self, loss: &Loss, rows: u128, cols: u128) -> Result<Traffic, Overflow> {
        let [of_outputs, of_rows] = match loss {
            Loss::MeanSquaredError | Loss::BinaryCrossEntropy => [[6, 3], [0, 0]],
            Loss::CrossEntropy { .. } if loss.is_weighted() => [[9, 4], [6, 3]],
            Loss::CrossEntropy { .. } => [[6, 4], [3, 2]],
        };
        let outputs = self.vectors_of(times(rows, cols)?, of_outputs[0], of_outputs[1])?;
        outputs.plus(&self.vectors_of(rows, of_rows[0], of_rows[1])?)
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
