//! The phases of a training step: the names under which [`Step`](crate::Step) announces them to the executor.

/// A layer's sums and activations: a = f(X·W + b).
pub const FORWARD: &str = "forward";
/// The loss and its gradient with respect to the network's outputs; booked under the last layer.
pub const LOSS: &str = "loss";
/// ∂L/∂z = ∂L/∂a · f'(z).
pub const ACTIVATION_GRADIENT: &str = "activation_gradient";
/// ∂L/∂W = Xᵀ·δ.
pub const WEIGHT_GRADIENT: &str = "weight_gradient";
/// ∂L/∂b: the column sums of δ.
pub const BIAS_GRADIENT: &str = "bias_gradient";
/// ∂L/∂X = δ·Wᵀ; not in the first layer, whose inputs are data.
pub const INPUT_GRADIENT: &str = "input_gradient";
/// The optimizer's change of weights and bias.
pub const UPDATE: &str = "update";
