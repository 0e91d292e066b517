//! One step of training: forward, loss, backward, update.

use std::ops::Range;

use nxm_kernels::{Element, Executor, MatrixRef, Rule};

use crate::check::{check_examples, check_learning_rate, finite_matrix, first_not_finite, is_finite};
use crate::data::Targets;
use crate::error::NetError;
use crate::loss::Loss;
use crate::network::Network;
use crate::optimizer::OptimizerState;
use crate::plans::{Given, Plans, training};
use crate::program::{Parts, Sections};

/// A plan for training networks of one shape, on batches up to one size, by one loss: everything a step needs is allocated
/// here, once, and what it does is the [program](crate::program) that is made here.
///
/// [`Step::train`] makes a whole step, with everything fused that can be. [`Step::gradients`] and [`Step::update`] make the same step
/// in two, to the bit, and leave the gradients to be read.
#[derive(Clone, Debug)]
pub struct Step<T: Element> {
    plans: Plans<T>,
    /// The norm to clip to.
    max_norm: Option<T>,
    /// The plan whose gradients stand in memory, if any do.
    made: Option<usize>,
    /// Their norm before they were clipped, if they were.
    norm: Option<T>,
}

/// What errors call a step.
const STEP: &str = "the step";

/// A norm to clip to must be a finite number above 0 in `T`.
pub(crate) fn check_max_norm<T: Element>(max_norm: f64) -> Result<(), NetError> {
    let name = "the largest norm of gradients";
    let expected = "a finite number above 0";
    check_learning_rate(T::from_f64(max_norm)).map_err(|_| NetError::Setting { name, value: max_norm, expected })
}

impl<T: Element> Step<T> {
    /// A plan for networks shaped as `network` and batches of at most `batch` examples.
    ///
    /// # Errors
    /// [`NetError`] if `batch` is 0, if an option of the loss is out of its range, or if the buffers do not fit into memory.
    pub fn new(network: &Network<T>, loss: &Loss, batch: usize) -> Result<Step<T>, NetError> {
        if batch == 0 {
            return Err(NetError::NoBatch);
        }
        let plans = Plans::new(&network.shape, loss, batch, training(Parts::Fused, 0))?;
        Ok(Step { plans, max_norm: None, made: None, norm: None })
    }

    /// The same plan with gradients clipped by their norm: with ‖g‖ over all parameters, all of them are multiplied by `max_norm` /
    /// (‖g‖ + 1e-6) where that is below 1. Weight gradients are then made before the update, not in it.
    ///
    /// With P parameters in L layers: 2L dot products (P multiplications, P − 2L additions), 2L additions, 1 sqrt, 1 div; and, only
    /// where gradients are too large, P mul.
    ///
    /// # Errors
    /// [`NetError`] if `max_norm` is not a finite number above 0 in `T`, or if the gradients do not fit into memory.
    pub fn clip_norm(mut self, max_norm: f64) -> Result<Step<T>, NetError> {
        check_max_norm::<T>(max_norm)?;
        let max_norm = T::from_f64(max_norm);
        let Plans { shape, loss, most, .. } = &self.plans;
        self.plans = Plans::new(shape, loss, *most, training(Parts::Clipped(max_norm), 0))?;
        self.max_norm = Some(max_norm);
        Ok(self)
    }

