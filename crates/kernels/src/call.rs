//! The catalogue: every kernel there is, as data.
//!
//! [`Op`] has one variant for each kernel. What its operands are is open, so that one enum serves three purposes:
//!
//! | type | operands | what it is for |
//! |---|---|---|
//! | [`Call`] | views of numbers | an [`Executor`](crate::Executor) runs it |
//! | [`Operation`] | shapes and strides alone | formulas of cost, tests and the audit read it |
//! | [`Instruction`](crate::program::Instruction) | places in a program's memory | a [`Program`](crate::Program) runs it again and again |
//!
//! A call is made by a checked constructor: shapes that do not fit together are an error there, and never later.

mod names;
mod operands;
mod shapes;
mod views;

pub use operands::{Operands, Translate};
pub use shapes::{Operation, RightLayout, Shapes};
pub use views::Call;
pub(crate) use views::Views;

use crate::activation::Activation;
use crate::gemm::Init;
use crate::loss::Measure;
use crate::math::{Function, Parameters};
use crate::update::MOST_STATE;

/// Every kernel, one variant each. Shapes: B rows (examples), N inputs, M units; n elements.
///
/// The table in [the crate's documentation](crate) has the formulas and what they cost.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "each variant's formula names its operands")]
pub enum Op<O: Operands> {
    /// `to` ← Σ xᵢyᵢ.
    Dot { x: O::In, y: O::In, to: O::Out },
    /// `to` ← Σ xᵢyᵢ of f32, in `T`.
    DotInF64 { x: O::Singles, y: O::Singles, to: O::Out },
    /// y ← α·x + y.
    Axpy { alpha: O::Number, x: O::In, y: O::Out },
    /// y ← A·x.
    Gemv { a: O::In, x: O::In, y: O::Out },
    /// y ← Aᵀ·x.
    GemvTransposed { a: O::In, x: O::In, y: O::Out },
    /// A ← A + α·x·yᵀ.
    Ger { alpha: O::Number, x: O::In, y: O::In, a: O::Out },
    /// C ← A·B + (0, bias or C).
    Gemm { a: O::In, b: O::Right, init: Init<O::In>, c: O::Out },
    /// C ← α·A·B + β·C.
    GemmScaled { alpha: O::Number, a: O::In, b: O::In, beta: O::Number, c: O::Out },
    /// A ← f(X·W + b); if `sums` is given, it becomes X·W + b.
    DenseForward {
        x: O::In,
        weights: O::Right,
        bias: O::In,
        activation: Activation,
        parameters: Parameters<O::Number>,
        sums: Option<O::Out>,
        a: O::Out,
    },
    /// D ← δ·Wᵀ ⊙ f'(z), with f of the layer before and what it kept.
    DenseInputGradient {
        delta: O::In,
        weights: O::In,
        activation: Activation,
        parameters: Parameters<O::Number>,
        kept: O::In,
        d: O::Out,
    },
    /// ∂W ← Xᵀ·δ.
    DenseWeightGradient { x: O::In, delta: O::In, gradient: O::Out },
    /// W updated by a rule from Xᵀ·δ.
    DenseUpdate { x: O::In, delta: O::In, rule: O::Rule, weights: O::Out, state: [Option<O::Out>; 2] },
    /// sumⱼ ← Σ over rows of A.
    ColumnSum { a: O::In, sum: O::Out },
    /// z ← f(z); if `sums` is given, it becomes z.
    Activate { activation: Activation, parameters: Parameters<O::Number>, sums: Option<O::Out>, z: O::Out },
    /// δ ← δ ⊙ f'(z).
    Derive { activation: Activation, parameters: Parameters<O::Number>, kept: O::In, delta: O::Out },
    /// x ← f(x).
    Apply { function: Function, x: O::Out },
    /// z ← softmax(x) by rows; of z itself without an x.
    Softmax { x: Option<O::In>, z: O::Out },
    /// z ← ln softmax(x) by rows; of z itself without an x.
    LogSoftmax { x: Option<O::In>, z: O::Out },
    /// D ← the gradient of what a softmax is of, from its outputs and their gradient δ.
    SoftmaxGradient { outputs: O::In, delta: O::In, d: O::Out },
    /// D ← the gradient of what a log-softmax is of, from its outputs and their gradient δ.
    LogSoftmaxGradient { outputs: O::In, delta: O::In, d: O::Out },
    /// `to` ← ln Σ eᶻ by rows.
    LogSumExp { z: O::In, to: O::Out },
    /// w updated by a rule from its gradient.
    Update { rule: O::Rule, gradient: O::In, weights: O::Out, state: [Option<O::Out>; MOST_STATE] },
    /// Mean squared error and its gradient.
    MeanSquaredError { outputs: O::In, targets: O::In, mean: O::Number, slope: O::Number, delta: O::Out, loss: O::Out },
    /// Binary cross-entropy of logits and its gradient.
    BinaryCrossEntropy { logits: O::In, targets: O::In, mean: O::Number, losses: O::Out, delta: O::Out, loss: O::Out },
    /// Softmax cross-entropy and its gradient.
    CrossEntropy { logits: O::In, labels: O::Labels, mean: O::Number, losses: O::Out, delta: O::Out, loss: O::Out },
    /// Softmax cross-entropy with class weights or label smoothing, and its gradient. `classes` are three rows: wⱼ, (1 − ε)·wⱼ, ε/M·wⱼ.
    WeightedCrossEntropy {
        logits: O::In,
        labels: O::Labels,
        classes: O::In,
        spread: O::Number,
        weights: O::Out,
        losses: O::Out,
        delta: O::Out,
        loss: O::Out,
    },
    /// Softmax cross-entropy with a probability of each class, and its gradient. `classes` are two rows, (1 − ε)·wⱼ and ε/M·wⱼ; `shares` is
    /// memory for one.
    SoftCrossEntropy {
        logits: O::In,
        targets: O::In,
        classes: Option<O::In>,
        mean: O::Number,
        shares: O::Out,
        losses: O::Out,
        delta: O::Out,
        loss: O::Out,
    },
    /// Binary cross-entropy of logits with weights of positive targets, and its gradient. `positive` are two rows: pⱼ − 1 and pⱼ.
    WeightedBinaryCrossEntropy {
        logits: O::In,
        targets: O::In,
        positive: O::In,
        mean: O::Number,
        losses: O::Out,
        delta: O::Out,
        loss: O::Out,
    },
    /// The mean of a loss of each element, and its gradient.
    ElementLoss {
        measure: Measure<O::Number>,
        outputs: O::In,
        targets: O::In,
        mean: O::Number,
        slope: O::Number,
        losses: O::Out,
        delta: O::Out,
        loss: O::Out,
    },
    /// Makes a loss that was a mean over rows the weighted mean, and its gradient too.
    WeighRows {
        losses: O::In,
        weights: O::In,
        shares: Option<O::In>,
        rows: O::Number,
        mean: O::Number,
        factors: O::Out,
        delta: O::Out,
        loss: O::Out,
    },
    /// `sum` ← `before` + Σ x².
    AddSquares { before: O::In, x: O::In, sum: O::Out },
    /// `norm` ← √squares, `scale` ← max / (norm + 1e-6).
    ClipScale { max_norm: O::Number, squares: O::In, norm: O::Out, scale: O::Out },
    /// `to` ← 1 / max(√squares, least).
    InverseNorm { least: O::Number, squares: O::In, to: O::Out },
    /// x ← factor·x, the factor being one element.
    Scale { factor: O::In, x: O::Out },
    /// x ← x within ±limit.
    Clamp { limit: O::Number, x: O::Out },
    /// `to` ← x ⊙ `by`.
    Multiply { x: O::In, by: O::In, to: O::Out },
    /// `to` ← keep·`to` + add·x.
    Blend { keep: O::Number, add: O::Number, x: O::In, to: O::Out },
    /// sumⱼ ← Σ over rows of A ⊙ B.
    ColumnDot { a: O::In, b: O::In, sum: O::Out },
    /// X̂ ← (x − mean) / √(variance + ε) by rows, A ← γ·X̂ + β; `scales` are the divisors' inverses, one for each row.
    LayerNorm {
        x: O::In,
        weights: O::In,
        bias: O::In,
        share: O::Number,
        epsilon: O::Number,
        normalized: O::Out,
        scales: O::Out,
        a: O::Out,
    },
    /// D ← the gradient of a layer norm's inputs.
    LayerNormGradient { delta: O::In, weights: O::In, normalized: O::In, scales: O::In, share: O::Number, d: O::Out },
    /// X̂ ← (x − mean) / √(variance + ε) by columns, A ← γ·X̂ + β; means, variances and the divisors' inverses are rows.
    BatchNorm {
        x: O::In,
        weights: O::In,
        bias: O::In,
        share: O::Number,
        epsilon: O::Number,
        mean: O::Out,
        variance: O::Out,
        scales: O::Out,
        normalized: O::Out,
        a: O::Out,
    },
    /// D ← the gradient of a batch norm's inputs. `sums` are those of its bias and its weights; `factors` are three rows of memory.
    BatchNormGradient {
        delta: O::In,
        weights: O::In,
        normalized: O::In,
        scales: O::In,
        sums: [O::In; 2],
        share: O::Number,
        factors: O::Out,
        d: O::Out,
    },
    /// A ← γ·(x − mean) / √(variance + ε) + β with given means and variances; `factors` are two rows of memory.
    BatchNormEvaluate {
        x: O::In,
        weights: O::In,
        bias: O::In,
        mean: O::In,
        variance: O::In,
        epsilon: O::Number,
        factors: O::Out,
        a: O::Out,
    },
}

