//! L-BFGS with a line search by the strong Wolfe conditions, for batches of all examples: PyTorch's `torch.optim.LBFGS`.
//!
//! Everything that is as long as the parameters is a kernel on the caller's executor: `dot` and `axpy`, and the gradients of a
//! [`Step`]. What is left are a few numbers in f64. How many there are, the data decide; a [`LbfgsReport`] says what was run.

mod line_search;
mod state;

use std::collections::VecDeque;
use std::sync::Arc;

use nxm_kernels::beside::{div, mul, rounded, sub, widened};
use nxm_kernels::{Element, Executor, MatrixRef, axpy, dot};

use crate::buffer::zeros;
use crate::data::{Batch, Targets};
use crate::error::NetError;
use crate::layers::Layer;
use crate::layout::{LayerLayout, NetworkLayout};
use crate::network::Network;
use crate::optimizer::{Lbfgs, Optimizer};
use crate::step::Step;
use line_search::{HERE, Point, Room, Search, strong_wolfe};

pub use state::LbfgsProgress;

/// The least s·y of a pair that is kept: PyTorch's.
const LEAST_CURVATURE: f64 = 1e-10;
/// What errors call its memory.
const STATE: &str = "the state of L-BFGS";

/// L-BFGS at work on one network: the pairs of steps and gradients that it keeps, and where it is.
///
/// A training holds one in its [`OptimizerState`](crate::OptimizerState), and its checkpoints store it. This is for a loop of your own.
///
/// ```
/// use nxm_net::{Activation, Cpu, Lbfgs, LbfgsState, Loss, MatrixRef, Network, Step, Targets};
///
/// let cpu = Cpu::detect()?;
/// let mut network: Network<f64> = Network::builder(1).dense(4, Activation::Tanh).dense(1, Activation::Identity).build()?;
/// let x: Vec<f64> = (0..32).map(|i| f64::from(i) / 16.0 - 1.0).collect();
/// let y: Vec<f64> = x.iter().map(|x| (3.0 * x).sin()).collect();
/// let (x, targets) = (MatrixRef::new(&x, 32, 1)?, Targets::Values(MatrixRef::new(&y, 32, 1)?));
///
/// let mut step = Step::new(&network, &Loss::MeanSquaredError, 32)?;
/// let mut lbfgs = LbfgsState::new(Lbfgs::default(), &network)?;
/// let first = lbfgs.step(&mut network, &cpu, &mut step, x, targets)?;
/// for _ in 0..9 {
///     lbfgs.step(&mut network, &cpu, &mut step, x, targets)?;
/// }
/// assert!(step.gradients(&network, &cpu, x, targets)? < 0.01 * first.loss);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LbfgsState<T: Element> {
    options: Lbfgs,
    layout: Arc<NetworkLayout>,
    iterations: u64,
    evaluations: u64,
    /// d, the last direction.
    direction: Vec<T>,
    /// t: the last step was t·d.
    length: f64,
    /// First the oldest.
    pairs: VecDeque<Pair<T>>,
    /// What the Hessian's inverse begins as: this on its diagonal.
    diagonal: f64,
    /// The gradient where the last iteration began.
    gradient: Vec<T>,
}

/// A step s, by how much it changed the gradient, y, and 1/(s·y).
#[derive(Clone, Debug, PartialEq)]
struct Pair<T> {
    step: Vec<T>,
    change: Vec<T>,
    inverse: f64,
}

/// What an iteration of L-BFGS ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LbfgsIteration {
    /// Pairs that the direction was made of.
    pub pairs: usize,
    /// Whether the last step became one of them.
    pub is_kept: bool,
    /// Whether it is the first one, whose direction is that of steepest descent.
    pub is_first: bool,
    /// How often its line search computed loss and gradients; 0 if the direction did not fall, so that there was none.
    pub evaluations: usize,
}

/// What a call of [`LbfgsState::step`] came to.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LbfgsReport {
    /// The loss before it.
    pub loss: f64,
    /// The loss after it.
    pub last_loss: f64,
    /// Its iterations. Beside those it computed loss and gradients once.
    pub iterations: Vec<LbfgsIteration>,
    /// Whether each element of the gradient is within the tolerance now.
    pub is_optimal: bool,
}

impl<T: Element> LbfgsState<T> {
    /// Before the first step on networks shaped as `network`.
    ///
    /// # Errors
    /// [`NetError`] if an option is out of its range, or if there is no memory for two numbers a parameter. [`NetError::LineSearch`] if a layer is
    /// a dropout or a batch norm. A line search compares losses at different parameters, and a dropout would draw another mask, so another loss,
    /// for each. A batch norm's running statistics would be those of every point that was tried, and not those of the network that is left.
    /// Layer norms and layers without biases are fine.
    pub fn new(options: Lbfgs, network: &Network<T>) -> Result<LbfgsState<T>, NetError> {
        Optimizer::from(options).check::<T>()?;
        let unfit = |layer: &LayerLayout| matches!(layer.layer, Layer::Dropout { .. } | Layer::BatchNorm { .. });
        let layers = &network.layout.layers;
        if let Some(layer) = layers.iter().position(unfit) {
            return Err(NetError::LineSearch { layer, kind: layers[layer].layer.kind() });
        }
        let parameters = network.parameters();
        Ok(LbfgsState {
            options,
            layout: Arc::clone(&network.layout),
            iterations: 0,
            evaluations: 0,
            direction: zeros(STATE, 1, parameters)?,
            length: 0.0,
            pairs: VecDeque::new(),
            diagonal: 1.0,
            gradient: zeros(STATE, 1, parameters)?,
        })
    }

