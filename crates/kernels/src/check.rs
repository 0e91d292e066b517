//! Which operands fit together: the checks of every kernel, on shapes alone.

use crate::call::{Op, Operands, RightLayout, Shapes, Translate};
use crate::gemm::Init;
use crate::gemm::blocking::FEW_ROWS;
use crate::layout::{Layout, ShapeError, Strides, check, check_copy};
use crate::simd::MAX_LANES;
use crate::update::Rule;

impl<O: Operands> Op<O> {
    /// Whether the operands, whose shapes `of` knows, fit together.
    ///
    /// # Errors
    /// [`ShapeError`] names the first operand that does not, what it is and what the others ask for.
    #[inline(always)]
    pub(crate) fn check(&self, of: &mut impl Translate<O, Shapes>) -> Result<(), ShapeError> {
        match self {
            Op::Dot { x, y, to } => {
                let x = of.input(x);
                x.check_shape("dot: x", 1, x.cols)?;
                of.input(y).check_same("dot: length of y against x", x)?;
                of.output(to).check_shape("dot: the result", 1, 1)
            }
            Op::DotInF64 { x, y, to } => {
                check("dot_in_f64: length of y against x", of.singles(x), of.singles(y))?;
                of.output(to).check_shape("dot_in_f64: the result", 1, 1)
            }
            Op::Axpy { x, y, .. } => {
                let x = of.input(x);
                x.check_shape("axpy: x", 1, x.cols)?;
                of.output(y).check_same("axpy: length of y against x", x)
            }
            Op::Gemv { a, x, y } => {
                let a = of.input(a);
                of.input(x).check_shape("gemv: x against columns of a", 1, a.cols)?;
                of.output(y).check_shape("gemv: y against rows of a", 1, a.rows)?;
                a.check_rows("gemv: a")
            }
            Op::GemvTransposed { a, x, y } => {
                let a = of.input(a);
                of.input(x).check_shape("gemv_transposed: x against rows of a", 1, a.rows)?;
                of.output(y).check_shape("gemv_transposed: y against columns of a", 1, a.cols)
            }
            Op::Ger { x, y, a, .. } => {
                let a = of.output(a);
                of.input(x).check_shape("ger: x against rows of a", 1, a.rows)?;
                of.input(y).check_shape("ger: y against columns of a", 1, a.cols)?;
                a.check_rows("ger: a")
            }
            Op::Gemm { a, b, init, c } => {
                product(of.input(a), of.right(b), init.map(|bias| of.input(bias)), of.output(c))
            }
            Op::GemmScaled { alpha, a, b, c, .. } => {
                let (a, b, c) = (of.input(a), of.input(b), of.output(c));
                let right = RightLayout::Matrix(b);
                sides(a, right, Init::Zero, c)?;
                let (what, factor) = scaled_factor(a, b, c);
                match (check_copy(what, factor.rows, factor.cols, 0), packed(a, right, c)) {
                    (Ok(()), Ok(())) => Ok(()),
                    // Read only here: reading α may be a conversion, and products execute none.
                    (copied, packed) => match of.number(alpha) {
                        0.0 => Ok(()),
                        1.0 => packed,
                        _ => copied,
                    },
                }
            }
            Op::DenseForward { x, weights, bias, sums, a, .. } => {
                let (bias, a) = (of.input(bias), of.output(a));
                product(of.input(x), of.right(weights), Init::Bias(bias), a)?;
                a.check_rows("dense_forward: a")?;
                match of.optional(sums) {
                    Some(sums) => sums.check_same("dense_forward: the sums against a", a),
                    None => Ok(()),
                }
            }
            Op::DenseInputGradient { delta, weights, kept, d, .. } => {
                let (weights, d) = (of.input(weights), of.output(d));
                product(of.input(delta), RightLayout::Matrix(weights.transpose()), Init::Zero, d)?;
                of.input(kept).check_same("dense_input_gradient: what was kept against d", d)
            }
            Op::DenseWeightGradient { x, delta, gradient } => {
                let (delta, gradient) = (of.input(delta), of.output(gradient));
                product(of.input(x).transpose(), RightLayout::Matrix(delta), Init::Zero, gradient)?;
                gradient.check_rows("dense_weight_gradient: the gradient")
            }
            Op::DenseUpdate { x, delta, rule, weights, state } => {
                let (x, delta, weights) = (of.input(x), of.input(delta), of.output(weights));
                product(x.transpose(), RightLayout::Matrix(delta), Init::Zero, weights)?;
                update_copy(x, delta)?;
                weights.check_rows("dense_update: the weights")?;
                let state = [of.optional(&state[0]), of.optional(&state[1])];
                let rule = of.rule(rule);
                check("dense_update: rules that may be fused with a product", 1, usize::from(rule.is_fused()))?;
                kept(&rule, weights, state)
            }
            Op::ColumnSum { a, sum } => {
                let a = of.input(a);
                of.output(sum).check_shape("column_sum: the sum against columns of a", 1, a.cols)?;
                a.check_rows("column_sum: a")
            }
            Op::Activate { sums, z, .. } => {
                let z = of.output(z);
                z.check_rows("activation: the sums")?;
                match of.optional(sums) {
                    Some(sums) => sums.check_same("activation: the sums that are kept", z),
                    None => Ok(()),
                }
            }
            Op::Derive { kept, delta, .. } => {
                of.input(kept).check_same("activation: what was kept against the gradient", of.output(delta))
            }
            Op::Apply { x, .. } => of.output(x).check_rows("apply: x"),
            Op::Softmax { x, z } | Op::LogSoftmax { x, z } => {
                let z = of.output(z);
                z.check_rows("a softmax: z")?;
                match x {
                    Some(x) => of.input(x).check_same("a softmax: x against z", z),
                    None => Ok(()),
                }
            }
            Op::SoftmaxGradient { outputs, delta, d } | Op::LogSoftmaxGradient { outputs, delta, d } => {
                let d = of.output(d);
                of.input(outputs).check_same("a softmax: its outputs against the gradient", d)?;
                of.input(delta).check_same("a softmax: the gradient of its outputs against that of its inputs", d)?;
                match d.rows == 0 || d.cols == 0 {
                    true => Err(ShapeError::Empty { what: "a softmax: its outputs" }),
                    false => Ok(()),
                }
            }
            Op::LogSumExp { z, to } => {
                let z = of.input(z);
                of.output(to).check_shape("log_sum_exp: the result against rows of z", 1, z.rows)?;
                z.check_rows("log_sum_exp: z")
            }
            Op::Update { rule, gradient, weights, state } => {
                let weights = of.output(weights);
                of.input(gradient).check_same("update: the gradient against the weights", weights)?;
                let state = [of.optional(&state[0]), of.optional(&state[1]), of.optional(&state[2])];
                kept(&of.rule(rule), weights, state)
            }
            Op::MeanSquaredError { outputs, targets, delta, loss, .. } => {
                let outputs = loss_of(of.input(outputs), of.output(delta), of.output(loss))?;
                same_sides(outputs, of.input(targets))
            }
            Op::BinaryCrossEntropy { logits, targets, losses, delta, loss, .. } => {
                let outputs = loss_of(of.input(logits), of.output(delta), of.output(loss))?;
                same_sides(outputs, of.input(targets))?;
                of.output(losses).check_same("a loss: its elements against the outputs", outputs)
            }
            Op::CrossEntropy { logits, labels, losses, delta, loss, .. } => {
                let outputs = loss_of(of.input(logits), of.output(delta), of.output(loss))?;
                check("a loss: labels against rows of outputs", outputs.rows, of.labels(labels))?;
                of.output(losses).check_shape("a loss: the losses of its rows", 1, outputs.rows)
            }
            Op::WeightedCrossEntropy { logits, labels, classes, weights, losses, delta, loss, .. } => {
                let outputs = loss_of(of.input(logits), of.output(delta), of.output(loss))?;
                check("a loss: labels against rows of outputs", outputs.rows, of.labels(labels))?;
                of.output(losses).check_shape("a loss: the losses of its rows", 1, outputs.rows)?;
                of.output(weights).check_shape("a loss: the weights of its rows", 1, outputs.rows)?;
                of.input(classes).check_shape("a loss: the weights of its classes", 3, outputs.cols)
            }
            Op::SoftCrossEntropy { logits, targets, classes, shares, losses, delta, loss, .. } => {
                let outputs = loss_of(of.input(logits), of.output(delta), of.output(loss))?;
                same_sides(outputs, of.input(targets))?;
                of.output(losses).check_shape("a loss: the losses of its rows", 1, outputs.rows)?;
                of.output(shares).check_shape("a loss: the shares of a row", 1, outputs.cols)?;
                match classes {
                    Some(classes) => {
                        of.input(classes).check_shape("a loss: the factors of its classes", 2, outputs.cols)
                    }
                    None => Ok(()),
                }
            }
            Op::WeightedBinaryCrossEntropy { logits, targets, positive, losses, delta, loss, .. } => {
                let outputs = loss_of(of.input(logits), of.output(delta), of.output(loss))?;
                same_sides(outputs, of.input(targets))?;
                of.output(losses).check_same("a loss: its elements against the outputs", outputs)?;
                let positive = of.input(positive);
                positive.check_shape("a loss: the weights of positive targets", 2, outputs.cols)
            }
            Op::ElementLoss { outputs, targets, losses, delta, loss, .. } => {
                let outputs = loss_of(of.input(outputs), of.output(delta), of.output(loss))?;
                same_sides(outputs, of.input(targets))?;
                of.output(losses).check_same("a loss: its elements against the outputs", outputs)
            }
            Op::WeighRows { losses, weights, shares, factors, delta, loss, .. } => {
                let (losses, delta) = (of.input(losses), of.output(delta));
                loss_of(delta, delta, of.output(loss))?;
                check("weigh_rows: rows of losses against the gradient", delta.rows, losses.rows)?;
                losses.check_rows("weigh_rows: the losses")?;
                of.input(weights).check_shape("weigh_rows: the weights of its rows", 1, delta.rows)?;
                of.output(factors).check_shape("weigh_rows: the factors of its rows", 1, delta.rows)?;
                if let Some(shares) = shares {
                    of.input(shares).check_shape("weigh_rows: the shares of its rows", 1, delta.rows)?;
                }
                if losses.cols == 0 { Err(ShapeError::Empty { what: "weigh_rows: the losses" }) } else { Ok(()) }
            }
            Op::AddSquares { before, x, sum } => {
                of.input(before).check_shape("add_squares: the sum before", 1, 1)?;
                of.input(x).check_rows("add_squares: x")?;
                of.output(sum).check_shape("add_squares: the sum", 1, 1)
            }
            Op::ClipScale { squares, norm, scale, .. } => {
                of.input(squares).check_shape("clip_scale: the squares", 1, 1)?;
                of.output(norm).check_shape("clip_scale: the norm", 1, 1)?;
                of.output(scale).check_shape("clip_scale: the scale", 1, 1)
            }
            Op::InverseNorm { squares, to, .. } => {
                of.input(squares).check_shape("inverse_norm: the squares", 1, 1)?;
                of.output(to).check_shape("inverse_norm: the result", 1, 1)
            }
            Op::Scale { factor, x } => {
                of.input(factor).check_shape("scale: the factor", 1, 1)?;
                of.output(x).check_rows("scale: x")
            }
            Op::Clamp { x, .. } => of.output(x).check_rows("clamp: x"),
            Op::Multiply { x, by, to } => {
                let to = of.output(to);
                of.input(x).check_same("multiply: x against the result", to)?;
                of.input(by).check_same("multiply: the factors against the result", to)
            }
            Op::Blend { x, to, .. } => of.input(x).check_same("blend: x against the result", of.output(to)),
            Op::ColumnDot { a, b, sum } => {
                let a = of.input(a);
                of.input(b).check_same("column_dot: b against a", a)?;
                of.output(sum).check_shape("column_dot: the sum against columns of a", 1, a.cols)
            }
            Op::LayerNorm { x, weights, bias, normalized, scales, a, .. } => {
                let a = norm_of(of.input(x), of.output(a))?;
                row_of("a norm: its weights", of.input(weights), a.cols)?;
                row_of("a norm: its biases", of.input(bias), a.cols)?;
                of.output(normalized).check_same("a norm: what is normalised against the outputs", a)?;
                row_of("layer_norm: the scales of its rows", of.output(scales), a.rows)
            }
            Op::LayerNormGradient { delta, weights, normalized, scales, d, .. } => {
                let d = norm_of(of.input(delta), of.output(d))?;
                row_of("a norm: its weights", of.input(weights), d.cols)?;
                of.input(normalized).check_same("a norm: what is normalised against the gradient", d)?;
                row_of("layer_norm_gradient: the scales of its rows", of.input(scales), d.rows)
            }
            Op::BatchNorm { x, weights, bias, mean, variance, scales, normalized, a, .. } => {
                let a = norm_of(of.input(x), of.output(a))?;
                row_of("a norm: its weights", of.input(weights), a.cols)?;
                row_of("a norm: its biases", of.input(bias), a.cols)?;
                for statistic in [mean, variance, scales] {
                    row_of("batch_norm: a statistic of its columns", of.output(statistic), a.cols)?;
                }
                of.output(normalized).check_same("a norm: what is normalised against the outputs", a)
            }
            Op::BatchNormGradient { delta, weights, normalized, scales, sums, factors, d, .. } => {
                let d = norm_of(of.input(delta), of.output(d))?;
                for row in [weights, scales, &sums[0], &sums[1]] {
                    row_of("batch_norm_gradient: a row of its columns", of.input(row), d.cols)?;
                }
                of.input(normalized).check_same("a norm: what is normalised against the gradient", d)?;
                let factors = of.output(factors);
                factors.check_shape("batch_norm_gradient: the factors of its columns", 3, d.cols)?;
                factors.check_rows("batch_norm_gradient: the factors of its columns")
            }
            Op::BatchNormEvaluate { x, weights, bias, mean, variance, factors, a, .. } => {
                let a = norm_of(of.input(x), of.output(a))?;
                for row in [weights, bias, mean, variance] {
                    row_of("batch_norm_evaluate: a row of its columns", of.input(row), a.cols)?;
                }
                let factors = of.output(factors);
                factors.check_shape("batch_norm_evaluate: the factors of its columns", 2, a.cols)?;
                factors.check_rows("batch_norm_evaluate: the factors of its columns")
            }
        }
    }
}

