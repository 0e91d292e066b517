//! What an optimizer carries from step to step.

use std::sync::Arc;

use nxm_kernels::beside::{is_within, rounded};
use nxm_kernels::program::Place;
use nxm_kernels::{Element, Executor, MOST_STATE, MatrixRef, Memory, Rule};

use super::Optimizer;
use super::rules::Momenta;
use crate::buffer::memory;
use crate::check::{finite_matrix, is_finite};
use crate::data::Batch;
use crate::error::NetError;
use crate::layer::matrix;
use crate::layout::{LayerLayout, NetworkLayout};
use crate::lbfgs::LbfgsState;
use crate::network::Network;
use crate::step::Step;

/// What is kept for one layer: as many vectors as [`Optimizer::state_names`] has names, in that order; the others are empty.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerState<T> {
    /// Beside the weights, in their order.
    pub weights: [Vec<T>; MOST_STATE],
    /// Beside the biases.
    pub bias: [Vec<T>; MOST_STATE],
}

/// An optimizer at work on one network: how many steps it has made, and what it keeps for each parameter.
///
/// A checkpoint reads all of it, and [`OptimizerState::restore`] makes it again.
#[derive(Clone, Debug)]
pub struct OptimizerState<T: Element> {
    optimizer: Optimizer,
    /// What biases and norms follow, if they do not decay and weights do.
    of_biases: Option<Optimizer>,
    learning_rate: f64,
    steps: u64,
    layout: Arc<NetworkLayout>,
    /// Numbers kept for each parameter.
    kept: usize,
    /// Laid out as the network's parameters are; empty if nothing is kept.
    memories: [Memory<T>; MOST_STATE],
    /// What NAdam carries along, after the steps that were made and after the one that is being made.
    momenta: [Momenta; 2],
    /// What L-BFGS carries along.
    lbfgs: Option<LbfgsState<T>>,
}

/// What parameters follow in a step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules<T> {
    /// The rule of the weights of dense layers; of biases, and of scale and shift of norms too, unless they have their own.
    pub(crate) of_weights: Rule<T>,
    /// The rule of biases and norms, where they do not decay and weights do. It keeps what the other does, unless the optimizer is Muon.
    pub(crate) of_biases: Option<Rule<T>>,
    /// The rule of Muon's momenta.
    pub(crate) directions: Option<Rule<T>>,
}

impl<T: Copy> Rules<T> {
    /// That of the instructions that come last in a step.
    pub(crate) fn last(&self) -> Rule<T> {
        self.of_biases.unwrap_or(self.of_weights)
    }
}

/// What is kept, the steps and the learning rate are equal.
impl<T: Element> PartialEq for OptimizerState<T> {
    fn eq(&self, other: &Self) -> bool {
        self.optimizer == other.optimizer
            && self.learning_rate == other.learning_rate
            && self.steps == other.steps
            && *self.layout == *other.layout
            && self.momenta[0] == other.momenta[0]
            && self.layers() == other.layers()
            && self.lbfgs == other.lbfgs
    }
}

/// What errors call its memory.
const STATE: &str = "the optimizer's state";

impl<T: Element> OptimizerState<T> {
    /// Before the first step on networks shaped as `network`: everything kept is 0, but for Adagrad's initial sum and Rprop's step sizes.
    ///
    /// # Errors
    /// [`NetError`] if an option of the optimizer is out of its range, or if the state does not fit into memory. [`NetError::LineSearch`] if
    /// the optimizer is L-BFGS and a layer is a dropout or a batch norm.
    pub fn new(optimizer: Optimizer, network: &Network<T>) -> Result<Self, NetError> {
        optimizer.check::<T>()?;
        let (kept, layout) = (optimizer.state_names().len(), Arc::clone(&network.layout));
        let of = |number| memory(STATE, if kept > number { layout.len } else { 0 });
        let mut memories = [of(0)?, of(1)?, of(2)?];
        for (number, memory) in memories.iter_mut().enumerate() {
            let initial = optimizer.initial_state(number);
            if initial != 0.0 {
                memory.as_mut_slice().fill(T::from_f64(initial));
            }
        }
        let momenta = [Momenta::new(&optimizer); 2];
        let (learning_rate, of_biases) = (optimizer.learning_rate(), optimizer.of_biases());
        let lbfgs = match optimizer {
            Optimizer::Lbfgs(options) => Some(LbfgsState::new(options, network)?),
            _ => None,
        };
        Ok(OptimizerState { optimizer, of_biases, learning_rate, steps: 0, layout, kept, memories, momenta, lbfgs })
    }

