//! What L-BFGS executes: gradients, dot products and sums of vectors of all parameters.

use nxm_kernels::Layout;
use nxm_kernels::call::Op;
use nxm_net::{LbfgsReport, NetworkSpec, Run};

use super::Formulas;
use crate::error::CountError;
use crate::tally::Tally;

impl Formulas {
    /// What the kernels of a call of [`LbfgsState::step`](nxm_net::LbfgsState::step) executed, on a batch of `rows` rows of `network`. The data decide
    /// how many iterations and evaluations there are, and the report says.
    ///
    /// With E evaluations of loss and gradients in all, and for each iteration h pairs, e evaluations, k = 1 if its last step was kept, and w = 1 if
    /// there was a line search, of P elements each: 2h + 2 + k + e dot products and 2h + 4 + e + w times `axpy`; in the first iteration of all
    /// 2 + e and 1 + e + w.
    ///
    /// # Errors
    /// [`CountError`] if `rows` is 0 or a count exceeds 128 bits.
    pub fn lbfgs(&self, network: &NetworkSpec, rows: u64, report: &LbfgsReport) -> Result<Tally, CountError> {
        let overflow = CountError::in_the("the step of L-BFGS");
        let (mut evaluations, mut dots, mut sums) = (1, 0, 0);
        for iteration in &report.iterations {
            let (pairs, found) = (iteration.pairs as u128, iteration.evaluations as u128);
            let (kept, searched) = (u128::from(iteration.is_kept), u128::from(found > 0));
            let [own_dots, own_sums] = match iteration.is_first {
                // The sum of the gradient's sizes; its opposite.
                true => [1, 1],
                // s·y, y·y if it is kept; y, s, −g and the scaled diagonal; two of each for each pair.
                false => [1 + kept + 2 * pairs, 4 + 2 * pairs],
            };
            // The slope at the start, and at each point.
            dots += own_dots + 1 + found;
            sums += own_sums + found + searched;
            evaluations += found;
        }
        let parameters = network.parameters();
        let parameters = usize::try_from(parameters).unwrap_or(usize::MAX);
        let [vector, number] = [parameters, 1].map(|len| Layout::row_major(1, len));
        let dot = self.executed(&Op::Dot { x: vector, y: vector, to: number }).map_err(&overflow)?;
        let sum = self.executed(&Op::Axpy { alpha: 1.0, x: vector, y: vector }).map_err(&overflow)?;
        let gradients = self.run(network, rows, Run::Gradients)?.total;
        let parts = [(dot, dots), (sum, sums), (gradients, evaluations)];
        let parts = parts.map(|(tally, times)| tally.times(times));
        let mut all = Tally::NONE;
        for part in parts {
            all = all.plus(&part.map_err(&overflow)?).map_err(&overflow)?;
        }
        Ok(all)
    }
}
