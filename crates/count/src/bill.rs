//! The whole bill: operations, bytes and memory of a step, an epoch and a training, by layer and phase.

use nxm_kernels::{Cpu, Element, Executor};
use serde::Serialize;

use crate::cost::Cost;
use crate::formula::{Requests, Schedule, StepFormula, StepTraffic, Vectors};
use crate::kind::Overflow;
use crate::memory::Memory;
use crate::spec::{CountError, NetworkSpec};
use crate::tally::Tally;
use crate::traffic::Traffic;

/// What training a network costs.
///
/// ```
/// use nxm_count::{Activation, Bill, Cpu, Loss, NetworkSpec, Schedule};
///
/// let network = NetworkSpec::new([784, 128, 10], Activation::Relu, Activation::Identity, Loss::CROSS_ENTROPY)?;
/// let schedule = Schedule { examples: 60_000, epochs: 5, batch: 32 };
/// let bill = Bill::new::<f32>(&network, schedule, &Cpu::detect()?)?;
/// assert_eq!(bill.parameters, 101_770);
/// assert_eq!(bill.training.total, bill.epoch.total.times(5)?);
/// assert_eq!(bill.memory_of_inference.parameters, 4 * 101_770);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Bill {
    /// Weights and biases.
    pub parameters: u128,
    /// Examples, epochs and batch.
    pub schedule: Schedule,
    /// Steps of an epoch.
    pub steps_per_epoch: u128,
    /// Steps of all epochs.
    pub steps: u128,
    /// A step on a whole batch.
    pub step: Breakdown,
    /// An epoch; its last batch may be short.
    pub epoch: Breakdown,
    /// All epochs.
    pub training: Breakdown,
    /// What training holds at most.
    pub memory_of_training: Memory,
    /// What inference holds at most, on batches as large.
    pub memory_of_inference: Memory,
}

/// Costs by part, and by layer and phase.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Breakdown {
    /// The forward pass of all layers.
    pub forward: Cost,
    /// The loss and its gradient.
    pub loss: Cost,
    /// The gradients of all layers.
    pub backward: Cost,
    /// Clipping and update.
    pub update: Cost,
    /// All of it.
    pub total: Cost,
    /// Each layer, first to last.
    pub layers: Vec<LayerCost>,
}

/// A layer's part, by phase.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LayerCost {
    /// Inputs.
    pub fan_in: u64,
    /// Units.
    pub fan_out: u64,
    /// f(X·W + b).
    pub forward: Cost,
    /// ∂L/∂z from ∂L/∂a.
    pub activation_gradient: Cost,
    /// Xᵀ·δ.
    pub weight_gradient: Cost,
    /// Column sums of δ.
    pub bias_gradient: Cost,
    /// δ·Wᵀ.
    pub input_gradient: Cost,
    /// The part of the gradients' norm, and their scaling.
    pub clip: Cost,
    /// The optimizer's rule.
    pub update: Cost,
}

impl LayerCost {
    /// The phases, by name.
    pub fn phases(&self) -> [(&'static str, &Cost); 7] {
        [
            ("forward", &self.forward),
            ("activation_gradient", &self.activation_gradient),
            ("weight_gradient", &self.weight_gradient),
            ("bias_gradient", &self.bias_gradient),
            ("input_gradient", &self.input_gradient),
            ("clip", &self.clip),
            ("update", &self.update),
        ]
    }

    fn from_phases([fan_in, fan_out]: [u64; 2], phases: [Cost; 7]) -> LayerCost {
        let [forward, activation_gradient, weight_gradient, bias_gradient, input_gradient, clip, update] = phases;
        LayerCost {
            fan_in,
            fan_out,
            forward,
            activation_gradient,
            weight_gradient,
            bias_gradient,
            input_gradient,
            clip,
            update,
        }
    }
}

impl Breakdown {
    /// A step of `network` on `batch` examples in elements of `T`, and the bytes that its kernels ask for on `cpu`.
    ///
    /// # Errors
    /// [`CountError`] if `batch` is 0 or a number exceeds 128 bits.
    pub fn of_step<T: Element>(network: &NetworkSpec, batch: u64, cpu: &Cpu) -> Result<Breakdown, CountError> {
        let step = StepFormula::new(network, batch, Vectors::textbook::<T>())?;
        let traffic = StepTraffic::compulsory(network, batch, size_of::<T>() as u128)?;
        let requested = StepTraffic::requested(network, batch, Requests::of::<T>(cpu.level(), cpu.threads()))?;
        let bytes = traffic.layers().iter().zip(requested.layers());
        let layers = step.layers().iter().zip(bytes).map(|(layer, (traffic, requested))| {
            let (ops, traffic, requested) = (layer.phases(), traffic.phases(), requested.phases());
            let phases = std::array::from_fn(|phase| cost(ops[phase].1, traffic[phase].1, requested[phase].1));
            LayerCost::from_phases([layer.fan_in, layer.fan_out], phases)
        });
        let loss = cost(step.loss(), traffic.loss(), requested.loss());
        Breakdown::new(loss, layers.collect()).map_err(CountError::in_the("the step"))
    }

