//! How kernels run over the rows of matrices, as far as that decides about a count.

use nxm_kernels::Layout;

/// Rows as a kernel takes them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows {
    /// How many.
    pub(super) count: u128,
    /// Elements of each, without padding.
    pub(super) len: u128,
    /// Elements of each that are loaded or stored, one for each operand.
    pub(super) touched: u128,
}

/// Whether several rows without gaps are taken as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// They are: one vector is ragged.
    Together,
    /// A vector of each row is.
    Apart,
}

impl Rows {
    /// Of matrices of one shape that a kernel goes through side by side, in vectors of `lanes` lanes. The last vector of a row does not
    /// end inside it if all matrices have padding there.
    pub(super) fn of(matrices: &[Layout], lanes: u128, taken: Taken) -> Rows {
        let Layout { rows, cols, .. } = matrices[0];
        let without_gaps = matrices.iter().all(Layout::is_without_gaps);
        let (count, len) = (rows as u128, cols as u128);
        // Such matrices have no padding either.
        if taken == Taken::Together && rows != 1 && without_gaps {
            return Rows { count: 1, len: count * len, touched: count * len };
        }
        let touched = matrices.iter().map(|matrix| matrix.touched(lanes as usize)).min().unwrap_or(cols);
        Rows { count, len, touched: touched as u128 }
    }

    /// Elements of all of them, without padding. Two 64-bit numbers have a 128-bit product.
    pub(super) fn elements(self) -> u128 {
        self.count * self.len
    }

    /// Those that are loaded or stored.
    pub(super) fn all_touched(self) -> u128 {
        self.count * self.touched
    }
}
