//! The answer: what `--format json` prints as it is, and the other formats lay out.

use nxm_count::{
    Convention, LayerFormula, NetworkSpec, Ops, Schedule, StepFormula, TrainingFormula, Vectors, Verification, verify,
};
use nxm_kernels::Level;
use serde::Serialize;

use crate::args::{CountArgs, Optimizer};
use crate::failure::Failure;
use crate::format::plural;

/// The answer. The names of its fields, and of all below, are an interface: they do not change.
#[derive(Debug, Serialize)]
pub struct Report {
    pub network: NetworkReport,
    pub batch: u64,
    pub optimizer: &'static str,
    pub convention: Convention,
    pub step: StepReport,
    pub layers: Vec<LayerReport>,
    pub training: TrainingReport,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<Vec<Verification>>,
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
    pub forward: Ops,
    pub loss: Ops,
    pub backward: Ops,
    pub update: Ops,
    pub total: Ops,
}

/// The part of a step that belongs to one layer.
#[derive(Debug, Serialize)]
pub struct LayerReport {
    pub fan_in: u64,
    pub fan_out: u64,
    pub forward: Ops,
    pub weight_gradient: Ops,
    pub bias_gradient: Ops,
    pub input_gradient: Ops,
    pub activation_gradient: Ops,
    pub update: Ops,
}

/// A training run.
#[derive(Debug, Serialize)]
pub struct TrainingReport {
    pub examples: u64,
    pub epochs: u64,
    pub steps: u128,
    pub total: Ops,
}

impl Report {
    /// The answer for `network`.
    pub fn new(network: &NetworkSpec, args: &CountArgs) -> Result<Report, Failure> {
        let textbook = Vectors::textbook::<f32>();
        let step = StepFormula::new(network, args.batch, textbook).map_err(Failure::usage)?;
        let examples = args.examples.unwrap_or(args.batch);
        let schedule = Schedule { examples, epochs: args.epochs, batch: args.batch };
        let training = TrainingFormula::new(network, schedule, textbook).map_err(Failure::usage)?;
        // The one optimizer there is is the one that steps are counted with.
        let Optimizer::Sgd = args.optimizer;
        Ok(Report {
            network: NetworkReport {
                sizes: network.sizes().to_vec(),
                hidden: network.hidden().name(),
                output: network.output().name(),
                loss: network.loss().name(),
                parameters: network.parameters(),
            },
            batch: args.batch,
            optimizer: args.optimizer.name(),
            convention: Convention,
            step: StepReport {
                forward: step.forward().useful,
                loss: step.loss().useful,
                backward: step.backward().useful,
                update: step.update().useful,
                total: step.total().useful,
            },
            layers: step.layers().iter().map(LayerReport::new).collect(),
            training: TrainingReport {
                examples: schedule.examples,
                epochs: schedule.epochs,
                steps: training.steps(),
                total: training.total().useful,
            },
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

impl LayerReport {
    fn new(layer: &LayerFormula) -> LayerReport {
        LayerReport {
            fan_in: layer.fan_in,
            fan_out: layer.fan_out,
            forward: layer.forward.useful,
            weight_gradient: layer.weight_gradient.useful,
            bias_gradient: layer.bias_gradient.useful,
            input_gradient: layer.input_gradient.useful,
            activation_gradient: layer.activation_gradient.useful,
            update: layer.update.useful,
        }
    }

    /// Its phases in the order in which a step runs them, by name.
    pub fn phases(&self) -> [(&'static str, &Ops); 6] {
        [
            ("forward", &self.forward),
            ("activation_gradient", &self.activation_gradient),
            ("weight_gradient", &self.weight_gradient),
            ("bias_gradient", &self.bias_gradient),
            ("input_gradient", &self.input_gradient),
            ("update", &self.update),
        ]
    }
}

impl StepReport {
    /// Its parts in the order in which they run, by name, and their sum.
    pub fn parts(&self) -> [(&'static str, &Ops); 5] {
        [
            ("forward", &self.forward),
            ("loss", &self.loss),
            ("backward", &self.backward),
            ("update", &self.update),
            ("total", &self.total),
        ]
    }
}
