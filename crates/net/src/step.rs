//! One step of training: forward, loss, backward, update.

mod gradients;
mod update;

use nxm_kernels::beside::{div, rounded, whole};
use nxm_kernels::{Decay, Element, Executor, MatrixRef, Rule};

use crate::check::{
    check_examples, check_learning_rate, check_norms, check_weighable, check_weights, finite_matrix, first_not_finite,
    is_finite,
};
use crate::data::{Batch, Targets};
use crate::dropout::Draw;
use crate::error::NetError;
use crate::loss::Loss;
use crate::network::Network;
use crate::optimizer::OptimizerState;
use crate::plans::{Given, Plans};
use crate::program::{Purpose, Sections, UpdateMode};

/// Trains networks of one shape on batches up to one size by one loss.
///
/// [`Step::train`] makes a whole step, with everything fused that can be. [`Step::gradients`] and [`Step::update`] make the same step
/// in two parts, to the bit, and the gradients can be read.
///
/// A step makes a [program](crate::operations) for each number of rows it is given, the first time it sees it, and keeps the last 16. It
/// allocates nothing else after [`Step::new`], but for the memory of gradients, which the first [`Step::gradients`] takes, and that of weights.
///
/// ```
/// use nxm_net::{Activation, Cpu, Loss, MatrixRef, Network, Optimizer, OptimizerState, Step, Targets};
///
/// let cpu = Cpu::detect()?;
/// let mut network: Network = Network::builder(2).dense(3, Activation::Tanh).dense(2, Activation::Identity).build()?;
/// let mut step = Step::new(&network, &Loss::CROSS_ENTROPY, 4)?;
/// let mut optimizer = OptimizerState::new(Optimizer::sgd(0.5), &network)?;
///
/// // Four examples of two inputs, and the class of each.
/// let x = MatrixRef::new(&[0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0], 4, 2)?;
/// let targets = Targets::Classes(&[0, 1, 1, 0]);
/// let first = step.train(&mut network, &cpu, x, targets, &mut optimizer)?;
///
/// // The same in two parts: the gradients can be read in between.
/// let second = step.gradients(&network, &cpu, x, targets)?;
/// assert!(second < first);
/// let gradient = step.weight_gradient(0);
/// assert_eq!((gradient.rows(), gradient.cols()), (2, 3));
/// step.update(&mut network, &cpu, &mut optimizer)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Step<T: Element> {
    plans: Plans<T>,
    /// When weights are updated at the earliest: fused, unless gradients are clipped.
    mode: UpdateMode<T>,
    /// Micro-batches whose gradients were added up since the last update.
    accumulated: usize,
    /// The program whose gradients stand in memory, if any do.
    made: Option<usize>,
    /// Their norm before they were clipped, if they were.
    norm: Option<T>,
    /// What masks of dropouts are drawn from.
    seed: u64,
    /// Steps that were made: masks are those of the next one.
    steps: u64,
}

/// What errors call a step.
const STEP: &str = "the step";

/// A size to clip to must be a finite number above 0 in `T`.
pub(crate) fn check_max_value<T: Element>(max_value: f64) -> Result<(), NetError> {
    let (name, expected) = ("the largest value of gradients", "a finite number above 0");
    check_learning_rate(T::from_f64(max_value)).map_err(|_| NetError::Setting { name, value: max_value, expected })
}

/// A norm to clip to must be a finite number above 0 in `T`.
pub(crate) fn check_max_norm<T: Element>(max_norm: f64) -> Result<(), NetError> {
    let name = "the largest norm of gradients";
    let expected = "a finite number above 0";
    check_learning_rate(T::from_f64(max_norm)).map_err(|_| NetError::Setting { name, value: max_norm, expected })
}

