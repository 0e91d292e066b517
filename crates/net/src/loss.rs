//! What training makes small: losses, each with its gradient.

use std::fmt;
use std::str::FromStr;

use nxm_kernels::beside::{div, is_within, is_zero, mul, sub, sum, whole, widened};
use nxm_kernels::{Element, Measure, UnknownName};

use crate::data::Targets;
use crate::error::NetError;
use crate::layers::{Layer, last_that_computes};

/// What keeps the logarithm of a Poisson rate from 0: PyTorch's default.
const EPSILON: f64 = 1e-8;

/// A measure of how far B rows of M outputs are from their targets, as PyTorch defines it with its mean reduction,
/// or with its sum.
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
    /// It is also the negative log-likelihood, PyTorch's `nll_loss`, class weights included: behind a [`LogSoftmax`](crate::Layer::LogSoftmax),
    /// whose outputs are their own log-softmax, both are one number with one gradient. Without that layer it takes fewer operations. Behind a
    /// [`Softmax`](crate::Layer::Softmax) it is refused: its outputs are no logits. A label that is to be ignored (PyTorch's `ignore_index`) is an
    /// example of weight 0: see [`Dataset::with_weights`](crate::Dataset::with_weights).
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
    /// Σ |o − t| / (B·M); its gradient is the sign of o − t over B·M, 0 where both are equal.
    ///
    /// BM + 1 mul, 3BM − 1 additions, BM cmp.
    L1,
    /// (o − t)²/(2β) where |o − t| < β, else |o − t| − β/2; the mean over all elements. Its gradient is (o − t)/β, from −1 to 1, over B·M.
    ///
    /// 3BM + 1 multiplications, 4BM − 1 additions, 3BM cmp.
    SmoothL1 {
        /// β, above 0: where the parabola ends.
        beta: f64,
    },
    /// (o − t)²/2 where |o − t| < δ, else δ·(|o − t| − δ/2); the mean over all elements: δ times [`SmoothL1`](Self::SmoothL1) with β = δ. Its
    /// gradient is o − t, from −δ to δ, over B·M. It takes the same operations.
    Huber {
        /// δ, above 0: where the parabola ends.
        delta: f64,
    },
    /// τ·(t − o) where o < t, else (1 − τ)·(o − t); the mean over all elements, the "pinball" loss. Outputs become the quantile τ of their
    /// targets. Its gradient is −τ, 0 where both are equal, or 1 − τ, over B·M.
    ///
    /// 3BM + 1 multiplications, 3BM − 1 additions, 3BM cmp.
    Quantile {
        /// τ, between 0 and 1. 0.5 is the median.
        tau: f64,
    },
    /// Poisson: of outputs that are logarithms of rates eᵒ − t·o, with the gradient (eᵒ − t) / (B·M); of outputs that are rates
    /// o − t·ln(o + 10⁻⁸), with the gradient (1 − t/(o + 10⁻⁸)) / (B·M). The mean over all elements.
    ///
    /// Of logarithms 2BM exp, 2BM + 1 multiplications, 3BM − 1 additions. Of rates, which must not be negative, BM log and div, 2BM + 1
    /// multiplications, 5BM − 1 additions.
    PoissonNll {
        /// Whether outputs are logarithms; else they are rates.
        log_input: bool,
    },
    /// ln(1 + e^(−t·o)) with targets −1 and 1; the mean over all elements. Its gradient is −t·σ(−t·o) / (B·M).
    ///
    /// BM softplus and sigmoids, 4BM + 1 multiplications, BM − 1 additions.
    SoftMargin,
    /// Σ t·(ln t − o) / B, of outputs that are logarithms of probabilities, and targets that are probabilities; a target of 0 adds nothing. Its
    /// gradient is −t / B. This is PyTorch's `kl_div` with its reduction "batchmean", which is the divergence; its reduction "mean" is a share
    /// 1/M of it.
    ///
    /// BM log, 2BM + 1 multiplications, 2BM − 1 additions, 2BM cmp; with `log_target` 2BM exp, 2BM + 1 multiplications, 2BM − 1 additions.
    ///
    /// [`Loss::KL_DIVERGENCE`] has neither option. A [`LogSoftmax`](crate::Layer::LogSoftmax) gives outputs of this kind.
    KlDivergence {
        /// Whether targets are logarithms of probabilities, too: Σ eᵗ·(t − o) / B, with the gradient −eᵗ / B.
        log_target: bool,
        /// Whether it is the mean over all B·M elements, as PyTorch's reduction "mean": a share 1/M of the divergence.
        mean_of_elements: bool,
    },
    /// Softmax cross-entropy of outputs z (logits) with a probability y of each class: PyTorch's `cross_entropy` with targets that are
    /// probabilities. [`Loss::SOFT_CROSS_ENTROPY`] has neither smoothing nor weights: −Σ over rows of Σⱼ yⱼ·ln pⱼ, over B, where p = softmax(z);
    /// its gradient is (p·Σ y − y) / B. The last layer should be the identity.
    ///
    /// With smoothing ε and class weights w: vⱼ = wⱼ·((1 − ε)·yⱼ + ε/M) in the place of yⱼ. Both are over B, and not over the weights of classes as
    /// [`CrossEntropy`](Self::CrossEntropy) is: this is PyTorch's rule. So a sum may have weights, too: rows of a single 1 make that of labels.
    ///
    /// It is a loss of its own, because its targets are values and no labels. Targets need not sum to 1, and are not checked beyond what
    /// [`Dataset::regression`](crate::Dataset::regression) checks; a negative one makes its class less likely without an end.
    ///
    /// Per row M − 1 cmp, 5M − 2 additions, M + 1 evaluations (exp, log), 1 div, 3M + 2 multiplications, with smoothing or weights M fma more; for
    /// the batch B − 1 additions and 1 mul.
    SoftCrossEntropy {
        /// ε, from 0 to 1: the share of a target that is spread over all classes.
        label_smoothing: f64,
        /// w, one for each class, at least 0 each and above 0 in sum; none: 1 each.
        class_weights: Vec<f64>,
    },
    /// The sum of this loss over elements, or over rows where that is what it is the mean of: PyTorch's `reduction="sum"`. A step's gradient is
    /// as many times as large, and so the learning rate that fits is smaller. [`Loss::summed`] makes it.
    ///
    /// Where 1/n would be, the factor is 1: the operations of a step are those of the mean. Weights of examples are for means alone, and those of classes
    /// and label smoothing too, but for [`SoftCrossEntropy`](Self::SoftCrossEntropy).
    Sum(Box<Loss>),
}

