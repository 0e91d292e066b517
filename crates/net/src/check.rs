//! Checks of arguments that several operations share, all made before anything is changed.

use nxm_kernels::{Element, MatrixRef};

use crate::data::{Dataset, Targets, stray_label};
use crate::error::NetError;
use crate::layer::matrix;
use crate::layout::{LayerLayout, NetworkLayout};
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
    check_examples(network, loss, data.inputs(), data.targets())?;
    check_weighable(loss, data.weights().is_some())?;
    match data.weights() {
        // A part of a data set may have none of the rows that weigh something.
        Some(weights) if weights.iter().all(|s| is_zero(*s)) => Err(NetError::NoWeight),
        _ => Ok(()),
    }
}

/// Examples with weights have a mean, and no sum: the kernel that weighs rows divides by their weights.
#[inline]
pub(crate) fn check_weighable(loss: &Loss, weighted: bool) -> Result<(), NetError> {
    match loss.is_sum() && weighted {
        true => Err(NetError::OptionNeeds { option: "the sum of losses", needs: "examples without weights" }),
        false => Ok(()),
    }
}

/// There must be a weight for each of so many examples, finite and at least 0.
#[inline]
pub(crate) fn check_weights<T: Element>(weights: &[T], rows: usize) -> Result<(), NetError> {
    if weights.len() != rows {
        return Err(NetError::Weights { expected: rows, found: weights.len() });
    }
    match stray_weight(weights) {
        Some((row, weight)) => Err(NetError::Weight { row, weight }),
        None => Ok(()),
    }
}

/// The first row whose weight is negative or not finite, and that weight. By bits, as all checks of a step.
pub(crate) fn stray_weight<T: Element>(weights: &[T]) -> Option<(usize, f64)> {
    // Positive finite numbers are in the order of their bits, and all others are above them.
    let row = weights.iter().position(|s| s.to_bits_u64() >= infinity::<T>() && !is_zero(*s))?;
    Some((row, weights[row].to_f64()))
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
    if is_positive(learning_rate) {
        Ok(())
    } else {
        Err(NetError::LearningRate { learning_rate: learning_rate.to_f64(), element: T::NAME })
    }
}

/// Whether `x` is finite and above 0, on its bits.
#[inline]
pub(crate) fn is_positive<T: Element>(x: T) -> bool {
    let bits = x.to_bits_u64();
    0 < bits && bits < infinity::<T>()
}

/// Whether `x` is neither infinite nor NaN, on its bits: no floating-point instruction.
#[inline]
pub(crate) fn is_finite<T: Element>(x: T) -> bool {
    x.to_bits_u64() & !sign::<T>() < infinity::<T>()
}

/// The bit of the sign.
#[inline]
fn sign<T: Element>() -> u64 {
    1 << (8 * size_of::<T>() - 1)
}

/// The bits of +∞.
#[inline]
fn infinity<T: Element>() -> u64 {
    T::NEG_INFINITY.to_bits_u64() ^ sign::<T>()
}

/// Whether `x` is +0 or −0, on its bits.
#[inline]
fn is_zero<T: Element>(x: T) -> bool {
    x.to_bits_u64() & !sign::<T>() == 0
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

/// The first layer with a weight, bias or running statistic that is infinite or NaN.
pub(crate) fn first_not_finite<T: Element>(network: &Network<T>) -> Option<usize> {
    let memory = network.parameters.as_slice();
    let finite = |layer: &LayerLayout| layer.stored().all(|place| finite_matrix(matrix(memory, place)));
    network.layout.layers.iter().position(|layer| !finite(layer))
}

/// No step on so many rows may be one of a batch norm on a single row: its variance is 0, and that without bias is none.
#[inline]
pub(crate) fn check_norms(layout: &NetworkLayout, rows: usize) -> Result<(), NetError> {
    if rows != 1 { Ok(()) } else { check_no_batch_norm(layout) }
}

#[cold]
fn check_no_batch_norm(layout: &NetworkLayout) -> Result<(), NetError> {
    match layout.layers.iter().position(|layer| layer.running.is_some()) {
        Some(layer) => Err(NetError::OneExample { layer }),
        None => Ok(()),
    }
}
