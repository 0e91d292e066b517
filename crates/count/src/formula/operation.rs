//! What each kernel of the catalogue executes: the one place where an [`Operation`] meets its formula.

use nxm_kernels::call::{Op, RightLayout};
use nxm_kernels::{Layout, Operation};

use super::Vectors;
use super::multiplication::{Follows, Multiplication};
use super::rows::{Rows, Taken};
use crate::kind::Overflow;
use crate::tally::Tally;

impl Vectors {
    /// What a call executes, useful and padding, at any number of threads.
    ///
    /// # Errors
    /// [`Overflow`] if a count exceeds 128 bits.
    pub(super) fn operation(&self, operation: &Operation) -> Result<Tally, Overflow> {
        let (v, lanes) = (*self, self.lanes);
        let together = Taken::Together;
        match *operation {
            Op::Dot { x, .. } => v.dot(x.cols as u128),
            Op::DotInF64 { x, .. } => v.dot_in_f64(x as u128),
            Op::Axpy { x, .. } => v.axpy(x.cols as u128),
            Op::Gemv { a, .. } => v.dots(a.cols as u128, a.rows as u128),
            Op::GemvTransposed { a, .. } => match Multiplication::of(operation) {
                Some(product) => Tally::sum(v.multiply(&product)?),
                // As a row of a product.
                None => v.axpy(a.cols as u128)?.times(a.rows as u128),
            },
            Op::Ger { a, .. } => v.ger(a.rows as u128, a.cols as u128),
            Op::Gemm { a, b, init, c } => v.gemm(&Multiplication { a, b, init, c, follows: Follows::Nothing }),
            Op::GemmScaled { alpha, a, b, beta, c } => {
                let b = RightLayout::Matrix(b);
                v.gemm_scaled(&Multiplication::scaled(a, b, beta, c), alpha, beta)
            }
            Op::DenseForward { .. }
            | Op::DenseInputGradient { .. }
            | Op::DenseWeightGradient { .. }
            | Op::DenseUpdate { .. } => Tally::sum(v.fused(operation)?),
            Op::ColumnSum { a, .. } => v.column_sum(a.rows as u128, a.cols as u128),
            Op::Activate { activation, sums, z, .. } => match activation.function() {
                None => Ok(Tally::NONE),
                Some(function) => v.apply(function, Rows::of(&[z], lanes, taken(sums))),
            },
            Op::Derive { activation, kept, delta, .. } => {
                v.derive(activation, Rows::of(&[delta, kept], lanes, together))
            }
            Op::Apply { function, x } => v.apply(function, Rows::of(&[x], lanes, together)),
            Op::Softmax { z, .. } => v.softmax(z.rows as u128, z.cols as u128),
            Op::LogSoftmax { z, .. } => v.log_softmax(z.rows as u128, z.cols as u128),
            Op::SoftmaxGradient { d, .. } => v.softmax_gradient(d),
            Op::LogSoftmaxGradient { d, .. } => v.log_softmax_gradient(d),
            Op::LogSumExp { z, .. } => v.log_sum_exp(z.rows as u128, z.cols as u128),
            Op::Clamp { x, .. } => v.clamp(Rows::of(&[x], lanes, together)),
            Op::Update { rule, gradient, weights, state } => {
                let matrices: Vec<_> = [weights, gradient].into_iter().chain(state.into_iter().flatten()).collect();
                v.update(&rule, Rows::of(&matrices, lanes, together))
            }
            Op::MeanSquaredError { outputs, targets, delta, .. } => v.mean_squared_error(outputs, targets, delta),
            Op::BinaryCrossEntropy { logits, losses, delta, .. } => v.binary_cross_entropy(logits, losses, delta),
            Op::CrossEntropy { logits, .. } => v.cross_entropy(logits),
            Op::WeightedCrossEntropy { logits, .. } => v.weighted_cross_entropy(logits),
            Op::SoftCrossEntropy { logits, classes, .. } => v.soft_cross_entropy(logits, classes.is_some()),
            Op::WeightedBinaryCrossEntropy { logits, positive, losses, delta, .. } => {
                v.weighted_binary_cross_entropy([logits, positive, losses, delta])
            }
            Op::ElementLoss { measure, outputs, losses, delta, .. } => v.element_loss(&measure, outputs, losses, delta),
            Op::WeighRows { losses, shares, delta, .. } => v.weigh_rows(losses, shares.is_some(), delta),
            Op::AddSquares { x, .. } => v.add_squares(Rows::of(&[x], lanes, together)),
            Op::ClipScale { .. } => v.clip_scale(),
            Op::InverseNorm { .. } => v.inverse_norm(),
            Op::Scale { x, .. } => v.scale(Rows::of(&[x], lanes, together)),
            Op::Multiply { x, by, to } => v.multiply_elements(&[to, x, by]),
            Op::Blend { x, to, .. } => v.blend(&[to, x]),
            Op::ColumnDot { a, .. } => v.column_dot(a.rows as u128, a.cols as u128),
            Op::LayerNorm { a, .. } => v.layer_norm(a),
            Op::LayerNormGradient { d, .. } => v.layer_norm_gradient(d),
            Op::BatchNorm { a, .. } => v.batch_norm(a),
            Op::BatchNormGradient { d, .. } => v.batch_norm_gradient(d),
            Op::BatchNormEvaluate { a, .. } => v.batch_norm_evaluate(a),
        }
    }

    /// The same in two parts: the product that the kernel is made of, and what follows it; of other kernels all and nothing.
    pub(super) fn fused(&self, operation: &Operation) -> Result<[Tally; 2], Overflow> {
        match Multiplication::of(operation) {
            Some(product) => self.multiply(&product),
            None => Ok([self.operation(operation)?, Tally::NONE]),
        }
    }
}

/// Rows to which a function is applied are taken together unless the sums that are kept have gaps.
pub(super) fn taken(sums: Option<Layout>) -> Taken {
    if sums.is_none_or(|sums| sums.is_without_gaps()) { Taken::Together } else { Taken::Apart }
}
