//! One step of training: forward, loss, backward, update.
//!
//! For B rows and layers of N inputs and M units the matrix work is B·(3S − N₀M₀) fma with S = Σ N·M: each layer's weights
//! meet the batch in the forward pass, the weight gradient and the input gradient, but nobody asks for the gradient of
//! the data.

use nxm_kernels::{Element, Executor, Init, MatrixMut, MatrixRef, Region, column_sum, gemm, sgd};

use crate::buffer::zeros;
use crate::check::{check_examples, check_learning_rate};
use crate::data::Targets;
use crate::error::NetError;
use crate::forward::Activations;
use crate::layer::Dense;
use crate::loss::{Criterion, Loss};
use crate::network::Network;
use crate::region;

/// Buffers for training networks of one shape, on batches up to one size, by one loss.
///
/// Everything a step needs is allocated here, once.
#[derive(Clone, Debug)]
pub struct Step<T> {
    batch: usize,
    criterion: Criterion<T>,
    activations: Activations<T>,
    gradients: Vec<Gradient<T>>,
    /// ∂L/∂a, then ∂L/∂z of the layer the backward pass is at.
    delta: Vec<T>,
    /// ∂L/∂a of the layer before it.
    delta_before: Vec<T>,
}

/// The gradient of a layer's parameters.
#[derive(Clone, Debug)]
struct Gradient<T> {
    fan_in: usize,
    fan_out: usize,
    weights: Vec<T>,
    bias: Vec<T>,
}

impl<T: Element> Step<T> {
    /// Buffers for networks shaped as `network` and batches of at most `batch` examples.
    ///
    /// # Errors
    /// [`NetError`] if `batch` is 0, or if the buffers do not fit into memory.
    pub fn new(network: &Network<T>, loss: Loss, batch: usize) -> Result<Step<T>, NetError> {
        if batch == 0 {
            return Err(NetError::NoBatch);
        }
        let gradient = |layer: &Dense<T>| {
            let (fan_in, fan_out) = (layer.fan_in(), layer.fan_out());
            let weights = zeros("the gradient of weights", fan_in, fan_out)?;
            Ok(Gradient { fan_in, fan_out, weights, bias: zeros("the gradient of biases", 1, fan_out)? })
        };
        let widest = network.layers().iter().map(Dense::fan_out).max().unwrap_or(0);
        Ok(Step {
            batch,
            criterion: Criterion::new(loss, network.outputs(), batch)?,
            activations: Activations::new(network, batch)?,
            gradients: network.layers().iter().map(gradient).collect::<Result<_, NetError>>()?,
            delta: zeros("a batch's gradient", batch, widest)?,
            delta_before: zeros("a batch's gradient", batch, widest)?,
        })
    }

    /// One step of gradient descent, w ← w − η·∂L/∂w, on at most as many examples as the step was made for; returns their
    /// mean loss before it. One fma per parameter on top of [`Step::gradients`].
    ///
    /// The numbers in `x` and `targets` are not looked at: NaN among them makes NaN of the network. A
    /// [`Dataset`](crate::Dataset) has none.
    ///
    /// # Errors
    /// [`NetError`] if the network, the batch or the learning rate do not fit; then nothing has changed.
    pub fn train(
        &mut self,
        network: &mut Network<T>,
        executor: &impl Executor,
        x: MatrixRef<'_, T>,
        targets: Targets<'_, T>,
        learning_rate: T,
    ) -> Result<T, NetError> {
        check_learning_rate(learning_rate)?;
        let loss = self.gradients(network, executor, x, targets)?;
        for (l, (layer, gradient)) in network.layers_mut().iter_mut().zip(&self.gradients).enumerate() {
            executor.enter(Region { name: region::UPDATE, layer: l });
            sgd(executor, learning_rate, &gradient.weights, layer.weights_mut())?;
            sgd(executor, learning_rate, &gradient.bias, layer.bias_mut())?;
        }
        Ok(loss)
    }

