//! Counts of the losses, each with its gradient: executed = formula, at every level.

use crate::cases::{Case, Draw, Laid, Numbers, Textbook, check_both, laid, side};
use nxm_kernels::{Call, Element, Executor, Function, Layout, MatrixRef, Measure};
use proptest::prelude::*;

/// Which loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    MeanSquaredError,
    BinaryCrossEntropy,
    CrossEntropy,
    WeightedCrossEntropy,
    WeightedBinaryCrossEntropy,
    /// The measure of this number in [`measures`].
    Element(usize),
    /// The weighted mean of a loss: of each element, or of each row, which has a share then.
    WeighRows {
        shares: bool,
    },
}

/// How many [`measures`] there are.
const MEASURES: usize = 8;

/// Every loss, and every way to weigh one.
pub const LOSSES: [Which; 7 + MEASURES] = [
    Which::MeanSquaredError,
    Which::BinaryCrossEntropy,
    Which::CrossEntropy,
    Which::WeightedCrossEntropy,
    Which::WeightedBinaryCrossEntropy,
    Which::WeighRows { shares: false },
    Which::WeighRows { shares: true },
    Which::Element(0),
    Which::Element(1),
    Which::Element(2),
    Which::Element(3),
    Which::Element(4),
    Which::Element(5),
    Which::Element(6),
    Which::Element(7),
];

/// Every measure of how far an output is from its target.
fn measures<T: Element>() -> [Measure<T>; MEASURES] {
    let t = T::from_f64;
    [
        Measure::Squared,
        Measure::Absolute,
        Measure::Huber { delta: t(0.5) },
        Measure::Quantile { tau: t(0.25), rest: t(0.75) },
        Measure::Poisson,
        Measure::PoissonRate { epsilon: t(1e-8) },
        Measure::SoftMargin,
        Measure::KullbackLeibler,
    ]
}

pub struct OfBatch {
    pub kind: Which,
    pub rows: usize,
    pub cols: usize,
    /// Of outputs, targets, the gradient, and what the loss keeps.
    pub laid: [Laid; 4],
    /// Whether targets stand column after column.
    pub columns: bool,
}

impl<T: Element> Case<T> for OfBatch {
    fn run(&self, executor: &dyn Executor, draw: Draw) -> Vec<T> {
        let (rows, cols, row) = (self.rows, self.cols, Layout::row_major(1, self.rows));
        let [outputs, targets, delta, kept] = self.laid.map(|laid| laid.layout::<T>(rows, cols));
        let columns = draw.numbers::<T>(rows * cols, 2);
        let columns = MatrixRef::new(&columns, cols, rows).unwrap().transpose();
        let targets = Numbers::new(draw, 2, targets);
        let targets = if self.columns { columns } else { targets.read() };
        let (outputs, mut delta) = (Numbers::new(draw, 1, outputs), Numbers::new(draw, 3, delta));
        let (mut losses, mut weights) = (Numbers::new(draw, 4, row), Numbers::new(draw, 5, row));
        let (mut loss, mut kept) = (Numbers::new(draw, 6, Layout::row_major(1, 1)), Numbers::new(draw, 7, kept));
        let classes = Numbers::new(draw, 8, Laid::Padded.layout::<T>(3, cols));
        let positive = Numbers::new(draw, 9, Laid::Padded.layout::<T>(2, cols));
        let (row_weights, mut factors) = (Numbers::new(draw, 10, row), Numbers::new(draw, 11, row));
        let labels: Vec<u32> = (0..rows).map(|i| (i * 7 % cols) as u32).collect();
        let mean = T::from_f64(0.25);
        let (o, d, to) = (outputs.read(), delta.write(), loss.write());
        let call = match self.kind {
            Which::MeanSquaredError => Call::mean_squared_error(o, targets, (mean, mean), d, to),
            Which::BinaryCrossEntropy => Call::binary_cross_entropy(o, targets, mean, kept.write(), d, to),
            Which::CrossEntropy => Call::cross_entropy(o, &labels, mean, losses.write(), d, to),
            Which::WeightedCrossEntropy => {
                let (weights, losses) = (weights.write(), losses.write());
                Call::weighted_cross_entropy(o, &labels, classes.read(), mean, weights, losses, d, to)
            }
            Which::WeightedBinaryCrossEntropy => {
                let positive = positive.read();
                Call::weighted_binary_cross_entropy(o, targets, positive, mean, kept.write(), d, to)
            }
            Which::Element(i) => Call::element_loss(measures()[i], o, targets, (mean, mean), kept.write(), d, to),
            Which::WeighRows { shares } => {
                let of_rows = MatrixRef::with_layout(&losses.data, Layout::row_major(rows, 1)).unwrap();
                let (given, factors) = (shares.then(|| weights.read()), factors.write());
                let of_elements = if shares { of_rows } else { o };
                Call::weigh_rows(of_elements, row_weights.read(), given, mean, mean, factors, d, to)
            }
        };
        T::run(executor, call.unwrap(), None);
        [loss.data, delta.data].concat()
    }
    fn textbook(&self) -> Textbook {
        textbook(self.kind, self.rows as u128, self.cols as u128)
    }
}