    /// One step of `optimizer` on at most as many examples as the plan was made for; returns their mean loss before it.
    ///
    /// The operations of [`Step::gradients`], and those of the optimizer's [rule](nxm_kernels::Rule) for each parameter. The rule's
    /// constants for this step are computed in f64 beforehand and not counted.
    ///
    /// # Errors
    /// [`NetError`] if the network, the batch or the optimizer's state do not fit, or if the loss (or, where gradients are clipped, their
    /// norm) is not finite ([`NetError::Diverged`]); then no parameter has changed.
    pub fn train(
        &mut self,
        network: &mut Network<T>,
        executor: &dyn Executor,
        x: MatrixRef<'_, T>,
        targets: Targets<'_, T>,
        optimizer: &mut OptimizerState<T>,
    ) -> Result<T, NetError> {
        self.check(network, x, targets)?;
        optimizer.check(network)?;
        let parts = self.max_norm.map_or(Parts::Fused, Parts::Clipped);
        let plan = self.plans.find(x.rows(), training(parts, optimizer.kept()))?;
        // Whatever stood in memory is overwritten.
        (self.made, self.norm) = (None, None);
        let work = self.plans.plan(plan).program.work();
        let mut result = Err(NetError::NoBatch);
        // All threads are entered once, if a call of the step is to be split.
        if executor.threads() > 1 {
            executor.sequence(work, &mut || result = self.whole(plan, network, executor, x, targets, optimizer));
        } else {
            result = self.whole(plan, network, executor, x, targets, optimizer);
        }
        result
    }

    fn whole(
        &mut self,
        plan: usize,
        network: &mut Network<T>,
        executor: &dyn Executor,
        x: MatrixRef<'_, T>,
        targets: Targets<'_, T>,
        optimizer: &mut OptimizerState<T>,
    ) -> Result<T, NetError> {
        let rule = optimizer.rule();
        let given = Given::update(network, optimizer, rule, x, targets);
        self.plans.run(plan, |sections| sections.forward.clone(), executor, given)?;
        let loss = self.plans.number(self.plans.plan(plan).results.loss);
        if !is_finite(loss) {
            return Err(self.diverged(plan, network, optimizer.steps()));
        }
        let given = Given::update(network, optimizer, rule, x, targets);
        self.plans.run(plan, |sections| sections.backward.clone(), executor, given)?;
        if self.max_norm.is_some() {
            self.made = Some(plan);
            return self.by_rule(network, executor, optimizer, rule).map(|()| loss);
        }
        optimizer.advance();
        Ok(loss)
    }

    /// The mean loss, and its gradient with respect to all parameters, which stays here to be read.
    ///
    /// Per layer, B rows: forward B·N·M fma and B·M evaluations; backward B·N·M fma for the weights, B·M additions for the
    /// bias, B·N·M fma for the inputs (not in the first layer; of one row N·M multiplications and N·(M − 1) additions), and the
    /// activation's derivative for each unit. In between, the [loss](Loss).
    ///
    /// # Errors
    /// [`NetError`] if the network or the batch do not fit, or if the gradients do not fit into memory the first time they are asked
    /// for; then nothing has changed. A loss that is not finite is returned, not reported as an error.
    pub fn gradients(
        &mut self,
        network: &Network<T>,
        executor: &dyn Executor,
        x: MatrixRef<'_, T>,
        targets: Targets<'_, T>,
    ) -> Result<T, NetError> {
        self.check(network, x, targets)?;
        let parts = self.max_norm.map_or(Parts::Apart, Parts::Clipped);
        let plan = self.plans.find(x.rows(), training(parts, 0))?;
        (self.made, self.norm) = (None, None);
        let given = Given::forward(network.parameters.as_slice(), x, targets);
        self.plans.run(plan, |sections| sections.forward.start..sections.backward.end, executor, given)?;
        self.made = Some(plan);
        Ok(self.plans.number(self.plans.plan(plan).results.loss))
    }

    /// One step of `optimizer` by the gradients computed last, clipped if the plan says so: with [`Step::gradients`] before it the
    /// same as [`Step::train`], to the bit.
    ///
    /// # Errors
    /// [`NetError`] if the network or the optimizer's state do not fit, if no gradients were computed, or if gradients are clipped and
    /// their norm is not finite; then no parameter has changed.
    pub fn update(
        &mut self,
        network: &mut Network<T>,
        executor: &dyn Executor,
        optimizer: &mut OptimizerState<T>,
    ) -> Result<(), NetError> {
        self.plans.shape.check(STEP, &network.shape)?;
        optimizer.check(network)?;
        let rule = optimizer.rule();
        self.by_rule(network, executor, optimizer, rule)
    }

