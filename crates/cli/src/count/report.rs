//! The answer: what `--format json` prints as it is, and the other formats lay out.

use nxm_count::{
    Bill, Breakdown, CONVENTIONS, Clipping, Cost, LayerPhases, MemoryUse, NetworkSpec, StepPart, SymbolicPhase,
    TrainingLength, Verification, symbolic, verify_in,
};
use nxm_kernels::{Activation, Cpu, Element, Executor, Level};
use nxm_net::{ElementType, Layer, Optimizer};
use serde::{Serialize, Serializer};

use super::question::Question;
use crate::args::CountArgs;
use crate::failure::Failure;
use crate::format::plural;
use crate::threads::own_pool;

/// The answer. The names of its fields, and of all below, are an interface: they do not change.
#[derive(Debug, Serialize)]
pub struct Report {
    pub network: NetworkReport,
    pub batch: u64,
    pub optimizer: &'static str,
    pub clipped: bool,
    /// How often a step of L-BFGS computes loss and gradients at most, which the data decide. The costs here are those of one time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluations_at_most: Option<usize>,
    /// As a map.
    #[serde(serialize_with = "as_map")]
    pub convention: [(&'static str, &'static str); CONVENTIONS.len()],
    pub machine: MachineReport,
    pub step: StepCostReport,
    pub layers: Vec<LayerPhases<Cost>>,
    pub epoch: EpochCostReport,
    pub training: TrainingCostReport,
    pub memory: MemoryReport,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<Vec<Verification>>,
    /// The formulas of a step by layer and phase.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symbolic: Option<Vec<SymbolicPhase>>,
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
    /// The activation of all layers but the last; "none" if there are none, "mixed (…)" if they have different ones.
    pub hidden: String,
    pub output: String,
    /// Of each layer.
    pub activations: Vec<String>,
    pub loss: &'static str,
    /// "f32" or "f64".
    pub element: &'static str,
    pub parameters: u128,
    /// The layers as they are written, first to last, if one of them is not a dense layer with biases.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub written: Option<Vec<String>>,
    /// The names of the layers' weights, first to last, in the order in which they were taken from a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layers: Option<Vec<String>>,
}

/// A step on a whole batch, by part. Its layers stand beside it.
#[derive(Debug)]
pub struct StepCostReport(pub [(StepPart, Cost); StepPart::ALL.len()]);

/// An epoch, its last batch as short as it is.
#[derive(Debug, Serialize)]
pub struct EpochCostReport {
    pub steps: u128,
    #[serde(flatten)]
    pub costs: Breakdown<Cost>,
}

/// A training run.
#[derive(Debug, Serialize)]
pub struct TrainingCostReport {
    pub examples: u64,
    pub epochs: u64,
    pub steps: u128,
    #[serde(flatten)]
    pub costs: Breakdown<Cost>,
}

/// Bytes that are held at most, in the network's elements.
#[derive(Debug, Serialize)]
pub struct MemoryReport {
    pub training: MemoryUse,
    pub inference: MemoryUse,
}

impl Report {
    /// The answer, for elements of `T`.
    pub fn new<T: Element>(question: &Question, args: &CountArgs, cpu: &Cpu) -> Result<Report, Failure> {
        let Question { network, length, .. } = question;
        let TrainingLength { examples, epochs, batch, .. } = *length;
        let bill = Bill::new::<T>(network, *length, cpu).map_err(Failure::usage)?;
        Ok(Report {
            network: NetworkReport {
                sizes: network.sizes(),
                hidden: hidden(network),
                output: network.activations().last().map_or_else(|| "none".to_owned(), Activation::to_string),
                activations: network.activations().iter().map(Activation::to_string).collect(),
                loss: network.loss().name(),
                element: T::NAME,
                parameters: bill.parameters,
                written: written(network),
                layers: question.layers.clone(),
            },
            batch,
            optimizer: network.optimizer().name(),
            clipped: network.clipping() != Clipping::None,
            evaluations_at_most: match network.optimizer() {
                Optimizer::Lbfgs(lbfgs) => Some(lbfgs.most_evaluations()),
                _ => None,
            },
            convention: CONVENTIONS,
            machine: MachineReport { level: cpu.level().name(), threads: cpu.threads() },
            step: StepCostReport(bill.step.parts().map(|(part, cost)| (part, *cost))),
            layers: bill.step.layers,
            epoch: EpochCostReport { steps: bill.steps_per_epoch, costs: bill.epoch },
            training: TrainingCostReport { examples, epochs, steps: bill.steps, costs: bill.training },
            memory: MemoryReport { training: bill.memory_of_training, inference: bill.memory_of_inference },
            verified: match args.verify {
                true => {
                    let runs: Vec<_> =
                        Level::available().flat_map(|level| THREADS.map(|threads| (level, threads))).collect();
                    Some(verify_steps(question.element, network, batch, runs)?)
                }
                false => None,
            },
            symbolic: match args.symbolic {
                true => Some(symbolic::<T>(network, batch, cpu.level()).map_err(Failure::usage)?),
                false => None,
            },
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

/// The layers as they are written, if one of them is not a dense layer with biases.
fn written(network: &NetworkSpec) -> Option<Vec<String>> {
    let layers = network.layer_list();
    let plain = layers.iter().all(|layer| layer.is_plain());
    (!plain).then(|| layers.iter().map(Layer::to_string).collect())
}

/// What the activation of the hidden layers is called.
fn hidden(network: &NetworkSpec) -> String {
    let mut different: Vec<String> = Vec::new();
    let hidden = network.layers().saturating_sub(1);
    for activation in network.activations().iter().take(hidden) {
        let text = activation.to_string();
        if !different.contains(&text) {
            different.push(text);
        }
    }
    match &different[..] {
        [] => "none".to_owned(),
        [only] => only.clone(),
        _ => format!("mixed ({})", different.join(", ")),
    }
}

/// The threads on which steps are verified.
const THREADS: [usize; 2] = [1, 2];

/// Runs one step in these elements under counting, at each of these levels on so many threads, at most two.
pub fn verify_steps(
    element: ElementType,
    network: &NetworkSpec,
    batch: u64,
    runs: impl IntoIterator<Item = (Level, usize)> + Send,
) -> Result<Vec<Verification>, Failure> {
    // The pool of all else may have one thread.
    let verifications = own_pool(2)?.install(|| {
        let runs = runs.into_iter();
        runs.map(|(level, threads)| verify_in(element, network, batch, level, threads)).collect::<Result<_, _>>()
    });
    verifications.map_err(|error| Failure::Usage(format!("--verify: {error}")))
}

/// Pairs as a map.
fn as_map<S: Serializer>(pairs: &[(&str, &str)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().copied())
}

/// A map of each part by its name.
impl Serialize for StepCostReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(part, cost)| (part.name(), cost)))
    }
}
