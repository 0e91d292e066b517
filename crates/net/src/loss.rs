//! What training makes small: losses, each with its gradient.

use std::fmt;
use std::str::FromStr;

use nxm_kernels::UnknownName;
use nxm_kernels::beside::{div, is_within, is_zero, mul, sub, sum, whole};

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
    /// BM evaluations of softplus and of the sigmoid, 2BM + 1 multiplications, 4BM − 1 additions.
    BinaryCrossEntropy,
}

impl Loss {
    /// Cross-entropy without smoothing or class weights.
    pub const CROSS_ENTROPY: Loss = Loss::CrossEntropy { label_smoothing: 0.0, class_weights: Vec::new() };

    /// One of each kind.
    pub const ALL: [Loss; 3] = [Loss::MeanSquaredError, Loss::CROSS_ENTROPY, Loss::BinaryCrossEntropy];

    /// Its name: "mse", "cross_entropy" or "binary_cross_entropy".
    pub fn name(&self) -> &'static str {
        match self {
            Loss::MeanSquaredError => "mse",
            Loss::CrossEntropy { .. } => "cross_entropy",
            Loss::BinaryCrossEntropy => "binary_cross_entropy",
        }
    }

    /// Whether its targets are class labels; else they are values.
    pub fn takes_labels(&self) -> bool {
        matches!(self, Loss::CrossEntropy { .. })
    }

    /// Whether it is computed by [`CrossEntropy`](Self::CrossEntropy)'s longer formula.
    pub fn is_weighted(&self) -> bool {
        match self {
            Loss::CrossEntropy { label_smoothing, class_weights } => {
                !is_zero(*label_smoothing) || !class_weights.is_empty()
            }
            _ => false,
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

    /// Of one of `classes` classes: w, (1 − ε)·w and ε/M·w. 1 addition, 2 mul, 1 div, 1 conversion.
    pub(crate) fn shares(&self, class: usize, classes: usize) -> [f64; 3] {
        let (smoothing, weight) = self.class(class);
        [weight, mul(sub(1.0, smoothing), weight), self.spread_to(class, classes)]
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
            Loss::MeanSquaredError | Loss::BinaryCrossEntropy => 0.0,
        }
    }

    /// Its options must be in their ranges, and as many weights as outputs.
    ///
    /// # Errors
    /// [`NetError`] names the option, its value and what is expected.
    pub fn check(&self, outputs: usize) -> Result<(), NetError> {
        let Loss::CrossEntropy { label_smoothing, class_weights } = self else { return Ok(()) };
        if !is_within(*label_smoothing, 1.0) {
            let expected = "a number from 0 to 1";
            return Err(NetError::Setting { name: "label smoothing", value: *label_smoothing, expected });
        }
        if class_weights.is_empty() {
            return Ok(());
        }
        if class_weights.len() != outputs {
            return Err(NetError::ClassWeights { expected: outputs, found: class_weights.len() });
        }
        if let Some(class) = class_weights.iter().position(|w| !is_within(*w, f64::MAX)) {
            return Err(NetError::ClassWeight { class, weight: class_weights[class] });
        }
        match class_weights.iter().all(|w| is_zero(*w)) {
            true => Err(NetError::ClassWeight { class: 0, weight: 0.0 }),
            false => Ok(()),
        }
    }

    /// What a batch's loss is the mean over: its B rows (1 conversion), or their labels' weights (B − 1 additions).
    pub(crate) fn weight_of<T>(&self, rows: usize, targets: Targets<'_, T>) -> f64 {
        match (self, targets) {
            (Loss::CrossEntropy { class_weights, .. }, Targets::Classes(labels)) if !class_weights.is_empty() => {
                sum(labels.iter().map(|label| class_weights[*label as usize]))
            }
            _ => whole(rows as u64),
        }
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
