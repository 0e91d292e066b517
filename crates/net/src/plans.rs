//! Programs for one network and up to so many rows, and the memory they work on.

use std::sync::Arc;

use nxm_kernels::program::{Bindings, Parameters, Place};
use nxm_kernels::{Decay, Element, Executor, MatrixRef, Memory, Program, Rule};

use crate::buffer::memory;
use crate::data::Targets;
use crate::error::NetError;
use crate::layer::matrix;
use crate::loss::Loss;
use crate::network::Network;
use crate::optimizer::OptimizerState;
use crate::program::{Outline, Parts, Purpose, Results, Sections};
use crate::shape::Shape;

/// Programs that are kept: of whole and short batches, with an update and without.
const KEPT: usize = 4;

/// A program for so many rows.
#[derive(Clone, Debug)]
pub(crate) struct Plan<T: Element> {
    rows: usize,
    purpose: Purpose<T>,
    pub(crate) program: Program<T>,
    pub(crate) sections: Sections,
    pub(crate) results: Results,
}

impl<T: Element> Plan<T> {
    /// Rows it is for.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }
}

/// Programs of one network, made when they are first asked for, and their memory, which is that of the largest.
#[derive(Clone, Debug)]
pub(crate) struct Plans<T: Element> {
    pub(crate) shape: Arc<Shape>,
    pub(crate) loss: Loss,
    /// Rows of the largest.
    pub(crate) most: usize,
    kept: Vec<Plan<T>>,
    work: Memory<T>,
}

/// What a program works on besides its own memory.
pub(crate) struct Given<'a, T> {
    pub(crate) parameters: Parameters<'a, T>,
    pub(crate) state: [&'a mut [T]; 2],
    pub(crate) x: MatrixRef<'a, T>,
    pub(crate) targets: Targets<'a, T>,
    pub(crate) rule: Rule<T>,
}

impl<'a, T: Element> Given<'a, T> {
    /// Parameters that stay as they are, and examples.
    pub(crate) fn forward(parameters: &'a [T], x: MatrixRef<'a, T>, targets: Targets<'a, T>) -> Self {
        let rule = Rule::Sgd { learning_rate: T::ZERO, decay: Decay::None };
        Given { parameters: Parameters::Shared(parameters), state: [&mut [], &mut []], x, targets, rule }
    }
}

impl<'a, T: Element> Given<'a, T> {
    /// Parameters that an optimizer changes by this rule, and examples.
    #[inline]
    pub(crate) fn update(
        network: &'a mut Network<T>,
        optimizer: &'a mut OptimizerState<T>,
        rule: Rule<T>,
        x: MatrixRef<'a, T>,
        targets: Targets<'a, T>,
    ) -> Self {
        let parameters = Parameters::Exclusive(network.parameters.as_mut_slice());
        Given { parameters, state: optimizer.memories(), x, targets, rule }
    }
}

impl<T: Element> Plans<T> {
    /// Of a network of this shape, on at most `most` rows, with memory for this purpose.
    pub(crate) fn new(shape: &Arc<Shape>, loss: &Loss, most: usize, purpose: Purpose<T>) -> Result<Plans<T>, NetError> {
        loss.check(shape.outputs())?;
        let (shape, loss) = (Arc::clone(shape), loss.clone());
        let mut plans = Plans { shape, loss, most, kept: Vec::with_capacity(KEPT), work: memory(WORK, 0)? };
        plans.reserve(purpose)?;
        Ok(plans)
    }

