//! A real training step of a network, on random data.

use nxm_kernels::{Element, Executor, MatrixRef};
use nxm_net::{Clipping, Loss, NetError, Network, NetworkSpec, OptimizerState, Step, Targets, WeightAverage};

use crate::error::CountError;
use crate::memory::MemoryUse;

/// Memory a rehearsal may take: 2 GiB.
const BYTES: u128 = 2 << 30;

/// Why a network's step could not be run.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// Its count could not be said either.
    #[error(transparent)]
    Count(#[from] CountError),
    /// It is more than is run just to be looked at.
    #[error("the step is too large to run: it needs {needed} {what}, and at most {limit} are allowed")]
    TooLarge {
        /// Of what: "bytes" or "operations".
        what: &'static str,
        /// How many it needs.
        needed: u128,
        /// How many are allowed.
        limit: u128,
    },
    /// More threads than there are to run it.
    #[error("{asked} threads are asked for, and the thread pool here has {found}")]
    Threads {
        /// How many were asked for.
        asked: usize,
        /// How many rayon's current pool has.
        found: usize,
    },
    /// It did not fit into the time for measuring.
    #[error(
        "the step is too slow to measure: {rows} of its {batch} examples took {seconds:.1} s, and there are {budget:.1}"
    )]
    TooSlow {
        /// Examples of the largest step that was run.
        rows: usize,
        /// Examples of the step that was to be measured.
        batch: usize,
        /// What the steps up to that took.
        seconds: f64,
        /// What they were allowed to take.
        budget: f64,
    },
    /// The network refused.
    #[error(transparent)]
    Net(#[from] NetError),
}

/// A network with random weights, and a batch of random examples.
pub struct Rehearsal<T: Element> {
    network: Network<T>,
    step: Step<T>,
    optimizer: OptimizerState<T>,
    /// None if none is kept.
    average: Option<WeightAverage<T>>,
    batch: usize,
    inputs: Vec<T>,
    targets: Vec<T>,
    labels: Vec<u32>,
    /// None if examples have none.
    weights: Vec<T>,
}

/// Why views of the batch need no error.
const FITS: &str = "no more rows than the batch has";

/// So small that weights stay what they are, and with them the time that a step takes.
const LEARNING_RATE: f64 = 1e-9;

/// Of the average of weights: any decay takes the same operations.
const DECAY: f64 = 0.999;

impl<T: Element> Rehearsal<T> {
    /// Makes both, for `batch` examples.
    ///
    /// # Errors
    /// [`RunError`] if the batch is 0 or the memory they take is too much.
    pub fn new(spec: &NetworkSpec, batch: u64) -> Result<Self, RunError> {
        let needed = MemoryUse::training::<T>(spec, batch)?.total;
        if needed > BYTES {
            return Err(RunError::TooLarge { what: "bytes", needed, limit: BYTES });
        }
        let network = spec.build(1)?;
        let batch = usize::try_from(batch).expect("what fits into 2 GiB can be addressed");
        let step = Step::new(&network, spec.loss(), batch)?;
        let step = match spec.clipping() {
            Clipping::None => step,
            // No gradient of such a network comes near the one, and none that is not 0 is within the other.
            Clipping::Within => step.clip_norm(f64::from(f32::MAX))?,
            Clipping::Scaled => step.clip_norm(f64::from(f32::MIN_POSITIVE))?,
            Clipping::ByValue => step.clip_value(1.0)?,
        };
        let mut optimizer = OptimizerState::new(*spec.optimizer(), &network)?;
        optimizer.set_learning_rate(LEARNING_RATE)?;
        let average = spec.has_average().then(|| WeightAverage::new(&network, DECAY)).transpose()?;

        let mut random = Random(1);
        let mut numbers = |len: usize| (0..len).map(|_| T::from_f64(random.unit())).collect();
        let inputs = numbers(batch * network.inputs());
        let outputs = network.outputs();
        let (targets, labels) = match spec.loss().takes_labels() {
            false => (numbers(batch * outputs), Vec::new()),
            true => {
                let classes = weighty(spec.loss(), outputs);
                let label = |_| classes[(random.unit() * classes.len() as f64) as usize];
                (Vec::new(), (0..batch).map(label).collect())
            }
        };
        // From 0.5 to 1.5.
        let weights = if spec.has_example_weights() { batch } else { 0 };
        let weights = (0..weights).map(|_| T::from_f64(0.5 + random.unit())).collect();
        Ok(Rehearsal { network, step, optimizer, average, batch, inputs, targets, labels, weights })
    }

    /// Examples of the batch.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// One training step on the first `rows` examples of the batch; returns their loss. Panics if the batch has fewer.
    ///
    /// How long a step of L-BFGS is, the data decide: it is one evaluation of the loss and its gradients here, as it is in
    /// [`operations`](nxm_net::operations).
    ///
    /// # Errors
    /// [`RunError`] if the training diverges.
    pub fn step(&mut self, executor: &dyn Executor, rows: usize) -> Result<T, RunError> {
        let [inputs, outputs] = [self.network.inputs(), self.network.outputs()];
        let x = MatrixRef::new(&self.inputs, rows, inputs).expect(FITS);
        let targets = match self.labels.is_empty() {
            true => Targets::Values(MatrixRef::new(&self.targets, rows, outputs).expect(FITS)),
            false => Targets::Classes(&self.labels[..rows]),
        };
        let (network, optimizer) = (&mut self.network, &mut self.optimizer);
        let weights = self.weights.get(..rows).unwrap_or_default();
        let loss = match weights.is_empty() {
            true if optimizer.optimizer().is_full_batch() => self.step.gradients(network, executor, x, targets)?,
            false if optimizer.optimizer().is_full_batch() => {
                self.step.gradients_weighted(network, executor, x, targets, weights)?
            }
            true => self.step.train(network, executor, x, targets, optimizer)?,
            false => self.step.train_weighted(network, executor, x, targets, weights, optimizer)?,
        };
        if let Some(average) = &mut self.average {
            average.update(network, executor)?;
        }
        Ok(loss)
    }
}

/// The classes that weigh something: a batch of others has no mean loss.
fn weighty(loss: &Loss, outputs: usize) -> Vec<u32> {
    let weights: &[f64] = match loss {
        Loss::CrossEntropy { class_weights, .. } => class_weights,
        _ => &[],
    };
    (0..outputs as u32).filter(|class| weights.get(*class as usize).is_none_or(|weight| *weight > 0.0)).collect()
}

/// SplitMix64: enough for numbers that only have to be ordinary.
struct Random(u64);

impl Random {
    /// In [0, 1).
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}
