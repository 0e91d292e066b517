//! Closed formulas: what kernels, steps and training runs execute, from shapes alone.
//!
//! This is the independent statement of what the kernels do. It calls none of them: it is arithmetic on shapes, in
//! 128-bit integers that are checked, so any size may be asked about. That both agree is what the tests show.
//!
//! Two ideas make all of it:
//! - a *map* does something once per element: n useful lanes, and n rounded up to whole vectors executed;
//! - a *reduction* of n elements starts up to four blocks of 64 bytes of lanes (one block if n is less than four), adds
//!   the other elements to those, and folds the lanes: n − 1 useful operations, and the whole tree executed.
//!
//! A matrix product is a map over a row of the result, once per row and per term of the sums.

mod beside;
mod compulsory;
mod constants;
mod functions;
mod kernels;
mod lbfgs;
mod losses;
mod multiplication;
mod norms;
mod operation;
mod products;
mod requests;
mod rows;
mod run;
mod training;
mod vectors;

use std::collections::BTreeMap;

pub use beside::{
    EPOCH_REPORT, WEIGHTED_EPOCH_REPORT, evaluation_beside_kernels, loss_constants, new_program_beside_kernels,
    new_step_beside_kernels, schedule_operations, step_beside_kernels, weighted_step_beside_kernels,
};
pub use constants::rule_constants;
pub(crate) use functions::inside_xla;
pub use training::TrainingLength;

use nxm_kernels::{Element, Level, Operation, Region, VectorShape};
use nxm_net::{ElementType, NetworkSpec, Run};

use crate::breakdown::Breakdown;
use crate::cost::Cost;
use crate::error::CountError;
use crate::kind::Overflow;
use crate::tally::Tally;
use crate::traffic::Traffic;
use compulsory::compulsory;
use requests::Requests;
use vectors::{ReductionOps, Vectors};

/// The formulas for elements of one type at one level, on some threads.
///
/// Useful operations depend on the element type only (how long a polynomial is, how many lanes a sum has) and on whether
/// multiply-adds are fused. Padding depends on the length of the vectors too. The bytes that kernels ask for depend on all of it.
///
/// ```
/// use nxm_count::{Activation, Formulas, Loss, NetworkSpec};
///
/// let network = NetworkSpec::new([30, 30, 30], Activation::Sigmoid, Activation::Sigmoid, Loss::MeanSquaredError)?;
/// let step = Formulas::textbook::<f32>().step(&network, 1)?;
/// assert_eq!(step.forward.useful.multiplications(), 1_800);
/// assert_eq!(step.total.useful.multiplications(), 6_541);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Formulas {
    vectors: Vectors,
    requests: Requests,
    element: ElementType,
}

impl Formulas {
    /// The formulas of `level` for elements of `T`, on one thread.
    pub fn of<T: Element>(level: Level) -> Formulas {
        Formulas::new::<T>(level.shape::<T>())
    }

    /// Those of single elements with fused multiply-add: the counts of the textbook, the useful ones of every fused level.
    pub fn textbook<T: Element>() -> Formulas {
        Formulas::new::<T>(VectorShape { lanes: 1, fused: true, fold_lanes: 0, registers: 16 })
    }

    fn new<T: Element>(shape: VectorShape) -> Formulas {
        Formulas {
            vectors: Vectors::new::<T>(shape),
            requests: Requests::new::<T>(shape),
            element: ElementType::of::<T>(),
        }
    }

    /// The same on `threads` threads, at least one. Only the bytes that kernels ask for depend on them.
    #[must_use]
    pub fn on_threads(self, threads: usize) -> Formulas {
        Formulas { requests: self.requests.on_threads(threads), ..self }
    }

    /// What a call executes, useful and padding, at any number of threads.
    ///
    /// ```
    /// use nxm_count::{Formulas, Level};
    /// use nxm_kernels::call::{Op, RightLayout};
    /// use nxm_kernels::{Init, Layout};
    ///
    /// let [a, b, c] = [(5, 7), (7, 19), (5, 19)].map(|(rows, cols)| Layout::row_major(rows, cols));
    /// let gemm = Op::Gemm { a, b: RightLayout::Matrix(b), init: Init::Zero, c };
    /// let tally = Formulas::of::<f32>(Level::named("scalar")?).executed(&gemm)?;
    /// assert_eq!(tally.useful.own().fma(), 5 * 7 * 19);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Overflow`] if a count exceeds 128 bits.
    pub fn executed(&self, operation: &Operation) -> Result<Tally, Overflow> {
        self.vectors.operation(operation)
    }

