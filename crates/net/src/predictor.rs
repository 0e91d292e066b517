//! A network made ready for inference.

use nxm_kernels::{Element, Executor, MatrixRef};

use crate::check::check_inputs;
use crate::data::{Batch, Targets};
use crate::error::NetError;
use crate::loss::Loss;
use crate::network::Network;
use crate::plans::{Given, Plans};
use crate::program::{Purpose, Sections};

/// Predicts with a network whose weights do not change, from several threads at once.
///
/// Each thread has [buffers](Predictor::buffers) of its own. The first prediction of a number of rows makes a
/// [program](crate::operations) for it, and the buffers keep the last 16 of them. Every further prediction of as many rows allocates
/// nothing.
///
/// ```
/// use nxm_net::{Activation, Cpu, MatrixRef, Network, Predictor};
/// let network: Network = Network::builder(2).dense(3, Activation::Tanh).dense(1, Activation::Identity).build()?;
/// let predictor = Predictor::new(network, 4);
/// let mut buffers = predictor.buffers()?;
/// let outputs = predictor.predict(&Cpu::detect()?, MatrixRef::new(&[0.5, -0.5], 1, 2)?, &mut buffers)?;
/// assert_eq!((outputs.rows(), outputs.cols()), (1, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Predictor<T: Element = f32> {
    network: Network<T>,
    batch: usize,
}

/// What errors call its buffers.
const MEMORY: &str = "the predictor's memory";

/// Memory for the predictions of one thread, made by [`Predictor::buffers`].
#[derive(Clone, Debug)]
pub struct PredictionBuffers<T: Element>(Plans<T>);

impl<T: Element> PredictionBuffers<T> {
    /// For predictions of a network of this shape, of at most `batch` rows at a time.
    pub(crate) fn new(network: &Network<T>, batch: usize) -> Result<Self, NetError> {
        Ok(PredictionBuffers(Plans::new(&network.layout, &Loss::MeanSquaredError, batch, Purpose::Prediction)?))
    }

    /// The outputs for each row of `x`, which has no more rows than these were made for.
    pub(crate) fn run(
        &mut self,
        network: &Network<T>,
        executor: &dyn Executor,
        x: MatrixRef<'_, T>,
    ) -> Result<MatrixRef<'_, T>, NetError> {
        let PredictionBuffers(plans) = self;
        plans.layout.check(MEMORY, &network.layout)?;
        let plan = plans.find(x.rows(), Purpose::Prediction)?;
        let given = Given::forward(network, Batch { x, targets: Targets::Classes(&[]), weights: None });
        plans.run(plan, Sections::forward, executor, given)?;
        Ok(plans.outputs(plan))
    }
}

impl<T: Element> Predictor<T> {
    /// For at most `batch` rows at a time.
    pub fn new(network: Network<T>, batch: usize) -> Predictor<T> {
        Predictor { network, batch }
    }

    /// The network.
    pub fn network(&self) -> &Network<T> {
        &self.network
    }

    /// Memory for one thread's predictions.
    ///
    /// # Errors
    /// [`NetError`] if there is not enough.
    pub fn buffers(&self) -> Result<PredictionBuffers<T>, NetError> {
        PredictionBuffers::new(&self.network, self.batch)
    }

    /// The outputs for each row of `x`, rows × outputs; the same bits as [`Network::predict`], and as if each row were predicted alone. Per
    /// layer B·N·M fma and B·M evaluations of its activation.
    ///
    /// # Errors
    /// [`NetError`] if `x` is not as wide as the network's inputs or has more rows than the predictor was made for, or if `buffers` were
    /// made for a smaller predictor or another network.
    pub fn predict<'a>(
        &self,
        executor: &dyn Executor,
        x: MatrixRef<'_, T>,
        buffers: &'a mut PredictionBuffers<T>,
    ) -> Result<MatrixRef<'a, T>, NetError> {
        check_inputs(&self.network, x)?;
        if x.rows() > self.batch {
            return Err(NetError::BatchTooLarge { rows: x.rows(), batch: self.batch });
        }
        buffers.run(&self.network, executor, x)
    }
}