    /// Memory for this purpose on as many rows as there may be.
    fn reserve(&mut self, purpose: Purpose<T>) -> Result<(), NetError> {
        let Outline { work, results, .. } = Outline::new(&self.shape, &self.loss, self.most, purpose);
        if work <= self.work.as_slice().len() {
            return Ok(());
        }
        self.work = memory(WORK, work).map_err(|error| match error {
            // In words that name the batch.
            NetError::TooLarge { what, .. } => {
                let units = self.shape.layers.iter().map(|layer| layer.fan_out).fold(0, usize::saturating_add);
                NetError::TooLarge { what, rows: self.most, cols: units }
            }
            other => other,
        })?;
        if let Some(Place { offset, layout, .. }) = results.classes {
            for class in 0..layout.cols {
                let shares = self.loss.shares(class, layout.cols);
                for (row, share) in shares.into_iter().enumerate() {
                    self.work.as_mut_slice()[offset + row * layout.strides.row + class] = T::from_f64(share);
                }
            }
        }
        Ok(())
    }

    /// The place among those kept of the program for so many rows, at most as many as there is memory for.
    pub(crate) fn find(&mut self, rows: usize, purpose: Purpose<T>) -> Result<usize, NetError> {
        match self.kept.iter().position(|plan| plan.rows == rows && plan.purpose.is(purpose)) {
            Some(place) => Ok(place),
            None => self.make(rows, purpose),
        }
    }

    #[cold]
    fn make(&mut self, rows: usize, purpose: Purpose<T>) -> Result<usize, NetError> {
        if rows > self.most {
            return Err(NetError::BatchTooLarge { rows, batch: self.most });
        }
        self.reserve(purpose)?;
        let Outline { instructions, sections, results, .. } = Outline::new(&self.shape, &self.loss, rows, purpose);
        let program = Program::new(instructions, &rule_that_keeps(purpose))?;
        if self.kept.len() == KEPT {
            self.kept.remove(0);
        }
        self.kept.push(Plan { rows, purpose, program, sections, results });
        Ok(self.kept.len() - 1)
    }

    /// The program at this place.
    pub(crate) fn plan(&self, place: usize) -> &Plan<T> {
        &self.kept[place]
    }

    /// Runs a section of the program at this place.
    pub(crate) fn run(
        &mut self,
        place: usize,
        section: impl FnOnce(&Sections) -> std::ops::Range<usize>,
        executor: &dyn Executor,
        given: Given<'_, T>,
    ) -> Result<(), NetError> {
        let Plan { program, sections, .. } = &self.kept[place];
        let Given { parameters, state: [first, second], x, targets, rule } = given;
        let (targets, labels): (_, &[u32]) = match targets {
            Targets::Values(values) => (values, &[]),
            Targets::Classes(labels) => (MatrixRef::from_row(&[]), labels),
        };
        let work = self.work.as_mut_slice();
        let mut bindings = Bindings { parameters, first, second, work, inputs: x, targets, labels, rule };
        Ok(program.run(section(sections), executor, &mut bindings)?)
    }

    /// What stands at a place of the work memory.
    pub(crate) fn matrix(&self, place: Place) -> MatrixRef<'_, T> {
        matrix(self.work.as_slice(), place)
    }

    /// A number that stands alone.
    pub(crate) fn number(&self, place: Place) -> T {
        self.work.as_slice()[place.offset]
    }
}

/// What errors call the memory.
const WORK: &str = "a batch's activations and gradients";

/// Any rule that keeps as many numbers as the purpose says.
pub(crate) fn rule_that_keeps<T>(purpose: Purpose<T>) -> Rule<f64> {
    let decay = Decay::None;
    match purpose {
        Purpose::Training { kept: 2, .. } => Rule::Adam {
            step_size: 0.0,
            one_minus_beta1: 0.0,
            beta2: 0.0,
            one_minus_beta2: 0.0,
            correction: 0.0,
            epsilon: 0.0,
            decay,
        },
        Purpose::Training { kept: 1, .. } => Rule::Momentum { learning_rate: 0.0, momentum: 0.0, decay },
        _ => Rule::Sgd { learning_rate: 0.0, decay },
    }
}

/// The parts a step is made in.
pub(crate) fn training<T>(parts: Parts<T>, kept: usize) -> Purpose<T> {
    Purpose::Training { parts, kept }
}