/// A, B, C and the bias must fit together, and what the product packs of A and B must be addressable.
#[inline(always)]
fn product(a: Layout, b: RightLayout, init: Init<Layout>, c: Layout) -> Result<(), ShapeError> {
    sides(a, b, init, c)?;
    packed(a, b, c)
}

/// A, B, C and the bias must fit together.
#[inline(always)]
fn sides(a: Layout, b: RightLayout, init: Init<Layout>, c: Layout) -> Result<(), ShapeError> {
    let (b_rows, b_cols) = match b {
        RightLayout::Matrix(Layout { rows, cols, .. }) | RightLayout::Packed { rows, cols } => (rows, cols),
    };
    check("gemm: rows of b against columns of a", a.cols, b_rows)?;
    check("gemm: rows of c against rows of a", a.rows, c.rows)?;
    check("gemm: columns of c against columns of b", b_cols, c.cols)?;
    match init {
        Init::Bias(bias) => bias.check_shape("gemm: the bias against columns of c", 1, c.cols),
        Init::Zero | Init::Accumulate => Ok(()),
    }
}

/// The parts of A and B that a product may pack must be addressable. Almost all of what it packs are blocks of a bounded size.
///
/// The exception is a left factor of fewer than 16 rows whose rows and columns are not contiguous: it is packed in its whole length. B is the
/// left factor where C has contiguous columns, because such a product is computed as Cᵀ ← Bᵀ·Aᵀ.
#[inline(always)]
fn packed(a: Layout, b: RightLayout, c: Layout) -> Result<(), ShapeError> {
    if c.rows == 0 || c.cols == 0 {
        return Ok(());
    }
    let scattered = |Strides { row, col }: Strides| row != 1 && col != 1;
    if scattered(a.strides) {
        check_copy("gemm: a", a.rows.min(FEW_ROWS), a.cols, 0)?;
    }
    match b {
        RightLayout::Matrix(b) if scattered(b.strides) => check_copy("gemm: b", b.cols.min(FEW_ROWS), b.rows, 0),
        _ => Ok(()),
    }
}

