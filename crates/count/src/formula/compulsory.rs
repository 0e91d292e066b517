//! Bytes that a call must move at least: the compulsory traffic.

use nxm_kernels::call::{Op, RightLayout};
use nxm_kernels::{Activation, Init, Layout, Operation};
use nxm_net::ElementType;

use crate::kind::Overflow;
use crate::traffic::Traffic;

/// Bytes of a label.
const LABEL: u128 = 4;

/// What a call must read and write, each operand once and each result once: of the product that the kernel is made of, and of what follows
/// it; of other kernels all and nothing.
///
/// Where two phases are one kernel, the second has at hand what the first made: δ for the derivative behind an input gradient, and the
/// weights' gradient for their update. Scratch (the losses of rows) and single numbers (a loss, a norm) are left out. The three rows of
/// numbers that a weighted loss has for its classes, and the two that it has for its outputs, are made of one weight for each.
///
/// # Errors
/// [`Overflow`] if the bytes exceed 128 bits.
pub(super) fn compulsory(operation: &Operation, element: ElementType) -> Result<[Traffic; 2], Overflow> {
    let of = |read: &[Layout], written: &[Layout]| {
        let elements = |matrices: &[Layout]| matrices.iter().map(elements).collect::<Vec<u128>>();
        Traffic::of(element.size().into(), &elements(read), &elements(written))
    };
    let labels = |n: usize| Traffic::of(LABEL, &[n as u128], &[]);
    let single = |n: usize| Layout::row_major(1, n);
    let one = |traffic: Traffic| Ok([traffic, Traffic::NONE]);
    match *operation {
        Op::Dot { x, y, .. } => one(of(&[x, y], &[])?),
        Op::DotInF64 { x, y, .. } => one(Traffic::of(size_of::<f32>() as u128, &[x as u128, y as u128], &[])?),
        Op::Axpy { x, y, .. } => one(of(&[x, y], &[y])?),
        Op::Gemv { a, x, y } | Op::GemvTransposed { a, x, y } => one(of(&[a, x], &[y])?),
        Op::Ger { x, y, a, .. } => one(of(&[x, y, a], &[a])?),
        Op::Gemm { a, b, init, c } => match init {
            Init::Zero => one(of(&[a, right(b)], &[c])?),
            Init::Bias(bias) => one(of(&[a, right(b), bias], &[c])?),
            Init::Accumulate => one(of(&[a, right(b), c], &[c])?),
        },
        Op::GemmScaled { alpha, a, b, beta, c } => {
            let factors = if alpha == 0.0 { vec![] } else { vec![a, b] };
            let before = if beta == 0.0 { None } else { Some(c) };
            one(of(&factors.into_iter().chain(before).collect::<Vec<_>>(), &[c])?)
        }
        Op::DenseForward { x, weights, bias, sums, a, .. } => {
            let written: Vec<Layout> = [a].into_iter().chain(sums).collect();
            one(of(&[x, right(weights), bias], &written)?)
        }
        Op::DenseInputGradient { delta, weights, activation, kept, d, .. } => {
            Ok([of(&[delta, weights], &[d])?, of(derived(activation, kept).as_slice(), &[])?])
        }
        Op::DenseWeightGradient { x, delta, gradient } => one(of(&[x, delta], &[gradient])?),
        Op::DenseUpdate { x, delta, weights, state: kept, .. } => {
            let parameters: Vec<Layout> = [weights].into_iter().chain(kept.into_iter().flatten()).collect();
            Ok([of(&[x, delta], &[])?, of(&parameters, &parameters)?])
        }
        Op::ColumnSum { a, sum } => one(of(&[a], &[sum])?),
        Op::Activate { activation, sums, z, .. } => {
            let written: Vec<Layout> = activation.function().map(|_| z).into_iter().chain(sums).collect();
            one(if written.is_empty() { Traffic::NONE } else { of(&[z], &written)? })
        }
        Op::Derive { activation, kept, delta, .. } => match derived(activation, kept) {
            None => one(Traffic::NONE),
            Some(kept) => one(of(&[delta, kept], &[delta])?),
        },
        Op::Apply { x, .. } | Op::Scale { x, .. } | Op::Clamp { x, .. } => one(of(&[x], &[x])?),
        Op::Softmax { x, z } | Op::LogSoftmax { x, z } => one(of(&[x.unwrap_or(z)], &[z])?),
        Op::SoftmaxGradient { outputs, delta, d } | Op::LogSoftmaxGradient { outputs, delta, d } => {
            one(of(&[outputs, delta], &[d])?)
        }
        Op::LogSumExp { z, to } => one(of(&[z], &[to])?),
        Op::Update { gradient, weights, state: kept, .. } => {
            let parameters: Vec<Layout> = [weights].into_iter().chain(kept.into_iter().flatten()).collect();
            one(of(&[&[gradient], &parameters[..]].concat(), &parameters)?)
        }
        Op::MeanSquaredError { outputs, targets, delta, .. } => one(of(&[outputs, targets], &[delta])?),
        Op::BinaryCrossEntropy { logits, targets, delta, .. } => one(of(&[logits, targets], &[delta])?),
        Op::CrossEntropy { logits, labels: n, delta, .. } => one(of(&[logits], &[delta])?.plus(&labels(n)?)?),
        Op::WeightedCrossEntropy { logits, labels: n, classes, delta, .. } => {
            one(of(&[logits, single(classes.cols)], &[delta])?.plus(&labels(n)?)?)
        }
        Op::SoftCrossEntropy { logits, targets, classes, delta, .. } => {
            let weights = classes.map(|classes| single(classes.cols));
            one(of(&[logits, targets].into_iter().chain(weights).collect::<Vec<_>>(), &[delta])?)
        }
        Op::WeightedBinaryCrossEntropy { logits, targets, positive, delta, .. } => {
            one(of(&[logits, targets, single(positive.cols)], &[delta])?)
        }
        Op::ElementLoss { outputs, targets, delta, .. } => one(of(&[outputs, targets], &[delta])?),
        Op::WeighRows { weights, delta, .. } => one(of(&[weights, delta], &[delta])?),
        Op::AddSquares { x, .. } => one(of(&[x], &[])?),
        Op::ClipScale { .. } | Op::InverseNorm { .. } => one(Traffic::NONE),
        Op::Multiply { x, by, to } => one(of(&[x, by], &[to])?),
        Op::Blend { x, to, .. } => one(of(&[x, to], &[to])?),
        Op::ColumnDot { a, b, sum } => one(of(&[a, b], &[sum])?),
        Op::LayerNorm { x, weights, bias, normalized, scales, a, .. } => {
            one(of(&[x, weights, bias], &[normalized, scales, a])?)
        }
        Op::LayerNormGradient { delta, weights, normalized, scales, d, .. } => {
            one(of(&[delta, weights, normalized, scales], &[d])?)
        }
        Op::BatchNorm { x, weights, bias, mean, variance, scales, normalized, a, .. } => {
            one(of(&[x, weights, bias], &[mean, variance, scales, normalized, a])?)
        }
        Op::BatchNormGradient { delta, weights, normalized, scales, sums: [of_bias, of_weights], d, .. } => {
            one(of(&[delta, weights, normalized, scales, of_bias, of_weights], &[d])?)
        }
        Op::BatchNormEvaluate { x, weights, bias, mean, variance, a, .. } => {
            one(of(&[x, weights, bias, mean, variance], &[a])?)
        }
    }
}

/// What f' is made of; none for the identity.
fn derived(activation: Activation, kept: Layout) -> Option<Layout> {
    activation.function().map(|_| kept)
}

/// The matrix that a right factor stands for.
fn right(factor: RightLayout) -> Layout {
    match factor {
        RightLayout::Matrix(layout) => layout,
        RightLayout::Packed { rows, cols } => Layout::row_major(rows, cols),
    }
}

/// rows × cols.
fn elements(matrix: &Layout) -> u128 {
    // Two 64-bit numbers have a 128-bit product.
    matrix.rows as u128 * matrix.cols as u128
}
