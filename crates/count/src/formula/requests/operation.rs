//! What each kernel of the catalogue asks for: the one place where an [`Operation`] meets its bytes.

use nxm_kernels::Operation;
use nxm_kernels::call::{Op, RightLayout};

use super::{Requests, times};
use crate::formula::multiplication::{Follows, Multiplication};
use crate::formula::operation::taken;
use crate::formula::rows::Rows;
use crate::kind::Overflow;
use crate::traffic::Traffic;

impl Requests {
    /// The bytes that the loads and stores of a call ask for.
    ///
    /// # Errors
    /// [`Overflow`] if they exceed 128 bits.
    pub(in crate::formula) fn operation(&self, operation: &Operation) -> Result<Traffic, Overflow> {
        let of = *self;
        match *operation {
            Op::Dot { x, .. } => of.dot(x.cols as u128),
            Op::DotInF64 { x, .. } => of.dot_in_f64(x as u128),
            Op::Axpy { x, .. } => of.axpy(x.cols as u128),
            Op::Gemv { a, .. } => of.gemv(a.rows as u128, a.cols as u128),
            Op::GemvTransposed { a, .. } => match Multiplication::of(operation) {
                Some(product) => Traffic::sum(of.multiply(&product)?),
                None => of.gemv_transposed(a.rows as u128, a.cols as u128),
            },
            Op::Ger { a, .. } => of.ger(a.rows as u128, a.cols as u128),
            Op::Gemm { a, b, init, c } => of.gemm(&Multiplication { a, b, init, c, follows: Follows::Nothing }),
            Op::GemmScaled { alpha, a, b, beta, c } => {
                of.gemm_scaled(&Multiplication::scaled(a, RightLayout::Matrix(b), beta, c), alpha, beta)
            }
            Op::DenseForward { .. }
            | Op::DenseInputGradient { .. }
            | Op::DenseWeightGradient { .. }
            | Op::DenseUpdate { .. } => Traffic::sum(of.fused(operation)?),
            Op::ColumnSum { a, sum } => of.column_sum(a, sum),
            Op::Activate { activation, sums, z, .. } => {
                let elements = times(z.rows as u128, z.cols as u128)?;
                // Sums are copied without padding.
                let kept = sums.map_or(Ok(Traffic::NONE), |_| of.vectors_of(elements, 1, 1))?;
                match activation.function() {
                    None => Ok(kept),
                    Some(_) => kept.plus(&of.in_place(Rows::of(&[z], of.lanes(), taken(sums)))?),
                }
            }
            Op::Derive { activation, kept, delta, .. } => of.derive(activation, of.together(&[delta, kept])),
            Op::Apply { x, .. } => of.in_place(of.together(&[x])),
            Op::Softmax { x, z } => of.copied_from(x, z)?.plus(&of.softmax(z.rows as u128, z.cols as u128)?),
            Op::LogSoftmax { x, z } => of.copied_from(x, z)?.plus(&of.log_softmax(z.rows as u128, z.cols as u128)?),
            Op::SoftmaxGradient { outputs, delta, d } => of.softmax_gradient([outputs, delta, d], 2),
            // No product: δ alone is summed.
            Op::LogSoftmaxGradient { outputs, delta, d } => of.softmax_gradient([outputs, delta, d], 1),
            Op::LogSumExp { z, .. } => of.log_sum_exp(z.rows as u128, z.cols as u128),
            Op::Clamp { x, .. } => of.in_place(of.together(&[x])),
            Op::Update { rule, gradient, weights, state } => {
                let matrices: Vec<_> = [weights, gradient].into_iter().chain(state.into_iter().flatten()).collect();
                of.update(&rule, of.together(&matrices))
            }
            Op::MeanSquaredError { outputs, targets, delta, .. } => of.mean_squared_error(outputs, targets, delta),
            Op::BinaryCrossEntropy { logits, losses, delta, .. } => of.binary_cross_entropy(logits, losses, delta),
            Op::CrossEntropy { logits, .. } => of.cross_entropy(logits),
            Op::WeightedCrossEntropy { logits, .. } => of.weighted_cross_entropy(logits),
            Op::SoftCrossEntropy { logits, classes, .. } => of.soft_cross_entropy(logits, classes.is_some()),
            Op::WeightedBinaryCrossEntropy { logits, positive, losses, delta, .. } => {
                of.weighted_binary_cross_entropy([logits, positive, losses, delta])
            }
            Op::ElementLoss { outputs, losses, delta, .. } => of.binary_cross_entropy(outputs, losses, delta),
            Op::WeighRows { losses, shares, delta, .. } => of.weigh_rows(losses, shares.is_some(), delta),
            Op::AddSquares { x, .. } => of.add_squares(of.together(&[x])),
            Op::ClipScale { .. } => of.elements(1, 2),
            Op::InverseNorm { .. } => of.elements(1, 1),
            Op::Scale { x, .. } => of.in_place(of.together(&[x])),
            Op::Multiply { x, by, to } => of.rows(of.together(&[to, x, by]), 2, 1),
            Op::Blend { x, to, .. } => of.rows(of.together(&[to, x]), 2, 1),
            Op::ColumnDot { a, b, sum } => of.column_dot(a, b, sum),
            Op::LayerNorm { x, weights, bias, normalized, a, .. } => of.layer_norm([x, weights, bias, normalized, a]),
            Op::LayerNormGradient { delta, weights, normalized, d, .. } => {
                of.layer_norm_gradient([delta, weights, normalized, d])
            }
            Op::BatchNorm { x, weights, bias, mean, variance, scales, normalized, a, .. } => {
                of.batch_norm([x, weights, bias, normalized, a], [mean, variance, scales])
            }
            Op::BatchNormGradient { delta, weights, normalized, scales, sums, factors, d, .. } => {
                of.batch_norm_gradient([delta, weights, normalized, scales, factors, d], sums)
            }
            Op::BatchNormEvaluate { x, weights, bias, mean, variance, factors, a, .. } => {
                of.batch_norm_evaluate([x, weights, bias, mean, variance, factors, a])
            }
        }
    }

    /// The same in two parts: those of the product that the kernel is made of, and of what follows it; of other kernels all and nothing.
    pub(in crate::formula) fn fused(&self, operation: &Operation) -> Result<[Traffic; 2], Overflow> {
        match Multiplication::of(operation) {
            Some(product) => self.multiply(&product),
            None => Ok([self.operation(operation)?, Traffic::NONE]),
        }
    }
}