    /// After `steps` steps on `network`, with what was kept then.
    ///
    /// # Errors
    /// [`NetError`] if an option of the optimizer is out of its range, or if the layers' state does not fit it and the network:
    /// another number of layers, a vector of another length, or a number that is not finite. [`NetError::WithLbfgs`] if the optimizer is
    /// L-BFGS, unless it made no step: its vectors are of no layer, and only a checkpoint has them.
    pub fn restore(
        optimizer: Optimizer,
        network: &Network<T>,
        steps: u64,
        layers: &[LayerState<T>],
    ) -> Result<Self, NetError> {
        let mut state = OptimizerState::new(optimizer, network)?;
        if state.lbfgs.is_some() && steps > 0 {
            let (option, expected) = ("the number of steps to restore", "0 without a checkpoint".to_owned());
            return Err(NetError::WithLbfgs { option, expected, found: steps.to_string() });
        }
        state.set_steps(steps, Momenta::after(&optimizer, steps).product);
        let (expected, found) = (network.layout.layers.len(), layers.len());
        if expected != found {
            return Err(NetError::State { layer: found.min(expected), what: "layers", expected, found });
        }
        for (l, (layer, from)) in network.layout.layers.iter().zip(layers).enumerate() {
            for (what, place, vectors) in [
                ("weights", layer.has_weights().then_some(layer.weights), &from.weights),
                ("biases", layer.bias, &from.bias),
            ] {
                for (i, vector) in vectors.iter().enumerate() {
                    let place = place.filter(|place| state.keeps(i, layer, *place));
                    let expected = place.map_or(0, |place| place.layout.rows * place.layout.cols);
                    if vector.len() != expected {
                        return Err(NetError::State { layer: l, what, expected, found: vector.len() });
                    }
                    let Some(place) = place else { continue };
                    for (row, from) in vector.chunks_exact(place.layout.cols).enumerate() {
                        state.row_mut(i, place, row).copy_from_slice(from);
                    }
                }
            }
        }
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
    /// η of the next step: the optimizer's own unless a schedule has changed it.
    pub fn learning_rate(&self) -> f64 {
        self.learning_rate
    }
    /// A copy of what is kept for each layer.
    pub fn layers(&self) -> Vec<LayerState<T>> {
        let of = |layer: &LayerLayout, place: Option<Place>| {
            std::array::from_fn(|i| match place {
                Some(place) if self.keeps(i, layer, place) => self.matrix(i, place).to_vec(),
                _ => Vec::new(),
            })
        };
        let layers = self.layout.layers.iter();
        layers
            .map(|layer| LayerState {
                weights: of(layer, layer.has_weights().then_some(layer.weights)),
                bias: of(layer, layer.bias),
            })
            .collect()
    }

    /// What L-BFGS carries along; none of another optimizer.
    pub fn lbfgs(&self) -> Option<&LbfgsState<T>> {
        self.lbfgs.as_ref()
    }

    /// The same, with what it carried at another time.
    pub(crate) fn set_lbfgs(&mut self, lbfgs: LbfgsState<T>) {
        self.lbfgs = Some(lbfgs);
    }

    /// A step of L-BFGS; the loss before it.
    pub(crate) fn search(
        &mut self,
        network: &mut Network<T>,
        executor: &dyn Executor,
        step: &mut Step<T>,
        batch: Batch<'_, T>,
    ) -> Result<T, NetError> {
        let lbfgs = self.lbfgs.as_mut().expect("the optimizer is L-BFGS");
        let report = lbfgs.step_by(self.learning_rate, network, executor, step, batch);
        let report = report.map_err(|error| error.at_step(self.steps + 1))?;
        self.steps += 1;
        Ok(rounded(report.loss))
    }

    /// Changes η from the next step on. Costs 1 conversion if `T` is f32.
    ///
    /// # Errors
    /// [`NetError::LearningRate`] if it is negative or not finite in `T`. (0 is allowed: schedules may end there.)
    pub fn set_learning_rate(&mut self, learning_rate: f64) -> Result<(), NetError> {
        if !is_within(learning_rate, f64::MAX) || !is_finite(rounded::<T>(learning_rate)) {
            return Err(NetError::LearningRate { learning_rate, element: T::NAME });
        }
        self.learning_rate = learning_rate;
        Ok(())
    }

    /// Begins after so many steps, and with the product of momenta that NAdam had then.
    pub(crate) fn set_steps(&mut self, steps: u64, product: f64) {
        self.steps = steps;
        self.momenta[0].product = product;
    }

    /// The product of NAdam's momenta over all steps; 1 for other optimizers.
    pub(crate) fn momentum_product(&self) -> f64 {
        self.momenta[0].product
    }

    /// Numbers kept for each parameter.
    #[inline]
    pub(crate) fn kept(&self) -> usize {
        self.kept
    }

    /// Whether it keeps the number `i` for the parameters at a place of this layer. Where it does not, there may be memory, which holds nothing.
    pub(crate) fn keeps(&self, i: usize, layer: &LayerLayout, place: Place) -> bool {
        let of_weights = layer.layer.is_dense() && place.offset == layer.weights.offset;
        i < self.kept && (!of_weights || self.optimizer.keeps_of_weights(i))
    }

    /// What is kept as number `i` for the parameters at a place.
    pub(crate) fn matrix(&self, i: usize, place: Place) -> MatrixRef<'_, T> {
        matrix(self.memories[i].as_slice(), place)
    }

