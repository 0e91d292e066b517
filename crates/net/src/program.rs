//! The program of a step: which calls it makes, in which order, and where their operands stand in memory.
//!
//! Everything uses this one list. [`Step`](crate::Step), evaluation and prediction run it. The counts of operations and bytes, the audit
//! and the forecast read it.
//!
//! For B rows and layers of N inputs and M units, the matrix work of a step is B·(3S − N₀M₀) fma with S = Σ N·M. Each layer multiplies the
//! batch with its weights three times: in the forward pass, for the weight gradient and for the input gradient. The first layer needs no
//! input gradient, because its inputs are data.

mod outline;

use nxm_kernels::call::Operation;
use nxm_kernels::program::Instruction;
use nxm_kernels::{Decay, Element, Region, Rule};

use crate::average;
use crate::checkpoint::ElementType;
use crate::layout::NetworkLayout;
use crate::loss::Loss;
use crate::optimizer::Optimizer;
use crate::spec::{Clipping, NetworkSpec, SpecError};

pub(crate) use outline::{MuonParts, Outline, Purpose, Results, Sections, UpdateMode};

/// Which program of a network is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Run {
    /// Computes outputs: [`Predictor::predict`](crate::Predictor::predict).
    Prediction,
    /// Computes outputs and their loss: [`Network::evaluate`](crate::Network::evaluate).
    Evaluation,
    /// Makes a step of training in one part: [`Step::train`](crate::Step::train).
    Step,
    /// Makes the same step in two parts: [`Step::gradients`](crate::Step::gradients) and [`Step::update`](crate::Step::update).
    GradientsAndUpdate,
    /// Adds the gradients of a micro-batch to those of others: [`Step::accumulate`](crate::Step::accumulate).
    Accumulation,
    /// Computes outputs, their loss and all gradients: [`Step::gradients`](crate::Step::gradients).
    Gradients,
    /// Clips gradients of micro-batches and updates by them: [`Step::update`](crate::Step::update).
    Update,
}

/// Returns the calls that a run on `rows` rows makes, in their order. Each comes with the region it is a part of.
///
/// How often a step of L-BFGS computes loss and gradients, the data decide. The calls of its step are those of one time, the least there is.
///
/// No memory is allocated for the network, so it may be larger than any machine. The calls are those for examples and targets that stand
/// row after row without gaps, and for a finite loss.
///
/// # Errors
/// [`SpecError::TooLarge`] if a size exceeds what this machine can address.
pub fn operations(
    spec: &NetworkSpec,
    element: ElementType,
    rows: u64,
    run: Run,
) -> Result<Vec<(Region, Operation)>, SpecError> {
    match element {
        ElementType::F32 => operations_in::<f32>(spec, rows, run),
        ElementType::F64 => operations_in::<f64>(spec, rows, run),
    }
}

fn operations_in<T: Element>(spec: &NetworkSpec, rows: u64, run: Run) -> Result<Vec<(Region, Operation)>, SpecError> {
    let (layout, Outline { instructions, sections, muon, .. }) = outline::<T>(spec, rows, run)?;
    let (scale, gradients, statistics) = (sections.scale(), sections.gradients(), sections.statistics());
    let searches = spec.optimizer().is_full_batch();
    let runs = |i: &usize| match run {
        Run::Gradients => gradients.contains(i),
        Run::Step | Run::GradientsAndUpdate if searches => gradients.contains(i),
        Run::Update if searches => false,
        // The statistics of micro-batches are updated with their gradients.
        Run::Update if gradients.contains(i) || statistics.contains(i) => false,
        _ => spec.clipping() == Clipping::Scaled || !scale.contains(i),
    };
    // A rule's constants change from step to step, but its operations do not: the first step stands for all.
    let of = |optimizer: &Optimizer| optimizer.rule::<f64>(optimizer.learning_rate(), 1);
    let rule = match run {
        Run::Accumulation => Rule::Sgd { learning_rate: -1.0, decay: Decay::None },
        _ => of(spec.optimizer()),
    };
    let of_biases = spec.optimizer().of_biases().map_or(rule, |optimizer| of(&optimizer));
    let biases = sections.biases();
    let operation = |i: usize| {
        let rule = if biases.contains(&i) { of_biases } else { rule };
        (instructions[i].region, instructions[i].operation(&rule))
    };
    // Muon's own programs run before the biases.
    let ends = if muon.is_some() { biases.start } else { instructions.len() };
    let muon = muon.into_iter().filter(|_| run != Run::Gradients).flat_map(|MuonParts { directions, steps }| {
        let of = |part: Vec<Instruction<T>>, rule: Rule<f64>| {
            part.into_iter().map(move |instruction| (instruction.region, instruction.operation(&rule)))
        };
        let momenta = spec.optimizer().directions::<f64>().unwrap_or(rule);
        of(directions, momenta).chain(of(steps, rule))
    });
    let muon: Vec<(Region, Operation)> = muon.collect();
    let listed = (0..ends).filter(&runs).map(operation).chain(muon);
    let listed = listed.chain((ends..instructions.len()).filter(&runs).map(operation));
    let updates = matches!(run, Run::Step | Run::GradientsAndUpdate | Run::Update);
    let average = if updates && spec.has_average() { average::instructions::<T>(&layout) } else { Vec::new() };
    let averaged = average.iter().map(|instruction| (instruction.region, instruction.operation(&average::any_rule())));
    Ok(listed.chain(averaged).collect())
}

