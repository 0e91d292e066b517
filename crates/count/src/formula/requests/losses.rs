//! Requests of the losses, each with its gradient.

use nxm_kernels::Layout;

use super::Requests;
use crate::formula::losses::mean_squared_error_beside;
use crate::formula::rows::{Rows, Taken};
use crate::kind::Overflow;
use crate::traffic::Traffic;

/// Fails with [`Overflow`] if the bytes exceed 128 bits.
impl Requests {
    /// The differences of outputs and targets, their squares, and the gradient in place. Targets whose rows are not contiguous are copied
    /// first.
    pub(super) fn mean_squared_error(
        self,
        outputs: Layout,
        targets: Layout,
        delta: Layout,
    ) -> Result<Traffic, Overflow> {
        let differences = self.together(&mean_squared_error_beside(outputs, targets, delta));
        let of_delta = self.together(&[delta]);
        let copied = if targets.has_rows() { 0 } else { 1 };
        Traffic::sum([
            self.vectors_of(of_delta.elements(), copied, copied)?,
            self.rows(differences, 2, 1)?,
            self.vectors_of(of_delta.elements(), 2, 0)?,
            self.in_place(of_delta)?,
            self.elements(0, 1)?,
        ])
    }

    /// Also of any loss of each element: targets are copied to where the gradient will be; the losses of outputs and targets, the gradient of
    /// both, the sum of the losses.
    pub(super) fn binary_cross_entropy(
        self,
        logits: Layout,
        losses: Layout,
        delta: Layout,
    ) -> Result<Traffic, Overflow> {
        let all = self.together(&[logits, losses, delta]);
        // Rows that are not taken together may have padding in some matrices alone.
        let apart = Rows::of(&[logits, delta], self.lanes(), Taken::Apart);
        let gradient = if all.count == apart.count { apart } else { all };
        Traffic::sum([
            self.vectors_of(all.elements(), 1, 1)?,
            self.rows(all, 2, 1)?,
            self.rows(gradient, 2, 1)?,
            self.vectors_of(all.elements(), 1, 0)?,
            self.elements(0, 1)?,
        ])
    }

    /// Logits are copied; maximum, differences, exponentials, sum, gradient. For each row the label's difference and gradient, its loss, and
    /// that once more for the sum.
    pub(super) fn cross_entropy(self, logits: Layout) -> Result<Traffic, Overflow> {
        self.of_rows(logits, [6, 4], [3, 2])
    }

    /// The same, and the spread twice, and the differences once more; for each row its weight, thrice, too.
    pub(super) fn weighted_cross_entropy(self, logits: Layout) -> Result<Traffic, Overflow> {
        self.of_rows(logits, [9, 4], [6, 3])
    }

    /// Targets and logits are copied; maximum, differences; the targets for their sum, and with the differences; exponentials, their sum; both for
    /// the gradient. With weights the targets in place, and two rows of factors. For each row its loss, and that once more for the sum.
    pub(super) fn soft_cross_entropy(self, logits: Layout, weighted: bool) -> Result<Traffic, Overflow> {
        let [more, in_place] = if weighted { [3, 1] } else { [0, 0] };
        self.of_rows(logits, [11 + more, 5 + in_place], [1, 1])
    }

    /// As without weights, but row by row: a row of weights for the losses, both for the gradient.
    pub(super) fn weighted_binary_cross_entropy(
        self,
        [logits, positive, losses, delta]: [Layout; 4],
    ) -> Result<Traffic, Overflow> {
        let of_loss = Rows::of(&[logits, losses, delta, positive], self.lanes(), Taken::Apart);
        let of_gradient = Rows::of(&[logits, delta, positive], self.lanes(), Taken::Apart);
        Traffic::sum([
            self.vectors_of(of_loss.elements(), 1, 1)?,
            self.rows(of_loss, 3, 1)?,
            self.rows(of_gradient, 4, 1)?,
            self.vectors_of(of_loss.elements(), 1, 0)?,
            self.elements(0, 1)?,
        ])
    }

    /// The weights for their sum, with shares both for the sum of products and the shares for theirs; the losses for their sums, and those with
    /// the weights; the loss before; the weights once more, which become factors; each factor, and its row of the gradient in place.
    pub(super) fn weigh_rows(self, losses: Layout, shares: bool, delta: Layout) -> Result<Traffic, Overflow> {
        let [rows, each] = [losses.rows, losses.cols].map(|side| side as u128);
        let totals = if shares { 3 } else { 1 };
        Traffic::sum([
            self.vectors_of(rows, totals, 0)?,
            self.elements(rows * each, rows)?,
            self.vectors_of(rows, 2, 0)?,
            self.elements(1, 1)?,
            self.vectors_of(rows, 3, 2)?,
            self.rows(Rows::of(&[delta], self.lanes(), Taken::Apart), 1, 1)?,
        ])
    }

    /// Loads and stores for each logit, and for each row; and the loss.
    fn of_rows(self, logits: Layout, per_logit: [u128; 2], per_row: [u128; 2]) -> Result<Traffic, Overflow> {
        let [rows, cols] = [logits.rows, logits.cols].map(|side| side as u128);
        let [[loads, stores], [of_row, to_row]] = [per_logit, per_row];
        Traffic::sum([
            self.vectors_of(rows * cols, loads, stores)?,
            self.vectors_of(rows, of_row, to_row)?,
            self.elements(0, 1)?,
        ])
    }
}
