//! Formulas of inference.

use nxm_kernels::Region;
use nxm_net::region;

use super::{Requests, Sums, Vectors};
use crate::spec::{CountError, NetworkSpec};
use crate::tally::Tally;
use crate::traffic::Traffic;

/// What the prediction of B rows at a time executes, layer by layer, and the bytes that it asks for: B·N·M fma and B·M evaluations of f, and no
/// sums are kept.
///
/// [`Predictor::predict`](nxm_net::Predictor::predict) takes all its rows at a time; [`Network::predict`](nxm_net::Network::predict) and
/// [`Network::evaluate`](nxm_net::Network::evaluate) take [`EVALUATION_ROWS`](nxm_net::EVALUATION_ROWS), and the evaluation adds the
/// [loss](Vectors::loss) of each (but of rows whose labels all weigh nothing).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InferenceFormula {
    layers: Vec<(Tally, Traffic)>,
    total: (Tally, Traffic),
}

impl InferenceFormula {
    /// The prediction of `rows` rows by `network`.
    ///
    /// # Errors
    /// [`CountError`] if a count exceeds 128 bits.
    pub fn new(
        network: &NetworkSpec,
        rows: u64,
        vectors: Vectors,
        requests: Requests,
    ) -> Result<InferenceFormula, CountError> {
        let layer = |layer| {
            let within = CountError::within(Region { name: region::FORWARD, layer });
            let shape = [rows, network.sizes()[layer], network.sizes()[layer + 1]];
            let ([b, n, m], activation) = (shape.map(u128::from), network.activation(layer));
            let executed = vectors.dense_forward(b, n, m, activation).map_err(&within)?;
            let requested = requests.dense_forward(shape, activation, Sums::Forgotten).map_err(&within)?;
            Ok((executed, requested))
        };
        let layers = (0..network.layers()).map(layer).collect::<Result<Vec<_>, CountError>>()?;
        let total = layers.iter().try_fold((Tally::NONE, Traffic::NONE), |(executed, requested), layer| {
            Ok((executed.plus(&layer.0)?, requested.plus(&layer.1)?))
        });
        Ok(InferenceFormula { layers, total: total.map_err(CountError::in_the("the prediction"))? })
    }

    /// What each layer executes, and the bytes that it asks for.
    pub fn layers(&self) -> &[(Tally, Traffic)] {
        &self.layers
    }
    /// What all of them execute.
    pub fn total(&self) -> Tally {
        self.total.0
    }
    /// The bytes that all of them ask for.
    pub fn requested(&self) -> Traffic {
        self.total.1
    }
}
