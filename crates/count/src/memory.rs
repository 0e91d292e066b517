//! Memory: what a network's training and its inference hold at most.

use serde::Serialize;

use crate::kind::Overflow;
use crate::spec::{Clipping, CountError, NetworkSpec};
use nxm_kernels::{Element, Kept};
use nxm_net::Loss;

/// Bytes that are held from a training's first step to its last, or from a prediction's start to its end, by what they are for.
///
/// Beside them each thread keeps memory for packed blocks of a product, at most about 5 MiB, and 256 bytes for each row of a batch where that is
/// more; and a data set is held by whoever has it: a batch of it is counted here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Memory {
    /// Weights and biases.
    pub parameters: u128,
    /// What the optimizer keeps for each parameter.
    pub optimizer: u128,
    /// Gradients of biases; those of weights only if they are clipped.
    pub gradients: u128,
    /// Outputs of all layers for a batch, and their sums where the derivative is of z.
    pub activations: u128,
    /// Two gradients of a batch, as wide as the widest layer.
    pub deltas: u128,
    /// What the loss keeps of each row, element or class.
    pub loss: u128,
    /// A batch's inputs and its targets.
    pub batch: u128,
    /// All of it.
    pub total: u128,
}

impl Memory {
    /// Of training on batches of `batch` examples, in elements of `T`.
    ///
    /// # Errors
    /// [`CountError`] if `batch` is 0 or the bytes exceed 128 bits.
    pub fn training<T: Element>(network: &NetworkSpec, batch: u64) -> Result<Memory, CountError> {
        let units = || network.sizes()[1..].iter().map(|units| u128::from(*units));
        let rows = u128::from(batch);
        let widest = units().max().unwrap_or(0);
        let sums: u128 = (0..network.layers())
            .filter(|layer| network.activation(*layer).kept() == Kept::Sums)
            .map(|layer| u128::from(network.sizes()[layer + 1]))
            .sum();
        let outputs = u128::from(network.sizes()[network.layers()]);
        let gradients = if network.clipping() == Clipping::None { units().sum() } else { network.parameters() };
        let loss = match network.loss() {
            Loss::MeanSquaredError => Some(0),
            Loss::BinaryCrossEntropy => rows.checked_mul(outputs),
            // Beside the rows' losses, their weights, and three numbers for each class.
            loss if loss.is_weighted() => Some(2 * rows + 3 * outputs),
            Loss::CrossEntropy { .. } => Some(rows),
        };
        let size = size_of::<T>() as u128;
        let labels = if network.loss().takes_labels() { 4 * rows } else { 0 };
        let targets = if network.loss().takes_labels() { 0 } else { outputs };
        let kept = network.optimizer().state_names().len() as u128;
        let elements = [
            Some(network.parameters()),
            network.parameters().checked_mul(kept),
            Some(gradients),
            rows.checked_mul(units().sum::<u128>() + sums),
            rows.checked_mul(2 * widest),
            loss,
            rows.checked_mul(u128::from(network.sizes()[0]) + targets),
        ];
        Memory::new(batch, elements, size, labels)
    }

    /// Of inference on batches of `batch` examples, in elements of `T`.
    ///
    /// # Errors
    /// [`CountError`] if `batch` is 0 or the bytes exceed 128 bits.
    pub fn inference<T: Element>(network: &NetworkSpec, batch: u64) -> Result<Memory, CountError> {
        let rows = u128::from(batch);
        let units: u128 = network.sizes()[1..].iter().map(|units| u128::from(*units)).sum();
        let none = Some(0);
        let inputs = rows.checked_mul(network.sizes()[0].into());
        let elements = [Some(network.parameters()), none, none, rows.checked_mul(units), none, none, inputs];
        Memory::new(batch, elements, size_of::<T>() as u128, 0)
    }

    fn new(batch: u64, elements: [Option<u128>; 7], size: u128, labels: u128) -> Result<Memory, CountError> {
        CountError::not_zero("the batch", batch)?;
        let bytes = || {
            let mut bytes = [0u128; 7];
            for (bytes, elements) in bytes.iter_mut().zip(elements) {
                *bytes = elements?.checked_mul(size)?;
            }
            bytes[6] = bytes[6].checked_add(labels)?;
            let total = bytes.iter().try_fold(0u128, |sum, bytes| sum.checked_add(*bytes))?;
            let [parameters, optimizer, gradients, activations, deltas, loss, batch] = bytes;
            Some(Memory { parameters, optimizer, gradients, activations, deltas, loss, batch, total })
        };
        bytes().ok_or(Overflow { what: "bytes" }).map_err(CountError::in_the("memory"))
    }
}
