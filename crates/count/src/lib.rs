//! What a dense network costs: formulas of its operations, proven against the operations its kernels execute.
//!
//! A layer with N inputs and M units costs N·M multiplications, N·M additions (M sums over N + 1 terms, started from the
//! bias) and M activations. This crate says so for every kernel, every phase of a training step and whole training
//! runs ([`Formulas`]), and counts what is executed: [`Counted`] wraps an executor, and with it any kernel, step or
//! training that ships, without changing a bit of its result. [`verify()`] holds one against the other for a network, and
//! [`forecast()`] makes seconds of counts.
//!
//! ```
//! use nxm_count::{Activation, Formulas, Function, Level, Loss, NetworkSpec, verify};
//!
//! let sigmoid = Activation::Sigmoid;
//! let network = NetworkSpec::new([30, 30, 30], sigmoid, sigmoid, Loss::MeanSquaredError)?;
//! let step = Formulas::textbook::<f32>().step(&network, 1)?;
//! let forward = step.forward.useful;
//! assert_eq!((forward.multiplications(), forward.additions()), (1800, 1800));
//! assert_eq!(forward.evaluations(Function::Sigmoid), 60);
//!
//! // And that is what the code that ships executes.
//! assert!(verify::<f32>(&network, 1, Level::detect()?, 1)?.agrees());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Conventions
//! - Kinds of operations, per lane: fma, mul, add (subtractions too), div, sqrt, cmp (minima and maxima too), convert.
//! - multiplications = mul + fma; additions = add + fma; flops = 2·fma + mul + add + div + sqrt + cmp. A conversion is no
//!   arithmetic.
//! - Evaluations of functions (sigmoid, exp, …) are counted by name; the arithmetic inside them is kept apart, and is in no
//!   other number.
//! - *Useful* lanes are those whose result is used; *padding* lanes are executed beside them in a ragged vector. Useful
//!   counts are the same at every level and thread count (but that a level without fused multiply-add executes a mul and
//!   an add for each fma); padding depends on the level, and on threads neither does.
//! - Counts are of kernels. What a training computes beside them, in f64, is in none of them and has formulas of its own
//!   ([`step_beside_kernels`], [`EPOCH_REPORT`], [`evaluation_beside_kernels`], [`new_step_beside_kernels`]).
//! - Sums are exact: 128 bits, and an error where those do not hold them.

#![forbid(unsafe_code)]

mod bill;
mod breakdown;
mod convention;
mod cost;
mod counted;
mod counting;
mod error;
mod forecast;
mod formula;
mod kind;
mod memory;
mod ops;
mod rehearsal;
mod sizes;
mod symbolic;
mod tally;
mod tools;
mod traffic;
mod verify;
mod weights;

pub use bill::Bill;
pub use breakdown::{Breakdown, LayerPhases, StepPart};
pub use convention::CONVENTIONS;
pub use cost::Cost;
pub use counted::Counted;
pub use error::CountError;
pub use forecast::{Forecast, forecast};
pub use formula::{
    EPOCH_REPORT, Formulas, TrainingLength, WEIGHTED_EPOCH_REPORT, evaluation_beside_kernels, loss_constants,
    new_program_beside_kernels, new_step_beside_kernels, rule_constants, schedule_operations, step_beside_kernels,
    weighted_step_beside_kernels,
};
pub use kind::{Kind, Kinds, Overflow};
pub use memory::MemoryUse;
/// What a user of this crate alone needs of the others.
pub use nxm_kernels::{Activation, Cpu, Function, Level};
pub use nxm_net::{Clipping, Loss, NetworkSpec, Optimizer, Run, SpecError};
pub use ops::Ops;
pub use rehearsal::{Rehearsal, RunError};
pub use sizes::{Sizes, SizesError};
pub use symbolic::{SymbolicCount, SymbolicPhase, symbolic};
pub use tally::Tally;
pub use tools::{Tool, ToolError, ToolReport};
pub use traffic::Traffic;
pub use verify::{Difference, Verification, verify, verify_in, verify_on};
pub use weights::{DenseWeights, WeightsError};
