//! What each call does: the one place where a variant of the catalogue meets its kernel.

use crate::call::{Call, Op};
use crate::element::Element;
use crate::executor::Runner;
use crate::gemm::follow::{Beside, Epilogue, Gradient, What, follow};
use crate::gemm::operand::Source;
use crate::gemm::{Init, multiply, strided};
use crate::loss::{BinaryCrossEntropy, CrossEntropy, MeanSquaredError, WeightedCrossEntropy};
use crate::norm::{AddSquares, ClipScale};
use crate::{axpy, column_sum, dot, gemv, ger, softmax};

impl<T: Element> Call<'_, T> {
    /// Runs it. Generic over who runs its tasks, so that every kernel is compiled once for each [`Runner`].
    pub fn execute(self, runner: &impl Runner) {
        match self.0 {
            Op::Dot { x, y, to } => runner.run(dot::Dot { x, y, to }),
            Op::DotInF64 { x, y, to } => runner.run(dot::DotInF64 { x, y, to }),
            Op::Axpy { alpha, x, y } => axpy::run(runner, alpha, x, y),
            Op::Gemv { a, x, y } => gemv::run(runner, a, x, y),
            Op::GemvTransposed { a, x, y } => gemv::run_transposed(runner, a, x, y),
            Op::Ger { alpha, x, y, a } => ger::run(runner, alpha, x, y, a),
            Op::Gemm { a, b, init, c } => strided::any(runner, a, b.0, init, c),
            Op::GemmScaled { alpha, a, b, beta, c } => strided::scaled(runner, alpha, a, b, beta, c),
            Op::DenseForward { x, weights, bias, activation, sums, a } => {
                let beside = [sums.map_or(Beside::None, Beside::Write), Beside::None];
                let epilogue = Epilogue { what: What::Apply(activation.function()), beside };
                multiply(runner, x, weights.0, Init::Bias(bias), a, epilogue);
            }
            Op::DenseInputGradient { delta, weights, activation, kept, d } => {
                let epilogue = Epilogue { what: What::Derive(activation), beside: [Beside::Read(kept), Beside::None] };
                multiply(runner, delta, Source::Matrix(weights.transpose()), Init::Zero, d, epilogue);
            }
            Op::DenseWeightGradient { x, delta, gradient } => {
                multiply(runner, x.transpose(), Source::Matrix(delta), Init::Zero, gradient, Epilogue::nothing());
            }
            Op::DenseUpdate { x, delta, rule, weights, state } => {
                let epilogue = Epilogue { what: What::Update(rule), beside: state.map(Beside::state) };
                multiply(runner, x.transpose(), Source::Matrix(delta), Init::Zero, weights, epilogue);
            }
            Op::ColumnSum { a, sum } => column_sum::run(runner, a, sum),
            Op::Activate { activation, z } => {
                let what = What::Apply(activation.function());
                if activation.function().is_some() {
                    follow(runner, Epilogue { what, beside: [Beside::None, Beside::None] }, z, Gradient::None);
                }
            }
            Op::Derive { activation, kept, delta } => {
                let beside = [Beside::Read(kept), Beside::None];
                if activation.function().is_some() {
                    follow(runner, Epilogue { what: What::Derive(activation), beside }, delta, Gradient::None);
                }
            }
            Op::Apply { function, x } => {
                let what = What::Apply(Some(function));
                follow(runner, Epilogue { what, beside: [Beside::None, Beside::None] }, x, Gradient::None);
            }
            Op::Scale { factor, x } => {
                let what = What::Scale(factor.at(0, 0));
                follow(runner, Epilogue { what, beside: [Beside::None, Beside::None] }, x, Gradient::None);
            }
            Op::Update { rule, gradient, weights, state } => {
                let beside = state.map(Beside::state);
                follow(runner, Epilogue { what: What::Update(rule), beside }, weights, Gradient::Matrix(gradient));
            }
            Op::Softmax { z } => softmax::run_softmax(runner, z),
            Op::LogSoftmax { z } => softmax::run_log_softmax(runner, z),
            Op::LogSumExp { z, to } => softmax::run_log_sum_exp(runner, z, to),
            Op::MeanSquaredError { outputs, targets, mean, slope, delta, loss } => {
                runner.run(MeanSquaredError { outputs, targets, mean, slope, delta, loss });
            }
            Op::BinaryCrossEntropy { logits, targets, mean, losses, delta, loss } => {
                runner.run(BinaryCrossEntropy { logits, targets, mean, losses, delta, loss });
            }
            Op::CrossEntropy { logits, labels, mean, losses, delta, loss } => {
                runner.run(CrossEntropy { logits, labels, mean, losses, delta, loss });
            }
            Op::WeightedCrossEntropy { logits, labels, classes, spread, weights, losses, delta, loss } => {
                runner.run(WeightedCrossEntropy { logits, labels, classes, spread, weights, losses, delta, loss });
            }
            Op::AddSquares { before, x, sum } => runner.run(AddSquares { before, x, sum }),
            Op::ClipScale { max_norm, squares, norm, scale } => {
                runner.run(ClipScale { max_norm, squares, norm, scale });
            }
        }
    }
}
