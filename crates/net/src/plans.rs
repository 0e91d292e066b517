//! The programs of one network, and the memory they work on.

use std::ops::Range;
use std::sync::Arc;

use nxm_kernels::beside::rounded;
use nxm_kernels::program::{Bindings, ParameterMemory, Place};
use nxm_kernels::{Decay, Element, Executor, MOST_STATE, MatrixRef, Memory, Program, Rule};

use crate::buffer::memory;
use crate::data::{Batch, Targets};
use crate::dropout::Draw;
use crate::error::NetError;
use crate::layer::matrix;
use crate::layout::NetworkLayout;
use crate::loss::Loss;
use crate::network::Network;
use crate::optimizer::OptimizerState;
use crate::program::{MuonParts, Outline, Purpose, Results, Sections};

/// How many programs are kept. A training needs one for whole batches and one for the short last batch; each is two if gradients are
/// asked for. The others are for predictions of many different numbers of rows. To make a program takes longer than to predict a row with
/// a small network: 600 ns against 150 ns with 4-9-3 units in f32 on a Xeon with AVX-512.
const KEPT: usize = 16;

/// What errors call the memory.
const WORK: &str = "a batch's activations and gradients";

/// A program for batches of one number of rows.
#[derive(Clone, Debug)]
pub(crate) struct Plan<T: Element> {
    pub(crate) rows: usize,
    pub(crate) purpose: Purpose<T>,
    pub(crate) program: Program<T>,
    /// What Muon does between the gradients and the updates of biases: directions, then steps along them.
    muon: Option<[Program<T>; 2]>,
    sections: Sections,
    pub(crate) results: Results<T>,
}

impl<T: Element> Plan<T> {
    /// Whether running statistics have a section of their own.
    #[inline]
    pub(crate) fn has_statistics(&self) -> bool {
        !self.sections.statistics().is_empty()
    }
}

/// Programs for one network and loss, and one memory for all of them.
///
/// A program is made when its number of rows and purpose are first asked for. The memory fits the largest batch, so that no program but the
/// first for its purpose makes it grow.
#[derive(Clone, Debug)]
pub(crate) struct Plans<T: Element> {
    pub(crate) layout: Arc<NetworkLayout>,
    pub(crate) loss: Loss,
    /// Rows of the largest batch.
    pub(crate) most: usize,
    kept: Vec<Plan<T>>,
    /// How many programs were made: when all places are taken, the oldest program makes room for the next.
    made: usize,
    work: Memory<T>,
}

/// What a program works on besides its work memory.
pub(crate) struct Given<'a, T> {
    parameters: ParameterMemory<'a, T>,
    state: [&'a mut [T]; MOST_STATE],
    x: MatrixRef<'a, T>,
    targets: Targets<'a, T>,
    rule: Rule<T>,
}

impl<'a, T: Element> Given<'a, T> {
    /// Parameters that stay as they are, and examples.
    pub(crate) fn forward(network: &'a Network<T>, Batch { x, targets, .. }: Batch<'a, T>) -> Self {
        let rule = Rule::Sgd { learning_rate: T::ZERO, decay: Decay::None };
        Given {
            parameters: ParameterMemory::Shared(network.parameters.as_slice()),
            state: [&mut [], &mut [], &mut []],
            x,
            targets,
            rule,
        }
    }

    /// Parameters that an optimizer changes by this rule, and no examples.
    #[inline]
    pub(crate) fn update(network: &'a mut Network<T>, optimizer: &'a mut OptimizerState<T>, rule: Rule<T>) -> Self {
        let parameters = ParameterMemory::Exclusive(network.parameters.as_mut_slice());
        let (x, targets) = (MatrixRef::from_row(&[]), Targets::Classes(&[]));
        Given { parameters, state: optimizer.memories(), x, targets, rule }
    }

    /// Parameters that a rule without state changes, and no examples.
    #[inline]
    pub(crate) fn exclusive(network: &'a mut Network<T>, rule: Rule<T>) -> Self {
        let parameters = ParameterMemory::Exclusive(network.parameters.as_mut_slice());
        let (x, targets) = (MatrixRef::from_row(&[]), Targets::Classes(&[]));
        Given { parameters, state: [&mut [], &mut [], &mut []], x, targets, rule }
    }

    /// The same, and examples.
    #[inline]
    pub(crate) fn on(self, Batch { x, targets, .. }: Batch<'a, T>) -> Self {
        Given { x, targets, ..self }
    }
}