    /// The bytes that the loads and stores of a call ask for.
    ///
    /// # Errors
    /// [`Overflow`] if they exceed 128 bits.
    pub fn requested(&self, operation: &Operation) -> Result<Traffic, Overflow> {
        self.requests.operation(operation)
    }

    /// What a step of `network` on `batch` examples executes, by [`Step::train`](nxm_net::Step::train). With S = Σ NₗMₗ, its matrix work
    /// is B·(3·S − N₀·N₁) fma. The constants of the optimizer's rule are not in it: [`rule_constants`]. Of L-BFGS it is one evaluation of the loss
    /// and its gradients, the least that a step takes: [`Formulas::lbfgs`] says what a step took, of its report.
    ///
    /// For N inputs, M units and B examples the phases of a layer execute: forward B·N·M fma (N additions for N + 1 terms, as sums start
    /// from the bias) and B·M evaluations; activation gradient the activation's derivative, B·M times; weight gradient B·N·M fma; bias
    /// gradient B·M additions; input gradient B·N·M fma (of one example B·N·M multiplications, and an addition less for each input), and
    /// nothing in the first layer, whose inputs are data; clip the layer's part of the gradients' norm, and their scaling; update the
    /// optimizer's rule for each parameter, and 2 fma more if an average of weights is kept.
    ///
    /// # Errors
    /// [`CountError`] if `batch` is 0 or a count exceeds 128 bits.
    pub fn step(&self, network: &NetworkSpec, batch: u64) -> Result<Breakdown<Tally>, CountError> {
        self.run(network, batch, Run::Step)
    }

    /// What a run of `network` on `rows` rows executes. A prediction keeps no sums; an evaluation adds the loss.
    ///
    /// [`Predictor::predict`](nxm_net::Predictor::predict) takes all its rows at a time. [`Network::predict`](nxm_net::Network::predict) and
    /// [`Network::evaluate`](nxm_net::Network::evaluate) take [`EVALUATION_ROWS`](nxm_net::EVALUATION_ROWS).
    ///
    /// # Errors
    /// [`CountError`] if `rows` is 0 or a count exceeds 128 bits.
    pub fn run(&self, network: &NetworkSpec, rows: u64, run: Run) -> Result<Breakdown<Tally>, CountError> {
        run::by_phase(network, self.element, rows, run, |operation| self.vectors.fused(operation))
    }

    /// The same with the bytes: what must be moved at least, and what the kernels ask for. Operations are those of the textbook.
    ///
    /// # Errors
    /// [`CountError`] if `rows` is 0 or a number exceeds 128 bits.
    pub fn cost(&self, network: &NetworkSpec, rows: u64, run: Run) -> Result<Breakdown<Cost>, CountError> {
        let textbook = self.vectors.textbook();
        run::by_phase(network, self.element, rows, run, |operation| {
            let ops = textbook.fused(operation)?;
            let traffic = compulsory(operation, self.element)?;
            let requested = self.requests.fused(operation)?;
            Ok([0, 1].map(|part| Cost { ops: ops[part].useful, traffic: traffic[part], requested: requested[part] }))
        })
    }

    /// What each region of a run executes and which bytes it asks for, as a counting executor books them: what is fused is booked as one.
    /// A region in which nothing happens is left out.
    ///
    /// # Errors
    /// [`CountError`] if `rows` is 0 or a number exceeds 128 bits.
    pub fn regions(
        &self,
        network: &NetworkSpec,
        rows: u64,
        run: Run,
    ) -> Result<BTreeMap<Region, (Tally, Traffic)>, CountError> {
        run::by_region(network, self.element, rows, run, |operation| {
            Ok((self.executed(operation)?, self.requested(operation)?))
        })
    }

    /// What the kernels of a training of `network` execute: epochs · (⌊examples/batch⌋ · step(batch) + step(examples mod batch)). A short last batch
    /// counts as what it is. Where gradients are accumulated, those are micro-batches, and an epoch has ⌈micro-batches/accumulate⌉ updates.
    ///
    /// # Errors
    /// [`CountError`] if a number of examples, epochs or a batch is 0 or a count exceeds 128 bits.
    pub fn training(&self, network: &NetworkSpec, length: TrainingLength) -> Result<Tally, CountError> {
        let (_, training) = length.repeat(|batch, run| self.run(network, batch, run))?;
        Ok(training.total)
    }
}
