//! One dense layer: a = f(X·W + b).

use nxm_kernels::program::Place;
use nxm_kernels::{Activation, Element, MatrixMut, MatrixRef};

use crate::layout::LayerLayout;

/// What errors call a layer's weights.
pub(crate) const WEIGHTS: &str = "weights";

/// A dense layer of a [`Network`](crate::Network): N inputs, M units, N·M weights and M biases.
#[derive(Clone, Copy, Debug)]
pub struct Dense<'a, T> {
    pub(crate) layout: LayerLayout,
    /// The parameters of the whole network.
    pub(crate) memory: &'a [T],
}

/// A dense layer whose parameters may be changed.
#[derive(Debug)]
pub struct DenseMut<'a, T> {
    pub(crate) layout: LayerLayout,
    pub(crate) memory: &'a mut [T],
}

/// What stands at a place.
pub(crate) fn matrix<T>(memory: &[T], place: Place) -> MatrixRef<'_, T> {
    MatrixRef::with_layout(&memory[place.offset..], place.layout).expect("memory of this shape")
}

/// What stands at a place, to change.
pub(crate) fn matrix_mut<T>(memory: &mut [T], place: Place) -> MatrixMut<'_, T> {
    MatrixMut::with_layout(&mut memory[place.offset..], place.layout).expect("memory of this shape")
}

impl<'a, T: Element> Dense<'a, T> {
    /// N, the inputs of each unit.
    pub fn fan_in(&self) -> usize {
        self.layout.fan_in
    }
    /// M, the units.
    pub fn fan_out(&self) -> usize {
        self.layout.fan_out
    }
    /// f.
    pub fn activation(&self) -> Activation {
        self.layout.activation
    }
    /// W, N × M: element (i, j) joins input i to unit j, as in aⱼ = f(bⱼ + Σᵢ Wᵢⱼ xᵢ). (PyTorch stores the transpose.)
    pub fn weights(&self) -> MatrixRef<'a, T> {
        matrix(self.memory, self.layout.weights)
    }
    /// b, of M.
    pub fn bias(&self) -> &'a [T] {
        matrix(self.memory, self.layout.bias).row(0)
    }
    /// N·M + M.
    pub fn parameters(&self) -> usize {
        (self.layout.fan_in + 1) * self.layout.fan_out
    }
    /// Whether all parameters are those of another layer of this shape.
    pub(crate) fn same(&self, other: &Dense<'_, T>) -> bool {
        let (a, b) = (self.weights(), other.weights());
        self.bias() == other.bias() && (0..a.rows()).all(|i| a.row(i) == b.row(i))
    }
}

impl<T: Element> DenseMut<'_, T> {
    /// The layer, to read.
    pub fn as_ref(&self) -> Dense<'_, T> {
        Dense { layout: self.layout, memory: self.memory }
    }
    /// W, to change.
    pub fn weights_mut(&mut self) -> MatrixMut<'_, T> {
        matrix_mut(self.memory, self.layout.weights)
    }
    /// b, to change.
    pub fn bias_mut(&mut self) -> &mut [T] {
        let Place { offset, layout, .. } = self.layout.bias;
        &mut self.memory[offset..][..layout.cols]
    }
}
