//! Checks of arguments that several operations share, all made before anything is changed.

use nxm_kernels::{Element, MatrixRef};

use crate::data::{Dataset, Targets, stray_label};
use crate::error::NetError;
use crate::loss::Loss;
use crate::network::Network;

/// The inputs must be as wide as the network's.
#[inline]
pub(crate) fn check_inputs<T: Element>(network: &Network<T>, x: MatrixRef<'_, T>) -> Result<(), NetError> {
    let (expected, found) = (network.inputs(), x.cols());
    if found == expected { Ok(()) } else { Err(NetError::Features { expected, found }) }
}

/// There must be examples, and they must fit the network and the loss.
pub(crate) fn check_data<T: Element>(network: &Network<T>, loss: &Loss, data: &Dataset<T>) -> Result<(), NetError> {
    if data.is_empty() {
        return Err(NetError::NoExamples);
    }
    check_kind(loss, data.targets())?;
    let (expected, found) = (network.outputs(), data.outputs());
    if found != expected {
        return Err(NetError::Outputs { expected, found });
    }
    check_examples(network, loss, data.inputs(), data.targets())
}

/// Inputs and targets must fit the network, each other and the loss, and labels be below the number of outputs.
#[inline]
pub(crate) fn check_examples<T: Element>(
    network: &Network<T>,
    loss: &Loss,
    x: MatrixRef<'_, T>,
    targets: Targets<'_, T>,
) -> Result<(), NetError> {
    check_inputs(network, x)?;
    check_kind(loss, targets)?;
    let outputs = network.outputs();
    let rows = match targets {
        Targets::Values(values) => {
            if values.cols() != outputs {
                return Err(NetError::Outputs { expected: outputs, found: values.cols() });
            }
            values.rows()
        }
        Targets::Classes(labels) => {
            if let Some((row, label)) = stray_label(labels, outputs) {
                return Err(NetError::Label { row, label, classes: outputs });
            }
            labels.len()
        }
    };
    if rows == x.rows() { Ok(()) } else { Err(NetError::TargetRows { expected: x.rows(), found: rows }) }
}

/// The targets must be of the kind that the loss needs.
#[inline]
fn check_kind<T>(loss: &Loss, targets: Targets<'_, T>) -> Result<(), NetError> {
    const VALUES: &str = "values";
    const LABELS: &str = "class labels";
    let error = |expected, found| Err(NetError::Targets { loss: loss.name(), expected, found });
    match (loss.takes_labels(), targets) {
        (false, Targets::Values(_)) | (true, Targets::Classes(_)) => Ok(()),
        (false, Targets::Classes(_)) => error(VALUES, LABELS),
        (true, Targets::Values(_)) => error(LABELS, VALUES),
    }
}

/// A learning rate must be finite and above 0.
///
/// On the bits, where positive finite numbers are the integers between those of 0 and +∞: a step executes no
/// floating-point instruction but its kernels'.
#[inline]
pub(crate) fn check_learning_rate<T: Element>(learning_rate: T) -> Result<(), NetError> {
    let sign = 1 << (8 * size_of::<T>() - 1);
    let infinity = T::NEG_INFINITY.to_bits_u64() ^ sign;
    let bits = learning_rate.to_bits_u64();
    if 0 < bits && bits < infinity {
        Ok(())
    } else {
        Err(NetError::LearningRate { learning_rate: learning_rate.to_f64(), element: T::NAME })
    }
}

/// Whether `x` is neither infinite nor NaN, on its bits: no floating-point instruction.
#[inline]
pub(crate) fn is_finite<T: Element>(x: T) -> bool {
    let sign = 1 << (8 * size_of::<T>() - 1);
    let infinity = T::NEG_INFINITY.to_bits_u64() ^ sign;
    x.to_bits_u64() & !sign < infinity
}

/// Whether all of them are.
pub(crate) fn finite<T: Element>(x: &[T]) -> bool {
    // Chunk by chunk, so that the inner loop has no way out and is one of vectors.
    x.chunks(1024).all(|chunk| chunk.iter().fold(true, |all, x| all & is_finite(*x)))
}

/// The same of the elements of a matrix whose rows are contiguous.
pub(crate) fn finite_matrix<T: Element>(x: MatrixRef<'_, T>) -> bool {
    (0..x.rows()).all(|i| finite(x.row(i)))
}

/// The first layer with a weight or bias that is infinite or NaN.
pub(crate) fn first_not_finite<T: Element>(network: &Network<T>) -> Option<usize> {
    network.layers().position(|layer| !finite_matrix(layer.weights()) || !finite(layer.bias()))
}