    /// A row of it, to change.
    pub(crate) fn row_mut(&mut self, i: usize, place: Place, row: usize) -> &mut [T] {
        let Place { offset, layout, .. } = place;
        &mut self.memories[i].as_mut_slice()[offset + row * layout.strides.row..][..layout.cols]
    }

    /// All that is kept.
    #[inline]
    pub(crate) fn memories(&mut self) -> [&mut [T]; MOST_STATE] {
        self.memories.each_mut().map(Memory::as_mut_slice)
    }

    /// The rules of the next step.
    #[inline]
    pub(crate) fn rules(&mut self) -> Rules<T> {
        let (rate, step) = (self.learning_rate, self.steps + 1);
        let rate_of_biases = self.optimizer.rate_of_biases(rate);
        let of_biases = self.of_biases.map(|of| of.rule_after(rate_of_biases, step, &mut { self.momenta[0] }));
        self.momenta[1] = self.momenta[0];
        let directions = self.optimizer.directions();
        Rules { of_weights: self.optimizer.rule_after(rate, step, &mut self.momenta[1]), of_biases, directions }
    }

    /// The step of the last [`rules`](Self::rules) has been made.
    #[inline]
    pub(crate) fn advance(&mut self) {
        self.steps += 1;
        self.momenta[0] = self.momenta[1];
    }

    /// The first layer whose state holds a number that is not finite.
    pub(crate) fn first_not_finite(&self) -> Option<usize> {
        let finite = |layer: &LayerLayout, place| {
            (0..self.kept()).all(|i| !self.keeps(i, layer, place) || finite_matrix(self.matrix(i, place)))
        };
        let found = self.layout.layers.iter().position(|layer| !layer.places().all(|place| finite(layer, place)));
        found.or_else(|| self.lbfgs.as_ref().and_then(LbfgsState::first_not_finite))
    }

    /// Whether the state fits the network.
    #[inline]
    pub(crate) fn check(&self, network: &Network<T>) -> Result<(), NetError> {
        self.layout.check(STATE, &network.layout)
    }
}
