//! Dense feed-forward networks on the CPU: build, initialise, train, evaluate, predict.
//!
//! ```
//! use nxm_net::{Activation, Adam, Cpu, Dataset, Loss, Network, TrainingOptions};
//!
//! # // Three kinds of flowers, fifty of each, told apart by four lengths.
//! # let centres = [[5.0f32, 3.4, 1.5, 0.2], [5.9, 2.8, 4.3, 1.3], [6.6, 3.0, 5.6, 2.0]];
//! # let (mut lengths, mut kinds) = (Vec::new(), Vec::new());
//! # for flower in 0..150 {
//! #     let noise = |j: usize| 0.4 * ((flower * 4 + j) as f32 * 12.9898).sin();
//! #     lengths.extend((0..4).map(|j| centres[flower / 50][j] + noise(j)));
//! #     kinds.push(flower as u32 / 50);
//! # }
//! let (held_out, train) = Dataset::classification(lengths, 4, kinds, 3)?.shuffled(1).split_at(30);
//! let mut network: Network = Network::builder(4).dense(16, Activation::Tanh).dense(3, Activation::Identity).build()?;
//! let cpu = Cpu::detect()?;
//! let options = TrainingOptions::new(Loss::CROSS_ENTROPY, Adam::new(0.01)).with_epochs(300);
//! let fit = network.fit(&cpu, &train, options.with_validation(&held_out).with_patience(30))?;
//! let kinds = network.predict_classes(&cpu, held_out.inputs())?;
//! # assert!(fit.best_epoch.is_some() && kinds.len() == 30);
//! # assert!(network.evaluate(&cpu, &held_out, &Loss::CROSS_ENTROPY)?.accuracy > Some(0.9));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A network is a chain of layers ([`Layer`]): dense ones a = f(X·W + b), norms, dropouts and softmaxes. Training is mini-batch gradient descent: forward, loss, backward, update.
//!
//! - [`Network::fit`] trains in one call: validation, early stopping, the best epoch's weights, a history, a callback.
//!   [`Network::partial_fit`] goes on with other data.
//! - [`Training`] is an iterator over epochs, or steps, for a loop of your own. It can be stopped and taken up again to the bit
//!   ([`TrainingState`]), also from a file ([`Checkpoint`]).
//! - [`Step`] is one step; its gradients can be read. [`Optimizer`] says how parameters follow them.
//!
//! Everything runs on an [`Executor`], so the step that ships can be timed, counted or profiled as it is. The same seed and data give the
//! same bits at any number of threads and at every level with fused multiply-add. Elements are f32, or f64 by the same code.
//!
//! # The same elsewhere
//!
//! How the example above is written with other libraries, by their documentation and examples: runnt 0.9, scikit-learn's
//! `MLPClassifier`, and the `SupervisedTraining` of burn.
//!
//! | | this crate | runnt | scikit-learn | burn |
//! |---|---|---|---|---|
//! | data | `Dataset::classification(x, 4, labels, 3)?` | `Dataset::builder()`, from a CSV file, with one-hot targets | arrays | a `Batcher` of your own, and a `DataLoader` of it for training and for validation |
//! | network | `Network::builder(4).dense(16, Activation::Tanh)…` | `NN::new(&[4, 16, 3])` | `MLPClassifier((16,))` | a struct of your own, generic over the backend, that implements `TrainStep` and `InferenceStep` |
//! | training | `network.fit(&cpu, &train, options)?` | `net.train(&set, epochs, …)` | `model.fit(X, y)` | `SupervisedTraining::new(folder, train, valid)….run(Learner::new(model, optimizer, scheduler))` |
//! | early stopping | `.with_patience(30)`, by the loss, the accuracy or any function | none is documented | `early_stopping=True, n_iter_no_change=30`, by the score, on a share of the rows that it draws | `.early_stopping(MetricEarlyStoppingStrategy::new(…))`, with a metric, an aggregate, a direction, a split and a condition |
//! | history | `fit.epochs` | printed | `loss_curve_`, `validation_scores_` | shown, and files in the folder |
//! | more data later | `network.partial_fit(&cpu, &more, options, &mut state)?` | `net.fit(&x, &y, batch)` | `model.partial_fit(X, y)`, not with early stopping | the loop is yours |
//! | classes | `network.predict_classes(&cpu, x)?` | `net.forward(&x)` of each row, and the largest | `model.predict(X)` | `forward` of the model, and `argmax` |
//!
//! # A loop of your own
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

mod average;
mod buffer;
mod builder;
mod check;
mod checkpoint;
mod classes;
mod data;
mod dropout;
mod error;
mod evaluate;
mod fit;
mod init;
mod known_format;
mod layer;
mod layers;
mod layout;
mod lbfgs;
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

pub use average::WeightAverage;
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
pub use layer::{LayerMut, LayerRef};
pub use layers::{Layer, LayerError, parse_layers};
pub use lbfgs::{LbfgsIteration, LbfgsProgress, LbfgsReport, LbfgsState};
pub use loss::Loss;
pub use network::Network;
/// What a user of this crate alone needs of the kernels: who runs them, on what, and the names of activations.
pub use nxm_kernels::{Activation, ActivationError, Cpu, Element, Executor, Level, LevelError, MatrixRef, UnknownName};
pub use optimizer::{
    Adadelta, Adagrad, Adam, AdamW, Adamax, LayerState, Lbfgs, Lion, Muon, NAdam, Optimizer, OptimizerState, RAdam,
    RmsProp, Rprop, Sgd,
};
pub use patience::{Goal, Patience};
pub use predictor::{PredictionBuffers, Predictor};
#[doc(hidden)] // for `nxm-count`
pub use program::{MemoryNeeds, memory_needs};
pub use program::{Run, operations};
pub use schedule::{Aim, LearningRateSchedule, PhaseShape, Plateau, PlateauState, ThresholdKind};
pub use spec::{Clipping, NetworkSpec, SpecError};
pub use step::Step;
pub use summary::{LayerSummary, NetworkSummary};
pub use text::printable;
pub use train::{EpochReport, Progress, StepReport, Training, TrainingOptions, TrainingState};
