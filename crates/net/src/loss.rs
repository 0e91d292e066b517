//! What training makes small: losses, each with its gradient.

use std::fmt;
use std::str::FromStr;

use nxm_kernels::beside::{div, is_within, is_zero, mul, sub, sum, whole, widened};
use nxm_kernels::{Element, UnknownName};

use crate::data::Targets;
use crate::error::NetError;

/// A measure of how far B rows of M outputs are from their targets, as PyTorch defines it with its mean reduction.
#[derive(Clone, Debug, PartialEq)]
pub enum Loss {
    /// Σ (o − t)² / (B·M), the mean over all elements; its gradient is 2(o − t) / (B·M).
    ///
    /// 2BM + 1 multiplications, 2BM − 1 additions.
    MeanSquaredError,
    /// Softmax cross-entropy of outputs z (logits) with a label t for each row. The last layer should be the identity.
    /// [`Loss::CROSS_ENTROPY`] has neither smoothing nor weights: Σ over rows of −ln softmax(z)ₜ, over B, with the gradient
    /// (softmax(z) − 1ₜ) / B.
    ///
    /// With smoothing ε and class weights w (1 each unless given): Σ over rows of (1 − ε)·wₜ·(−ln pₜ) + ε/M·Σⱼ wⱼ·(−ln pⱼ), over
    /// Σ wₜ, where p = softmax(z); its gradient is (((1 − ε)·wₜ + ε/M·Σ w)·p − (1 − ε)·wₜ·1ₜ − ε/M·w) / Σ wₜ.
    ///
    /// Without either, per row M − 1 cmp, 2M + 1 additions, M + 1 evaluations (exp, log), 1 div, M mul; for the batch B − 1
    /// additions and 1 mul. With either, per row M − 1 cmp, 4M + 3 additions, M + 1 evaluations, 1 div, 3M + 4 multiplications; for
    /// the batch 2B − 2 additions, 1 div and 1 mul.
    CrossEntropy {
        /// ε, from 0 to 1: the share of a target that is spread over all classes.
        label_smoothing: f64,
        /// w, one for each class, at least 0 each and above 0 in sum; none: 1 each.
        class_weights: Vec<f64>,
    },
    /// Binary cross-entropy of logits z with targets t from 0 to 1: Σ −t·ln σ(z) − (1 − t)·ln(1 − σ(z)) over B·M, computed as
    /// (1 − t)·z + softplus(−z), which does not overflow; its gradient is (σ(z) − t) / (B·M). The last layer should be the identity.
    ///
    /// [`Loss::BINARY_CROSS_ENTROPY`] has no positive weights: BM evaluations of softplus and of the sigmoid, 2BM + 1 multiplications, 4BM − 1
    /// additions.
    ///
    /// With positive weights p: Σ −p·t·ln σ(z) − (1 − t)·ln(1 − σ(z)) over B·M; its gradient is ((1 + (p − 1)·t)·σ(z) − p·t) / (B·M). BM
    /// evaluations of both, 7BM + 1 multiplications, 6BM − 1 additions.
    BinaryCrossEntropy {
        /// p, one for each output, at least 0 each; none: 1 each. PyTorch's `pos_weight`.
        positive_weights: Vec<f64>,
    },
}

impl Loss {
    /// Cross-entropy without smoothing or class weights.
    pub const CROSS_ENTROPY: Loss = Loss::CrossEntropy { label_smoothing: 0.0, class_weights: Vec::new() };

    /// Binary cross-entropy without positive weights.
    pub const BINARY_CROSS_ENTROPY: Loss = Loss::BinaryCrossEntropy { positive_weights: Vec::new() };

    /// One of each kind.
    pub const ALL: [Loss; 3] = [Loss::MeanSquaredError, Loss::CROSS_ENTROPY, Loss::BINARY_CROSS_ENTROPY];

