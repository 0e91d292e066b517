//! A network made ready for inference.

use nxm_kernels::{Element, Executor, MatrixRef};

use crate::check::check_inputs;
use crate::error::NetError;
use crate::forward::{Activations, Purpose};
use crate::network::Network;

/// A network whose weights stay as they are, made ready once to be asked again and again, by several threads at once.
///
/// Each thread has [buffers](Predictor::buffers) of its own; with them a prediction allocates nothing.
///
/// ```
/// use nxm_net::{Activation, Cpu, MatrixRef, Network, Predictor};
/// let network: Network = Network::builder(2).dense(3, Activation::Tanh).dense(1, Activation::Identity).build()?;
/// let predictor = Predictor::new(network, 4);
/// let mut buffers = predictor.buffers()?;
/// let outputs = predictor.predict(&Cpu::detect()?, MatrixRef::new(&[0.5, -0.5], 1, 2)?, &mut buffers)?;
/// assert_eq!(outputs.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Predictor<T: Element = f32> {
    network: Network<T>,
    batch: usize,
    work: usize,
}

/// Memory for the predictions of one thread, made by [`Predictor::buffers`].
#[derive(Clone, Debug)]
pub struct PredictionBuffers<T>(Activations<T>);

impl<T: Element> Predictor<T> {
    /// For at most `batch` rows at a time.
    pub fn new(network: Network<T>, batch: usize) -> Predictor<T> {
        let weights = network.layers().iter().map(|layer| layer.weights().len()).max().unwrap_or(0);
        Predictor { network, batch, work: weights.saturating_mul(batch) }
    }

    /// The network.
    pub fn network(&self) -> &Network<T> {
        &self.network
    }

    /// Memory for one thread's predictions.
    ///
    /// # Errors
    /// [`NetError`] if it is not to be had.
    pub fn buffers(&self) -> Result<PredictionBuffers<T>, NetError> {
        Ok(PredictionBuffers(Activations::new(&self.network, self.batch, Purpose::Inference)?))
    }

    /// The outputs for each row of `x`: rows × outputs, row-major; the same bits as [`Network::predict`]. Per layer B·N·M fma and B·M
    /// evaluations of its activation.
    ///
    /// # Errors
    /// [`NetError`] if `x` is not as wide as the network's inputs or has more rows than the predictor was made for, or if `buffers` were
    /// made for a smaller predictor.
    pub fn predict<'a>(
        &self,
        executor: &impl Executor,
        x: MatrixRef<'_, T>,
        buffers: &'a mut PredictionBuffers<T>,
    ) -> Result<&'a [T], NetError> {
        check_inputs(&self.network, x)?;
        if x.rows() > self.batch {
            return Err(NetError::BatchTooLarge { rows: x.rows(), batch: self.batch });
        }
        let activations = &mut buffers.0;
        let last = self.network.layers().len() - 1;
        activations.check_layers(self.network.layers().len())?;
        executor.sequence(self.work, || activations.run(&self.network, executor, x))?;
        Ok(activations.layer(last, x.rows(), self.network.outputs()))
    }
}
