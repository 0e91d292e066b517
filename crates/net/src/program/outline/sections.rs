//! The sections of a program.

use std::ops::Range;

/// The sections of a program, each a range of its instructions. They follow each other; those that a program does not need are empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sections {
    pub(super) forward: Range<usize>,
    pub(super) backward: Range<usize>,
    pub(super) norm: Range<usize>,
    pub(super) scale: Range<usize>,
    pub(super) update: Range<usize>,
    pub(super) biases: Range<usize>,
    pub(super) statistics: Range<usize>,
}

impl Sections {
    /// Forward pass and loss.
    pub(crate) fn forward(&self) -> Range<usize> {
        self.forward.clone()
    }
    /// All gradients; in a fused step all updates too.
    pub(crate) fn backward(&self) -> Range<usize> {
        self.backward.clone()
    }
    /// Forward pass, loss and all gradients.
    pub(crate) fn gradients(&self) -> Range<usize> {
        self.forward.start..self.backward.end
    }
    /// The norm of all gradients, if they are clipped.
    pub(crate) fn norm(&self) -> Range<usize> {
        self.norm.clone()
    }
    /// Scales all gradients to the largest norm. It is to be run only if their norm is larger.
    pub(crate) fn scale(&self) -> Range<usize> {
        self.scale.clone()
    }
    /// All updates, unless the step is fused.
    pub(crate) fn update(&self) -> Range<usize> {
        self.update.clone()
    }
    /// The updates of all biases, and of all parameters of norms: what may stay out of weight decay. They are the end of
    /// [`update`](Self::update), and in a fused step of [`backward`](Self::backward).
    pub(crate) fn biases(&self) -> Range<usize> {
        self.biases.clone()
    }
    /// The backward pass up to the updates of [`biases`](Self::biases), with the running statistics of a fused step.
    pub(crate) fn backward_of_weights(&self) -> Range<usize> {
        self.backward.start..self.backward.end.min(self.biases.start)
    }
    /// All updates up to those of [`biases`](Self::biases), unless the step is fused.
    pub(crate) fn update_of_weights(&self) -> Range<usize> {
        self.update.start..self.update.end.min(self.biases.start)
    }
    /// The running statistics of batch norms, unless they are in another section: those of a fused step and of a micro-batch are updated
    /// with its gradients.
    pub(crate) fn statistics(&self) -> Range<usize> {
        self.statistics.clone()
    }
}
