//! The whole bill: operations, bytes and memory of a step, an epoch and a training, by layer and phase.

use nxm_kernels::{Cpu, Element, Executor};
use nxm_net::NetworkSpec;

use crate::breakdown::{Breakdown, LayerPhases};
use crate::cost::Cost;
use crate::error::CountError;
use crate::formula::{Requests, StepFormula, StepTraffic, TrainingLength, Vectors, compulsory_traffic};
use crate::kind::Overflow;
use crate::memory::MemoryUse;
use crate::tally::Tally;

/// What training a network costs.
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

/// What the phases of one layer cost.
pub type LayerCost = LayerPhases<Cost>;

/// What a step of `network` on `batch` examples in elements of `T` costs, and the bytes that its kernels ask for on `cpu`.
///
/// # Errors
/// [`CountError`] if `batch` is 0 or a number exceeds 128 bits.
pub fn cost_of_step<T: Element>(network: &NetworkSpec, batch: u64, cpu: &Cpu) -> Result<Breakdown<Cost>, CountError> {
    let step = StepFormula::new(network, batch, Vectors::textbook::<T>())?;
    let traffic = compulsory_traffic(network, batch, size_of::<T>() as u128)?;
    let requests = Requests::of::<T>(Executor::level(cpu), Executor::threads(cpu));
    let requested = StepTraffic::requested(network, batch, requests)?;
    let cost = |ops: &Tally, traffic, requested| Cost { ops: ops.useful, traffic, requested };
    let bytes = traffic.layers.iter().zip(requested.layers());
    let layers = step.layers().iter().zip(bytes).map(|(layer, (traffic, requested))| {
        layer.try_map(|phase, ops| Ok(cost(ops, traffic[phase], requested[phase])))
    });
    let loss = cost(&step.loss(), traffic.loss, requested.loss());
    let layers = layers.collect::<Result<_, Overflow>>().map_err(CountError::in_the("the step"))?;
    Breakdown::new(loss, layers).map_err(CountError::in_the("the step"))
}

impl Bill {
    /// Of training `network` for `length`, in elements of `T`, and the bytes that its kernels ask for on `cpu`.
    ///
    /// # Errors
    /// [`CountError`] if a number of examples, epochs or a batch is 0 or a number exceeds 128 bits.
    pub fn new<T: Element>(network: &NetworkSpec, length: TrainingLength, cpu: &Cpu) -> Result<Bill, CountError> {
        let TrainingLength { examples, epochs, batch } = length;
        CountError::not_zero("the number of examples", examples)?;
        CountError::not_zero("the number of epochs", epochs)?;
        let step = cost_of_step::<T>(network, batch, cpu)?;
        let (whole, rest) = (examples / batch, examples % batch);
        let short = if rest > 0 { Some(cost_of_step::<T>(network, rest, cpu)?) } else { None };
        let epoch = step.times_plus(whole.into(), short.as_ref()).map_err(CountError::in_the("an epoch"))?;
        let training = epoch.times_plus(epochs.into(), None).map_err(CountError::in_the("the training"))?;
        let steps_per_epoch = u128::from(examples.div_ceil(batch));
        Ok(Bill {
            parameters: network.parameters(),
            length,
            steps_per_epoch,
            steps: steps_per_epoch * u128::from(epochs),
            step,
            epoch,
            training,
            memory_of_training: MemoryUse::training::<T>(network, batch)?,
            memory_of_inference: MemoryUse::inference::<T>(network, batch)?,
        })
    }
}