    /// The parts, by name, and their sum.
    pub fn parts(&self) -> [(&'static str, &Cost); 5] {
        [
            ("forward", &self.forward),
            ("loss", &self.loss),
            ("backward", &self.backward),
            ("update", &self.update),
            ("total", &self.total),
        ]
    }

    fn new(loss: Cost, layers: Vec<LayerCost>) -> Result<Breakdown, Overflow> {
        let sum = |part: fn(&LayerCost) -> Result<Cost, Overflow>| {
            layers.iter().try_fold(Cost::default(), |sum, layer| sum.plus(&part(layer)?))
        };
        let forward = sum(|layer| Ok(layer.forward))?;
        let backward = sum(|layer| {
            let products = [layer.weight_gradient, layer.bias_gradient, layer.input_gradient];
            Cost::sum(products)?.plus(&layer.activation_gradient)
        })?;
        let update = sum(|layer| layer.clip.plus(&layer.update))?;
        let total = Cost::sum([forward, loss, backward, update])?;
        Ok(Breakdown { forward, loss, backward, update, total, layers })
    }

    /// `times` of it and once another one, of the same layers.
    fn times_plus(&self, times: u128, other: Option<&Breakdown>) -> Result<Breakdown, Overflow> {
        let one = |cost: &Cost, rest: Option<&Cost>| cost.times(times)?.plus(rest.unwrap_or(&Cost::default()));
        let layers = self.layers.iter().enumerate().map(|(l, layer)| {
            let mut phases = [Cost::default(); 7];
            for (phase, sum) in phases.iter_mut().enumerate() {
                let rest = other.map(|other| *other.layers[l].phases()[phase].1);
                *sum = one(layer.phases()[phase].1, rest.as_ref())?;
            }
            Ok(LayerCost::from_phases([layer.fan_in, layer.fan_out], phases))
        });
        let loss = one(&self.loss, other.map(|other| &other.loss))?;
        Breakdown::new(loss, layers.collect::<Result<_, Overflow>>()?)
    }
}

fn cost(ops: Tally, traffic: Traffic, requested: Traffic) -> Cost {
    Cost { ops: ops.useful, traffic, requested }
}

impl Bill {
    /// Of training `network` by `schedule`, in elements of `T`, and the bytes that its kernels ask for on `cpu`.
    ///
    /// # Errors
    /// [`CountError`] if a number of the schedule is 0 or a number exceeds 128 bits.
    pub fn new<T: Element>(network: &NetworkSpec, schedule: Schedule, cpu: &Cpu) -> Result<Bill, CountError> {
        let Schedule { examples, epochs, batch } = schedule;
        CountError::not_zero("the number of examples", examples)?;
        CountError::not_zero("the number of epochs", epochs)?;
        let step = Breakdown::of_step::<T>(network, batch, cpu)?;
        let (whole, rest) = (examples / batch, examples % batch);
        let short = if rest > 0 { Some(Breakdown::of_step::<T>(network, rest, cpu)?) } else { None };
        let epoch = step.times_plus(whole.into(), short.as_ref()).map_err(CountError::in_the("an epoch"))?;
        let training = epoch.times_plus(epochs.into(), None).map_err(CountError::in_the("the training"))?;
        let steps_per_epoch = u128::from(examples.div_ceil(batch));
        Ok(Bill {
            parameters: network.parameters(),
            schedule,
            steps_per_epoch,
            steps: steps_per_epoch * u128::from(epochs),
            step,
            epoch,
            training,
            memory_of_training: Memory::training::<T>(network, batch)?,
            memory_of_inference: Memory::inference::<T>(network, batch)?,
        })
    }
}
