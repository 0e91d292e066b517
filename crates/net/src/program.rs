//! The program of a step: which calls it makes, in which order, and where everything stands.
//!
//! One list serves all: [`Step`](crate::Step), evaluation and prediction run it; the counts of operations and bytes, the audit and the
//! forecast read it. For B rows and layers of N inputs and M units the matrix work of a step is B·(3S − N₀M₀) fma with S = Σ N·M: each
//! layer's weights meet the batch in the forward pass, the weight gradient and the input gradient, but nobody asks for the gradient of the
//! data.

use std::ops::Range;

use nxm_kernels::call::{Op, Operation};
use nxm_kernels::program::{Instruction, Place, Places, Slot};
use nxm_kernels::{Element, Kept, Layout, Phase, Region};

use crate::checkpoint::ElementType;
use crate::loss::Loss;
use crate::shape::{Room, Shape};
use crate::spec::{Clipping, NetworkSpec, SpecError};

/// What is done with a network: which of its programs is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Run {
    /// Outputs alone: [`Predictor::predict`](crate::Predictor::predict).
    Prediction,
    /// Outputs and their loss: [`Network::evaluate`](crate::Network::evaluate).
    Evaluation,
    /// A step of training in one piece: [`Step::train`](crate::Step::train).
    Step,
    /// The same step in two pieces: [`Step::gradients`](crate::Step::gradients) and [`Step::update`](crate::Step::update).
    GradientsAndUpdate,
}

/// The calls that a run of a network on `rows` rows makes, in their order, each with what it is a part of.
///
/// Nothing is allocated for the network, which may be larger than any machine. Examples and targets are taken to stand row after row
/// without gaps; the loss is taken to be finite.
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
    let Outline { instructions, sections, .. } = outline::<T>(spec, rows, run)?.1;
    let runs = |i: &usize| spec.clipping() == Clipping::Scaled || !sections.scale.contains(i);
    // The constants of a rule change from step to step, and no operation does.
    let rule = spec.optimizer().rule::<f64>(spec.optimizer().learning_rate(), 1);
    let listed = (0..instructions.len()).filter(runs).map(|i| &instructions[i]);
    Ok(listed.map(|instruction| (instruction.region, instruction.operation(&rule))).collect())
}

/// Elements of memory that a run of a network works on, by what they are for. Padding and alignment are in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryNeeds {
    /// Weights and biases.
    pub parameters: u128,
    /// What the optimizer keeps for each of them.
    pub state: u128,
    /// Gradients of biases; those of weights only if they are made for themselves. Where they are clipped, sums of their squares.
    pub gradients: u128,
    /// Outputs of all layers, and sums of those whose derivative is made of them.
    pub activations: u128,
    /// δ of two layers; an evaluation has the last layer's.
    pub deltas: u128,
    /// What the loss keeps of rows, elements and classes, and numbers that stand alone, as the loss itself.
    pub loss: u128,
}

/// The memory that a run of a network on `rows` rows works on, examples and targets apart. Nothing is allocated.
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
    let (parameters, outline) = outline::<T>(spec, rows, run)?;
    let kept = match run {
        Run::Prediction | Run::Evaluation => 0,
        Run::Step | Run::GradientsAndUpdate => spec.optimizer().state_names().len(),
    };
    Ok(MemoryNeeds { parameters, state: parameters.saturating_mul(kept as u128), ..outline.needs })
}

/// Elements of all parameters, and the outline of the program that is run.
fn outline<T: Element>(spec: &NetworkSpec, rows: u64, run: Run) -> Result<(u128, Outline<T>), SpecError> {
    let addressable = |size: &u64| usize::try_from(*size).map_err(|_| SpecError::TooLarge { size: *size });
    let sizes = spec.sizes().iter().map(addressable).collect::<Result<Vec<usize>, SpecError>>()?;
    let shape = Shape::new::<T>(&sizes, spec.activations().iter().copied());
    let parts = match (spec.clipping(), run) {
        // To which norm changes no operation.
        (Clipping::Within | Clipping::Scaled, _) => Parts::Clipped(T::ONE),
        (Clipping::None, Run::GradientsAndUpdate) => Parts::Apart,
        (Clipping::None, _) => Parts::Fused,
    };
    let purpose = match run {
        Run::Prediction => Purpose::Prediction,
        Run::Evaluation => Purpose::Evaluation,
        Run::Step | Run::GradientsAndUpdate => Purpose::Training { parts, kept: spec.optimizer().state_names().len() },
    };
    let loss = match run {
        // As a predictor, which knows of none.
        Run::Prediction => &Loss::MeanSquaredError,
        Run::Evaluation | Run::Step | Run::GradientsAndUpdate => spec.loss(),
    };
    Ok((shape.elements, Outline::new(&shape, loss, addressable(&rows)?, purpose)))
}

