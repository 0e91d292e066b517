//! Formulas of inference.

use nxm_kernels::Phase;
use nxm_net::{NetworkSpec, Run};

use super::{Requests, StepFormula, StepTraffic, Vectors};
use crate::error::CountError;
use crate::tally::Tally;
use crate::traffic::Traffic;

/// What the prediction of B rows at a time executes, layer by layer, and the bytes that it asks for: B·N·M fma and B·M evaluations of f, and no
/// sums are kept. An evaluation adds the loss.
///
/// [`Predictor::predict`](nxm_net::Predictor::predict) takes all its rows at a time; [`Network::predict`](nxm_net::Network::predict) and
/// [`Network::evaluate`](nxm_net::Network::evaluate) take [`EVALUATION_ROWS`](nxm_net::EVALUATION_ROWS).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InferenceFormula {
    layers: Vec<(Tally, Traffic)>,
    total: (Tally, Traffic),
}

impl InferenceFormula {
    /// The prediction of `rows` rows by `network`.
    ///
    /// # Errors
    /// [`CountError`] if `rows` is 0 or a count exceeds 128 bits.
    pub fn new(
        network: &NetworkSpec,
        rows: u64,
        vectors: Vectors,
        requests: Requests,
    ) -> Result<InferenceFormula, CountError> {
        InferenceFormula::of_run(network, rows, vectors, requests, Run::Prediction)
    }

    /// The evaluation of `rows` rows by `network`: the prediction, and its loss and the loss's gradient.
    ///
    /// # Errors
    /// [`CountError`] if `rows` is 0 or a count exceeds 128 bits.
    pub fn evaluation(
        network: &NetworkSpec,
        rows: u64,
        vectors: Vectors,
        requests: Requests,
    ) -> Result<InferenceFormula, CountError> {
        InferenceFormula::of_run(network, rows, vectors, requests, Run::Evaluation)
    }

    fn of_run(
        network: &NetworkSpec,
        rows: u64,
        vectors: Vectors,
        requests: Requests,
        run: Run,
    ) -> Result<InferenceFormula, CountError> {
        let executed = StepFormula::of_run(network, rows, vectors, run)?;
        let requested = StepTraffic::requested_by_run(network, rows, requests, run)?;
        let layers = executed.layers().iter().zip(requested.layers());
        let layers = layers.map(|(executed, requested)| (executed[Phase::Forward], requested[Phase::Forward]));
        Ok(InferenceFormula { layers: layers.collect(), total: (executed.total(), requested.total()) })
    }

    /// What each layer executes, and the bytes that it asks for.
    pub fn layers(&self) -> &[(Tally, Traffic)] {
        &self.layers
    }
    /// All that is executed.
    pub fn total(&self) -> Tally {
        self.total.0
    }
    /// All bytes that are asked for.
    pub fn requested(&self) -> Traffic {
        self.total.1
    }
}
