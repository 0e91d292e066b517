//! The answer: what `--format json` prints as it is, and the other formats lay out.

use nxm_count::{
    Bill, Breakdown, Clipping, Convention, Cost, LayerCost, Memory, NetworkSpec, Schedule, Verification, verify,
};
use nxm_kernels::{Cpu, Executor, Level};
use serde::Serialize;

use crate::args::CountArgs;
use crate::failure::Failure;
use crate::format::plural;

/// The answer. The names of its fields, and of all below, are an interface: they do not change.
#[derive(Debug, Serialize)]
pub struct Report {
    pub network: NetworkReport,
    pub batch: u64,
    pub optimizer: &'static str,
    pub clipped: bool,
    pub convention: Convention,
    pub machine: MachineReport,
    pub step: StepReport,
    pub layers: Vec<LayerCost>,
    pub epoch: EpochReport,
    pub training: TrainingReport,
    pub memory: MemoryReport,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<Vec<Verification>>,
}

/// Whose loads and stores are counted.
#[derive(Debug, Serialize)]
pub struct MachineReport {
    pub level: &'static str,
    pub threads: usize,
}

/// Which network it is.
#[derive(Debug, Serialize)]
pub struct NetworkReport {
    pub sizes: Vec<u64>,
    pub hidden: &'static str,
    pub output: &'static str,
    pub loss: &'static str,
    pub parameters: u128,
}

/// A step on a whole batch.
#[derive(Debug, Serialize)]
pub struct StepReport {
    pub forward: Cost,
    pub loss: Cost,
    pub backward: Cost,
    pub update: Cost,
    pub total: Cost,
}

/// An epoch, its last batch as short as it is.
#[derive(Debug, Serialize)]
pub struct EpochReport {
    pub steps: u128,
    #[serde(flatten)]
    pub costs: Breakdown,
}

/// A training run.
#[derive(Debug, Serialize)]
pub struct TrainingReport {
    pub examples: u64,
    pub epochs: u64,
    pub steps: u128,
    #[serde(flatten)]
    pub costs: Breakdown,
}

/// Bytes that are held at most, in elements of f32.
#[derive(Debug, Serialize)]
pub struct MemoryReport {
    pub training: Memory,
    pub inference: Memory,
}

impl Report {
    /// The answer for `network`.
    pub fn new(network: &NetworkSpec, args: &CountArgs, cpu: &Cpu) -> Result<Report, Failure> {
        let examples = args.examples.unwrap_or(args.batch);
        let schedule = Schedule { examples, epochs: args.epochs, batch: args.batch };
        let bill = Bill::new::<f32>(network, schedule, cpu).map_err(Failure::usage)?;
        let Breakdown { forward, loss, backward, update, total, layers } = bill.step;
        Ok(Report {
            network: NetworkReport {
                sizes: network.sizes().to_vec(),
                hidden: network.hidden().name(),
                output: network.output().name(),
                loss: network.loss().name(),
                parameters: bill.parameters,
            },
            batch: args.batch,
            optimizer: network.optimizer().name(),
            clipped: network.clipping() != Clipping::None,
            convention: Convention,
            machine: MachineReport { level: cpu.level().name(), threads: cpu.threads() },
            step: StepReport { forward, loss, backward, update, total },
            layers,
            epoch: EpochReport { steps: bill.steps_per_epoch, costs: bill.epoch },
            training: TrainingReport { examples, epochs: args.epochs, steps: bill.steps, costs: bill.training },
            memory: MemoryReport { training: bill.memory_of_training, inference: bill.memory_of_inference },
            verified: if args.verify { Some(verify_step(network, args.batch)?) } else { None },
        })
    }

    /// Fails if a verified step disagrees with its formula.
    pub fn agrees(&self) -> Result<(), Failure> {
        match self.verified.iter().flatten().find(|verified| !verified.agrees()) {
            None => Ok(()),
            Some(verified) => Err(Failure::BrokenPromise(format!(
                "what {} executed on {} is not what the formula says",
                verified.level(),
                plural(verified.threads() as u64, "thread")
            ))),
        }
    }
}

/// The threads on which steps are verified.
const THREADS: [usize; 2] = [1, 2];

/// Runs one step under counting at each level of this machine and on each number of threads.
pub fn verify_step(network: &NetworkSpec, batch: u64) -> Result<Vec<Verification>, Failure> {
    let runs = Level::available().flat_map(|level| THREADS.map(|threads| (level, threads)));
    let verifications = runs.map(|(level, threads)| verify::<f32>(network, batch, level, threads));
    verifications.collect::<Result<_, _>>().map_err(|error| Failure::Usage(format!("--verify: {error}")))
}

impl StepReport {
    /// Its parts in the order in which they run, by name, and their sum.
    pub fn parts(&self) -> [(&'static str, &Cost); 5] {
        [
            ("forward", &self.forward),
            ("loss", &self.loss),
            ("backward", &self.backward),
            ("update", &self.update),
            ("total", &self.total),
        ]
    }
}
