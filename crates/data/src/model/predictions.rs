//! What a model says about rows.

use nxm_net::argmax;

use crate::target::Target;

/// What a model says about rows.
#[derive(Clone, Debug)]
pub struct Predictions<'a> {
    pub(super) target: &'a Target,
    pub(super) outputs: Vec<f32>,
}

impl Predictions<'_> {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.outputs.len().checked_div(self.target.outputs()).unwrap_or(0)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.outputs.is_empty()
    }

    /// The outputs of the network for a row: logits, or scaled numbers.
    pub fn outputs(&self, row: usize) -> &[f32] {
        let width = self.target.outputs();
        &self.outputs[row.saturating_mul(width)..][..width]
    }

    /// The likeliest class of a row, as its number; none if an output is NaN, or if classes are not learned.
    pub fn class(&self, row: usize) -> Option<usize> {
        match self.target {
            Target::Classes { .. } => argmax(self.outputs(row)),
            Target::Numbers { .. } | Target::Labels { .. } => None,
        }
    }

    /// Probabilities of a row: of each class, their sum 1; of each label that it says yes. Of numbers there are none.
    pub fn probabilities(&self, row: usize) -> Vec<f64> {
        let logits = self.outputs(row).iter().map(|logit| f64::from(*logit));
        match self.target {
            Target::Classes { .. } => softmax(logits.collect()),
            Target::Labels { .. } => logits.map(|logit| 1.0 / (1.0 + (-logit).exp())).collect(),
            Target::Numbers { .. } => Vec::new(),
        }
    }

    /// Numbers of a row, in their own units. Of classes there are none.
    pub fn numbers(&self, row: usize) -> Vec<f64> {
        match self.target {
            Target::Numbers { standards, .. } => {
                standards.iter().zip(self.outputs(row)).map(|(standard, output)| standard.number(*output)).collect()
            }
            Target::Classes { .. } | Target::Labels { .. } => Vec::new(),
        }
    }

    /// The first row with an output that is infinite or no number, and that output. Finite cells can be so large that a network overflows.
    pub fn stray(&self) -> Option<(usize, f32)> {
        let at = self.outputs.iter().position(|output| !output.is_finite())?;
        Some((at.checked_div(self.target.outputs()).unwrap_or(0), self.outputs[at]))
    }
}

/// exp(z − largest) / Σ exp(z − largest).
fn softmax(mut logits: Vec<f64>) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    logits.iter_mut().for_each(|logit| *logit = (*logit - largest).exp());
    let sum: f64 = logits.iter().sum();
    logits.iter_mut().for_each(|p| *p /= sum);
    logits
}
