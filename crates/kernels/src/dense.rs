//! A dense layer's three products, each with what follows it done while a block of C is in L2.
//!
//! Each gives the same bits as the two kernels it is made of, [`gemm()`](crate::gemm()) and the one that follows, without writing
//! and reading a matrix in between.

use crate::activation::Activation;
use crate::call::{Call, Op};
use crate::element::Element;
use crate::executor::Executor;
use crate::gemm::operand::Operand;
use crate::layout::ShapeError;
use crate::matrix::{MatrixMut, MatrixRef};
use crate::update::Rule;

/// A ← f(X·W + b): X of B × N, W of N × M, b of M, A of B × M.
///
/// B·N·M fma and B·M evaluations of f.
///
/// # Errors
/// [`ShapeError`] if the shapes do not fit together.
pub fn dense_forward<'a, T: Element>(
    executor: &dyn Executor,
    x: MatrixRef<'a, T>,
    weights: impl Into<Operand<'a, T>>,
    bias: &'a [T],
    activation: Activation,
    a: MatrixMut<'a, T>,
) -> Result<(), ShapeError> {
    let call = Call::dense_forward(x, weights.into(), MatrixRef::from_row(bias), activation, None, a)?;
    T::run(executor, call, None);
    Ok(())
}

/// [`dense_forward()`] that keeps the sums: Z ← X·W + b, A ← f(Z). For activations whose derivative needs z
/// ([`Activation::kept`]).
///
/// The same operations.
///
/// # Errors
/// [`ShapeError`] if the shapes do not fit together.
pub fn dense_forward_keeping<'a, T: Element>(
    executor: &dyn Executor,
    x: MatrixRef<'a, T>,
    weights: MatrixRef<'a, T>,
    bias: &'a [T],
    activation: Activation,
    sums: MatrixMut<'a, T>,
    a: MatrixMut<'a, T>,
) -> Result<(), ShapeError> {
    let call = Call::dense_forward(x, weights.into(), MatrixRef::from_row(bias), activation, Some(sums), a)?;
    T::run(executor, call, None);
    Ok(())
}

/// D ← δ·Wᵀ ⊙ f'(z): δ of B × M, W of N × M, D of B × N, where `kept`, B × N, is what the layer before kept, its outputs f(z) or
/// its sums z ([`Activation::kept`]), and f its activation.
///
/// B·N·M fma (one row: N·M multiplications and N·(M − 1) additions, as [`gemm()`](crate::gemm()) says) and the derivative for each of
/// B·N units ([`Activation`] says what it takes).
///
/// # Errors
/// [`ShapeError`] if the shapes do not fit together or rows of `kept` are not contiguous.
pub fn dense_input_gradient<'a, T: Element>(
    executor: &dyn Executor,
    delta: MatrixRef<'a, T>,
    weights: MatrixRef<'a, T>,
    activation: Activation,
    kept: MatrixRef<'a, T>,
    d: MatrixMut<'a, T>,
) -> Result<(), ShapeError> {
    T::run(executor, Call::dense_input_gradient(delta, weights, activation, kept, d)?, None);
    Ok(())
}

/// W ← W updated by `rule` from the gradient Xᵀ·δ, which is not kept: X of B × N, δ of B × M, W of N × M and as much state of that
/// shape as the rule keeps.
///
/// B·N·M fma and the rule's operations for each of N·M weights.
///
/// # Errors
/// [`ShapeError`] if the shapes do not fit together; before anything changes.
pub fn dense_update<'a, T: Element>(
    executor: &dyn Executor,
    x: MatrixRef<'a, T>,
    delta: MatrixRef<'a, T>,
    rule: Rule<T>,
    weights: MatrixMut<'a, T>,
    state: [Option<MatrixMut<'a, T>>; 2],
) -> Result<(), ShapeError> {
    T::run(executor, Call::dense_update(x, delta, rule, weights, state)?, None);
    Ok(())
}

impl<'a, T: Element> Call<'a, T> {
    /// A ← f(X·W + b), and, if `sums` is given, those become X·W + b: see [`dense_forward()`] and [`dense_forward_keeping()`].
    ///
    /// # Errors
    /// [`ShapeError`] if the shapes do not fit together.
    pub fn dense_forward(
        x: MatrixRef<'a, T>,
        weights: Operand<'a, T>,
        bias: MatrixRef<'a, T>,
        activation: Activation,
        sums: Option<MatrixMut<'a, T>>,
        a: MatrixMut<'a, T>,
    ) -> Result<Self, ShapeError> {
        Call::checked(Op::DenseForward { x, weights, bias, activation, parameters: activation.rounded(), sums, a })
    }

    /// D ← δ·Wᵀ ⊙ f'(z): see [`dense_input_gradient()`].
    ///
    /// # Errors
    /// [`ShapeError`] if the shapes do not fit together.
    pub fn dense_input_gradient(
        delta: MatrixRef<'a, T>,
        weights: MatrixRef<'a, T>,
        activation: Activation,
        kept: MatrixRef<'a, T>,
        d: MatrixMut<'a, T>,
    ) -> Result<Self, ShapeError> {
        Call::checked(Op::DenseInputGradient { delta, weights, activation, parameters: activation.rounded(), kept, d })
    }

    /// ∂W ← Xᵀ·δ: X of B × N, δ of B × M, ∂W of N × M. B·N·M fma.
    ///
    /// # Errors
    /// [`ShapeError`] if the shapes do not fit together.
    pub fn dense_weight_gradient(
        x: MatrixRef<'a, T>,
        delta: MatrixRef<'a, T>,
        gradient: MatrixMut<'a, T>,
    ) -> Result<Self, ShapeError> {
        Call::checked(Op::DenseWeightGradient { x, delta, gradient })
    }

    /// W updated by a rule from Xᵀ·δ: see [`dense_update()`].
    ///
    /// # Errors
    /// [`ShapeError`] if the shapes do not fit together.
    pub fn dense_update(
        x: MatrixRef<'a, T>,
        delta: MatrixRef<'a, T>,
        rule: Rule<T>,
        weights: MatrixMut<'a, T>,
        state: [Option<MatrixMut<'a, T>>; 2],
    ) -> Result<Self, ShapeError> {
        Call::checked(Op::DenseUpdate { x, delta, rule, weights, state })
    }
}
