//! The forward pass: activations of all layers, kept for the backward pass.

use nxm_kernels::{
    Element, Executor, Kept, MatrixMut, MatrixRef, Region, ShapeError, dense_forward, dense_forward_keeping,
};

use crate::buffer::zeros;
use crate::error::NetError;
use crate::layer::Dense;
use crate::network::Network;
use crate::region;

/// A buffer for each layer's activations, and for its sums if its derivative needs them.
#[derive(Clone, Debug)]
pub(crate) struct Activations<T> {
    layers: Vec<Layer<T>>,
}

#[derive(Clone, Debug)]
struct Layer<T> {
    outputs: Vec<T>,
    /// Empty if nobody needs them.
    sums: Vec<T>,
}

/// What the activations are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A backward pass follows, which may need sums.
    Training,
    /// Only outputs matter.
    Inference,
}

impl<T: Element> Activations<T> {
    /// For at most `rows` rows.
    pub(crate) fn new(network: &Network<T>, rows: usize, purpose: Purpose) -> Result<Self, NetError> {
        let layer = |layer: &Dense<T>| {
            let needs_sums = purpose == Purpose::Training && layer.activation().kept() == Kept::Sums;
            let buffer = |rows| zeros("a batch's activations", rows, layer.fan_out());
            Ok(Layer { outputs: buffer(rows)?, sums: buffer(if needs_sums { rows } else { 0 })? })
        };
        Ok(Activations { layers: network.layers().iter().map(layer).collect::<Result<_, NetError>>()? })
    }

    /// Whether they were made for so many layers. (That each is large enough is seen when it is used.)
    #[inline]
    pub(crate) fn check_layers(&self, layers: usize) -> Result<(), ShapeError> {
        let found = self.layers.len();
        let what = "activations: layers of the buffers against layers of the network";
        if found == layers { Ok(()) } else { Err(ShapeError::Mismatch { what, expected: layers, found }) }
    }

    /// a₀ = f(x·W₀ + b₀), a₁ = f(a₀·W₁ + b₁), …: per layer B·N·M fma and B·M evaluations of f.
    ///
    /// `x` has at most the rows there is room for, and the network is of the shape this was made for.
    #[inline]
    pub(crate) fn run(
        &mut self,
        network: &Network<T>,
        executor: &impl Executor,
        x: MatrixRef<'_, T>,
    ) -> Result<(), ShapeError> {
        let rows = x.rows();
        let mut x = x;
        for (l, (layer, Layer { outputs, sums })) in network.layers().iter().zip(&mut self.layers).enumerate() {
            executor.enter(Region { name: region::FORWARD, layer: l });
            let (units, weights, activation) = (layer.fan_out(), layer.matrix()?, layer.activation());
            let a = MatrixMut::new(outputs, rows, units)?;
            if sums.is_empty() {
                dense_forward(executor, x, weights, layer.bias(), activation, a)?;
            } else {
                let z = MatrixMut::new(sums, rows, units)?;
                dense_forward_keeping(executor, x, weights, layer.bias(), activation, z, a)?;
            }
            x = MatrixRef::new(outputs, rows, units)?;
        }
        Ok(())
    }

    /// What layer `l` gave last for `rows` rows of `units` units.
    #[inline]
    pub(crate) fn layer(&self, l: usize, rows: usize, units: usize) -> &[T] {
        &self.layers[l].outputs[..rows * units]
    }

    /// What layer `l` kept of them for its derivative: outputs or sums.
    #[inline]
    pub(crate) fn kept(&self, l: usize, rows: usize, units: usize) -> &[T] {
        let Layer { outputs, sums } = &self.layers[l];
        let kept = if sums.is_empty() { outputs } else { sums };
        &kept[..rows * units]
    }

    /// What the last layer gave.
    #[inline]
    pub(crate) fn outputs(&self, rows: usize, outputs: usize) -> &[T] {
        self.layer(self.layers.len() - 1, rows, outputs)
    }
}
