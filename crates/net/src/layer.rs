//! The numbers of one layer, to read and to change.

use nxm_kernels::program::Place;
use nxm_kernels::{Activation, Element, MatrixMut, MatrixRef};

use crate::layers::Layer;
use crate::layout::LayerLayout;

/// What errors call a layer's weights.
pub(crate) const WEIGHTS: &str = "weights";

/// A layer of a [`Network`](crate::Network): what it computes, and its parameters.
#[derive(Clone, Copy, Debug)]
pub struct LayerRef<'a, T> {
    pub(crate) layout: LayerLayout,
    /// The parameters of the whole network.
    pub(crate) memory: &'a [T],
}

/// A layer whose parameters may be changed.
#[derive(Debug)]
pub struct LayerMut<'a, T> {
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

/// What stands at a place of one row, to change.
fn row_mut<T>(memory: &mut [T], place: Option<Place>) -> &mut [T] {
    match place {
        Some(Place { offset, layout, .. }) => &mut memory[offset..][..layout.cols],
        None => &mut [],
    }
}

impl<'a, T: Element> LayerRef<'a, T> {
    /// N, the inputs of each unit.
    pub fn fan_in(&self) -> usize {
        self.layout.fan_in
    }
    /// M, the units.
    pub fn fan_out(&self) -> usize {
        self.layout.fan_out
    }
    /// What the layer computes.
    pub fn layer(&self) -> Layer {
        self.layout.layer
    }
    /// f.
    pub fn activation(&self) -> Activation {
        self.layout.layer.activation()
    }
    /// W of a dense layer, N × M: element (i, j) joins input i to unit j, as in aⱼ = f(bⱼ + Σᵢ Wᵢⱼ xᵢ). (PyTorch stores the transpose.) γ of a norm,
    /// 1 × M. No rows of another layer.
    pub fn weights(&self) -> MatrixRef<'a, T> {
        matrix(self.memory, self.layout.weights)
    }
    /// b, or β of a norm, of M; empty if the layer has no biases.
    pub fn bias(&self) -> &'a [T] {
        self.layout.bias.map_or(&[], |bias| matrix(self.memory, bias).row(0))
    }
    /// Weights and biases: N·M + M of a dense layer, N·M without biases, 2M of a norm.
    pub fn parameters(&self) -> usize {
        self.layout.places().map(|Place { layout, .. }| layout.rows * layout.cols).sum()
    }
    /// The running means of a batch norm, M of them; empty of another layer.
    pub fn running_mean(&self) -> &'a [T] {
        self.layout.running.map_or(&[], |[mean, _]| matrix(self.memory, mean).row(0))
    }
    /// The running variances of a batch norm, M of them; empty of another layer.
    pub fn running_variance(&self) -> &'a [T] {
        self.layout.running.map_or(&[], |[_, variance]| matrix(self.memory, variance).row(0))
    }
    /// Whether all numbers are those of another layer of this shape.
    pub(crate) fn same(&self, other: &LayerRef<'_, T>) -> bool {
        let same = |place: Place| {
            let [a, b] = [self.memory, other.memory].map(|memory| matrix(memory, place));
            (0..a.rows()).all(|i| a.row(i) == b.row(i))
        };
        self.layout.stored().all(same)
    }
}

impl<T: Element> LayerMut<'_, T> {
    /// The layer, to read.
    pub fn as_ref(&self) -> LayerRef<'_, T> {
        LayerRef { layout: self.layout, memory: self.memory }
    }
    /// W, to change.
    pub fn weights_mut(&mut self) -> MatrixMut<'_, T> {
        matrix_mut(self.memory, self.layout.weights)
    }
    /// b, to change; empty if the layer has no biases.
    pub fn bias_mut(&mut self) -> &mut [T] {
        row_mut(self.memory, self.layout.bias)
    }
    /// The running means of a batch norm, to change; empty of another layer.
    pub fn running_mean_mut(&mut self) -> &mut [T] {
        row_mut(self.memory, self.layout.running.map(|[mean, _]| mean))
    }
    /// The running variances of a batch norm, to change; empty of another layer.
    pub fn running_variance_mut(&mut self) -> &mut [T] {
        row_mut(self.memory, self.layout.running.map(|[_, variance]| variance))
    }
}
