//! Counts of norms, of softmaxes of another matrix and their gradients, of products of elements and of running means: executed = formula, at every level.

use crate::cases::{Case, Draw, Laid, Numbers, Textbook, check_both, laid, side};
use crate::vectors::{OnRows, by_rows_of};
use nxm_kernels::{Activation, Call, Element, Executor, Function, Layout};
use proptest::prelude::*;

/// Which kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    ActivateKeeping,
    Multiply,
    Blend,
    ColumnDot,
    LayerNorm,
    LayerNormGradient,
    BatchNorm,
    BatchNormGradient,
    BatchNormEvaluate,
    SoftmaxOf,
    LogSoftmaxOf,
    SoftmaxGradient,
    LogSoftmaxGradient,
}

/// All of them.
pub const NORMS: [Which; 13] = [
    Which::ActivateKeeping,
    Which::Multiply,
    Which::Blend,
    Which::ColumnDot,
    Which::LayerNorm,
    Which::LayerNormGradient,
    Which::BatchNorm,
    Which::BatchNormGradient,
    Which::BatchNormEvaluate,
    Which::SoftmaxOf,
    Which::LogSoftmaxOf,
    Which::SoftmaxGradient,
    Which::LogSoftmaxGradient,
];

pub struct OfNorm {
    pub kind: Which,
    pub rows: usize,
    pub cols: usize,
    /// Of what is read, of what is written, of what stands beside, and of rows.
    pub laid: [Laid; 4],
}

impl<T: Element> Case<T> for OfNorm {
    fn run(&self, executor: &dyn Executor, draw: Draw) -> Vec<T> {
        let (rows, cols) = (self.rows, self.cols);
        let [read, written, beside] = [0, 1, 2].map(|i| self.laid[i].layout::<T>(rows, cols));
        let row = self.laid[3].layout::<T>(1, cols);
        let (x, by) = (Numbers::new(draw, 1, read), Numbers::new(draw, 2, beside));
        let (mut to, mut normalized) = (Numbers::new(draw, 3, written), Numbers::new(draw, 4, beside));
        let of_row = |seed| Numbers::new(draw, seed, row);
        let (weights, bias, mean, variance) = (of_row(5), of_row(6), of_row(7), of_row(8).squared());
        let (mut sum, mut first, mut second) = (of_row(9), of_row(10), of_row(11));
        let mut scales = Numbers::new(draw, 12, Layout::row_major(1, rows));
        let mut factors = Numbers::new(draw, 13, self.laid[3].layout::<T>(3, cols));
        let mut two = Numbers::new(draw, 14, self.laid[3].layout::<T>(2, cols));
        let [share, epsilon] = [0.25, 1e-5].map(T::from_f64);
        let call = match self.kind {
            Which::ActivateKeeping => Call::activate_keeping(Activation::Gelu, normalized.write(), to.write()),
            Which::Multiply => Call::multiply(x.read(), by.read(), to.write()),
            Which::Blend => Call::blend(share, epsilon, x.read(), to.write()),
            Which::ColumnDot => Call::column_dot(x.read(), by.read(), sum.write()),
            Which::LayerNorm => {
                let (normalized, scales) = (normalized.write(), scales.write());
                let numbers = (share, epsilon);
                Call::layer_norm(x.read(), weights.read(), bias.read(), numbers, normalized, scales, to.write())
            }
            Which::LayerNormGradient => {
                Call::layer_norm_gradient(x.read(), weights.read(), by.read(), scales.read(), share, to.write())
            }
            Which::BatchNorm => {
                let (statistics, normalized) = ([sum.write(), first.write(), second.write()], normalized.write());
                let numbers = (share, epsilon);
                Call::batch_norm(x.read(), weights.read(), bias.read(), numbers, statistics, normalized, to.write())
            }
            Which::BatchNormGradient => {
                let (sums, factors) = ([mean.read(), variance.read()], factors.write());
                let (x, weights, by, scales) = (x.read(), weights.read(), by.read(), bias.read());
                Call::batch_norm_gradient(x, weights, by, scales, sums, share, factors, to.write())
            }
            Which::SoftmaxOf => Call::softmax_of(x.read(), to.write()),
            Which::LogSoftmaxOf => Call::log_softmax_of(x.read(), to.write()),
            Which::SoftmaxGradient => Call::softmax_gradient(x.read(), by.read(), to.write()),
            Which::LogSoftmaxGradient => Call::log_softmax_gradient(x.read(), by.read(), to.write()),
            Which::BatchNormEvaluate => {
                let (x, weights, bias) = (x.read(), weights.read(), bias.read());
                let (mean, variance, two) = (mean.read(), variance.read(), two.write());
                Call::batch_norm_evaluate(x, weights, bias, mean, variance, epsilon, two, to.write())
            }
        };
        T::run(executor, call.unwrap(), None);
        [to.data, normalized.data, sum.data, first.data, second.data, scales.data].concat()
    }
    fn textbook(&self) -> Textbook {
        let (b, m, none) = (self.rows as u128, self.cols as u128, Textbook::default());
        let n = b * m;
        match self.kind {
            Which::ActivateKeeping => {
                let functions = Activation::Gelu.function().map(|function| (function, n)).into_iter().collect();
                Textbook { functions, ..none }
            }
            Which::Multiply => none.plus([n, 0]),
            Which::Blend => none.plus([2 * n, n]),
            Which::ColumnDot => none.plus([n, n]),
            // Of a row the mean, the variance, their means, x̂ and its product with γ.
            Which::LayerNorm => {
                let additions = (m - 1) + m + (m - 1) + 1 + m;
                Textbook { sqrt: b, div: b, ..none }.plus([b * (3 * m + 2), b * additions])
            }
            Which::LayerNormGradient => none.plus([b * (4 * m + 2), b * ((m - 1) + (m - 1) + 2 * m)]),
            Which::BatchNorm => Textbook { sqrt: m, div: m, ..none }.plus([3 * n + 2 * m, 4 * n + m]),
            Which::BatchNormGradient => none.plus([2 * n + 3 * m, 2 * n]),
            // Of a copy, which takes no operation.
            Which::SoftmaxOf => by_rows_of(OnRows::Softmax, b, m),
            Which::LogSoftmaxOf => by_rows_of(OnRows::LogSoftmax, b, m),
            Which::SoftmaxGradient => none.plus([2 * n, b * (m - 1) + n]),
            Which::LogSoftmaxGradient => {
                Textbook { functions: vec![(Function::Exp, n)], ..none }.plus([n, b * (m - 1) + n])
            }
            Which::BatchNormEvaluate => Textbook { sqrt: m, div: m, ..none }.plus([n + m, n + 2 * m]),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn norms(rows in 1usize..20, cols in side(), laid in [laid(), laid(), laid(), laid()]) {
        for kind in NORMS {
            check_both(OfNorm { kind, rows, cols: cols.max(1), laid });
        }
    }

    /// All matrices laid out alike: as plain rows, or padded as in networks.
    #[test]
    fn norms_of_networks(
        rows in 1usize..40, cols in side(),
        laid in proptest::sample::select(&[Laid::Plain, Laid::Padded][..]),
    ) {
        for kind in NORMS {
            check_both(OfNorm { kind, rows, cols: cols.max(1), laid: [laid; 4] });
        }
    }
}