    /// Its name: "mse", "cross_entropy" or "binary_cross_entropy".
    pub fn name(&self) -> &'static str {
        match self {
            Loss::MeanSquaredError => "mse",
            Loss::CrossEntropy { .. } => "cross_entropy",
            Loss::BinaryCrossEntropy { .. } => "binary_cross_entropy",
        }
    }

    /// Whether its targets are class labels; else they are values.
    pub fn takes_labels(&self) -> bool {
        matches!(self, Loss::CrossEntropy { .. })
    }

    /// Whether it is computed by the longer formula of [`CrossEntropy`](Self::CrossEntropy) or
    /// [`BinaryCrossEntropy`](Self::BinaryCrossEntropy).
    pub fn is_weighted(&self) -> bool {
        match self {
            Loss::CrossEntropy { label_smoothing, class_weights } => {
                !is_zero(*label_smoothing) || !class_weights.is_empty()
            }
            Loss::BinaryCrossEntropy { positive_weights } => !positive_weights.is_empty(),
            Loss::MeanSquaredError => false,
        }
    }

    /// ε and w of a class; no weights are weights of 1.
    fn class(&self, class: usize) -> (f64, f64) {
        match self {
            Loss::CrossEntropy { label_smoothing, class_weights } => {
                (*label_smoothing, class_weights.get(class).copied().unwrap_or(1.0))
            }
            _ => (0.0, 1.0),
        }
    }

    /// What a weighted loss multiplies by for one of so many outputs. Of cross-entropy w, (1 − ε)·w and ε/M·w: 1 addition, 2 mul, 1 div, 1
    /// conversion. Of binary cross-entropy p − 1 and p: 1 addition. Of others nothing.
    pub(crate) fn shares(&self, output: usize, outputs: usize) -> Vec<f64> {
        match self {
            Loss::CrossEntropy { .. } => {
                let (smoothing, weight) = self.class(output);
                vec![weight, mul(sub(1.0, smoothing), weight), self.spread_to(output, outputs)]
            }
            Loss::BinaryCrossEntropy { positive_weights } => {
                positive_weights.get(output).map(|p| vec![sub(*p, 1.0), *p]).unwrap_or_default()
            }
            Loss::MeanSquaredError => Vec::new(),
        }
    }

    /// How many [shares](Self::shares) each output has.
    pub(crate) fn rows_of_shares(&self) -> usize {
        match self {
            Loss::CrossEntropy { .. } if self.is_weighted() => 3,
            Loss::BinaryCrossEntropy { .. } if self.is_weighted() => 2,
            _ => 0,
        }
    }

    /// ε/M·w of one of `classes` classes: 1 mul, 1 div, 1 conversion.
    fn spread_to(&self, class: usize, classes: usize) -> f64 {
        let (smoothing, weight) = self.class(class);
        mul(div(smoothing, whole(classes as u64)), weight)
    }

    /// Σ ε/M·w over `classes` classes: ε, if there are no weights. Else M mul, M div, M conversions, M − 1 additions.
    pub(crate) fn spread(&self, classes: usize) -> f64 {
        match self {
            Loss::CrossEntropy { label_smoothing, class_weights } if class_weights.is_empty() => *label_smoothing,
            Loss::CrossEntropy { .. } => sum((0..classes).map(|class| self.spread_to(class, classes))),
            Loss::MeanSquaredError | Loss::BinaryCrossEntropy { .. } => 0.0,
        }
    }

    /// Its options must be in their ranges, and as many weights as outputs.
    ///
    /// # Errors
    /// [`NetError`] names the option, its value and what is expected.
    pub fn check(&self, outputs: usize) -> Result<(), NetError> {
        match self {
            Loss::MeanSquaredError => Ok(()),
            Loss::CrossEntropy { label_smoothing, class_weights } => {
                check_smoothing(*label_smoothing)?;
                check_class_weights(class_weights, outputs)
            }
            Loss::BinaryCrossEntropy { positive_weights } => check_positive_weights(positive_weights, outputs),
        }
    }

    /// What a batch's loss is the mean over: its B rows (1 conversion), or their labels' weights (B − 1 additions). With weights of examples,
    /// the sum of those (B − 1 additions; in f32 B conversions), each times its label's weight, if it has one (B mul).
    pub(crate) fn weight_of<T: Element>(&self, rows: usize, targets: Targets<'_, T>, weights: Option<&[T]>) -> f64 {
        let classes = match (self, targets) {
            (Loss::CrossEntropy { class_weights, .. }, Targets::Classes(labels)) if !class_weights.is_empty() => {
                Some(labels.iter().map(|label| class_weights[*label as usize]))
            }
            _ => None,
        };
        match (classes, weights) {
            (None, None) => whole(rows as u64),
            (Some(classes), None) => sum(classes),
            (None, Some(weights)) => sum_of(weights),
            (Some(classes), Some(weights)) => sum(classes.zip(weights).map(|(class, s)| mul(class, widened(*s)))),
        }
    }
}

/// Σ s in f64: B − 1 additions, and in f32 B conversions.
pub(crate) fn sum_of<T: Element>(weights: &[T]) -> f64 {
    sum(weights.iter().map(|s| widened(*s)))
}

fn check_smoothing(smoothing: f64) -> Result<(), NetError> {
    match is_within(smoothing, 1.0) {
        true => Ok(()),
        false => Err(NetError::Setting { name: "label smoothing", value: smoothing, expected: "a number from 0 to 1" }),
    }
}

/// None, or one for each output; finite, at least 0, not all 0.
fn check_class_weights(weights: &[f64], outputs: usize) -> Result<(), NetError> {
    if weights.is_empty() {
        return Ok(());
    }
    if weights.len() != outputs {
        return Err(NetError::ClassWeights { expected: outputs, found: weights.len() });
    }
    if let Some(class) = weights.iter().position(|w| !is_within(*w, f64::MAX)) {
        return Err(NetError::ClassWeight { class, weight: weights[class] });
    }
    match weights.iter().all(|w| is_zero(*w)) {
        true => Err(NetError::ClassWeight { class: 0, weight: 0.0 }),
        false => Ok(()),
    }
}

/// None, or one for each output; finite and at least 0.
fn check_positive_weights(weights: &[f64], outputs: usize) -> Result<(), NetError> {
    if !weights.is_empty() && weights.len() != outputs {
        return Err(NetError::PositiveWeights { expected: outputs, found: weights.len() });
    }
    match weights.iter().position(|p| !is_within(*p, f64::MAX)) {
        Some(output) => Err(NetError::PositiveWeight { output, weight: weights[output] }),
        None => Ok(()),
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Loss {
    type Err = UnknownName;
    fn from_str(name: &str) -> Result<Self, UnknownName> {
        UnknownName::find("loss", name, &Loss::ALL, Loss::name)
    }
}
