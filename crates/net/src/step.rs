//! One step of training: forward, loss, backward, update.
//!
//! For B rows and layers of N inputs and M units the matrix work is B·(3S − N₀M₀) fma with S = Σ N·M: each layer's weights
//! meet the batch in the forward pass, the weight gradient and the input gradient, but nobody asks for the gradient of
//! the data.

mod clip;

use nxm_kernels::{
    Activation, Element, Executor, Init, MatrixMut, MatrixRef, Region, column_sum, dense_input_gradient, gemm,
};

use crate::buffer::zeros;
use crate::check::{check_examples, finite, first_not_finite, is_finite};
use crate::data::Targets;
use crate::error::NetError;
use crate::forward::{Activations, Purpose};
use crate::layer::Dense;
use crate::loss::{Criterion, Loss};
use crate::network::Network;
use crate::optimizer::OptimizerState;
use crate::region;
use clip::Clip;
pub(crate) use clip::check_max_norm;

/// A plan for training networks of one shape, on batches up to one size, by one loss: everything a step needs is allocated
/// here, once.
///
/// [`Step::train`] makes a whole step, with everything fused that can be. [`Step::gradients`] and [`Step::update`] make the same step
/// in two, to the bit, and leave the gradients to be read.
#[derive(Clone, Debug)]
pub struct Step<T> {
    batch: usize,
    criterion: Criterion<T>,
    activations: Activations<T>,
    gradients: Vec<Gradient<T>>,
    clip: Option<Clip<T>>,
    /// Multiply-adds of the largest product.
    work: usize,
    /// ∂L/∂z of the layer the backward pass is at.
    delta: Vec<T>,
    /// The same of the layer before it.
    delta_before: Vec<T>,
}