/// What a program is for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Purpose<T> {
    /// Outputs alone.
    Prediction,
    /// Outputs and their loss.
    Evaluation,
    /// A step: outputs, loss, gradients, and an optimizer's update.
    Training {
        /// Whether weights are updated as their gradients are made.
        parts: Parts<T>,
        /// Numbers that the optimizer keeps for each parameter.
        kept: usize,
    },
}

/// Whether weights are updated as their gradients are made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Parts<T> {
    /// They are: [`Step::train`](crate::Step::train) of gradients that are not clipped.
    Fused,
    /// All gradients are made, and then all updates: [`Step::gradients`](crate::Step::gradients) and
    /// [`Step::update`](crate::Step::update).
    Apart,
    /// The same, and in between gradients are clipped to this norm.
    Clipped(T),
}

impl<T: Element> Purpose<T> {
    /// Whether it is the same. Norms are compared as bits: a step compares no numbers but those that it counts.
    pub(crate) fn is(self, other: Purpose<T>) -> bool {
        match (self, other) {
            (Purpose::Prediction, Purpose::Prediction) | (Purpose::Evaluation, Purpose::Evaluation) => true,
            (Purpose::Training { parts: a, kept }, Purpose::Training { parts: b, kept: other }) if kept == other => {
                match (a, b) {
                    (Parts::Fused, Parts::Fused) | (Parts::Apart, Parts::Apart) => true,
                    (Parts::Clipped(a), Parts::Clipped(b)) => a.to_bits_u64() == b.to_bits_u64(),
                    _ => false,
                }
            }
            _ => false,
        }
    }
}

/// Instructions, the sections they are run in, and where their results stand.
#[derive(Clone, Debug)]
pub(crate) struct Outline<T: Element> {
    pub(crate) instructions: Vec<Instruction<T>>,
    pub(crate) sections: Sections,
    pub(crate) results: Results,
    /// Elements of the work memory; [`usize::MAX`] if they exceed that.
    pub(crate) work: usize,
    /// The same by what they are for.
    needs: MemoryNeeds,
}

/// The parts of a program that are run one after the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sections {
    /// Forward pass and loss.
    pub(crate) forward: Range<usize>,
    /// All gradients; fused, all updates too.
    pub(crate) backward: Range<usize>,
    /// The norm of all gradients, if they are clipped.
    pub(crate) norm: Range<usize>,
    /// Their scaling to the largest norm, which is run only where it is exceeded.
    pub(crate) scale: Range<usize>,
    /// All updates, if they were not made in the backward pass.
    pub(crate) update: Range<usize>,
}

/// Where results stand.
#[derive(Clone, Debug)]
pub(crate) struct Results {
    pub(crate) loss: Place,
    /// 0.
    pub(crate) zero: Place,
    /// Σ g² up to the weights of each layer, and up to its biases.
    pub(crate) squares: Vec<[Place; 2]>,
    pub(crate) norm: Place,
    pub(crate) scale: Place,
    /// w, (1 − ε)·w and ε/M·w of each class, if the loss has weights.
    pub(crate) classes: Option<Place>,
    /// The gradients of weights and biases. Fused, those of weights are never there.
    pub(crate) gradients: Vec<[Place; 2]>,
    /// What each layer gives.
    pub(crate) outputs: Vec<Place>,
}

impl<T: Element> Outline<T> {
    /// The program of a network of this shape on `rows` rows. Any sizes may be asked about.
    pub(crate) fn new(shape: &Shape, loss: &Loss, rows: usize, purpose: Purpose<T>) -> Outline<T> {
        let mut writer = Writer { shape, rows, room: Room::new::<T>(Slot::Work), instructions: Vec::new() };
        let mut results = writer.results(loss);
        let alone = writer.room.len;
        writer.gradients(&mut results, purpose);
        let behind_gradients = writer.room.len;
        let mut sections = Sections::default();
        let kept = writer.forward(&mut results, matches!(purpose, Purpose::Training { .. }));
        let behind_activations = writer.room.len;
        let widest = shape.layers.iter().map(|layer| layer.fan_out).max().unwrap_or(0);
        // ∂L/∂z of the layer the backward pass is at, and of the layer before it, in turns; an evaluation has the last layer's alone.
        let mut delta = [0; 2];
        let deltas = match purpose {
            Purpose::Prediction => 0,
            Purpose::Evaluation => 1,
            Purpose::Training { .. } => 2,
        };
        for offset in &mut delta[..deltas] {
            *offset = writer.room.place(rows, widest).offset;
        }
        let behind_deltas = writer.room.len;
        if purpose != Purpose::Prediction {
            writer.loss(&results, loss, delta[0]);
        }
        let needs = MemoryNeeds {
            gradients: behind_gradients - alone,
            activations: behind_activations - behind_gradients,
            deltas: behind_deltas - behind_activations,
            loss: writer.room.len - behind_deltas + alone,
            ..MemoryNeeds::default()
        };
        sections.forward = 0..writer.instructions.len();
        if let Purpose::Training { parts, kept: state } = purpose {
            sections.backward = writer.section(|w| w.backward(&results, &kept, delta, parts, state));
            if let Parts::Clipped(max_norm) = parts {
                sections.norm = writer.section(|w| w.norm(&results, max_norm));
                sections.scale = writer.section(|w| w.scale(&results));
            }
            if parts != Parts::Fused {
                sections.update = writer.section(|w| w.update(&results, state));
            }
        }
        Outline { sections, results, work: writer.room.addressable(), needs, instructions: writer.instructions }
    }
}