impl<T: Element> Plans<T> {
    /// For a network of this shape and batches of at most `most` rows, with memory for this purpose.
    pub(crate) fn new(
        layout: &Arc<NetworkLayout>,
        loss: &Loss,
        most: usize,
        purpose: Purpose<T>,
    ) -> Result<Plans<T>, NetError> {
        loss.check(layout.outputs())?;
        if !matches!(purpose, Purpose::Prediction) {
            loss.check_behind(layout.layers.iter().map(|layer| layer.layer))?;
        }
        let (layout, loss) = (Arc::clone(layout), loss.clone());
        let mut plans = Plans { layout, loss, most, kept: Vec::with_capacity(KEPT), made: 0, work: memory(WORK, 0)? };
        plans.reserve(purpose)?;
        Ok(plans)
    }

    /// Makes the memory large enough for this purpose on the largest batch. What stands in it stays.
    pub(crate) fn reserve(&mut self, purpose: Purpose<T>) -> Result<(), NetError> {
        let Outline { work, results, .. } = Outline::new(&self.layout, &self.loss, self.most, purpose);
        if work <= self.work.as_slice().len() {
            return Ok(());
        }
        let mut larger = memory(WORK, work).map_err(|error| self.in_rows(error))?;
        let kept = self.work.as_slice();
        larger.as_mut_slice()[..kept.len()].copy_from_slice(kept);
        self.work = larger;
        if let Some(Place { offset, layout, .. }) = results.classes {
            for class in 0..layout.cols {
                let shares = self.loss.shares(class, layout.cols);
                for (row, share) in shares.into_iter().enumerate() {
                    self.work.as_mut_slice()[offset + row * layout.strides.row + class] = rounded(share);
                }
            }
        }
        Ok(())
    }

    /// The error of a memory that is too large, with the rows of the batch and the units of all layers.
    #[cold]
    fn in_rows(&self, error: NetError) -> NetError {
        match error {
            NetError::TooLarge { what, .. } => {
                let units = self.layout.layers.iter().map(|layer| layer.fan_out).fold(0, usize::saturating_add);
                NetError::TooLarge { what, rows: self.most, cols: units }
            }
            other => other,
        }
    }

    /// The number of the program for this purpose and so many rows. It is valid until the next call.
    #[inline]
    pub(crate) fn find(&mut self, rows: usize, purpose: Purpose<T>) -> Result<usize, NetError> {
        match self.kept.iter().position(|plan| plan.rows == rows && plan.purpose.is(&purpose)) {
            Some(number) => Ok(number),
            None => self.make(rows, purpose),
        }
    }

    #[cold]
    fn make(&mut self, rows: usize, purpose: Purpose<T>) -> Result<usize, NetError> {
        if rows > self.most {
            return Err(NetError::BatchTooLarge { rows, batch: self.most });
        }
        self.reserve(purpose)?;
        let Outline { instructions, sections, results, muon, .. } =
            Outline::new(&self.layout, &self.loss, rows, purpose);
        let program = Program::new(instructions, &any_rule(purpose))?;
        let muon = match muon {
            Some(MuonParts { directions, steps }) => {
                Some([Program::new(directions, &any_of(1))?, Program::new(steps, &any_of(0))?])
            }
            None => None,
        };
        let plan = Plan { rows, purpose, program, muon, sections, results };
        let number = self.made % KEPT;
        self.made += 1;
        if number < self.kept.len() {
            self.kept[number] = plan;
        } else {
            self.kept.push(plan);
        }
        Ok(number)
    }

    /// The program of this number.
    #[inline]
    pub(crate) fn plan(&self, number: usize) -> &Plan<T> {
        &self.kept[number]
    }

    /// Puts the weights of a batch's examples where the program of this number reads them. It copies them: no operation.
    pub(crate) fn weigh(&mut self, number: usize, weights: Option<&[T]>) {
        if let (Some(weights), Some(place)) = (weights, self.kept[number].results.weights) {
            self.work.as_mut_slice()[place.offset..][..weights.len()].copy_from_slice(weights);
        }
    }

    /// Draws the masks of dropouts where the program of this number reads them. It executes no floating-point operation.
    pub(crate) fn draw(&mut self, number: usize, draw: Draw) {
        for mask in &self.kept[number].results.masks {
            mask.fill(draw, self.work.as_mut_slice());
        }
    }

