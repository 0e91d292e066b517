//! The gradients of a step, to read.

use nxm_kernels::{Element, MatrixRef};

use super::Step;

impl<T: Element> Step<T> {
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

    /// ∂L/∂b of a layer, a row of M, as [`Step::weight_gradient`] of its weights; without elements if the layer has no biases. Panics if there
    /// is no such layer.
    pub fn bias_gradient(&self, layer: usize) -> MatrixRef<'_, T> {
        self.gradient(layer, 1)
    }

    fn gradient(&self, layer: usize, which: usize) -> MatrixRef<'_, T> {
        assert!(layer < self.plans.layout.layers.len(), "there is no layer {layer}");
        let place = self.made.and_then(|plan| self.plans.plan(plan).results.gradients(layer)[which]);
        place.map_or(MatrixRef::from_row(&[]), |place| self.plans.matrix(place))
    }
}