impl Loss {
    /// Cross-entropy without smoothing or class weights.
    pub const CROSS_ENTROPY: Loss = Loss::CrossEntropy { label_smoothing: 0.0, class_weights: Vec::new() };

    /// Binary cross-entropy without positive weights.
    pub const BINARY_CROSS_ENTROPY: Loss = Loss::BinaryCrossEntropy { positive_weights: Vec::new() };

    /// Cross-entropy with a probability of each class, without smoothing or class weights.
    pub const SOFT_CROSS_ENTROPY: Loss = Loss::SoftCrossEntropy { label_smoothing: 0.0, class_weights: Vec::new() };

    /// The divergence itself, of targets that are probabilities.
    pub const KL_DIVERGENCE: Loss = Loss::KlDivergence { log_target: false, mean_of_elements: false };

    /// One of each kind, with PyTorch's defaults; of the Kullback-Leibler divergence the divergence itself.
    pub const ALL: [Loss; 11] = [
        Loss::MeanSquaredError,
        Loss::CROSS_ENTROPY,
        Loss::BINARY_CROSS_ENTROPY,
        Loss::L1,
        Loss::SmoothL1 { beta: 1.0 },
        Loss::Huber { delta: 1.0 },
        Loss::Quantile { tau: 0.5 },
        Loss::PoissonNll { log_input: true },
        Loss::SoftMargin,
        Loss::KL_DIVERGENCE,
        Loss::SOFT_CROSS_ENTROPY,
    ];

    /// The sum of this loss in place of its mean: see [`Loss::Sum`].
    ///
    /// ```
    /// use nxm_net::Loss;
    /// let loss = Loss::MeanSquaredError.summed();
    /// assert_eq!((loss.name(), loss.to_string()), ("mse", "sum of mse".to_owned()));
    /// assert_eq!(loss.of_mean(), &Loss::MeanSquaredError);
    /// ```
    #[must_use]
    pub fn summed(self) -> Loss {
        match self {
            Loss::Sum(_) => self,
            mean => Loss::Sum(Box::new(mean)),
        }
    }

    /// The loss whose sum this is; itself if it is a mean.
    pub fn of_mean(&self) -> &Loss {
        match self {
            Loss::Sum(loss) => loss.of_mean(),
            mean => mean,
        }
    }