impl<T: Element> Step<T> {
    /// Steps for networks of the shape of `network` and batches of at most `batch` examples.
    ///
    /// # Errors
    /// [`NetError`] if `batch` is 0, if an option of the loss is out of its range, or if the buffers do not fit into memory.
    pub fn new(network: &Network<T>, loss: &Loss, batch: usize) -> Result<Step<T>, NetError> {
        if batch == 0 {
            return Err(NetError::NoBatch);
        }
        let purpose = Purpose::Training { mode: UpdateMode::Fused, state: 0, weighted: false, muon: None };
        let plans = Plans::new(&network.layout, loss, batch, purpose)?;
        Ok(Step { plans, mode: UpdateMode::Fused, accumulated: 0, made: None, norm: None, seed: 0, steps: 0 })
    }

    /// The same with masks of dropouts drawn from `seed`; 0 unless told.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Step<T> {
        self.seed = seed;
        self
    }

    /// The same after `steps` steps: the masks of dropouts are those of the next one. [`Step::train`] and [`Step::update`] count on from the
    /// optimizer's steps by themselves.
    #[must_use]
    pub fn after_steps(mut self, steps: u64) -> Step<T> {
        self.steps = steps;
        self
    }

    /// Which masks a micro-batch has, of which so many came before it in its step.
    fn draw(&self, part: usize) -> Draw {
        Draw { seed: self.seed, step: self.steps, part: part as u64 }
    }

    /// The same with gradients clipped by their norm. With ‖g‖ over all parameters, a step multiplies all gradients by `max_norm` /
    /// (‖g‖ + 1e-6) if that is below 1. It makes weight gradients before the update, not within it.
    ///
    /// With P parameters in L layers, this takes 2L dot products (P multiplications, P − 2L additions), 2L additions, 1 sqrt and 1 div.
    /// If gradients are too large, it takes P mul more.
    ///
    /// # Errors
    /// [`NetError`] if `max_norm` is not a finite number above 0 in `T`, or if the gradients do not fit into memory.
    pub fn clip_norm(mut self, max_norm: f64) -> Result<Step<T>, NetError> {
        check_max_norm::<T>(max_norm)?;
        self.set_mode(UpdateMode::Clipped(T::from_f64(max_norm)))?;
        Ok(self)
    }

    /// The same with each gradient clipped by its value, to at most `max_value` and at least −`max_value`, in place of a clipping by norm. It
    /// makes weight gradients before the update, not within it.
    ///
    /// With P parameters, this takes 2P cmp.
    ///
    /// # Errors
    /// [`NetError`] if `max_value` is not a finite number above 0 in `T`, or if the gradients do not fit into memory.
    pub fn clip_value(mut self, max_value: f64) -> Result<Step<T>, NetError> {
        check_max_value::<T>(max_value)?;
        self.set_mode(UpdateMode::Limited(T::from_f64(max_value)))?;
        Ok(self)
    }

    /// With memory for gradients, which this mode stores.
    fn set_mode(&mut self, mode: UpdateMode<T>) -> Result<(), NetError> {
        let Plans { layout, loss, most, .. } = &self.plans;
        self.plans =
            Plans::new(layout, loss, *most, Purpose::Training { mode, state: 0, weighted: false, muon: None })?;
        self.mode = mode;
        Ok(())
    }

    /// When weights are updated if gradients are stored.
    fn apart(&self) -> UpdateMode<T> {
        match self.mode {
            UpdateMode::Fused => UpdateMode::Apart,
            mode => mode,
        }
    }

    /// What [`Step::train`] does for this optimizer.
    fn purpose(&self, optimizer: &OptimizerState<T>, weighted: bool) -> Purpose<T> {
        let mode = if optimizer.optimizer().is_fused() { self.mode } else { self.apart() };
        Purpose::Training { mode, state: optimizer.kept(), weighted, muon: optimizer.optimizer().muon() }
    }

    /// Takes the memory that steps of this optimizer on `parts` micro-batches need, at least 1, so that the first of them does not. Optimizers
    /// other than gradient descent, Adam and AdamW without AMSGrad, and RAdam store all gradients before the first update.
    ///
    /// # Errors
    /// [`NetError`] if there is not so much memory.
    pub fn reserve(&mut self, optimizer: &OptimizerState<T>, parts: usize) -> Result<(), NetError> {
        self.reserve_for(optimizer, parts, false)
    }

    /// The same for examples that have weights, or not.
    pub(crate) fn reserve_for(
        &mut self,
        optimizer: &OptimizerState<T>,
        parts: usize,
        weighted: bool,
    ) -> Result<(), NetError> {
        let apart = Purpose::Accumulation { mode: self.apart(), weighted };
        if parts > 1 {
            self.plans.reserve(apart)?;
        }
        self.plans.reserve(self.purpose(optimizer, weighted))
    }

    /// Makes one step of `optimizer`; returns the mean loss of the examples before it.
    ///
    /// This takes the operations of [`Step::gradients`], and those of the optimizer's [rule](nxm_kernels::Rule) for each parameter. In f64 it
    /// also computes the rule's constants, and the loss's when it first sees a number of rows. No count of a step has those in it:
    /// `rule_constants` and `new_program_beside_kernels` of `nxm-count` do.
    ///
    /// # Errors
    /// [`NetError`] if the network, the batch or the optimizer's state do not fit. [`NetError::Diverged`] if the loss is not finite, or if
    /// gradients are clipped and their norm is not finite. No parameter has changed then.
    pub fn train(
        &mut self,
        network: &mut Network<T>,
        executor: &dyn Executor,
        x: MatrixRef<'_, T>,
        targets: Targets<'_, T>,
        optimizer: &mut OptimizerState<T>,
    ) -> Result<T, NetError> {
        let batch = Batch { x, targets, weights: None };
        self.check(network, batch)?;
        self.train_checked(network, executor, batch, optimizer)
    }

    /// The same, where example i has the weight sᵢ: the loss ℓ becomes Σ sᵢ·ℓᵢ / Σ sᵢ, as [`Dataset::with_weights`](crate::Dataset::with_weights)
    /// says. If all weights are 0, the loss and its gradient are 0.
    ///
    /// For B rows of M outputs this takes BM + 2B + 4 multiplications, 2B − 1 additions, 1 div and 1 cmp more. Where losses have a mean over
    /// outputs, B·(M − 1) additions more; with class weights or label smoothing B multiplications and B − 1 additions more. The first call takes
    /// memory for weights.
    ///
    /// # Errors
    /// Those of [`Step::train`], and [`NetError`] if there is not one weight for each example, or if one is negative or not finite.
    pub fn train_weighted(
        &mut self,
        network: &mut Network<T>,
        executor: &dyn Executor,
        x: MatrixRef<'_, T>,
        targets: Targets<'_, T>,
        weights: &[T],
        optimizer: &mut OptimizerState<T>,
    ) -> Result<T, NetError> {
        let batch = Batch { x, targets, weights: Some(weights) };
        self.check(network, batch)?;
        self.train_checked(network, executor, batch, optimizer)
    }

    /// The same for a network and a batch that are known to fit: it checks neither shapes nor labels. Running the program checks the labels.
    pub(crate) fn train_checked(
        &mut self,
        network: &mut Network<T>,
        executor: &dyn Executor,
        batch: Batch<'_, T>,
        optimizer: &mut OptimizerState<T>,
    ) -> Result<T, NetError> {
        optimizer.check(network)?;
        if optimizer.lbfgs().is_some() {
            return self.search(network, executor, batch, optimizer);
        }
        let plan = self.plans.find(batch.x.rows(), self.purpose(optimizer, batch.weights.is_some()))?;
        self.plans.weigh(plan, batch.weights);
        self.steps = optimizer.steps();
        self.plans.draw(plan, self.draw(0));
        // The step overwrites the gradients of an earlier one.
        (self.made, self.norm, self.accumulated) = (None, None, 0);
        let work = self.plans.plan(plan).program.work();
        let mut result = None;
        // If a product is worth several threads, the whole step enters the thread pool once.
        executor.sequence(work, &mut || result = Some(self.whole(plan, network, executor, batch, optimizer)));
        result.expect("an executor that runs the sequence")
    }

    /// The step itself, when all arguments are known to fit.
    fn whole(
        &mut self,
        plan: usize,
        network: &mut Network<T>,
        executor: &dyn Executor,
        batch: Batch<'_, T>,
        optimizer: &mut OptimizerState<T>,
    ) -> Result<T, NetError> {
        let rules = optimizer.rules();
        let given = Given::update(network, optimizer, rules.of_weights).on(batch);
        self.plans.run(plan, Sections::forward, executor, given)?;
        let loss = self.plans.loss(plan);
        if !is_finite(loss) {
            return Err(self.diverged(plan, network, optimizer.steps()));
        }
        let is_fused = matches!(self.purpose(optimizer, false), Purpose::Training { mode: UpdateMode::Fused, .. });
        let given = Given::update(network, optimizer, rules.of_weights).on(batch);
        if is_fused {
            match rules.of_biases {
                None => self.plans.run(plan, Sections::backward, executor, given)?,
                Some(rule) => {
                    self.plans.run(plan, Sections::backward_of_weights, executor, given)?;
                    self.plans.run(plan, Sections::biases, executor, Given::update(network, optimizer, rule))?;
                }
            }
            optimizer.advance();
            self.steps = optimizer.steps();
        } else {
            self.plans.run(plan, Sections::backward, executor, given)?;
            self.made = Some(plan);
            self.finish(plan, network, executor, optimizer, rules)?;
            self.statistics(plan, network, executor, optimizer, rules.last())?;
        }
        Ok(loss)
    }

    /// Returns the mean loss of the examples, and computes its gradient with respect to all parameters. The gradient can be read until
    /// the next step.
    ///
    /// A layer of N inputs and M units takes for B rows:
    ///
    /// - forward B·N·M fma and B·M evaluations of its activation;
    /// - backward B·N·M fma for the weights and B·M additions for the bias;
    /// - except for the first layer, B·N·M fma for the inputs (N·M multiplications and N·(M − 1) additions if B is 1);
    /// - the activation's derivative for each unit.
    ///
    /// The [loss](Loss) comes in between.
    ///
    /// # Errors
    /// [`NetError`] if the network or the batch do not fit, or if there is no memory for the gradients, which the first call allocates.
    /// Nothing has changed then. A non-finite loss is returned, not reported as an error.
    pub fn gradients(
        &mut self,
        network: &Network<T>,
        executor: &dyn Executor,
        x: MatrixRef<'_, T>,
        targets: Targets<'_, T>,
    ) -> Result<T, NetError> {
        self.gradients_of(network, executor, Batch { x, targets, weights: None })
    }

    /// The same, where examples have weights, as in [`Step::train_weighted`].
    ///
    /// # Errors
    /// Those of [`Step::gradients`], and [`NetError`] if there is not one weight for each example, or if one is negative or not finite.
    pub fn gradients_weighted(
        &mut self,
        network: &Network<T>,
        executor: &dyn Executor,
        x: MatrixRef<'_, T>,
        targets: Targets<'_, T>,
        weights: &[T],
    ) -> Result<T, NetError> {
        self.gradients_of(network, executor, Batch { x, targets, weights: Some(weights) })
    }

    pub(crate) fn gradients_of(
        &mut self,
        network: &Network<T>,
        executor: &dyn Executor,
        batch: Batch<'_, T>,
    ) -> Result<T, NetError> {
        self.check(network, batch)?;
        let mode = self.apart();
        let weighted = batch.weights.is_some();
        let plan = self.plans.find(batch.x.rows(), Purpose::Training { mode, state: 0, weighted, muon: None })?;
        self.plans.weigh(plan, batch.weights);
        self.plans.draw(plan, self.draw(0));
        (self.made, self.norm, self.accumulated) = (None, None, 0);
        self.plans.run(plan, Sections::gradients, executor, Given::forward(network, batch))?;
        self.made = Some(plan);
        Ok(self.plans.loss(plan))
    }

    /// Adds the gradient of `loss / parts` to the gradients that stand in memory, and returns the mean loss of these examples. After an
    /// update, [`Step::gradients`] or [`Step::train`] it begins with gradients of 0. So `parts` calls of this on as many micro-batches, and
    /// one of [`Step::update`], make a step on all their examples with the memory of one micro-batch.
    ///
    /// The running statistics of batch norms move with each micro-batch, as PyTorch's do: nothing else of the network changes.
    ///
    /// With P parameters, this takes P fma more than [`Step::gradients`], and beside the kernels 1 div and 2 conversions (1 in f64).
    ///
    /// # Errors
    /// [`NetError`] as of [`Step::gradients`]; if `parts` is 0; and [`NetError::Diverged`] of step 0 if the loss is not finite. No gradient
    /// has changed then.
    pub fn accumulate(
        &mut self,
        network: &mut Network<T>,
        executor: &dyn Executor,
        x: MatrixRef<'_, T>,
        targets: Targets<'_, T>,
        parts: usize,
    ) -> Result<T, NetError> {
        self.accumulate_of(network, executor, Batch { x, targets, weights: None }, parts)
    }

    /// The same where examples may have weights. The mean is one of the micro-batches' means.
    pub(crate) fn accumulate_of(
        &mut self,
        network: &mut Network<T>,
        executor: &dyn Executor,
        batch: Batch<'_, T>,
        parts: usize,
    ) -> Result<T, NetError> {
        self.check(network, batch)?;
        if parts == 0 {
            let (name, expected) = ("the number of micro-batches in a step", "a whole number, at least 1");
            return Err(NetError::Setting { name, value: 0.0, expected });
        }
        let (mode, weighted) = (self.apart(), batch.weights.is_some());
        let plan = self.plans.find(batch.x.rows(), Purpose::Accumulation { mode, weighted })?;
        self.plans.weigh(plan, batch.weights);
        self.plans.draw(plan, self.draw(self.accumulated));
        self.plans.run(plan, Sections::forward, executor, Given::forward(network, batch))?;
        let loss = self.plans.loss(plan);
        if !is_finite(loss) {
            return Err(self.diverged(plan, network, 0));
        }
        if self.accumulated == 0 {
            self.plans.clear_gradients(plan);
        }
        (self.made, self.norm) = (Some(plan), None);
        self.accumulated = self.accumulated.saturating_add(1);
        // sum ← sum − (−1/k)·g.
        let share = rounded(div(-1.0, whole(parts as u64)));
        let rule = Rule::Sgd { learning_rate: share, decay: Decay::None };
        self.plans.run(plan, Sections::backward, executor, Given::exclusive(network, rule).on(batch))?;
        Ok(loss)
    }

    /// Checks that the network fits this step, and that the batch fits both.
    #[inline]
    fn check(&self, network: &Network<T>, Batch { x, targets, weights }: Batch<'_, T>) -> Result<(), NetError> {
        self.plans.layout.check(STEP, &network.layout)?;
        match x.rows() {
            0 => return Err(NetError::NoBatch),
            rows if rows > self.plans.most => return Err(NetError::BatchTooLarge { rows, batch: self.plans.most }),
            rows => check_norms(&self.plans.layout, rows)?,
        }
        check_examples(network, &self.plans.loss, x, targets)?;
        check_weighable(&self.plans.loss, weights.is_some())?;
        weights.map_or(Ok(()), |weights| check_weights(weights, x.rows()))
    }

    /// Finds why a loss is not finite: because of a weight, of an activation, or of the loss alone.
    #[cold]
    fn diverged(&self, plan: usize, network: &Network<T>, steps: u64) -> NetError {
        let step = steps + 1;
        if let Some(layer) = first_not_finite(network) {
            return NetError::Diverged { step, layer, what: "a weight" };
        }
        let outputs = &self.plans.plan(plan).results.outputs;
        match outputs.iter().position(|outputs| !finite_matrix(self.plans.matrix(*outputs))) {
            Some(layer) => NetError::Diverged { step, layer, what: "an activation" },
            None => NetError::Diverged { step, layer: outputs.len() - 1, what: "the loss" },
        }
    }
}