/// The factor that `gemm_scaled` copies and multiplies by α, if α is neither 0 nor 1: A, or B where C has contiguous columns. None of its
/// columns if C has no elements: then nothing is copied.
#[inline(always)]
pub(crate) fn scaled_factor(a: Layout, b: Layout, c: Layout) -> (&'static str, Layout) {
    let (what, factor) = match c.strides {
        Strides { row: 1, col } if col != 1 => ("gemm_scaled: b", b),
        _ => ("gemm_scaled: a", a),
    };
    (what, if c.rows == 0 || c.cols == 0 { Layout { cols: 0, ..factor } } else { factor })
}

/// The examples that `dense_update` may pack at once: an update needs complete sums, so no block ends between examples.
#[inline(always)]
fn update_copy(x: Layout, delta: Layout) -> Result<(), ShapeError> {
    match delta.cols {
        0 => Ok(()),
        cols => check_copy("dense_update: x", x.rows, x.cols, cols.saturating_add(2 * MAX_LANES)),
    }
}

/// As many matrices of state as a rule keeps must be there, of the weights' shape.
#[inline(always)]
fn kept<const N: usize>(rule: &Rule<f64>, weights: Layout, state: [Option<Layout>; N]) -> Result<(), ShapeError> {
    check("update: matrices of state", rule.state(), state.iter().flatten().count())?;
    check("update: the first matrices of state", rule.state(), state.iter().take_while(|kept| kept.is_some()).count())?;
    state.iter().flatten().try_for_each(|kept| kept.check_same("update: the state against the weights", weights))
}