impl<O: Operands> Op<O> {
    /// The same kernel on other operands. Public for this crate's tests.
    #[doc(hidden)]
    #[inline(always)]
    pub fn translate<To: Operands>(&self, by: &mut impl Translate<O, To>) -> Op<To> {
        match self {
            Op::Dot { x, y, to } => Op::Dot { x: by.input(x), y: by.input(y), to: by.output(to) },
            Op::DotInF64 { x, y, to } => Op::DotInF64 { x: by.singles(x), y: by.singles(y), to: by.output(to) },
            Op::Axpy { alpha, x, y } => Op::Axpy { alpha: by.number(alpha), x: by.input(x), y: by.output(y) },
            Op::Gemv { a, x, y } => Op::Gemv { a: by.input(a), x: by.input(x), y: by.output(y) },
            Op::GemvTransposed { a, x, y } => Op::GemvTransposed { a: by.input(a), x: by.input(x), y: by.output(y) },
            Op::Ger { alpha, x, y, a } => {
                Op::Ger { alpha: by.number(alpha), x: by.input(x), y: by.input(y), a: by.output(a) }
            }
            Op::Gemm { a, b, init, c } => {
                Op::Gemm { a: by.input(a), b: by.right(b), init: init.map(|bias| by.input(bias)), c: by.output(c) }
            }
            Op::GemmScaled { alpha, a, b, beta, c } => Op::GemmScaled {
                alpha: by.number(alpha),
                a: by.input(a),
                b: by.input(b),
                beta: by.number(beta),
                c: by.output(c),
            },
            Op::DenseForward { x, weights, bias, activation, parameters, sums, a } => Op::DenseForward {
                x: by.input(x),
                weights: by.right(weights),
                bias: by.input(bias),
                activation: *activation,
                parameters: by.numbers(parameters),
                sums: sums.as_ref().map(|sums| by.output(sums)),
                a: by.output(a),
            },
            Op::DenseInputGradient { delta, weights, activation, parameters, kept, d } => Op::DenseInputGradient {
                delta: by.input(delta),
                weights: by.input(weights),
                activation: *activation,
                parameters: by.numbers(parameters),
                kept: by.input(kept),
                d: by.output(d),
            },
            Op::DenseWeightGradient { x, delta, gradient } => {
                Op::DenseWeightGradient { x: by.input(x), delta: by.input(delta), gradient: by.output(gradient) }
            }
            Op::DenseUpdate { x, delta, rule, weights, state: [first, second] } => Op::DenseUpdate {
                x: by.input(x),
                delta: by.input(delta),
                rule: by.rule(rule),
                weights: by.output(weights),
                state: [by.optional(first), by.optional(second)],
            },
            Op::ColumnSum { a, sum } => Op::ColumnSum { a: by.input(a), sum: by.output(sum) },
            Op::Activate { activation, parameters, sums, z } => Op::Activate {
                activation: *activation,
                parameters: by.numbers(parameters),
                sums: by.optional(sums),
                z: by.output(z),
            },
            Op::Derive { activation, parameters, kept, delta } => Op::Derive {
                activation: *activation,
                parameters: by.numbers(parameters),
                kept: by.input(kept),
                delta: by.output(delta),
            },
            Op::Apply { function, x } => Op::Apply { function: *function, x: by.output(x) },
            Op::Softmax { x, z } => Op::Softmax { x: x.as_ref().map(|x| by.input(x)), z: by.output(z) },
            Op::LogSoftmax { x, z } => Op::LogSoftmax { x: x.as_ref().map(|x| by.input(x)), z: by.output(z) },
            Op::SoftmaxGradient { outputs, delta, d } => {
                Op::SoftmaxGradient { outputs: by.input(outputs), delta: by.input(delta), d: by.output(d) }
            }
            Op::LogSoftmaxGradient { outputs, delta, d } => {
                Op::LogSoftmaxGradient { outputs: by.input(outputs), delta: by.input(delta), d: by.output(d) }
            }
            Op::LogSumExp { z, to } => Op::LogSumExp { z: by.input(z), to: by.output(to) },
            Op::Update { rule, gradient, weights, state: [first, second, third] } => Op::Update {
                rule: by.rule(rule),
                gradient: by.input(gradient),
                weights: by.output(weights),
                state: [by.optional(first), by.optional(second), by.optional(third)],
            },
            Op::MeanSquaredError { outputs, targets, mean, slope, delta, loss } => Op::MeanSquaredError {
                outputs: by.input(outputs),
                targets: by.input(targets),
                mean: by.number(mean),
                slope: by.number(slope),
                delta: by.output(delta),
                loss: by.output(loss),
            },
            Op::BinaryCrossEntropy { logits, targets, mean, losses, delta, loss } => Op::BinaryCrossEntropy {
                logits: by.input(logits),
                targets: by.input(targets),
                mean: by.number(mean),
                losses: by.output(losses),
                delta: by.output(delta),
                loss: by.output(loss),
            },
            Op::CrossEntropy { logits, labels, mean, losses, delta, loss } => Op::CrossEntropy {
                logits: by.input(logits),
                labels: by.labels(labels),
                mean: by.number(mean),
                losses: by.output(losses),
                delta: by.output(delta),
                loss: by.output(loss),
            },
            Op::WeightedCrossEntropy { logits, labels, classes, spread, weights, losses, delta, loss } => {
                Op::WeightedCrossEntropy {
                    logits: by.input(logits),
                    labels: by.labels(labels),
                    classes: by.input(classes),
                    spread: by.number(spread),
                    weights: by.output(weights),
                    losses: by.output(losses),
                    delta: by.output(delta),
                    loss: by.output(loss),
                }
            }
            Op::SoftCrossEntropy { logits, targets, classes, mean, shares, losses, delta, loss } => {
                Op::SoftCrossEntropy {
                    logits: by.input(logits),
                    targets: by.input(targets),
                    classes: classes.as_ref().map(|classes| by.input(classes)),
                    mean: by.number(mean),
                    shares: by.output(shares),
                    losses: by.output(losses),
                    delta: by.output(delta),
                    loss: by.output(loss),
                }
            }
            Op::WeightedBinaryCrossEntropy { logits, targets, positive, mean, losses, delta, loss } => {
                Op::WeightedBinaryCrossEntropy {
                    logits: by.input(logits),
                    targets: by.input(targets),
                    positive: by.input(positive),
                    mean: by.number(mean),
                    losses: by.output(losses),
                    delta: by.output(delta),
                    loss: by.output(loss),
                }
            }
            Op::ElementLoss { measure, outputs, targets, mean, slope, losses, delta, loss } => Op::ElementLoss {
                measure: measure.map(|number| by.number(number)),
                outputs: by.input(outputs),
                targets: by.input(targets),
                mean: by.number(mean),
                slope: by.number(slope),
                losses: by.output(losses),
                delta: by.output(delta),
                loss: by.output(loss),
            },
            Op::WeighRows { losses, weights, shares, rows, mean, factors, delta, loss } => Op::WeighRows {
                losses: by.input(losses),
                weights: by.input(weights),
                shares: shares.as_ref().map(|shares| by.input(shares)),
                rows: by.number(rows),
                mean: by.number(mean),
                factors: by.output(factors),
                delta: by.output(delta),
                loss: by.output(loss),
            },
            Op::AddSquares { before, x, sum } => {
                Op::AddSquares { before: by.input(before), x: by.input(x), sum: by.output(sum) }
            }
            Op::ClipScale { max_norm, squares, norm, scale } => Op::ClipScale {
                max_norm: by.number(max_norm),
                squares: by.input(squares),
                norm: by.output(norm),
                scale: by.output(scale),
            },
            Op::InverseNorm { least, squares, to } => {
                Op::InverseNorm { least: by.number(least), squares: by.input(squares), to: by.output(to) }
            }
            Op::Scale { factor, x } => Op::Scale { factor: by.input(factor), x: by.output(x) },
            Op::Clamp { limit, x } => Op::Clamp { limit: by.number(limit), x: by.output(x) },
            Op::Multiply { x, by: factor, to } => {
                Op::Multiply { x: by.input(x), by: by.input(factor), to: by.output(to) }
            }
            Op::Blend { keep, add, x, to } => {
                Op::Blend { keep: by.number(keep), add: by.number(add), x: by.input(x), to: by.output(to) }
            }
            Op::ColumnDot { a, b, sum } => Op::ColumnDot { a: by.input(a), b: by.input(b), sum: by.output(sum) },
            Op::LayerNorm { x, weights, bias, share, epsilon, normalized, scales, a } => Op::LayerNorm {
                x: by.input(x),
                weights: by.input(weights),
                bias: by.input(bias),
                share: by.number(share),
                epsilon: by.number(epsilon),
                normalized: by.output(normalized),
                scales: by.output(scales),
                a: by.output(a),
            },
            Op::LayerNormGradient { delta, weights, normalized, scales, share, d } => {
                let (delta, weights, normalized) = (by.input(delta), by.input(weights), by.input(normalized));
                let (scales, share, d) = (by.input(scales), by.number(share), by.output(d));
                Op::LayerNormGradient { delta, weights, normalized, scales, share, d }
            }
            Op::BatchNorm { x, weights, bias, share, epsilon, mean, variance, scales, normalized, a } => {
                Op::BatchNorm {
                    x: by.input(x),
                    weights: by.input(weights),
                    bias: by.input(bias),
                    share: by.number(share),
                    epsilon: by.number(epsilon),
                    mean: by.output(mean),
                    variance: by.output(variance),
                    scales: by.output(scales),
                    normalized: by.output(normalized),
                    a: by.output(a),
                }
            }
            Op::BatchNormGradient {
                delta,
                weights,
                normalized,
                scales,
                sums: [of_bias, of_weights],
                share,
                factors,
                d,
            } => Op::BatchNormGradient {
                delta: by.input(delta),
                weights: by.input(weights),
                normalized: by.input(normalized),
                scales: by.input(scales),
                sums: [by.input(of_bias), by.input(of_weights)],
                share: by.number(share),
                factors: by.output(factors),
                d: by.output(d),
            },
            Op::BatchNormEvaluate { x, weights, bias, mean, variance, epsilon, factors, a } => Op::BatchNormEvaluate {
                x: by.input(x),
                weights: by.input(weights),
                bias: by.input(bias),
                mean: by.input(mean),
                variance: by.input(variance),
                epsilon: by.number(epsilon),
                factors: by.output(factors),
                a: by.output(a),
            },
        }
    }
}
