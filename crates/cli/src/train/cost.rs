//! What the kernels of the training cost, exactly: by formula, before it runs.

use std::fmt;

use nxm_count::{Bill, NetworkSpec, TrainingLength};
use nxm_kernels::Cpu;
use nxm_net::Checkpoint;

use super::job::TrainJob;
use crate::failure::Failure;
use crate::format::count;

/// What a training costs from its first epoch to its last.
#[derive(Clone, Debug)]
pub struct Costs(Bill);

impl Costs {
    /// Of this training, those of its epochs that are done already included.
    pub fn new(job: &TrainJob, cpu: &Cpu) -> Result<Costs, Failure> {
        let Checkpoint { network, options, .. } = &job.checkpoint;
        let network = NetworkSpec::of_training(network, options).on(&job.seen);
        let length = TrainingLength::of(options, job.seen.len() as u64);
        Bill::new::<f32>(&network, length, cpu).map(Costs).map_err(Failure::usage)
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