/// Inputs and outputs of a norm must have one shape, with elements, and rows whose elements stand side by side.
#[inline(always)]
fn norm_of(inputs: Layout, outputs: Layout) -> Result<Layout, ShapeError> {
    inputs.check_same("a norm: its inputs against its outputs", outputs)?;
    if outputs.rows == 0 || outputs.cols == 0 {
        Err(ShapeError::Empty { what: "a norm: its inputs" })
    } else {
        Ok(outputs)
    }
}

/// A row of so many elements that stand side by side.
#[inline(always)]
fn row_of(what: &'static str, row: Layout, len: usize) -> Result<(), ShapeError> {
    row.check_shape(what, 1, len)
}

#[inline(always)]
fn loss_of(outputs: Layout, delta: Layout, loss: Layout) -> Result<Layout, ShapeError> {
    delta.check_same("a loss: its gradient against the outputs", outputs)?;
    loss.check_shape("a loss: the result", 1, 1)?;
    if outputs.rows == 0 || outputs.cols == 0 {
        return Err(ShapeError::Empty { what: "a loss: the outputs" });
    }
    Ok(outputs)
}

/// Targets may have any strides.
#[inline(always)]
fn same_sides(outputs: Layout, targets: Layout) -> Result<(), ShapeError> {
    check("a loss: rows of the targets against the outputs", outputs.rows, targets.rows)?;
    check("a loss: columns of the targets against the outputs", outputs.cols, targets.cols)
}