/// The gradient of a layer's parameters.
#[derive(Clone, Debug)]
struct Gradient<T> {
    fan_in: usize,
    fan_out: usize,
    activation: Activation,
    /// Empty until somebody asks for gradients.
    weights: Vec<T>,
    bias: Vec<T>,
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
        let gradient = |layer: &Dense<T>| {
            let (fan_in, fan_out, activation) = (layer.fan_in(), layer.fan_out(), layer.activation());
            let bias = zeros("the gradient of biases", 1, fan_out)?;
            Ok(Gradient { fan_in, fan_out, activation, weights: Vec::new(), bias })
        };
        let widest = network.layers().iter().map(Dense::fan_out).max().unwrap_or(0);
        let weights = network.layers().iter().map(|layer| layer.weights().len()).max().unwrap_or(0);
        Ok(Step {
            batch,
            work: weights.saturating_mul(batch),
            criterion: Criterion::new(loss, network.outputs(), batch)?,
            activations: Activations::new(network, batch, Purpose::Training)?,
            gradients: network.layers().iter().map(gradient).collect::<Result<_, NetError>>()?,
            clip: None,
            delta: zeros("a batch's gradient", batch, widest)?,
            delta_before: zeros("a batch's gradient", batch, widest)?,
        })
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
        self.clip = Some(Clip::new(max_norm)?);
        self.make_room()?;
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
        executor: &impl Executor,
        x: MatrixRef<'_, T>,
        targets: Targets<'_, T>,
        optimizer: &mut OptimizerState<T>,
    ) -> Result<T, NetError> {
        let work = self.work;
        executor.sequence(work, || self.whole_step(network, executor, x, targets, optimizer))
    }

    fn whole_step(
        &mut self,
        network: &mut Network<T>,
        executor: &impl Executor,
        x: MatrixRef<'_, T>,
        targets: Targets<'_, T>,
        optimizer: &mut OptimizerState<T>,
    ) -> Result<T, NetError> {
        optimizer.check(network)?;
        if self.clip.is_some() {
            let loss = self.gradients(network, executor, x, targets)?;
            if !is_finite(loss) {
                return Err(self.diverged(network, x.rows(), optimizer.steps()));
            }
            self.update(network, executor, optimizer)?;
            return Ok(loss);
        }
        self.check(network, x, targets)?;
        let loss = self.forward(network, executor, x, targets)?;
        if !is_finite(loss) {
            return Err(self.diverged(network, x.rows(), optimizer.steps()));
        }
        self.backward_updating(network, executor, x, optimizer)?;
        optimizer.advance();
        Ok(loss)
    }

    /// The mean loss, and its gradient with respect to all parameters, which stays here to be read.
    ///
    /// Per layer, B rows: forward B·N·M fma and B·M evaluations; backward B·N·M fma for the weights, B·M additions for the
    /// bias, B·N·M fma for the inputs (not in the first layer), and the activation's derivative for each unit. In
    /// between, the [loss](Loss).
    ///
    /// # Errors
    /// [`NetError`] if the network or the batch do not fit, or if the gradients do not fit into memory the first time they are asked
    /// for; then nothing has changed. A loss that is not finite is none here: it is returned.
    pub fn gradients(
        &mut self,
        network: &Network<T>,
        executor: &impl Executor,
        x: MatrixRef<'_, T>,
        targets: Targets<'_, T>,
    ) -> Result<T, NetError> {
        self.check(network, x, targets)?;
        self.make_room()?;
        let loss = self.forward(network, executor, x, targets)?;
        self.backward(network, executor, x)?;
        Ok(loss)
    }

    /// One step of `optimizer` by the gradients computed last, clipped if the plan says so: with [`Step::gradients`] before it the
    /// same as [`Step::train`], to the bit.
    ///
    /// # Errors
    /// [`NetError`] if the network or the optimizer's state do not fit, or if gradients are clipped and their norm is not finite; then no
    /// parameter has changed. If no gradients were computed they are 0.
    pub fn update(
        &mut self,
        network: &mut Network<T>,
        executor: &impl Executor,
        optimizer: &mut OptimizerState<T>,
    ) -> Result<(), NetError> {
        self.check_network(network)?;
        optimizer.check(network)?;
        self.make_room()?;
        if let Some(clip) = &mut self.clip
            && let Err(layer) = clip.run(executor, &mut self.gradients)
        {
            return Err(NetError::Diverged { step: optimizer.steps() + 1, layer, what: "a gradient" });
        }
        let rule = optimizer.rule();
        for (l, (layer, gradient)) in network.layers_mut().iter_mut().zip(&self.gradients).enumerate() {
            executor.enter(Region { name: region::UPDATE, layer: l });
            optimizer.update_weights(l, executor, rule, &gradient.weights, layer)?;
            optimizer.update_bias(l, executor, rule, &gradient.bias, layer)?;
        }
        optimizer.advance();
        Ok(())
    }

    /// Forward pass and loss; the loss's gradient with respect to the last layer's sums stands in `delta` after it.
    #[inline]
    fn forward(
        &mut self,
        network: &Network<T>,
        executor: &impl Executor,
        x: MatrixRef<'_, T>,
        targets: Targets<'_, T>,
    ) -> Result<T, NetError> {
        self.activations.run(network, executor, x)?;
        let (rows, outputs, last) = (x.rows(), network.outputs(), network.layers().len() - 1);
        let delta = &mut self.delta[..rows * outputs];
        executor.enter(Region { name: region::LOSS, layer: last });
        let loss = self.criterion.run(executor, self.activations.outputs(rows, outputs), targets, delta);
        executor.enter(Region { name: region::ACTIVATION_GRADIENT, layer: last });
        let kept = self.activations.kept(last, rows, outputs);
        network.layers()[last].activation().backward(executor, kept, delta)?;
        Ok(loss)
    }

    /// All gradients, made and kept.
    #[inline]
    fn backward(
        &mut self,
        network: &Network<T>,
        executor: &impl Executor,
        x: MatrixRef<'_, T>,
    ) -> Result<(), NetError> {
        for (l, layer) in network.layers().iter().enumerate().rev() {
            let Gradient { fan_in, fan_out, ref mut weights, ref mut bias, .. } = self.gradients[l];
            let delta = MatrixRef::new(&self.delta, x.rows(), fan_out)?;
            let inputs = inputs(&self.activations, l, x, fan_in)?;
            executor.enter(Region { name: region::WEIGHT_GRADIENT, layer: l });
            gemm(executor, inputs.transpose(), delta, Init::Zero, MatrixMut::new(weights, fan_in, fan_out)?)?;
            executor.enter(Region { name: region::BIAS_GRADIENT, layer: l });
            column_sum(executor, delta, bias)?;
            self.input_gradient(l, layer, executor, x.rows())?;
            std::mem::swap(&mut self.delta, &mut self.delta_before);
        }
        Ok(())
    }

    /// All gradients, each used up in its update as it is made.
    #[inline]
    fn backward_updating(
        &mut self,
        network: &mut Network<T>,
        executor: &impl Executor,
        x: MatrixRef<'_, T>,
        optimizer: &mut OptimizerState<T>,
    ) -> Result<(), NetError> {
        let rule = optimizer.rule();
        for (l, layer) in network.layers_mut().iter_mut().enumerate().rev() {
            // Before the weights change: the layer before wants the gradient at those of the forward pass.
            self.input_gradient(l, layer, executor, x.rows())?;
            let Gradient { fan_in, fan_out, ref mut bias, .. } = self.gradients[l];
            let delta = MatrixRef::new(&self.delta, x.rows(), fan_out)?;
            let inputs = inputs(&self.activations, l, x, fan_in)?;
            executor.enter(Region { name: region::BIAS_GRADIENT, layer: l });
            column_sum(executor, delta, bias)?;
            executor.enter(Region { name: region::UPDATE, layer: l });
            optimizer.update_weights_fused(l, executor, rule, (inputs, delta), layer)?;
            optimizer.update_bias(l, executor, rule, bias, layer)?;
            std::mem::swap(&mut self.delta, &mut self.delta_before);
        }
        Ok(())
    }

    /// From ∂L/∂z of layer `l` to that of the layer before, in `delta_before`; nothing for the first layer.
    #[inline]
    fn input_gradient(
        &mut self,
        l: usize,
        layer: &Dense<T>,
        executor: &impl Executor,
        rows: usize,
    ) -> Result<(), NetError> {
        if l == 0 {
            return Ok(());
        }
        let (fan_in, fan_out) = (layer.fan_in(), layer.fan_out());
        executor.enter(Region { name: region::INPUT_GRADIENT, layer: l });
        let delta = MatrixRef::new(&self.delta, rows, fan_out)?;
        let kept = MatrixRef::new(self.activations.kept(l - 1, rows, fan_in), rows, fan_in)?;
        let before = MatrixMut::new(&mut self.delta_before, rows, fan_in)?;
        dense_input_gradient(executor, delta, layer.matrix()?, self.gradients[l - 1].activation, kept, before)?;
        Ok(())
    }

    /// Memory for the gradients of weights, the first time they are asked for.
    fn make_room(&mut self) -> Result<(), NetError> {
        for gradient in &mut self.gradients {
            if gradient.weights.is_empty() {
                gradient.weights = zeros("the gradient of weights", gradient.fan_in, gradient.fan_out)?;
            }
        }
        Ok(())
    }

    /// Whether network and batch fit these buffers and each other.
    #[inline]
    fn check(&self, network: &Network<T>, x: MatrixRef<'_, T>, targets: Targets<'_, T>) -> Result<(), NetError> {
        self.check_network(network)?;
        match x.rows() {
            0 => return Err(NetError::NoBatch),
            rows if rows > self.batch => return Err(NetError::BatchTooLarge { rows, batch: self.batch }),
            _ => {}
        }
        check_examples(network, self.criterion.loss(), x, targets)
    }

    /// Whether the network is of the shape these buffers were made for.
    #[inline]
    fn check_network(&self, network: &Network<T>) -> Result<(), NetError> {
        let layers = network.layers();
        let fits = |(gradient, layer): (&Gradient<T>, &Dense<T>)| {
            gradient.fan_in == layer.fan_in()
                && gradient.fan_out == layer.fan_out()
                && gradient.activation == layer.activation()
        };
        if layers.len() != self.gradients.len() || !self.gradients.iter().zip(layers).all(fits) {
            return Err(self.other_network(layers));
        }
        Ok(())
    }

    /// The first layer that the buffers were not made for.
    #[cold]
    fn other_network(&self, layers: &[Dense<T>]) -> NetError {
        let expected = |l: usize| self.gradients.get(l).map(|gradient| (gradient.fan_in, gradient.fan_out));
        let found = |l: usize| layers.get(l).map(|layer| (layer.fan_in(), layer.fan_out()));
        let differs = (0..layers.len().max(self.gradients.len())).find(|&l| expected(l) != found(l));
        if let Some(layer) = differs {
            return NetError::Network { layer, expected: expected(layer), found: found(layer) };
        }
        let activations = self.gradients.iter().zip(layers).map(|(g, layer)| (g.activation, layer.activation()));
        let (layer, (expected, found)) =
            activations.enumerate().find(|(_, (expected, found))| expected != found).expect("something differs");
        NetError::Activation { layer, expected, found }
    }

    /// What is not finite, and in which layer: a weight, or what a layer gave, or the loss alone.
    #[cold]
    fn diverged(&self, network: &Network<T>, rows: usize, steps: u64) -> NetError {
        let step = steps + 1;
        if let Some(layer) = first_not_finite(network) {
            return NetError::Diverged { step, layer, what: "a weight" };
        }
        let mut layers = network.layers().iter().enumerate();
        let layer = layers.position(|(l, layer)| !finite(self.activations.layer(l, rows, layer.fan_out())));
        match layer {
            Some(layer) => NetError::Diverged { step, layer, what: "an activation" },
            None => NetError::Diverged { step, layer: network.layers().len() - 1, what: "the loss" },
        }
    }

    /// ‖g‖ of all gradients before they were clipped last; none unless the plan clips them.
    pub fn gradient_norm(&self) -> Option<T> {
        self.clip.as_ref().map(Clip::norm)
    }

    /// ∂L/∂W of a layer, N × M, row-major, from [`Step::gradients`] (and clipped, after [`Step::update`] if the plan says so); empty
    /// before the first call. Panics if there is no such layer.
    pub fn weight_gradient(&self, layer: usize) -> &[T] {
        &self.gradients[layer].weights
    }

    /// ∂L/∂b of a layer, the same; zeros before the first call. Panics if there is no such layer.
    pub fn bias_gradient(&self, layer: usize) -> &[T] {
        &self.gradients[layer].bias
    }
}

/// The inputs of layer `l`: the data, or what the layer before gave.
#[inline]
fn inputs<'a, T: Element>(
    activations: &'a Activations<T>,
    l: usize,
    x: MatrixRef<'a, T>,
    fan_in: usize,
) -> Result<MatrixRef<'a, T>, NetError> {
    match l {
        0 => Ok(x),
        _ => Ok(MatrixRef::new(activations.layer(l - 1, x.rows(), fan_in), x.rows(), fan_in)?),
    }
}
