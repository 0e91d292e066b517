//! The names of all kernels.

use super::{Op, Operands};

/// Names each variant once. A variant without a row does not compile.
macro_rules! names {
    ($($variant:ident = $name:literal,)*) => {
        impl<O: Operands> Op<O> {
            /// The names of all kernels, in the order of the variants.
            pub const NAMES: [&'static str; [$($name),*].len()] = [$($name),*];

            /// The kernel's name.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Op::$variant { .. } => $name,)*
                }
            }
        }
    };
}

names! {
    Dot = "dot",
    DotInF64 = "dot_in_f64",
    Axpy = "axpy",
    Gemv = "gemv",
    GemvTransposed = "gemv_transposed",
    Ger = "ger",
    Gemm = "gemm",
    GemmScaled = "gemm_scaled",
    DenseForward = "dense_forward",
    DenseInputGradient = "dense_input_gradient",
    DenseWeightGradient = "dense_weight_gradient",
    DenseUpdate = "dense_update",
    ColumnSum = "column_sum",
    Activate = "activate",
    Derive = "derive",
    Apply = "apply",
    Softmax = "softmax",
    LogSoftmax = "log_softmax",
    SoftmaxGradient = "softmax_gradient",
    LogSoftmaxGradient = "log_softmax_gradient",
    LogSumExp = "log_sum_exp",
    Update = "update",
    MeanSquaredError = "mean_squared_error",
    BinaryCrossEntropy = "binary_cross_entropy",
    CrossEntropy = "cross_entropy",
    WeightedCrossEntropy = "weighted_cross_entropy",
    SoftCrossEntropy = "soft_cross_entropy",
    WeightedBinaryCrossEntropy = "weighted_binary_cross_entropy",
    ElementLoss = "element_loss",
    WeighRows = "weigh_rows",
    AddSquares = "add_squares",
    ClipScale = "clip_scale",
    InverseNorm = "inverse_norm",
    Scale = "scale",
    Clamp = "clamp",
    Multiply = "multiply",
    Blend = "blend",
    ColumnDot = "column_dot",
    LayerNorm = "layer_norm",
    LayerNormGradient = "layer_norm_gradient",
    BatchNorm = "batch_norm",
    BatchNormGradient = "batch_norm_gradient",
    BatchNormEvaluate = "batch_norm_evaluate",
}
