//! What an optimizer carries from step to step.

use nxm_kernels::{Element, MatrixMut, MatrixRef, Parameters, Rule, ShapeError};
use nxm_kernels::{Executor, dense_update, update};

use super::Optimizer;
use crate::buffer::zeros;
use crate::check::{finite, is_finite};
use crate::error::NetError;
use crate::layer::Dense;
use crate::network::Network;

/// What is kept for one layer: as many vectors as [`Optimizer::state_names`] has names, in that order; the others are empty.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerState<T> {
    /// Beside the weights, in their order.
    pub weights: [Vec<T>; 2],
    /// Beside the biases.
    pub bias: [Vec<T>; 2],
}

/// An optimizer at work on one network: how many steps it has made, and what it keeps for each parameter.
///
/// A checkpoint reads all of it, and [`OptimizerState::restore`] makes it again.
#[derive(Clone, Debug, PartialEq)]
pub struct OptimizerState<T> {
    optimizer: Optimizer,
    learning_rate: f64,
    steps: u64,
    layers: Vec<LayerState<T>>,
}

impl<T: Element> OptimizerState<T> {
    /// Before the first step on networks shaped as `network`: everything kept is 0.
    ///
    /// # Errors
    /// [`NetError`] if an option of the optimizer is out of its range, or if the state does not fit into memory.
    pub fn new(optimizer: Optimizer, network: &Network<T>) -> Result<Self, NetError> {
        optimizer.check::<T>()?;
        let kept = optimizer.state_names().len();
        let vectors = |rows, cols| -> Result<[Vec<T>; 2], NetError> {
            let mut vectors = [Vec::new(), Vec::new()];
            for vector in vectors.iter_mut().take(kept) {
                *vector = zeros("the optimizer's state", rows, cols)?;
            }
            Ok(vectors)
        };
        let layer = |layer: &Dense<T>| {
            let (weights, bias) = (vectors(layer.fan_in(), layer.fan_out())?, vectors(1, layer.fan_out())?);
            Ok(LayerState { weights, bias })
        };
        let layers = network.layers().iter().map(layer).collect::<Result<_, NetError>>()?;
        Ok(OptimizerState { optimizer, learning_rate: optimizer.learning_rate(), steps: 0, layers })
    }

    /// After `steps` steps on `network`, with what was kept then.
    ///
    /// # Errors
    /// [`NetError`] if an option of the optimizer is out of its range, or if the layers' state does not fit it and the network:
    /// another number of layers, a vector of another length, or a number that is not finite.
    pub fn restore(
        optimizer: Optimizer,
        network: &Network<T>,
        steps: u64,
        layers: Vec<LayerState<T>>,
    ) -> Result<Self, NetError> {
        optimizer.check::<T>()?;
        let state = OptimizerState { optimizer, learning_rate: optimizer.learning_rate(), steps, layers };
        state.check(network)?;
        match state.first_not_finite() {
            Some(layer) => Err(NetError::StateNotFinite { layer }),
            None => Ok(state),
        }
    }

    /// Which optimizer it is.
    pub fn optimizer(&self) -> &Optimizer {
        &self.optimizer
    }
    /// Steps that were made.
    pub fn steps(&self) -> u64 {
        self.steps
    }
    /// What is kept for each layer.
    pub fn layers(&self) -> &[LayerState<T>] {
        &self.layers
    }
    /// η of the next step: the optimizer's own unless a schedule has changed it.
    pub fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    /// Changes η from the next step on.
    ///
    /// # Errors
    /// [`NetError::LearningRate`] if it is negative or not finite in `T`. (0 is allowed: schedules may end there.)
    pub fn set_learning_rate(&mut self, learning_rate: f64) -> Result<(), NetError> {
        if learning_rate < 0.0 || !is_finite(T::from_f64(learning_rate)) {
            return Err(NetError::LearningRate { learning_rate, element: T::NAME });
        }
        self.learning_rate = learning_rate;
        Ok(())
    }

    /// The rule of the next step.
    #[inline]
    pub(crate) fn rule(&self) -> Rule<T> {
        self.optimizer.rule(self.learning_rate, self.steps + 1)
    }

    /// The next step has been made.
    #[inline]
    pub(crate) fn advance(&mut self) {
        self.steps += 1;
    }

    /// The first layer whose state holds a number that is not finite.
    pub(crate) fn first_not_finite(&self) -> Option<usize> {
        self.layers.iter().position(|layer| !layer.weights.iter().chain(&layer.bias).all(|vector| finite(vector)))
    }

    /// Whether the state fits optimizer and network.
    #[inline]
    pub(crate) fn check(&self, network: &Network<T>) -> Result<(), NetError> {
        let (expected, found) = (network.layers().len(), self.layers.len());
        if expected != found {
            return Err(NetError::State { layer: found.min(expected), what: "layers", expected, found });
        }
        let kept = self.optimizer.state_names().len();
        for (l, (layer, state)) in network.layers().iter().zip(&self.layers).enumerate() {
            let parts =
                [("weights", layer.weights().len(), &state.weights), ("biases", layer.bias().len(), &state.bias)];
            for (what, len, vectors) in parts {
                for (i, vector) in vectors.iter().enumerate() {
                    let expected = if i < kept { len } else { 0 };
                    if vector.len() != expected {
                        return Err(NetError::State { layer: l, what, expected, found: vector.len() });
                    }
                }
            }
        }
        Ok(())
    }

    /// Updates layer `l`'s weights from their gradient xᵀ·δ, which is never a matrix.
    #[inline]
    pub(crate) fn update_weights_fused(
        &mut self,
        l: usize,
        executor: &impl Executor,
        rule: Rule<T>,
        (x, delta): (MatrixRef<'_, T>, MatrixRef<'_, T>),
        layer: &mut Dense<T>,
    ) -> Result<(), ShapeError> {
        let (n, m) = (layer.fan_in(), layer.fan_out());
        let kept = rule.state();
        let [first, second] = &mut self.layers[l].weights;
        let matrix = |used, vector| if used { MatrixMut::new(vector, n, m).map(Some) } else { Ok(None) };
        let state = [matrix(kept > 0, first)?, matrix(kept > 1, second)?];
        dense_update(executor, x, delta, rule, MatrixMut::new(layer.weights_mut(), n, m)?, state)
    }

    /// Updates layer `l`'s weights from their gradient.
    #[inline]
    pub(crate) fn update_weights(
        &mut self,
        l: usize,
        executor: &impl Executor,
        rule: Rule<T>,
        gradient: &[T],
        layer: &mut Dense<T>,
    ) -> Result<(), ShapeError> {
        let [first, second] = &mut self.layers[l].weights;
        update(executor, rule, gradient, Parameters { weights: layer.weights_mut(), first, second })
    }

    /// Updates layer `l`'s biases from their gradient.
    #[inline]
    pub(crate) fn update_bias(
        &mut self,
        l: usize,
        executor: &impl Executor,
        rule: Rule<T>,
        gradient: &[T],
        layer: &mut Dense<T>,
    ) -> Result<(), ShapeError> {
        let [first, second] = &mut self.layers[l].bias;
        update(executor, rule, gradient, Parameters { weights: layer.bias_mut(), first, second })
    }
}