/// How many elements of memory a run works on, by what they hold. Padding and alignment are included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryNeeds {
    /// Weights and biases.
    pub parameters: u128,
    /// What the optimizer keeps for each of them, and their average if one is kept.
    pub state: u128,
    /// Gradients of biases and norms; gradients of dense weights unless the step is fused; sums of squares if gradients are clipped.
    pub gradients: u128,
    /// Activations of all layers; pre-activations of the layers whose derivative is computed from them.
    pub activations: u128,
    /// δ = ∂L/∂z of two layers in a step; of the last layer in an evaluation.
    pub deltas: u128,
    /// The losses of rows or elements, the weights of classes, outputs and examples, and single numbers such as the loss.
    pub loss: u128,
}

/// Returns how much memory a run on `rows` rows works on, besides examples and targets. It allocates none of it.
///
/// # Errors
/// [`SpecError::TooLarge`] if a size exceeds what this machine can address.
pub fn memory_needs(spec: &NetworkSpec, element: ElementType, rows: u64, run: Run) -> Result<MemoryNeeds, SpecError> {
    match element {
        ElementType::F32 => memory_needs_in::<f32>(spec, rows, run),
        ElementType::F64 => memory_needs_in::<f64>(spec, rows, run),
    }
}

fn memory_needs_in<T: Element>(spec: &NetworkSpec, rows: u64, run: Run) -> Result<MemoryNeeds, SpecError> {
    let (layout, outline) = outline::<T>(spec, rows, run)?;
    let parameters = layout.elements;
    let kept = match run {
        Run::Prediction | Run::Evaluation | Run::Gradients => 0,
        Run::Step | Run::GradientsAndUpdate | Run::Accumulation | Run::Update => {
            let kept = match spec.optimizer() {
                Optimizer::Lbfgs(lbfgs) => lbfgs.numbers(),
                optimizer => optimizer.state_names().len(),
            };
            kept.saturating_add(usize::from(spec.has_average()))
        }
    };
    Ok(MemoryNeeds { parameters, state: parameters.saturating_mul(kept as u128), ..outline.needs })
}

/// Where parameters stand, and the outline of the program that is run.
fn outline<T: Element>(spec: &NetworkSpec, rows: u64, run: Run) -> Result<(NetworkLayout, Outline<T>), SpecError> {
    let addressable = |size: &u64| usize::try_from(*size).map_err(|_| SpecError::TooLarge { size: *size });
    let sizes = spec.sizes().iter().map(addressable).collect::<Result<Vec<usize>, SpecError>>()?;
    let layout = NetworkLayout::new::<T>(sizes[0], spec.layer_list());
    let mode = match (spec.clipping(), run) {
        // Any norm: the operations are the same.
        (Clipping::Within | Clipping::Scaled, _) => UpdateMode::Clipped(T::ONE),
        (Clipping::ByValue, _) => UpdateMode::Limited(T::ONE),
        (Clipping::None, Run::Step) if spec.optimizer().is_fused() => UpdateMode::Fused,
        (Clipping::None, _) => UpdateMode::Apart,
    };
    let weighted = spec.has_example_weights();
    let purpose = match run {
        Run::Prediction => Purpose::Prediction,
        Run::Evaluation => Purpose::Evaluation { weighted },
        Run::Step | Run::GradientsAndUpdate | Run::Gradients | Run::Update => {
            let state = spec.optimizer().state_names().len();
            Purpose::Training { mode, state, weighted, muon: spec.optimizer().muon() }
        }
        Run::Accumulation => Purpose::Accumulation { mode, weighted },
    };
    let loss = match run {
        // A predictor has no loss, and its program ignores this one.
        Run::Prediction => &Loss::MeanSquaredError,
        _ => spec.loss(),
    };
    let outline = Outline::new(&layout, loss, addressable(&rows)?, purpose);
    Ok((layout, outline))
}