/// Writes an outline, section by section.
struct Writer<'a, T: Element> {
    shape: &'a Shape,
    rows: usize,
    room: Room,
    instructions: Vec<Instruction<T>>,
}

impl<T: Element> Writer<'_, T> {
    fn push(&mut self, phase: Phase, layer: usize, op: Op<Places<T>>) {
        self.instructions.push(Instruction { region: Region { phase, layer }, op });
    }

    fn section(&mut self, write: impl FnOnce(&mut Self)) -> Range<usize> {
        let first = self.instructions.len();
        write(self);
        first..self.instructions.len()
    }

    /// Room for what does not move when the number of rows changes, which therefore stands first.
    fn results(&mut self, loss: &Loss) -> Results {
        let (shape, room) = (self.shape, &mut self.room);
        let [zero, loss_at, norm, scale] = [(); 4].map(|()| room.place(1, 1));
        let classes = loss.is_weighted().then(|| room.place(3, shape.outputs()));
        Results {
            zero,
            loss: loss_at,
            norm,
            scale,
            classes,
            squares: Vec::new(),
            gradients: Vec::new(),
            outputs: Vec::new(),
        }
    }

    /// The same for gradients.
    fn gradients(&mut self, results: &mut Results, purpose: Purpose<T>) {
        let (shape, room) = (self.shape, &mut self.room);
        let Purpose::Training { parts, .. } = purpose else { return };
        for layer in &shape.layers {
            let weights = match parts {
                Parts::Fused => room.place_at(0, layer.fan_in, layer.fan_out),
                Parts::Apart | Parts::Clipped(_) => room.place(layer.fan_in, layer.fan_out),
            };
            results.gradients.push([weights, room.place(1, layer.fan_out)]);
            if let Parts::Clipped(_) = parts {
                results.squares.push([(); 2].map(|()| room.place(1, 1)));
            }
        }
    }

    /// The inputs of layer `l`: the data, or what the layer before gave.
    fn inputs(&self, results: &Results, l: usize) -> Place {
        match l {
            0 => {
                let layout = Layout::row_major(self.rows, self.shape.inputs());
                Place { slot: Slot::Inputs, offset: 0, layout }
            }
            _ => results.outputs[l - 1],
        }
    }

    /// rows × units of δ that begin at `offset`.
    fn delta(&self, offset: usize, units: usize) -> Place {
        self.room.place_at(offset, self.rows, units)
    }

    /// a₀ = f(x·W₀ + b₀), a₁ = f(a₀·W₁ + b₁), …; returns what each layer keeps for its derivative.
    fn forward(&mut self, results: &mut Results, training: bool) -> Vec<Place> {
        let mut kept = Vec::with_capacity(self.shape.layers.len());
        for (l, layer) in self.shape.layers.iter().enumerate() {
            let (x, a) = (self.inputs(results, l), self.room.place(self.rows, layer.fan_out));
            let keeps_sums = training && layer.activation.kept() == Kept::Sums;
            let sums = keeps_sums.then(|| self.room.place(self.rows, layer.fan_out));
            let (weights, bias, activation) = (layer.weights, layer.bias, layer.activation);
            self.push(Phase::Forward, l, Op::DenseForward { x, weights, bias, activation, sums, a });
            kept.push(sums.unwrap_or(a));
            results.outputs.push(a);
        }
        kept
    }

    /// The loss and ∂L/∂a of the last layer.
    fn loss(&mut self, results: &Results, loss: &Loss, delta: usize) {
        let (rows, units, last) = (self.rows, self.shape.outputs(), self.shape.layers.len() - 1);
        let (outputs, delta, to) = (results.outputs[last], self.delta(delta, units), results.loss);
        let targets = Place { slot: Slot::Targets, offset: 0, layout: Layout::row_major(rows, units) };
        // Computed here, once: no part of a step.
        let (elements, t) = (rows as f64 * units as f64, T::from_f64);
        let op = match (loss, results.classes) {
            (Loss::MeanSquaredError, _) => {
                let (mean, slope) = (t(1.0 / elements), t(2.0 / elements));
                Op::MeanSquaredError { outputs, targets, mean, slope, delta, loss: to }
            }
            (Loss::BinaryCrossEntropy, _) => {
                let (mean, losses) = (t(1.0 / elements), self.room.place(rows, units));
                Op::BinaryCrossEntropy { logits: outputs, targets, mean, losses, delta, loss: to }
            }
            (Loss::CrossEntropy { .. }, None) => {
                let (mean, losses) = (t(1.0 / rows as f64), self.room.place(1, rows));
                Op::CrossEntropy { logits: outputs, labels: rows, mean, losses, delta, loss: to }
            }
            (Loss::CrossEntropy { .. }, Some(classes)) => {
                let (spread, weights) = (t(loss.spread(units)), self.room.place(1, rows));
                let (logits, labels, losses) = (outputs, rows, self.room.place(1, rows));
                Op::WeightedCrossEntropy { logits, labels, classes, spread, weights, losses, delta, loss: to }
            }
        };
        self.push(Phase::Loss, last, op);
    }

    /// All gradients, from the last layer to the first; fused, each is used up in its update as it is made.
    fn backward(&mut self, results: &Results, kept: &[Place], delta: [usize; 2], parts: Parts<T>, state: usize) {
        let [mut here, mut before] = delta;
        let shape = self.shape;
        for (l, layer) in shape.layers.iter().enumerate().rev() {
            let delta = self.delta(here, layer.fan_out);
            if l == shape.layers.len() - 1 && layer.activation.function().is_some() {
                let (activation, kept) = (layer.activation, kept[l]);
                self.push(Phase::ActivationGradient, l, Op::Derive { activation, kept, delta });
            }
            // Before the weights change: the layer before wants the gradient at those of the forward pass.
            if let Some(below) = l.checked_sub(1).map(|l| shape.layers[l]) {
                let (weights, activation, kept) = (layer.weights, below.activation, kept[l - 1]);
                let d = self.delta(before, below.fan_out);
                self.push(Phase::InputGradient, l, Op::DenseInputGradient { delta, weights, activation, kept, d });
            }
            let (x, [gradient, sum]) = (self.inputs(results, l), results.gradients[l]);
            self.push(Phase::BiasGradient, l, Op::ColumnSum { a: delta, sum });
            match parts {
                Parts::Fused => {
                    let (weights, kept) = (layer.weights, state_of(layer.weights, state));
                    self.push(Phase::Update, l, Op::DenseUpdate { x, delta, rule: (), weights, state: kept });
                    self.push(Phase::Update, l, update(sum, layer.bias, state));
                }
                Parts::Apart | Parts::Clipped(_) => {
                    self.push(Phase::WeightGradient, l, Op::DenseWeightGradient { x, delta, gradient });
                }
            }
            (here, before) = (before, here);
        }
    }

    /// Σ g² up to each layer, ‖g‖, and what gradients are to be multiplied by.
    fn norm(&mut self, results: &Results, max_norm: T) {
        let mut before = results.zero;
        for (l, (gradients, sums)) in results.gradients.iter().zip(&results.squares).enumerate() {
            for (x, sum) in gradients.iter().zip(sums) {
                self.push(Phase::Clip, l, Op::AddSquares { before, x: *x, sum: *sum });
                before = *sum;
            }
        }
        let last = self.shape.layers.len() - 1;
        let Results { norm, scale, .. } = *results;
        self.push(Phase::Clip, last, Op::ClipScale { max_norm, squares: before, norm, scale });
    }

    /// Gradients are multiplied.
    fn scale(&mut self, results: &Results) {
        for (l, gradients) in results.gradients.iter().enumerate() {
            for x in *gradients {
                self.push(Phase::Clip, l, Op::Scale { factor: results.scale, x });
            }
        }
    }

    /// All updates.
    fn update(&mut self, results: &Results, state: usize) {
        for (l, (layer, [weights, bias])) in self.shape.layers.iter().zip(&results.gradients).enumerate() {
            self.push(Phase::Update, l, update(*weights, layer.weights, state));
            self.push(Phase::Update, l, update(*bias, layer.bias, state));
        }
    }
}

/// What an optimizer keeps for the parameters at a place.
fn state_of(place: Place, kept: usize) -> [Option<Place>; 2] {
    let at = |used: bool, slot| used.then_some(Place { slot, ..place });
    [at(kept > 0, Slot::First), at(kept > 1, Slot::Second)]
}

fn update<T: Element>(gradient: Place, weights: Place, kept: usize) -> Op<Places<T>> {
    Op::Update { rule: (), gradient, weights, state: state_of(weights, kept) }
}
