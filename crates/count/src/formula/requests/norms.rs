//! Requests of norms, of gradients of softmaxes, of products of elements and of running means.

use nxm_kernels::Layout;

use super::{Requests, times};
use crate::formula::rows::{Rows, Taken};
use crate::kind::Overflow;
use crate::traffic::Traffic;

/// Fails with [`Overflow`] if the bytes exceed 128 bits. Norms take each row for itself, and of a matrix of one row that row each time.
impl Requests {
    /// Sums of products of columns: both matrices, and the sums.
    pub(super) fn column_dot(self, a: Layout, b: Layout, sum: Layout) -> Result<Traffic, Overflow> {
        let [a, b, sum] = [a, b, sum].map(|matrix| self.apart(&[matrix]).all_touched());
        self.elements(a, sum)?.plus(&self.elements(b, 0)?)
    }

    /// x for the mean and the differences; these, as both factors, for the variance, and to be scaled; then with weights and biases. A scale is
    /// stored for each row.
    pub(super) fn layer_norm(self, [x, weights, bias, normalized, a]: [Layout; 5]) -> Result<Traffic, Overflow> {
        let (rows, cols) = (a.rows as u128, a.cols as u128);
        let elements = times(rows, cols)?;
        Traffic::sum([
            self.vectors_of(elements, 3, 0)?,
            self.rows(self.apart(&[x, normalized]), 1, 1)?,
            self.in_place(self.apart(&[normalized]))?,
            self.rows(self.apart(&[a, normalized, weights, bias]), 3, 1)?,
            self.elements(0, rows)?,
        ])
    }

    /// δ and the weights; their products for the mean, and with x̂ for the other one; these with x̂ once more. A scale is loaded for each row.
    pub(super) fn layer_norm_gradient(self, [delta, weights, normalized, d]: [Layout; 4]) -> Result<Traffic, Overflow> {
        let (rows, cols) = (d.rows as u128, d.cols as u128);
        Traffic::sum([
            self.rows(self.apart(&[d, delta, weights]), 2, 1)?,
            self.vectors_of(times(rows, cols)?, 3, 0)?,
            self.rows(self.apart(&[d, normalized]), 2, 1)?,
            self.elements(rows, 0)?,
        ])
    }

    /// Elements that are copied before they are worked on, without padding.
    pub(super) fn copied_from(self, from: Option<Layout>, to: Layout) -> Result<Traffic, Overflow> {
        match from {
            Some(_) => self.vectors_of(times(to.rows as u128, to.cols as u128)?, 1, 1),
            None => Ok(Traffic::NONE),
        }
    }

    /// What is summed, of `summed` matrices; then the outputs and their gradient.
    pub(super) fn softmax_gradient(self, [outputs, delta, d]: [Layout; 3], summed: u128) -> Result<Traffic, Overflow> {
        let elements = times(d.rows as u128, d.cols as u128)?;
        self.vectors_of(elements, summed, 0)?.plus(&self.rows(self.apart(&[d, outputs, delta]), 2, 1)?)
    }

    /// x for the means; x and those for the differences, whose squares are added to the variances row by row; scales; differences and scales
    /// for x̂, which is loaded with weights and biases.
    pub(super) fn batch_norm(
        self,
        [x, weights, bias, normalized, a]: [Layout; 5],
        [mean, variance, scales]: [Layout; 3],
    ) -> Result<Traffic, Overflow> {
        Traffic::sum([
            self.column_sum(x, mean)?,
            self.in_place(self.apart(&[mean]))?,
            self.elements(0, self.apart(&[variance]).all_touched())?,
            self.rows(self.apart(&[normalized, x, mean]), 2, 1)?,
            self.rows(self.apart(&[normalized, variance]), 2, 1)?,
            self.in_place(self.apart(&[variance]))?,
            self.rows(self.apart(&[scales, variance]), 1, 1)?,
            self.rows(self.apart(&[normalized, scales]), 2, 1)?,
            self.rows(self.apart(&[a, normalized, weights, bias]), 3, 1)?,
        ])
    }

    /// Three factors of each column; then δ, x̂ and those.
    pub(super) fn batch_norm_gradient(
        self,
        [delta, weights, normalized, scales, factors, d]: [Layout; 6],
        sums: [Layout; 2],
    ) -> Result<Traffic, Overflow> {
        // All rows have the same padding.
        let factor = Layout { rows: 1, ..factors };
        Traffic::sum([
            self.rows(self.apart(&[factor, weights, scales]), 2, 1)?,
            self.rows(self.apart(&[factor, sums[0]]), 1, 1)?,
            self.rows(self.apart(&[factor, sums[1]]), 1, 1)?,
            self.rows(self.apart(&[d, delta, normalized, factor]), 5, 1)?,
        ])
    }

    /// Two factors of each column; then x and those.
    pub(super) fn batch_norm_evaluate(
        self,
        [x, weights, bias, mean, variance, factors, a]: [Layout; 7],
    ) -> Result<Traffic, Overflow> {
        let factor = Layout { rows: 1, ..factors };
        Traffic::sum([
            self.rows(self.apart(&[factor, weights, variance]), 2, 1)?,
            self.rows(self.apart(&[factor, bias, mean]), 3, 1)?,
            self.rows(self.apart(&[a, x, factor]), 3, 1)?,
        ])
    }

    /// Rows of matrices side by side, as many as the first one has.
    fn apart(self, matrices: &[Layout]) -> Rows {
        Rows::of(matrices, self.lanes(), Taken::Apart)
    }
}
