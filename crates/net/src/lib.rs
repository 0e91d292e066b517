//! Dense feed-forward networks on the CPU: build, initialise, train, evaluate, predict.
//!
//! A network is a chain of layers a = f(X·W + b). Training is mini-batch gradient descent: forward, loss, backward,
//! update ([`Step`]) by SGD, Adam or AdamW ([`Optimizer`]), over shuffled epochs ([`Training`]) that can be stopped and taken up
//! again to the bit ([`TrainingState`]), also from a file ([`Checkpoint`]). Everything runs on an [`Executor`], so
//! the step that ships can be timed, counted or profiled as it is. The same seed and data give the same bits at any
//! number of threads and at every level with fused multiply-add. Elements are f32, or f64 by the same code.
//!
//! ```
//! use nxm_net::{Activation, Cpu, Dataset, Network, Optimizer, Training, TrainingOptions};
//!
//! // Exclusive or: four examples of two inputs and one target.
//! let data = Dataset::regression(vec![0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0], 2, vec![0.0, 1.0, 1.0, 0.0], 1)?;
//! let mut network: Network =
//!     Network::builder(2).dense(8, Activation::Tanh).dense(1, Activation::Sigmoid).seed(1).build()?;
//!
//! let cpu = Cpu::detect()?;
//! let options = TrainingOptions::default().with_optimizer(Optimizer::sgd(1.0)).with_epochs(1000).with_seed(1);
//! for report in Training::new(&mut network, &cpu, &data, options)? {
//!     let report = report?;
//!     if report.loss < 0.01 {
//!         break; // the caller may stop whenever it likes
//!     }
//! }
//! let outputs = network.predict(&cpu, data.inputs())?;
//! let answers: Vec<bool> = outputs.iter().map(|&output| output > 0.5).collect();
//! assert_eq!(answers, [false, true, true, false]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]
// What a step computes, kernels compute, on the executor that the caller gives: then it is counted. The few operations beside them are calls of
// `nxm_kernels::beside`, and have formulas of their own.
#![cfg_attr(not(test), deny(clippy::float_arithmetic, clippy::disallowed_methods))]

mod buffer;
mod builder;
mod check;
mod checkpoint;
mod classes;
mod data;
mod error;
mod evaluate;
mod fit;
mod init;
mod known_format;
mod layer;
mod layout;
mod loss;
mod network;
mod optimizer;
mod patience;
mod plans;
mod predictor;
mod program;
mod random;
mod schedule;
mod spec;
mod step;
mod summary;
mod text;
mod train;

pub use builder::NetworkBuilder;
pub use checkpoint::{
    Checkpoint, CheckpointError, CheckpointSummary, Checkpoints, ContentError, ElementType, FileHeader,
    LockedCheckpoints, TensorEntry, open_file,
};
pub use data::{Dataset, Targets, shuffle_rows};
pub use error::{DataError, NetError};
pub use evaluate::{EVALUATION_ROWS, Evaluation, argmax};
pub use fit::{EpochSummary, Fit, FitOptions, Stopped};
pub use init::Initialization;
pub use known_format::KnownFormat;
pub use layer::{Dense, DenseMut};
pub use loss::Loss;
pub use network::Network;
/// What a user of this crate alone needs of the kernels: who runs them, on what, and the names of activations.
pub use nxm_kernels::{Activation, Cpu, Element, Executor, Level, LevelError, MatrixRef, UnknownName};
pub use optimizer::{Adam, AdamW, LayerState, Optimizer, OptimizerState, Sgd};
pub use patience::{Goal, Patience};
pub use predictor::{PredictionBuffers, Predictor};
#[doc(hidden)] // for `nxm-count`
pub use program::{MemoryNeeds, memory_needs};
pub use program::{Run, operations};
pub use schedule::LearningRateSchedule;
pub use spec::{Clipping, NetworkSpec, SpecError};
pub use step::Step;
pub use summary::{LayerSummary, NetworkSummary};
pub use text::printable;
pub use train::{EpochReport, Progress, StepReport, Training, TrainingOptions, TrainingState};
