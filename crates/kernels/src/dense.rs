//! A dense layer's three products, each with what follows it done while a block of C is in L2.
//!
//! Each gives the same bits as the two kernels it is made of, [`gemm()`](crate::gemm()) and the one that follows, without writing
//! and reading a matrix in between.

use crate::activation::Activation;
use crate::element::Element;
use crate::executor::Executor;
use crate::gemm::epilogue::Epilogue;
use crate::gemm::operand::Operand;
use crate::gemm::{Init, multiply};
use crate::matrix::{MatrixMut, MatrixRef, ShapeError, check};
use crate::update::Rule;

/// A ← f(X·W + b): X of B × N, W of N × M, b of M, A of B × M.
///
/// B·N·M fma and B·M evaluations of f.
///
/// # Errors
/// [`ShapeError`] if the shapes do not fit together.
pub fn dense_forward<'a, T: Element>(
    executor: &impl Executor,
    x: MatrixRef<'_, T>,
    weights: impl Into<Operand<'a, T>>,
    bias: &[T],
    activation: Activation,
    a: MatrixMut<'_, T>,
) -> Result<(), ShapeError> {
    multiply(executor, x, weights.into(), Init::Bias(bias), a, Epilogue::Activate(activation))
}

/// [`dense_forward()`] that keeps the sums: Z ← X·W + b, A ← f(Z). For activations whose derivative needs z
/// ([`Activation::kept`]).
///
/// The same operations.
///
/// # Errors
/// [`ShapeError`] if the shapes do not fit together.
pub fn dense_forward_keeping<T: Element>(
    executor: &impl Executor,
    x: MatrixRef<'_, T>,
    weights: MatrixRef<'_, T>,
    bias: &[T],
    activation: Activation,
    sums: MatrixMut<'_, T>,
    a: MatrixMut<'_, T>,
) -> Result<(), ShapeError> {
    check("dense_forward_keeping: rows of the sums against rows of a", a.rows(), sums.rows())?;
    check("dense_forward_keeping: columns of the sums against columns of a", a.cols(), sums.cols())?;
    if sums.cols() > 1 {
        check("dense_forward_keeping: column stride of the sums", 1, sums.col_stride())?;
    }
    multiply(executor, x, weights.into(), Init::Bias(bias), a, Epilogue::ActivateKeeping { activation, sums })
}

/// D ← δ·Wᵀ ⊙ f'(z): δ of B × M, W of N × M, D of B × N, where `kept`, B × N, is what the layer before kept, its outputs f(z) or
/// its sums z ([`Activation::kept`]), and f its activation.
///
/// B·N·M fma and the derivative for each of B·N units ([`Activation`] says what it takes).
///
/// # Errors
/// [`ShapeError`] if the shapes do not fit together or rows of `kept` are not contiguous.
pub fn dense_input_gradient<T: Element>(
    executor: &impl Executor,
    delta: MatrixRef<'_, T>,
    weights: MatrixRef<'_, T>,
    activation: Activation,
    kept: MatrixRef<'_, T>,
    d: MatrixMut<'_, T>,
) -> Result<(), ShapeError> {
    check("dense_input_gradient: rows of what was kept against rows of d", d.rows(), kept.rows())?;
    check("dense_input_gradient: columns of what was kept against columns of d", d.cols(), kept.cols())?;
    if kept.cols() > 1 {
        check("dense_input_gradient: column stride of what was kept", 1, kept.col_stride())?;
    }
    multiply(executor, delta, weights.transpose().into(), Init::Zero, d, Epilogue::Derive { activation, kept })
}

/// W ← W updated by `rule` from the gradient Xᵀ·δ, which is not kept: X of B × N, δ of B × M, W of N × M and as much state of that
/// shape as the rule keeps.
///
/// B·N·M fma and the rule's operations for each of N·M weights.
///
/// # Errors
/// [`ShapeError`] if the shapes do not fit together; before anything changes.
pub fn dense_update<T: Element>(
    executor: &impl Executor,
    x: MatrixRef<'_, T>,
    delta: MatrixRef<'_, T>,
    rule: Rule<T>,
    weights: MatrixMut<'_, T>,
    state: [Option<MatrixMut<'_, T>>; 2],
) -> Result<(), ShapeError> {
    let kept = state.iter().take_while(|matrix| matrix.is_some()).count();
    check("dense_update: matrices of state", rule.state(), kept)?;
    for matrix in state.iter().flatten() {
        check("dense_update: rows of the state against rows of the weights", weights.rows(), matrix.rows())?;
        check("dense_update: columns of the state against columns of the weights", weights.cols(), matrix.cols())?;
        if matrix.cols() > 1 {
            check("dense_update: column stride of the state", 1, matrix.col_stride())?;
        }
    }
    multiply(executor, x.transpose(), delta.into(), Init::Zero, weights, Epilogue::Update { rule, state })
}