    fn by_rule(
        &mut self,
        network: &mut Network<T>,
        executor: &dyn Executor,
        optimizer: &mut OptimizerState<T>,
        rule: Rule<T>,
    ) -> Result<(), NetError> {
        let made = self.made.ok_or(NetError::NoGradients)?;
        let rows = self.plans.plan(made).rows();
        let parts = self.max_norm.map_or(Parts::Apart, Parts::Clipped);
        let plan = self.plans.find(rows, training(parts, optimizer.kept()))?;
        self.made = Some(plan);
        let step = optimizer.steps() + 1;
        let mut run = |plans: &mut Plans<T>, section: fn(&Sections) -> Range<usize>| {
            let nothing = MatrixRef::from_row(&[]);
            plans.run(plan, section, executor, Given::update(network, optimizer, rule, nothing, Targets::Classes(&[])))
        };
        if self.max_norm.is_some() {
            run(&mut self.plans, |sections| sections.norm.clone())?;
            let results = &self.plans.plan(plan).results;
            self.norm = Some(self.plans.number(results.norm));
            let not_finite = |[weights, bias]: &[_; 2]| {
                !is_finite(self.plans.number(*weights)) || !is_finite(self.plans.number(*bias))
            };
            if let Some(layer) = results.squares.iter().position(not_finite) {
                return Err(NetError::Diverged { step, layer, what: "a gradient" });
            }
            // Both are positive: so are the integers that their bits are, in the same order.
            if self.plans.number(results.scale).to_bits_u64() < T::ONE.to_bits_u64() {
                run(&mut self.plans, |sections| sections.scale.clone())?;
            }
        }
        run(&mut self.plans, |sections| sections.update.clone())?;
        optimizer.advance();
        Ok(())
    }

    /// Whether network and batch fit this plan and each other.
    #[inline]
    fn check(&self, network: &Network<T>, x: MatrixRef<'_, T>, targets: Targets<'_, T>) -> Result<(), NetError> {
        self.plans.shape.check(STEP, &network.shape)?;
        match x.rows() {
            0 => return Err(NetError::NoBatch),
            rows if rows > self.plans.most => return Err(NetError::BatchTooLarge { rows, batch: self.plans.most }),
            _ => {}
        }
        check_examples(network, &self.plans.loss, x, targets)
    }

    /// What is not finite, and in which layer: a weight, or what a layer gave, or the loss alone.
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

    /// ‖g‖ over all parameters as it was before [`Step::update`] or [`Step::train`] clipped the gradients. None if they were not clipped,
    /// or if [`Step::gradients`] has made others since.
    pub fn gradient_norm(&self) -> Option<T> {
        self.norm
    }

    /// ∂L/∂W of a layer, N × M, as [`Step::gradients`] made it and as clipping scaled it since. Without elements if there are no gradients:
    /// before the first call, and after a [`Step::train`] that did not clip them. Panics if there is no such layer.
    pub fn weight_gradient(&self, layer: usize) -> MatrixRef<'_, T> {
        self.gradient(layer, 0)
    }

    /// ∂L/∂b of a layer, a row of M, as [`Step::weight_gradient`] of its weights. Panics if there is no such layer.
    pub fn bias_gradient(&self, layer: usize) -> MatrixRef<'_, T> {
        self.gradient(layer, 1)
    }

    fn gradient(&self, layer: usize, which: usize) -> MatrixRef<'_, T> {
        assert!(layer < self.plans.shape.layers.len(), "there is no layer {layer}");
        match self.made {
            Some(plan) => self.plans.matrix(self.plans.plan(plan).results.gradients[layer][which]),
            None => MatrixRef::from_row(&[]),
        }
    }
}
