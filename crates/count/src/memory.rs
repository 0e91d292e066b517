//! Memory: what a network's training and its inference hold at most.

use nxm_kernels::Element;
use nxm_net::{ElementType, MemoryNeeds, NetworkSpec, Run, memory_needs};
use serde::Serialize;

use crate::error::CountError;
use crate::kind::Overflow;

/// Bytes that are held from a training's first step to its last, or from a prediction's start to its end, by what they are for. What aligns
/// matrices and pads their rows is in them.
///
/// Beside them each thread keeps memory for packed blocks of a product, at most about 5 MiB, and 256 bytes for each row of a batch where that is
/// more; and a data set is held by whoever has it: a batch of it is counted here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MemoryUse {
    /// Weights and biases.
    pub parameters: u128,
    /// What the optimizer keeps for each parameter, and the average of the weights if one is kept.
    pub optimizer: u128,
    /// Gradients of biases; those of weights only if they are clipped, and then sums of their squares.
    pub gradients: u128,
    /// Outputs of all layers for a batch, and their sums where the derivative is of z.
    pub activations: u128,
    /// Two gradients of a batch, as wide as the widest layer.
    pub deltas: u128,
    /// What the loss keeps of each row, element or class, and numbers that stand alone, as the loss itself.
    pub loss: u128,
    /// A batch's inputs, its targets and, if examples have them, its weights.
    pub batch: u128,
    /// All of it.
    pub total: u128,
}

impl MemoryUse {
    /// Of training on batches of `batch` examples, in elements of `T`.
    ///
    /// # Errors
    /// [`CountError`] if `batch` is 0 or the bytes exceed 128 bits.
    pub fn training<T: Element>(network: &NetworkSpec, batch: u64) -> Result<MemoryUse, CountError> {
        MemoryUse::of_run::<T>(network, batch, Run::Step)
    }

    /// Of training that adds up the gradients of micro-batches of `batch` examples, in elements of `T`.
    ///
    /// # Errors
    /// [`CountError`] if `batch` is 0 or the bytes exceed 128 bits.
    pub fn accumulation<T: Element>(network: &NetworkSpec, batch: u64) -> Result<MemoryUse, CountError> {
        MemoryUse::of_run::<T>(network, batch, Run::Accumulation)
    }

    /// Of inference on batches of `batch` examples, in elements of `T`.
    ///
    /// # Errors
    /// [`CountError`] if `batch` is 0 or the bytes exceed 128 bits.
    pub fn inference<T: Element>(network: &NetworkSpec, batch: u64) -> Result<MemoryUse, CountError> {
        MemoryUse::of_run::<T>(network, batch, Run::Prediction)
    }

    fn of_run<T: Element>(network: &NetworkSpec, batch: u64, run: Run) -> Result<MemoryUse, CountError> {
        CountError::not_zero("the batch", batch)?;
        let needs = memory_needs(network, ElementType::of::<T>(), batch, run)?;
        let (rows, outputs) = (u128::from(batch), u128::from(network.sizes()[network.layers()]));
        let size = size_of::<T>() as u128;
        // Bytes of an example: inputs, and a label of 32 bits or targets.
        let targets = match run {
            Run::Prediction => 0,
            _ if network.loss().takes_labels() => 4,
            _ => outputs * size,
        };
        let weight = if run != Run::Prediction && network.has_example_weights() { size } else { 0 };
        let example = u128::from(network.sizes()[0]) * size + targets + weight;
        let bytes = || {
            let MemoryNeeds { parameters, state, gradients, activations, deltas, loss } = needs;
            let mut bytes = [parameters, state, gradients, activations, deltas, loss, 0];
            for bytes in &mut bytes {
                *bytes = bytes.checked_mul(size)?;
            }
            bytes[6] = rows.checked_mul(example)?;
            let total = bytes.iter().try_fold(0u128, |sum, bytes| sum.checked_add(*bytes))?;
            let [parameters, optimizer, gradients, activations, deltas, loss, batch] = bytes;
            Some(MemoryUse { parameters, optimizer, gradients, activations, deltas, loss, batch, total })
        };
        bytes().ok_or(Overflow { what: "bytes" }).map_err(CountError::in_the("memory"))
    }
}