    /// The mean loss, and its gradient with respect to all parameters, which stays here to be read.
    ///
    /// Per layer, B rows: forward B·N·M fma and B·M evaluations; backward B·N·M fma for the weights, B·M additions for the
    /// bias, B·N·M fma for the inputs (not in the first layer), and the activation's derivative for each unit. In
    /// between, the [loss](Loss).
    ///
    /// # Errors
    /// [`NetError`] if the network or the batch do not fit; then nothing has changed.
    pub fn gradients(
        &mut self,
        network: &Network<T>,
        executor: &impl Executor,
        x: MatrixRef<'_, T>,
        targets: Targets<'_, T>,
    ) -> Result<T, NetError> {
        self.check(network, x, targets)?;
        self.activations.run(network, executor, x)?;

        let last = self.gradients.len() - 1;
        executor.enter(Region { name: region::LOSS, layer: last });
        let len = x.rows() * network.outputs();
        let outputs = self.activations.outputs(x.rows(), network.outputs());
        let loss = self.criterion.run(executor, outputs, targets, &mut self.delta[..len])?;

        for (l, layer) in network.layers().iter().enumerate().rev() {
            self.backward(l, layer, executor, x)?;
        }
        Ok(loss)
    }

    /// The backward pass of layer `l`: its activations' and its inputs' gradients replace one another in `delta`.
    #[inline]
    fn backward(
        &mut self,
        l: usize,
        layer: &Dense<T>,
        executor: &impl Executor,
        x: MatrixRef<'_, T>,
    ) -> Result<(), NetError> {
        let Gradient { fan_in, fan_out, ref mut weights, ref mut bias } = self.gradients[l];
        let rows = x.rows();
        let delta = &mut self.delta[..rows * fan_out];

        executor.enter(Region { name: region::ACTIVATION_GRADIENT, layer: l });
        layer.activation().backward(executor, self.activations.layer(l, rows, fan_out), delta)?;
        let delta = MatrixRef::new(delta, rows, fan_out)?;

        executor.enter(Region { name: region::WEIGHT_GRADIENT, layer: l });
        let inputs = match l {
            0 => x,
            _ => MatrixRef::new(self.activations.layer(l - 1, rows, fan_in), rows, fan_in)?,
        };
        gemm(executor, inputs.transpose(), delta, Init::Zero, MatrixMut::new(weights, fan_in, fan_out)?)?;

        executor.enter(Region { name: region::BIAS_GRADIENT, layer: l });
        column_sum(executor, delta, bias)?;

        if l > 0 {
            executor.enter(Region { name: region::INPUT_GRADIENT, layer: l });
            let before = MatrixMut::new(&mut self.delta_before, rows, fan_in)?;
            gemm(executor, delta, layer.matrix()?.transpose(), Init::Zero, before)?;
            std::mem::swap(&mut self.delta, &mut self.delta_before);
        }
        Ok(())
    }

    /// Whether network and batch fit these buffers and each other.
    #[inline]
    fn check(&self, network: &Network<T>, x: MatrixRef<'_, T>, targets: Targets<'_, T>) -> Result<(), NetError> {
        let layers = network.layers();
        let fits = |(gradient, layer): (&Gradient<T>, &Dense<T>)| {
            gradient.fan_in == layer.fan_in() && gradient.fan_out == layer.fan_out()
        };
        if layers.len() != self.gradients.len() || !self.gradients.iter().zip(layers).all(fits) {
            return Err(self.other_network(layers));
        }
        match x.rows() {
            0 => return Err(NetError::NoBatch),
            rows if rows > self.batch => return Err(NetError::BatchTooLarge { rows, batch: self.batch }),
            _ => {}
        }
        check_examples(network, self.criterion.loss(), x, targets)
    }

    /// The first layer that the buffers were not made for.
    #[cold]
    fn other_network(&self, layers: &[Dense<T>]) -> NetError {
        let expected = |l: usize| self.gradients.get(l).map(|gradient| (gradient.fan_in, gradient.fan_out));
        let found = |l: usize| layers.get(l).map(|layer| (layer.fan_in(), layer.fan_out()));
        let layer = (0..layers.len()).find(|&l| expected(l) != found(l)).unwrap_or(layers.len());
        NetError::Network { layer, expected: expected(layer), found: found(layer) }
    }

    /// ∂L/∂W of a layer, N × M, row-major, from the last step. Panics if there is no such layer.
    pub fn weight_gradient(&self, layer: usize) -> &[T] {
        &self.gradients[layer].weights
    }

    /// ∂L/∂b of a layer, from the last step. Panics if there is no such layer.
    pub fn bias_gradient(&self, layer: usize) -> &[T] {
        &self.gradients[layer].bias
    }
}
