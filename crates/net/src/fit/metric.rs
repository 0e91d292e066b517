//! What the epochs of a fit are compared by.

use nxm_kernels::{Element, Executor, MatrixRef};

use crate::data::{Dataset, Targets};
use crate::error::NetError;
use crate::evaluate::Evaluation;
use crate::loss::Loss;
use crate::network::Network;
use crate::patience::Goal;

/// A function of the outputs for the validation data (rows × outputs) and their targets.
type Function<'a, T> = Box<dyn FnMut(MatrixRef<'_, T>, Targets<'_, T>) -> f64 + 'a>;

/// What the epochs of a fit are compared by.
pub(super) enum Metric<'a, T> {
    Loss,
    Accuracy,
    Function(Goal, Function<'a, T>),
}

impl<T: Element> Metric<'_, T> {
    /// Whether it should fall or rise.
    pub(super) fn goal(&self) -> Goal {
        match self {
            Metric::Loss => Goal::Minimize,
            Metric::Accuracy => Goal::Maximize,
            Metric::Function(goal, _) => *goal,
        }
    }

    /// How good the network is on `data`, and the metric. An accuracy of data without classes is NaN.
    pub(super) fn judge(
        &mut self,
        network: &Network<T>,
        executor: &dyn Executor,
        data: &Dataset<T>,
        loss: &Loss,
    ) -> Result<(Evaluation, f64), NetError> {
        match self {
            Metric::Loss => network.evaluate(executor, data, loss).map(|found| (found, found.loss)),
            Metric::Accuracy => {
                network.evaluate(executor, data, loss).map(|found| (found, found.accuracy.unwrap_or(f64::NAN)))
            }
            Metric::Function(_, function) => {
                let (evaluation, outputs) = network.evaluate_and_predict(executor, data, loss)?;
                let outputs = MatrixRef::new(&outputs, data.len(), network.outputs()).expect("rows of outputs");
                Ok((evaluation, function(outputs, data.targets())))
            }
        }
    }
}
