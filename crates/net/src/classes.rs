//! What outputs mean: classes and probabilities.

use nxm_kernels::{Element, Executor, Function, MatrixMut, MatrixRef, apply, softmax};

use crate::error::NetError;
use crate::evaluate::argmax;
use crate::layers::{Layer, last_that_computes};
use crate::loss::Loss;
use crate::network::Network;

impl<T: Element> Network<T> {
    /// The class of each row of `x`, counted from 0: where its largest output is, the first of equal ones. See [`argmax`].
    ///
    /// ```
    /// use nxm_net::{Activation, Cpu, Loss, MatrixRef, Network};
    /// let mut network: Network = Network::builder(1).dense(2, Activation::Identity).build()?;
    /// network.layer_mut(0).weights_mut().row(0).copy_from_slice(&[-1.0, 1.0]);
    /// let (cpu, x) = (Cpu::detect()?, MatrixRef::new(&[-2.0, 3.0, 0.0], 3, 1)?);
    /// assert_eq!(network.predict_classes(&cpu, x)?, [0, 1, 0]);
    ///
    /// let probabilities = network.predict_probabilities(&cpu, x, &Loss::CROSS_ENTROPY)?;
    /// assert_eq!(probabilities[4..], [0.5, 0.5]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`predict`](Network::predict). [`NetError::OneOutput`] if the network has one output, which has no rival.
    /// [`NetError::NoClass`] if a row has NaN among its outputs.
    pub fn predict_classes(&self, executor: &dyn Executor, x: MatrixRef<'_, T>) -> Result<Vec<u32>, NetError> {
        if self.outputs() == 1 {
            return Err(NetError::OneOutput);
        }
        let outputs = self.predict(executor, x)?;
        let class = |(row, outputs): (usize, &[T])| {
            let class = argmax(outputs).and_then(|class| u32::try_from(class).ok());
            class.ok_or(NetError::NoClass { row })
        };
        outputs.chunks_exact(self.outputs()).enumerate().map(class).collect()
    }

    /// The probabilities that the outputs for each row of `x` mean where the network was trained by `loss`: rows × outputs, row-major.
    ///
    /// Behind a [`Softmax`](Layer::Softmax) they are the outputs, and behind a [`LogSoftmax`](Layer::LogSoftmax) their exponentials (an exp each),
    /// whatever the loss is. Else, for cross-entropy of labels or soft targets they are the softmax of a row (per row of M: M − 1 cmp, 2M − 1 additions, M exp, 1 div, M mul), for binary
    /// cross-entropy the sigmoid of each output. Outputs that are NaN or +∞ give NaN by softmax; see [`predict`](Network::predict).
    ///
    /// # Errors
    /// Those of [`predict`](Network::predict). [`NetError::NoProbabilities`] for another loss, unless the last layer is a softmax or log-softmax.
    pub fn predict_probabilities(
        &self,
        executor: &dyn Executor,
        x: MatrixRef<'_, T>,
        loss: &Loss,
    ) -> Result<Vec<T>, NetError> {
        let means = match (last_that_computes(self.layout.layers.iter().map(|layer| layer.layer)), loss.of_mean()) {
            (Some(Layer::Softmax), _) => Means::Probabilities,
            (Some(Layer::LogSoftmax), _) => Means::Logarithms,
            (_, Loss::CrossEntropy { .. } | Loss::SoftCrossEntropy { .. }) => Means::Logits,
            (_, Loss::BinaryCrossEntropy { .. }) => Means::LogitsOfEach,
            (_, loss) => return Err(NetError::NoProbabilities { loss: loss.name() }),
        };
        let mut outputs = self.predict(executor, x)?;
        match means {
            Means::Probabilities => {}
            Means::Logarithms => apply(executor, Function::Exp, &mut outputs),
            Means::Logits => {
                let rows = MatrixMut::new(&mut outputs, x.rows(), self.outputs()).expect("rows of outputs");
                softmax(executor, rows).expect("rows without gaps");
            }
            Means::LogitsOfEach => apply(executor, Function::Sigmoid, &mut outputs),
        }
        Ok(outputs)
    }
}

/// What outputs are of probabilities.
enum Means {
    /// Themselves.
    Probabilities,
    /// Their logarithms.
    Logarithms,
    /// What a softmax makes them of.
    Logits,
    /// What a sigmoid makes each of them of.
    LogitsOfEach,
}
