//! Who runs a call, at which level and on how many threads.

use std::fmt;

use crate::call::Call;
use crate::element::Lane;
use crate::level::{Level, LevelError};
use crate::parallel::{default_threads, parts};
use crate::program::Instructions;
use crate::simd::Kernel;

/// Runs calls. [`Cpu`] is the one in production; one that counts or profiles wraps it.
pub trait Executor: Sync {
    /// The level kernels run at.
    fn level(&self) -> Level;
    /// How many tasks a kernel may be split into.
    fn threads(&self) -> usize;
    /// Runs `call`, which is a part of `region` if there is one.
    fn run_f32(&self, call: Call<'_, f32>, region: Option<Region>);
    /// Runs `call`, which is a part of `region` if there is one.
    fn run_f64(&self, call: Call<'_, f64>, region: Option<Region>);
    /// Runs some instructions of a program, one after the other.
    fn run_program_f32(&self, mut instructions: Instructions<'_, '_, f32>) {
        instructions.for_each(|call, region| self.run_f32(call, Some(region)));
    }
    /// Runs some instructions of a program, one after the other.
    fn run_program_f64(&self, mut instructions: Instructions<'_, '_, f64>) {
        instructions.for_each(|call, region| self.run_f64(call, Some(region)));
    }
    /// Runs `task`, a sequence of calls of which the largest has `work` multiply-adds, where they can be split between threads at
    /// little cost. One that wraps another hands this on.
    fn sequence(&self, work: usize, task: &mut (dyn FnMut() + Send)) {
        let _ = work;
        task();
    }
}

/// What a call does for the computation it is a part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// A layer's sums and activations: a = f(X·W + b).
    Forward,
    /// The loss and its gradient with respect to the network's outputs; booked under the last layer.
    Loss,
    /// ∂L/∂z = ∂L/∂a · f'(z) of the last layer; that of the others is part of the input gradient of the layer behind them.
    ActivationGradient,
    /// ∂L/∂W = Xᵀ·δ, where it is made for itself: when gradients are asked for or clipped.
    WeightGradient,
    /// ∂L/∂b: the column sums of δ.
    BiasGradient,
    /// δ·Wᵀ ⊙ f'(z), f that of the layer before; not in the first layer, whose inputs are data.
    InputGradient,
    /// The norm of all gradients, and their scaling where it is too large.
    Clip,
    /// The optimizer's change of weights and bias; unless gradients are clipped, fused with Xᵀ·δ, the weights' gradient.
    Update,
}

impl Phase {
    /// All of them, in the order of a step.
    pub const ALL: [Phase; 8] = [
        Phase::Forward,
        Phase::Loss,
        Phase::ActivationGradient,
        Phase::WeightGradient,
        Phase::BiasGradient,
        Phase::InputGradient,
        Phase::Clip,
        Phase::Update,
    ];

    /// Its name: "forward", "loss", "activation_gradient", …
    pub const fn name(self) -> &'static str {
        match self {
            Phase::Forward => "forward",
            Phase::Loss => "loss",
            Phase::ActivationGradient => "activation_gradient",
            Phase::WeightGradient => "weight_gradient",
            Phase::BiasGradient => "bias_gradient",
            Phase::InputGradient => "input_gradient",
            Phase::Clip => "clip",
            Phase::Update => "update",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A part of a training step or a prediction: what a counter or profiler books calls under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Region {
    /// What is done.
    pub phase: Phase,
    /// In which layer, from 0.
    pub layer: usize,
}

/// Runs kernels one task at a time: what is behind an [`Executor`].
///
/// [`Call::execute`] is generic over it, and compiles every kernel for each runner: only a crate that implements an executor of its own,
/// such as one that counts, should have another.
pub trait Runner: Sync {
    /// Runs `kernel`, on this thread.
    fn run<T: Lane, K: Kernel<T>>(&self, kernel: K) -> K::Output;
    /// How many tasks a kernel may be split into.
    fn threads(&self) -> usize;
}

/// This machine's processor: a level, and a number of threads.
///
/// Tasks run on rayon's current pool: the global one, or the one whose `install` the call is in. The result's bits
/// depend neither on the thread count nor, wherever multiply-adds are fused, on the level.
#[derive(Clone, Copy, Debug)]
pub struct Cpu {
    level: Level,
    threads: usize,
}

impl Cpu {
    /// The fastest level (or the one `NXM_LEVEL` pins) on as many threads as rayon's current pool has.
    ///
    /// # Errors
    /// [`LevelError`] if `NXM_LEVEL` names a level that this processor lacks.
    pub fn detect() -> Result<Cpu, LevelError> {
        Ok(Cpu { level: Level::detect()?, threads: default_threads() })
    }

    /// This level on at most `threads` threads (0 counts as 1).
    pub fn new(level: Level, threads: usize) -> Cpu {
        Cpu { level, threads: threads.max(1) }
    }

    /// The same level on at most `threads` threads (0 counts as 1).
    pub fn with_threads(self, threads: usize) -> Cpu {
        Cpu { threads: threads.max(1), ..self }
    }
}

impl Runner for Cpu {
    #[inline(always)]
    fn run<T: Lane, K: Kernel<T>>(&self, kernel: K) -> K::Output {
        #[expect(clippy::disallowed_methods, reason = "the one place where tasks of production enter a level")]
        self.level.dispatch(kernel)
    }
    #[inline(always)]
    fn threads(&self) -> usize {
        self.threads
    }
}

impl Executor for Cpu {
    fn level(&self) -> Level {
        self.level
    }
    fn threads(&self) -> usize {
        self.threads
    }
    fn run_f32(&self, call: Call<'_, f32>, _: Option<Region>) {
        call.execute(self);
    }
    fn run_f64(&self, call: Call<'_, f64>, _: Option<Region>) {
        call.execute(self);
    }
    fn run_program_f32(&self, instructions: Instructions<'_, '_, f32>) {
        instructions.execute(self);
    }
    fn run_program_f64(&self, instructions: Instructions<'_, '_, f64>) {
        instructions.execute(self);
    }
    /// Enters rayon's pool once, if a kernel of the sequence will be split: from outside, every split would wake the pool and wait for
    /// it. A sequence of small kernels stays on the calling thread.
    fn sequence(&self, work: usize, task: &mut (dyn FnMut() + Send)) {
        if parts(self.threads, work, usize::MAX) > 1 { rayon::scope(|_| task()) } else { task() }
    }
}
