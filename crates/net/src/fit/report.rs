//! What a fit came to.

use std::fmt;

use nxm_kernels::Element;

use crate::evaluate::Evaluation;
use crate::network::Network;
use crate::train::TrainingState;

/// What an epoch of a [fit](crate::Network::fit) came to. Its `Display` is one line.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct EpochSummary {
    /// Which epoch, from 1.
    pub epoch: usize,
    /// The mean over all examples of the loss each had in its step, before that step's update.
    pub loss: f64,
    /// The learning rate of the epoch's last step.
    pub learning_rate: f64,
    /// How good the network is on the validation data after the epoch, if there are such.
    pub validation: Option<Evaluation>,
    /// What epochs are compared by: the validation loss unless the options say otherwise. None without validation data.
    pub metric: Option<f64>,
    /// Whether that is better than in each epoch before.
    pub is_best: bool,
}

impl fmt::Display for EpochSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let EpochSummary { epoch, loss, validation, metric, is_best, .. } = self;
        write!(f, "epoch {epoch}: loss {loss:.6}")?;
        let Some(Evaluation { loss, accuracy }) = validation else { return Ok(()) };
        write!(f, ", validation loss {loss:.6}")?;
        if let Some(accuracy) = accuracy {
            write!(f, ", accuracy {accuracy:.4}")?;
        }
        match metric {
            Some(metric) if metric != loss && Some(*metric) != *accuracy => write!(f, ", metric {metric:.6}")?,
            _ => {}
        }
        if *is_best { f.write_str(" (best)") } else { Ok(()) }
    }
}

/// Why a fit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stopped {
    /// All epochs are done.
    Finished,
    /// No epoch was better for so many of them as the patience allows.
    Patience,
    /// The callback asked for it.
    Callback,
}

/// What a [fit](crate::Network::fit) came to.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Fit<T: Element> {
    /// The history: what each epoch came to, first to last.
    pub epochs: Vec<EpochSummary>,
    /// The best epoch by the metric of the validation data, counted from 1. The network has its weights unless the options ask for those of
    /// the last epoch. None without validation data, or if the metric was never a finite number.
    pub best_epoch: Option<usize>,
    /// Why it ended.
    pub stopped: Stopped,
    /// What [`partial_fit`](crate::Network::partial_fit) goes on from: what the optimizer kept when the network had the weights it has now.
    pub state: TrainingState<T>,
}

impl<T: Element> Fit<T> {
    /// The network of averaged weights, of the epoch that the network's own weights are of. None unless the options ask for an average.
    pub fn averaged(&self) -> Option<&Network<T>> {
        self.state.averaged()
    }
}