    /// Runs a section of the program of this number.
    pub(crate) fn run(
        &mut self,
        number: usize,
        section: fn(&Sections) -> Range<usize>,
        executor: &dyn Executor,
        given: Given<'_, T>,
    ) -> Result<(), NetError> {
        let Plan { program, sections, .. } = &self.kept[number];
        run_on(program, section(sections), self.work.as_mut_slice(), executor, given)
    }

    /// Runs a part of what Muon does, [`DIRECTIONS`] or [`STEPS`].
    pub(crate) fn run_muon(
        &mut self,
        number: usize,
        part: usize,
        executor: &dyn Executor,
        given: Given<'_, T>,
    ) -> Result<(), NetError> {
        let Some(programs) = &self.kept[number].muon else { return Ok(()) };
        let program = &programs[part];
        run_on(program, 0..program.instructions().len(), self.work.as_mut_slice(), executor, given)
    }

    /// Makes all gradients of the program of this number 0.
    pub(crate) fn clear_gradients(&mut self, number: usize) {
        let Results { weight_gradients, bias_gradients, .. } = &self.kept[number].results;
        for Place { offset, layout, .. } in weight_gradients.iter().chain(bias_gradients).flatten() {
            self.work.as_mut_slice()[*offset..][..layout.rows * layout.width].fill(T::ZERO);
        }
    }

    /// The matrix at a place of the work memory.
    pub(crate) fn matrix(&self, place: Place) -> MatrixRef<'_, T> {
        matrix(self.work.as_slice(), place)
    }

    /// The number at a place of the work memory.
    pub(crate) fn number(&self, place: Place) -> T {
        self.work.as_slice()[place.offset]
    }

    /// The outputs that the program of this number computed.
    pub(crate) fn outputs(&self, number: usize) -> MatrixRef<'_, T> {
        let outputs = &self.plan(number).results.outputs;
        self.matrix(outputs[outputs.len() - 1])
    }

    /// The loss that the program of this number computed.
    #[inline]
    pub(crate) fn loss(&self, number: usize) -> T {
        self.number(self.plan(number).results.loss)
    }
}

/// The directions of Muon, by the rule of its momenta.
pub(crate) const DIRECTIONS: usize = 0;
/// Its steps along them.
pub(crate) const STEPS: usize = 1;

/// Runs some instructions of a program on this work memory.
#[inline]
fn run_on<T: Element>(
    program: &Program<T>,
    range: Range<usize>,
    work: &mut [T],
    executor: &dyn Executor,
    given: Given<'_, T>,
) -> Result<(), NetError> {
    let Given { parameters, state: [first, second, third], x, targets, rule } = given;
    let (targets, labels): (_, &[u32]) = match targets {
        Targets::Values(values) => (values, &[]),
        Targets::Classes(labels) => (MatrixRef::from_row(&[]), labels),
    };
    let mut bindings = Bindings::new(parameters, work, x)
        .with_state(first, second)
        .with_third(third)
        .with_targets(targets)
        .with_labels(labels)
        .with_rule(rule);
    Ok(program.run(range, executor, &mut bindings)?)
}

/// Any rule that keeps as many numbers for each parameter as the purpose says. The shapes of a program depend on no more of it.
pub(crate) fn any_rule<T>(purpose: Purpose<T>) -> Rule<f64> {
    match purpose {
        Purpose::Training { state, .. } => any_of(state),
        _ => any_of(0),
    }
}

/// Any rule that keeps so many.
pub(crate) fn any_of(state: usize) -> Rule<f64> {
    let decay = Decay::None;
    match state {
        3 => Rule::AmsGrad {
            step_size: 0.0,
            one_minus_beta1: 0.0,
            beta2: 0.0,
            one_minus_beta2: 0.0,
            correction: 0.0,
            epsilon: 0.0,
            lambda: 0.0,
            keep: 0.0,
        },
        2 => Rule::Adam {
            step_size: 0.0,
            one_minus_beta1: 0.0,
            beta2: 0.0,
            one_minus_beta2: 0.0,
            correction: 0.0,
            epsilon: 0.0,
            decay,
        },
        1 => Rule::Momentum { learning_rate: 0.0, momentum: 0.0, decay },
        _ => Rule::Sgd { learning_rate: 0.0, decay },
    }
}
