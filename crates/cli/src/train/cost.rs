//! What the training costs, exactly: by formula, before it runs.

use std::fmt;

use nxm_count::{Bill, Clipping, NetworkSpec, TrainingLength};
use nxm_kernels::{Activation, Cpu};
use nxm_net::Checkpoint;

use super::job::Job;
use crate::failure::Failure;
use crate::format::count;

/// What a training costs from its first epoch to its last.
#[derive(Clone, Debug)]
pub struct Costs(Bill);

impl Costs {
    /// Of this training, those of its epochs that are done already included.
    pub fn new(job: &Job, cpu: &Cpu) -> Result<Costs, Failure> {
        let Checkpoint { network, options, .. } = &job.checkpoint;
        let sizes: Vec<u64> = network.sizes().iter().map(|size| *size as u64).collect();
        let activations: Vec<Activation> = network.activations().collect();
        let clipping = if options.clip_norm.is_some() { Clipping::Scaled } else { Clipping::None };
        let network = NetworkSpec::with_activations(sizes, activations, options.loss.clone());
        let network = network.map_err(Failure::usage)?.with_optimizer(options.optimizer).with_clipping(clipping);
        let [examples, epochs, batch] = [job.seen.len(), options.epochs, options.batch].map(|n| n as u64);
        // No step has more rows than there are examples.
        let schedule = TrainingLength::new(examples).with_epochs(epochs).with_batch(batch.min(examples));
        Bill::new::<f32>(&network, schedule, cpu).map(Costs).map_err(Failure::usage)
    }
}

impl fmt::Display for Costs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Costs(bill) = self;
        let [step, epoch, all] = [&bill.step, &bill.epoch, &bill.training].map(|part| count(part.total.ops.flops()));
        let memory = count(bill.memory_of_training.total);
        write!(f, "Cost: {step} flops in a step, {epoch} in an epoch, {all} in all; {memory} bytes of memory at most.")
    }
}
