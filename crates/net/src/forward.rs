//! The forward pass: activations of all layers, kept for the backward pass.

use nxm_kernels::{Element, Executor, Init, MatrixMut, MatrixRef, Region, ShapeError, gemm};

use crate::buffer::zeros;
use crate::error::NetError;
use crate::network::Network;
use crate::region;

/// A buffer for each layer's activations.
#[derive(Clone, Debug)]
pub(crate) struct Activations<T> {
    layers: Vec<Vec<T>>,
}

impl<T: Element> Activations<T> {
    /// For at most `rows` rows.
    pub(crate) fn new(network: &Network<T>, rows: usize) -> Result<Self, NetError> {
        let layers = network.layers().iter().map(|layer| zeros("a batch's activations", rows, layer.fan_out()));
        Ok(Activations { layers: layers.collect::<Result<_, _>>()? })
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
        for (l, (layer, a)) in network.layers().iter().zip(&mut self.layers).enumerate() {
            executor.enter(Region { name: region::FORWARD, layer: l });
            let units = layer.fan_out();
            let a = &mut a[..rows * units];
            gemm(executor, x, layer.matrix()?, Init::Bias(layer.bias()), MatrixMut::new(a, rows, units)?)?;
            layer.activation().forward(executor, a);
            x = MatrixRef::new(a, rows, units)?;
        }
        Ok(())
    }

    /// What layer `l` gave last for `rows` rows of `units` units.
    #[inline]
    pub(crate) fn layer(&self, l: usize, rows: usize, units: usize) -> &[T] {
        &self.layers[l][..rows * units]
    }

    /// What the last layer gave.
    #[inline]
    pub(crate) fn outputs(&self, rows: usize, outputs: usize) -> &[T] {
        self.layer(self.layers.len() - 1, rows, outputs)
    }
}