/// What a loss and its gradient take for b rows of m outputs.
pub fn textbook(kind: Which, b: u128, m: u128) -> Textbook {
    let (n, none) = (b * m, Textbook::default());
    let functions = vec![(Function::Exp, n), (Function::Log, b)];
    match kind {
        Which::MeanSquaredError => Textbook { multiplications: 2 * n + 1, additions: 2 * n - 1, ..none },
        Which::BinaryCrossEntropy => {
            let functions = vec![(Function::Sigmoid, n), (Function::Log1PExp, n)];
            Textbook { multiplications: 2 * n + 1, additions: 4 * n - 1, functions, ..none }
        }
        Which::CrossEntropy => {
            let (multiplications, additions) = (n + 1, b * (2 * m + 1) + b - 1);
            Textbook { multiplications, additions, div: b, cmp: b * (m - 1), functions, ..none }
        }
        Which::WeightedCrossEntropy => {
            let (multiplications, additions) = (b * (3 * m + 4) + 1, b * (4 * m + 3) + 2 * b - 2);
            Textbook { multiplications, additions, div: b + 1, cmp: b * (m - 1), functions, ..none }
        }
        Which::WeightedBinaryCrossEntropy => {
            let functions = vec![(Function::Sigmoid, n), (Function::Log1PExp, n)];
            Textbook { multiplications: 7 * n + 1, additions: 6 * n - 1, functions, ..none }
        }
        Which::Element(i) => {
            // Of an element: multiplications, additions, comparisons, divisions, and evaluations by name. Then the slope, the sum and its mean.
            let ([multiplications, additions, cmp, div], functions) = match measures::<f64>()[i] {
                Measure::Squared => ([1, 2, 0, 0], vec![]),
                Measure::Absolute => ([0, 2, 1, 0], vec![]),
                Measure::Huber { .. } => ([2, 3, 3, 0], vec![]),
                Measure::Quantile { .. } => ([2, 2, 3, 0], vec![]),
                Measure::Poisson => ([1, 2, 0, 0], vec![(Function::Exp, 2)]),
                Measure::PoissonRate { .. } => ([1, 4, 0, 1], vec![(Function::Log, 1)]),
                Measure::SoftMargin => ([3, 0, 0, 0], vec![(Function::Sigmoid, 1), (Function::Log1PExp, 1)]),
                Measure::KullbackLeibler => ([1, 1, 2, 0], vec![(Function::Log, 1)]),
            };
            Textbook {
                multiplications: multiplications * n + n + 1,
                additions: additions * n + n - 1,
                cmp: cmp * n,
                div: div * n,
                functions: functions.into_iter().map(|(function, times)| (function, times * n)).collect(),
                ..none
            }
        }
        Which::WeighRows { shares } => {
            // One loss of each row, or of each element; with shares one more product of each row, and the sum of the shares.
            let each = if shares { 1 } else { m };
            let more = u128::from(shares);
            let multiplications = n + 2 * b + 4 + more * b;
            let additions = b * (each - 1) + 2 * b - 1 + more * (b - 1);
            Textbook { multiplications, additions, div: 1, cmp: 1, ..none }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn losses(
        kind in proptest::sample::select(&LOSSES), rows in 1usize..7, cols in side(),
        laid in [laid(), laid(), laid(), laid()], columns in any::<bool>(),
    ) {
        check_both(OfBatch { kind, rows, cols: cols.max(1), laid, columns });
    }

    /// Without padding rows are taken together; with it they are not.
    #[test]
    fn losses_of_one_layout(kind in proptest::sample::select(&LOSSES), rows in 1usize..40, cols in 1usize..40, laid in laid()) {
        check_both(OfBatch { kind, rows, cols, laid: [laid; 4], columns: false });
    }
}
