//! The phases of a training step: the names under which [`Step`](crate::Step) announces them to the executor.

/// A layer's sums and activations: a = f(X·W + b).
pub const FORWARD: &str = "forward";
/// The loss and its gradient with respect to the network's outputs; booked under the last layer.
pub const LOSS: &str = "loss";
/// ∂L/∂z = ∂L/∂a · f'(z) of the last layer; that of the others is part of the input gradient of the layer behind them.
pub const ACTIVATION_GRADIENT: &str = "activation_gradient";
/// ∂L/∂W = Xᵀ·δ, where it is made for itself: when gradients are asked for or clipped.
pub const WEIGHT_GRADIENT: &str = "weight_gradient";
/// ∂L/∂b: the column sums of δ.
pub const BIAS_GRADIENT: &str = "bias_gradient";
/// δ·Wᵀ ⊙ f'(z), f that of the layer before; not in the first layer, whose inputs are data.
pub const INPUT_GRADIENT: &str = "input_gradient";
/// The norm of all gradients, and their scaling where it is too large.
pub const CLIP: &str = "clip";
/// The optimizer's change of weights and bias; unless gradients are clipped, fused with Xᵀ·δ, the weights' gradient.
pub const UPDATE: &str = "update";
