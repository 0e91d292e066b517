//! What each call does: the one place where a variant of the catalogue meets its kernel.

use crate::batch_norm::{BatchNorm, BatchNormEvaluate, BatchNormGradient};
use crate::call::{Op, Operands, Translate, Views};
use crate::column_dot::ColumnDot;
use crate::element::Element;
use crate::executor::Runner;
use crate::gemm::follow::{Beside, Epilogue, Gradient, What, follow};
use crate::gemm::operand::RightFactor;
use crate::gemm::{Init, multiply, strided};
use crate::layer_norm::{LayerNorm, LayerNormGradient};
use crate::loss::{
    BinaryCrossEntropy, CrossEntropy, ElementLoss, MeanSquaredError, SoftCrossEntropy, WeighRows,
    WeightedBinaryCrossEntropy, WeightedCrossEntropy,
};
use crate::multiply::{Blend, Multiply};
use crate::norm::{AddSquares, ClipScale, InverseNorm};
use crate::softmax_gradient::{LogSoftmaxGradient, SoftmaxGradient};
use crate::update::apart::{self, Apart};
use crate::{axpy, column_sum, dot, gemv, ger, softmax};

/// Runs an op. `by` makes views of its operands, and is asked for each operand at most once: `program/views.rs` relies on that.
///
/// The views go from where they stand straight into the kernel: a small kernel takes less time than building its operands twice.
#[inline(always)]
pub(crate) fn execute<'a, T: Element, O: Operands>(
    op: &Op<O>,
    by: &mut impl Translate<O, Views<'a, T>>,
    runner: &impl Runner,
) {
    match op {
        Op::Dot { x, y, to } => runner.run(dot::Dot { x: by.input(x), y: by.input(y), to: by.output(to) }),
        Op::DotInF64 { x, y, to } => {
            // Only `Call<f64>` has a constructor of it: a body for f32 would be code that nothing runs.
            if const { size_of::<T>() == size_of::<f64>() } {
                runner.run(dot::DotInF64 { x: by.singles(x), y: by.singles(y), to: by.output(to) });
            }
        }
        Op::Axpy { alpha, x, y } => axpy::run(runner, by.number(alpha), by.input(x), by.output(y)),
        Op::Gemv { a, x, y } => gemv::run(runner, by.input(a), by.input(x), by.output(y)),
        Op::GemvTransposed { a, x, y } => gemv::run_transposed(runner, by.input(a), by.input(x), by.output(y)),
        Op::Ger { alpha, x, y, a } => ger::run(runner, by.number(alpha), by.input(x), by.input(y), by.output(a)),
        Op::Gemm { a, b, init, c } => {
            let init = init.map(|bias| by.input(bias));
            strided::any(runner, by.input(a), by.right(b).0, init, by.output(c));
        }
        Op::GemmScaled { alpha, a, b, beta, c } => {
            let (alpha, beta) = (by.number(alpha), by.number(beta));
            strided::scaled(runner, alpha, by.input(a), by.input(b), beta, by.output(c));
        }
        Op::DenseForward { x, weights, bias, activation, parameters, sums, a } => {
            let beside = [Beside::written(by.optional(sums)), Beside::None];
            let parameters = by.numbers(parameters);
            let epilogue = Epilogue { what: What::Apply(activation.function(), parameters), beside };
            let init = Init::Bias(by.input(bias));
            multiply(runner, by.input(x), by.right(weights).0, init, by.output(a), epilogue);
        }
        Op::DenseInputGradient { delta, weights, activation, parameters, kept, d } => {
            let beside = [Beside::Read(by.input(kept)), Beside::None];
            let parameters = by.numbers(parameters);
            let epilogue = Epilogue { what: What::Derive(*activation, parameters), beside };
            let weights = RightFactor::Matrix(by.input(weights).transpose());
            multiply(runner, by.input(delta), weights, Init::Zero, by.output(d), epilogue);
        }
        Op::DenseWeightGradient { x, delta, gradient } => {
            let (x, delta) = (by.input(x).transpose(), RightFactor::Matrix(by.input(delta)));
            multiply(runner, x, delta, Init::Zero, by.output(gradient), Epilogue::nothing());
        }
        Op::DenseUpdate { x, delta, rule, weights, state: [first, second] } => {
            let beside = [Beside::written(by.optional(first)), Beside::written(by.optional(second))];
            let epilogue = Epilogue { what: What::Update(by.rule(rule)), beside };
            let (x, delta) = (by.input(x).transpose(), RightFactor::Matrix(by.input(delta)));
            multiply(runner, x, delta, Init::Zero, by.output(weights), epilogue);
        }
        Op::ColumnSum { a, sum } => column_sum::run(runner, by.input(a), by.output(sum)),
        Op::Activate { activation, parameters, sums, z } => {
            if activation.function().is_some() || sums.is_some() {
                let beside = [Beside::written(by.optional(sums)), Beside::None];
                let parameters = by.numbers(parameters);
                follow(runner, What::Apply(activation.function(), parameters), beside, by.output(z), Gradient::None);
            }
        }
        Op::Derive { activation, parameters, kept, delta } => {
            if activation.function().is_some() {
                let beside = [Beside::Read(by.input(kept)), Beside::None];
                let parameters = by.numbers(parameters);
                follow(runner, What::Derive(*activation, parameters), beside, by.output(delta), Gradient::None);
            }
        }
        Op::Apply { function, x } => {
            let what = What::Apply(Some(*function), function.defaults());
            follow(runner, what, [Beside::None, Beside::None], by.output(x), Gradient::None);
        }
        Op::Scale { factor, x } => {
            let factor = by.input(factor).at(0, 0);
            follow(runner, What::Scale(factor), [Beside::None, Beside::None], by.output(x), Gradient::None);
        }
        Op::Clamp { limit, x } => {
            let limit = What::Clamp(by.number(limit));
            follow(runner, limit, [Beside::None, Beside::None], by.output(x), Gradient::None);
        }
        Op::Update { rule, gradient, weights, state: [first, second, third] } => {
            let rule = by.rule(rule);
            if rule.is_fused() {
                let beside = [Beside::written(by.optional(first)), Beside::written(by.optional(second))];
                let gradient = Gradient::Matrix(by.input(gradient));
                follow(runner, What::Update(rule), beside, by.output(weights), gradient);
            } else {
                let state = [by.optional(first), by.optional(second), by.optional(third)];
                apart::run(runner, Apart { rule, gradient: by.input(gradient), weights: by.output(weights), state });
            }
        }
        Op::Softmax { x, z } => softmax::run_softmax(runner, x.as_ref().map(|x| by.input(x)), by.output(z)),
        Op::LogSoftmax { x, z } => softmax::run_log_softmax(runner, x.as_ref().map(|x| by.input(x)), by.output(z)),
        Op::SoftmaxGradient { outputs, delta, d } => {
            runner.run(SoftmaxGradient { outputs: by.input(outputs), delta: by.input(delta), d: by.output(d) });
        }
        Op::LogSoftmaxGradient { outputs, delta, d } => {
            runner.run(LogSoftmaxGradient { outputs: by.input(outputs), delta: by.input(delta), d: by.output(d) });
        }
        Op::LogSumExp { z, to } => softmax::run_log_sum_exp(runner, by.input(z), by.output(to)),
        Op::MeanSquaredError { outputs, targets, mean, slope, delta, loss } => runner.run(MeanSquaredError {
            outputs: by.input(outputs),
            targets: by.input(targets),
            mean: by.number(mean),
            slope: by.number(slope),
            delta: by.output(delta),
            loss: by.output(loss),
        }),
        Op::BinaryCrossEntropy { logits, targets, mean, losses, delta, loss } => runner.run(BinaryCrossEntropy {
            logits: by.input(logits),
            targets: by.input(targets),
            mean: by.number(mean),
            losses: by.output(losses),
            delta: by.output(delta),
            loss: by.output(loss),
        }),
        Op::CrossEntropy { logits, labels, mean, losses, delta, loss } => runner.run(CrossEntropy {
            logits: by.input(logits),
            labels: by.labels(labels),
            mean: by.number(mean),
            losses: by.output(losses),
            delta: by.output(delta),
            loss: by.output(loss),
        }),
        Op::WeightedCrossEntropy { logits, labels, classes, spread, weights, losses, delta, loss } => {
            runner.run(WeightedCrossEntropy {
                logits: by.input(logits),
                labels: by.labels(labels),
                classes: by.input(classes),
                spread: by.number(spread),
                weights: by.output(weights),
                losses: by.output(losses),
                delta: by.output(delta),
                loss: by.output(loss),
            });
        }
        Op::SoftCrossEntropy { logits, targets, classes, mean, shares, losses, delta, loss } => {
            runner.run(SoftCrossEntropy {
                logits: by.input(logits),
                targets: by.input(targets),
                classes: classes.as_ref().map(|classes| by.input(classes)),
                mean: by.number(mean),
                shares: by.output(shares),
                losses: by.output(losses),
                delta: by.output(delta),
                loss: by.output(loss),
            });
        }
        Op::WeightedBinaryCrossEntropy { logits, targets, positive, mean, losses, delta, loss } => {
            runner.run(WeightedBinaryCrossEntropy {
                logits: by.input(logits),
                targets: by.input(targets),
                positive: by.input(positive),
                mean: by.number(mean),
                losses: by.output(losses),
                delta: by.output(delta),
                loss: by.output(loss),
            });
        }
        Op::ElementLoss { measure, outputs, targets, mean, slope, losses, delta, loss } => runner.run(ElementLoss {
            measure: measure.map(|number| by.number(number)),
            outputs: by.input(outputs),
            targets: by.input(targets),
            mean: by.number(mean),
            slope: by.number(slope),
            losses: by.output(losses),
            delta: by.output(delta),
            loss: by.output(loss),
        }),
        Op::WeighRows { losses, weights, shares, rows, mean, factors, delta, loss } => runner.run(WeighRows {
            losses: by.input(losses),
            weights: by.input(weights),
            shares: shares.as_ref().map(|shares| by.input(shares)),
            rows: by.number(rows),
            mean: by.number(mean),
            factors: by.output(factors),
            delta: by.output(delta),
            loss: by.output(loss),
        }),
        Op::AddSquares { before, x, sum } => {
            runner.run(AddSquares { before: by.input(before), x: by.input(x), sum: by.output(sum) });
        }
        Op::ClipScale { max_norm, squares, norm, scale } => runner.run(ClipScale {
            max_norm: by.number(max_norm),
            squares: by.input(squares),
            norm: by.output(norm),
            scale: by.output(scale),
        }),
        Op::InverseNorm { least, squares, to } => {
            runner.run(InverseNorm { least: by.number(least), squares: by.input(squares), to: by.output(to) });
        }
        Op::Multiply { x, by: factor, to } => {
            runner.run(Multiply { x: by.input(x), by: by.input(factor), to: by.output(to) });
        }
        Op::Blend { keep, add, x, to } => {
            runner.run(Blend { keep: by.number(keep), add: by.number(add), x: by.input(x), to: by.output(to) });
        }
        Op::ColumnDot { a, b, sum } => {
            runner.run(ColumnDot { a: by.input(a), b: by.input(b), sum: by.output(sum) });
        }
        Op::LayerNorm { x, weights, bias, share, epsilon, normalized, scales, a } => runner.run(LayerNorm {
            x: by.input(x),
            weights: by.input(weights),
            bias: by.input(bias),
            share: by.number(share),
            epsilon: by.number(epsilon),
            normalized: by.output(normalized),
            scales: by.output(scales),
            a: by.output(a),
        }),
        Op::LayerNormGradient { delta, weights, normalized, scales, share, d } => runner.run(LayerNormGradient {
            delta: by.input(delta),
            weights: by.input(weights),
            normalized: by.input(normalized),
            scales: by.input(scales),
            share: by.number(share),
            d: by.output(d),
        }),
        Op::BatchNorm { x, weights, bias, share, epsilon, mean, variance, scales, normalized, a } => {
            runner.run(BatchNorm {
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
            });
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
        } => {
            runner.run(BatchNormGradient {
                delta: by.input(delta),
                weights: by.input(weights),
                normalized: by.input(normalized),
                scales: by.input(scales),
                sums: [by.input(of_bias), by.input(of_weights)],
                share: by.number(share),
                factors: by.output(factors),
                d: by.output(d),
            });
        }
        Op::BatchNormEvaluate { x, weights, bias, mean, variance, epsilon, factors, a } => {
            runner.run(BatchNormEvaluate {
                x: by.input(x),
                weights: by.input(weights),
                bias: by.input(bias),
                mean: by.input(mean),
                variance: by.input(variance),
                epsilon: by.number(epsilon),
                factors: by.output(factors),
                a: by.output(a),
            });
        }
    }
}