    /// Its options.
    pub fn options(&self) -> &Lbfgs {
        &self.options
    }
    /// Iterations of all steps.
    pub fn iterations(&self) -> u64 {
        self.iterations
    }
    /// How often all steps computed loss and gradients.
    pub fn evaluations(&self) -> u64 {
        self.evaluations
    }
    /// Pairs of steps and gradients that it keeps, at most [`Lbfgs::history`].
    pub fn pairs(&self) -> usize {
        self.pairs.len()
    }

    /// Makes up to [`Lbfgs::max_iterations`] iterations on these examples, which should be the same in each call: all there are. `step` says
    /// the loss; it does not clip gradients.
    ///
    /// With P parameters and h pairs an iteration takes 2h + 3 dot products and 2h + 4 times `axpy` of P elements (a dot product less if the
    /// last step is not kept; 2 and 1 in the first iteration), and for each evaluation of its line search the gradients, 1 dot product and 1
    /// `axpy`, and in the end 1 `axpy`. `Formulas::lbfgs` of `nxm-count` adds them up.
    ///
    /// # Errors
    /// [`NetError`] if network, step and examples do not fit, or if there is no memory for the points of a line search and for the pairs to come:
    /// it is taken first. [`NetError::Diverged`] if the loss or its gradient is not finite where it begins. Nothing has changed then. Where a
    /// line search meets a loss that is not finite, it takes a shorter step.
    pub fn step(
        &mut self,
        network: &mut Network<T>,
        executor: &dyn Executor,
        step: &mut Step<T>,
        x: MatrixRef<'_, T>,
        targets: Targets<'_, T>,
    ) -> Result<LbfgsReport, NetError> {
        let batch = Batch { x, targets, weights: None };
        self.step_by(self.options.learning_rate, network, executor, step, batch)
    }

    /// The same at a learning rate that a schedule may have changed, where examples may have weights.
    pub(crate) fn step_by(
        &mut self,
        learning_rate: f64,
        network: &mut Network<T>,
        executor: &dyn Executor,
        step: &mut Step<T>,
        batch: Batch<'_, T>,
    ) -> Result<LbfgsReport, NetError> {
        self.layout.check(STATE, &network.layout)?;
        let (room, mut spare) = (Room::new(network.parameters())?, self.spare()?);
        let mut search = Search { network, executor, step, batch, room };
        let Lbfgs { max_iterations, gradient_tolerance, change_tolerance, .. } = self.options;
        let most = self.options.evaluations();
        let mut loss = search.evaluate(HERE)?;
        if !loss.is_finite() || !search.room.gradients[HERE].iter().all(|g| g.is_finite()) {
            let (step, layer) = (self.iterations + 1, self.layout.layers.len() - 1);
            return Err(NetError::Diverged { step, layer, what: "the loss" });
        }
        self.evaluations += 1;
        let mut report = LbfgsReport { loss, last_loss: loss, iterations: Vec::new(), is_optimal: false };
        report.is_optimal = largest(&search.room.gradients[HERE]) <= gradient_tolerance;
        let mut evaluations = 1;
        while !report.is_optimal && report.iterations.len() < max_iterations {
            let is_first = self.iterations == 0;
            self.iterations += 1;
            let Room { gradients: [gradient, ..], here, .. } = &mut search.room;
            let mut is_kept = false;
            if is_first {
                scale(executor, -1.0, gradient, &mut self.direction);
                // Σ |g|: PyTorch's first step has a length of at most 1.
                signs(gradient, here);
                self.length = mul(div(1.0, product(executor, here, gradient)).min(1.0), learning_rate);
            } else {
                is_kept = self.remember(executor, gradient, &mut spare);
                self.turn(executor, gradient, here);
                self.length = learning_rate;
            }
            self.gradient.copy_from_slice(gradient);
            let slope = product(executor, gradient, &self.direction);
            let mut iteration = LbfgsIteration { pairs: self.pairs.len(), is_kept, is_first, evaluations: 0 };
            if slope > sub(0.0, change_tolerance) {
                report.iterations.push(iteration);
                break;
            }
            search.begin();
            let from = Point { length: 0.0, loss, slope, gradient: HERE };
            let left = most.saturating_sub(evaluations);
            let found = strong_wolfe(&mut search, &self.direction, self.length, from, change_tolerance, left)?;
            let before = loss;
            (self.length, loss) = (found.point.length, found.point.loss);
            search.room.gradients.swap(HERE, found.point.gradient);
            search.go(self.length, &self.direction);
            iteration.evaluations = found.evaluations;
            report.last_loss = loss;
            report.iterations.push(iteration);
            evaluations += iteration.evaluations;
            self.evaluations += iteration.evaluations as u64;
            report.is_optimal = largest(&search.room.gradients[HERE]) <= gradient_tolerance;
            let moved = mul(largest(&self.direction), self.length.abs());
            if evaluations >= most || moved <= change_tolerance || sub(loss, before).abs() < change_tolerance {
                break;
            }
        }
        Ok(report)
    }