    /// Whether it is a sum, and no mean.
    pub fn is_sum(&self) -> bool {
        matches!(self, Loss::Sum(_))
    }

    /// Its name without its reduction, such as "mse", "cross_entropy" or "smooth_l1".
    pub fn name(&self) -> &'static str {
        match self {
            Loss::MeanSquaredError => "mse",
            Loss::CrossEntropy { .. } => "cross_entropy",
            Loss::BinaryCrossEntropy { .. } => "binary_cross_entropy",
            Loss::L1 => "l1",
            Loss::SmoothL1 { .. } => "smooth_l1",
            Loss::Huber { .. } => "huber",
            Loss::Quantile { .. } => "quantile",
            Loss::PoissonNll { .. } => "poisson_nll",
            Loss::SoftMargin => "soft_margin",
            Loss::KlDivergence { .. } => "kl_divergence",
            Loss::SoftCrossEntropy { .. } => "soft_cross_entropy",
            Loss::Sum(loss) => loss.name(),
        }
    }

    /// Whether its targets are class labels; else they are values.
    pub fn takes_labels(&self) -> bool {
        matches!(self.of_mean(), Loss::CrossEntropy { .. })
    }

    /// Whether it is computed by the longer formula of [`CrossEntropy`](Self::CrossEntropy), [`SoftCrossEntropy`](Self::SoftCrossEntropy) or
    /// [`BinaryCrossEntropy`](Self::BinaryCrossEntropy).
    pub fn is_weighted(&self) -> bool {
        match self {
            Loss::CrossEntropy { label_smoothing, class_weights }
            | Loss::SoftCrossEntropy { label_smoothing, class_weights } => {
                !is_zero(*label_smoothing) || !class_weights.is_empty()
            }
            Loss::BinaryCrossEntropy { positive_weights } => !positive_weights.is_empty(),
            Loss::Sum(loss) => loss.is_weighted(),
            _ => false,
        }
    }

    /// ε and w of a class; no weights are weights of 1.
    fn class(&self, class: usize) -> (f64, f64) {
        match self {
            Loss::CrossEntropy { label_smoothing, class_weights }
            | Loss::SoftCrossEntropy { label_smoothing, class_weights } => {
                (*label_smoothing, class_weights.get(class).copied().unwrap_or(1.0))
            }
            _ => (0.0, 1.0),
        }
    }

    /// What a weighted loss multiplies by for one of so many outputs. Of cross-entropy w, (1 − ε)·w and ε/M·w: 1 addition, 2 mul, 1 div, 1
    /// conversion; of soft targets the same without w. Of binary cross-entropy p − 1 and p: 1 addition. Of others nothing.
    pub(crate) fn shares(&self, output: usize, outputs: usize) -> Vec<f64> {
        match self {
            Loss::CrossEntropy { .. } => {
                let (smoothing, weight) = self.class(output);
                vec![weight, mul(sub(1.0, smoothing), weight), self.spread_to(output, outputs)]
            }
            Loss::SoftCrossEntropy { .. } => {
                let (smoothing, weight) = self.class(output);
                vec![mul(sub(1.0, smoothing), weight), self.spread_to(output, outputs)]
            }
            Loss::BinaryCrossEntropy { positive_weights } => {
                positive_weights.get(output).map(|p| vec![sub(*p, 1.0), *p]).unwrap_or_default()
            }
            Loss::Sum(loss) => loss.shares(output, outputs),
            _ => Vec::new(),
        }
    }

    /// What an element's loss is, where that is all there is to the loss: mean squared error too, whose losses are kept if examples have weights.
    /// A quantile takes 1 addition.
    pub(crate) fn measure(&self) -> Option<Measure<f64>> {
        Some(match *self.of_mean() {
            Loss::MeanSquaredError => Measure::Squared,
            Loss::L1 => Measure::Absolute,
            Loss::SmoothL1 { beta: delta } | Loss::Huber { delta } => Measure::Huber { delta },
            Loss::Quantile { tau } => Measure::Quantile { tau, rest: sub(1.0, tau) },
            Loss::PoissonNll { log_input: true } => Measure::Poisson,
            Loss::PoissonNll { log_input: false } => Measure::PoissonRate { epsilon: EPSILON },
            Loss::SoftMargin => Measure::SoftMargin,
            Loss::KlDivergence { log_target: false, .. } => Measure::KullbackLeibler,
            Loss::KlDivergence { log_target: true, .. } => Measure::KullbackLeiblerOfLogs,
            Loss::CrossEntropy { .. }
            | Loss::SoftCrossEntropy { .. }
            | Loss::BinaryCrossEntropy { .. }
            | Loss::Sum(_) => return None,
        })
    }

    /// How many [shares](Self::shares) each output has.
    pub(crate) fn rows_of_shares(&self) -> usize {
        match self {
            Loss::CrossEntropy { .. } if self.is_weighted() => 3,
            Loss::BinaryCrossEntropy { .. } | Loss::SoftCrossEntropy { .. } if self.is_weighted() => 2,
            Loss::Sum(loss) => loss.rows_of_shares(),
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
            _ => 0.0,
        }
    }

    /// Its options must be in their ranges, and as many weights as outputs.
    ///
    /// # Errors
    /// [`NetError`] names the option, its value and what is expected.
    pub fn check(&self, outputs: usize) -> Result<(), NetError> {
        let above_zero = |name, value| {
            let expected = "a finite number above 0";
            let is_one = is_within(value, f64::MAX) && !is_zero(value);
            if is_one { Ok(()) } else { Err(NetError::Setting { name, value, expected }) }
        };
        match self {
            Loss::MeanSquaredError
            | Loss::L1
            | Loss::PoissonNll { .. }
            | Loss::SoftMargin
            | Loss::KlDivergence { .. } => Ok(()),
            Loss::SmoothL1 { beta } => above_zero("beta of smooth_l1", *beta),
            Loss::Huber { delta } => above_zero("delta of huber", *delta),
            // By the bits: 1 is no quantile, and what is within 1 is less then.
            Loss::Quantile { tau } if is_within(*tau, 1.0) && !is_zero(*tau) && tau.to_bits() != 1.0f64.to_bits() => {
                Ok(())
            }
            Loss::Quantile { tau } => {
                let (name, expected) = ("tau of quantile", "a number above 0 and below 1");
                Err(NetError::Setting { name, value: *tau, expected })
            }
            Loss::CrossEntropy { label_smoothing, class_weights }
            | Loss::SoftCrossEntropy { label_smoothing, class_weights } => {
                check_smoothing(*label_smoothing)?;
                check_class_weights(class_weights, outputs)
            }
            Loss::BinaryCrossEntropy { positive_weights } => check_positive_weights(positive_weights, outputs),
            Loss::Sum(loss) => match loss.of_mean() {
                // Their kernel divides by the sum of the weights.
                loss @ Loss::CrossEntropy { .. } if loss.is_weighted() => Err(NetError::OptionNeeds {
                    option: "the sum of cross-entropies",
                    needs: "no class weights and no label smoothing",
                }),
                loss => loss.check(outputs),
            },
        }
    }

    /// The last layer may be no softmax, whose outputs are probabilities, if it is computed from logits.
    ///
    /// # Errors
    /// [`NetError::SoftmaxTwice`] names the loss, if it applies a softmax or sigmoid of its own.
    pub(crate) fn check_behind(&self, layers: impl DoubleEndedIterator<Item = Layer>) -> Result<(), NetError> {
        let loss = self.of_mean();
        let of_logits =
            matches!(loss, Loss::CrossEntropy { .. } | Loss::SoftCrossEntropy { .. } | Loss::BinaryCrossEntropy { .. });
        match last_that_computes(layers) {
            Some(Layer::Softmax) if of_logits => Err(NetError::SoftmaxTwice { loss: loss.name() }),
            _ => Ok(()),
        }
    }

    /// What a batch's loss is the mean over: 1 of a sum, which is no mean. Else its B rows (1 conversion), or their labels' weights (B − 1 additions). With weights of examples,
    /// the sum of those (B − 1 additions; in f32 B conversions), each times its label's weight, if it has one (B mul).
    pub(crate) fn weight_of<T: Element>(&self, rows: usize, targets: Targets<'_, T>, weights: Option<&[T]>) -> f64 {
        if self.is_sum() {
            return 1.0;
        }
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
        match self {
            Loss::Sum(loss) => f.pad(&format!("sum of {loss}")),
            mean => f.pad(mean.name()),
        }
    }
}

impl FromStr for Loss {
    type Err = UnknownName;
    fn from_str(name: &str) -> Result<Self, UnknownName> {
        UnknownName::find("loss", name, &Loss::ALL, Loss::name)
    }
}
