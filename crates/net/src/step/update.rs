//! The second part of a step: clipping, the update of all parameters, and running statistics.

use nxm_kernels::{Element, Executor, Rule};

use super::{STEP, Step};
use crate::check::is_finite;
use crate::data::Batch;
use crate::error::NetError;
use crate::network::Network;
use crate::optimizer::{OptimizerState, Rules};
use crate::plans::{DIRECTIONS, Given, STEPS};
use crate::program::{Purpose, Sections, UpdateMode};

impl<T: Element> Step<T> {
    /// Makes one step of `optimizer` by the gradients computed last, after clipping them if the step clips. [`Step::gradients`] and this
    /// make the step of [`Step::train`], to the bit.
    ///
    /// # Errors
    /// [`NetError`] if the network or the optimizer's state do not fit. [`NetError::NoGradients`] if there are no gradients: they were
    /// never computed, or a [`Step::train`] came after them. [`NetError::WholeSteps`] if the optimizer is L-BFGS. [`NetError::Diverged`] if gradients are clipped and their norm is not finite.
    /// No parameter has changed then.
    pub fn update(
        &mut self,
        network: &mut Network<T>,
        executor: &dyn Executor,
        optimizer: &mut OptimizerState<T>,
    ) -> Result<(), NetError> {
        self.plans.layout.check(STEP, &network.layout)?;
        optimizer.check(network)?;
        if optimizer.lbfgs().is_some() {
            return Err(NetError::WholeSteps);
        }
        let made = self.plans.plan(self.made.ok_or(NetError::NoGradients)?);
        let (rows, weighted) = (made.rows, made.purpose.is_weighted());
        let mode = self.apart();
        let (state, muon) = (optimizer.kept(), optimizer.optimizer().muon());
        let plan = self.plans.find(rows, Purpose::Training { mode, state, weighted, muon })?;
        // Gradients stand at the same places, whatever the optimizer keeps. Those of micro-batches came with their statistics.
        let statistics = self.accumulated == 0;
        (self.made, self.accumulated) = (Some(plan), 0);
        let rules = optimizer.rules();
        self.finish(plan, network, executor, optimizer, rules)?;
        if statistics {
            self.statistics(plan, network, executor, optimizer, rules.last())?;
        }
        Ok(())
    }

    /// A step of L-BFGS; the loss before it. No gradients are left: those in memory are of the point that its line search tried last.
    pub(super) fn search(
        &mut self,
        network: &mut Network<T>,
        executor: &dyn Executor,
        batch: Batch<'_, T>,
        optimizer: &mut OptimizerState<T>,
    ) -> Result<T, NetError> {
        let clipping = match self.mode {
            UpdateMode::Clipped(max_norm) => Some(("the largest norm of gradients", max_norm)),
            UpdateMode::Limited(max_value) => Some(("the largest value of gradients", max_value)),
            UpdateMode::Fused | UpdateMode::Apart => None,
        };
        if let Some((option, limit)) = clipping {
            let (expected, found) = ("gradients that are not clipped".to_owned(), limit.to_f64().to_string());
            return Err(NetError::WithLbfgs { option, expected, found });
        }
        let loss = optimizer.search(network, executor, self, batch);
        self.made = None;
        let loss = loss?;
        self.steps = optimizer.steps();
        Ok(loss)
    }

    /// Clips the gradients that stand in memory, if the step clips, and updates all parameters by them.
    pub(super) fn finish(
        &mut self,
        plan: usize,
        network: &mut Network<T>,
        executor: &dyn Executor,
        optimizer: &mut OptimizerState<T>,
        rules: Rules<T>,
    ) -> Result<(), NetError> {
        let rule = rules.of_weights;
        if let UpdateMode::Clipped(_) = self.mode {
            self.plans.run(plan, Sections::norm, executor, Given::update(network, optimizer, rule))?;
            let results = &self.plans.plan(plan).results;
            self.norm = Some(self.plans.number(results.norm));
            let is_finite = |sum: &_| is_finite(self.plans.number(*sum));
            if let Some(layer) = results.squares.iter().position(|sums| !sums.iter().flatten().all(is_finite)) {
                return Err(NetError::Diverged { step: optimizer.steps() + 1, layer, what: "a gradient" });
            }
            // A scale below 1, compared by its bits: positive numbers are in the order of their bits.
            if self.plans.number(results.scale).to_bits_u64() < T::ONE.to_bits_u64() {
                self.plans.run(plan, Sections::scale, executor, Given::update(network, optimizer, rule))?;
            }
        }
        match rules.of_biases {
            None => self.plans.run(plan, Sections::update, executor, Given::update(network, optimizer, rule))?,
            Some(of_biases) => {
                let given = Given::update(network, optimizer, rule);
                self.plans.run(plan, Sections::update_of_weights, executor, given)?;
                if let Some(momenta) = rules.directions {
                    self.plans.run_muon(plan, DIRECTIONS, executor, Given::update(network, optimizer, momenta))?;
                    self.plans.run_muon(plan, STEPS, executor, Given::update(network, optimizer, rule))?;
                }
                self.plans.run(plan, Sections::biases, executor, Given::update(network, optimizer, of_biases))?;
            }
        }
        optimizer.advance();
        self.steps = optimizer.steps();
        Ok(())
    }

    /// Moves the running statistics of batch norms by those of the batch, if there are any.
    pub(super) fn statistics(
        &mut self,
        plan: usize,
        network: &mut Network<T>,
        executor: &dyn Executor,
        optimizer: &mut OptimizerState<T>,
        rule: Rule<T>,
    ) -> Result<(), NetError> {
        if self.plans.plan(plan).has_statistics() {
            self.plans.run(plan, Sections::statistics, executor, Given::update(network, optimizer, rule))?;
        }
        Ok(())
    }
}
