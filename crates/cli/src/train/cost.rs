//! What the kernels of the training cost, exactly: by formula, before it runs.

use std::fmt;

use nxm_count::{Bill, NetworkSpec, TrainingLength};
use nxm_kernels::Cpu;
use nxm_net::{Checkpoint, Optimizer};

use super::events::CostFacts;
use super::job::TrainJob;
use crate::failure::Failure;
use crate::format::count;

/// What a training costs from its first epoch to its last; or several of them, one after the other.
#[derive(Clone, Debug)]
pub struct Costs {
    /// Of the first one.
    bill: Bill,
    /// Flops of all.
    flops: u128,
    /// Bytes at most.
    memory: u128,
    trainings: usize,
    /// How often a step of L-BFGS computes loss and gradients at most; none of another optimizer.
    evaluations: Option<usize>,
}

impl Costs {
    /// Of this training, those of its epochs that are done already included.
    pub fn new(job: &TrainJob, cpu: &Cpu) -> Result<Costs, Failure> {
        Costs::of([(&job.checkpoint, job.schema.weights.is_some())].into_iter(), cpu)
    }

    /// Of trainings that are about to begin, of which there is at least one, and whether their examples have weights.
    pub fn of<'a>(trainings: impl Iterator<Item = (&'a Checkpoint<f32>, bool)>, cpu: &Cpu) -> Result<Costs, Failure> {
        let mut costs: Option<Costs> = None;
        for (checkpoint, weighted) in trainings {
            let bill = bill(checkpoint, weighted, cpu)?;
            let (flops, memory) = (bill.training.total.ops.flops(), bill.memory_of_training.total);
            costs = Some(match costs {
                None => {
                    let evaluations = match &checkpoint.options.optimizer {
                        Optimizer::Lbfgs(lbfgs) => Some(lbfgs.most_evaluations()),
                        _ => None,
                    };
                    Costs { bill, flops, memory, trainings: 1, evaluations }
                }
                Some(costs) => Costs {
                    flops: costs.flops.saturating_add(flops),
                    memory: costs.memory.max(memory),
                    trainings: costs.trainings.saturating_add(1),
                    ..costs
                },
            });
        }
        costs.ok_or_else(|| Failure::Usage("there is no training".to_owned()))
    }
}

impl Costs {
    /// For programs.
    pub fn facts(&self) -> CostFacts {
        let [flops_per_step, flops_per_epoch] = [&self.bill.step, &self.bill.epoch].map(|part| part.total.ops.flops());
        CostFacts { flops_per_step, flops_per_epoch, flops: self.flops, memory_bytes: self.memory }
    }
}

fn bill(checkpoint: &Checkpoint<f32>, weighted: bool, cpu: &Cpu) -> Result<Bill, Failure> {
    let Checkpoint { network, options, examples, .. } = checkpoint;
    let network = NetworkSpec::of_training(network, options);
    let network = if weighted { network.with_example_weights() } else { network };
    Bill::new::<f32>(&network, TrainingLength::of(options, *examples as u64), cpu).map_err(Failure::usage)
}

impl fmt::Display for Costs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [step, epoch] = [&self.bill.step, &self.bill.epoch].map(|part| count(part.total.ops.flops()));
        let (all, memory) = (count(self.flops), count(self.memory));
        if let Some(most) = self.evaluations {
            return write!(
                f,
                "Cost: {step} flops for one evaluation of the loss and its gradients. The data decide how many L-BFGS needs: 1 to {most} in \
                 a step, of which there is one in an epoch; {memory} bytes of memory at most."
            );
        }
        let whole = if self.trainings == 1 { "all".to_owned() } else { format!("all {} folds", self.trainings) };
        write!(
            f,
            "Cost: {step} flops in a step, {epoch} in an epoch, {all} in {whole}; {memory} bytes of memory at most."
        )
    }
}