    /// Memory for the pairs that a step may come to, and for one that it does not keep.
    fn spare(&mut self) -> Result<Vec<Pair<T>>, NetError> {
        let Lbfgs { history, max_iterations, .. } = self.options;
        let (parameters, more) = (self.gradient.len(), history.saturating_sub(self.pairs.len()).min(max_iterations));
        let refused = |_| NetError::OutOfMemory { what: STATE, bytes: more.saturating_mul(size_of::<Pair<T>>()) };
        self.pairs.try_reserve(more).map_err(refused)?;
        let mut spare = Vec::new();
        spare.try_reserve(more.saturating_add(1)).map_err(refused)?;
        for _ in 0..=more {
            let vector = || zeros(STATE, 1, parameters);
            spare.push(Pair { step: vector()?, change: vector()?, inverse: 0.0 });
        }
        Ok(spare)
    }

    /// Keeps the last step and by how much it changed the gradient, if the loss is convex along it.
    fn remember(&mut self, executor: &dyn Executor, gradient: &[T], spare: &mut Vec<Pair<T>>) -> bool {
        let mut pair = spare.pop().expect("a spare pair more than iterations that keep one");
        pair.change.copy_from_slice(gradient);
        add_scaled(executor, -1.0, &self.gradient, &mut pair.change);
        scale(executor, self.length, &self.direction, &mut pair.step);
        let curvature = product(executor, &pair.change, &pair.step);
        if curvature <= LEAST_CURVATURE {
            spare.push(pair);
            return false;
        }
        if self.pairs.len() == self.options.history {
            spare.extend(self.pairs.pop_front());
        }
        self.diagonal = div(curvature, product(executor, &pair.change, &pair.change));
        pair.inverse = div(1.0, curvature);
        self.pairs.push_back(pair);
        true
    }

    /// The direction becomes −H·g, with the inverse H of the Hessian that the pairs approximate: the two loops of Nocedal 1980. `q` is memory.
    fn turn(&mut self, executor: &dyn Executor, gradient: &[T], q: &mut [T]) {
        scale(executor, -1.0, gradient, q);
        let mut shares = Vec::with_capacity(self.pairs.len());
        for Pair { step, change, inverse } in self.pairs.iter().rev() {
            let share = mul(product(executor, step, q), *inverse);
            add_scaled(executor, sub(0.0, share), change, q);
            shares.push(share);
        }
        scale(executor, self.diagonal, q, &mut self.direction);
        for (Pair { step, change, inverse }, share) in self.pairs.iter().zip(shares.iter().rev()) {
            let part = mul(product(executor, change, &self.direction), *inverse);
            add_scaled(executor, sub(*share, part), step, &mut self.direction);
        }
    }
}

/// Σ xᵢyᵢ of two vectors of all parameters.
fn product<T: Element>(executor: &dyn Executor, x: &[T], y: &[T]) -> f64 {
    widened(dot(executor, x, y).expect("two vectors of all parameters"))
}

/// y ← α·x + y of two vectors of all parameters.
fn add_scaled<T: Element>(executor: &dyn Executor, alpha: f64, x: &[T], y: &mut [T]) {
    axpy(executor, rounded(alpha), x, y).expect("two vectors of all parameters");
}

/// `to` ← α·x: an `axpy` onto zeros.
fn scale<T: Element>(executor: &dyn Executor, alpha: f64, x: &[T], to: &mut [T]) {
    to.fill(T::ZERO);
    add_scaled(executor, alpha, x, to);
}

/// The largest |x|, found by bits: positive numbers are in their order.
fn largest<T: Element>(x: &[T]) -> f64 {
    let largest = x.iter().copied().max_by_key(|x| x.to_bits_u64() & !sign::<T>());
    largest.map_or(0.0, |x| x.to_f64().abs())
}

/// −1 where an element is negative, else 1.
fn signs<T: Element>(x: &[T], to: &mut [T]) {
    for (to, x) in to.iter_mut().zip(x) {
        *to = T::from_f64(if x.to_bits_u64() & sign::<T>() == 0 { 1.0 } else { -1.0 });
    }
}

/// The bit of the sign.
fn sign<T: Element>() -> u64 {
    1 << (8 * size_of::<T>() - 1)
}
