//! The whole bill: operations, bytes and memory of a step, an epoch and a training, by layer and phase.

use nxm_kernels::{Cpu, Element, Executor};
use nxm_net::{NetworkSpec, Run};

use crate::breakdown::Breakdown;
use crate::cost::Cost;
use crate::error::CountError;
use crate::formula::{Formulas, TrainingLength};
use crate::memory::MemoryUse;

/// What the kernels cost that train a network. What a training computes beside them ([`step_beside_kernels`](crate::step_beside_kernels)) is not
/// in it.
///
/// ```
/// use nxm_count::{Activation, Bill, Cpu, Loss, NetworkSpec, TrainingLength};
///
/// let network = NetworkSpec::new([784, 128, 10], Activation::Relu, Activation::Identity, Loss::CROSS_ENTROPY)?;
/// let length = TrainingLength::new(60_000).with_epochs(5).with_batch(32);
/// let bill = Bill::new::<f32>(&network, length, &Cpu::detect()?)?;
/// assert_eq!(bill.parameters, 101_770);
/// assert_eq!(bill.training.total, bill.epoch.total.times(5)?);
/// assert_eq!(bill.memory_of_inference.parameters, 4 * (784 * 128 + 128 + 128 * 16 + 16));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Bill {
    /// Weights and biases.
    pub parameters: u128,
    /// Examples, epochs and batch.
    pub length: TrainingLength,
    /// Steps of an epoch.
    pub steps_per_epoch: u128,
    /// Steps of all epochs.
    pub steps: u128,
    /// A step on a whole batch.
    pub step: Breakdown<Cost>,
    /// An epoch; its last batch may be short.
    pub epoch: Breakdown<Cost>,
    /// All epochs.
    pub training: Breakdown<Cost>,
    /// What training holds at most.
    pub memory_of_training: MemoryUse,
    /// What inference holds at most, on batches as large.
    pub memory_of_inference: MemoryUse,
}

impl Bill {
    /// Of training `network` for `length`, in elements of `T`, and the bytes that its kernels ask for on `cpu`.
    ///
    /// # Errors
    /// [`CountError`] if a number of examples, epochs or a batch is 0 or a number exceeds 128 bits.
    pub fn new<T: Element>(network: &NetworkSpec, length: TrainingLength, cpu: &Cpu) -> Result<Bill, CountError> {
        let formulas = Formulas::of::<T>(Executor::level(cpu)).on_threads(Executor::threads(cpu));
        let (epoch, training) = length.repeat(|batch, run| formulas.cost(network, batch, run))?;
        Ok(Bill {
            parameters: network.parameters(),
            length,
            steps_per_epoch: length.steps_per_epoch(),
            steps: length.steps(),
            step: formulas.cost(network, length.batch, Run::Step)?,
            epoch,
            training,
            memory_of_training: match length.accumulate {
                1 => MemoryUse::training::<T>(network, length.batch)?,
                _ => MemoryUse::accumulation::<T>(network, length.batch)?,
            },
            memory_of_inference: MemoryUse::inference::<T>(network, length.batch)?,
        })
    }
}
